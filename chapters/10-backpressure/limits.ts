/** How many may come, and how fast each of them may talk. Nothing here knows a connection; the clock is passed in. */

import type { Clock } from '../08-timers/timer-queue.ts'

/** Of the descriptors that a process may have, so many are not for connections: files, logs, names, the newcomers. */
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
    // TODO 10.4
    throw new Error('TODO 10.4')
  }

  /**
   * One of those who were let in has gone.
   *
   * @step 10.4
   */
  leave(): void {
    // TODO 10.4
    throw new Error('TODO 10.4')
  }
}

/**
 * So many a second in the long run, and a burst of more when it has been quiet.
 *
 * Tokens come at a steady rate, until the bucket is full. What happens takes tokens; it may take more than there are, for
 * what has come has come, and then there is a debt, which is paid by waiting. No timer runs: time is looked at when it
 * matters.
 */
export class TokenBucket {
  readonly #clock: Clock
  readonly #perMs: number
  readonly #burst: number
  /** Below zero is a debt. */
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
   * Takes so many tokens. Answers for how many milliseconds nothing more should be taken: until the debt is paid, and 0
   * when there is none.
   *
   * @step 10.4
   */
  take(count: number): number {
    // TODO 10.4
    throw new Error('TODO 10.4')
  }
}

/**
 * How many connections a process may hold that wants `wanted` and may have `descriptors` open: so many that
 * `RESERVED_DESCRIPTORS` stay for everything else. At least one, or it need not listen.
 *
 * @step 10.5
 */
export function affordableConnections(wanted: number, descriptors: number): number {
  // TODO 10.5
  throw new Error('TODO 10.5')
}
