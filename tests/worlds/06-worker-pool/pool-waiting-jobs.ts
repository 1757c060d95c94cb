/** Jobs of chapter 06 that are taken back before a thread has begun with them. */

import { getEventListeners } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { countHeld } from '../../harness/garbage.ts'
import { countPendingWakeUps } from '../../harness/pending-wakeups.ts'
import type { Stage } from '../../judge/step.ts'
import { type PlayedPool, type TestJob, withPool } from './played-pool.ts'

/** The job is out of the queue, and the others keep their order. */
export async function expectTakenOutOfQueue(stage: Stage): Promise<void> {
  const { expect, expectSame } = stage
  const patient = { cancelGraceMs: 60_000 }
  await withPool(stage, { size: 1, maxQueued: 10, ...patient }, async ({ play, expectStats }) => {
    const running = play('running')
    const names = ['front', 'second', 'inside', 'behind', 'end']
    const [front, second, inside, behind, end] = names.map((name) => play(name))
    const others = [running, front, second, behind, end]
    const before = await countPendingWakeUps()
    inside.cancel(new RangeError('not any more'))
    await inside.expectRejection(/^RangeError: not any more$/, {
      because: 'Nobody wants it any more, and it has not even begun: its caller is told at once.',
      likely: 'On abort, take the task out of the queue and reject it.',
      ifRejected: 'Reject with the signal’s reason: signal.reason.',
      look: ['run()', '#cancel()'],
    })
    expectStats(
      { busy: 1, queued: 4 },
      {
        because: 'The four others still wait.',
        likely: 'Take this one task out of the queue, no more and no less: splice(place, 1).',
        look: '#cancel()',
      },
    )
    expectStats(
      { rejected: 0 },
      {
        because:
          '`rejected` counts jobs that were refused because the queue was full, and it never was.',
        likely: 'A job that was taken back has not been refused: reject it and count nothing.',
        look: '#cancel()',
      },
    )
    expect('no timer to be left', (await countPendingWakeUps()) <= before, {
      because: '`inside` had no thread, so none has to be replaced, now or later.',
      likely:
        '#replaceSoon() is for the thread that works on this task. A task that waits has none.',
      look: '#cancel()',
    })
    for (const job of others) job.open()
    for (const job of others) {
      await job.expectResult(job.name, {
        because: 'Only `inside` was taken back.',
        likely:
          'Remove the task at the place that indexOf() returns, neither the first nor the last.',
        look: '#cancel()',
      })
    }
    const order = others.map(({ endedAt }) => endedAt)
    expectSame('the order in which they ended', order, [2, 3, 4, 5, 6], {
      because: 'The others keep their order.',
      likely: 'splice() takes one out and leaves the others as they are.',
      look: '#cancel()',
    })
  })
}

/** A signal that has aborted before, and one that serves several jobs. */
export async function expectSignalsHeard(stage: Stage): Promise<void> {
  const { expectSame } = stage
  const oneSignalCause =
    'One signal may serve many jobs: addEventListener() adds a listener, but signal.onabort has room for one.'
  const patient = { cancelGraceMs: 60_000 }
  await withPool(stage, { size: 1, maxQueued: 10, ...patient }, async ({ play, expectStats }) => {
    const unwanted = AbortSignal.abort(new RangeError('too early'))
    const unborn = play('unborn', 'answer', unwanted)
    await unborn.expectRejection(/^RangeError: too early$/, {
      because: 'Its signal had already aborted when the job arrived.',
      likely:
        'A signal that has already aborted emits no more events: look at signal.aborted first.',
      ifRejected: 'Reject with the signal’s reason: signal.reason.',
      look: 'run()',
    })
    expectSame('the number of calls to its onStart', unborn.starts, 0, {
      because: 'A thread is free, but nobody wants this job.',
      likely: 'Look at signal.aborted before you give the job to a thread.',
      look: 'run()',
    })
    const running = play('running')
    const common = new AbortController()
    const [first, second] = ['first', 'second'].map((name) => play(name, 'answer', common))
    const early = play('early', 'answer', unwanted)
    await early.expectRejection(/^RangeError: too early$/, {
      because: 'Its signal had already aborted when the job arrived.',
      likely:
        'A signal that has already aborted emits no more events: look at signal.aborted first.',
      ifRejected: 'Reject with the signal’s reason: signal.reason.',
      look: 'run()',
    })
    await play('unfounded', 'answer', AbortSignal.abort(null)).expectRejection(/^null$/, {
      because:
        'Its signal had already aborted when the job arrived. The reason may be anything, even null.',
      likely: 'signal.aborted says whether it has aborted. The value of the reason does not.',
      ifRejected: 'Reject with the signal’s reason: signal.reason.',
      look: 'run()',
    })
    expectStats(
      { busy: 1, queued: 2, rejected: 0 },
      {
        because:
          'Both have ended before they began, so they take no thread and no place in the queue.',
        likely: 'Return the rejection, and go no further.',
        look: 'run()',
      },
    )
    const listeners = getEventListeners(common.signal, 'abort').length
    first.cancel()
    for (const job of [first, second]) {
      await job.expectRejection(/AbortError/, {
        because: 'Both were given the same signal.',
        likely: oneSignalCause,
        ifNothing: ({ queued }) =>
          listeners === 2 && queued === 1 && job === first
            ? '`first` is still in the queue: 0 is a valid place. Only -1 means that the task is not there.'
            : oneSignalCause,
        look: ['run()', '#cancel()'],
      })
    }
    expectStats({ queued: 0 }, { because: 'Both are out of the queue.', look: '#cancel()' })
    running.open()
    await running.expectResult('running', { because: 'It has a signal of its own.' })
  })
}

/** However a job ends, nothing of it stays with its signal. */
export async function expectSignalsForgotten(stage: Stage): Promise<void> {
  const { expectSame } = stage
  const patient = { cancelGraceMs: 60_000 }
  await withPool(stage, { size: 1, maxQueued: 1, ...patient }, async (played) => {
    const { play, playUnsendable } = played
    const common = new AbortController()
    const expectNoListener = async (what: string, signal = common.signal) => {
      await turn()
      const listening = getEventListeners(signal, 'abort').length
      expectSame(`the number of listeners on the signal of a job that ${what}`, listening, 0, {
        because:
          'A signal may serve a million jobs, one after the other, and must not remember them.',
        likely:
          'However the job has ended, remove the very function that was added: use finally(), not then().',
        look: 'run()',
      })
    }
    const aborted = AbortSignal.abort()
    await play('too early', 'answer', aborted).expectRejection(/AbortError/, {
      because: 'Its signal had already aborted when the job arrived.',
      look: 'run()',
    })
    await turn()
    expectSame(
      'the number of listeners on a signal that had already aborted',
      getEventListeners(aborted, 'abort').length,
      0,
      {
        because:
          'A signal aborts only once, and this one already has: a listener would stay there unused.',
        likely: 'Look at signal.aborted before you listen.',
        look: 'run()',
      },
    )
    const brief = play('brief', 'answer', common)
    brief.open()
    await brief.expectResult('brief', { because: 'Nobody takes it back.' })
    await expectNoListener('has ended well')
    const failing = play('failing', 'throw', common)
    failing.open()
    await failing.expectRejection(/failing/, { because: 'It throws.' })
    await expectNoListener('has thrown')
    const crashing = play('crashing', 'exit', common)
    crashing.open()
    await crashing.expectRejection(/its thread ended/, { because: 'Its thread has ended.' })
    await expectNoListener('has lost its thread')
    await playUnsendable('unsendable', common.signal).expectRejection(/DataCloneError/, {
      because: 'It cannot be sent.',
    })
    await expectNoListener('could not be sent')
    const taken = new AbortController()
    const [running, waiting] = [play('running'), play('waiting', 'answer', taken)]
    await play('refused', 'answer', common).expectRejection(/PoolBusy/, {
      because: 'The queue is full.',
    })
    await expectNoListener('was refused')
    waiting.cancel(null)
    await waiting.expectRejection(/^null$/, {
      because: 'It waits, and is taken back. That the reason is null changes nothing.',
      likely: 'Reject with the signal’s reason, whatever it is.',
      look: ['run()', '#cancel()'],
    })
    await expectNoListener('was taken back', taken.signal)
    const next = play('next', 'answer', common)
    for (const job of [running, next]) job.open()
    await next.expectResult('next', {
      because: '`waiting` has left the queue, so its place is free for others.',
      likely: 'A job that was taken back must not take up a place.',
    })
    await expectNoListener('has ended well')
  })
}

const ENDED = 16

/** Jobs that have ended are not held by the signal that they had in common. */
export async function expectEndedJobsLetGo(stage: Stage): Promise<void> {
  await withPool(stage, { size: 1, maxQueued: 1 }, async ({ pool }) => {
    const common = new AbortController()
    stage.story.tell('pool', `does ${ENDED} jobs with one signal, one after the other`)
    const held = await countHeld(await runEach(pool, common.signal))
    // A pool or its engine may still hold the last one.
    stage.expect('the signal to hold no job that has ended', held <= 2, {
      because:
        'A signal may serve a million jobs, one after the other, and must not remember them.',
      likely:
        'AbortSignal.any() makes a signal that lives as long as the first one while somebody listens to it: remove the listener from it as well, or listen to the first one.',
      look: 'run()',
      expected: 'none, or hardly any',
      received: `${held} of ${ENDED} jobs`,
    })
    common.abort()
  })
}

/** In a function of its own: while it runs, it holds the jobs as well. */
async function runEach(pool: PlayedPool['pool'], signal: AbortSignal): Promise<WeakRef<object>[]> {
  const jobs: WeakRef<object>[] = []
  const then = 'answer'
  for (let index = 0; index < ENDED; index++) {
    const job: TestJob = { then, value: index }
    jobs.push(new WeakRef(job))
    await pool.run(job, { signal })
  }
  return jobs
}
