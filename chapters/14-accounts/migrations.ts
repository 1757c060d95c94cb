/**
 * Migrations: how the tables of a database become those that this program expects.
 *
 * `user_version` is a number in the header of an SQLite file; here it counts the migrations that the file has had. It
 * changes with the transaction around it, like any row. A migration that has been released is never edited: the next
 * change is another migration.
 */

import type { DatabaseSync } from 'node:sqlite'

/** What `migrate` needs of a database. `DatabaseSync` has it. */
export type Migratable = Pick<DatabaseSync, 'exec' | 'prepare' | 'isTransaction'>

/** A newer program has written this database: its tables may mean something that this one does not know. */
export class NewerSchema extends Error {
  constructor(found: number, known: number) {
    super(
      `a newer version of this server has written it (schema ${found}; this version knows ${known})`,
    )
  }
}

/**
 * Brings a database up to date: runs each migration it has not had yet, in order, and counts it in `user_version`. A
 * migration is any SQL that `exec` takes: several statements, comments, triggers.
 *
 * The process may be killed at any moment. The next call goes on from whatever is in the database then, and no
 * migration is run twice or left half done. Another process may be migrating the same file: the second of the two finds
 * nothing left to do. A migration that fails leaves no trace of itself, and its error is thrown. Throws `NewerSchema`,
 * and changes nothing, when the database has had more migrations than there are. If a newer program migrates the file
 * during the call, both are right: to throw `NewerSchema`, or to return and leave the newer schema as it is.
 *
 * @step 14.3
 */
export function migrate(database: Migratable, migrations: readonly string[]): void {
  // TODO 14.3
  throw new Error('TODO 14.3')
}

/** How many migrations a database has had: 0 when it is new. */
export function schemaVersion(database: Migratable): number {
  const row = database.prepare('PRAGMA user_version').get() as { user_version: number }
  return row.user_version
}
