/**
 * The main thread's half of a blocking socket: pumps bytes between a `net.Socket` and a thread that may be asleep.
 *
 * It never waits. What must not pile up is held back by credit: at most about `WINDOW_BYTES` are on their way to the
 * thread before the socket is paused, and as many on their way to the peer before the thread has to sleep.
 */

import type { Socket } from 'node:net'
import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import {
  CLOSED,
  FLUSHED,
  type FromThread,
  NEWS,
  type ThreadEnd,
  type ToThread,
  WINDOW_BYTES,
  WORDS,
} from './channel.ts'

/** Of each socket that has a bridge: writes what its thread has said and we have not heard yet. */
const drains = new WeakMap<Socket, () => void>()

/**
 * For a thread that has crashed: what it said before may still be on its way, and is written to its socket now. Between
 * a thread's messages and the news of its end there is no order.
 */
export function drainBridge(socket: Socket): void {
  drains.get(socket)?.()
}

/**
 * Connects a socket to a thread: send it the end that is returned. When the thread closes that port, or ends, the bridge
 * reads on and throws away what comes, up to the peer's FIN.
 */
export function bridgeSocket(socket: Socket): ThreadEnd {
  const { port1: port, port2: threadPort } = new MessageChannel()
  const words = new Int32Array(new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT))
  pumpToThread(socket, port, words)
  pumpToSocket(socket, port, words)
  port.on('close', () => discardInput(socket))
  return { port: threadPort, shared: words.buffer }
}

/** A socket that nobody reads never notices its peer's FIN, and stays open. */
function discardInput(socket: Socket): void {
  socket.unpipe()
  for (const reading of ['data', 'readable']) socket.removeAllListeners(reading)
  socket.resume()
}

/**
 * Sends a message to the thread, and wakes it if it sleeps.
 *
 * @step 03.1 03.2
 */
function deliver(port: MessagePort, words: Int32Array, message: ToThread): void {
  port.postMessage(message)
  // Told last: whoever hears the news must find the message.
  tellNews(words)
}

function tellNews(words: Int32Array): void {
  Atomics.add(words, NEWS, 1)
  Atomics.notify(words, NEWS)
}

function tellClosed(words: Int32Array): void {
  Atomics.store(words, CLOSED, 1)
  Atomics.notify(words, CLOSED)
  tellNews(words)
}

/**
 * Sends what the socket receives: bytes, and how the connection ends (by FIN, or lost).
 *
 * Pauses the socket while `WINDOW_BYTES` or more have not been taken by the thread.
 *
 * @step 03.1 03.3 03.4
 */
function pumpToThread(socket: Socket, port: MessagePort, words: Int32Array): void {
  let untaken = 0
  let lostWith = 'ECONNRESET'
  socket.on('data', (bytes: Buffer) => {
    deliver(port, words, { kind: 'bytes', bytes })
    untaken += bytes.length
    if (untaken >= WINDOW_BYTES) socket.pause()
  })
  port.on('message', (message: FromThread) => {
    if (message.kind !== 'taken') return
    untaken -= message.bytes
    if (untaken < WINDOW_BYTES) socket.resume()
  })
  socket.on('end', () => deliver(port, words, { kind: 'end' }))
  socket.on('error', (error: NodeJS.ErrnoException) => {
    lostWith = error.code ?? lostWith
  })
  socket.on('close', () => {
    if (!socket.readableEnded) deliver(port, words, { kind: 'lost', code: lostWith })
  })
}

/** Writes what the thread sends, and its FIN. Counts bytes as flushed once the kernel has them. */
function pumpToSocket(socket: Socket, port: MessagePort, words: Int32Array): void {
  const hear = (message: FromThread) => {
    if (message.kind === 'end') {
      socket.end()
      tellClosed(words)
    }
    if (message.kind !== 'bytes') return
    socket.write(message.bytes, () => {
      Atomics.add(words, FLUSHED, message.bytes.length)
      tellNews(words)
    })
  }
  port.on('message', hear)
  drains.set(socket, () => {
    for (;;) {
      const next = receiveMessageOnPort(port)
      if (!next) return
      hear(next.message)
    }
  })
  socket.on('close', () => {
    tellClosed(words)
    port.close()
  })
}
