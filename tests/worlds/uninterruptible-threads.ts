/** Threads that take their time to end, on a server in this process: what does it say of them meanwhile? */

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'

const SCRIPT = new URL('../chapters/threads/04-uninterruptible.ts', import.meta.url)

/** Some 80 ms: far more than a closed socket takes to be noticed. */
const ROUNDS = 120_000

interface ThreadedServer {
  readonly port: number
  stats(): { threads: number }
  close(): Promise<void>
}

type ServeInThreads = (script: URL, data: object, options: object) => Promise<ThreadedServer>

export interface UninterruptibleThread {
  client: Socket
  hasEnded: boolean
}

export class UninterruptibleThreads {
  readonly #server: ThreadedServer
  readonly #state: Int32Array

  private constructor(server: ThreadedServer, state: Int32Array) {
    this.#server = server
    this.#state = state
  }

  static async serve(serveInThreads: ServeInThreads): Promise<UninterruptibleThreads> {
    const state = new Int32Array(new SharedArrayBuffer(4))
    const server = await serveInThreads(SCRIPT, { state, rounds: ROUNDS }, { graceMs: 20 })
    return new UninterruptibleThreads(server, state)
  }

  /** A client whose thread has just gone into native code. */
  async connect(): Promise<UninterruptibleThread> {
    Atomics.store(this.#state, 0, 0)
    const born = once(process, 'worker') as Promise<[Worker]>
    const client = connect(this.#server.port, '127.0.0.1').on('error', () => {})
    const [worker] = await born
    const thread = { client, hasEnded: false }
    worker.once('exit', () => {
      thread.hasEnded = true
    })
    while (Atomics.load(this.#state, 0) === 0 && !thread.hasEnded) await turn()
    return thread
  }

  /** Whether the thread counted until it had ended, from now on. */
  async countsToTheEnd(thread: UninterruptibleThread): Promise<boolean> {
    while (!thread.hasEnded) {
      if (this.#server.stats().threads === 0) return false
      await turn()
    }
    return true
  }

  close(): Promise<void> {
    return this.#server.close()
  }
}
