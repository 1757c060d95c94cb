/** Who a request comes from, behind proxies that we trust. */

import { isIP } from 'node:net'
import { copyOf, type HttpRequest } from './http-message.ts'

/**
 * The address of the client. Each proxy appends to `X-Forwarded-For` the address that its own request came from;
 * anybody may have written what stands before that. So the list is read from its end, as long as addresses are trusted
 * proxies.
 */
export function clientAddress(
  { headers, peer }: HttpRequest,
  trustedProxies: readonly string[],
): string {
  const hops =
    headers
      .get('x-forwarded-for')
      ?.split(',')
      .map((hop) => hop.trim()) ?? []
  let address = plain(peer.address)
  while (trustedProxies.includes(address)) {
    const hop = plain(hops.pop() ?? '')
    if (isIP(hop) === 0) break
    address = copyOf(hop)
  }
  return address
}

/** An IPv4 address without the `::ffff:` that a socket for both IPv4 and IPv6 puts before it; any other as it is. */
function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '')
}
