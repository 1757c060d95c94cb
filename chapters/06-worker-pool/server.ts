/**
 * A hundred connections, eight threads: a connection is a job, and waits for a free thread.
 *
 * Threads are started once and used again and again. One flaw remains: a client who says nothing keeps its thread. An
 * idle limit is the best remedy here; chapter 07 has a better one.
 */

import type { Socket } from 'node:net'
import { type RunningServer, type ServerOptions, serveConnections } from '../01-hello/server.ts'
import { bridgeSocket, drainBridge } from '../03-blocking-socket/bridge.ts'
import type { ThreadEnd } from '../03-blocking-socket/channel.ts'
import type { Conversation } from './connection.ts'
import { PoolBusy, type PoolStats, WorkerPool } from './worker-pool.ts'

export interface PooledOptions extends ServerOptions {
  threads?: number
  /** How many clients may wait for a thread. */
  maxWaiting?: number
  /** How long a client may keep its thread waiting. */
  idleMs?: number
  /** How long the thread of a lost client may go on before the thread is replaced. */
  cancelGraceMs?: number
}

export interface PooledServer extends RunningServer {
  stats(): PoolStats
}

export async function startServer({
  threads = 8,
  maxWaiting = 100,
  idleMs = 30_000,
  cancelGraceMs,
  ...options
}: PooledOptions = {}): Promise<PooledServer> {
  const script = new URL('./connection.ts', import.meta.url)
  const pool = new WorkerPool<Conversation, void>({
    script,
    size: threads,
    maxQueued: maxWaiting,
    cancelGraceMs,
  })
  const server = await serveConnections(options, (socket) => {
    const end = bridgeSocket(socket)
    const working = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)).fill(1)
    pool
      .run(
        { end, working },
        {
          transfer: [end.port],
          signal: whenLost(socket),
          onStart: () => limitIdleness(socket, idleMs, () => owesAnswer(socket, working)),
        },
      )
      .catch((error) => turnAway(socket, end, error))
  }).catch(async (error) => {
    await pool.close()
    throw error
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

/**
 * Returns a signal that aborts when nobody is left to answer. A client that has said FIN still listens; if the client
 * resets after that, Node notices only when it writes to the client.
 */
function whenLost(socket: Socket): AbortSignal {
  const lost = new AbortController()
  socket.once('close', () => lost.abort())
  return lost.signal
}

/**
 * Whether it is the server's turn: the thread does not wait for the client yet, or its answer was still unwritten.
 * Writes such an answer.
 */
function owesAnswer(socket: Socket, working: Int32Array): boolean {
  // Nothing follows our FIN; a job that has crashed leaves `working` as it was.
  if (socket.writableEnded) return false
  if (Atomics.load(working, 0) === 1) return true
  const written = socket.bytesWritten
  drainBridge(socket)
  return socket.bytesWritten > written
}

/** Ends the connection with the reason why it is not served: `busy`, or `error crashed: …` after earlier answers. */
function turnAway(socket: Socket, end: ThreadEnd, error: Error): void {
  drainBridge(socket)
  // Tells the bridge that there is no thread: the bridge reads on and discards, until the client says FIN.
  end.port.close()
  const [reason] = error.message.split('\n')
  socket.end(error instanceof PoolBusy ? 'busy\n' : `error crashed: ${reason}\n`)
}

/**
 * Limits how long a client may be idle; called when a thread starts to serve the client. When no byte has moved on the
 * socket for `idleMs`, in either direction (between Node and the kernel: what the client takes out of the kernel's
 * buffers is not seen):
 *
 * - if the kernel has not taken all that was written before, the client is cut off without a word;
 * - if an answer is owed, `idleMs` starts again although no byte has moved: Node does not restart it by itself;
 * - otherwise the client gets the line `idle`, and both directions are closed.
 *
 * @step 06.7
 */
function limitIdleness(socket: Socket, idleMs: number, owesAnswer: () => boolean): void {
  // TODO 06.7
  throw new Error('TODO 06.7')
}
