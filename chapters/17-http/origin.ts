/** Which page a request comes from (RFC 6454). A browser says so, and no script can make it say something else. */

import type { HttpRequest } from './http-message.ts'

/** Scheme, host and port of a URL, as a browser writes them in `Origin`. */
export function originOf(url: string): string {
  return new URL(url).origin
}

/** Whether the request says that it comes from a page of one of these origins. */
export function hasOrigin({ headers }: HttpRequest, origins: readonly string[]): boolean {
  const origin = headers.get('origin')
  return origin !== undefined && origins.includes(origin)
}
