/**
 * Who somebody is, as far as a password can tell.
 *
 * An unknown name must not be answered sooner than a wrong password, or the clock tells strangers who has an account
 * here. So both do the same work: one hash, at the same cost.
 */

import type { Account, AccountStore } from './account-store.ts'
import { HashesBusy } from './hash-queue.ts'
import { decoyHash, type Hasher, hashPassword, verifyPassword } from './passwords.ts'

export class Credentials {
  readonly #accounts: AccountStore
  readonly #hasher: Hasher
  /** What the password for an unknown name is compared with. */
  readonly #decoy: string

  constructor(accounts: AccountStore, hasher: Hasher) {
    this.#accounts = accounts
    this.#hasher = hasher
    this.#decoy = decoyHash(hasher.cost)
  }

  /**
   * Resolves with the account if this is its password, with `undefined` otherwise. Without an account the password is
   * verified against the decoy: the same calls are made, and the result is `undefined` whatever the verdict.
   *
   * If the password is right and its hash is outdated, hashes it again and stores the hash with `replaceHash`. That can
   * wait: when the hash queue is busy, the log-in succeeds all the same. Rejects with any other error.
   *
   * @step 14.2
   */
  async check(account: Account | undefined, password: string): Promise<Account | undefined> {
    const stored = account?.passwordHash ?? this.#decoy
    const verdict = await verifyPassword(password, stored, this.#hasher)
    if (!account || verdict === 'wrong') return undefined
    if (verdict === 'outdated') await this.#rehash(account, password)
    return account
  }

  /** @answer 14.2 */
  async #rehash({ id, passwordHash }: Account, password: string): Promise<void> {
    try {
      const hash = await hashPassword(password, this.#hasher)
      await this.#accounts.replaceHash(id, passwordHash, hash)
    } catch (error) {
      if (!(error instanceof HashesBusy)) throw error
    }
  }
}
