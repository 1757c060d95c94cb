/** What it takes to talk to each of the chats of measurement 13: no more than to be let in, to say, and to hear. */

export interface Dialect {
  /** What a client sends first, before anything comes. */
  greeting(port: number, name: string): Uint8Array
  /** What it says then; `''` when nothing. */
  entrance: Uint8Array
  say(name: string, text: string): Uint8Array
  /** Where the message that begins at this place ends, header included; 0 when more bytes are needed. */
  endOf(bytes: Buffer, at: number): number
}

const TEXT_FRAME = 0x81
const NO_MASK_KEY = Buffer.from([0, 0, 0, 0])

export const FRAMES: Dialect = {
  greeting: (_port, name) => frames({ id: 1, type: 'hello', version: 1, name }),
  entrance: frames({ id: 2, type: 'join', room: 'hall' }),
  say: (_name, text) => frames({ id: 3, type: 'say', room: 'hall', text }),
  endOf(bytes, at) {
    const end = bytes.length < at + 4 ? Number.NaN : at + 4 + bytes.readUInt32BE(at)
    return end <= bytes.length ? end : 0
  },
}

export const PLAIN_WEBSOCKET: Dialect = {
  greeting: (port) => upgrade(port, '/'),
  entrance: Buffer.alloc(0),
  say: (name, text) => textFrame(JSON.stringify({ name, text })),
  endOf: endOfWebSocketFrame,
}

/** The chat of 13 through the door of 18. A client need not wait for the answer to its handshake to say hello. */
export const ROOMS_ON_WEBSOCKET: Dialect = {
  greeting: (port, name) =>
    Buffer.concat([
      upgrade(port, '/chat'),
      textFrame(JSON.stringify({ id: 1, type: 'hello', version: 1, name })),
    ]),
  entrance: textFrame(JSON.stringify({ id: 2, type: 'join', room: 'hall' })),
  say: (_name, text) => textFrame(JSON.stringify({ id: 3, type: 'say', room: 'hall', text })),
  endOf: endOfWebSocketFrame,
}

export const SOCKET_IO: Dialect = {
  greeting: (port) => upgrade(port, '/socket.io/?EIO=4&transport=websocket'),
  entrance: textFrame('40'),
  say: (name, text) => textFrame(`42${JSON.stringify(['say', { name, text }])}`),
  endOf: endOfWebSocketFrame,
}

function frames(message: object): Buffer {
  const payload = Buffer.from(JSON.stringify(message))
  const header = Buffer.alloc(4)
  header.writeUInt32BE(payload.length)
  return Buffer.concat([header, payload])
}

function upgrade(port: number, path: string): Buffer {
  const lines = [
    `GET ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ]
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`)
}

/** A mask of zeros is a mask: the payload stays as it is. */
function textFrame(text: string): Buffer {
  const payload = Buffer.from(text)
  const isShort = payload.length < 126
  const length = isShort
    ? [0x80 | payload.length]
    : [0x80 | 126, payload.length >> 8, payload.length & 255]
  return Buffer.concat([Buffer.from([TEXT_FRAME, ...length]), NO_MASK_KEY, payload])
}

/** What a server sends has no mask, and nothing here is longer than 64 KiB. The head of its first answer is text. */
function endOfWebSocketFrame(bytes: Buffer, at: number): number {
  if (bytes.length < at + 4) return 0
  if (bytes[at] === 'H'.charCodeAt(0)) {
    const end = bytes.indexOf('\r\n\r\n', at)
    return end < 0 ? 0 : end + 4
  }
  const short = bytes[at + 1] & 127
  const end = short < 126 ? at + 2 + short : at + 4 + bytes.readUInt16BE(at + 2)
  return end <= bytes.length ? end : 0
}
