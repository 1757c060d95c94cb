/** The line protocol of chapter 07, for clients that have to be heard from. */

import type { ServerOptions } from '../01-hello/server.ts'
import type { ByteStream, Source } from '../07-event-loop/byte-stream.ts'
import { Connection } from '../07-event-loop/connection.ts'
import type { EventLoop, LoopStats } from '../07-event-loop/event-loop.ts'
import { LineProtocol } from '../07-event-loop/line-protocol.ts'
import { COMMANDS, type LoopServer, serveOnLoop } from '../07-event-loop/server.ts'
import { type Clock, TimerQueue } from './timer-queue.ts'
import { Watch } from './watch.ts'

export interface ClientLimits {
  /** A client that has sent no line for this long is told `idle`, and its connection ends. */
  idleMs: number
  /** How often a client that says nothing is sent `ping`; never if it is 0. */
  heartbeatMs?: number
}

export interface TimedOptions extends ServerOptions, Partial<ClientLimits> {
  clock?: Clock
}

export interface TimedServer extends LoopServer {
  stats(): LoopStats & { timers: number }
}

/** Two pings may get lost before a client is taken for dead. */
const IDLE_MS = 60_000
const HEARTBEAT_MS = 20_000

/** How long a client has, from our goodbye on, to take the last words and to send its own FIN. */
export const GOODBYE_MS = 5_000

/** What we send to see whether somebody is there, and the client's answer, which gets no reply. */
export const PING = 'ping'
export const PONG = 'pong'

export async function startServer({
  idleMs = IDLE_MS,
  heartbeatMs = HEARTBEAT_MS,
  clock = performance,
  ...options
}: TimedOptions = {}): Promise<TimedServer> {
  const timers = new TimerQueue(clock)
  const server = await serveOnLoop({ ...options, timers }, (stream, loop) => {
    serveWatched(stream, loop, timers, { idleMs, heartbeatMs })
  })
  return { ...server, stats: () => ({ ...server.stats(), timers: timers.size }) }
}

/** Serves one client of the line protocol that has to be heard from. */
export function serveWatched(
  stream: ByteStream,
  loop: EventLoop<Source>,
  timers: TimerQueue,
  { idleMs, heartbeatMs }: ClientLimits,
): void {
  const connection = new Connection(stream, loop)
  const lines = new LineProtocol(connection, { ...COMMANDS, onLine })
  const heartbeat = heartbeatMs ? { everyMs: heartbeatMs, ask: () => lines.say(PING) } : undefined
  connection.use(lines)
  connection.observe(new Watch(connection, timers, { idleMs, goodbyeMs: GOODBYE_MS }, heartbeat))
}

/**
 * A line is a command, as in chapter 07, unless it only answers our ping.
 *
 * @step 08.6 08.7
 */
function onLine(line: string, lines: LineProtocol): void {
  if (line !== PONG) COMMANDS.onLine(line, lines)
}
