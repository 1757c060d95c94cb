/** A bridge whose thread takes what it likes: how much was delivered and not taken, at any time. */

import type { Socket } from 'node:net'
import { MessagePort } from 'node:worker_threads'
import type { FromThread } from '#code/03-blocking-socket/channel.ts'
import { type BridgeSocket, messagesFor, streams } from './bridge.ts'

const KIBIBYTE = 1024

export interface Window {
  sent: number
  /** The most bytes that were delivered and not taken. */
  most: number
  /** The most bytes that were delivered and not taken when another message was delivered. */
  fullest: number
  /** How many bytes were delivered in the end. */
  delivered: number
  /** How many bytes still waited in the socket then. */
  waiting: number
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
  const window: Window = { sent: 0, most: 0, fullest: 0, delivered: 0, waiting: 0, listeners: 0 }
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
  window.waiting = near.readableLength + far.writableLength
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
