/** What a request is about: its target in one of four forms (RFC 9112 §3.2), and the host that it is meant for. */

import { type HeaderFields, type Invalid, invalid } from './http-message.ts'

export interface Target {
  kind: 'target'
  /** Still percent-encoded; `'*'` for the server as a whole. */
  path: string
  /** What follows the `?`, without the `?` itself. */
  query: string
  /** The host that an absolute target names, which has to be the one in `Host`. */
  authority: string | undefined
}

const NO_TARGET = invalid(400, 'A target is a path, "*" for OPTIONS, or begins with http://.')
const NO_ESCAPE = invalid(400, 'In a target, "%" stands before two hex digits.')
const BAD_PATH = invalid(400, 'The escapes of a path are UTF-8, and no control characters.')
const NO_HOST = invalid(400, 'A request in HTTP/1.1 has exactly one Host.')
const BAD_HOST = invalid(400, 'Host is a name or an address, and a port if need be.')
const OTHER_HOST = invalid(400, 'The target names another host than Host does.')

const HOST = /^(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$/
const ABSOLUTE = /^https?:\/\/([^/?]+)([^?]*)(?:\?(.*))?$/i

export function parseTarget(method: string, target: string): Target | Invalid {
  if (/%(?![0-9A-Fa-f]{2})/.test(target)) return NO_ESCAPE
  const parts = partsOf(method, target)
  return parts.kind === 'target' && isOddPath(parts.path) ? BAD_PATH : parts
}

function partsOf(method: string, target: string): Target | Invalid {
  if (method === 'CONNECT') return parseAuthority(target)
  if (target.startsWith('/')) return splitQuery(target, undefined)
  if (target === '*' && method === 'OPTIONS') return splitQuery(target, undefined)
  const [, authority, path, query = ''] = ABSOLUTE.exec(target) ?? []
  if (authority === undefined) return NO_TARGET
  if (!isHost(authority)) return BAD_HOST
  // OPTIONS for a server as a whole, through a proxy, has neither path nor query (§3.2.4).
  const isWhole = method === 'OPTIONS' && path === '' && !target.includes('?')
  return { kind: 'target', path: path || (isWhole ? '*' : '/'), query, authority }
}

/**
 * What is wrong with the `Host` of a request, if anything (RFC 9112 §3.2): 1.1 needs exactly one, 1.0 may have one, and
 * it has to be one that could be connected to.
 */
export function checkHost(
  headers: HeaderFields,
  version: '1.0' | '1.1',
  authority: string | undefined,
): Invalid | undefined {
  const host = headers.getOnly('host')
  if (host === 'none') return version === '1.0' ? undefined : NO_HOST
  if (host === 'several') return NO_HOST
  if (!isHost(host.value)) return BAD_HOST
  if (authority !== undefined && authority.toLowerCase() !== host.value.toLowerCase())
    return OTHER_HOST
  return undefined
}

/** Whether a path has what nobody has a good reason to ask for, and what decoders have been fooled with. */
function isOddPath(path: string): boolean {
  if (!path.includes('%')) return false
  try {
    return /[\u0000-\u001f\u007f]/.test(decodeURIComponent(path))
  } catch {
    return true
  }
}

function parseAuthority(target: string): Target | Invalid {
  if (!/:[0-9]+$/.test(target) || !isHost(target)) return NO_TARGET
  return { kind: 'target', path: '', query: '', authority: undefined }
}

function splitQuery(target: string, authority: string | undefined): Target {
  const mark = target.indexOf('?')
  if (mark === -1) return { kind: 'target', path: target, query: '', authority }
  return { kind: 'target', path: target.slice(0, mark), query: target.slice(mark + 1), authority }
}

function isHost(text: string): boolean {
  const [, port = ''] = /:([0-9]+)$/.exec(text) ?? []
  return HOST.test(text) && Number(port) <= 65_535
}
