/**
 * Echo: every byte goes back to where it came from.
 *
 * TCP keeps the order of bytes and nothing else, so nothing here thinks in messages. The only memory a client costs is
 * what it has not read yet, and that has a limit.
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
 * Sends back every chunk as it came.
 *
 * While a client does not read, nothing more is read from it: about one high-water mark of bytes
 * (`socket.writableHighWaterMark`, 64 KiB) waits here for it at most.
 *
 * @step 02.1 02.2 02.3
 */
export function echoBytes(socket: Socket): void {
  socket.on('data', (chunk) => {
    const hasRoom = socket.write(chunk)
    if (!hasRoom) socket.pause()
  })
  socket.on('drain', () => socket.resume())
}

/**
 * Answers the client's FIN with ours, at once, behind everything that came before it.
 *
 * @step 02.1
 */
export function answerGoodbye(socket: Socket): void {
  // 'end' comes after the last 'data', and end() sends its FIN after what is queued.
  socket.on('end', () => socket.end())
}
