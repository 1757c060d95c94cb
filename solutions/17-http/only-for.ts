/** A server that has a public name answers for that name, and for no other. */

import type { HttpHandler } from './http-message.ts'
import { textAnswer } from './site-headers.ts'

/**
 * Refuses requests for other hosts: a stranger's page whose name points to our address gets nothing (DNS rebinding).
 * Without a public URL, any name will do.
 */
export function onlyFor(publicUrl: string | undefined, handler: HttpHandler): HttpHandler {
  if (!publicUrl) return handler
  const { host } = new URL(publicUrl)
  const answer = textAnswer(421, 'This server is another one.')
  return (request) => {
    const asked = request.headers.get('host')
    return asked === undefined || asked.toLowerCase() === host ? handler(request) : answer
  }
}
