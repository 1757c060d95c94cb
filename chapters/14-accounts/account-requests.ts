/** What clients may ask for about their accounts. No text here repeats what was sent: it might be a password. */

import { badRequest, optional, personName, type Rule, version } from '../13-rooms/fields.ts'
import { REQUESTS, type Request, type Requests } from '../13-rooms/protocol.ts'

export interface RegisterRequest extends Request {
  name: string
  email: string
  password: string
}

export interface LoginRequest extends Request {
  /** Or the e-mail address. */
  name: string
  password: string
}

export interface HelloRequest extends Request {
  token?: string
}

/** The longest address that mail servers carry (RFC 5321 §4.5.3.1). */
const MAX_EMAIL_UNITS = 254
const MIN_PASSWORD_UNITS = 10
const MAX_PASSWORD_UNITS = 256
const MAX_TOKEN_UNITS = 64

/** Only a message sent there can tell whether there is such a mailbox. */
const EMAIL = /^[^\s@\p{Cc}]+@[^\s@\p{Cc}]+$/u

const emailAddress: Rule = (value, field) =>
  textOf(1, MAX_EMAIL_UNITS)(value, field) ??
  (EMAIL.test(value as string) ? undefined : badRequest(field, 'has to be an e-mail address.'))

export const ACCOUNT_REQUESTS: Requests = {
  ...REQUESTS,
  register: {
    name: personName,
    email: emailAddress,
    password: textOf(MIN_PASSWORD_UNITS, MAX_PASSWORD_UNITS),
  },
  login: {
    version,
    name: textOf(1, MAX_EMAIL_UNITS),
    password: textOf(1, MAX_PASSWORD_UNITS),
  },
  hello: { version, token: optional(textOf(1, MAX_TOKEN_UNITS)) },
  logout: {},
  logoutEverywhere: {},
}

/** The requests that need no welcome. */
export const BEFORE_WELCOME: ReadonlySet<string> = new Set(['hello', 'login', 'register'])

function textOf(min: number, max: number): Rule {
  return (value, field) => {
    const isText = typeof value === 'string' && value.length >= min && value.length <= max
    if (!isText) return badRequest(field, `has to be a string of ${min} to ${max} UTF-16 units.`)
    return value.isWellFormed() ? undefined : badRequest(field, 'has half a surrogate pair.')
  }
}
