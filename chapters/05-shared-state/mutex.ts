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
    // TODO 05.2
    throw new Error('TODO 05.2')
  }

  /**
   * Gives the lock up, and wakes one of those who sleep, if any do. Throws when this thread does not have it.
   *
   * @step 05.2
   */
  unlock(): void {
    // TODO 05.2
    throw new Error('TODO 05.2')
  }

  /**
   * Runs `body` with the lock, and answers what it answers. The lock is free afterwards, however `body` ends.
   *
   * @step 05.3
   */
  withLock<T>(body: () => T): T {
    // TODO 05.3
    throw new Error('TODO 05.3')
  }
}
