/** How often the peers of one network may ask for something expensive: a token bucket for each, in a bounded table. */

import type { Clock } from '../08-timers/timer-queue.ts'
import { TokenBucket } from '../10-backpressure/limits.ts'
import { LruTable } from './lru-table.ts'
import { networkOf } from './network-of.ts'

export interface RateLimits {
  /** How many in the long run … */
  perSecond: number
  /** … and how many at once after a pause. */
  burst: number
}

export class NetworkRate {
  readonly #buckets: LruTable<TokenBucket>

  constructor(clock: Clock, { perSecond, burst }: RateLimits, maxEntries: number) {
    // One less, because a bucket lets the last one overdraw it.
    this.#buckets = new LruTable(maxEntries, () => new TokenBucket(clock, perSecond, burst - 1))
  }

  /**
   * Takes one for the address's network and returns 0; or takes none, and returns for how many milliseconds none is
   * left.
   */
  take(address: string): number {
    const bucket = this.#buckets.use(networkOf(address))
    const debtMs = bucket.take(0)
    if (debtMs === 0) bucket.take(1)
    return debtMs
  }
}
