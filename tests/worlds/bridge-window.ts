/** A bridge whose thread takes what it likes: how much is delivered before the socket is paused, and when it is resumed. */

import type { Socket } from 'node:net'
import { MessagePort } from 'node:worker_threads'
import type { FromThread } from '#code/03-blocking-socket/channel.ts'
import { countBytes } from '../harness/bytes.ts'
import type { Stage } from '../judge/step.ts'
import { type BridgeSocket, messagesFor, streams, whatBridgeTells } from './bridge.ts'

const KIBIBYTE = 1024

/** `WINDOW_BYTES`. */
const WINDOW = 64 * KIBIBYTE

/** A window, and the chunk that went beyond it. */
const MOST_UNTAKEN = 112 * KIBIBYTE

/** Of a port's `'message'`, in an answer that registers generously. */
const MOST_LISTENERS = 8

/** However much is sent, a window is delivered, and all of it in the end. */
export async function expectWindow({ load, expect, story }: Stage): Promise<void> {
  const { bridgeSocket } = await load(() => import('#code/03-blocking-socket/bridge.ts'))
  story.tell(
    'eve',
    'sends 1 MiB in small pieces and then large ones; the thread takes a message whenever nothing moves any more',
  )
  const { sent, most, fullest, delivered, listeners } = await windowOf(bridgeSocket, [])
  expect('at most 112 KiB to be delivered and not taken', most <= MOST_UNTAKEN, {
    because: 'WINDOW_BYTES and the chunk that went beyond it are enough, at any time.',
    likely:
      most === sent
        ? 'Count what has been delivered and not taken; from WINDOW_BYTES on pause the socket.'
        : 'Is credit given twice, or for more than was taken? Each byte is counted up when it is delivered and down when it is taken, and the socket is resumed below the mark only.',
    look: 'pumpToThread()',
    received: countBytes(most),
  })
  expect('all of it to be delivered in the end', delivered === sent, {
    because: 'The thread has taken everything it got, so there is room for the rest.',
    likely: 'Resume the socket when less than WINDOW_BYTES are delivered and not taken, each time.',
    look: 'pumpToThread()',
    received: countBytes(delivered),
  })
  expect('nothing to be delivered while 64 KiB are not taken', fullest < WINDOW, {
    because: 'WINDOW_BYTES that are not taken are a full window, and not one byte of room.',
    likely: 'Pause from exactly WINDOW_BYTES on (>=), and resume below that (<), not at it.',
    look: 'pumpToThread()',
    received: `a chunk, when ${countBytes(fullest)} were not taken`,
  })
  expect('no listener more for each pause', listeners <= MOST_LISTENERS, {
    because: 'A conversation is paused a thousand times. What each pause leaves behind adds up.',
    likely:
      "One listener of the port's 'message' for the whole conversation does: register it outside 'data'.",
    look: 'pumpToThread()',
    received: `${listeners} listeners of the port's 'message'`,
  })
}

/** A socket that was paused goes on, whatever the thread posts besides, and whatever other threads do. */
export async function expectWindowKept({ load, expect, expectSame, story }: Stage): Promise<void> {
  const { bridgeSocket } = await load(() => import('#code/03-blocking-socket/bridge.ts'))
  story.tell('gus', 'sends 64 KiB, and nothing more until all is taken; then a byte')
  const afterPause = await whatBridgeTells(bridgeSocket, async ({ far, rest }) => {
    for (let sent = 0; sent < WINDOW; sent += 16 * KIBIBYTE)
      far.write(Buffer.alloc(16 * KIBIBYTE, 'a'))
    await rest()
    await rest()
    far.write('x')
    await rest()
  })
  expectSame('the last message to the thread', afterPause.at(-1), 'bytes x', {
    because: 'The socket was paused, and then there was room: what comes next is delivered.',
    likely:
      'Resume the socket when there is room, whether anything waits in it or not. What comes to a paused socket stays there.',
    look: 'pumpToThread()',
  })
  for (const kind of ['bytes', 'end'] as const) {
    story.tell('thread', `takes messages like before, and posts \`${kind}\` in between`)
    const window = await windowOf(bridgeSocket, [kind])
    const isKept = window.most <= MOST_UNTAKEN && window.delivered === window.sent
    expect('the window to be as before', isKept, {
      because: 'What the thread sends takes nothing of what was delivered to it.',
      likely:
        'The port brings messages of other kinds, too: count down at `taken`, and at nothing else.',
      look: 'pumpToThread()',
      expected: `at most ${countBytes(MOST_UNTAKEN)} not taken, and all ${countBytes(window.sent)} delivered`,
      received: `${countBytes(window.most)} not taken, and ${countBytes(window.delivered)} delivered`,
    })
  }

  story.tell('fay', 'sends 256 KiB over a bridge of her own, of which her thread takes nothing')
  const fay = await fillWindow(bridgeSocket)
  const beside = await windowOf(bridgeSocket, [])
  fay()
  expect('the window beside hers to be as before', beside.delivered === beside.sent, {
    because: 'Each thread has a window of its own. One that does not read holds up nobody else.',
    likely: 'Is the count one for all sockets? Declare it in pumpToThread().',
    look: 'pumpToThread()',
    expected: `all ${countBytes(beside.sent)} to be delivered`,
    received: countBytes(beside.delivered),
  })
}

interface Window {
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
async function fillWindow(bridgeSocket: BridgeSocket): Promise<() => void> {
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
async function windowOf(
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
