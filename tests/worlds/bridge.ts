/** A bridge between a real socket and a thread that is only played: what it calls, and what it tells. */

import type { Socket } from 'node:net'
import { MessagePort } from 'node:worker_threads'
import type { ThreadEnd, ToThread } from '#code/03-blocking-socket/channel.ts'
import { PATIENCE_MS, within } from '../harness/patience.ts'
import { type SocketPair, socketPair } from '../harness/socket-pair.ts'

type BridgeSocket = (socket: Socket) => ThreadEnd

/** What the bridge calls for one byte that its socket receives, in this order. */
export async function callsForAByte(bridgeSocket: BridgeSocket): Promise<string[]> {
  const pair = await socketPair()
  const calls: string[] = []
  const { promise: isNotified, resolve } = Promise.withResolvers<void>()
  const restore = recordCalls((name) => {
    calls.push(name)
    if (name === 'notify') resolve()
  })
  try {
    bridgeSocket(pair.near)
    pair.far.write('x')
    await within(PATIENCE_MS, isNotified)
    // What comes too late is to be seen, too.
    await new Promise((resolve) => setImmediate(resolve))
    return calls
  } finally {
    restore()
    pair.destroy()
  }
}

/** Tells of every message that is posted and every change of shared memory, until the function it returns is called. */
function recordCalls(tell: (name: string) => void): () => void {
  const { postMessage } = MessagePort.prototype
  const originals = { add: Atomics.add, store: Atomics.store, notify: Atomics.notify }
  MessagePort.prototype.postMessage = function (this: MessagePort, ...args: unknown[]) {
    tell('postMessage')
    return (postMessage as (...args: unknown[]) => void).apply(this, args)
  }
  for (const [name, original] of Object.entries(originals)) {
    const recorded = (...args: unknown[]): unknown => {
      tell(name)
      return (original as (...args: unknown[]) => unknown)(...args)
    }
    Object.assign(Atomics, { [name]: recorded })
  }
  return () => {
    MessagePort.prototype.postMessage = postMessage
    Object.assign(Atomics, originals)
  }
}

/** The first messages that a bridge has for a thread that reads; fewer when no more come. `act` may wait until some are told. */
export async function whatBridgeTells(
  bridgeSocket: BridgeSocket,
  count: number,
  act: (pair: SocketPair, told: (count: number) => Promise<void>) => Promise<unknown>,
): Promise<string[]> {
  const pair = await socketPair()
  const messages: string[] = []
  let wake = () => {}
  const { port } = bridgeSocket(pair.near)
  port.on('message', (message: ToThread) => {
    messages.push(describe(message))
    if (message.kind === 'bytes') port.postMessage({ kind: 'taken', bytes: message.bytes.length })
    wake()
  })
  const told = async (count: number) => {
    const enough = async () => {
      while (messages.length < count) {
        const next = Promise.withResolvers<void>()
        wake = next.resolve
        await next.promise
      }
    }
    await within(PATIENCE_MS, enough())
  }
  try {
    await act(pair, told)
    await told(count)
    return messages
  } finally {
    port.close()
    pair.destroy()
  }
}

function describe(message: ToThread): string {
  if (message.kind === 'bytes') return `bytes ${Buffer.from(message.bytes)}`
  return message.kind === 'lost' ? `lost ${message.code}` : message.kind
}
