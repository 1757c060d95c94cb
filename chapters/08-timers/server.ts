/** The line protocol of chapter 07, for clients that have to be heard from. */

import type { ServerOptions } from '../01-hello/server.ts'
import type { LoopStats } from '../07-event-loop/event-loop.ts'
import { type LoopServer, serveOnLoop } from '../07-event-loop/server.ts'
import { type Clock, TimerQueue } from './timer-queue.ts'
import { type ClientLimits, WatchedClient } from './watched-client.ts'

export interface TimedOptions extends ServerOptions, Partial<ClientLimits> {
  clock?: Clock
}

export interface TimedServer extends LoopServer {
  stats(): LoopStats & { timers: number }
}

/** Two pings may get lost before a client is taken for dead. */
const IDLE_MS = 60_000
const HEARTBEAT_MS = 20_000

export async function startServer({
  idleMs = IDLE_MS,
  heartbeatMs = HEARTBEAT_MS,
  clock = performance,
  ...options
}: TimedOptions = {}): Promise<TimedServer> {
  const timers = new TimerQueue(clock)
  const server = await serveOnLoop({ ...options, timers }, (stream, loop) => {
    new WatchedClient(stream, loop, timers, { idleMs, heartbeatMs })
  })
  return { ...server, stats: () => ({ ...server.stats(), timers: timers.size }) }
}
