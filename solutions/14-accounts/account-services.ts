/** Everything that the account handlers need, put together once. */

import { randomBytes } from 'node:crypto'
import type { Clock } from '../08-timers/timer-queue.ts'
import { TokenBucket } from '../10-backpressure/limits.ts'
import { AccountPeople, MAX_CONNECTIONS } from './account-people.ts'
import type { AccountStore } from './account-store.ts'
import { Credentials } from './credentials.ts'
import { HASH_LIMITS, HashQueue, type QueueStats } from './hash-queue.ts'
import { LiveSessions } from './live-sessions.ts'
import { NetworkRate, type RateLimits } from './network-rate.ts'
import { COST, type Cost, type Derive, deriveKey, type Hasher } from './passwords.ts'
import { Sessions } from './sessions.ts'
import { openSqliteAccounts } from './sqlite-accounts.ts'
import { THROTTLE_LIMITS, Throttle, type ThrottleLimits } from './throttle.ts'

export interface AccountOptions {
  /** The folder of `accounts.db`; if left out, the database is in memory. */
  data?: string
  /** What hashing a password costs from now on. */
  passwordCost?: Cost
  /** Derives keys; by default scrypt, in libuv's threads. */
  derive?: Derive
  throttle?: Partial<ThrottleLimits>
  /** Accounts that the peers of one network may register. */
  registrations?: RateLimits
  /** A session ends after this long without use … */
  sessionIdleMs?: number
  /** … and this long after its log-in in any case. */
  sessionMaxMs?: number
  /** Time between two looks for sessions that are over. */
  sweepMs?: number
  /** Connections that an account may have at the same time. */
  connectionsPerAccount?: number
  /** How many messages per second an account may say in the long run, and how many at once after a pause. */
  saysPerSecond?: number
  burstSays?: number
  clock?: Clock
}

export interface AccountServices {
  readonly accounts: AccountStore
  readonly hasher: Hasher
  readonly credentials: Credentials
  readonly throttle: Throttle
  readonly registrations: NetworkRate
  readonly sessions: Sessions
  readonly live: LiveSessions
  readonly people: AccountPeople
  stats(): { hashes: QueueStats; liveSessions: number }
  close(): Promise<void>
}

const DAY_MS = 24 * 60 * 60_000
const MINUTE_MS = 60_000

/** Opens the database and starts to look for sessions that are over. `onBug` is told what fails there. */
export async function openAccountServices(
  options: AccountOptions,
  onBug: (error: unknown) => void,
): Promise<AccountServices> {
  const { data, passwordCost = COST, derive = deriveKey, clock = performance } = options
  const store = await openSqliteAccounts(data)
  const queue = new HashQueue(HASH_LIMITS)
  const hasher: Hasher = {
    derive: (...args) => queue.run(() => derive(...args)),
    cost: passwordCost,
  }
  const throttleLimits = { ...THROTTLE_LIMITS, ...options.throttle }
  const { registrations = { perSecond: 1 / 60, burst: 10 } } = options
  const sessions = new Sessions(store.sessions, {
    now: Date.now,
    randomBytes,
    idleMs: options.sessionIdleMs ?? 14 * DAY_MS,
    maxMs: options.sessionMaxMs ?? 90 * DAY_MS,
  })
  const live = new LiveSessions(sessions)
  const stopSweeping = sweep(sessions, live, options.sweepMs ?? MINUTE_MS, onBug)
  return {
    accounts: store.accounts,
    hasher,
    credentials: new Credentials(store.accounts, hasher),
    throttle: new Throttle(clock, throttleLimits),
    registrations: new NetworkRate(clock, registrations, throttleLimits.maxEntries),
    sessions,
    live,
    people: new AccountPeople(
      () => makeBucket(clock, options),
      throttleLimits.maxEntries,
      options.connectionsPerAccount ?? MAX_CONNECTIONS,
    ),
    stats: () => ({ hashes: queue.stats(), liveSessions: live.size }),
    async close() {
      await stopSweeping()
      await store.close()
    },
  }
}

/** Ends sessions that are over, a round at a time. Returns a function that stops this, and waits for the last round. */
function sweep(
  sessions: Sessions,
  live: LiveSessions,
  everyMs: number,
  onBug: (error: unknown) => void,
): () => Promise<void> {
  let round = Promise.resolve()
  let isSweeping = false
  const sweepOnce = async () => {
    isSweeping = true
    try {
      await live.endOver()
      await sessions.removeOver()
    } catch (error) {
      onBug(error)
    }
    isSweeping = false
  }
  const timer = setInterval(() => {
    if (!isSweeping) round = sweepOnce()
  }, everyMs)
  return () => {
    clearInterval(timer)
    return round
  }
}

function makeBucket(clock: Clock, { saysPerSecond, burstSays = 20 }: AccountOptions) {
  if (saysPerSecond === undefined) return undefined
  // One less, because a bucket lets the last one overdraw it.
  return new TokenBucket(clock, saysPerSecond, burstSays - 1)
}
