/**
 * What guessing passwords costs: time, and more of it with every wrong guess.
 *
 * Three bounds, for three ways to guess. One network, one account: after each failure the network has to wait, twice as
 * long every time. One network, many accounts: its tries per second are limited. Many networks, one account: after too
 * many failures in an hour, only networks that have logged in to it before may try; the owner's has, so the owner is
 * not locked out.
 *
 * All of this is in memory, and a restart forgets it. Until the owner logs in again, the owner's network is unknown,
 * too: if somebody goes on guessing meanwhile, the owner may have to wait until the hour is over. (Sessions outlive a
 * restart, and whoever has one needs no password.)
 *
 * A try counts as a failure from the moment it begins, before its password is hashed: otherwise a hundred tries at the
 * same moment would all pass a count that is still zero. A try that succeeds is taken back. A name without an account
 * is counted like any other, or the difference would show who has one. Nothing here knows passwords, and nothing waits.
 */

import type { Clock } from '../08-timers/timer-queue.ts'
import { LruTable } from './lru-table.ts'
import { networkOf } from './network-of.ts'
import { NetworkRate, type RateLimits } from './network-rate.ts'

export interface ThrottleLimits {
  /** The wait after a network's first failure at an account; it doubles with each … */
  firstDelayMs: number
  /** … up to this. */
  maxDelayMs: number
  /** A network's failures at an account are forgotten this long after its last try there that was not refused. */
  forgetMs: number
  /** Tries that a network may begin, whatever the account. */
  rate: RateLimits
  /** After this many failures within `windowMs`, an account is closed to networks that have never logged in to it. */
  maxFailures: number
  windowMs: number
  /** Entries in each table. */
  maxEntries: number
}

export const THROTTLE_LIMITS: ThrottleLimits = {
  firstDelayMs: 1_000,
  maxDelayMs: 15 * 60_000,
  forgetMs: 60 * 60_000,
  rate: { perSecond: 0.5, burst: 30 },
  maxFailures: 100,
  windowMs: 60 * 60_000,
  maxEntries: 100_000,
}

/** What a network has tried at an account. */
interface Pair {
  failures: number
  triedAt: number
  /** It may not try again before this moment. */
  waitUntil: number
}

/** What an account has seen since its window began. */
interface Window {
  failures: number
  beganAt: number
}

export class Throttle {
  readonly #clock: Clock
  readonly #limits: ThrottleLimits
  readonly #rate: NetworkRate
  readonly #pairs: LruTable<Pair>
  readonly #windows: LruTable<Window>
  /** The pairs that have logged in. */
  readonly #known: LruTable<true>

  constructor(clock: Clock, limits: ThrottleLimits = THROTTLE_LIMITS) {
    const { rate, maxEntries } = limits
    this.#clock = clock
    this.#limits = limits
    this.#rate = new NetworkRate(clock, rate, maxEntries)
    this.#pairs = new LruTable(maxEntries, () => ({
      failures: 0,
      triedAt: clock.now(),
      waitUntil: 0,
    }))
    this.#windows = new LruTable(maxEntries, () => ({ failures: 0, beganAt: clock.now() }))
    this.#known = new LruTable(maxEntries, () => true)
  }

  /**
   * Begins a try to log in to an account (any string that stands for it) from an address. Returns 0 if the try may go
   * on: it counts as a failure from now on. Otherwise returns for how many milliseconds it is refused: a refusal is not
   * a failure, and prolongs nothing.
   *
   * The network's rate is asked first. If it refuses, its wait is returned and no other table is touched, or made-up
   * names would push everybody else out of them. Of the other two waits, the longer one counts; one has been taken from
   * the rate either way. Each failure of a pair begins its wait anew: `firstDelayMs`, then twice as long each time, up
   * to `maxDelayMs`. An account that has had `maxFailures` is closed, until its window is over, to networks that have
   * never logged in to it.
   *
   * @step 14.5
   */
  begin(account: string, address: string): number {
    // TODO 14.5
    throw new Error('TODO 14.5')
  }

  /**
   * Takes back a try that had begun, but whose password was never hashed. The pair and the account's window each count
   * one failure less, and the pair need not wait any longer. A count that was forgotten meanwhile stays 0.
   *
   * Nobody knows which try it was. So the wait that ends may be that of a later try of the same pair; and when a try
   * began in an earlier window, the failure that is taken from the present window is somebody else's.
   *
   * @step 14.5
   */
  takeBack(account: string, address: string): void {
    // TODO 14.5
    throw new Error('TODO 14.5')
  }

  /**
   * Ends a try that was right. It no longer counts, the pair's earlier failures are forgotten, and the network is known
   * to this account from now on. Every success is a use of the pair's entry in `#known`. The account's window loses one
   * failure, as with `takeBack`, and the others stay. No count goes below 0.
   *
   * @step 14.5
   */
  succeed(account: string, address: string): void {
    // TODO 14.5
    throw new Error('TODO 14.5')
  }

  /** What is counted for the pair; old failures are forgotten. */
  #pair(account: string, address: string): Pair {
    const pair = this.#pairs.use(keyOf(account, address))
    if (this.#clock.now() - pair.triedAt >= this.#limits.forgetMs) pair.failures = 0
    return pair
  }

  /** What is counted for the account; a window that is over begins anew. */
  #window(account: string): Window {
    const window = this.#windows.use(account)
    const now = this.#clock.now()
    if (now - window.beganAt >= this.#limits.windowMs) {
      window.beganAt = now
      window.failures = 0
    }
    return window
  }
}

/** A network contains no space, so two pairs never have the same key. */
function keyOf(account: string, address: string): string {
  return `${networkOf(address)} ${account}`
}
