/**
 * Sessions: a log-in is remembered, so that a password crosses the wire once.
 *
 * The client keeps a token: 256 random bits, which nobody can guess. We keep its SHA-256, from which nobody can get the
 * token back: a thief of the database cannot log in. (No salt and no scrypt: those help against guessing, and there is
 * nothing to guess.) A session ends when it has not been used for `idleMs`, and after `maxMs` in any case.
 */

import { createHash } from 'node:crypto'
import type { SessionStore, StoredSession } from './account-store.ts'

export interface SessionOptions {
  /** Milliseconds of the wall clock, such as `Date.now`. It may be set, forwards and back. */
  now(): number
  randomBytes(count: number): Buffer
  /** A session ends after this long without use. */
  idleMs: number
  /** A session ends this long after it began, in any case. */
  maxMs: number
}

export const TOKEN_BYTES = 32

/** A use is noted at most this often, or reading a session would cost a write each time. */
export const NOTE_EVERY_MS = 60 * 60_000

/** What a token is stored as: its SHA-256, in hex. */
export function sessionIdOf(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

export class Sessions {
  readonly #store: SessionStore
  readonly #options: SessionOptions

  constructor(store: SessionStore, options: SessionOptions) {
    this.#store = store
    this.#options = options
  }

  /**
   * Stores a new session of the account and resolves with its token: `TOKEN_BYTES` random bytes in base64url. The token
   * itself is stored nowhere. Bytes come from `options.randomBytes`, times from `options.now`. Rejects when the store
   * does.
   *
   * @step 14.4
   */
  async begin(accountId: number): Promise<string> {
    const token = this.#options.randomBytes(TOKEN_BYTES).toString('base64url')
    const now = this.#options.now()
    await this.#store.add({ id: sessionIdOf(token), accountId, createdAt: now, usedAt: now })
    return token
  }

  /**
   * Resolves with the session if it is not over, and counts this as a use of it: that is noted in the store, unless the
   * last use was noted less than `NOTE_EVERY_MS` ago. Removes a session that is over, so that a clock that is set back
   * does not revive it. Rejects when the store fails to look the session up. Every use looks it up: a session may be
   * ended at any time, also by another process.
   *
   * When only the note fails, this may resolve with the session as it was found, or reject with the error; but the
   * error must not stay unhandled, and the next use is noted instead. The `usedAt` in the result may be the old one or
   * the new one.
   *
   * @step 14.4
   */
  async use(sessionId: string): Promise<StoredSession | undefined> {
    const session = await this.#store.find(sessionId)
    if (!session) return undefined
    if (this.isOver(session)) {
      await this.#store.remove(sessionId)
      return undefined
    }
    const now = this.#options.now()
    if (now - session.usedAt < NOTE_EVERY_MS) return session
    await this.#store.touch(sessionId, now)
    return { ...session, usedAt: now }
  }

  /**
   * Whether a session has ended by now: `idleMs` have passed since its last use, or `maxMs` since it began.
   *
   * @step 14.4
   */
  isOver({ createdAt, usedAt }: StoredSession): boolean {
    const now = this.#options.now()
    return now - createdAt >= this.#options.maxMs || now - usedAt >= this.#options.idleMs
  }

  /** Ends a session. */
  end(sessionId: string): Promise<void> {
    return this.#store.remove(sessionId)
  }

  /** Ends all sessions of an account, and resolves with their ids. */
  endOf(accountId: number): Promise<string[]> {
    return this.#store.removeOf(accountId)
  }

  /** Removes the sessions that are over from the store. */
  removeOver(): Promise<void> {
    const now = this.#options.now()
    return this.#store.removeOlder(now - this.#options.maxMs, now - this.#options.idleMs)
  }
}
