/**
 * Databases that are interrupted: one whose process is killed at any of its statements, and one that is migrated by
 * somebody else between any two calls.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { constants, DatabaseSync } from 'node:sqlite'

/** What a migration may ask of a database. */
export type Face = Pick<DatabaseSync, 'exec' | 'prepare' | 'isTransaction'>

export type Migrate = (database: Face, migrations: readonly string[]) => void

export class Killed extends Error {
  constructor() {
    super('the process has been killed')
  }
}

/** Three migrations: none can be run twice, or run in half, without leaving a trace. */
export const MIGRATIONS = [
  'CREATE TABLE people (name TEXT)',
  "INSERT INTO people VALUES ('ada'); -- the first; then the second\nINSERT INTO people VALUES ('bob')",
  "CREATE TABLE rooms (name TEXT); INSERT INTO rooms VALUES ('lobby')",
]

/** What is in a database, as far as those migrations go. */
export function contentOf(database: DatabaseSync): string {
  const list = (table: string) => {
    const exists = database.prepare('SELECT 1 FROM sqlite_schema WHERE name = ?').get(table)
    if (!exists) return `no ${table}`
    const names = database.prepare(`SELECT name FROM ${table}`).all()
    return `${table}: ${names.map(({ name }) => name).join(', ') || 'nobody'}`
  }
  const { user_version: version } = database.prepare('PRAGMA user_version').get()!
  return `version ${version}; ${list('people')}; ${list('rooms')}`
}

export const MIGRATED = 'version 3; people: ada, bob; rooms: lobby'

/** What a newer program knows. */
export const NEWER = [...MIGRATIONS, 'CREATE TABLE letters (text TEXT)']
export const MIGRATED_NEWER = 'version 4; people: ada, bob; rooms: lobby'

/**
 * Migrates a new database whose process is killed at its statement number `killAt`, counted from 0: that one and all
 * later ones do nothing. Afterwards the database is as the next process finds it.
 */
export function killDuring(
  migrate: Migrate,
  killAt: number,
): { database: DatabaseSync; wasKilled: boolean; at: string } {
  const database = new DatabaseSync(':memory:')
  let statements = 0
  let at = 'at its first statement'
  let wasKilled = false
  database.setAuthorizer((action, first, second) => {
    const name = nameOf(action, first, second)
    if (statements++ < killAt) {
      if (name) at = `soon after ${name}`
      return constants.SQLITE_OK
    }
    if (!wasKilled && name) at = `before ${name}`
    wasKilled = true
    return constants.SQLITE_DENY
  })
  const live = () => {
    if (wasKilled) throw new Killed()
    return database
  }
  const face: Face = {
    exec: (sql) => live().exec(sql),
    prepare: (sql) => live().prepare(sql),
    get isTransaction() {
      return live().isTransaction
    },
  }
  try {
    migrate(face, MIGRATIONS)
  } catch (error) {
    if (!wasKilled) throw error
  }
  database.setAuthorizer(null)
  // What the kernel and SQLite do for a process that is gone.
  if (database.isTransaction) database.exec('ROLLBACK')
  return { database, wasKilled, at }
}

/** What SQLite is about to do, in a few words if it is worth any; its codes are those of its authorizer. */
function nameOf(action: number, first: string | null, second: string | null): string | undefined {
  if (action === constants.SQLITE_TRANSACTION) return String(first)
  if (action === constants.SQLITE_PRAGMA)
    return `PRAGMA ${first}${second === null ? '' : ` = ${second}`}`
  if (action === constants.SQLITE_CREATE_TABLE) return `CREATE TABLE ${first}`
  if (action === constants.SQLITE_INSERT && !String(first).startsWith('sqlite_'))
    return `INSERT INTO ${first}`
  return undefined
}

/**
 * Two processes migrate the same new file: the second one, which knows `theirs`, right before call number `at` of the
 * first, and again at the end if it was told to wait. What the first throws comes out, unless it may throw that.
 */
export function migrateTogether(
  migrate: Migrate,
  at: number,
  theirs: readonly string[] = MIGRATIONS,
  mayThrow: (error: unknown) => boolean = () => false,
): { content: string; calls: number } {
  const folder = mkdtempSync(join(tmpdir(), 'workbook-accounts-'))
  const open = () => {
    const database = new DatabaseSync(join(folder, 'shared.db'), { timeout: 0 })
    database.exec('PRAGMA synchronous = OFF')
    return database
  }
  const [first, second] = [open(), open()]
  first.exec('PRAGMA journal_mode = WAL')
  let calls = 0
  const call = () => {
    if (calls++ === at) finishOrWait(migrate, second, theirs)
    return first
  }
  const face: Face = {
    exec: (sql) => call().exec(sql),
    prepare: (sql) => call().prepare(sql),
    get isTransaction() {
      return first.isTransaction
    },
  }
  try {
    try {
      migrate(face, MIGRATIONS)
    } catch (error) {
      if (!mayThrow(error)) throw error
    }
    migrate(second, theirs)
    return { content: contentOf(second), calls }
  } finally {
    first.close()
    second.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** SQLite says "locked" to a connection that comes while another writes. */
const BUSY = 5

function finishOrWait(
  migrate: Migrate,
  database: DatabaseSync,
  migrations: readonly string[],
): void {
  try {
    migrate(database, migrations)
  } catch (error) {
    if (((error as { errcode?: number }).errcode ?? 0) % 256 !== BUSY) throw error
  }
}
