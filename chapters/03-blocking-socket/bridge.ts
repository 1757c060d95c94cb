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

/** For each bridged socket, a function that handles the messages from its thread that still wait in the port. */
const drains = new WeakMap<Socket, () => void>()

/**
 * Handles now what the socket's thread has sent, instead of when the event loop gets to it. Call it when the thread has
 * exited or crashed: its `'exit'` may be emitted before its last messages have arrived, and without this call they would
 * be lost. While the thread lives, the call does no harm.
 */
export function drainBridge(socket: Socket): void {
  drains.get(socket)?.()
}

/**
 * Connects a socket to a thread, and returns the thread's end: send it there. When the thread ends, or closes the port
 * of that end, the bridge reads on up to the peer's FIN and discards what it reads.
 */
export function bridgeSocket(socket: Socket): ThreadEnd {
  const { port1: port, port2: threadPort } = new MessageChannel()
  const words = new Int32Array(new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT))
  pumpToThread(socket, port, words)
  pumpToSocket(socket, port, words)
  port.on('close', () => discardInput(socket))
  return { port: threadPort, shared: words.buffer }
}

/** Discards what the socket receives: unread bytes would hide the FIN behind them and keep the socket open. */
function discardInput(socket: Socket): void {
  socket.unpipe()
  for (const reading of ['data', 'readable']) socket.removeAllListeners(reading)
  socket.resume()
}

/**
 * Sends a message to the thread, and only then tells the news, which wakes the thread if it sleeps.
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
 * Delivers what the socket receives, in order: bytes, then one message that says how the stream ended. That is `end`
 * after FIN, or `lost` if the connection closed before FIN, with the code of the `'error'`, else `ECONNRESET`.
 *
 * Pauses the socket while `WINDOW_BYTES` or more are delivered and not yet taken. Resumes it when fewer are, at the
 * latest when all are taken.
 *
 * @step 03.2 03.3 03.4
 */
function pumpToThread(socket: Socket, port: MessagePort, words: Int32Array): void {
  // TODO 03.2
  throw new Error('TODO 03.2')
}

/** Writes the thread's bytes to the socket, and the thread's FIN. Counts bytes as flushed once the kernel has them. */
function pumpToSocket(socket: Socket, port: MessagePort, words: Int32Array): void {
  const hear = (message: FromThread) => {
    if (message.kind === 'end') {
      socket.end()
      tellClosed(words)
    }
    if (message.kind !== 'bytes') return
    socket.write(message.bytes, (error) => {
      // A destroyed socket calls back for what it never wrote. The kernel has not taken it, and 'close' tells the news.
      if (error) return
      Atomics.add(words, FLUSHED, message.bytes.length)
      tellNews(words)
    })
  }
  port.on('message', hear)
  drains.set(socket, () => {
    for (;;) {
      const next = receiveMessageOnPort(port)
      if (!next) return
      // To every listener: `taken` is for `pumpToThread()`.
      port.emit('message', next.message)
    }
  })
  socket.on('close', () => {
    tellClosed(words)
    port.close()
  })
}
