/**
 * The session's token in a cookie (RFC 6265): scripts cannot read it, and no page of another site can make the browser
 * send it.
 *
 * `__Host-` is a promise that the browser keeps: such a cookie came over TLS, from this host, for all of its paths.
 */

import { copyOf, type HttpRequest } from './http-message.ts'

/** The longest that a session lives. */
const MAX_AGE_S = 90 * 24 * 60 * 60

export function sessionCookieOf({ headers }: HttpRequest, isSecure = false): string | undefined {
  const name = nameOf(isSecure)
  // Some clients send several lines.
  for (const pair of headers.getAll('cookie').join(';').split(';')) {
    const [key, ...value] = pair.split('=')
    if (key.trim() === name) return copyOf(value.join('=').trim())
  }
  return undefined
}

export function setSessionCookie(token: string, isSecure: boolean): string {
  return makeCookie(token, MAX_AGE_S, isSecure)
}

export function clearSessionCookie(isSecure: boolean): string {
  return makeCookie('', 0, isSecure)
}

function makeCookie(value: string, maxAgeS: number, isSecure: boolean): string {
  const secure = isSecure ? '; Secure' : ''
  return `${nameOf(isSecure)}=${value}; HttpOnly; SameSite=Strict; Path=/; Max-Age=${maxAgeS}${secure}`
}

function nameOf(isSecure: boolean): string {
  return isSecure ? '__Host-session' : 'session'
}
