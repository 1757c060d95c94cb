/**
 * How a client connects on Node: looks up the name, lets its addresses race, and sends texts as frames to the winner.
 *
 * The rest of the client does not know this file: in a page a WebSocket takes its place.
 */

import { lookup } from 'node:dns/promises'
import { connect, type Socket } from 'node:net'
import { encodeFrame, FrameDecoder } from '../09-framing/frames.ts'
import { type Address, AddressRace } from './addresses.ts'
import type { Connect, Link, LinkEvents } from './request-link.ts'
import { SYSTEM_TIMERS, type Timers } from './timers.ts'

export interface TcpOptions {
  host: string
  port: number
  timers?: Timers
  /** Resolves with all addresses of a host, in the order that the system prefers. */
  resolve?: (host: string) => Promise<Address[]>
}

export function connectOverTcp(options: TcpOptions): Connect {
  return (events) => new TcpLink(options, events)
}

async function resolveHost(host: string): Promise<Address[]> {
  return (await lookup(host, { all: true, order: 'verbatim' })) as Address[]
}

class TcpLink implements Link {
  readonly #events: LinkEvents
  readonly #decoder = new FrameDecoder()
  #race: AddressRace<DialledSocket> | undefined
  #socket: Socket | undefined
  #isClosed = false

  constructor(options: TcpOptions, events: LinkEvents) {
    this.#events = events
    // What `onOpen` throws is not a failed connection: it is thrown on.
    this.#dial(options).then(
      (socket) => this.#open(socket),
      () => this.#end(),
    )
  }

  send(text: string): void {
    this.#socket?.write(encodeFrame(Buffer.from(text)))
  }

  close(): void {
    this.#isClosed = true
    this.#race?.cancel()
    this.#socket?.destroy()
  }

  async #dial({ host, port, timers = SYSTEM_TIMERS, resolve = resolveHost }: TcpOptions) {
    const addresses = await resolve(host)
    if (this.#isClosed) throw new Error('closed')
    const dial = (address: Address, signal: AbortSignal) => dialTcp(address, port, signal)
    this.#race = new AddressRace(addresses, dial, timers)
    const { socket } = await this.#race.run()
    return socket
  }

  #open(socket: Socket): void {
    if (this.#isClosed) return void socket.destroy()
    this.#socket = socket
    socket.on('data', (chunk: Uint8Array) => this.#receive(chunk))
    socket.on('close', () => this.#end())
    this.#events.onOpen()
  }

  #receive(chunk: Uint8Array): void {
    for (const decoded of this.#decoder.push(chunk)) {
      if (this.#isClosed) return
      if (decoded.kind === 'frame') this.#events.onText(Buffer.from(decoded.payload).toString())
      else this.#socket?.destroy()
    }
  }

  #end(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#events.onClose()
  }
}

interface DialledSocket {
  socket: Socket
  close(): void
}

function dialTcp(address: Address, port: number, signal: AbortSignal): Promise<DialledSocket> {
  return new Promise((resolve, reject) => {
    const { address: host, family } = address
    const socket = connect({ host, family, port, noDelay: true })
    signal.addEventListener('abort', () => socket.destroy(new Error('aborted')))
    socket.on('error', reject)
    // A socket that was destroyed without an error emits only this.
    socket.on('close', () => reject(new Error('closed')))
    socket.on('connect', () => resolve({ socket, close: () => socket.destroy() }))
  })
}
