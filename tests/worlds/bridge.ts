/** A bridge between a stream and a thread that is only played: what it calls, what it tells, how much it delivers. */

import type { Socket } from 'node:net'
import { type Duplex, duplexPair } from 'node:stream'
import { MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import type { FromThread, ThreadEnd, ToThread } from '#code/03-blocking-socket/channel.ts'

type BridgeSocket = (socket: Socket) => ThreadEnd

const KIBIBYTE = 1024
const MARK = 16 * KIBIBYTE

/** A few turns of the loop: whatever a bridge does at once has been done. */
const TURNS_TO_REST = 20

interface Ends {
  /** The bridge's end. */
  near: Duplex
  /** The peer's. */
  far: Duplex
  rest(turns?: number): Promise<void>
}

/** A thread whose own words its bridge hears. */
interface PlayedThread extends Ends {
  post(message: FromThread): void
}

/** What a bridge does with one byte, `x`, that its socket receives. */
export interface Delivery {
  /** What it calls, in this order. */
  calls: string[]
  /** One of the words that it shares with its thread has changed. */
  isNews: boolean
  message: string | undefined
}

export async function callsForAByte(bridgeSocket: BridgeSocket): Promise<Delivery> {
  const { near, far, rest } = streams()
  const calls: string[] = []
  const restore = recordCalls((name) => calls.push(name))
  try {
    const { port, shared } = bridgeSocket(near as Socket)
    const before = new Int32Array(shared).join()
    far.write('x')
    await rest()
    const [message] = messagesFor(port).map(describe)
    return { calls, isNews: new Int32Array(shared).join() !== before, message }
  } finally {
    restore()
    near.destroy()
  }
}

/** Tells of every message that is posted and every change of shared memory, until the function it returns is called. */
export function recordCalls(tell: (name: string, args: unknown[]) => void): () => void {
  const { postMessage } = MessagePort.prototype
  const { add, store, notify, sub, xor, exchange, compareExchange } = Atomics
  const originals = { add, store, notify, sub, xor, exchange, compareExchange }
  MessagePort.prototype.postMessage = function (this: MessagePort, ...args: unknown[]) {
    tell('postMessage', args)
    return (postMessage as (...args: unknown[]) => void).apply(this, args)
  }
  for (const [name, original] of Object.entries(originals)) {
    const recorded = (...args: unknown[]): unknown => {
      tell(name, args)
      return (original as (...args: unknown[]) => unknown)(...args)
    }
    Object.assign(Atomics, { [name]: recorded })
  }
  return () => {
    MessagePort.prototype.postMessage = postMessage
    Object.assign(Atomics, originals)
  }
}

/** Stands behind an end for which no word has changed: a thread that sleeps does not look for it. */
export const UNNOTICED = ', and no news of it'

/** All that a bridge tells a thread that takes everything, and that looks when nothing moves any more. */
export async function whatBridgeTells(
  bridgeSocket: BridgeSocket,
  act: (thread: PlayedThread) => Promise<unknown>,
): Promise<string[]> {
  const ends = streams()
  const { port, shared } = bridgeSocket(ends.near as Socket)
  const words = new Int32Array(shared)
  const told: string[] = []
  let before = words.join()
  const rest = async (turns?: number) => {
    await ends.rest(turns)
    const isNews = words.join() !== before
    before = words.join()
    for (const message of messagesFor(port)) {
      told.push(describe(message) + (message.kind === 'end' && !isNews ? UNNOTICED : ''))
      if (message.kind !== 'bytes') continue
      port.postMessage({ kind: 'taken', bytes: message.bytes.length })
    }
  }
  try {
    await act({ ...ends, rest, post: (message) => port.postMessage(message) })
    await rest()
    await rest()
    return told
  } finally {
    port.close()
    ends.near.destroy()
  }
}

export interface Window {
  sent: number
  /** The most bytes that were delivered and not taken. */
  most: number
  /** The most bytes that were delivered and not taken when another message was delivered. */
  fullest: number
  /** How many bytes were delivered in the end. */
  delivered: number
  /** Listeners of its port's `'message'` in the end. */
  listeners: number
}

const ALSO_POSTED: Record<'bytes' | 'end', FromThread> = {
  bytes: { kind: 'bytes', bytes: Buffer.alloc(64 * KIBIBYTE) },
  end: { kind: 'end' },
}

/** Nobody takes what this bridge delivers: its window is full, and that is nobody else's. */
export async function fillWindow(bridgeSocket: BridgeSocket): Promise<() => void> {
  const { near, far, rest } = streams()
  const { port } = bridgeSocket(near as Socket)
  for (let sent = 0; sent < 256; sent += 16) far.write(Buffer.alloc(16 * KIBIBYTE))
  await rest()
  return () => {
    port.close()
    near.destroy()
  }
}

/**
 * A peer sends small pieces and then large ones; the thread takes one message whenever nothing moves any more. What it
 * posts besides (`alsoPosts`) it posts when it has taken the first one.
 */
export async function windowOf(
  bridgeSocket: BridgeSocket,
  alsoPosts: ('bytes' | 'end')[],
): Promise<Window> {
  const { near, far, rest } = streams()
  const { port, ownPort } = bridgeWithPort(bridgeSocket, near as Socket)
  const untaken: number[] = []
  const window: Window = { sent: 0, most: 0, fullest: 0, delivered: 0, listeners: 0 }
  for (let piece = 1; window.sent < 1024 * KIBIBYTE; piece++) {
    const length = piece <= 64 ? KIBIBYTE : 16 * KIBIBYTE
    far.write(Buffer.alloc(length))
    window.sent += length
  }
  do {
    const [bytes] = untaken.splice(0, 1)
    if (bytes) port.postMessage({ kind: 'taken', bytes })
    if (bytes) for (const kind of alsoPosts.splice(0)) port.postMessage(ALSO_POSTED[kind])
    await rest()
    for (const message of messagesFor(port)) {
      if (message.kind !== 'bytes') continue
      window.fullest = Math.max(window.fullest, sum(untaken))
      untaken.push(message.bytes.length)
      window.delivered += message.bytes.length
    }
    window.most = Math.max(window.most, sum(untaken))
  } while (untaken.length > 0)
  window.listeners = ownPort()?.listenerCount('message') ?? 0
  port.close()
  near.destroy()
  return window
}

/** The bridge's own port is the one that it listens to first. */
function bridgeWithPort(bridgeSocket: BridgeSocket, socket: Socket) {
  const { on } = MessagePort.prototype
  let own: MessagePort | undefined
  MessagePort.prototype.on = function (this: MessagePort, ...args: Parameters<typeof on>) {
    own ??= this
    return on.apply(this, args)
  } as typeof on
  try {
    const { port } = bridgeSocket(socket)
    return { port, ownPort: () => own }
  } finally {
    MessagePort.prototype.on = on
  }
}

function sum(lengths: number[]): number {
  return lengths.reduce((total, length) => total + length, 0)
}

function streams(): Ends {
  const [near, far] = duplexPair({ highWaterMark: MARK })
  for (const method of ['setNoDelay', 'setKeepAlive', 'setTimeout', 'ref', 'unref'])
    Object.assign(near, { [method]: () => near })
  far.resume()
  // A bridge need not listen for 'error' to be right about what it tells.
  near.on('error', () => {})
  const rest = async (turns = TURNS_TO_REST) => {
    for (let turn = 0; turn < turns; turn++) await new Promise((next) => setImmediate(next))
  }
  return { near, far, rest }
}

function messagesFor(port: MessagePort): ToThread[] {
  const messages: ToThread[] = []
  for (;;) {
    const next = receiveMessageOnPort(port)
    if (!next) return messages
    messages.push(next.message)
  }
}

function describe(message: ToThread): string {
  if (message.kind === 'bytes') return describeBytes(message.bytes)
  return message.kind === 'lost' ? `lost ${message.code}` : message.kind
}

const SHOWN_BYTES = 32

function describeBytes(bytes: unknown): string {
  if (!(bytes instanceof Uint8Array)) return `bytes as ${Object(bytes).constructor.name}`
  const text = `bytes ${Buffer.from(bytes.subarray(0, SHOWN_BYTES))}`
  return bytes.length > SHOWN_BYTES ? `${text}… (${bytes.length} bytes)` : text
}
