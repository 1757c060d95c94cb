/** Who a request comes from, behind proxies that we trust. */

import { isIP } from 'node:net'
import type { HttpRequest } from './http-message.ts'

/**
 * The address of the client. Each proxy puts the address that its own request came from at the end of `X-Forwarded-For`; what stands in
 * front of that, anybody may have written. So the list is read from its end, as far as the addresses are trusted proxies.
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
    address = hop
  }
  return address
}

/** An IPv4 address that came through a socket of both kinds, as the IPv4 address. */
function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '')
}
