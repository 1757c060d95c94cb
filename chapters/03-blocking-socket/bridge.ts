/**
 * The main thread's half of a blocking socket: pumps bytes between a `net.Socket` and a thread that may be asleep.
 *
 * It never waits. Each direction has a window: about `WINDOW_BYTES` may be on their way to the thread before the socket
 * is paused, and as many to the peer before the thread has to sleep.
 */

import type { Socket } from 'node:net'
import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import {
  CLOSED,
  FLUSHED,
  type FromThread,
  type ThreadEnd,
  type ToThread,
  WINDOW_BYTES,
  WORDS,
} from './channel.ts'
import { tellNews } from './news.ts'

/** For each socket with a bridge, a function that handles the messages of its thread that have come but not been heard. */
const drains = new WeakMap<Socket, () => void>()

/**
 * Writes what a thread sent before it ended. Call it when the thread has exited or crashed: its `'exit'` event may come
 * before its last messages, and without this they would be lost.
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

/** Behind bytes that nobody reads, the peer's FIN is never seen, and the socket stays open. */
function discardInput(socket: Socket): void {
  socket.unpipe()
  for (const reading of ['data', 'readable']) socket.removeAllListeners(reading)
  socket.resume()
}

/**
 * Sends a message to the thread, and wakes it if it sleeps: the message is there before the news is told.
 *
 * @step 03.2
 */
function deliver(port: MessagePort, words: Int32Array, message: ToThread): void {
  // TODO 03.2
  throw new Error('TODO 03.2')
}

function tellClosed(words: Int32Array): void {
  Atomics.store(words, CLOSED, 1)
  Atomics.notify(words, CLOSED)
  tellNews(words)
}

/**
 * Delivers what the socket receives, in order: bytes, and then one message that says how the stream ended, by FIN (`end`)
 * or because the connection closed before it (`lost`, with the code of the `'error'`, else `ECONNRESET`).
 *
 * Pauses the socket while `WINDOW_BYTES` or more are delivered and not yet taken.
 *
 * @step 03.2 03.3 03.4
 */
function pumpToThread(socket: Socket, port: MessagePort, words: Int32Array): void {
  // TODO 03.2
  throw new Error('TODO 03.2')
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
