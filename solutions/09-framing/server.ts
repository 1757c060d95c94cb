/**
 * Frames in, the same frames out, for any number of clients on one loop.
 *
 * A client that breaks the protocol is told so in a last frame, `error` and the reason, and its connection ends.
 */

import { Connection } from '../07-event-loop/connection.ts'
import { type LoopOptions, type LoopServer, serveOnLoop } from '../07-event-loop/server.ts'
import { type FrameEvents, type FrameOptions, FrameProtocol } from './frame-protocol.ts'

export interface FrameServerOptions extends LoopOptions, FrameOptions {}

export function startServer({
  maxFrameBytes,
  ...options
}: FrameServerOptions = {}): Promise<LoopServer> {
  return serveOnLoop(options, (stream, loop) => {
    const connection = new Connection(stream, loop)
    connection.use(new FrameProtocol(connection, ECHO, { maxFrameBytes }))
  })
}

/** Sends every frame back. */
export const ECHO: FrameEvents = {
  onFrame: (payload, frames) => frames.send(payload),
  lastWords: (_why, reason) => Buffer.from(`error ${reason}`),
}
