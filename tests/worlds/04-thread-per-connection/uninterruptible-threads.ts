/** Threads in native code, which take their time to end, on a server in this process. */

import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { Deadline, PATIENCE_MS, within } from '../../harness/patience.ts'
import { countPendingWakeUps } from '../../harness/pending-wakeups.ts'
import type { Stage } from '../../judge/step.ts'
import { closeOf, type ServeInThreads, type ThreadedServer, visit } from './visit.ts'

const SCRIPT = new URL('../../chapters/threads/04-uninterruptible.ts', import.meta.url)

/** Some 80 ms: far more than a closed socket takes to be noticed. */
const ROUNDS = 120_000

interface UninterruptibleThread {
  client: Socket
  /** The server's end of the connection. */
  served: Socket
  hasEnded: boolean
  exit: Promise<unknown>
  /** Whether it found in its `workerData` what it was given. */
  hasData: boolean
  /** Whether it counted as soon as it was made, before it had come up. */
  countsAtOnce: boolean
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
    const { worker, ...rest } = await visit(this.#server)
    rest.client.resume().once('end', () => rest.client.end())
    const exit = once(worker, 'exit').catch(() => {})
    const thread = { ...rest, exit, hasEnded: false, hasData: false }
    worker.once('exit', () => {
      thread.hasEnded = true
    })
    const deadline = new Deadline(2 * PATIENCE_MS, process.pid)
    while (Atomics.load(this.#state, 0) === 0 && !thread.hasEnded && !deadline.isOver)
      await sleep(1)
    thread.hasData = Atomics.load(this.#state, 0) === 1
    return thread
  }

  /** Whether the thread counted until it had ended, from now on. */
  async countsToTheEnd(thread: UninterruptibleThread): Promise<boolean> {
    while (!thread.hasEnded) {
      if (this.threads === 0) return false
      await turn()
    }
    return true
  }

  get threads(): number {
    return this.#server.stats().threads
  }

  close(): Promise<void> {
    return this.#server.close()
  }
}

/** `stats()` and `close()` tell of threads that live on although their sockets have closed. */
export async function expectThreadsOutlived(
  stage: Stage,
  serveInThreads: ServeInThreads,
): Promise<void> {
  const wasWaitedFor = await expectCountedToTheEnd(stage, serveInThreads)
  await expectBothWaitedFor(stage, serveInThreads)
  stage.expect('close() to have waited for kim’s thread, too', wasWaitedFor, {
    because: 'moe’s thread had ended before, and hers had not.',
    likely: "Another thread was forgotten in its place: at 'exit' forget the one that has exited.",
    look: 'tieTogether()',
  })
}

/** Whether `close()` waited for a thread that began before one that has ended. */
async function expectCountedToTheEnd(
  { expect, story }: Stage,
  serveInThreads: ServeInThreads,
): Promise<boolean> {
  const slow = await UninterruptibleThreads.serve(serveInThreads)
  story.tell('kim', 'connects, and makes her thread compute in native code')
  const kim = await slow.connect(4 * ROUNDS)
  expect('the thread to find its data', kim.hasData, {
    because: 'The script of chapter 05 finds its shared memory there.',
    likely: kim.hasEnded
      ? '`workerData` is everything in `data`, and `end`.'
      : 'Run the `script` that startThread() is given: later chapters bring their own.',
    look: 'startThread()',
  })
  expect('her thread to count from its start', kim.countsAtOnce, {
    because: 'A thread takes its place as soon as it is made, also before it has come up.',
    likely: "Add the thread to `threads` at once, not when it emits 'online' or a message.",
    look: 'tieTogether()',
    received: 'stats() without it when it was made',
  })
  story.tell('moe', 'connects, and his thread returns at once')
  const moe = await slow.connect(1)
  await within(PATIENCE_MS, moe.exit)
  story.tell('kim', 'resets')
  const closed = closeOf(kim.served)
  kim.client.resetAndDestroy()
  await within(PATIENCE_MS, closed)
  expect('her thread to count after her socket has closed', slow.threads > 0 || kim.hasEnded, {
    because:
      'terminate() takes effect when native code returns. Until then the thread takes its place.',
    likely: "A socket's 'close' comes before its thread's 'exit': forget the thread at the latter.",
    look: 'tieTogether()',
    received: 'stats() without it while it lives',
  })
  story.tell('test', 'calls close()')
  const closing = slow.close().then(() => kim.hasEnded)
  expect('her thread to count while close() waits for it', await slow.countsToTheEnd(kim), {
    because: 'A thread takes its place until it has ended, and stats() says so.',
    likely: "Nothing but its own 'exit' takes a thread out of `threads`.",
    look: ['tieTogether()', 'closeWithThreads()'],
    received: 'stats() without it while it lives',
  })
  return closing
}

/** `close()` sleeps until the last of two threads has ended. */
async function expectBothWaitedFor(
  { expect, story }: Stage,
  serveInThreads: ServeInThreads,
): Promise<void> {
  const slow = await UninterruptibleThreads.serve(serveInThreads)
  story.tell('leo and mia', 'connect and make their threads compute in native code, hers longer')
  const [leo, mia] = [await slow.connect(), await slow.connect(4 * ROUNDS)]
  story.tell('test', 'calls close()')
  const before = await countPendingWakeUps()
  const closing = slow.close().then(() => leo.served.closed && mia.served.closed)
  // Both are cut at the end of the grace period, and its timer has fired.
  const cut = [leo, mia].map(({ client }) => closeOf(client))
  await within(PATIENCE_MS, Promise.all(cut))
  const pending = await countPendingWakeUps()
  expect('close() to have waited for both connections', await closing, {
    because: 'Each server is closed by its own close().',
    likely:
      'Another server was closed before. What close() remembers in the module is remembered for all servers.',
    look: 'closeWithThreads()',
  })
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
