/** Pools of chapter 06 with more jobs than may wait: the last one is refused, and nobody else. */

import { setImmediate as turn } from 'node:timers/promises'
import type { Stage } from '../../judge/step.ts'
import { withPool } from './played-pool.ts'

/** Two run, two wait, and the fifth is refused; a queue that has emptied takes jobs again. */
export async function expectFullQueueRefusing(stage: Stage): Promise<void> {
  await withPool(stage, { size: 2, maxQueued: 2 }, async ({ pool, play, expectStats }) => {
    // A queue that has been full is as good as new, so all of this holds twice.
    for (const round of [1, 2]) {
      const names = [`waiting ${round}a`, `waiting ${round}b`]
      const running = [play(`running ${round}a`), play(`running ${round}b`)]
      const waiting = names.map((name) => play(name))
      const tooMany = play(`one too many ${round}`)
      await turn()
      const isRefused = pool.stats().rejected === round
      await tooMany.expectRejection(/PoolBusy/, {
        because:
          'An unlimited queue only hides that there is too much to do, until memory runs out.',
        likely: 'When no thread is free and maxQueued jobs already wait, call #refuse(task).',
        ifNothing: ({ rejected }) =>
          rejected === round
            ? 'Another job was refused in its place. Refuse the job that has just arrived.'
            : 'When no thread is free and maxQueued jobs already wait, call #refuse(task).',
        ifRejected: 'Reject with PoolBusy, as #refuse() does, so that callers can tell why.',
        look: ['run()', '#refuse()'],
      })
      expectStats(
        { queued: 2, rejected: round },
        {
          because: `Two jobs may wait, and ${round === 1 ? 'one was' : 'two were'} refused so far.`,
          likely:
            pool.stats().queued > 2
              ? 'A job that was refused must not be queued as well.'
              : pool.stats().rejected > round
                ? '#refuse() counts the job: do not count it once more.'
                : 'A job is refused only when maxQueued others wait already. #refuse() rejects it and counts it.',
          look: 'run()',
        },
      )
      stage.expect('the extra job to be refused at once', isRefused, {
        because: 'There is nothing to wait for: its caller can ask elsewhere, or try again later.',
        likely: 'Call #refuse() in run() itself. A timer delays the bad news, and nothing else.',
        look: 'run()',
      })
      for (const job of [...running, ...waiting]) job.open()
      for (const job of [...running, ...waiting]) {
        await job.expectResult(job.name, {
          because: 'Jobs that were accepted are done, even if others are refused meanwhile.',
        })
      }
    }
  })
}

/** With no place at all a job gets a free thread or is refused. */
export async function expectNoPlaceRefusing(stage: Stage): Promise<void> {
  await withPool(stage, { size: 1, maxQueued: 0 }, async ({ play }) => {
    for (const round of [1, 2]) {
      const served = play(`served ${round}`)
      await play(`refused ${round}`).expectRejection(/PoolBusy/, {
        because: 'The one thread is busy, and no job may wait.',
        likely: 'With maxQueued: 0 the queue is always full: a job gets a free thread or nothing.',
        look: 'run()',
      })
      served.open()
      await served.expectResult(served.name, {
        because: 'No job may wait in this pool, but its thread was free.',
        likely: 'Look for a free thread first. Only a job that has to wait needs a place.',
        look: 'run()',
      })
    }
  })
}
