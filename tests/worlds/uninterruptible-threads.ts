/** Threads in native code, which take their time to end, and threads that end at once, on a server in this process. */

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import { PATIENCE_MS, within } from '../harness/patience.ts'

const SCRIPT = new URL('../chapters/threads/04-uninterruptible.ts', import.meta.url)

/** Some 80 ms: far more than a closed socket takes to be noticed. */
export const ROUNDS = 120_000

interface ThreadedServer {
  readonly port: number
  stats(): { threads: number }
  close(): Promise<void>
}

export type ServeInThreads = (script: URL, data: object, options: object) => Promise<ThreadedServer>

export interface UninterruptibleThread {
  client: Socket
  hasEnded: boolean
  /** Whether it found in its `workerData` what it was given. */
  hasData: boolean
}

export class UninterruptibleThreads {
  readonly #server: ThreadedServer
  readonly #state: Int32Array

  private constructor(server: ThreadedServer, state: Int32Array) {
    this.#server = server
    this.#state = state
  }

  static async serve(serveInThreads: ServeInThreads): Promise<UninterruptibleThreads> {
    const state = new Int32Array(new SharedArrayBuffer(8))
    const server = await serveInThreads(SCRIPT, { state }, { graceMs: 20 })
    return new UninterruptibleThreads(server, state)
  }

  /** A client whose thread has just gone into native code. */
  async connect(rounds = ROUNDS): Promise<UninterruptibleThread> {
    Atomics.store(this.#state, 0, 0)
    this.#state[1] = rounds
    const born = once(process, 'worker') as Promise<[Worker]>
    const client = connect(this.#server.port, '127.0.0.1').on('error', () => {})
    const [worker] = await born
    const thread = { client, hasEnded: false, hasData: false }
    worker.once('exit', () => {
      thread.hasEnded = true
    })
    while (Atomics.load(this.#state, 0) === 0 && !thread.hasEnded) await turn()
    thread.hasData = Atomics.load(this.#state, 0) === 1
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

/** What a client receives, up to FIN, whose thread ends at once: with that error, or without any. */
export async function heardOfShortLived(
  serveInThreads: ServeInThreads,
  throws?: string,
): Promise<string> {
  const script = new URL('../chapters/threads/04-short-lived.ts', import.meta.url)
  const server = await serveInThreads(script, { throws }, { graceMs: 20 })
  const client = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true })
  client.setEncoding('utf8').on('error', () => {})
  let heard = ''
  client.on('data', (text) => {
    heard += text
  })
  const ended = new Promise<string>((resolve) => {
    client.once('end', () => resolve(heard))
    client.once('close', () => resolve(`${heard}, then RST`))
  })
  const outcome = await within(PATIENCE_MS, ended)
  client.destroy()
  await server.close()
  return outcome === 'too late' ? `${heard}, and no FIN` : outcome
}
