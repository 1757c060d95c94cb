/**
 * The line protocol on one loop, with a pool of threads behind it: the loop talks, the threads compute.
 *
 * A client that says nothing costs no thread, as in 07; a client that computes delays nobody, as in 04.
 */

import { availableParallelism } from 'node:os'
import type { ServerOptions } from '../01-hello/server.ts'
import { type PoolStats, WorkerPool } from '../06-worker-pool/worker-pool.ts'
import type { LoopStats } from '../07-event-loop/event-loop.ts'
import { type LoopServer, serveOnLoop } from '../07-event-loop/server.ts'
import { Conversation } from './conversation.ts'

export interface StrandOptions extends ServerOptions {
  /** By default one core is left to the loop. */
  threads?: number
  /** How many jobs of all clients may wait for a thread; one more is answered `busy`. */
  maxQueued?: number
  /** How many lines of one client may be unanswered; at that number, no more are read. */
  maxUnanswered?: number
}

export interface StrandServer extends LoopServer {
  stats(): LoopStats & { pool: PoolStats }
}

export async function startServer({
  threads = Math.max(1, availableParallelism() - 1),
  maxQueued = 100,
  maxUnanswered = 16,
  ...options
}: StrandOptions = {}): Promise<StrandServer> {
  const script = new URL('./answer-lines.ts', import.meta.url)
  const pool = new WorkerPool<string, string>({ script, size: threads, maxQueued })
  const open = new Set<Conversation>()
  const server = await serveOnLoop(options, (stream, loop) => {
    new Conversation(stream, loop, { pool, open, maxUnanswered })
  }).catch(async (error) => {
    await pool.close()
    throw error
  })
  return {
    ...server,
    stats: () => ({ ...server.stats(), pool: pool.stats() }),
    async close() {
      await server.close()
      // A loop that stops at once may not have reported the connections that it cut.
      for (const conversation of open) conversation.cancel()
      await pool.close()
    },
  }
}
