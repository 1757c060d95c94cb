/** A bridge between a stream and a thread that is only played: what it calls, and what it tells. */

import type { Socket } from 'node:net'
import { type Duplex, duplexPair } from 'node:stream'
import { MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import type { FromThread, ThreadEnd, ToThread } from '#code/03-blocking-socket/channel.ts'

export type BridgeSocket = (socket: Socket) => ThreadEnd

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
  /** As `rest`, but the thread takes nothing meanwhile. */
  restUntaken(): Promise<void>
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
export const UNNOTICED = ', but no news was told'

/** Stands behind a loss that was posted after the port had been closed. */
export const TOO_LATE = ', but the port was closed'

/** All that a bridge tells a thread that takes everything, and that looks when nothing moves any more. */
export async function whatBridgeTells(
  bridgeSocket: BridgeSocket,
  act: (thread: PlayedThread) => Promise<unknown>,
): Promise<string[]> {
  const ends = streams()
  // Bridges that were closed before say so first.
  await ends.rest()
  const { port, shared } = bridgeSocket(ends.near as Socket)
  const words = new Int32Array(shared)
  const told: string[] = []
  let posted: string | undefined
  const restore = recordCalls((name, [message]) => {
    const { kind } = message as ToThread
    if (name === 'postMessage' && kind === 'lost') posted = describe(message as ToThread)
  })
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
    const post = (message: FromThread) => port.postMessage(message)
    await act({ ...ends, rest, post, restUntaken: ends.rest })
    await rest()
    await rest()
    if (posted && !told.includes(posted)) told.push(posted + TOO_LATE)
    return told
  } finally {
    restore()
    port.close()
    ends.near.destroy()
  }
}

export function streams(): Ends {
  const [near, far] = duplexPair({ highWaterMark: MARK })
  for (const method of ['setNoDelay', 'setKeepAlive', 'setTimeout', 'ref', 'unref'])
    Object.assign(near, { [method]: () => near })
  far.resume()
  // A socket says with 'close' whether there was an error. Other streams do not.
  const { emit } = near
  const emitLikeSocket = (name: string, ...args: unknown[]) =>
    emit.call(near, name, ...(name === 'close' ? [near.errored !== null] : args))
  Object.assign(near, { emit: emitLikeSocket })
  // The handle of a socket closes a turn of the loop later.
  const { _destroy: destroy } = near
  near._destroy = (error, done) =>
    destroy.call(near, error, (failure) => setImmediate(() => done(failure)))
  // A bridge need not listen for 'error' to be right about what it tells.
  near.on('error', () => {})
  const rest = async (turns = TURNS_TO_REST) => {
    for (let turn = 0; turn < turns; turn++) await new Promise((next) => setImmediate(next))
  }
  return { near, far, rest }
}

export function messagesFor(port: MessagePort): ToThread[] {
  const messages: ToThread[] = []
  for (;;) {
    const next = receiveMessageOnPort(port)
    if (!next) return messages
    messages.push(next.message)
  }
}

export function describe(message: ToThread): string {
  if (message.kind === 'bytes') return describeBytes(message.bytes)
  return message.kind === 'lost' ? `lost ${message.code}` : message.kind
}

const SHOWN_BYTES = 32

function describeBytes(bytes: unknown): string {
  if (!(bytes instanceof Uint8Array)) return `bytes as ${Object(bytes).constructor.name}`
  const text = `bytes ${Buffer.from(bytes.subarray(0, SHOWN_BYTES))}`
  return bytes.length > SHOWN_BYTES ? `${text}… (${bytes.length} bytes)` : text
}
