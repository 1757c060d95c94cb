/**
 * Making accounts and logging in, the same through every door.
 *
 *     throttle ── credentials ── sessions.begin ── token
 *     (before)    (hash queue)
 */

import { createHash } from 'node:crypto'
import { PoolBusy, PoolClosed } from '../06-worker-pool/worker-pool.ts'
import type { Refusal } from '../13-rooms/codes.ts'
import type { LoginRequest, RegisterRequest } from './account-requests.ts'
import type { AccountServices } from './account-services.ts'
import { type Account, keyOfName } from './account-store.ts'
import { HashesBusy } from './hash-queue.ts'
import { hashPassword } from './passwords.ts'

export interface Refused {
  kind: 'refused'
  refusal: Refusal
}

export const BUSY: Refusal = {
  code: 'busy',
  text: 'Too many are logging in. Try again in a moment.',
}
const BAD_LOGIN: Refusal = { code: 'bad-login', text: 'Name and password do not belong together.' }

const TAKEN: Record<'name-taken' | 'email-taken', Refusal> = {
  'name-taken': { code: 'name-taken', text: 'Somebody has this name.' },
  'email-taken': { code: 'email-taken', text: 'There is an account with this e-mail address.' },
}

/** Makes an account for a peer with this address. */
export async function register(
  services: AccountServices,
  { name, email, password }: Pick<RegisterRequest, 'name' | 'email' | 'password'>,
  address: string,
): Promise<{ kind: 'registered'; account: Account } | Refused> {
  const waitMs = services.registrations.take(address)
  if (waitMs > 0) return tryLater(waitMs)
  const passwordHash = await hashPassword(password, services.hasher)
  const account = await services.accounts.create({ name, email, passwordHash })
  if (typeof account === 'string') return { kind: 'refused', refusal: TAKEN[account] }
  return { kind: 'registered', account }
}

/** Begins a session for a peer with this address, if the password belongs to the name or e-mail address. */
export async function logIn(
  services: AccountServices,
  { name, password }: Pick<LoginRequest, 'name' | 'password'>,
  address: string,
): Promise<{ kind: 'loggedIn'; account: Account; token: string } | Refused> {
  const found = await services.accounts.find(name)
  const subject = countedAs(name, found !== undefined)
  const waitMs = services.throttle.begin(subject, address)
  if (waitMs > 0) return tryLater(waitMs)
  // A try whose password was never checked does not count.
  const takeBack = () => services.throttle.takeBack(subject, address)
  const account = await services.credentials.check(found, password).catch(failing(takeBack))
  if (!account) return { kind: 'refused', refusal: BAD_LOGIN }
  services.throttle.succeed(subject, address)
  return { kind: 'loggedIn', account, token: await services.sessions.begin(account.id) }
}

/** Whether this was thrown because there is more to do than can be done. That is no bug. */
export function isBusy(error: unknown): boolean {
  return [HashesBusy, PoolBusy, PoolClosed].some((kind) => error instanceof kind)
}

/** For `catch`: undoes something when a promise rejects, and throws the error again. */
export function failing(undo: () => void): (error: unknown) => never {
  return (error) => {
    undo()
    throw error
  }
}

/**
 * What tries with this name or e-mail address count under. It is the same for all spellings that `find` takes for one
 * (`keyOfName`), and short: NFKC makes 18 characters of a single one. What was tried before there was an account is not
 * counted against it.
 *
 * It depends on what was typed, and not on whose it is: if an account's name and e-mail address had one count, a wrong
 * guess at each would show strangers that they belong together. The price: an account has two counts to guess at, and a
 * network that has logged in by name is not known by e-mail address.
 */
function countedAs(nameOrEmail: string, isAccount: boolean): string {
  const typed = `${isAccount ? '#' : '?'}${keyOfName(nameOrEmail)}`
  return createHash('sha256').update(typed).digest('base64url')
}

function tryLater(waitMs: number): Refused {
  const seconds = Math.ceil(waitMs / 1_000)
  const text = `Try again in ${seconds} s.`
  return { kind: 'refused', refusal: { code: 'try-later', text, seconds } }
}
