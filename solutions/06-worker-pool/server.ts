/**
 * A hundred connections, eight threads: a connection is a job, and waits for a thread to be free.
 *
 * Threads are started once and used again and again. What that cannot change: a client who says nothing keeps a
 * thread all the same. An idle limit is the best that can be done about it here; chapter 07 does better.
 */

import type { Socket } from 'node:net'
import { type RunningServer, type ServerOptions, serveConnections } from '../01-hello/server.ts'
import { bridgeSocket, drainBridge } from '../03-blocking-socket/bridge.ts'
import type { ThreadEnd } from '../03-blocking-socket/channel.ts'
import type { Conversation } from './connection.ts'
import { PoolBusy, type PoolStats, WorkerPool } from './worker-pool.ts'

export interface PooledOptions extends ServerOptions {
  threads?: number
  /** Clients who may wait for a thread. */
  maxWaiting?: number
  /** A client that keeps its thread waiting for so long gives it up. */
  idleMs?: number
  /** So long the thread of a client that is lost may still come to an end by itself. */
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
 * Aborts when nobody is left to be answered. A client that has said FIN still listens; should it reset after that, Node
 * says so only when it is written to.
 */
function whenLost(socket: Socket): AbortSignal {
  const lost = new AbortController()
  socket.once('close', () => lost.abort())
  return lost.signal
}

/** Whether it is the server's turn: the thread has not come to wait for the client, or its answer was not written until now. */
function owesAnswer(socket: Socket, working: Int32Array): boolean {
  if (Atomics.load(working, 0) === 1) return true
  const written = socket.bytesWritten
  drainBridge(socket)
  return socket.bytesWritten > written
}

/** Says why a client is not served (`busy`, or `error crashed: …`) behind what it was told before, and ends the connection. */
function turnAway(socket: Socket, end: ThreadEnd, error: Error): void {
  drainBridge(socket)
  // No thread has it, so the bridge reads on until the client says FIN.
  end.port.close()
  const [reason] = error.message.split('\n')
  socket.end(error instanceof PoolBusy ? 'busy\n' : `error crashed: ${reason}\n`)
}

/**
 * Called when a thread is there for the client. When nothing has moved on the socket for `idleMs`, in either direction, and
 * no answer is owed, the client is told so in one line, `idle`, and both directions are closed. A client that has not even
 * taken what it was told before is cut off without a word. If an answer is owed, `idleMs` begin anew.
 *
 * @step 06.6
 */
function limitIdleness(socket: Socket, idleMs: number, owesAnswer: () => boolean): void {
  socket.setTimeout(idleMs)
  socket.on('timeout', () => {
    if (socket.writableLength > 0) return void socket.destroy()
    if (owesAnswer()) return void socket.setTimeout(idleMs)
    // end() alone would wait for a FIN, and a client that says nothing need not say FIN either.
    if (!socket.writableEnded) socket.write('idle\n')
    socket.destroySoon()
  })
}
