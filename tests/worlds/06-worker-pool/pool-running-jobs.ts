/** Jobs of chapter 06 that are taken back while a thread works at them. */

import { setImmediate as turn } from 'node:timers/promises'
import { countPendingWakeUps } from '../../harness/pending-wakeups.ts'
import type { Stage } from '../../judge/step.ts'
import { expectEventually, withPool } from './played-pool.ts'

/** Its caller is told at once, and its thread is replaced: that thread, and no other. */
export async function expectThreadReplaced(stage: Stage): Promise<void> {
  const hasty = { size: 2, maxQueued: 10, cancelGraceMs: 0 }
  await withPool(stage, hasty, async ({ pool, play, expectStats }) => {
    const [steady, running, waiting] = [play('steady'), play('running'), play('waiting')]
    running.cancel(new RangeError('not any more'))
    await running.expectRejection(/^RangeError: not any more$/, {
      because: 'It runs, and nobody wants it any more: its caller is told at once.',
      likely:
        'A job that starts at once listens to its signal, too. On abort, find the thread that works on this task, reject the task, and replace the thread.',
      ifRejected: 'Reject with the signal’s reason, not with an error about the end of the thread.',
      look: ['#cancel()', 'run()'],
    })
    waiting.open()
    await waiting.expectResult('waiting', {
      because: 'The new thread takes the next job.',
      likely: '#replaceSoon() starts a new thread, which takes the next job.',
      ifNothing: ({ queued, busy }) => {
        if (queued > 0)
          return 'It still waits, because the thread of `running` was not replaced. #replaceSoon() does that.'
        return busy === 2
          ? '`waiting` went to a thread that still computes, that of `running`. #free() is for a thread that has answered; #replaceSoon() starts a new one.'
          : 'It is no longer in the queue: indexOf() returns -1 for a task that does not wait, and splice(-1, 1) takes the last one.'
      },
      look: '#cancel()',
    })
    expectStats(
      { threads: 2, busy: 1, crashed: 0 },
      {
        because: '`steady` still runs, and a thread that the pool itself ends is no crash.',
        likely:
          pool.stats().threads > 2
            ? '#replaceSoon() takes care of #threads. Put nothing back into it afterwards.'
            : 'Leave it to #replaceSoon(): it forgets the thread before it terminates it, so that its end is not taken for a crash. #onExit() counts only threads that #threads still knows.',
        look: ['#cancel()', '#onExit()'],
      },
    )
    steady.open()
    await steady.expectResult('steady', {
      because: 'It runs in another thread, and nobody has taken it back.',
      likely: 'Look for the thread that works on this very task, not for any thread that is busy.',
      look: '#cancel()',
    })
  })
}

/** Beside the thread that is replaced, another one may have nothing to do. */
export async function expectIdleThreadLeft(stage: Stage): Promise<void> {
  const hasty = { size: 2, maxQueued: 10, cancelGraceMs: 0 }
  for (const endless of ['first', 'second']) {
    await withPool(stage, hasty, async ({ play, expectStats }) => {
      const jobs = [play('first'), play('second')]
      const ended = jobs.find(({ name }) => name !== endless)!
      const lost = jobs.find(({ name }) => name === endless)!
      ended.open()
      await ended.expectResult(ended.name, {
        because: 'It ends, and its thread has nothing to do.',
      })
      lost.cancel()
      await lost.expectRejection(/AbortError/, {
        because: 'It runs, and nobody wants it any more.',
        likely: 'Find the thread that works on this very task, among all threads.',
        look: '#cancel()',
      })
      expectStats(
        { threads: 2, busy: 0 },
        {
          because: `The thread of \`${endless}\` was replaced, and the other one had nothing to do.`,
          likely:
            'The wrong thread was replaced. Compare tasks: a thread without a task works on none, and a place among the busy threads is not a place among all.',
          look: '#cancel()',
        },
      )
    })
  }
}

/** One signal may take back the job that runs and all that wait behind it. */
export async function expectAllTakenBack(stage: Stage): Promise<void> {
  const hasty = { size: 1, maxQueued: 10, cancelGraceMs: 0 }
  await withPool(stage, hasty, async ({ play, startedThreads, expectStats }) => {
    const common = new AbortController()
    const names = ['running', 'waiting', 'waiting, too', 'last']
    const jobs = names.map((name) => play(name, 'answer', common))
    await turn()
    jobs[0].cancel()
    for (const job of jobs)
      await job.expectRejection(/AbortError/, {
        because: 'All four were given the same signal.',
        look: '#cancel()',
      })
    await turn()
    stage.expectSame(
      'the number of calls to each onStart',
      jobs.map(({ starts }) => starts),
      [1, 0, 0, 0],
      {
        because: 'When the thread of `running` was replaced, nobody wanted the others any more.',
        look: '#cancel()',
      },
    )
    stage.expectSame('the number of threads started', startedThreads(), 2, {
      because: 'One thread was replaced. A job that has not begun has none.',
      look: '#cancel()',
    })
    expectStats(
      { threads: 1, busy: 0, queued: 0 },
      { because: 'Nothing is left to do.', look: '#cancel()' },
    )
  })
}

/** A job that waited when it came may run when it is taken back; and nobody may wait for its thread yet. */
export async function expectStartedJobTakenBack(stage: Stage): Promise<void> {
  const hasty = { size: 1, maxQueued: 10, cancelGraceMs: 1 }
  await withPool(stage, hasty, async ({ play }) => {
    const [front, lost] = [play('front'), play('lost')]
    front.open()
    await front.expectResult('front', { because: 'It runs, and `lost` waits.' })
    await turn()
    lost.cancel()
    await lost.expectRejection(/AbortError/, {
      because: 'It has waited, and runs now: its caller is told at once.',
      likely:
        'Find out where a job is when its signal aborts, not when the job arrives. Listen until it has ended, and let #cancel() look.',
      look: ['run()', '#cancel()'],
    })
    const next = play('next')
    next.open()
    await next.expectResult('next', {
      because: 'The thread of `lost` has had its grace of a millisecond, and is replaced.',
      likely:
        '#cancel() leaves the thread to #replaceSoon(), whatever the grace is, and even if no job waits for the thread: one may arrive.',
      look: '#cancel()',
    })
  })
}

/** A job may end before it is taken back, or its answer may cross that on its way. */
export async function expectLateCancelHarmless(stage: Stage): Promise<void> {
  const hasty = { size: 2, maxQueued: 10, cancelGraceMs: 0 }
  await withPool(stage, { ...hasty, size: 1 }, async ({ play, expectStats }) => {
    const late = play('late')
    late.open()
    await late.expectResult('late', { because: 'It ends before it is taken back.' })
    const [after, last] = [play('after'), play('last')]
    late.cancel()
    for (const job of [after, last]) {
      job.open()
      await job.expectResult(job.name, {
        because: 'Taking back a job that has ended changes nothing.',
        likely:
          'Its thread works on something else by now. Look for the thread that works on this very task.',
        look: ['#cancel()', 'run()'],
      })
    }

    const [crossed, next, final] = ['crossed', 'next', 'final'].map((name) => play(name))
    crossed.open()
    crossed.blockUntilTold()
    crossed.cancel()
    await crossed.expectRejection(/AbortError/, {
      because:
        'It is taken back while its answer is on its way: the pool has not received that answer yet.',
      likely:
        'The signal’s `abort` event is emitted at once. Act in its listener, not in a later turn.',
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
}

/** A job that ends within the grace leaves its thread as good as before. */
export async function expectGrace(stage: Stage): Promise<void> {
  const { expect, expectSame } = stage
  const patient = { size: 1, maxQueued: 10, cancelGraceMs: 60_000 }
  await withPool(stage, patient, async ({ pool, play, startedThreads, expectStats }) => {
    const reason = {
      because:
        'The job was taken back, but its thread has answered within the grace of a minute, so the same thread goes on.',
      likely: '#replaceSoon() gives the grace. A late answer frees the thread like any other.',
      look: ['#cancel()', '#onAnswer()'],
    }
    const ready = play('ready')
    ready.open()
    await ready.expectResult('ready', { because: 'The thread has started.' })
    const before = await countPendingWakeUps()
    const [ended, waiting] = [play('ended'), play('waiting')]
    ended.cancel()
    await ended.expectRejection(/AbortError/, {
      because: 'Its caller is told at once, whatever the thread does.',
      likely: 'Reject in #cancel(); do not wait for the thread.',
      look: '#cancel()',
    })
    // Node tells of a new thread one turn later.
    await turn()
    expectStats(
      { busy: 1, queued: 1 },
      {
        because: 'The thread still works on `ended`, so `waiting` waits.',
        likely:
          startedThreads() > 1
            ? '#replaceSoon() gives the thread its grace; #replace() replaces it at once.'
            : 'A thread is free when it has answered, not when its answer is no longer wanted.',
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
    const expectNoTimer = async (likely: string, look: string) =>
      expect('no timer to be left', (await countPendingWakeUps()) <= before, {
        because:
          'The thread has answered in time. A timer that is left would end the thread during its next job.',
        likely,
        look,
      })
    await expectNoTimer(
      'Leave the timer to #replaceSoon() and #free(), which clears it.',
      '#cancel()',
    )
    const alone = play('alone')
    alone.cancel()
    await alone.expectRejection(/AbortError/, { because: 'Its caller is told at once.' })
    alone.open()
    const isFree = () => pool.stats().busy === 0
    await expectEventually(stage, 'the thread of `alone` to be free', isFree, reason)
    await expectNoTimer(
      'A thread that has answered is freed by #free(), which clears the timer, whether or not another job waits.',
      '#onAnswer()',
    )
  })
}

/** A thread may crash while it has its grace. */
export async function expectCrashInGrace(stage: Stage): Promise<void> {
  const { expect } = stage
  const patient = { size: 1, maxQueued: 10, cancelGraceMs: 60_000 }
  await withPool(stage, patient, async ({ play, expectStats }) => {
    const ready = play('ready')
    ready.open()
    await ready.expectResult('ready', { because: 'The thread has started.' })
    const before = await countPendingWakeUps()
    const [lost, next] = [play('lost', 'exit'), play('next')]
    lost.cancel()
    await lost.expectRejection(/AbortError/, { because: 'Its caller is told at once.' })
    lost.open()
    next.open()
    await next.expectResult('next', {
      because:
        'The thread of `lost` has ended by itself, long before its grace of a minute was over.',
      likely:
        'A thread that has ended is replaced at once, even when its answer is no longer wanted.',
      look: '#onExit()',
    })
    expect('no timer to be left', (await countPendingWakeUps()) <= before, {
      because:
        'The timer of its grace would fire for a thread that is gone, and start one thread too many.',
      likely: '#replace() clears it, so you need not forget and start threads yourself.',
      look: '#onExit()',
    })
    expectStats(
      { threads: 1, crashed: 1 },
      {
        because: 'The thread has ended by itself. That its job was taken back changes nothing.',
        likely: 'Count every thread that #threads still knows.',
        look: '#onExit()',
      },
    )
  })
}
