/** Threads in native code, which take their time to end, on a server in this process. */

import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { Deadline, PATIENCE_MS, within } from '../../harness/patience.ts'
import { countPendingWakeUps } from '../../harness/pending-wakeups.ts'
import type { Stage } from '../../judge/step.ts'
import { closeOf, type ServeInThreads, type ThreadedServer, visit } from './visit.ts'

const SCRIPT = new URL('../../chapters/threads/04-uninterruptible.ts', import.meta.url)

/** Some 50 ms or more: far more than a closed socket takes to be noticed. */
const ROUNDS = 120_000
const MOST_ROUNDS = 8 * ROUNDS

/** So long after each other two threads have to end to tell which of them was waited for. */
const APART_MS = 10

interface UninterruptibleThread {
  client: Socket
  /** The server's end of the connection. */
  served: Socket
  hasEnded: boolean
  /** When it ended, in milliseconds of this process. */
  endedAt: number
  exit: Promise<unknown>
  /** Whether it found in its `workerData` what it was given. */
  hasData: boolean
  /** Whether it counted as soon as it was made, before it had come up. */
  countsAtOnce: boolean
}

class UninterruptibleThreads {
  readonly #server: ThreadedServer
  readonly #data: { state: Int32Array }

  private constructor(server: ThreadedServer, data: { state: Int32Array }) {
    this.#server = server
    this.#data = data
  }

  static async serve(serveInThreads: ServeInThreads): Promise<UninterruptibleThreads> {
    const data = { state: new Int32Array(new SharedArrayBuffer(8)) }
    const server = await serveInThreads(SCRIPT, data, { graceMs: 20 })
    return new UninterruptibleThreads(server, data)
  }

  /** A client whose thread has just gone into native code. */
  async connect(rounds = ROUNDS): Promise<UninterruptibleThread> {
    Atomics.store(this.#state, 0, 0)
    this.#state[1] = rounds
    const { worker, ...rest } = await visit(this.#server)
    rest.client.resume().once('end', () => rest.client.end())
    const exit = once(worker, 'exit').catch(() => {})
    const thread = { ...rest, exit, hasEnded: false, endedAt: 0, hasData: false }
    worker.once('exit', () => {
      thread.hasEnded = true
      thread.endedAt = performance.now()
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

  get #state(): Int32Array {
    return this.#data.state
  }

  /** What the data consists of by now. */
  get dataNames(): string[] {
    return Object.keys(this.#data)
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
    because: 'moe’s thread had already ended, but hers had not.',
    likely: "Another thread was forgotten in its place: at 'exit', forget the one that has exited.",
    look: 'tieTogether()',
  })
}

/** Whether `close()` waited for a thread that began before one that has ended. */
async function expectCountedToTheEnd(
  { expect, expectSame, story }: Stage,
  serveInThreads: ServeInThreads,
): Promise<boolean> {
  const slow = await UninterruptibleThreads.serve(serveInThreads)
  story.tell('kim', 'connects, and makes her thread compute in native code')
  const kim = await slow.connect(4 * ROUNDS)
  expect('the thread to find its data', kim.hasData, {
    because: 'The script of chapter 05 finds its shared memory in `workerData`.',
    likely: kim.hasEnded
      ? '`workerData` is everything in `data`, and `end`.'
      : 'Run the `script` that startThread() is given: later chapters bring their own.',
    look: 'startThread()',
  })
  expectSame('the names in `data`, once a thread has got it', slow.dataNames, ['state'], {
    because: 'The same object is handed out for every connection. An `end` in it belongs to one.',
    likely: 'Object.assign() changes its first argument. Make a new object: `{ ...data, end }`.',
    look: 'startThread()',
  })
  expect('her thread to be counted from its start', kim.countsAtOnce, {
    because: 'A thread takes its place as soon as it is created, even before its code runs.',
    likely: "Add the thread to `threads` at once, not when it emits 'online' or a message.",
    look: 'tieTogether()',
    received: 'stats() did not count it when it was created',
  })
  story.tell('moe', 'connects, and his thread returns at once')
  const moe = await slow.connect(1)
  await within(PATIENCE_MS, moe.exit)
  story.tell('kim', 'resets the connection (RST)')
  const closed = closeOf(kim.served)
  kim.client.resetAndDestroy()
  await within(PATIENCE_MS, closed)
  expect('her thread to be counted after her socket has closed', slow.threads > 0 || kim.hasEnded, {
    because:
      'terminate() takes effect when native code returns. Until then the thread keeps its place.',
    likely: "A socket's 'close' comes before its thread's 'exit'. Forget the thread at 'exit'.",
    look: 'tieTogether()',
    received: 'stats() did not count it while it was alive',
  })
  story.tell('test', 'calls close()')
  const closing = slow.close().then(() => kim.hasEnded)
  expect('her thread to be counted while close() waits for it', await slow.countsToTheEnd(kim), {
    because: 'A thread keeps its place until it has ended, and stats() must say so.',
    likely: "Nothing but its own 'exit' takes a thread out of `threads`.",
    look: ['tieTogether()', 'closeWithThreads()'],
    received: 'stats() did not count it while it was alive',
  })
  return closing
}

/** `close()` sleeps until the last of two threads has ended. */
async function expectBothWaitedFor(
  { expect, story }: Stage,
  serveInThreads: ServeInThreads,
): Promise<void> {
  story.tell('leo and mia', 'connect and make their threads compute in native code, hers longer')
  story.tell('test', 'calls close()')
  const seen = await closeWithTwo(serveInThreads)
  expect('close() to have waited for both connections', seen.haveClosed, {
    because: 'Each server is closed by its own close().',
    likely:
      'Another server was closed earlier. What close() remembers in the module is remembered for all servers.',
    look: 'closeWithThreads()',
  })
  expect('close() to sleep until the threads have ended', seen.sleeps, {
    because: 'Nothing can happen before a thread exits, and its exit is an event.',
    likely:
      'A timer, or code in every turn of the loop, looks again and again. Wait for the promise that terminate() returns.',
    look: 'closeWithThreads()',
    received: 'a pending timer or setImmediate()',
  })
  expect('close() to have waited for both threads', seen.haveEnded, {
    because: 'After close() the caller may end the process, or free what the threads use.',
    likely: 'terminate() returns a promise. Wait for the promises of all threads.',
    look: 'closeWithThreads()',
  })
}

interface ClosingOfTwo {
  /** Whether both sockets were closed, and both threads had ended, when `close()` had resolved. */
  haveClosed: boolean
  haveEnded: boolean
  /** Whether nothing was planned meanwhile. */
  sleeps: boolean
}

/** What `close()` did about two threads, of which one goes on for longer. */
async function closeWithTwo(
  serveInThreads: ServeInThreads,
  rounds = ROUNDS,
): Promise<ClosingOfTwo> {
  const slow = await UninterruptibleThreads.serve(serveInThreads)
  const [mia, leo] = [await slow.connect(4 * rounds), await slow.connect(rounds)]
  const wereBusy = !mia.hasEnded && !leo.hasEnded
  const before = await countPendingWakeUps()
  let haveEnded = false
  const closing = slow.close().then(() => {
    haveEnded = leo.hasEnded && mia.hasEnded
    return leo.served.closed && mia.served.closed
  })
  // Both are cut at the end of the grace period, and its timer has fired.
  const cut = [leo, mia].map(({ client }) => closeOf(client))
  await within(PATIENCE_MS, Promise.all(cut))
  const sleeps = (await countPendingWakeUps()) <= before
  const haveClosed = await closing
  const seen = { haveClosed, haveEnded, sleeps }
  // Where a core was busy, one may have ended before close() was called, or both at once.
  const isTelling = wereBusy && Math.abs(mia.endedAt - leo.endedAt) > APART_MS
  const mayTryAgain = haveClosed && sleeps && haveEnded && rounds < MOST_ROUNDS
  return isTelling || !mayTryAgain ? seen : closeWithTwo(serveInThreads, 2 * rounds)
}
