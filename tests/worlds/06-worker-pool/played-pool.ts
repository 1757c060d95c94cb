/** A worker pool in this process whose jobs wait at gates: the test says when each of them goes on, and how it ends. */

import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import type * as WorkerPoolModule from '#code/06-worker-pool/worker-pool.ts'
import type { Reason } from '../../harness/failure.ts'
import { Deadline, PATIENCE_MS, within } from '../../harness/patience.ts'
import type { Stage } from '../../judge/step.ts'

const SCRIPT = new URL('../../chapters/threads/06-jobs.ts', import.meta.url)

/** What a job is to its thread, which runs `06-jobs.ts`. */
export interface TestJob {
  /** Wait until the gate is open (its word is not 0). */
  gate?: Int32Array
  /**
   * What to do then: answer with `value` or with nothing, throw something or nothing, or end the thread, in the middle or
   * right behind the answer.
   */
  then: 'answer' | 'answer nothing' | 'throw' | 'throw nothing' | 'exit' | 'answer and exit'
  value?: unknown
  /** Its word becomes 1 once the answer is out of the thread's hands. */
  told?: Int32Array
}

export interface Done {
  value: string
  threadId: number
}

/** Why a job is expected to end as it should, with other causes for other ways in which it did not. */
export interface JobReason extends Reason {
  /** It has not ended, and `stats()` says this. */
  ifNothing?: string | ((stats: WorkerPoolModule.PoolStats) => string)
  /** It was rejected, or rejected with something else. */
  ifRejected?: string
}

/** A job that the test lets run when it likes. */
export interface Play {
  name: string
  /** Which of all jobs it was to end; 0 while it has not. */
  endedAt: number
  /** How often `onStart` was called. */
  starts: number
  open(): void
  cancel(reason?: unknown): void
  /** Blocks this process, so that it cannot hear of the answer, until the thread has given it. */
  blockUntilTold(): void
  expectResult(value: string, reason: JobReason): Promise<Done>
  expectRejection(message: RegExp, reason: JobReason): Promise<void>
}

export interface PlayedPool {
  pool: WorkerPoolModule.WorkerPool<TestJob, Done>
  /** Threads started since the pool was, and not ended yet. */
  livingThreads(): number
  /** Resolves when every thread that the pool has told to end so far has ended. */
  endOfThreads(): Promise<unknown>
  /** Whoever lives now ends, when told to, only after a call of the function that this returns, as if in native code. */
  holdThreads(): () => void
  /** All that were started since the pool was. */
  startedThreads(): number
  /** Without a controller of its own the job has one that nobody else knows. */
  play(
    name: string,
    then?: TestJob['then'],
    signal?: AbortSignal | AbortController | 'no signal',
  ): Play
  /** A job that cannot be sent to a thread. */
  playUnsendable(name: string, signal?: AbortSignal): Pick<Play, 'expectRejection'>
  /** Expects these of the pool's numbers. */
  expectStats(expected: Partial<WorkerPoolModule.PoolStats>, reason: Reason): void
}

export interface PoolSettings {
  size: number
  maxQueued: number
  cancelGraceMs?: number
  script?: URL
}

/** What became of a job: the part that a card tells. */
type Outcome = { result: Done } | { error: unknown } | { thrown: unknown }

/** A pool with a story of its own; ended in any case. */
export async function withPool(
  stage: Stage,
  options: PoolSettings,
  body: (played: PlayedPool) => Promise<void>,
): Promise<void> {
  const { WorkerPool } = await stage.load(() => import('#code/06-worker-pool/worker-pool.ts'))
  stage.story.beginAnew()
  const threads: Worker[] = []
  const ends: Promise<number>[] = []
  const held = new Set<Worker>()
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const onThread = (thread: Worker) => {
    threads.push(thread)
    const terminate = thread.terminate.bind(thread)
    thread.terminate = () => {
      const end = held.has(thread) ? released.then(terminate) : terminate()
      ends.push(end)
      return end
    }
  }
  process.on('worker', onThread)
  const grace =
    options.cancelGraceMs === undefined ? '' : `, cancelGraceMs: ${options.cancelGraceMs}`
  const settings = `{ size: ${options.size}, maxQueued: ${options.maxQueued}${grace} }`
  stage.story.tell('test', `makes a pool: ${settings}`)
  const pool = new WorkerPool<TestJob, Done>({ script: SCRIPT, ...options })
  const gates: Int32Array[] = []
  let ended = 0

  const play: PlayedPool['play'] = (name, then = 'answer', signal = new AbortController()) => {
    const [gate, told] = [makeGate(), makeGate()]
    gates.push(gate)
    const without = signal === 'no signal' ? ', without a signal' : ''
    stage.story.tell('pool', `is given the job "${name}"${without}`)
    const job: TestJob = { gate, then, value: name, told }
    const onStart = () => {
      played.starts += 1
    }
    const outcome = outcomeOf(() =>
      signal === 'no signal'
        ? pool.run(job)
        : pool.run(job, { signal: 'signal' in signal ? signal.signal : signal, onStart }),
    )
    outcome.then(() => {
      played.endedAt = ++ended
    })
    const played: Play = {
      name,
      endedAt: 0,
      starts: 0,
      open: () => openGate(gate),
      cancel: (reason) => {
        stage.story.tell('test', `takes "${name}" back`)
        ;(signal as AbortController).abort(reason)
      },
      blockUntilTold() {
        stage.story.tell('test', `waits until the thread of "${name}" has answered`)
        Atomics.wait(told, 0, 0, PATIENCE_MS)
      },
      ...expectationsOf(stage, pool, name, outcome),
    }
    return played
  }

  const playUnsendable: PlayedPool['playUnsendable'] = (name, signal) => {
    stage.story.tell('pool', `is given the job "${name}", which cannot be sent`)
    const then = 'answer'
    const job: TestJob = { then, value: () => {} }
    const outcome = outcomeOf(() => pool.run(job, { signal }))
    return expectationsOf(stage, pool, name, outcome)
  }

  const expectStats: PlayedPool['expectStats'] = (expected, reason) => {
    const stats = pool.stats()
    const names = Object.keys(expected) as (keyof WorkerPoolModule.PoolStats)[]
    const seen = Object.fromEntries(names.map((name) => [name, stats[name]]))
    stage.expectSame('what stats() says', seen, expected, reason)
  }

  try {
    // A thread that has ended has no id any more.
    const living = () => threads.filter(({ threadId }) => threadId > 0)
    const livingThreads = () => living().length
    const holdThreads = () => {
      for (const thread of living()) held.add(thread)
      return release
    }
    const startedThreads = () => threads.length
    const endOfThreads = () => Promise.all(ends)
    await body({
      pool,
      play,
      playUnsendable,
      livingThreads,
      endOfThreads,
      holdThreads,
      startedThreads,
      expectStats,
    })
  } finally {
    // Node tells of a new thread one turn later, and the next pool must not hear of it.
    await turn()
    process.off('worker', onThread)
    for (const gate of gates) openGate(gate)
    release()
    // What the code under test has not ended is ended here.
    const closed = Promise.resolve(pool.close()).catch(() => {})
    if ((await within(500, closed)) === 'too late')
      await Promise.all(threads.map((thread) => thread.terminate()))
  }
}

/** Looks again and again, whenever something has happened. */
export async function expectEventually(
  { expect }: Stage,
  what: string,
  look: () => boolean,
  reason: Reason,
): Promise<void> {
  const deadline = new Deadline(PATIENCE_MS)
  while (!look() && !deadline.isOver) await pause(2)
  expect(what, look(), reason)
}

/** What `run()` makes of a job; a `run()` that throws has an outcome, too. */
async function outcomeOf(run: () => Promise<Done>): Promise<Outcome> {
  let running: Promise<Done>
  try {
    running = run()
  } catch (thrown) {
    return { thrown }
  }
  return Promise.resolve(running).then(
    (result) => ({ result }),
    (error) => ({ error }),
  )
}

/** What may come of a job, and is waited for as long as there is patience. */
function expectationsOf(
  stage: Stage,
  pool: PlayedPool['pool'],
  name: string,
  outcome: Promise<Outcome>,
): Pick<Play, 'expectResult' | 'expectRejection'> {
  const see = () => within(PATIENCE_MS, outcome)
  return {
    async expectResult(value, reason) {
      const seen = await see()
      const isResult = seen !== 'too late' && 'result' in seen
      const text = isResult ? String(seen.result?.value) : told(seen, pool)
      stage.expect(`"${name}" to be answered with "${value}"`, isResult && text === value, {
        ...reasonFor(seen, pool, reason),
        expected: value,
        received: text,
      })
      return (seen as { result: Done }).result
    },
    async expectRejection(message, reason) {
      const seen = await see()
      const isRejected =
        seen !== 'too late' && 'error' in seen && message.test(describe(seen.error))
      stage.expect(`"${name}" to be rejected`, isRejected, {
        ...reasonFor(seen, pool, reason),
        expected: `a rejection like ${message}`,
        received: told(seen, pool),
      })
    },
  }
}

function told(seen: Outcome | 'too late', pool: PlayedPool['pool']): string {
  if (seen === 'too late') {
    const { threads, busy, queued } = pool.stats()
    return `nothing, so far (stats() says threads: ${threads}, busy: ${busy}, queued: ${queued})`
  }
  if ('thrown' in seen) return `no promise: run() threw ${describe(seen.thrown)}`
  if ('error' in seen) return `a rejection: ${describe(seen.error)}`
  return `a result: ${seen.result?.value}`
}

function reasonFor(
  seen: Outcome | 'too late',
  pool: PlayedPool['pool'],
  reason: JobReason,
): Reason {
  const { because, look } = reason
  return { because, look, likely: likelyCause(seen, pool, reason) }
}

/** The cause that fits what was seen. */
function likelyCause(
  seen: Outcome | 'too late',
  pool: PlayedPool['pool'],
  { likely, ifNothing, ifRejected }: JobReason,
): string | undefined {
  if (seen === 'too late') {
    const ifSo = typeof ifNothing === 'function' ? ifNothing(pool.stats()) : ifNothing
    return ifSo ?? likely ?? causeIn(pool.stats())
  }
  if ('thrown' in seen) {
    return seen.thrown instanceof TypeError
      ? 'run() itself threw a TypeError on this job. Its options are optional, and so is the signal in them.'
      : 'run() returns a promise in any case: it rejects, and throws nothing itself.'
  }
  if ('error' in seen) return ifRejected ?? likely
  return likely
}

function causeIn({ threads, busy, queued }: WorkerPoolModule.PoolStats): string | undefined {
  if (queued > 0 && busy < threads)
    return 'A job waits although a thread is free: #free() has to give the job to the thread.'
  if (queued === 0 && busy === 0)
    return 'The pool has lost this job: it neither runs nor waits, and its promise was never settled.'
  return undefined
}

function makeGate(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(4))
}

function openGate(gate: Int32Array): void {
  Atomics.store(gate, 0, 1)
  Atomics.notify(gate, 0)
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const type = error.constructor.name
  return `${type === error.name ? '' : `${type} `}${error.name}: ${error.message}`
}
