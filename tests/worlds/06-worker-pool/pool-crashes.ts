/** Threads of chapter 06 that end when no job is lost with them, or before they have begun with one. */

import type { Stage } from '../../judge/step.ts'
import { expectEventually, withPool } from './played-pool.ts'

const BROKEN_SCRIPT = new URL('../../chapters/threads/06-cannot-load.ts', import.meta.url)

/** Each of four crashes costs one job and no thread. */
export async function expectCrashesReplaced(stage: Stage): Promise<void> {
  await withPool(stage, { size: 2, maxQueued: 10 }, async ({ pool, play, expectStats }) => {
    const steady = play('steady')
    for (let crash = 1; crash <= 3; crash++) {
      const [crashing, next] = [play(`crash ${crash}`, 'exit'), play(`next ${crash}`)]
      crashing.open()
      next.open()
      await crashing.expectRejection(/its thread ended in the middle of it/, {
        because: 'Its thread is gone, and no other thread will ever answer.',
        likely:
          'Reject the task of the thread that has ended; `crash` says why. Look it up before #replace(), which forgets the thread.',
        look: '#onExit()',
      })
      await next.expectResult(`next ${crash}`, {
        because: 'The queue goes on with a new thread.',
        likely: 'The new thread must take the next job: #replace() starts it and gives it the job.',
        ifRejected: 'Only the job of the thread that has ended is lost; this one was waiting.',
        look: '#onExit()',
      })
    }
    expectStats(
      { threads: 2, crashed: 3 },
      {
        because: 'Three threads have crashed, and there are still two.',
        likely: 'Count each crash once, and replace each crashed thread once.',
        look: '#onExit()',
      },
    )
    const last = play('crash 4', 'exit')
    last.open()
    await last.expectRejection(/its thread ended in the middle of it/, {
      because: 'Its thread is gone, and no other thread will ever answer.',
    })
    const isStillBusy = pool.stats().busy === 2
    expectStats(
      { threads: 2, busy: 1, queued: 0 },
      {
        because: 'Its thread was replaced, although no job waits for the new one yet.',
        likely: isStillBusy
          ? 'The thread that is gone still counts as busy. #replace() puts another in its place at once; #replaceSoon() waits for a thread that may still answer.'
          : 'A thread that ends with a job is replaced, whether or not the queue is empty.',
        look: '#onExit()',
      },
    )
    steady.open()
    await steady.expectResult('steady', {
      because: 'The other thread has nothing to do with these crashes.',
      likely: 'Replace only the thread that has ended, and reject only its task.',
    })
  })
}

/** A thread that ends without a job is forgotten; the next job gets a new one. */
export async function expectThreadForgotten(stage: Stage): Promise<void> {
  await withPool(stage, { size: 1, maxQueued: 10 }, async ({ pool, play, expectStats }) => {
    const farewell = play('farewell', 'answer and exit')
    farewell.open()
    await farewell.expectResult('farewell', { because: 'Its thread answers before it ends.' })
    await expectEventually(stage, 'no thread to be left', () => pool.stats().threads === 0, {
      because: 'A thread that ends without a job is not replaced until a job needs one.',
      likely: 'Without a task there is no caller to tell: delete the thread from #threads.',
      look: '#onExit()',
    })
    expectStats(
      { crashed: 1 },
      {
        because: 'The thread has ended by itself, though no job was lost with it.',
        likely: 'Count every thread that ends by itself, with a job or without.',
        look: '#onExit()',
      },
    )
    const after = play('after')
    after.open()
    await after.expectResult('after', {
      because: 'A thread that has ended is forgotten, so a new one is started for this job.',
      likely: '#freeThread() starts a thread when there are too few in #threads.',
      look: '#onExit()',
    })
  })
}

/** A script that cannot load costs each job an error, and is not started over and over. */
export async function expectBrokenScriptTold(stage: Stage): Promise<void> {
  const hopeless = { size: 1, maxQueued: 10, script: BROKEN_SCRIPT }
  await withPool(stage, hopeless, async ({ pool, play }) => {
    for (const name of ['hopeless 1', 'hopeless 2']) {
      await play(name).expectRejection(/^TypeError: this script cannot load/, {
        because:
          'A thread that cannot load its script ends as well, and the caller of its job wants to know why.',
        likely: 'Reject with `crash`, which says why.',
        ifRejected: 'Reject with `crash` itself: it says why.',
        look: '#onExit()',
      })
    }
    await expectEventually(stage, 'no thread to be left', () => pool.stats().threads === 0, {
      because:
        'A thread that ends without a job is not replaced: otherwise a script that cannot load would be started forever.',
      likely:
        'Without a task there is no caller to tell, and no hurry to start another thread: forget this one.',
      look: '#onExit()',
    })
  })
}

/** The job that has waited longest may be one that no thread can get. */
export async function expectQueueToGoOn(stage: Stage): Promise<void> {
  await withPool(stage, { size: 1, maxQueued: 10 }, async ({ play, playUnsendable }) => {
    const crashing = play('crash', 'exit')
    const unsendable = playUnsendable('a function')
    const after = play('after')
    crashing.open()
    after.open()
    await crashing.expectRejection(/its thread ended/, { because: 'Its thread has ended.' })
    await unsendable.expectRejection(/DataCloneError/, {
      because: 'It is next, and cannot be sent to the new thread.',
      look: '#onExit()',
    })
    await after.expectResult('after', {
      because: 'The new thread did not get that job, so it takes the one after it.',
      likely:
        'The new thread has tried one job and stands idle. #replace() gives it the next job that can be sent, so you need not start one yourself.',
      look: '#onExit()',
    })
  })
}
