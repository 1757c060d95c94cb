/**
 * A lock in the manner of a futex: one thread has it at a time, and a thread that waits for it sleeps and uses no CPU.
 *
 * One word says who has the lock: 0 means nobody, `n` thread n, and `−n` thread n while others may be asleep. Taking
 * the lock and naming its owner is one access, so a thread that dies at any point is still known as the owner.
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
   * Returns once this thread has the lock: the lock's word is then `me`, or `−me` when others may be asleep. Sleeps
   * while any thread has it. A thread that already has the lock never returns: it waits for itself, forever (or you
   * throw), whether the word is `me` or `−me`.
   *
   * @step 05.2
   */
  lock(): void {
    if (this.#words.compareExchange(this.#lock, FREE, this.#me) === FREE) return
    for (;;) {
      // Taken this way, the lock always counts as contended: others may be asleep, and we cannot see them.
      const owner = this.#words.compareExchange(this.#lock, FREE, -this.#me)
      if (owner === FREE) return
      if (owner > 0 && this.#words.compareExchange(this.#lock, owner, -owner) !== owner) continue
      this.#words.wait(this.#lock, -Math.abs(owner))
    }
  }

  /**
   * Frees the lock, and wakes one of the threads that sleep, if any do. Throws, changes nothing and wakes nobody when
   * this thread does not have the lock. Only the lock's word says who has it.
   *
   * @step 05.2
   */
  unlock(): void {
    const before = this.#words.compareExchange(this.#lock, this.#me, FREE)
    if (before === this.#me) return
    if (before !== -this.#me) throw new Error('unlock() by a thread that does not have the lock')
    // Free it first, then wake one: a sleeper that wakes must find it free.
    this.#words.store(this.#lock, FREE)
    this.#words.notify(this.#lock, 1)
  }

  /**
   * Runs `body` with the lock and returns what it returns. The lock is free afterwards, however `body` ends. Inside
   * `body`, a second `withLock()` on the same lock does not return, just as a second `lock()`.
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

  /** For the owner: a thread has died with the lock, what it protects may be half changed, and nobody has repaired it. */
  get isAbandoned(): boolean {
    return this.#words.load(this.#abandoned) !== 0
  }

  /** For the owner to call when what the lock protects is whole again. */
  markConsistent(): void {
    this.#words.store(this.#abandoned, 0)
  }

  /**
   * For the main thread to call after that thread has ended, wherever it was. If the thread had the lock, the lock is
   * abandoned and free afterwards.
   *
   * The thread may also have died just before it would have woken another, or just after it was woken itself, so one
   * sleeper is woken in any case, whoever has the lock now.
   *
   * @step 05.6
   */
  threadEnded(thread: number): void {
    if (Math.abs(this.#words.load(this.#lock)) === thread) {
      // Marked first: the next owner must find the mark.
      this.#words.store(this.#abandoned, 1)
      this.#words.store(this.#lock, FREE)
    }
    this.#words.notify(this.#lock, 1)
  }
}
