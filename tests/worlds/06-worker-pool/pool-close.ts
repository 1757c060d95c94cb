/** close() of a pool of chapter 06, called early, late and several times. */

import { getEventListeners } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { PATIENCE_MS, within } from '../../harness/patience.ts'
import { countPendingWakeUps } from '../../harness/pending-wakeups.ts'
import type { Stage } from '../../judge/step.ts'
import { timersSetDuring } from '../set-timers.ts'
import { withPool } from './played-pool.ts'

const LATE_CALL = 'a call after the last job has ended'

/** What was accepted is done, and every call of close() waits for it and for the threads. */
export async function expectAcceptedJobsDone(stage: Stage): Promise<void> {
  const { expect, expectSame, story } = stage
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
      because: 'A pool that is closing takes no new jobs.',
      likely:
        'close() must record that before it waits for anything, and run() must check it first.',
      look: ['worker-pool.run()', 'worker-pool.close()'],
    })
    expect('close() to wait without polling', (await countPendingWakeUps()) <= before, {
      because: 'The last job may take an hour. close() is told when it has ended.',
      likely: '#free() calls everything in #onDrained, so no timer and no loop is needed.',
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
      because: 'A job that was accepted must be done, and one such job still waits.',
      likely: 'Every call of close() waits until the last job has ended, even the second one.',
      look: 'worker-pool.close()',
    })
    waiting.open()
    await waiting.expectResult('waiting', {
      because: 'A job that waits is done, too.',
      likely:
        'Threads were ended, or the queue was emptied, too early: wait until the last job has ended.',
      ifRejected: 'An accepted job is neither refused nor forgotten afterwards.',
      look: 'worker-pool.close()',
    })
    // The last job has ended, and the thread is about to.
    calls.push(close(LATE_CALL))
    for (const [index, call] of calls.entries()) {
      const outcome = await within(PATIENCE_MS, call)
      const isNoneTold = resolved.length === 0 || resolved.join() === LATE_CALL
      const ifItWaits = isNoneTold
        ? 'Neither call was told that the last job has ended. #free() tells them by calling everything in #onDrained: close() puts its resolve there, and #onAnswer() frees its thread with #free(), whether or not another job waits.'
        : '#free() calls everything in #onDrained, once. Each call of close() puts its own resolve there.'
      const ifItHangs =
        index < 2
          ? ifItWaits
          : 'The last job ends only once, so wait for that only while a thread is busy.'
      expect('every call of close() to resolve', outcome === 'resolves', {
        because: 'Nothing is left to do.',
        likely:
          outcome === 'too late'
            ? ifItHangs
            : 'A further call is not an error: it waits like the first one.',
        received:
          outcome === 'too late' ? `resolved so far: ${resolved.join(', ') || 'none'}` : outcome,
        look:
          index < 2 && isNoneTold
            ? ['worker-pool.close()', 'worker-pool.#onAnswer()']
            : 'worker-pool.close()',
      })
    }
    expectSame('the threads left as each call of close() resolved', livingAt, [0, 0, 0], {
      because: 'A closed pool has no threads: one that is left keeps the process alive.',
      likely:
        'Every call, even a late one, waits until each thread in #alive has ended. terminate() returns a promise that resolves then.',
      look: 'worker-pool.close()',
    })
    const again = await within(PATIENCE_MS, pool.close())
    expect('close() of a closed pool to resolve', again !== 'too late', {
      because: 'There is still nothing to do.',
      likely:
        'The last job ends only once, so wait for that only while a thread is busy. And Promise.race() of no promises waits forever.',
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
        because: 'The pool has no threads left, and a thread that close() ends has not crashed.',
        likely:
          pool.stats().crashed === 0
            ? 'run() has started a thread for a job that it refuses: look at #isClosing before you ask for a free thread.'
            : 'Forget the threads before you terminate them.',
        look: ['worker-pool.close()', 'worker-pool.run()'],
      },
    )
    expectStats(
      { rejected: 0 },
      {
        because:
          '`rejected` counts jobs that were refused because the queue was full, and it never was.',
        likely: 'Reject with PoolClosed and count nothing: #refuse() is for a full queue.',
        look: 'worker-pool.run()',
      },
    )
  })
}

/** The queue may be empty while a job still runs, and may run for an hour. */
export async function expectRunningJobAwaited(stage: Stage): Promise<void> {
  const { expect, expectSame, story } = stage
  await withPool(stage, { size: 2, maxQueued: 10 }, async (played) => {
    const { pool, play, endOfThreads, expectStats } = played
    const last = play('last')
    // Node tells of a new thread one turn later.
    await turn()
    story.tell('test', 'calls close(), with nothing in the queue')
    let closed: Promise<void> | undefined
    const timersSet = await timersSetDuring(async () => {
      closed = pool.close()
      await turn()
    })
    await within(PATIENCE_MS, endOfThreads())
    last.open()
    await last.expectResult('last', {
      because: 'The queue is empty, but one job still runs.',
      likely: 'Wait as long as any thread is busy, even if the queue is empty.',
      look: 'worker-pool.close()',
    })
    await closed
    expectStats(
      { threads: 0, crashed: 0 },
      {
        because: 'One thread never had anything to do. It has not crashed, either.',
        likely: 'Forget a thread before you terminate it, whenever that is.',
        look: 'worker-pool.close()',
      },
    )
    expect('close() to have set no timer', timersSet === 0, {
      because:
        'The last job may take an hour, and close() waits for it. Only the caller of a job gives it up.',
      likely:
        '#free() calls everything in #onDrained. Wait for that alone: no timer looks again, or ends the wait after a while.',
      look: 'worker-pool.close()',
    })
    const late = new AbortController()
    await play('too late', 'answer', late).expectRejection(/PoolClosed/, {
      because: 'A pool that was closed takes no jobs.',
    })
    await turn()
    const listening = getEventListeners(late.signal, 'abort').length
    expectSame('the number of listeners on the signal of "too late"', listening, 0, {
      because: 'A signal may live much longer than the pool, and must not remember the job.',
      likely:
        'Look at #isClosing before you listen to the signal, or remove the listener in this case as well.',
      look: 'worker-pool.run()',
    })
  })
}

/** A pool that has nothing to do closes at once. */
export async function expectIdlePoolClosed(stage: Stage): Promise<void> {
  const { expect, expectSame, story } = stage
  await withPool(stage, { size: 2, maxQueued: 10 }, async ({ pool, livingThreads }) => {
    // Node tells of a new thread one turn later.
    await turn()
    story.tell('test', 'calls close() of a pool that has nothing to do')
    const outcome = await within(PATIENCE_MS, pool.close())
    expect('close() to resolve', outcome !== 'too late', {
      because: 'There is nothing to wait for.',
      likely:
        'No job is running, so waiting for the last one to end would take forever. Wait only when a thread is busy.',
      look: 'worker-pool.close()',
    })
    expectSame('the threads that are left', livingThreads(), 0, {
      because: 'A closed pool has no threads, even when there was nothing to wait for.',
      likely: 'Wait for the terminate() of every thread in #alive.',
      look: 'worker-pool.close()',
    })
  })
}
