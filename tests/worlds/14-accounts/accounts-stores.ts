/** The stores of chapter 14, in memory, with every call noted and any call held back as long as the test likes. */

import type * as Store from '#code/14-accounts/account-store.ts'
import { stagedError } from './accounts-promises.ts'

export class NotedSessions implements Store.SessionStore {
  readonly rows = new Map<string, Store.StoredSession>()
  /** Every call, as it would be written: `touch(…)`. */
  readonly calls: string[] = []
  /** Answers that are held back; call them to let them go. `undefined`: nothing is held back. */
  held: (() => void)[] | undefined
  failure: Error | undefined
  /** The only method that fails, if it is not all of them. */
  failing: string | undefined
  /** What becomes of answers that are held back, when they are let go. */
  lost: Error | undefined
  /** Calls that may wait at the same time; one more is refused. */
  most = Number.POSITIVE_INFINITY
  #waiting = 0

  add(session: Store.StoredSession): Promise<void> {
    return this.#call('add', [session], () => {
      if (this.rows.has(session.id)) throw stagedError(new Error('there is already such a session'))
      this.rows.set(session.id, { ...session })
    })
  }

  find(id: string): Promise<Store.StoredSession | undefined> {
    return this.#call('find', [id], () => {
      const found = this.rows.get(id)
      return found && { ...found }
    })
  }

  touch(id: string, usedAt: number): Promise<void> {
    return this.#call('touch', [id, usedAt], () => {
      const found = this.rows.get(id)
      if (found) found.usedAt = usedAt
    })
  }

  remove(id: string): Promise<void> {
    return this.#call('remove', [id], () => {
      this.rows.delete(id)
    })
  }

  removeOf(accountId: number): Promise<string[]> {
    return this.#call('removeOf', [accountId], () => {
      const ids = [...this.rows.values()].filter((row) => row.accountId === accountId)
      for (const { id } of ids) this.rows.delete(id)
      return ids.map(({ id }) => id)
    })
  }

  removeOlder(createdAt: number, usedAt: number): Promise<void> {
    return this.#call('removeOlder', [createdAt, usedAt], () => {
      for (const row of [...this.rows.values()])
        if (row.createdAt <= createdAt || row.usedAt <= usedAt) this.rows.delete(row.id)
    })
  }

  /** The calls of that kind since the last look. */
  takeCalls(method = ''): string[] {
    return this.calls.splice(0).filter((call) => call.startsWith(method))
  }

  /** The database does its work now; its answer travels as long as the test likes. */
  async #call<T>(method: string, args: unknown[], work: () => T): Promise<T> {
    this.calls.push(`${method}(${args.map(inShort).join(', ')})`)
    if (this.failure && (this.failing ?? method) === method) throw this.failure
    if (this.#waiting >= this.most) throw stagedError(new Error('PoolBusy: too many calls wait'))
    const answer = work()
    this.#waiting += 1
    await undefined
    this.#waiting -= 1
    if (this.held) await new Promise<void>((resolve) => this.held?.push(resolve))
    if (this.lost) throw this.lost
    return answer
  }
}

/** Accounts that nobody but the test makes. */
export class NotedAccounts implements Store.AccountStore {
  readonly replaced: { id: number; from: string; to: string }[] = []
  failure: Error | undefined

  create(): Promise<Store.Account | 'name-taken' | 'email-taken'> {
    throw new Error('nobody registers in this test')
  }

  find(): Promise<Store.Account | undefined> {
    throw new Error('the account has been looked up already')
  }

  get(): Promise<Store.Account | undefined> {
    throw new Error('the account has been looked up already')
  }

  async replaceHash(id: number, from: string, to: string): Promise<void> {
    this.replaced.push({ id, from, to })
    if (this.failure) throw this.failure
  }
}

/** The id of a session is 64 digits long: the first eight will do. */
function inShort(arg: unknown): string {
  return JSON.stringify(arg).replace(/\b([0-9a-f]{8})[0-9a-f]{56}\b/g, '$1…')
}
