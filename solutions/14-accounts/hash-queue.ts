/**
 * A queue that keeps slow work from taking every thread: a few tasks run, a few more wait, and the next is refused.
 *
 * libuv has four threads for everything that blocks, and a hash holds one for a fifth of a second. Two hashes at a time
 * leave two threads for files. The queue is short because whoever waits at its end should still be there when it is
 * their turn.
 */

export interface QueueLimits {
  /** Tasks that may run at the same time. */
  running: number
  /** Tasks that may wait; one more is refused. */
  waiting: number
}

export interface QueueStats {
  running: number
  waiting: number
  /** Tasks refused because the queue was full, since the beginning. */
  refused: number
}

export const HASH_LIMITS: QueueLimits = { running: 2, waiting: 32 }

/** As many tasks wait as are allowed: try again later. */
export class HashesBusy extends Error {
  constructor() {
    super('too many passwords are being hashed')
  }
}

export class HashQueue {
  readonly #limits: QueueLimits
  #running = 0
  #refused = 0
  /** The tasks in line; each function is called when its task has a place. */
  readonly #waiting: (() => void)[] = []

  constructor(limits: QueueLimits) {
    this.#limits = limits
  }

  /**
   * Runs the task: now if fewer than `running` tasks run, otherwise when its turn comes, in order of arrival. Resolves
   * with its result, rejects with what it throws. Rejects with `HashesBusy`, and counts that in `refused`, if `waiting`
   * tasks wait already. A task that fails leaves its place to the next like any other. A waiting task sleeps: no timer
   * asks again whether there is a place.
   *
   * @step 14.2
   */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running < this.#limits.running) this.#running += 1
    else await this.#turn()
    try {
      return await task()
    } finally {
      const next = this.#waiting.shift()
      // The place is handed over: whoever calls run() at this moment cannot take it.
      if (next) next()
      else this.#running -= 1
    }
  }

  stats(): QueueStats {
    return { running: this.#running, waiting: this.#waiting.length, refused: this.#refused }
  }

  /** @answer 14.2 */
  #turn(): Promise<void> {
    if (this.#waiting.length < this.#limits.waiting)
      return new Promise((resolve) => this.#waiting.push(resolve))
    this.#refused += 1
    throw new HashesBusy()
  }
}
