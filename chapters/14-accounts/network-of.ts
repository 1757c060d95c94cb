/**
 * What an address counts as: an IPv4 address as one customer, an IPv6 address as its network of 2^64 addresses, which
 * all belong to one customer (RFC 6177), so that counting single addresses would count nothing.
 */

import { isIPv6 } from 'node:net'

const MAPPED_IPV4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i

/** `'192.0.2.7'` for itself and for `'::ffff:192.0.2.7'`; `'2001:db8:0:1::/64'` for `'2001:db8:0:1:2:3:4:5%eth0'`. */
export function networkOf(address: string): string {
  const mapped = MAPPED_IPV4.exec(address)
  if (mapped) return mapped[1]
  if (!isIPv6(address)) return address
  const [head, tail = ''] = address.split('%')[0].split('::')
  const [left, right] = [groupsOf(head), groupsOf(tail)]
  const zeros = Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0')
  const groups = [...left, ...zeros, ...right].slice(0, 4)
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`
}

/** The 16-bit groups in a part of an address; an IPv4 address at its end takes the place of two. */
function groupsOf(part: string): string[] {
  return part.split(':').flatMap((group) => {
    if (group === '') return []
    return group.includes('.') ? ['0', '0'] : [group]
  })
}
