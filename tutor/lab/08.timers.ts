import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { CodeTree } from '../../tests/harness/code-tree.ts'
import { seededRandom } from '../../tests/harness/random.ts'
import type { Measurement, Row } from './measurement.ts'
import { SortedTimers } from './sorted-timers.ts'

const SIZES = [1_000, 10_000, 100_000]

/** Small sizes are played this many times over, or the clock would measure itself. */
const TIMERS_IN_ALL = 100_000

const ROUNDS = 4

/** What has cost so much is not measured again. */
const ENOUGH_US = 500_000

/** What both kinds can do. */
interface Timers {
  after(delayMs: number, callback: () => void): unknown
  cancel(timer: never): void
  runDue(): void
}

type Kind = new (clock: { now(): number }) => Timers

export const measurement: Measurement = {
  asks: 'times as much that a timer costs among 100,000 as among 1,000, in your queue',
  how: 'So many timers are armed with delays at random, every second one is cancelled, at random again, and the others fire, one after the other. All of that costs CPU time, the best of up to four rounds, divided by the number of timers; what the timers wait for is virtual time. The array is kept in order with a binary search and splice().',
  async run(tree, say) {
    const rows: Row[] = []
    const costs: number[] = []
    const queue = await queueOf(tree)
    for (const size of SIZES) {
      say(`${size.toLocaleString('en')} timers`)
      // What is said is shown before the thread is busy.
      await new Promise((resolve) => setImmediate(resolve))
      const heap = costUs(queue, size)
      const sorted = costUs(SortedTimers, size)
      const among = `among ${size.toLocaleString('en')}`
      rows.push({ label: `${tree.label}: a timer ${among}`, value: heap, unit: 'µs' })
      rows.push({ label: `sorted array: a timer ${among}`, value: sorted, unit: 'µs' })
      costs.push(heap)
    }
    const growth = costs.at(-1)! / costs[0]
    return { answer: { value: Number(growth.toFixed(1)), unit: 'times' }, rows }
  },
}

async function queueOf(tree: CodeTree): Promise<Kind> {
  const file = join(tree.root, '08-timers', 'timer-queue.ts')
  return ((await import(pathToFileURL(file).href)) as { TimerQueue: Kind }).TimerQueue
}

/** Microseconds of CPU time for each timer, the best of so many rounds. */
function costUs(kind: Kind, size: number): number {
  let best = Number.POSITIVE_INFINITY
  let all = 0
  for (let round = 0; round < ROUNDS && all < ENOUGH_US; round++) {
    const before = process.cpuUsage()
    for (let played = 0; played < TIMERS_IN_ALL; played += size) play(kind, size)
    const { user, system } = process.cpuUsage(before)
    best = Math.min(best, user + system)
    all += user + system
  }
  return Number((best / TIMERS_IN_ALL).toFixed(2))
}

function play(kind: Kind, size: number): void {
  const random = seededRandom(size, 'timers')
  let nowMs = 0
  let fired = 0
  const timers = new kind({ now: () => nowMs })
  const armed = Array.from({ length: size }, () => timers.after(random() * size, () => fired++))
  for (let index = 0; index < size; index += 2) timers.cancel(armed[index] as never)
  while (fired < size / 2) {
    nowMs += 1
    timers.runDue()
  }
}
