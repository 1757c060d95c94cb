/** How many may come in, and how fast each may talk. Nothing here knows about connections; the clock is passed in. */

import type { Clock } from '../08-timers/timer-queue.ts'

/** How many of a process's descriptors are kept back for other things: files, logs, name look-ups, newcomers. */
export const RESERVED_DESCRIPTORS = 64

/** Counts those who are inside. */
export class ConnectionCap {
  readonly #max: number
  #count = 0

  constructor(max: number) {
    this.#max = max
  }

  /** How many are inside. */
  get count(): number {
    return this.#count
  }

  /**
   * Whether one more may come in. If so, it is inside until `leave` is called for it.
   *
   * @step 10.4
   */
  enter(): boolean {
    if (this.#count >= this.#max) return false
    this.#count += 1
    return true
  }

  /**
   * One of those who were let in has gone.
   *
   * @step 10.4
   */
  leave(): void {
    this.#count -= 1
  }
}

/**
 * Limits a rate: `perSecond` in the long run, and a burst of more when it has been quiet.
 *
 * Tokens arrive at a steady rate, until the bucket is full. `take` may overdraw the bucket; the overdraft is the pause.
 * No timer runs: the clock is read when somebody takes.
 */
export class TokenBucket {
  readonly #clock: Clock
  readonly #perMs: number
  readonly #burst: number
  /** Below zero: overdrawn. */
  #tokens: number
  #countedAtMs: number

  /** Full at first: `burst` tokens. */
  constructor(clock: Clock, perSecond: number, burst: number) {
    this.#clock = clock
    this.#perMs = perSecond / 1_000
    this.#burst = burst
    this.#tokens = burst
    this.#countedAtMs = clock.now()
  }

  /**
   * Takes `count` tokens, and returns for how many milliseconds nothing more should be taken: until the overdraft is
   * paid, or 0 if there is none.
   *
   * @step 10.4
   */
  take(count: number): number {
    const now = this.#clock.now()
    const earned = (now - this.#countedAtMs) * this.#perMs
    this.#tokens = Math.min(this.#burst, this.#tokens + earned) - count
    this.#countedAtMs = now
    return this.#tokens >= 0 ? 0 : -this.#tokens / this.#perMs
  }
}

/**
 * Returns how many of the `wanted` connections a process may hold if it may have `descriptors` open: as many as leave
 * `RESERVED_DESCRIPTORS` for everything else, but at least one, whatever is wanted.
 *
 * @step 10.5
 */
export function affordableConnections(wanted: number, descriptors: number): number {
  return Math.max(1, Math.min(wanted, descriptors - RESERVED_DESCRIPTORS))
}
