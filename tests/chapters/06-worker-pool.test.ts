import { getEventListeners } from 'node:events'
import type { Worker } from 'node:worker_threads'
import type * as WorkerPoolModule from '#code/06-worker-pool/worker-pool.ts'
import type { Client } from '../harness/client.ts'
import type { Reason } from '../harness/failure.ts'
import type { HostedServer } from '../harness/hosted-server.ts'
import { PATIENCE_MS, within } from '../harness/patience.ts'
import { type Stage, step } from '../judge/step.ts'
import { ask, echo } from '../protocols/lines.ts'
import type { TestJob } from './threads/06-jobs.ts'

const CHAPTER = '06-worker-pool'
const SCRIPT = new URL('./threads/06-jobs.ts', import.meta.url)
const BROKEN_SCRIPT = new URL('./threads/06-cannot-load.ts', import.meta.url)

const IDLE_MS = 300
/** Where somebody has to be quick to be not idle: more than a loaded machine needs. */
const BUSY_IDLE_MS = 500

interface Done {
  value: string
  threadId: number
}

step('06.1', 'a fixed number of threads takes jobs in order of arrival', async (stage) => {
  const { expect, expectSame } = stage
  await withPool(stage, { size: 2, maxQueued: 10 }, async ({ pool, play }) => {
    const [first, second] = [play('first'), play('second')]
    const later = ['third', 'fourth', 'fifth'].map((name) => play(name))
    const seen = pick(pool.stats(), 'threads', 'busy', 'queued')
    expectSame(
      'what the pool does',
      seen,
      { threads: 2, busy: 2, queued: 3 },
      {
        because: 'Two threads, five jobs: two run, three wait.',
        likely: 'A job goes to a free thread if there is one, into the queue if not.',
      },
    )
    second.open()
    await second.expectResult('second', {
      because: 'The one that ends first answers first, and its caller gets its answer.',
      likely: 'Remember which task each thread works at, and resolve that one.',
    })
    first.open()
    await first.expectResult('first', { because: 'Each caller gets the answer to its own job.' })
    const threads = new Set<number>()
    for (const job of later) {
      job.open()
      const { threadId } = await job.expectResult(job.name, {
        because: 'What has waited is done as soon as a thread is free.',
        likely: 'A thread that has answered takes the next job out of the queue.',
      })
      threads.add(threadId)
    }
    expect('the two threads to have done it all', threads.size <= 2, {
      because: 'Threads are started once. That is the point of a pool.',
      likely: 'A new Worker for each job is no pool.',
      received: `${threads.size} threads`,
    })
  })

  await withPool(stage, { size: 1, maxQueued: 10 }, async ({ play }) => {
    const jobs = ['one', 'two', 'three', 'four'].map((name) => play(name, 'answer', 'no signal'))
    for (const job of jobs.toReversed()) job.open()
    for (const job of jobs) await job.expectResult(job.name, { because: 'Four jobs, one thread.' })
    const order = jobs.map(({ endedAt }) => endedAt)
    expectSame('the order in which they ended', order, [1, 2, 3, 4], {
      because: 'First come, first served.',
      likely: 'The queue is taken from the wrong end: push() and shift().',
    })
    const [failing, after] = [play('no', 'throw'), play('after')]
    failing.open()
    await failing.expectRejection(/no/, {
      because: 'What a job throws, its caller gets.',
      likely: 'An answer with an error rejects.',
    })
    after.open()
    await after.expectResult('after', {
      because: 'A job that throws has ended, and its thread is as good as before.',
      likely: 'A thread that has answered with an error is free, too.',
    })
    const [empty, vain] = [play('empty', 'answer nothing'), play('vain', 'throw nothing')]
    empty.open()
    await empty.expectResult('undefined', {
      because: 'A job that returns nothing has ended well.',
      likely: "Whether it threw is said by 'error' in answer, not by its result.",
    })
    vain.open()
    await vain.expectRejection(/undefined/, {
      because: 'Whatever a job throws, be it undefined, it has thrown.',
      likely: "Whether it threw is said by 'error' in answer, not by the value of the error.",
    })
  })

  await withPool(stage, { size: 1, maxQueued: 10 }, async ({ pool, play, playUnsendable }) => {
    await playUnsendable('a function').expectRejection(/DataCloneError/, {
      because:
        'It cannot be sent to a thread, and its caller must hear of that like of any other error.',
      likely: 'run() answers with a promise in any case: it rejects, and never throws.',
    })
    expectSame(
      'what the pool does',
      pick(pool.stats(), 'busy'),
      { busy: 0 },
      {
        because: 'No thread has got that job, so none is busy with it.',
      },
    )
    const [running, unsendable, after] = [play('running'), playUnsendable('another'), play('after')]
    running.open()
    after.open()
    await unsendable.expectRejection(/DataCloneError/, {
      because: 'That it cannot be sent turns out when a thread is free for it.',
    })
    await after.expectResult('after', {
      because: 'The thread has not got that job, so it takes the next one.',
    })
  })
})

step('06.2', 'a full queue refuses at once', async (stage) => {
  await withPool(stage, { size: 1, maxQueued: 2 }, async ({ pool, play }) => {
    const [running, ...waiting] = [play('running'), play('waiting 1'), play('waiting 2')]
    const refused = play('one too many')
    await refused.expectRejection(/PoolBusy/, {
      because:
        'A queue without an end only hides that there is too much to do, until memory is gone.',
      likely: 'Reject with PoolBusy when maxQueued jobs wait already.',
    })
    stage.expectSame(
      'what the pool says',
      pick(pool.stats(), 'queued', 'rejected'),
      { queued: 2, rejected: 1 },
      {
        because: 'Whoever runs the server wants to know how often that happens.',
        likely: '#refuse() rejects and counts.',
      },
    )
    for (const job of [running, ...waiting]) job.open()
    for (const job of waiting)
      await job.expectResult(job.name, { because: 'Those who wait keep their places.' })
  })

  const { serve, connect } = stage
  const server = await serve(CHAPTER, { threads: 1, maxWaiting: 1 })
  const [ada, bob, cyd] = [await connect(server), await connect(server), await connect(server)]
  await echo(ada, { because: 'ada has the one thread.' })
  await cyd.expectLine('busy', {
    because: 'bob waits in the one place there is; cyd is told at once.',
    likely: 'Does run() reject, and with PoolBusy?',
  })
  await cyd.expectEnd({ because: 'After `busy` there is nothing more to say.' })
  await ada.halfClose()
  await echo(bob, { because: 'ada has finished, so bob is next.' })
})

step('06.3', 'a thread that crashes is replaced, and only its job is lost', async (stage) => {
  await withPool(stage, { size: 2, maxQueued: 10 }, async ({ pool, play }) => {
    const { expectSame } = stage
    const steady = play('steady')
    for (let crash = 1; crash <= 3; crash++) {
      const [crashing, next] = [play(`crash ${crash}`, 'exit'), play(`next ${crash}`)]
      crashing.open()
      next.open()
      await crashing.expectRejection(/Error/, {
        because: 'Its thread is gone: nobody else will ever answer.',
        likely:
          "A thread that ends emits 'exit'. Reject the task that it worked at, with the error that #onExit() is given.",
      })
      await next.expectResult(`next ${crash}`, {
        because: 'The queue goes on with a new thread.',
        likely: 'The new thread must take the next job: nobody else will give it one.',
      })
    }
    expectSame(
      'what the pool says',
      pick(pool.stats(), 'threads', 'crashed'),
      { threads: 2, crashed: 3 },
      {
        because: 'Three threads have crashed, and there are still two.',
        likely: 'Each crash costs a thread. Start another one in its place.',
      },
    )
    steady.open()
    await steady.expectResult('steady', { because: 'The other thread has nothing to do with it.' })
  })

  const hopeless = { size: 1, maxQueued: 10, script: BROKEN_SCRIPT }
  await withPool(stage, hopeless, async ({ pool, play }) => {
    for (const name of ['hopeless 1', 'hopeless 2']) {
      await play(name).expectRejection(/this script cannot load/, {
        because:
          'A thread that cannot load its script ends as well, and its caller wants to know why.',
      })
    }
    await expectEventually(stage, 'no thread to be left', () => pool.stats().threads === 0, {
      because:
        'A thread that has no job and ends is not replaced: a script that cannot load would be started for ever.',
      likely: 'Without a task there is nobody to tell and nothing to hurry for: forget the thread.',
    })
  })
})

step('06.4', 'a job is taken back, out of the queue or with its thread', async (stage) => {
  await withPool(stage, { size: 1, maxQueued: 10, cancelGraceMs: 0 }, async ({ pool, play }) => {
    const { expectSame } = stage
    const running = play('running')
    const [cancelled, waiting] = [play('cancelled'), play('waiting')]
    cancelled.cancel()
    await cancelled.expectRejection(/AbortError/, {
      because: 'Nobody wants it any more, and it has not even begun.',
      likely: 'Take it out of the queue and reject it with the signal’s reason.',
    })
    expectSame(
      'the queue',
      pick(pool.stats(), 'queued'),
      { queued: 1 },
      { because: 'Only `waiting` waits.' },
    )

    running.cancel()
    await running.expectRejection(/AbortError/, {
      because:
        'It runs, and nobody wants it any more. Nothing but the end of its thread stops a thread that is busy.',
      likely: 'Reject it at once, and replace its thread soon.',
    })
    waiting.open()
    await waiting.expectResult('waiting', {
      because: 'The new thread takes the next job.',
      likely:
        'Is a new thread there, and does it take the next job? Is that job still in the queue? (indexOf() is −1 for what does not wait, and splice(−1, 1) takes the last one.)',
    })
    expectSame(
      'what the pool says',
      pick(pool.stats(), 'threads', 'crashed'),
      { threads: 1, crashed: 0 },
      {
        because: 'A thread that we end ourselves is no crash.',
        likely: 'Forget the thread before you terminate it: its exit is no news then.',
      },
    )

    const late = play('late')
    late.open()
    await late.expectResult('late', { because: 'It ends before it is taken back.' })
    const after = play('after')
    late.cancel()
    after.open()
    await after.expectResult('after', {
      because: 'Taking back what has ended changes nothing.',
      likely:
        'Its thread works at something else by now. Look for the thread that works at this very task.',
    })

    const signal = new AbortController().signal
    const brief = play('brief', 'answer', signal)
    brief.open()
    await brief.expectResult('brief', { because: 'Nobody takes it back.' })
    expectSame('what listens to its signal', getEventListeners(signal, 'abort').length, 0, {
      because:
        'A signal may serve a million jobs, one after the other, and must not remember them.',
      likely: 'A job that has ended takes its listener off the signal.',
    })

    const early = play('early', 'answer', AbortSignal.abort())
    await early.expectRejection(/AbortError/, {
      because: 'Its signal had aborted before it came.',
      likely: 'A signal that has aborted emits no event any more: look at signal.aborted.',
    })

    const [crossed, next, last] = ['crossed', 'next', 'last'].map((name) => play(name))
    crossed.open()
    crossed.blockUntilAnswered()
    crossed.cancel()
    await crossed.expectRejection(/AbortError/, {
      because:
        'It is taken back while its answer is on its way: the pool has not heard of that yet.',
    })
    for (const job of [next, last]) {
      job.open()
      await job.expectResult(job.name, {
        because:
          'The answer of a thread that was replaced still arrives. That thread ends, and takes no more jobs.',
        likely:
          '#onAnswer() frees a thread that is not in #threads any more. Its next job is lost with it.',
      })
    }
    expectSame(
      'what the pool says in the end',
      pick(pool.stats(), 'threads', 'crashed'),
      { threads: 1, crashed: 0 },
      { because: 'A thread that was replaced does not come back.' },
    )
  })

  const patient = { size: 1, maxQueued: 10, cancelGraceMs: 60_000 }
  await withPool(stage, patient, async ({ pool, play, startedThreads }) => {
    const { expectSame } = stage
    const reason = {
      because:
        'It was taken back, and has come to its end within the grace of a minute: its thread is as good as before.',
      likely: '#replaceSoon() waits. The late answer frees the thread, and is told to nobody.',
    }
    const [ended, waiting] = [play('ended'), play('waiting')]
    ended.cancel()
    await ended.expectRejection(/AbortError/, {
      because: 'Its caller hears of that at once, whatever the thread does.',
      likely: 'Reject in #cancel(); do not wait for the thread.',
    })
    ended.open()
    waiting.open()
    await waiting.expectResult('waiting', reason)
    const crossed = play('crossed')
    crossed.open()
    crossed.blockUntilAnswered()
    crossed.cancel()
    const after = play('after')
    after.open()
    await after.expectResult('after', reason)
    expectSame('the number of threads started', startedThreads(), 1, reason)
    expectSame(
      'what the pool says',
      pick(pool.stats(), 'busy', 'crashed'),
      { busy: 0, crashed: 0 },
      reason,
    )
  })

  const { serve, connect } = stage
  const server = await serve(CHAPTER, { threads: 1 })
  const [ada, bob] = [await connect(server), await connect(server)]
  await ada.send('sleep 60000\n')
  await server.roundTrip()
  ada.reset()
  await echo(bob, {
    because: 'ada is lost, and the thread that sleeps for her is wanted by bob.',
  })
})

step('06.5', 'close() lets what was accepted come to its end', async (stage) => {
  const { story, expect, expectSame } = stage
  await withPool(stage, { size: 1, maxQueued: 10 }, async ({ pool, play, livingThreads }) => {
    const [running, waiting] = [play('running'), play('waiting')]
    story.tell('test', 'calls close()')
    const resolved: string[] = []
    const closed = Promise.all(
      ['the first call', 'the second call'].map(async (call) => {
        await pool.close()
        resolved.push(call)
      }),
    )
    await play('too late').expectRejection(/PoolClosed/, {
      because: 'A pool that closes takes nothing new.',
    })
    running.open()
    await running.expectResult('running', { because: 'What runs is not cut off.' })
    expectSame('the calls of close() that have resolved', resolved, [], {
      because: 'A job that was accepted is a promise, and one of them still waits.',
      likely: 'Every call of close() waits until the last job has ended, also the second one.',
    })
    waiting.open()
    await waiting.expectResult('waiting', {
      because: 'What waits is done, too.',
      likely: 'The threads are ended too early: wait until the last job has ended.',
    })
    const outcome = await within(PATIENCE_MS, closed)
    expect('close() to resolve', outcome !== 'too late', {
      because: 'Nothing is left to do.',
      likely: 'Who tells close() that the last job has ended? Each caller of close() must hear it.',
    })
    const again = await within(PATIENCE_MS, pool.close())
    expect('close() of a closed pool to resolve', again !== 'too late', {
      because: 'Nothing is left to do, still.',
      likely:
        'Nobody will say once more that the last job has ended: wait only when a thread is busy.',
    })
    expect('its thread to have ended by then', livingThreads() === 0, {
      because: 'A thread that is left keeps the process alive.',
      likely: 'terminate() answers with a promise, which resolves once the thread is gone.',
    })
    expectSame(
      'what the pool says',
      pick(pool.stats(), 'threads', 'crashed'),
      { threads: 0, crashed: 0 },
      {
        because: 'The pool has none left, and a thread that close() ends has not crashed.',
        likely: 'Forget the threads before you terminate them.',
      },
    )
  })

  await withPool(stage, { size: 2, maxQueued: 10 }, async ({ pool, play }) => {
    const last = play('last')
    story.tell('test', 'calls close(), with nothing in the queue')
    const closed = pool.close()
    last.open()
    await last.expectResult('last', {
      because: 'The queue is empty, but one job still runs.',
      likely: 'Wait as long as any thread is busy, whatever the queue says.',
    })
    await closed
  })

  await withPool(stage, { size: 2, maxQueued: 10 }, async ({ pool }) => {
    story.tell('test', 'calls close() of a pool that has nothing to do')
    const outcome = await within(PATIENCE_MS, pool.close())
    expect('close() to resolve', outcome !== 'too late', {
      because: 'There is nothing to wait for.',
      likely:
        'The last job has ended long ago, and nobody says so again. Wait only when a thread is busy.',
    })
  })
})

step('06.6', 'a client who says nothing gives its thread up', async ({ serve, connect }) => {
  const patient = await serve(CHAPTER, { threads: 2, idleMs: 60_000 })
  const [ada, bob, cyd] = [await connect(patient), await connect(patient), await connect(patient)]
  for (const client of [ada, bob]) await echo(client, { because: 'Two threads, two clients.' })
  await cyd.send('echo anybody there?\n')
  await cyd.expectSilence(() => patient.roundTrip(), {
    because: 'Here is the flaw: ada and bob say nothing, and still no thread is free for cyd.',
  })

  const hasty = await serve(CHAPTER, { threads: 2, idleMs: IDLE_MS })
  await wakeThreads(hasty, [await connect(hasty, 'one'), await connect(hasty, 'two')])
  const [dee, eve] = [await connect(hasty, 'dee'), await connect(hasty, 'eve')]
  for (const client of [dee, eve]) {
    await client.expectLine('idle', {
      because: 'Who has said nothing for 300 ms is told why the connection ends.',
      likely: 'socket.setTimeout calls back when nothing has moved on a socket for so long.',
    })
    await client.expectEnd({ because: 'After that line there is nothing more to say.' })
  }
  const [fay, gus] = [await connect(hasty, 'fay'), await connect(hasty, 'gus')]
  await talkUntilServed(hasty, [fay, gus], {
    because: 'dee and eve have not said FIN, and need not: their threads are free for fay and gus.',
    likely:
      'end() waits for the FIN of a client who says nothing. Close both directions once the line is written.',
  })

  const until = performance.now() + 1.5 * IDLE_MS
  const stays: Reason = {
    because: 'fay came no later than gus, but she talks: silence is limited, not the visit.',
    likely: 'The limit starts again with every byte. socket.setTimeout does that.',
  }
  while (performance.now() < until) {
    await echo(fay, stays)
    await aWhile()
  }
  await gus.expectLine('idle', {
    because: 'gus has talked, and then said nothing any more.',
    likely: 'The limit holds for every silence, not just for the first.',
  })
  await echo(fay, stays)

  const busy = await serve(CHAPTER, { threads: 1, idleMs: BUSY_IDLE_MS, graceMs: 0 })
  await wakeThreads(busy, [await connect(busy, 'one')])
  const [hal, ida] = [await connect(busy, 'hal'), await connect(busy, 'ida')]
  const waits = BUSY_IDLE_MS * 2.5
  await ask(hal, `sleep ${waits}`, 'slept', {
    because: `hal does not keep his thread waiting for ${waits} ms: his thread keeps him waiting.`,
    likely: 'Ask owesAnswer() before you call a client idle.',
  })
  await ida.expectSilence(() => busy.roundTrip(), {
    because: 'ida waits in the queue. She has no thread that she could give up.',
    likely:
      'limitIdleness() is called when a thread begins with her. Nothing is to be limited before.',
  })
  await hal.expectLine('idle', {
    because: 'hal has had his answer, and has said nothing since.',
    likely:
      'The clock starts anew with the answer. It must not stop for good when an answer was owed.',
  })
  await hal.expectEnd({ because: 'After that line there is nothing more to say.' })
  await echo(ida, { because: 'The thread is free for her now.' })

  ida.stopReading()
  const jon = await connect(busy, 'jon')
  ida.beQuiet('asks for as many bytes as she sends, and reads none of them')
  ida.flood(32 * 1024 * 1024, `echo ${'x'.repeat(60_000)}\n`)
  await echo(jon, {
    because:
      'ida takes no byte any more, and her thread sleeps in write(). When nothing has moved for half a second, it is wanted by jon.',
    likely:
      'destroySoon() waits until all is written, and that never comes. A client that has not taken what it was told before is cut off.',
  })
  busy.beginClose()
  await busy.expectClosed({ because: 'No grace is given here: those who are left are cut off.' })
  await busy.expectNothingLeft({
    because: 'A closed server keeps no process alive.',
    likely: 'A timer of your own has to be cleared when its socket has closed.',
  })
})

/**
 * A client for each thread is served and leaves, so that all threads have started: no clock runs meanwhile that matters.
 * A client that is let go while its thread still starts has done as much.
 */
async function wakeThreads(server: HostedServer, clients: Client[]): Promise<void> {
  const reason = { because: 'The server has just started, and there is a thread for each of them.' }
  for (const client of clients) await client.send('echo ready?\n')
  for (const client of clients) await client.expectLine(/^(ready\?|idle)$/, reason)
  for (const client of clients) await client.halfClose()
  for (const client of clients) await client.expectEnd(reason)
  await server.roundTrip()
}

/** They ask again and again until all are served: nobody who talks like this is silent. */
async function talkUntilServed(
  server: HostedServer,
  clients: Client[],
  reason: Reason,
): Promise<void> {
  const talk = 'asks "echo still there?" again and again until everybody has had an answer'
  for (const client of clients) client.beQuiet(talk)
  let asked = 0
  for (const client of clients) {
    let isServed = false
    const served = client.expectLine('still there?', reason).finally(() => {
      isServed = true
    })
    served.catch(() => {})
    for (; !isServed || asked === 0; asked++) {
      for (const other of clients) await other.send('echo still there?\n')
      await server.roundTrip()
      await aWhile()
    }
    await served
  }
  for (const client of clients) {
    for (let answer = 1; answer < asked; answer++) {
      await client.expectLine('still there?', { because: 'Each question gets its answer.' })
    }
  }
}

/** How long somebody thinks between two questions: nobody who talks like this is silent. */
function aWhile(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, IDLE_MS / 15))
}

/** A job that the test lets run when it likes. */
interface Play {
  name: string
  /** Which of all jobs it was to end; 0 while it has not. */
  endedAt: number
  open(): void
  cancel(): void
  /** Blocks this process, so that it cannot hear of the answer, until the thread has given it. */
  blockUntilAnswered(): void
  expectResult(value: string, reason: { because: string; likely?: string }): Promise<Done>
  expectRejection(message: RegExp, reason: { because: string; likely?: string }): Promise<void>
}

interface PlayedPool {
  pool: WorkerPoolModule.WorkerPool<TestJob, Done>
  /** Threads started since the pool was, and not ended yet. */
  livingThreads(): number
  /** All that were started since the pool was. */
  startedThreads(): number
  play(name: string, then?: TestJob['then'], signal?: AbortSignal | 'no signal'): Play
  /** A job that cannot be sent to a thread. */
  playUnsendable(name: string): Pick<Play, 'expectRejection'>
}

/** A pool in this process, whose jobs wait at gates; ended in any case. */
async function withPool(
  stage: Stage,
  options: { size: number; maxQueued: number; cancelGraceMs?: number; script?: URL },
  body: (played: PlayedPool) => Promise<void>,
): Promise<void> {
  const { WorkerPool } = await stage.load(() => import('#code/06-worker-pool/worker-pool.ts'))
  const threads: Worker[] = []
  const onThread = (thread: Worker) => threads.push(thread)
  process.on('worker', onThread)
  const pool = new WorkerPool<TestJob, Done>({ script: SCRIPT, ...options })
  const gates: Int32Array[] = []
  let ended = 0

  const play: PlayedPool['play'] = (name, then = 'answer', signal) => {
    const [gate, answered] = [makeGate(), makeGate()]
    gates.push(gate)
    const controller = new AbortController()
    const without = signal === 'no signal' ? ', without a signal' : ''
    stage.story.tell('pool', `is given the job "${name}"${without}`)
    const job = { gate, then, value: name, answered }
    const running =
      signal === 'no signal'
        ? pool.run(job)
        : pool.run(job, { signal: signal ?? controller.signal })
    const outcome = running.finally(() => {
      played.endedAt = ++ended
    })
    outcome.catch(() => {})
    const played: Play = {
      name,
      endedAt: 0,
      open: () => openGate(gate),
      cancel: () => {
        stage.story.tell('test', `takes "${name}" back`)
        controller.abort()
      },
      blockUntilAnswered() {
        stage.story.tell('test', `waits until the thread of "${name}" has answered`)
        Atomics.wait(answered, 0, 0, PATIENCE_MS)
      },
      ...expectationsOf(stage, name, outcome),
    }
    return played
  }

  const playUnsendable: PlayedPool['playUnsendable'] = (name) => {
    stage.story.tell('pool', `is given the job "${name}", which cannot be sent`)
    const then = 'answer'
    const job: TestJob = { then, value: () => {} }
    const outcome = new Promise<Done>((resolve, reject) => {
      try {
        pool.run(job).then(resolve, reject)
      } catch (error) {
        reject(new Error('run() threw, and no promise came', { cause: error }))
      }
    })
    return expectationsOf(stage, name, outcome)
  }

  try {
    // A thread that has ended has no id any more.
    const livingThreads = () => threads.filter(({ threadId }) => threadId > 0).length
    const startedThreads = () => threads.length
    await body({ pool, play, playUnsendable, livingThreads, startedThreads })
  } finally {
    process.off('worker', onThread)
    for (const gate of gates) openGate(gate)
    await within(
      500,
      pool.close().catch(() => {}),
    )
  }
}

/** What may come of a job, and is waited for as long as there is patience. */
function expectationsOf(
  stage: Stage,
  name: string,
  outcome: Promise<Done>,
): Pick<Play, 'expectResult' | 'expectRejection'> {
  const settled = outcome.then(
    (result) => ({ result }),
    (error: Error) => ({ error }),
  )
  return {
    async expectResult(value, reason) {
      const seen = await within(PATIENCE_MS, settled)
      const text =
        seen === 'too late'
          ? 'nothing, so far'
          : 'error' in seen
            ? `a rejection: ${seen.error}`
            : String(seen.result?.value)
      stage.expect(`"${name}" to be answered with "${value}"`, text === value, {
        ...reason,
        expected: value,
        received: text,
      })
      return (seen as { result: Done }).result
    },
    async expectRejection(message, reason) {
      const seen = await within(PATIENCE_MS, settled)
      const text =
        seen === 'too late'
          ? 'nothing, so far'
          : 'error' in seen
            ? describe(seen.error)
            : `a result: ${seen.result?.value}`
      const isRejected = seen !== 'too late' && 'error' in seen && message.test(text)
      stage.expect(`"${name}" to be rejected`, isRejected, {
        ...reason,
        expected: `a rejection like ${message}`,
        received: text,
      })
    },
  }
}

/** Looks again and again, whenever something has happened. */
async function expectEventually(
  { expect }: Stage,
  what: string,
  look: () => boolean,
  reason: { because: string; likely: string },
): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  while (!look() && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  expect(what, look(), reason)
}

function makeGate(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(4))
}

function openGate(gate: Int32Array): void {
  Atomics.store(gate, 0, 1)
  Atomics.notify(gate, 0)
}

function describe(error: Error): string {
  return `${error?.constructor?.name} ${error?.name}: ${error?.message}`
}

function pick<T extends object, K extends keyof T>(value: T, ...keys: K[]): Pick<T, K> {
  return Object.fromEntries(keys.map((key) => [key, value[key]])) as Pick<T, K>
}
