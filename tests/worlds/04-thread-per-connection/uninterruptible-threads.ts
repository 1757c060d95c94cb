/** Threads in native code, which take their time to end, and threads that end at once, on a server in this process. */

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import { PATIENCE_MS, within } from '../../harness/patience.ts'
import { countPendingWakeUps } from '../../harness/pending-wakeups.ts'
import type { Stage } from '../../judge/step.ts'

const SCRIPT = new URL('../../chapters/threads/04-uninterruptible.ts', import.meta.url)

/** Some 80 ms: far more than a closed socket takes to be noticed. */
const ROUNDS = 120_000

interface ThreadedServer {
  readonly port: number
  stats(): { threads: number }
  close(): Promise<void>
}

type ServeInThreads = (script: URL, data: object, options: object) => Promise<ThreadedServer>

interface UninterruptibleThread {
  client: Socket
  hasEnded: boolean
  /** Whether it found in its `workerData` what it was given. */
  hasData: boolean
}

class UninterruptibleThreads {
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

/** What a client receives, up to FIN, whose thread ends at once. */
async function heardOfShortLived(serveInThreads: ServeInThreads): Promise<string> {
  const script = new URL('../../chapters/threads/04-short-lived.ts', import.meta.url)
  const server = await serveInThreads(script, {}, { graceMs: 20 })
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

/** `stats()` and `close()` tell of threads that live on although their sockets have closed. */
export async function expectThreadsOutlived(
  { expect, story }: Stage,
  serveInThreads: ServeInThreads,
): Promise<void> {
  const slow = await UninterruptibleThreads.serve(serveInThreads)
  story.tell('kim', 'connects, makes her thread compute in native code, and resets')
  const kim = await slow.connect()
  expect('the thread to find its data', kim.hasData, {
    because: 'The script of chapter 05 finds its shared memory there.',
    likely: '`workerData` is everything in `data`, and `end`.',
    look: 'startThread()',
  })
  kim.client.resetAndDestroy()
  expect('her thread to count until it has ended', await slow.countsToTheEnd(kim), {
    because:
      'terminate() takes effect when native code returns. Until then the thread takes its place.',
    likely: "A socket's 'close' comes before its thread's 'exit': forget the thread at the latter.",
    received: 'stats() without it while it lives',
  })
  story.tell('leo and mia', 'connect and make their threads compute in native code, hers longer')
  const [leo, mia] = [await slow.connect(), await slow.connect(4 * ROUNDS)]
  story.tell('test', 'calls close()')
  const before = await countPendingWakeUps()
  const closing = slow.close()
  // Both are cut at the end of the grace period, and its timer has fired.
  const cut = [leo, mia].map(({ client }) => client.closed || once(client, 'close'))
  await within(PATIENCE_MS, Promise.all(cut))
  const pending = await countPendingWakeUps()
  await closing
  expect('close() to sleep until the threads have ended', pending <= before, {
    because: 'Nothing can happen before a thread exits, and then it says so itself.',
    likely: 'A timer, or a turn of the loop, looks again and again. terminate() returns a promise.',
    look: 'closeWithThreads()',
    received: 'a timer or a turn of the loop that waits',
  })
  expect('close() to have waited for both threads', leo.hasEnded && mia.hasEnded, {
    because: 'After close() the caller may end the process, or free what the threads use.',
    likely: 'terminate() returns a promise. Wait for those of all threads.',
    look: 'closeWithThreads()',
  })
}

/** What a client hears of a thread that ends before it has said a word: FIN. */
export async function expectShortLivedHeard(
  { expectSame, story }: Stage,
  serveInThreads: ServeInThreads,
): Promise<void> {
  story.tell('nan', 'connects, and her thread returns without a word')
  expectSame('what she hears', await heardOfShortLived(serveInThreads), '', {
    because: 'A thread that has ended leaves no open socket behind, however it ended.',
    likely: "End the socket when its thread emits 'exit'.",
    look: 'tieTogether()',
  })
}
