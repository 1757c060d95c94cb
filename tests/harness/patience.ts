/**
 * Deadlines. Each one is a statement about *silence*: so long without any progress, and we ask what is wrong.
 *
 * Time in which a process was ready to run and had no core does not count, nor does time in which a disk was waited for: a
 * process that starts reads hundreds of files. Where the system does not tell (`core-wait.ts`), all deadlines grow with the
 * number of processes that wait for each core, beyond four, as it counts them over the last minute (on Windows it does not).
 * `WORKBOOK_PATIENCE=3` makes all of them three times as long besides.
 */

import { availableParallelism, loadavg } from 'node:os'
import { CoreWait, coreWaitMs, diskWaitMs, tellsCoreWait } from './core-wait.ts'

// Taken before a test can put its own in their place.
const { setTimeout, clearTimeout } = globalThis
const now = performance.now.bind(performance)

const FACTOR = Number(process.env.WORKBOOK_PATIENCE) || 1

/** So many processes to a core do no harm yet. */
const QUEUE = 4

const MAX_BUSY_FACTOR = 10

/** A learner's server gets this long to show a sign of life before it is diagnosed. */
export const PATIENCE_MS = patience(1_500)

/** The length of a deadline, or of a look, on this machine. */
export function patience(ms: number): number {
  return ms * FACTOR * (tellsCoreWait() ? 1 : busyFactor())
}

/** As long as that takes on a machine as busy as this one has been. */
export function whenBusy(ms: number): number {
  return ms * FACTOR * busyFactor()
}

function busyFactor(): number {
  return Math.min(Math.max(1, loadavg()[0] / availableParallelism() / QUEUE), MAX_BUSY_FACTOR)
}

/** At most so many times its length is a deadline put off because there was no core … */
const MAX_PUT_OFF = 16

/** … and because of a disk, which somebody else may keep busy for hours. */
const MAX_PUT_OFF_BY_DISK = 4

/**
 * A moment after which there is no more hope. It is put off by the time in which the main thread of this process, or any
 * thread of the others that are waited for, was ready to run and had no core, and by that in which anybody waited for a disk.
 */
export class Deadline {
  readonly #ms: number
  readonly #startedAt = now()
  readonly #waitedBefore = coreWaitMs('self')
  readonly #diskBefore = diskWaitMs()
  readonly #others: CoreWait[]

  constructor(ms: number, ...pids: number[]) {
    this.#ms = ms
    this.#others = pids.map((pid) => new CoreWait(pid))
  }

  get isOver(): boolean {
    return this.leftMs <= 0
  }

  get leftMs(): number {
    const left = this.#ms - (now() - this.#startedAt)
    // Only when time is up: it takes a few system calls to find out.
    return left > 0 ? left : left + this.#putOffMs()
  }

  #putOffMs(): number {
    const waits = this.#others.map(({ longestMs }) => longestMs)
    const core = coreWaitMs('self') - this.#waitedBefore + Math.max(0, ...waits)
    const disk = diskWaitMs() - this.#diskBefore
    return Math.min(core, MAX_PUT_OFF * this.#ms) + Math.min(disk, MAX_PUT_OFF_BY_DISK * this.#ms)
  }
}

/** Most things come within a millisecond, and it takes system calls to begin a `Deadline`. */
const UNMEASURED_MS = 5

/** The promise's outcome, or `'too late'` after `ms`, counted as a `Deadline` does. The promise itself goes on. */
export async function within<T>(
  ms: number,
  promise: Promise<T>,
  ...pids: number[]
): Promise<T | 'too late'> {
  const { promise: tooLate, resolve } = Promise.withResolvers<'too late'>()
  const unmeasuredMs = Math.min(ms, UNMEASURED_MS)
  let deadline: Deadline | undefined
  const look = (): void => {
    deadline ??= new Deadline(ms - unmeasuredMs, ...pids)
    if (deadline.isOver) resolve('too late')
    else timer = setTimeout(look, Math.max(1, deadline.leftMs))
  }
  let timer = setTimeout(look, unmeasuredMs)
  try {
    return await Promise.race([promise, tooLate])
  } finally {
    clearTimeout(timer)
  }
}
