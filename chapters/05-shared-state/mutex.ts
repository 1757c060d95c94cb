/**
 * A lock that sleeps, in the manner of a futex: one thread at a time, and a thread that waits uses no CPU.
 *
 * One word says everything: 0 is free, `n` belongs to thread n, `−n` belongs to thread n and others may be asleep. Taking
 * the lock and naming its owner is one access, so that a thread can die at any point and still be known as the owner.
 *
 * After Ulrich Drepper, "Futexes Are Tricky" (2011), mutex 2, and the robust mutexes of pthreads.
 */

import type { SharedWords } from './shared-words.ts'

const FREE = 0

/** A mutex takes up two words: whose it is, and whether an owner has died. */
export const MUTEX_WORDS = 2

export class Mutex {
  readonly #words: SharedWords
  readonly #lock: number
  readonly #abandoned: number
  readonly #me: number

  /** `index` is its first word; `me` is this thread's number, 1 or more. The main thread, which never locks, is 0. */
  constructor(words: SharedWords, index: number, me: number) {
    this.#words = words
    this.#lock = index
    this.#abandoned = index + 1
    this.#me = me
  }

  /**
   * Returns once this thread has the lock: its word is `me` then, or `−me` when others may be asleep. Sleeps while anybody
   * has it: a thread that has it already waits for itself, forever.
   *
   * @step 05.2
   */
  lock(): void {
    // TODO 05.2
    throw new Error('TODO 05.2')
  }

  /**
   * Frees the lock, and wakes one of the threads that sleep, if any do. Throws, and changes nothing, when this thread does
   * not have it.
   *
   * @step 05.2
   */
  unlock(): void {
    // TODO 05.2
    throw new Error('TODO 05.2')
  }

  /**
   * Runs `body` with the lock and returns what it returns. The lock is free afterwards, however `body` ends.
   *
   * @step 05.3
   */
  withLock<T>(body: () => T): T {
    // TODO 05.3
    throw new Error('TODO 05.3')
  }

  /** For the owner: a thread has died with the lock, and what the lock protects may be half changed. */
  get isAbandoned(): boolean {
    return this.#words.load(this.#abandoned) !== 0
  }

  /** For the owner: what the lock protects is whole again. */
  markConsistent(): void {
    this.#words.store(this.#abandoned, 0)
  }

  /**
   * For the main thread: that thread has ended, wherever it was. If it had the lock, the lock is abandoned and free.
   *
   * It may also have died just before it was to wake another thread, or just after it was woken itself, so one sleeper is
   * woken in any case.
   *
   * @step 05.6
   */
  threadEnded(thread: number): void {
    // TODO 05.6
    throw new Error('TODO 05.6')
  }
}
