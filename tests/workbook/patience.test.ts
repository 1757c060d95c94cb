/** A deadline does not run while there is no core to run on, nor while a disk is waited for. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { expect, onTestFinished, test } from 'vitest'
import { CoreWait, diskWaitMs, tellsCoreWait, waitsForDisk } from '../harness/core-wait.ts'
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
  expect(deadline.leftMs).toBeLessThan(LENGTH_MS * 20)
  // It ends all the same.
  for (const end = performance.now() + 60_000; !deadline.isOver && performance.now() < end; )
    spin(50)
  expect(deadline.isOver).toBe(true)
})

test('what Linux tells about waits for a disk is read as milliseconds, and nothing where it tells nothing', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pressure-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'io')
  writeFileSync(
    file,
    'some avg10=6.89 avg60=12.62 avg300=12.16 total=1661053499\nfull avg10=0.39 avg60=2.40 avg300=3.03 total=663390594\n',
  )
  expect(diskWaitMs(file)).toBe(1_661_053.499)
  expect(diskWaitMs(join(folder, 'none'))).toBe(0)
})

test('a process waits for a disk while one of its threads does, whatever its name', () => {
  const proc = mkdtempSync(join(tmpdir(), 'proc-'))
  onTestFinished(() => rmSync(proc, { recursive: true }))
  const becomes = (thread: number, state: string) => {
    const folder = join(proc, '7', 'task', String(thread))
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'stat'), `${thread} (a (D) D) ${state} 1 7 7 0 -1 4194304 0`)
  }
  expect(waitsForDisk(7, proc)).toBe(false)
  becomes(7, 'S')
  becomes(8, 'R')
  expect(waitsForDisk(7, proc)).toBe(false)
  becomes(8, 'D')
  expect(waitsForDisk(7, proc)).toBe(true)
})

/** Computes for so long by the clock. */
function spin(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end; );
}
