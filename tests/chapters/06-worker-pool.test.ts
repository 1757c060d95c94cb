import { getEventListeners } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { PATIENCE_MS, within } from '../harness/patience.ts'
import { countPendingWakeUps } from '../harness/pending-wakeups.ts'
import { step } from '../judge/step.ts'
import { ask, echo } from '../protocols/lines.ts'
import {
  IDLE_MS,
  talkUntilClosed,
  talkUntilServed,
  trickle,
  wakeThreads,
} from '../worlds/idle-clients.ts'
import { expectEventually, roundsIn, withPool } from '../worlds/played-pool.ts'

const CHAPTER = '06-worker-pool'
const BROKEN_SCRIPT = new URL('./threads/06-cannot-load.ts', import.meta.url)

/** Where somebody has to be quick to be not idle: more than a loaded machine needs. */
const BUSY_IDLE_MS = 500

step('06.1', 'a fixed number of threads takes jobs in order of arrival', async (stage) => {
  const { expect, expectSame } = stage
  await withPool(stage, { size: 2, maxQueued: 10 }, async ({ play, expectStats }) => {
    const [first, second] = [play('first'), play('second')]
    const later = ['third', 'fourth', 'fifth'].map((name) => play(name))
    const all = [first, second, ...later]
    expectStats(
      { threads: 2, busy: 2, queued: 3 },
      {
        because: 'Two threads, five jobs: two run, three wait.',
        likely: 'A job goes to a free thread if there is one, into the queue if not.',
        look: 'run()',
      },
    )
    await turn()
    const starts = all.map(({ starts }) => starts)
    expectSame('how often each onStart was called', starts, [1, 1, 0, 0, 0], {
      because: 'onStart is called when a thread begins with the job, and three still wait.',
      likely: 'A task carries the options that run() was given; #start() calls onStart.',
      look: 'run()',
    })
    second.open()
    await second.expectResult('second', {
      because: 'The job that ends first is answered first, and its own caller gets the answer.',
      likely: 'The caller is the one whose task #threads has for this very thread.',
      ifNothing: 'Settle the task that #threads has for the thread that has answered.',
      look: '#onAnswer()',
    })
    await turn()
    const startsThen = all.map(({ starts }) => starts)
    const isNoneStarted = startsThen.join() === starts.join()
    expectSame('how often each onStart was called', startsThen, [1, 1, 1, 0, 0], {
      because: 'A thread is free, so the job that has waited longest is started.',
      likely: isNoneStarted
        ? 'A thread that has answered takes the next job out of the queue: #free().'
        : 'The queue is taken from the wrong end: push() and shift().',
      look: isNoneStarted ? '#onAnswer()' : 'run()',
    })
    first.open()
    await first.expectResult('first', {
      because: 'Each caller gets the answer to its own job.',
      likely: 'The caller is the one whose task #threads has for this very thread.',
      look: '#onAnswer()',
    })
    const threads = new Set<number>()
    for (const job of later) {
      job.open()
      const { threadId } = await job.expectResult(job.name, {
        because: 'A job that waits is started as soon as a thread is free.',
        likely: 'A thread that has answered takes the next job out of the queue: #free().',
        look: '#onAnswer()',
      })
      threads.add(threadId)
    }
    expect('the two threads to have done it all', threads.size <= 2, {
      because: 'Threads are started once. That is the point of a pool.',
      likely: 'A new Worker for each job is no pool.',
      received: `${threads.size} threads`,
    })
    const startsInTheEnd = all.map(({ starts }) => starts)
    expectSame('how often each onStart was called', startsInTheEnd, [1, 1, 1, 1, 1], {
      because: 'Each job has been started once.',
      likely: 'A task carries the options that run() was given; #start() calls onStart.',
      look: 'run()',
    })
  })

  await withPool(stage, { size: 1, maxQueued: 10 }, async ({ play, startedThreads }) => {
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
    await failing.expectRejection(/^RangeError: no$/, {
      because: 'What a job throws is what its caller gets, unchanged.',
      likely: 'An answer with an error rejects.',
      ifRejected: 'Reject with answer.error itself, not with an error about it.',
      look: '#onAnswer()',
    })
    after.open()
    await after.expectResult('after', {
      because: 'A job that throws has ended, and its thread is as good as before.',
      likely: 'A thread that has answered with an error is free, too.',
      look: '#onAnswer()',
    })
    // Node tells of a new thread one turn later.
    await turn()
    expectSame('the number of threads started', startedThreads(), 1, {
      because: 'What threw was the job. Its thread has caught that, and a new one would cost 8 MB.',
      likely: 'A thread that has answered with an error is freed, not replaced.',
      look: '#onAnswer()',
    })
    const [empty, vain] = [play('empty', 'answer nothing'), play('vain', 'throw nothing')]
    empty.open()
    await empty.expectResult('undefined', {
      because: 'A job that returns nothing has ended well.',
      likely: "'error' in answer says whether the job threw. The value of its result does not.",
      look: '#onAnswer()',
    })
    vain.open()
    await vain.expectRejection(/undefined/, {
      because: 'Whatever a job throws, be it undefined, it has thrown.',
      likely: "'error' in answer says whether the job threw. The value of the error does not.",
      look: '#onAnswer()',
    })
  })

  await withPool(stage, { size: 1, maxQueued: 10 }, async (played) => {
    const { play, playUnsendable, expectStats } = played
    await playUnsendable('a function').expectRejection(/DataCloneError/, {
      because: 'It cannot be sent to a thread, and its caller hears of that as of any other error.',
      likely: '#start() rejects a task that cannot be sent. There is nothing left to do for run().',
    })
    expectStats(
      { busy: 0, queued: 0 },
      {
        because: 'That job has ended: no thread has got it, and it waits for none.',
        likely: 'When #start() returns false, the task is rejected already: do not queue it.',
        look: 'run()',
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
  await withPool(stage, { size: 2, maxQueued: 2 }, async ({ play, expectStats }) => {
    // A queue that has been full is as good as new, so all of this holds twice.
    for (const round of [1, 2]) {
      const names = [`waiting ${round}a`, `waiting ${round}b`]
      const running = [play(`running ${round}a`), play(`running ${round}b`)]
      const waiting = names.map((name) => play(name))
      await play(`one too many ${round}`).expectRejection(/PoolBusy/, {
        because:
          'A queue without an end only hides that there is too much to do, until memory is gone.',
        likely: 'When no thread is free and maxQueued jobs wait: #refuse(task).',
        ifNothing: ({ rejected }) =>
          rejected === round
            ? 'Another job was refused in its place. The one that comes last is refused.'
            : 'When no thread is free and maxQueued jobs wait: #refuse(task).',
        ifRejected: 'Reject with PoolBusy, so that callers can tell why: #refuse() does.',
        look: ['run()', '#refuse()'],
      })
      expectStats(
        { queued: 2, rejected: round },
        {
          because: `Two jobs may wait, and ${round === 1 ? 'one was' : 'two were'} refused so far.`,
          likely:
            'A job is refused only when maxQueued others wait already. #refuse() rejects it and counts it.',
          look: 'run()',
        },
      )
      for (const job of [...running, ...waiting]) job.open()
      for (const job of [...running, ...waiting]) {
        await job.expectResult(job.name, {
          because: 'Jobs that were accepted are done, whoever is refused meanwhile.',
        })
      }
    }
  })

  await withPool(stage, { size: 1, maxQueued: 0 }, async ({ play }) => {
    for (const round of [1, 2]) {
      const served = play(`served ${round}`)
      await play(`refused ${round}`).expectRejection(/PoolBusy/, {
        because: 'The one thread is busy, and nobody may wait.',
        likely: 'With maxQueued: 0 the queue is always full: a job gets a free thread or nothing.',
        look: 'run()',
      })
      served.open()
      await served.expectResult(served.name, {
        because: 'Nobody may wait in this pool, but its thread was free.',
        likely: 'Look for a free thread first. Only a job that has to wait needs a place.',
        look: 'run()',
      })
    }
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
  await withPool(stage, { size: 2, maxQueued: 10 }, async ({ play, expectStats }) => {
    const steady = play('steady')
    for (let crash = 1; crash <= 3; crash++) {
      const [crashing, next] = [play(`crash ${crash}`, 'exit'), play(`next ${crash}`)]
      crashing.open()
      next.open()
      await crashing.expectRejection(/its thread ended in the middle of it/, {
        because: 'Its thread is gone: nobody else will ever answer.',
        likely: 'Reject the task of the thread that has ended with `crash`, which says why.',
        look: '#onExit()',
      })
      await next.expectResult(`next ${crash}`, {
        because: 'The queue goes on with a new thread.',
        likely: 'The new thread must take the next job: #replace() sees to both.',
        ifRejected: 'Only the job of the thread that has ended is lost; this one was waiting.',
        look: '#onExit()',
      })
    }
    expectStats(
      { threads: 2, crashed: 3 },
      {
        because: 'Three threads have crashed, and there are still two.',
        likely: 'Each crash is counted once, and costs a thread that is replaced once.',
        look: '#onExit()',
      },
    )
    const last = play('crash 4', 'exit')
    last.open()
    await last.expectRejection(/its thread ended in the middle of it/, {
      because: 'Its thread is gone: nobody else will ever answer.',
    })
    expectStats(
      { threads: 2, busy: 1, queued: 0 },
      {
        because: 'Its thread was replaced, although no job waits for the new one yet.',
        likely: 'A thread that ends with a job is replaced, whether or not the queue is empty.',
        look: '#onExit()',
      },
    )
    steady.open()
    await steady.expectResult('steady', {
      because: 'The other thread has nothing to do with these crashes.',
      likely: 'Only the thread that has ended is replaced, and only its task is rejected.',
    })
  })

  await withPool(stage, { size: 1, maxQueued: 10 }, async ({ pool, play }) => {
    const farewell = play('farewell', 'answer and exit')
    farewell.open()
    await farewell.expectResult('farewell', { because: 'Its thread answers before it ends.' })
    await expectEventually(stage, 'no thread to be left', () => pool.stats().threads === 0, {
      because: 'A thread that ends without a job is not replaced until a job needs one.',
      likely: 'Without a task there is nobody to tell: delete the thread from #threads.',
      look: '#onExit()',
    })
    const after = play('after')
    after.open()
    await after.expectResult('after', {
      because: 'A thread that has ended is forgotten, so a new one is started for this job.',
      likely: '#freeThread() starts a thread when there are too few in #threads.',
      look: '#onExit()',
    })
  })

  const hopeless = { size: 1, maxQueued: 10, script: BROKEN_SCRIPT }
  await withPool(stage, hopeless, async ({ pool, play }) => {
    for (const name of ['hopeless 1', 'hopeless 2']) {
      await play(name).expectRejection(/this script cannot load/, {
        because:
          'A thread that cannot load its script ends as well, and its caller wants to know why.',
        likely: 'Reject with `crash`, which says why.',
        ifRejected: 'Reject with `crash` itself: it says why.',
        look: '#onExit()',
      })
    }
    await expectEventually(stage, 'no thread to be left', () => pool.stats().threads === 0, {
      because:
        'A thread without a job that ends is not replaced: a script that cannot load would be started forever.',
      likely: 'Without a task there is nobody to tell and nothing to hurry for: forget the thread.',
      look: '#onExit()',
    })
  })
})

step('06.4', 'a job that waits is taken back', async (stage) => {
  const { expect, expectSame } = stage
  const patient = { cancelGraceMs: 60_000 }
  await withPool(stage, { size: 1, maxQueued: 10, ...patient }, async ({ play, expectStats }) => {
    const running = play('running')
    const names = ['front', 'inside', 'behind', 'end']
    const [front, inside, behind, end] = names.map((name) => play(name))
    const others = [running, front, behind, end]
    const before = await countPendingWakeUps()
    inside.cancel(new RangeError('not any more'))
    await inside.expectRejection(/^RangeError: not any more$/, {
      because: 'Nobody wants it any more, and it has not even begun: its caller is told at once.',
      likely: 'On abort, take the task out of the queue and reject it.',
      ifRejected: 'Reject with the reason that the signal has: signal.reason.',
      look: ['run()', '#cancel()'],
    })
    expectStats(
      { busy: 1, queued: 3 },
      {
        because: 'The three others still wait.',
        likely: 'Take this one task out of the queue, no more and no less: splice(place, 1).',
        look: '#cancel()',
      },
    )
    expect('no timer to be left', (await countPendingWakeUps()) <= before, {
      because: '`inside` had no thread, so none has to be replaced, now or later.',
      likely: '#replaceSoon() is for the thread that works at this task. One that waits has none.',
      look: '#cancel()',
    })
    for (const job of others) job.open()
    for (const job of others) {
      await job.expectResult(job.name, {
        because: 'Only `inside` was taken back.',
        likely:
          'Its place in the queue is where indexOf() finds it, neither the first nor the last.',
        look: '#cancel()',
      })
    }
    const order = others.map(({ endedAt }) => endedAt)
    expectSame('the order in which they ended', order, [2, 3, 4, 5], {
      because: 'The others keep their order.',
      likely: 'splice() takes one out and leaves the others as they are.',
      look: '#cancel()',
    })
  })

  await withPool(stage, { size: 1, maxQueued: 10, ...patient }, async ({ play, expectStats }) => {
    const unwanted = AbortSignal.abort(new RangeError('too early'))
    const unborn = play('unborn', 'answer', unwanted)
    await unborn.expectRejection(/^RangeError: too early$/, {
      because: 'Its signal had aborted before it came.',
      likely: 'A signal that has aborted emits no event any more: look at signal.aborted first.',
      ifRejected: 'Reject with the reason that the signal has: signal.reason.',
      look: 'run()',
    })
    expectSame('how often its onStart was called', unborn.starts, 0, {
      because: 'A thread is free, but nobody wants this job.',
      likely: 'Look at signal.aborted before you give the job to a thread.',
      look: 'run()',
    })
    const running = play('running')
    const common = new AbortController()
    const [first, second] = ['first', 'second'].map((name) => play(name, 'answer', common))
    const early = play('early', 'answer', unwanted)
    await early.expectRejection(/^RangeError: too early$/, {
      because: 'Its signal had aborted before it came.',
      likely: 'A signal that has aborted emits no event any more: look at signal.aborted first.',
      ifRejected: 'Reject with the reason that the signal has: signal.reason.',
      look: 'run()',
    })
    expectStats(
      { busy: 1, queued: 2, rejected: 0 },
      {
        because: '`early` is over before it began: it takes no thread and no place.',
        likely: 'Return the rejection, and go no further.',
        look: 'run()',
      },
    )
    first.cancel()
    for (const job of [first, second]) {
      await job.expectRejection(/AbortError/, {
        because: 'Both were given the same signal.',
        likely:
          'One signal may serve many jobs: addEventListener() adds a listener, signal.onabort has room for one.',
        look: 'run()',
      })
    }
    expectStats({ queued: 0 }, { because: 'Both are out of the queue.', look: '#cancel()' })
    running.open()
    await running.expectResult('running', { because: 'It has a signal of its own.' })
  })

  await withPool(stage, { size: 1, maxQueued: 1, ...patient }, async (played) => {
    const { play, playUnsendable } = played
    const common = new AbortController()
    const expectNoListener = async (what: string) => {
      await turn()
      const listening = getEventListeners(common.signal, 'abort').length
      expectSame(`what listens to the signal of a job that ${what}`, listening, 0, {
        because:
          'A signal may serve a million jobs, one after the other, and must not remember them.',
        likely:
          'Take the listener off the signal however the job has ended: finally(), not then().',
        look: 'run()',
      })
    }
    const aborted = AbortSignal.abort()
    await play('too early', 'answer', aborted).expectRejection(/AbortError/, {
      because: 'Its signal had aborted before it came.',
      look: 'run()',
    })
    await turn()
    expectSame(
      'what listens to a signal that had aborted before',
      getEventListeners(aborted, 'abort').length,
      0,
      {
        because: 'It aborts once, and that is over: a listener would stay there for nothing.',
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
    await playUnsendable('unsendable', common.signal).expectRejection(/DataCloneError/, {
      because: 'It cannot be sent.',
    })
    await expectNoListener('could not be sent')
    const [running, waiting] = [play('running'), play('waiting')]
    await play('refused', 'answer', common).expectRejection(/PoolBusy/, { because: 'It is full.' })
    await expectNoListener('was refused')
    waiting.cancel()
    await waiting.expectRejection(/AbortError/, { because: 'It waits, and is taken back.' })
    const next = play('next', 'answer', common)
    for (const job of [running, next]) job.open()
    await next.expectResult('next', {
      because: '`waiting` has left its place in the queue to others.',
      likely: 'A place that nobody needs any more is free.',
    })
    await expectNoListener('has ended well')
  })
})

step('06.5', 'a job that runs is taken back, and its thread replaced soon', async (stage) => {
  const { expect, expectSame } = stage
  const hasty = { size: 2, maxQueued: 10, cancelGraceMs: 0 }
  await withPool(stage, hasty, async ({ play, expectStats }) => {
    const [steady, running, waiting] = [play('steady'), play('running'), play('waiting')]
    running.cancel(new RangeError('not any more'))
    await running.expectRejection(/^RangeError: not any more$/, {
      because: 'It runs, and nobody wants it any more: its caller is told at once.',
      likely: 'Find the thread that works at this task. Reject the task, and replace the thread.',
      ifRejected: 'Reject with the reason that the signal has, not with the end of the thread.',
      look: '#cancel()',
    })
    waiting.open()
    await waiting.expectResult('waiting', {
      because: 'The new thread takes the next job.',
      likely: '#replaceSoon() starts a new thread, which takes the next job.',
      ifNothing: ({ queued }) =>
        queued === 0
          ? 'It is not in the queue any more: indexOf() is -1 for a task that does not wait, and splice(-1, 1) takes the last one.'
          : 'It still waits, because the thread of `running` was not replaced. #replaceSoon() sees to that.',
      look: '#cancel()',
    })
    expectStats(
      { threads: 2, busy: 1, crashed: 0 },
      {
        because: '`steady` still runs, and a thread that we end ourselves is no crash.',
        likely:
          'Leave it to #replaceSoon(): it forgets the thread before it terminates it, so that nobody takes its end for a crash.',
        look: '#cancel()',
      },
    )
    steady.open()
    await steady.expectResult('steady', {
      because: 'It runs in another thread, and nobody has taken it back.',
      likely: 'Look for the thread that works at this very task, not for any that is busy.',
      look: '#cancel()',
    })
  })

  await withPool(stage, { ...hasty, size: 1 }, async ({ play, expectStats }) => {
    const late = play('late')
    late.open()
    await late.expectResult('late', { because: 'It ends before it is taken back.' })
    const [after, last] = [play('after'), play('last')]
    late.cancel()
    for (const job of [after, last]) {
      job.open()
      await job.expectResult(job.name, {
        because: 'Taking back what has ended changes nothing.',
        likely:
          'Its thread works at something else by now. Look for the thread that works at this very task.',
        look: ['#cancel()', 'run()'],
      })
    }

    const [crossed, next, final] = ['crossed', 'next', 'final'].map((name) => play(name))
    crossed.open()
    crossed.blockUntilTold()
    crossed.cancel()
    await crossed.expectRejection(/AbortError/, {
      because:
        'It is taken back while its answer is on its way: the pool has not heard of that yet.',
    })
    for (const job of [next, final]) {
      job.open()
      await job.expectResult(job.name, {
        because:
          'The answer of a thread that was replaced still arrives. That thread ends, and takes no more jobs.',
        likely:
          '#onAnswer() frees a thread that is not in #threads any more. Its next job is lost with it.',
        look: '#onAnswer()',
      })
    }
    expectStats(
      { threads: 1, crashed: 0 },
      { because: 'A thread that was replaced does not come back.', look: '#onAnswer()' },
    )
  })

  const patient = { size: 1, maxQueued: 10, cancelGraceMs: 60_000 }
  await withPool(stage, patient, async ({ play, startedThreads, expectStats }) => {
    const reason = {
      because:
        'It was taken back, and has come to its end within the grace of a minute: its thread is as good as before.',
      likely: 'The grace is in #replaceSoon(). A late answer frees the thread like any other.',
      look: ['#cancel()', '#onAnswer()'],
    }
    const ready = play('ready')
    ready.open()
    await ready.expectResult('ready', { because: 'The thread has started.' })
    const before = await countPendingWakeUps()
    const [ended, waiting] = [play('ended'), play('waiting')]
    ended.cancel()
    await ended.expectRejection(/AbortError/, {
      because: 'Its caller hears of that at once, whatever the thread does.',
      likely: 'Reject in #cancel(); do not wait for the thread.',
      look: '#cancel()',
    })
    // Node tells of a new thread one turn later.
    await turn()
    expectStats(
      { busy: 1, queued: 1 },
      {
        because: 'The thread still works at `ended`, so `waiting` waits.',
        likely:
          startedThreads() > 1
            ? '#replaceSoon() gives the thread its grace; #replace() takes it away at once.'
            : 'A thread is free when it has answered, not when nobody wants its answer.',
        look: '#cancel()',
      },
    )
    ended.open()
    waiting.open()
    await waiting.expectResult('waiting', reason)
    const crossed = play('crossed')
    crossed.open()
    crossed.blockUntilTold()
    crossed.cancel()
    const after = play('after')
    after.open()
    await after.expectResult('after', reason)
    expectSame('the number of threads started', startedThreads(), 1, reason)
    expectStats({ busy: 0, crashed: 0 }, reason)
    expect('no timer to be left', (await countPendingWakeUps()) <= before, {
      because: 'The thread has come to its end in time: a timer would end its next job.',
      likely: 'Leave the timer to #replaceSoon() and #free(), which clears it.',
      look: '#cancel()',
    })
  })

  const { serve, connect } = stage
  const server = await serve(CHAPTER, { threads: 1 })
  const [ada, bob] = [await connect(server), await connect(server)]
  await ada.send('sleep 60000\n')
  await server.roundTrip()
  ada.reset()
  await echo(bob, {
    because: 'ada is lost, and bob wants the thread that sleeps for her.',
    likely:
      '#cancel() leaves the thread to #replaceSoon(), which replaces it if it is still busy when the grace is over.',
    look: '#cancel()',
  })
})

step('06.6', 'close() lets what was accepted come to its end', async (stage) => {
  const { story, expect, expectSame } = stage
  await withPool(stage, { size: 1, maxQueued: 10 }, async (played) => {
    const { pool, play, livingThreads, expectStats } = played
    const [running, waiting] = [play('running'), play('waiting')]
    const before = await countPendingWakeUps()
    const resolved: string[] = []
    const livingAt: number[] = []
    const close = async (call: string): Promise<string> => {
      story.tell('test', `calls close(): ${call}`)
      try {
        await pool.close()
      } catch (error) {
        return `${call} rejects: ${error}`
      }
      resolved.push(call)
      livingAt.push(livingThreads())
      return 'resolves'
    }
    const calls = [close('the first call'), close('the second call')]
    await play('too late').expectRejection(/PoolClosed/, {
      because: 'A pool that closes takes nothing new.',
      likely: 'close() says so before it waits for anything, and run() looks before all else.',
      look: ['worker-pool.run()', 'worker-pool.close()'],
    })
    expect('close() not to look again and again', (await countPendingWakeUps()) <= before, {
      because: 'The last job may take an hour. close() is told when it has ended.',
      likely: '#free() calls whatever is in #onDrained. No timer and no loop is needed.',
      look: 'worker-pool.close()',
    })
    running.open()
    await running.expectResult('running', {
      because: 'A job that runs is not cut off.',
      likely:
        'Threads were ended, or the queue was emptied, too early: wait until the last job has ended.',
      look: 'worker-pool.close()',
    })
    expectSame('the calls of close() that have resolved', resolved, [], {
      because: 'A job that was accepted is a promise, and one of them still waits.',
      likely: 'Every call of close() waits until the last job has ended, also the second one.',
      look: 'worker-pool.close()',
    })
    waiting.open()
    await waiting.expectResult('waiting', {
      because: 'A job that waits is done, too.',
      likely:
        'Threads were ended, or the queue was emptied, too early: wait until the last job has ended.',
      ifRejected: 'What was accepted is neither refused nor forgotten afterwards.',
      look: 'worker-pool.close()',
    })
    // The last job has ended, and the thread is about to.
    calls.push(close('a call when the last job has ended'))
    for (const [index, call] of calls.entries()) {
      const outcome = await within(PATIENCE_MS, call)
      const ifItHangs =
        index < 2
          ? '#free() calls everything in #onDrained, once. Each call of close() puts its own resolve there.'
          : 'The last job ends only once: wait for that only while a thread is busy.'
      expect('every call of close() to resolve', outcome === 'resolves', {
        because: 'Nothing is left to do.',
        likely:
          outcome === 'too late'
            ? ifItHangs
            : 'A further call waits like the first one; there is nothing wrong with it.',
        received:
          outcome === 'too late' ? `resolved so far: ${resolved.join(', ') || 'none'}` : outcome,
        look: 'worker-pool.close()',
      })
    }
    expectSame('the threads left as each call of close() resolved', livingAt, [0, 0, 0], {
      because: 'Closed means gone: a thread that is left keeps the process alive.',
      likely:
        'Every call waits until each thread in #alive is gone, also a call that comes late. terminate() returns a promise that says when.',
      look: 'worker-pool.close()',
    })
    const again = await within(PATIENCE_MS, pool.close())
    expect('close() of a closed pool to resolve', again !== 'too late', {
      because: 'Nothing is left to do, still.',
      likely: 'The last job ends only once: wait for that only while a thread is busy.',
      look: 'worker-pool.close()',
    })
    await play('far too late').expectRejection(/PoolClosed/, {
      because: 'A pool that was closed stays closed.',
      likely: '#isClosing stays true.',
      look: ['worker-pool.close()', 'worker-pool.run()'],
    })
    expectStats(
      { threads: 0, crashed: 0 },
      {
        because: 'The pool has none left, and a thread that close() ends has not crashed.',
        likely: 'Forget the threads before you terminate them.',
        look: 'worker-pool.close()',
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
      look: 'worker-pool.close()',
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
      look: 'worker-pool.close()',
    })
  })

  await withPool(stage, { size: 1, maxQueued: 10 }, async ({ pool, play, livingThreads }) => {
    const [crashing, waiting] = [play('crash', 'exit'), play('waiting')]
    story.tell('test', 'calls close()')
    const closed = pool.close()
    crashing.open()
    waiting.open()
    await crashing.expectRejection(/its thread ended/, { because: 'Its thread has ended.' })
    await waiting.expectResult('waiting', {
      because: 'A new thread does it, though the pool is about to close.',
      look: 'worker-pool.close()',
    })
    expect('close() to resolve', (await within(PATIENCE_MS, closed)) !== 'too late', {
      because: 'Nothing is left to do.',
      look: 'worker-pool.close()',
    })
    expectSame('the threads that are left', livingThreads(), 0, {
      because: 'The thread that has taken the place of the crashed one is one of the pool’s, too.',
      likely: 'Look which threads there are when the last job has ended, not before.',
      look: 'worker-pool.close()',
    })
  })

  const hasty = { size: 1, maxQueued: 10, cancelGraceMs: 0 }
  await withPool(stage, hasty, async ({ pool, play, livingThreads }) => {
    const startedAt = performance.now()
    const ready = play('ready')
    ready.open()
    await ready.expectResult('ready', { because: 'The thread has started.' })
    // Native code goes on for longer than another thread takes to start and to end, also if everything is slower then.
    const rounds = roundsIn(8 * (performance.now() - startedAt))
    const lost = play('lost', 'stay in native code', undefined, rounds)
    lost.open()
    lost.blockUntilTold()
    lost.cancel()
    await lost.expectRejection(/AbortError/, { because: 'Nobody wants it any more.' })
    const next = play('next')
    next.open()
    await next.expectResult('next', { because: 'Another thread has taken its place.' })
    story.tell('test', 'calls close()')
    // The thread gets whatever time it needs: only what is left in the end counts.
    await within(10 * PATIENCE_MS, pool.close())
    expectSame('the threads left when close() resolved', livingThreads(), 0, {
      because:
        'A thread that was replaced may take a while to end. Until it has, it keeps the process alive.',
      likely: '#alive holds every thread that has not ended; #threads has forgotten some of them.',
      look: 'worker-pool.close()',
    })
  })
})

step('06.7', 'a client who says nothing gives its thread up', async (stage) => {
  const { serve, connect, expect } = stage
  const patient = await serve(CHAPTER, { threads: 2, idleMs: 60_000 })
  const [ada, bob, cyd] = [await connect(patient), await connect(patient), await connect(patient)]
  for (const client of [ada, bob]) await echo(client, { because: 'Two threads, two clients.' })
  await cyd.send('echo anybody there?\n')
  await cyd.expectSilence(() => patient.roundTrip(), {
    because: 'Here is the flaw: ada and bob say nothing, and still no thread is free for cyd.',
  })
  const timer = await patient.msToNextTimer()
  const hasNone = timer === Number.POSITIVE_INFINITY
  expect('something to look at ada and bob within idleMs', timer <= 60_000, {
    because: 'They have said nothing since, and may not for longer than idleMs.',
    likely: hasNone
      ? 'socket.setTimeout() sets a timer, and starts it anew whenever something moves on the socket.'
      : 'socket.setTimeout(idleMs): in milliseconds, and no more than that.',
    expected: 'a timer within 60,000 ms',
    received: hasNone ? 'none' : `the next one in ${timer} ms`,
  })

  const hasty = await serve(CHAPTER, { threads: 2, idleMs: IDLE_MS })
  await wakeThreads(hasty, [await connect(hasty, 'one'), await connect(hasty, 'two')])
  const cameAt = performance.now()
  const [dee, eve] = [await connect(hasty, 'dee'), await connect(hasty, 'eve')]
  for (const client of [dee, eve]) {
    await client.expectLine('idle', {
      because: `A client that has said nothing for ${IDLE_MS} ms is told why the connection ends.`,
      likely: 'socket.setTimeout() calls back when nothing has moved on a socket for so long.',
      seen: {
        ended: 'Write the line before you close the connection, and close it with destroySoon().',
      },
    })
    const afterMs = performance.now() - cameAt
    // Node's timers count whole milliseconds.
    expect(`${client.name} to have had ${IDLE_MS} ms`, afterMs > IDLE_MS - 5, {
      because: 'Silence is allowed for idleMs, and not for less.',
      likely: 'socket.setTimeout(idleMs): the limit as it was given.',
      received: `idle after ${Math.round(afterMs)} ms`,
    })
    await client.expectEnd({
      because: 'After that line there is nothing more to say.',
      likely: 'destroySoon() closes both directions once the line is written.',
    })
  }
  await talkUntilClosed(hasty, dee, {
    because: 'dee has been told that it is over. Whatever she still sends keeps no thread.',
    likely:
      'end() closes one direction and waits for her FIN. destroySoon() closes both directions once the line is written.',
  })
  const [fay, gus] = [await connect(hasty, 'fay'), await connect(hasty, 'gus')]
  await talkUntilServed(hasty, [fay, gus], {
    because: 'eve has not said FIN, and need not: both threads are free for fay and gus.',
    likely:
      'end() waits for the FIN of a client who says nothing. Close both directions once the line is written.',
  })

  await fay.send('echo ')
  await trickle(fay, 1.5 * IDLE_MS)
  await gus.expectLine('idle', {
    because: 'gus has talked, and then said nothing any more.',
    likely: 'The limit holds for every silence, not just for the first.',
  })
  await ask(fay, '.', /^x+\.$/, {
    because:
      'fay came no later than gus, but she sends a byte every 20 ms: silence is limited, not the visit.',
    likely: 'The limit starts again with every byte, in or out. socket.setTimeout() does that.',
  })

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
      'ida takes no byte any more, and her thread sleeps in write(). When nothing has moved for half a second, jon gets it.',
    likely:
      'Look at socket.writableLength before all else: her answer is owed until she reads, and destroySoon() waits for that. A client that has not taken what it was told before is cut off.',
  })
  busy.beginClose()
  await busy.expectClosed({ because: 'No grace is given here: open connections are cut off.' })
  await busy.expectNothingLeft({
    because: 'A closed server keeps no process alive.',
    likely: 'A timer of your own has to be cleared when its socket has closed.',
  })
})
