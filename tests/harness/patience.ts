/**
 * Deadlines. Each one is a statement about *silence*: so long without any progress, and we ask what is wrong.
 *
 * `WORKBOOK_PATIENCE=3` makes all of them three times as long, for machines that are slow or busy.
 */

const FACTOR = Number(process.env.WORKBOOK_PATIENCE) || 1

/** A learner's server gets this long to show a sign of life before it is diagnosed. */
export const PATIENCE_MS = patience(1_500)

export function patience(ms: number): number {
  return ms * FACTOR
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
