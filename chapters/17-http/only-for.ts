/** A server that has a public name answers for that name, and for no other. */

import type { HttpHandler, HttpRequest } from './http-message.ts'
import { textAnswer } from './site-headers.ts'
import { parseTarget } from './target.ts'

/**
 * Refuses requests for other hosts: a stranger's page whose name points to our address gets nothing (DNS rebinding).
 * Without a public URL, any name will do. A request in HTTP/1.0 that names no host is answered: no browser sends one.
 */
export function onlyFor(publicUrl: string | undefined, handler: HttpHandler): HttpHandler {
  if (!publicUrl) return handler
  const { host, hostname, port, protocol } = new URL(publicUrl)
  // The port may be named even if it is the scheme's own, which a URL leaves out.
  const hosts = [host, `${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`]
  const answer = textAnswer(421, 'This server is another one.')
  return (request) => {
    const asked = hostOf(request)
    return asked === undefined || hosts.includes(asked.toLowerCase()) ? handler(request) : answer
  }
}

/** The host that a request is for. In HTTP/1.0 a target may name one without a `Host`. */
function hostOf({ headers, method, target }: HttpRequest): string | undefined {
  const host = headers.get('host')
  if (host !== undefined) return host
  const parsed = parseTarget(method, target)
  return parsed.kind === 'target' ? parsed.authority : undefined
}
