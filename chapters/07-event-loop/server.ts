/** The line protocol for any number of clients, on one thread and one loop. */

import { threadId } from 'node:worker_threads'
import { type RunningServer, type ServerOptions, serveConnections } from '../01-hello/server.ts'
import { runCommand } from '../04-thread-per-connection/commands.ts'
import { Acceptor } from './acceptor.ts'
import { type ByteStream, NetStream, type Source } from './byte-stream.ts'
import { EventLoop, type LoopStats, type TimerSource } from './event-loop.ts'
import { LineConnection, type LineEvents } from './line-connection.ts'
import { NetPoller } from './poller.ts'

export interface LoopServer extends RunningServer {
  stats(): LoopStats
}

export interface LoopOptions extends ServerOptions {
  timers?: TimerSource
}

export function startServer(options: ServerOptions = {}): Promise<LoopServer> {
  return serveOnLoop(options, (stream, loop) => {
    new LineConnection(stream, loop, COMMANDS)
  })
}

const HERE = { threadId, sleep }

/** Every line is a command, answered at once: as long as that takes, nobody else is served. */
export const COMMANDS: LineEvents = {
  onLine(line, connection) {
    try {
      connection.say(runCommand(line, HERE))
    } catch (error) {
      // A thread would have died of it. Here the thread is everybody's, so the connection has to do.
      connection.say(`error crashed: ${(error as Error).message}`)
      connection.end()
    }
  },
  onEnd: (connection) => connection.end(),
}

/** Listens, and hands each new connection to `onStream`, on a loop that runs until the server is closed. */
export async function serveOnLoop(
  { timers, ...options }: LoopOptions,
  onStream: (stream: ByteStream, loop: EventLoop<Source>) => void,
): Promise<LoopServer> {
  const loop = new EventLoop<Source>(new NetPoller(), timers)
  const acceptor = new Acceptor()
  loop.add(acceptor, { readable: true, writable: false }, () => {
    const stream = acceptor.accept()
    if (stream !== 'would-block') onStream(stream, loop)
  })
  const server = await serveConnections(options, (socket) => acceptor.push(new NetStream(socket)))
  // Nobody awaits the loop while it runs: what ends it ends the process, and is seen.
  const running = loop.run()
  return {
    port: server.port,
    stats: () => loop.stats(),
    async close() {
      await server.close()
      loop.stop()
      await running
    },
  }
}

/** Blocks the one thread there is. That is what the command is for. */
function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}
