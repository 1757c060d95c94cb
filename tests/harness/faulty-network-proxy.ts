/**
 * A network that fails on real sockets: it stands between clients and a server, and cuts what passes into pieces, and
 * connections off, at places that a seed decides. Where time does not matter `faulty-network.ts` finds more, and sooner.
 */

import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { type Random, randomInteger } from './random.ts'

export interface ProxyOptions {
  random: Random
  /** Asked for every connection: the server may be another one by now. */
  targetPort(): number
  /** No connection carries more bytes, in both directions together; most carry fewer. */
  maxBytes: number
  /** How many connections meet with an accident; those behind them are left alone. */
  accidents: number
  tell(text: string): void
}

/** A cut says at once that it is one; silence does not. */
type Accident = 'cut' | 'reset' | 'silence'

const ACCIDENTS: Accident[] = ['cut', 'reset', 'reset', 'silence']

export class FaultyProxy {
  /** How many connections it has taken. */
  connections = 0
  readonly #options: ProxyOptions
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(options: ProxyOptions) {
    this.#options = options
    this.#server = createServer((socket) => this.#join(socket))
  }

  static async open(options: ProxyOptions): Promise<FaultyProxy> {
    const proxy = new FaultyProxy(options)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #join(client: Socket): void {
    const { random, maxBytes, accidents, tell, targetPort } = this.#options
    const number = ++this.connections
    const server = connect(targetPort(), '127.0.0.1')
    const accident =
      number <= accidents ? ACCIDENTS[randomInteger(random, ACCIDENTS.length)] : undefined
    let left = accident ? randomInteger(random, maxBytes) : Number.POSITIVE_INFINITY
    let isOver = false
    const happen = () => {
      if (isOver) return
      isOver = true
      tell(`connection ${number}: ${accident}`)
      if (accident === 'silence') return
      for (const socket of [client, server]) {
        if (accident === 'reset') socket.resetAndDestroy()
        else socket.destroy()
      }
    }
    const carry = (from: Socket, to: Socket) => {
      this.#sockets.add(from)
      from.setNoDelay(true)
      from.on('error', () => {})
      from.on('close', () => {
        this.#sockets.delete(from)
        to.destroy()
      })
      from.on('data', (chunk: Buffer) => {
        if (isOver) return
        const passed = chunk.subarray(0, left)
        left -= passed.length
        for (let at = 0; at < passed.length; ) {
          const size = 1 + randomInteger(random, 40)
          to.write(passed.subarray(at, at + size))
          at += size
        }
        if (left === 0) happen()
      })
    }
    carry(client, server)
    carry(server, client)
  }
}
