/** A deadline does not run while there is no core to run on. */

import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { expect, onTestFinished, test } from 'vitest'
import { CoreWait, tellsCoreWait } from '../harness/core-wait.ts'
import { Deadline, within } from '../harness/patience.ts'

const LENGTH_MS = 200

/** So many for each core take all but a small share of it. */
const SPINNERS = 4

test('without others, a deadline is as long as it says', async () => {
  const startedAt = performance.now()
  expect(await within(LENGTH_MS, new Promise(() => {}))).toBe('too late')
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(LENGTH_MS - 1)
})

test.skipIf(!tellsCoreWait())('time without a core does not count (Linux)', async () => {
  const spinners = Array.from(
    { length: SPINNERS * availableParallelism() },
    () => new Worker('for (;;);', { eval: true }),
  )
  onTestFinished(async () => void (await Promise.all(spinners.map((one) => one.terminate()))))
  await Promise.all(spinners.map((one) => new Promise((resolve) => one.once('online', resolve))))

  // A thread that has slept gets a core at once; from then on it takes its turn.
  const first = new CoreWait(process.pid)
  while (first.longestMs < LENGTH_MS) spin(10)

  const [deadline, others] = [new Deadline(LENGTH_MS), new CoreWait(process.pid)]
  spin(LENGTH_MS)
  expect(others.longestMs).toBeGreaterThan(0)
  expect(deadline.isOver).toBe(false)
  expect(deadline.leftMs).toBeLessThan(LENGTH_MS * 16)
  // It ends all the same.
  for (const end = performance.now() + 60_000; !deadline.isOver && performance.now() < end; )
    spin(50)
  expect(deadline.isOver).toBe(true)
})

/** Computes for so long by the clock. */
function spin(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end; );
}
