/** close() of a pool of chapter 06 whose threads have crashed or work at jobs that were taken back. */

import { setImmediate as turn } from 'node:timers/promises'
import { Deadline, PATIENCE_MS, within } from '../../harness/patience.ts'
import type { Stage } from '../../judge/step.ts'
import { withPool } from './played-pool.ts'

/** A thread that took the place of a crashed one is ended, too. */
export async function expectReplacementEnded(stage: Stage): Promise<void> {
  const { expect, expectSame, story } = stage
  await withPool(stage, { size: 1, maxQueued: 10 }, async ({ pool, play, livingThreads }) => {
    const [crashing, waiting] = [play('crash', 'exit'), play('waiting')]
    story.tell('test', 'calls close()')
    const closed = pool.close()
    crashing.open()
    waiting.open()
    await crashing.expectRejection(/its thread ended/, { because: 'Its thread has ended.' })
    await waiting.expectResult('waiting', {
      because: 'A new thread does this job, although the pool is about to close.',
      likely: 'While the pool closes, a crash is handled as before: #onExit() replaces the thread.',
      look: ['worker-pool.#onExit()', 'worker-pool.close()'],
    })
    expect('close() to resolve', (await within(PATIENCE_MS, closed)) !== 'too late', {
      because: 'Nothing is left to do.',
      look: 'worker-pool.close()',
    })
    expectSame('the threads that are left', livingThreads(), 0, {
      because: 'The thread that has taken the place of the crashed one belongs to the pool, too.',
      likely: 'Look which threads there are after the last job has ended, not earlier.',
      look: 'worker-pool.close()',
    })
  })
}

/** The last job may crash. */
export async function expectLastCrashAwaited(stage: Stage): Promise<void> {
  const { expect, expectSame, story } = stage
  await withPool(stage, { size: 1, maxQueued: 10 }, async ({ pool, play, livingThreads }) => {
    const last = play('last', 'exit')
    story.tell('test', 'calls close()')
    const closed = pool.close()
    last.open()
    await last.expectRejection(/its thread ended/, { because: 'Its thread has ended.' })
    expect('close() to resolve', (await within(PATIENCE_MS, closed)) !== 'too late', {
      because: 'The last job has ended, though by a crash: nothing is left to do.',
      likely:
        '#onExit() leaves the thread to #replace(), which frees a new one. Only #free() calls everything in #onDrained when nothing is left.',
      look: ['worker-pool.#onExit()', 'worker-pool.close()'],
    })
    expectSame('the threads that are left', livingThreads(), 0, {
      because: 'The thread that has taken the place of the crashed one belongs to the pool, too.',
      likely: 'Look which threads there are after the last job has ended, not earlier.',
      look: 'worker-pool.close()',
    })
  })
}

/** A thread that was replaced may take a while to end. */
export async function expectReplacedThreadAwaited(stage: Stage): Promise<void> {
  const { expectSame, story } = stage
  const hasty = { size: 1, maxQueued: 10, cancelGraceMs: 0 }
  await withPool(stage, hasty, async ({ pool, play, livingThreads, holdThreads }) => {
    const ready = play('ready')
    ready.open()
    await ready.expectResult('ready', { because: 'The thread has started.' })
    const lost = play('lost')
    story.tell('thread', 'of "lost" goes into native code: not even terminate() reaches it there')
    const release = holdThreads()
    lost.cancel()
    await lost.expectRejection(/AbortError/, { because: 'Nobody wants it any more.' })
    const next = play('next')
    next.open()
    await next.expectResult('next', { because: 'Another thread has taken its place.' })
    story.tell('test', 'calls close()')
    let left = -1
    const closed = pool.close().then(
      () => {
        left = livingThreads()
      },
      () => {},
    )
    const deadline = new Deadline(PATIENCE_MS)
    while (livingThreads() > 1 && !deadline.isOver) await turn()
    // Whoever waits only for the others hears of their end now.
    for (let turns = 0; turns < 10; turns++) await turn()
    story.tell('thread', 'of "lost" comes out of native code, and ends')
    release()
    await within(PATIENCE_MS, closed)
    expectSame('the threads left when close() resolved', left, 0, {
      because:
        'A thread that was replaced may take a while to end. Until it has, it keeps the process alive.',
      likely:
        left < 0
          ? 'close() did not resolve, although every thread has ended.'
          : '#alive holds every thread that has not ended; #threads has forgotten some of them.',
      look: 'worker-pool.close()',
    })
  })
}

/** A job that waits while the pool closes may be taken back, too. */
export async function expectWaitingJobTakenBack(stage: Stage): Promise<void> {
  const { expect, expectSame, story } = stage
  await withPool(stage, { size: 1, maxQueued: 10 }, async ({ pool, play }) => {
    const [running, waiting] = [play('running'), play('waiting')]
    story.tell('test', 'calls close()')
    const closed = pool.close()
    waiting.cancel()
    await waiting.expectRejection(/AbortError/, {
      because: 'It waits, and nobody wants it any more: its caller is told at once.',
      likely: 'While the pool closes, #cancel() works as before.',
      look: ['worker-pool.#cancel()', 'worker-pool.close()'],
    })
    running.open()
    await running.expectResult('running', { because: 'It runs, and nobody has taken it back.' })
    expect('close() to resolve', (await within(PATIENCE_MS, closed)) !== 'too late', {
      because: 'Nothing is left to do.',
      likely: 'A job that was taken back is no longer in the queue.',
      look: ['worker-pool.#cancel()', 'worker-pool.close()'],
    })
    expectSame('the number of calls to the onStart of `waiting`', waiting.starts, 0, {
      because: 'It was taken back before a thread was free.',
      look: 'worker-pool.#cancel()',
    })
  })
}

/** A job that never ends is taken back, before close() or while it waits: its thread is replaced, and close() goes on. */
export async function expectTakenBackJobLeft(stage: Stage): Promise<void> {
  const { expect, expectSame, story } = stage
  for (const when of ['before', 'behind'] as const) {
    await withPool(stage, { size: 1, maxQueued: 10 }, async ({ pool, play, livingThreads }) => {
      const endless = play('endless')
      if (when === 'before') endless.cancel()
      story.tell('test', 'calls close()')
      const closed = pool.close()
      if (when === 'behind') endless.cancel()
      await endless.expectRejection(/AbortError/, {
        because: 'Nobody wants it any more.',
        likely: 'While the pool closes, #cancel() works as before.',
        look: ['worker-pool.#cancel()', 'worker-pool.close()'],
      })
      const outcome = await within(3 * PATIENCE_MS, closed)
      expect('close() to resolve', outcome !== 'too late', {
        because:
          'The job was taken back. Its thread is replaced after cancelGraceMs, and then nothing runs any more.',
        likely:
          'The timers in #graces must go on while the pool closes: nothing else stops a job that never ends.',
        look: 'worker-pool.close()',
      })
      expectSame('the threads that are left', livingThreads(), 0, {
        because: 'The thread of a job that was taken back belongs to the pool, too.',
        likely: 'Wait for the terminate() of every thread in #alive.',
        look: 'worker-pool.close()',
      })
    })
  }
}
