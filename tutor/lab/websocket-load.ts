/** WebSocket clients of which each has one message under way: no more than it takes to load a server. */

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { HostedServer } from '../../tests/harness/hosted-server.ts'
import { notMeasurable } from './measurement.ts'

export interface EchoLoad {
  connections: number
  payloadBytes: number
}

/** What opens the connections is done. */
const SETTLE_MS = 100

/** So many echoes, and V8 has compiled whatever a server runs for one; in a time instead, a busy machine gets too few. */
const WARM_UP_ECHOES = 20_000

/** A server that says nothing back for so long will not. */
const WARM_UP_LOOK_MS = 500

const KEY = [0x37, 0xfa, 0x21, 0x3d]

/** What a client asks with before it speaks WebSocket. */
export function upgradeRequest(path: string): string {
  const lines = [
    `GET ${path} HTTP/1.1`,
    'Host: 127.0.0.1',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ]
  return `${lines.join('\r\n')}\r\n\r\n`
}

/** Has the server answered so often that it does not become faster any more. */
export function warmUp(server: HostedServer, load: EchoLoad): Promise<void> {
  return underLoad(server, load, async (echoes) => {
    for (let before = -1; echoes() < WARM_UP_ECHOES; ) {
      if (echoes() === before) throw notMeasurable('It has stopped saying texts back.')
      before = echoes()
      await server.cpuMsDuring(WARM_UP_LOOK_MS)
    }
  })
}

/** Microseconds of the server's CPU for each text of `/echo` that comes back, in so many milliseconds. */
export function microsPerEcho(
  server: HostedServer,
  load: EchoLoad,
  forMs: number,
): Promise<number> {
  return underLoad(server, load, async (echoes) => {
    await server.cpuMsDuring(SETTLE_MS)
    const before = echoes()
    const cpuMs = await server.cpuMsDuring(forMs)
    return (cpuMs * 1_000) / (echoes() - before)
  })
}

async function underLoad<T>(
  server: HostedServer,
  { connections, payloadBytes }: EchoLoad,
  body: (echoes: () => number) => Promise<T>,
): Promise<T> {
  const clients: EchoClient[] = []
  try {
    for (let place = 0; place < connections; place++) {
      clients.push(await EchoClient.connect(server.port, payloadBytes))
    }
    for (const client of clients) client.talk()
    return await body(() => clients.reduce((sum, { echoes }) => sum + echoes, 0))
  } finally {
    for (const client of clients) client.destroy()
  }
}

class EchoClient {
  echoes = 0
  readonly #socket: Socket
  readonly #frame: Buffer
  readonly #answerBytes: number
  #missingBytes = 0

  constructor(socket: Socket, payloadBytes: number) {
    this.#socket = socket
    this.#frame = maskedText(payloadBytes)
    // An answer has no key.
    this.#answerBytes = this.#frame.length - KEY.length
    socket.on('data', (chunk) => this.#receive(chunk.length))
  }

  static async connect(port: number, payloadBytes: number): Promise<EchoClient> {
    const socket = connect(port, '127.0.0.1').setNoDelay()
    socket.on('error', () => {})
    await once(socket, 'connect')
    socket.write(upgradeRequest('/echo'))
    await once(socket, 'data')
    return new EchoClient(socket, payloadBytes)
  }

  talk(): void {
    this.#missingBytes = this.#answerBytes
    this.#socket.write(this.#frame)
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #receive(bytes: number): void {
    this.#missingBytes -= bytes
    if (this.#missingBytes > 0) return
    this.echoes += 1
    this.talk()
  }
}

function maskedText(payloadBytes: number): Buffer {
  const length =
    payloadBytes < 126
      ? [0x80 | payloadBytes]
      : [0x80 | 126, payloadBytes >> 8, payloadBytes & 0xff]
  const payload = Buffer.alloc(payloadBytes, 'What is said comes back. ')
  const masked = payload.map((byte, place) => byte ^ KEY[place % 4])
  return Buffer.concat([Buffer.from([0x81, ...length, ...KEY]), masked])
}
