/** The people who are here: one for each account, however many connections it has. */

import type { TokenBucket } from '../10-backpressure/limits.ts'
import type { Person } from '../13-rooms/people.ts'
import type { Account } from './account-store.ts'
import { LruTable } from './lru-table.ts'

/** A person who has logged in, as one connection knows them. */
export interface AccountPerson extends Person {
  readonly accountId: number
  readonly sessionId: string
}

/** Connections that an account may have at the same time. */
export const MAX_CONNECTIONS = 8

interface Presence {
  connections: number
  bucket: TokenBucket | undefined
}

export class AccountPeople {
  readonly #maxConnections: number
  readonly #presences = new Map<number, Presence>()
  /** By account. A bucket outlives the presence: whoever hangs up and comes back must not find it full again. */
  readonly #buckets: LruTable<TokenBucket | undefined>

  constructor(
    makeBucket: () => TokenBucket | undefined,
    maxBuckets: number,
    maxConnections = MAX_CONNECTIONS,
  ) {
    this.#buckets = new LruTable(maxBuckets, makeBucket)
    this.#maxConnections = maxConnections
  }

  /** Adds a connection of the account; `undefined` if there are as many as allowed. Calls `onLeft` when it is over. */
  enter(
    account: Account,
    sessionId: string,
    onLeft: AccountPerson['left'],
  ): AccountPerson | undefined {
    const { id: accountId, name } = account
    const presence = this.#presences.get(accountId) ?? {
      connections: 0,
      bucket: this.#buckets.use(String(accountId)),
    }
    if (presence.connections >= this.#maxConnections) return undefined
    presence.connections += 1
    this.#presences.set(accountId, presence)
    const left: AccountPerson['left'] = (session) => {
      presence.connections -= 1
      if (presence.connections === 0) this.#presences.delete(accountId)
      onLeft(session)
    }
    return { name, accountId, sessionId, bucket: presence.bucket, left }
  }
}
