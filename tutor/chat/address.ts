/** Where the chat is: `chat.example`, `chat.example:4019`, `[::1]:4019`, `wss://chat.example/chat`. */

export type Address =
  | { kind: 'tcp'; host: string; port: number }
  | { kind: 'webSocket'; url: string }

/** What `npm start serve 19` listens on for frames. */
export const FRAMES_PORT = 4019

const HOST_AND_PORT = /^(?<host>\[[0-9a-f:.]+\]|[^:\s/]+)(?::(?<port>\d{1,5}))?$/i

/** `undefined` when it is none. */
export function parseAddress(text: string): Address | undefined {
  if (/^(ws|http)s?:\/\//i.test(text)) return parseUrl(text)
  const { host, port = String(FRAMES_PORT) } = HOST_AND_PORT.exec(text)?.groups ?? {}
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535) return undefined
  return { kind: 'tcp', host: host.replace(/^\[|\]$/g, ''), port: Number(port) }
}

/** The address of a page is that of its chat, too. */
function parseUrl(text: string): Address | undefined {
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  url.protocol = url.protocol.replace('http', 'ws')
  if (url.pathname === '/') url.pathname = '/chat'
  url.hash = ''
  return { kind: 'webSocket', url: url.href }
}

export function textOfAddress(address: Address): string {
  if (address.kind === 'webSocket') return address.url
  return address.host.includes(':')
    ? `[${address.host}]:${address.port}`
    : `${address.host}:${address.port}`
}
