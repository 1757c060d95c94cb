/** The thread that holds the database: one call at a time, in the order in which they were made. */

import { answerJobs } from '../06-worker-pool/answer-jobs.ts'
import { type AccountsDatabase, openAccounts } from './accounts-database.ts'

/** A call of a method of `AccountsDatabase`. It names the file: a thread that replaces a crashed one has none open. */
export interface DatabaseCall {
  file: string
  method: keyof AccountsDatabase
  args: readonly unknown[]
}

let database: AccountsDatabase | undefined

answerJobs(({ file, method, args }: DatabaseCall): unknown => {
  database ??= openAccounts(file)
  return (database[method] as (...args: readonly unknown[]) => unknown)(...args)
})
