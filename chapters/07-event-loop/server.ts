/** The line protocol for any number of clients, on one thread and one loop. */

import type { Socket } from 'node:net'
import { threadId } from 'node:worker_threads'
import { type RunningServer, type ServerOptions, serveConnections } from '../01-hello/server.ts'
import { runCommand } from '../04-thread-per-connection/commands.ts'
import { AcceptQueue } from './accept-queue.ts'
import { type ByteStream, NetStream, type Source } from './byte-stream.ts'
import { Connection } from './connection.ts'
import { EventLoop, type LoopStats, type TimerSource } from './event-loop.ts'
import { type LineEvents, LineProtocol } from './line-protocol.ts'
import { NetPoller } from './poller.ts'

export interface LoopServer extends RunningServer {
  stats(): LoopStats
  /** Closes all connections that are open now, without a word. */
  cut(): void
}

export interface LoopOptions extends ServerOptions {
  timers?: TimerSource
  /** Wraps another socket around a newly accepted one: chapter 19's TLS. */
  secure?: (socket: Socket) => Socket
}

export function startServer(options: ServerOptions = {}): Promise<LoopServer> {
  return serveOnLoop(options, serveLines)
}

/** Serves one client of the line protocol. */
export function serveLines(stream: ByteStream, loop: EventLoop<Source>): void {
  const connection = new Connection(stream, loop)
  connection.use(new LineProtocol(connection, COMMANDS))
}

const HERE = { threadId, sleep }

/** Every line is a command, answered at once: nobody else is served meanwhile. */
export const COMMANDS: LineEvents = {
  onLine(line, lines) {
    try {
      lines.say(runCommand(line, HERE))
    } catch (error) {
      // In 04, the thread would have died of it. This thread serves everybody, so only the connection ends.
      lines.say(`error crashed: ${(error as Error).message}`)
      lines.end('failed')
    }
  },
  onEnd: (lines) => lines.end('finished'),
  onTooLong(lines) {
    lines.say('error line too long')
    lines.end('invalid')
  },
  onStop(why, lines) {
    lines.say(why)
    lines.end(why)
  },
}

/** Listens, and hands each new connection to `onStream`, on a loop that runs until the server is closed. */
export async function serveOnLoop(
  { timers, secure = (socket) => socket, ...options }: LoopOptions,
  onStream: (stream: ByteStream, loop: EventLoop<Source>) => void,
): Promise<LoopServer> {
  const loop = new EventLoop<Source>(new NetPoller(), timers)
  const queue = new AcceptQueue()
  loop.add(queue, { readable: true, writable: false }, () => {
    const stream = queue.accept()
    if (stream !== 'would-block') onStream(stream, loop)
  })
  const server = await serveConnections(options, (socket) =>
    queue.push(new NetStream(secure(socket))),
  )
  // Nobody awaits the loop while it runs: an error that ends it ends the process, and is seen.
  const running = loop.run()
  return {
    port: server.port,
    stats: () => loop.stats(),
    cut() {
      for (const socket of server.open) socket.destroy()
    },
    async close() {
      await server.close()
      // Node reports a server as closed a moment before its last sockets are, and the loop has to see those close.
      await Promise.all(Array.from(server.open, closed))
      loop.stop()
      await running
    },
  }
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()))
}

/** Blocks the one thread there is. That is what the command is for. */
function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}
