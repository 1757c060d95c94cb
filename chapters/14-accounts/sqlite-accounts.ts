/**
 * The stores on SQLite: every call goes to the one thread that holds the database, and returns a promise.
 *
 * One thread, because SQLite writes one transaction at a time anyway, and because calls then happen in the order in
 * which they are made. The loop never waits for the disk.
 */

import { join } from 'node:path'
import { WorkerPool } from '../06-worker-pool/worker-pool.ts'
import type { AccountStore, SessionStore } from './account-store.ts'
import type { DatabaseCall } from './accounts-thread.ts'

export interface SqliteAccounts {
  accounts: AccountStore
  sessions: SessionStore
  /** Lets the calls that were made finish, refuses all others, and closes the file. */
  close(): Promise<void>
}

/** Calls that may wait for the thread; one more is refused with 06's `PoolBusy`. */
const MAX_QUEUED = 1_000

/**
 * Opens `accounts.db` in this folder; without a folder, a database in memory. Rejects with one sentence if it cannot.
 */
export async function openSqliteAccounts(folder?: string): Promise<SqliteAccounts> {
  const script = new URL('./accounts-thread.ts', import.meta.url)
  const pool = new WorkerPool<DatabaseCall, unknown>({ script, size: 1, maxQueued: MAX_QUEUED })
  const file = folder === undefined ? ':memory:' : join(folder, 'accounts.db')
  const call =
    <Args extends readonly unknown[], Result>(method: DatabaseCall['method']) =>
    (...args: Args) =>
      pool.run({ file, method, args }) as Promise<Result>
  const close = async () => {
    // The last in line: later calls, by log-ins that were still hashing, are refused with 06's `PoolClosed`.
    const closed = call('close')().catch(() => {})
    await pool.close()
    await closed
  }
  // The first call opens the file.
  await call('get')(0).catch(async (error: unknown) => {
    await pool.close()
    throw error
  })
  return {
    accounts: {
      create: call('create'),
      find: call('find'),
      get: call('get'),
      replaceHash: call('replaceHash'),
    },
    sessions: {
      add: call('add'),
      find: call('findSession'),
      touch: call('touch'),
      remove: call('remove'),
      removeOf: call('removeOf'),
      removeOlder: call('removeOlder'),
    },
    close,
  }
}
