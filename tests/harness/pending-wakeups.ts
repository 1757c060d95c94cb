/**
 * Whether code that should sleep has left itself something to wake up by: a timer, or a turn of Node's loop.
 *
 * Polling is right answers at the price of a core, so no answer shows it. What is pending in this thread does.
 */

const WAKE_UPS = new Set(['Timeout', 'Immediate'])

/** So many turns are looked at: what comes and goes meanwhile is no poll. */
const LOOKS = 5

/** The fewest timers and immediates that were pending in any of a few turns. */
export async function countPendingWakeUps(): Promise<number> {
  let fewest = Number.POSITIVE_INFINITY
  for (let look = 0; look < LOOKS; look++) {
    await new Promise((resolve) => setImmediate(resolve))
    const pending = process.getActiveResourcesInfo().filter((type) => WAKE_UPS.has(type))
    fewest = Math.min(fewest, pending.length)
  }
  return fewest
}
