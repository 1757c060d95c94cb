/** Threads of chapter 06 that end when no job is lost with them, or before they have begun with one. */

import type { Stage } from '../../judge/step.ts'
import { expectEventually, withPool } from './played-pool.ts'

const BROKEN_SCRIPT = new URL('../../chapters/threads/06-cannot-load.ts', import.meta.url)

/** A thread that ends without a job is forgotten; the next job gets a new one. */
export async function expectThreadForgotten(stage: Stage): Promise<void> {
  await withPool(stage, { size: 1, maxQueued: 10 }, async ({ pool, play, expectStats }) => {
    const farewell = play('farewell', 'answer and exit')
    farewell.open()
    await farewell.expectResult('farewell', { because: 'Its thread answers before it ends.' })
    await expectEventually(stage, 'no thread to be left', () => pool.stats().threads === 0, {
      because: 'A thread that ends without a job is not replaced until a job needs one.',
      likely: 'Without a task there is nobody to tell: delete the thread from #threads.',
      look: '#onExit()',
    })
    expectStats(
      { crashed: 1 },
      {
        because: 'It has ended by itself, though no job was lost with it.',
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
}
