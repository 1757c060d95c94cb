/** Two jobs of chapter 06 that are alike, even the same object: when one is taken back, the other goes on. */

import { setImmediate as turn } from 'node:timers/promises'
import { PATIENCE_MS, within } from '../../harness/patience.ts'
import type { Stage } from '../../judge/step.ts'
import { type PlayedPool, type TestJob, withPool } from './played-pool.ts'

const then = 'answer'

/** Both wait in the queue. */
export async function expectWaitingTwinLeft(stage: Stage): Promise<void> {
  const patient = { size: 1, maxQueued: 10, cancelGraceMs: 60_000 }
  await withPool(stage, patient, async (played) => {
    const running = played.play('running')
    const twins = runTwins(stage, played, { then, value: 'twin' })
    await expectSecondTakenBack(stage, twins, 'Look for the task in the queue.')
    running.open()
    await expectFirstAnswered(
      stage,
      twins,
      '#cancel() has taken the first of the two out of the queue, so no thread will ever run it. Look for this very task, with indexOf(task), not for its job.',
    )
  })
}

/** Both run, in a thread each. */
export async function expectRunningTwinLeft(stage: Stage): Promise<void> {
  const hasty = { size: 2, maxQueued: 10, cancelGraceMs: 0 }
  await withPool(stage, hasty, async (played) => {
    const gate = new Int32Array(new SharedArrayBuffer(4))
    const twins = runTwins(stage, played, { gate, then, value: 'twin' })
    await expectSecondTakenBack(stage, twins, 'Look for the thread that works on this very task.')
    Atomics.store(gate, 0, 1)
    Atomics.notify(gate, 0)
    await expectFirstAnswered(
      stage,
      twins,
      '#cancel() has replaced the thread of the other one, whose caller is never told. Look for the thread that works on this very task, not on a job like it.',
    )
  })
}

interface Twins {
  /** What became of the two, so far. */
  outcomes: ('waits' | 'answered' | 'rejected')[]
  ends: Promise<unknown>
  second: AbortController
}

function runTwins({ story }: Stage, { pool }: PlayedPool, job: TestJob): Twins {
  const [first, second] = [new AbortController(), new AbortController()]
  story.tell('pool', 'is given the same job twice, each time with its own signal')
  const outcomes: Twins['outcomes'] = ['waits', 'waits']
  const ends = [first, second].map(async ({ signal }, index) => {
    outcomes[index] = await pool.run(job, { signal }).then(
      () => 'answered' as const,
      () => 'rejected' as const,
    )
  })
  return { outcomes, ends: Promise.all(ends), second }
}

async function expectSecondTakenBack(
  { expectSame, story }: Stage,
  { outcomes, second }: Twins,
  likely: string,
): Promise<void> {
  story.tell('test', 'takes back the second of them')
  second.abort()
  await turn()
  expectSame('what became of the two', outcomes, ['waits', 'rejected'], {
    because: 'They are alike, but each has a caller and a signal of its own.',
    likely: `${likely} Two tasks may have the same job.`,
    look: '#cancel()',
  })
}

async function expectFirstAnswered(
  { expectSame }: Stage,
  { outcomes, ends }: Twins,
  ifItWaits: string,
): Promise<void> {
  await within(PATIENCE_MS, ends)
  expectSame('what became of the two in the end', outcomes, ['answered', 'rejected'], {
    because: 'Nobody has taken the first one back.',
    likely: outcomes[0] === 'waits' ? ifItWaits : undefined,
    look: '#cancel()',
  })
}
