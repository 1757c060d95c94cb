/**
 * Accounts and sessions in one SQLite file: plain calls that block, for a thread of their own.
 *
 * The database ensures uniqueness: looking first and inserting later would let two equal names in. Every value is bound
 * to a prepared statement, never put into SQL.
 */

import { chmodSync, closeSync, existsSync, mkdirSync, openSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type Account, keyOfName, type NewAccount, type StoredSession } from './account-store.ts'
import { migrate, NewerSchema } from './migrations.ts'

export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE accounts (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL
  ) STRICT`,
  `CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    account_id INTEGER NOT NULL REFERENCES accounts,
    created_at INTEGER NOT NULL,
    used_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX sessions_of_account ON sessions (account_id)`,
]

/** Errors of SQLite which mean that this file is not what was written … <https://www.sqlite.org/rescode.html> */
const CORRUPT = 11
const NOT_A_DATABASE = 26
/** … and that a UNIQUE column already has the value. */
const CONSTRAINT_UNIQUE = 2067

const SESSION = 'id, account_id AS accountId, created_at AS createdAt, used_at AS usedAt'
const ACCOUNT = 'id, name, password_hash AS passwordHash'

export type AccountsDatabase = ReturnType<typeof openAccounts>

/**
 * Opens the file, or creates it, readable by its owner only; `':memory:'` is a database without a file. Throws an error
 * of one sentence with the file's name if it is damaged or comes from a newer version.
 */
export function openAccounts(file: string) {
  const database = explained(file, () => open(file))
  const insertAccount = database.prepare(
    `INSERT INTO accounts (name, name_key, email, email_key, password_hash) VALUES (?, ?, ?, ?, ?) RETURNING ${ACCOUNT}`,
  )
  const byName = database.prepare(`SELECT ${ACCOUNT} FROM accounts WHERE name_key = ?`)
  const byEmail = database.prepare(`SELECT ${ACCOUNT} FROM accounts WHERE email_key = ?`)
  const byId = database.prepare(`SELECT ${ACCOUNT} FROM accounts WHERE id = ?`)
  const updateHash = database.prepare(
    'UPDATE accounts SET password_hash = ? WHERE id = ? AND password_hash = ?',
  )
  const insertSession = database.prepare('INSERT INTO sessions VALUES (?, ?, ?, ?)')
  const sessionById = database.prepare(`SELECT ${SESSION} FROM sessions WHERE id = ?`)
  const updateUse = database.prepare('UPDATE sessions SET used_at = ? WHERE id = ?')
  const deleteSession = database.prepare('DELETE FROM sessions WHERE id = ?')
  const deleteOf = database.prepare('DELETE FROM sessions WHERE account_id = ? RETURNING id')
  const deleteOlder = database.prepare('DELETE FROM sessions WHERE created_at <= ? OR used_at <= ?')

  return {
    create({ name, email, passwordHash }: NewAccount): Account | 'name-taken' | 'email-taken' {
      try {
        return row(insertAccount.get(name, keyOfName(name), email, keyOfName(email), passwordHash))!
      } catch (error) {
        const { errcode, message } = error as Error & { errcode?: number }
        if (errcode !== CONSTRAINT_UNIQUE) throw error
        return message.includes('email_key') ? 'email-taken' : 'name-taken'
      }
    },
    find(nameOrEmail: string): Account | undefined {
      const key = keyOfName(nameOrEmail)
      return row(key.includes('@') ? byEmail.get(key) : byName.get(key))
    },
    get: (accountId: number): Account | undefined => row(byId.get(accountId)),
    replaceHash(accountId: number, from: string, to: string): void {
      updateHash.run(to, accountId, from)
    },
    add(session: StoredSession): void {
      insertSession.run(session.id, session.accountId, session.createdAt, session.usedAt)
    },
    findSession: (id: string): StoredSession | undefined => row(sessionById.get(id)),
    touch(id: string, usedAt: number): void {
      updateUse.run(usedAt, id)
    },
    remove(id: string): void {
      deleteSession.run(id)
    },
    removeOf: (accountId: number): string[] => deleteOf.all(accountId).map(({ id }) => String(id)),
    removeOlder(createdAt: number, usedAt: number): void {
      deleteOlder.run(createdAt, usedAt)
    },
    close: (): void => database.close(),
  }
}

function open(file: string): DatabaseSync {
  if (file !== ':memory:') keepPrivate(file)
  const database = new DatabaseSync(file, { timeout: 5_000 })
  try {
    // Readers do not wait for the writer; what was acknowledged survives a loss of power.
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
    const { quick_check: finding } = database.prepare('PRAGMA quick_check(1)').get()!
    if (finding !== 'ok') throw Object.assign(new Error(String(finding)), { errcode: CORRUPT })
    migrate(database, MIGRATIONS)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** Called before SQLite opens the file: SQLite gives -wal and -shm the mode of the database. */
function keepPrivate(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  if (!existsSync(file)) closeSync(openSync(file, 'a', 0o600))
  for (const path of [file, `${file}-wal`, `${file}-shm`]) {
    if (existsSync(path)) chmodSync(path, 0o600)
  }
}

/** Runs `body`. What SQLite, the file system or `NewerSchema` reports becomes a sentence that names the file. */
function explained<T>(file: string, body: () => T): T {
  try {
    return body()
  } catch (error) {
    const { errcode = 0, code, message } = error as Error & { errcode?: number; code?: string }
    const isExpected = errcode > 0 || code !== undefined || error instanceof NewerSchema
    if (!isExpected) throw error
    const isDamaged = errcode % 256 === CORRUPT || errcode === NOT_A_DATABASE
    const why = isDamaged ? `it is damaged (${message})` : message
    throw new Error(`Cannot open ${basename(file)}: ${why}.`, { cause: error })
  }
}

/** A row as a plain object: SQLite's rows have no prototype. */
function row<T>(found: unknown): T | undefined {
  return found ? ({ ...(found as T) } as T) : undefined
}
