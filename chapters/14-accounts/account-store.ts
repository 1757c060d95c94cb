/**
 * What the chat server has to remember about people, wherever it is stored.
 *
 * Everything is asynchronous, although SQLite is not: a database across the network could have the same interface.
 * Times are milliseconds of the wall clock, because they outlive the process.
 */

export interface NewAccount {
  name: string
  email: string
  /** As `hashPassword` made it. */
  passwordHash: string
}

export interface Account {
  id: number
  name: string
  passwordHash: string
}

/** The same key for names and addresses that differ only in case, or in the form of a character (NFKC). */
export function keyOfName(nameOrEmail: string): string {
  return nameOrEmail.normalize('NFKC').toLowerCase()
}

/** Names and e-mail addresses are unique: no two have the same `keyOfName`. */
export interface AccountStore {
  /** Resolves with the new account, or with what is taken. */
  create(account: NewAccount): Promise<Account | 'name-taken' | 'email-taken'>
  /** The account with this name or e-mail address, by its `keyOfName`. */
  find(nameOrEmail: string): Promise<Account | undefined>
  get(accountId: number): Promise<Account | undefined>
  /** Replaces the hash `from` by `to`, unless `from` has been replaced already. */
  replaceHash(accountId: number, from: string, to: string): Promise<void>
}

/** A session as it is stored: without its token. */
export interface StoredSession {
  /** SHA-256 of the token, in hex. */
  id: string
  accountId: number
  createdAt: number
  /** When it was used last, give or take an hour. */
  usedAt: number
}

export interface SessionStore {
  add(session: StoredSession): Promise<void>
  find(sessionId: string): Promise<StoredSession | undefined>
  /** Notes a use of a session, if it is still there. */
  touch(sessionId: string, usedAt: number): Promise<void>
  remove(sessionId: string): Promise<void>
  /** Removes all sessions of an account, and resolves with their ids. */
  removeOf(accountId: number): Promise<string[]>
  /** Removes sessions created at `createdAt` or before, and those last used at `usedAt` or before. */
  removeOlder(createdAt: number, usedAt: number): Promise<void>
}
