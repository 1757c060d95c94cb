/**
 * Accounts that several threads transfer money between: records larger than one word, and operations on two records.
 *
 * Each account has a lock of its own, so that transfers between other accounts need not wait.
 */

import { MUTEX_WORDS, Mutex } from './mutex.ts'
import type { SharedWords } from './shared-words.ts'

/** An account: its lock, its balance, and how many transfers it has taken part in. */
const BALANCE = MUTEX_WORDS
const TRANSFERS = MUTEX_WORDS + 1
export const ACCOUNT_WORDS = MUTEX_WORDS + 2

export class Ledger {
  readonly #words: SharedWords
  readonly #first: number
  readonly #me: number

  /** Accounts are stored one after another, from word `first` on; `me` is the thread's number, as in `Mutex`. */
  constructor(words: SharedWords, first: number, me: number) {
    this.#words = words
    this.#first = first
    this.#me = me
  }

  /**
   * Moves `amount` (more than 0) from one account to the other under both locks, and counts a transfer for each. It
   * takes no other lock: transfers between other accounts need not wait.
   * Returns false, changes nothing and keeps no lock when `from` has less than `amount`, or when both accounts are the
   * same.
   *
   * Any number of threads may transfer at once, in any direction: none of them gets stuck.
   *
   * @step 05.4
   */
  transfer(from: number, to: number, amount: number): boolean {
    // TODO 05.4
    throw new Error('TODO 05.4')
  }

  /** Returns the balance and the number of transfers of an account, as they were at one moment. */
  read(account: number): { balance: number; transfers: number } {
    return this.#lockOf(account).withLock(() => ({
      balance: this.#read(account, BALANCE),
      transfers: this.#read(account, TRANSFERS),
    }))
  }

  #lockOf(account: number): Mutex {
    return new Mutex(this.#words, this.#wordOf(account, 0), this.#me)
  }

  #read(account: number, field: number): number {
    return this.#words.load(this.#wordOf(account, field))
  }

  /** Needs the account's lock: nobody else may come between the load and the store. */
  #change(account: number, field: number, delta: number): void {
    const word = this.#wordOf(account, field)
    this.#words.store(word, this.#words.load(word) + delta)
  }

  #wordOf(account: number, field: number): number {
    return this.#first + account * ACCOUNT_WORDS + field
  }
}
