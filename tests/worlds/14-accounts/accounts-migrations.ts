/** Migrations of chapter 14 that fail, are interrupted, or meet another process. */

import { DatabaseSync } from 'node:sqlite'
import { setImmediate as turn } from 'node:timers/promises'
import type { Stage } from '../../judge/step.ts'
import {
  contentOf,
  killDuring,
  MIGRATED,
  MIGRATED_NEWER,
  MIGRATIONS,
  type Migrate,
  migrateTogether,
  NEWER,
} from './accounts-databases.ts'

/** The middle one of three fails: nothing of it stays, and its error is the one that comes out. */
export async function expectFailedMigration(
  { expect, expectSame, story }: Stage,
  migrate: (database: DatabaseSync, migrations: readonly string[]) => void,
): Promise<void> {
  const database = new DatabaseSync(':memory:')
  story.tell('test', 'migrates a new database; the second of three migrations has a mistake in it')
  const [first, second, third] = MIGRATIONS
  const error = thrownBy(() =>
    migrate(database, [first, `${second}; INSERT INTO nowhere VALUES (1)`, third]),
  )
  expect(
    'migrate() to throw the error of the migration',
    String(error).includes('no such table: nowhere'),
    {
      because: 'A server that cannot migrate must not start, and has to say why.',
      likely: 'Roll back, and throw the error that you caught.',
      received: error === undefined ? 'nothing was thrown' : String(error),
    },
  )
  expect('the error to be the one that SQLite threw', 'errcode' in (error as object), {
    because:
      'From its `errcode`, openAccounts() can tell whether the file is damaged, and says so.',
    likely: 'Throw the error that you caught. A new one with the same text lacks its `errcode`.',
    received: String(error),
  })
  expectSame('database.isTransaction', database.isTransaction, false, {
    because: 'A transaction that stays open locks everybody out.',
    likely: 'Roll back before the error leaves migrate().',
  })
  expect('the third migration not to be run', contentOf(database).endsWith('no rooms'), {
    because: 'The migrations after a failed one rely on it.',
    received: contentOf(database),
  })
  story.tell('test', 'corrects the second migration and migrates again')
  const reason = {
    because: 'A failed migration must leave no trace.',
    likely: 'Its statements and its count belong in one transaction, which is rolled back.',
  }
  const again = thrownBy(() => migrate(database, MIGRATIONS))
  expect('the migrations to succeed', again === undefined, { ...reason, received: String(again) })
  expectSame('the database', contentOf(database), MIGRATED, reason)
}

/** A migration is any SQL: what comes behind it must not become part of its last comment. */
export function expectComments(
  { expect, expectSame, story }: Stage,
  migrate: (database: DatabaseSync, migrations: readonly string[]) => void,
): void {
  const database = new DatabaseSync(':memory:')
  story.tell('test', 'migrates a new database; each of two migrations ends in a comment')
  const error = thrownBy(() =>
    migrate(database, [
      'CREATE TABLE people (name TEXT) -- those who have an account',
      "CREATE TABLE rooms (name TEXT); INSERT INTO rooms VALUES ('lobby') -- everybody's first",
    ]),
  )
  const reason = {
    because:
      'A migration is any SQL that exec() takes, and may end in a comment without a line break.',
    likely:
      'A comment goes on to the end of its line, so it takes in whatever is put behind it in the same string. Give each migration to exec() on its own.',
    look: 'migrations.migrate()',
  }
  expect('the migrations to succeed', error === undefined, { ...reason, received: String(error) })
  expectSame('the database', contentOf(database), 'version 2; people: nobody; rooms: lobby', reason)
}

/** What looks like a comment may be text in quotes. */
export function expectQuoted(
  { expect, expectSame, story }: Stage,
  migrate: (database: DatabaseSync, migrations: readonly string[]) => void,
): void {
  const database = new DatabaseSync(':memory:')
  story.tell('test', 'migrates a new database; a migration has "--" in one name, "/*" in another')
  const error = thrownBy(() =>
    migrate(database, [
      'CREATE TABLE people (name TEXT)',
      "INSERT INTO people VALUES ('ada -- or bob'); INSERT INTO people VALUES ('c/*d')",
    ]),
  )
  const reason = {
    because: 'A migration is any SQL that exec() takes. Inside quotes, no comment begins.',
    likely: 'Take nothing out of a migration. Give each one to exec() as it is.',
    look: 'migrations.migrate()',
  }
  expect('the migrations to succeed', error === undefined, { ...reason, received: String(error) })
  const expected = 'version 2; people: ada -- or bob, c/*d; no rooms'
  expectSame('the database', contentOf(database), expected, reason)
}

/** The first migration has been run; these are all. An error of syntax comes from what was cut out of one. */
export function expectTheRest(
  { expect, expectSame }: Stage,
  migrate: (database: DatabaseSync, migrations: readonly string[]) => void,
  database: DatabaseSync,
): void {
  const error = thrownBy(() => migrate(database, MIGRATIONS))
  const isCut = /syntax error|incomplete input|no statements/.test(String(error))
  if (error !== undefined && !isCut) throw error
  expect('the migrations to succeed', !isCut, {
    because: 'A migration is any SQL that exec() takes: several statements, comments, triggers.',
    likely:
      'A semicolon does not always end a statement: it may be in a comment, or inside a trigger. Give the whole text to exec().',
    received: String(error),
    look: 'migrations.migrate()',
  })
  const content = contentOf(database)
  expectSame('the database', content, MIGRATED, {
    because: 'The database already had the first one. The other two were run, in order.',
    likely:
      content === 'version 3; people: ada; rooms: nobody'
        ? 'A migration may be several statements: exec() runs all of them, prepare() only the first.'
        : 'Start at user_version, and count in it every migration that was run.',
  })
}

/** Some errors end the transaction by themselves. */
export function expectFirstError(
  { expect, story }: Stage,
  migrate: (database: DatabaseSync, migrations: readonly string[]) => void,
): void {
  const database = new DatabaseSync(':memory:')
  story.tell('test', 'migrates a new database; SQLite fails and rolls back on its own')
  const sql =
    'CREATE TABLE one (x UNIQUE); INSERT INTO one VALUES (1); INSERT OR ROLLBACK INTO one VALUES (1)'
  const error = thrownBy(() => migrate(database, [sql]))
  expect(
    'migrate() to throw the error of SQLite',
    String(error).includes('UNIQUE constraint failed'),
    {
      because:
        'When the disk is full, SQLite may roll back on its own. Another ROLLBACK then fails, and its error hides the first one.',
      likely: 'if (database.isTransaction) database.exec("ROLLBACK")',
      received: error === undefined ? 'nothing was thrown' : String(error),
    },
  )
}

export function thrownBy(body: () => void): unknown {
  try {
    body()
    return undefined
  } catch (error) {
    return error
  }
}

/** The process is killed before each of its calls in turn. */
export async function expectInterrupted(
  { expect, expectSame, story }: Stage,
  migrate: Migrate,
): Promise<void> {
  for (let killAt = 0; ; killAt++) {
    const { database: left, wasKilled, at } = killDuring(migrate, killAt)
    if (!wasKilled) break
    story.tell('process', `is killed ${at}`)
    const found = contentOf(left)
    const failure = thrownBy(() => migrate(left, MIGRATIONS))
    const reason = {
      because: `The process was killed ${at}, which left "${found}". The next start must go on from there.`,
      likely:
        'A migration and its count belong in one transaction: then either both are in the file, or neither is.',
    }
    expect('the next migration to succeed', failure === undefined, {
      ...reason,
      received: String(failure),
    })
    expectSame('the database', contentOf(left), MIGRATED, reason)
    left.close()
    await turn()
  }
}

/** Another process migrates the same file, before each call in turn. */
export async function expectTogether(
  { expect, expectSame, story }: Stage,
  migrate: Migrate,
): Promise<void> {
  for (let at = 0; ; at++) {
    story.tell(
      'another process',
      `migrates the same file before call ${at + 1} of the first process`,
    )
    let seen: ReturnType<typeof migrateTogether> | undefined
    const failure = thrownBy(() => {
      seen = migrateTogether(migrate, at)
    })
    const isLocked = String(failure).includes('database is locked')
    const reason = {
      because:
        'Two servers were started at once. One migrates; the other finds nothing left to do.',
      likely: isLocked
        ? 'BEGIN takes no write lock. If another process writes after you have read, you cannot write any more: use BEGIN IMMEDIATE, and then read.'
        : 'user_version may change after you read it and before BEGIN. Take the lock first (BEGIN IMMEDIATE), and then read it.',
    }
    expect('both processes to succeed', failure === undefined, {
      ...reason,
      received: String(failure),
    })
    expectSame('the database', seen?.content, MIGRATED, reason)
    if (at >= seen!.calls) break
    await turn()
  }
}

/** A newer program migrates the same file, before each call in turn: the older one must not count it back. */
export async function expectNewerBeside(
  { expect, expectSame, load, story }: Stage,
  migrate: Migrate,
): Promise<void> {
  const { NewerSchema } = await load(() => import('#code/14-accounts/migrations.ts'))
  const mayRefuse = (error: unknown) => error instanceof NewerSchema
  for (let at = 0; ; at++) {
    story.tell(
      'a newer process',
      `runs four migrations on the same file before call ${at + 1} of the first process, which knows three`,
    )
    let seen: ReturnType<typeof migrateTogether> | undefined
    const failure = thrownBy(() => {
      seen = migrateTogether(migrate, at, NEWER, mayRefuse)
    })
    const reason = {
      because:
        'The newer process has run all four. The older one refuses, or has finished earlier: it never changes a newer schema.',
      likely:
        'Until BEGIN IMMEDIATE, user_version may still rise. Compare it with the number of migrations under the lock.',
    }
    expect('the file to be as the newer process needs it', failure === undefined, {
      ...reason,
      received: `the newer process cannot go on: ${failure}`,
    })
    expectSame('the database', seen?.content, MIGRATED_NEWER, reason)
    if (at >= seen!.calls) break
    await turn()
  }
}
