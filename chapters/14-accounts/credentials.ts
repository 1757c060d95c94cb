/**
 * Who somebody is, as far as a password can tell.
 *
 * The answer to an unknown name must not come sooner than the one to a wrong password, or the clock tells strangers who
 * has an account here. So both do the same: one hash, at the same cost.
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
   * verified against the decoy: the same calls are made, and the answer is `undefined` whatever comes out.
   *
   * If the password is right and its hash outdated, it is hashed again and stored with `replaceHash`. That can wait:
   * when the hash queue is busy, the log-in succeeds all the same. Any other error comes out.
   *
   * @step 14.2
   */
  async check(account: Account | undefined, password: string): Promise<Account | undefined> {
    // TODO 14.2
    throw new Error('TODO 14.2')
  }
}
