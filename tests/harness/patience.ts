/**
 * Deadlines. Each one is a statement about *silence*: so long without any progress, and we ask what is wrong.
 *
 * They grow when the machine is far too busy: with the number of processes that wait for each core, beyond four, as the
 * system counts them over the last minute (on Windows it does not). `WORKBOOK_PATIENCE=3` makes all of them three times
 * as long instead.
 */

import { availableParallelism, loadavg } from 'node:os'

const FACTOR = Number(process.env.WORKBOOK_PATIENCE) || undefined

/** So many processes to a core do no harm yet. */
const QUEUE = 4

const MAX_FACTOR = 4

/** A learner's server gets this long to show a sign of life before it is diagnosed. */
export const PATIENCE_MS = patience(1_500)

/** That time on a machine as busy as this one is now. */
export function patience(ms: number): number {
  const busy = loadavg()[0] / availableParallelism() / QUEUE
  return ms * (FACTOR ?? Math.min(Math.max(1, busy), MAX_FACTOR))
}

/** The promise's outcome, or `'too late'` after `ms`. The promise itself goes on. */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T | 'too late'> {
  const { promise: deadline, resolve } = Promise.withResolvers<'too late'>()
  const timer = setTimeout(resolve, ms, 'too late' as const)
  try {
    return await Promise.race([promise, deadline])
  } finally {
    clearTimeout(timer)
  }
}
