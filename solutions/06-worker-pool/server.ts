/**
 * A hundred connections, eight threads: a connection is a job, and waits for a thread to be free.
 *
 * Threads are started once and used again and again. What that cannot change: a client who says nothing keeps a
 * thread all the same. An idle limit is the best that can be done about it here; chapter 07 does better.
 */

import type { Socket } from 'node:net'
import { type RunningServer, type ServerOptions, serveConnections } from '../01-hello/server.ts'
import { bridgeSocket } from '../03-blocking-socket/bridge.ts'
import type { ThreadEnd } from '../03-blocking-socket/channel.ts'
import { PoolBusy, type PoolStats, WorkerPool } from './worker-pool.ts'

export interface PooledOptions extends ServerOptions {
  threads?: number
  /** Clients who may wait for a thread. */
  maxWaiting?: number
  /** A client on whose connection nothing has moved for so long gives its place up. */
  idleMs?: number
}

export interface PooledServer extends RunningServer {
  stats(): PoolStats
}

export async function startServer({
  threads = 8,
  maxWaiting = 100,
  idleMs = 30_000,
  ...options
}: PooledOptions = {}): Promise<PooledServer> {
  const script = new URL('./connection.ts', import.meta.url)
  const pool = new WorkerPool<ThreadEnd, void>({ script, size: threads, maxQueued: maxWaiting })
  const server = await serveConnections(options, (socket) => {
    const end = bridgeSocket(socket)
    pool
      .run(end, { transfer: [end.port], signal: whenLost(socket) })
      .catch((error) => turnAway(socket, error))
    limitIdleness(socket, idleMs)
  })
  return {
    port: server.port,
    stats: () => pool.stats(),
    async close() {
      await server.close()
      await pool.close()
    },
  }
}

/** Aborts when the client vanishes: its job is wanted by nobody. One who says FIN is served to the end. */
function whenLost(socket: Socket): AbortSignal {
  const lost = new AbortController()
  socket.once('close', () => {
    if (!socket.readableEnded) lost.abort()
  })
  return lost.signal
}

/** Says why a client is not served (`busy`, or `error …`), and ends the connection. */
function turnAway(socket: Socket, error: Error): void {
  socket.end(error instanceof PoolBusy ? 'busy\n' : `error crashed: ${error.message}\n`)
}

/**
 * Lets a client go on whose connection nothing has moved for `idleMs`: one line, `idle`, and both directions are
 * closed, so that the thread that waits for its words is free.
 *
 * @step 06.6
 */
function limitIdleness(socket: Socket, idleMs: number): void {
  socket.setTimeout(idleMs, () => {
    socket.write('idle\n')
    // Not end(): a client who says nothing need not say FIN either, and its thread is wanted by others.
    socket.destroySoon()
  })
}
