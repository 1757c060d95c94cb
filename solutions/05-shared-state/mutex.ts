/**
 * A lock that sleeps, in the manner of a futex: one thread at a time, and whoever waits uses no CPU.
 *
 * The word says how things stand, so that the common case (nobody else wants it) costs a single access each way.
 * After Ulrich Drepper, "Futexes Are Tricky" (2011), mutex 2.
 */

import type { SharedWords } from './shared-words.ts'

const FREE = 0
const TAKEN = 1
/** Taken, and somebody may be asleep: whoever frees it has to wake one. */
const CONTENDED = 2

/** A mutex takes up so many words: how things stand, and who has it. */
export const MUTEX_WORDS = 2

export class Mutex {
  readonly #words: SharedWords
  readonly #state: number
  readonly #owner: number
  readonly #me: number

  /** `index` is its first word; `me` tells the threads apart and is not 0. */
  constructor(words: SharedWords, index: number, me: number) {
    this.#words = words
    this.#state = index
    this.#owner = index + 1
    this.#me = me
  }

  /**
   * Returns once this thread has the lock. Sleeps as long as another one has it.
   *
   * @step 05.2
   */
  lock(): void {
    const before = this.#words.compareExchange(this.#state, FREE, TAKEN)
    if (before !== FREE) this.#lockContended()
    this.#words.store(this.#owner, this.#me)
  }

  /**
   * Gives the lock up, and wakes one of those who sleep, if any do. Throws when this thread does not have it.
   *
   * @step 05.2
   */
  unlock(): void {
    if (this.#words.load(this.#owner) !== this.#me) {
      throw new Error('unlock() by a thread that does not have the lock')
    }
    this.#words.store(this.#owner, 0)
    if (this.#words.add(this.#state, -1) === TAKEN) return
    // It was contended: free it first, then wake one. A sleeper that is woken must find it free.
    this.#words.store(this.#state, FREE)
    this.#words.notify(this.#state, 1)
  }

  /**
   * Runs `body` with the lock, and answers what it answers. The lock is free afterwards, however `body` ends.
   *
   * @step 05.3
   */
  withLock<T>(body: () => T): T {
    this.lock()
    try {
      return body()
    } finally {
      this.unlock()
    }
  }

  /** @answer 05.2 */
  #lockContended(): void {
    // Taken this way the lock always counts as contended: others may sleep whom we cannot see.
    while (this.#words.compareExchange(this.#state, FREE, CONTENDED) !== FREE) {
      if (this.#words.compareExchange(this.#state, TAKEN, CONTENDED) === FREE) continue
      this.#words.wait(this.#state, CONTENDED)
    }
  }
}
