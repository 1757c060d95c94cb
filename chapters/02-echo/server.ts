/**
 * Echo: every byte goes back to where it came from.
 *
 * TCP keeps the order of bytes and nothing else, so nothing here knows about messages. The only memory a client costs
 * is for bytes that it has not read yet, and that memory has a limit.
 */

import type { Socket } from 'node:net'
import { type RunningServer, type ServerOptions, serveConnections } from '../01-hello/server.ts'

export function startServer(options: ServerOptions = {}): Promise<RunningServer> {
  return serveConnections(options, (socket) => {
    echoBytes(socket)
    answerGoodbye(socket)
  })
}

/**
 * Sends back every chunk as it arrived.
 *
 * Reads nothing more from a client while it does not read: at most about one high-water mark of bytes
 * (`socket.writableHighWaterMark`, 64 KiB) waits here for it.
 *
 * @step 02.1 02.2 02.3
 */
export function echoBytes(socket: Socket): void {
  // TODO 02.1
  throw new Error('TODO 02.1')
}

/**
 * Answers the client's FIN at once: queues ours behind everything that came before it.
 *
 * @step 02.1
 */
export function answerGoodbye(socket: Socket): void {
  // TODO 02.1
  throw new Error('TODO 02.1')
}
