/**
 * Waiting for something that a server should bring about, no longer than there is hope.
 *
 * Hope ends with patience, or much sooner: a server that answers, uses no CPU, and has no thread, request or timer
 * that could wake it in time will not do anything more until somebody speaks to it.
 */

import { waitsForDisk } from './core-wait.ts'
import type { Activity } from './host-process.ts'
import { Deadline, PATIENCE_MS, patience, within } from './patience.ts'
import type { WatchedProcess } from './watched-process.ts'

/** So long we simply wait; most things come within a millisecond. */
const FIRST_LOOK_MS = patience(80)

/** Between two looks; a server that is idle in both was idle between them. */
const NEXT_LOOK_MS = patience(60)

/** Idle so many times in a row: what a busy machine has on its way to a server may take longer than one look. */
const IDLE_PAUSES = 2

/** What answering our looks uses. */
const IDLE_CPU_MS = 4

/** A timer may fire so long after the deadline and still be waited for. */
const GRACE_MS = patience(300)

/** A server that computes gets so much CPU time before hope ends, however many others want the same cores … */
const SHARE_CPU_MS = 1_500

/**
 * … within so many looks, and as long as it is not idle in so many of them, one after the other. A disk that is waited for, and
 * a watchdog that does not get to answer, are no idleness.
 */
const LOOKS_FOR_SHARE = 80
const IDLE_LOOKS = 3

/** The promise's value, or `'too late'` when there is no hope left. Rejections pass through. */
export async function expecting<T>(
  process: WatchedProcess,
  promise: Promise<T>,
): Promise<T | 'too late'> {
  let before: Activity | undefined
  let outcome = await within(FIRST_LOOK_MS, promise)
  if (outcome !== 'too late') return outcome
  const deadline = new Deadline(PATIENCE_MS, process.pid)
  const cpuMsAtFirst = await cpuMsOf(process)
  let idlePauses = 0
  while (outcome === 'too late' && !deadline.isOver) {
    const now = await activityOf(process)
    const timeLeft = deadline.leftMs + GRACE_MS
    const wasIdle =
      isIdle(before, timeLeft) && isIdle(now, timeLeft) && now.cpuMs - before.cpuMs < IDLE_CPU_MS
    idlePauses = wasIdle ? idlePauses + 1 : 0
    // What the server did last may still be on its way to us: one more turn of our own loop.
    outcome = await within(idlePauses < IDLE_PAUSES ? NEXT_LOOK_MS : 1, promise)
    if (idlePauses === IDLE_PAUSES) return outcome
    before = now
  }
  return outcome === 'too late' ? giveItsShare(process, promise, cpuMsAtFirst) : outcome
}

/** Nothing wakes it before time is up. */
function isIdle(activity: Activity | undefined, timeLeft: number): activity is Activity {
  return activity !== undefined && activity.pending === 0 && activity.timerMs > timeLeft
}

/**
 * The deadline is over. On a busy machine that may have been next to nothing for a process that computes or reads files: it
 * gets its share, as long as it uses it.
 */
async function giveItsShare<T>(
  process: WatchedProcess,
  promise: Promise<T>,
  cpuMsAtFirst: number,
): Promise<T | 'too late'> {
  let outcome: T | 'too late' = 'too late'
  let used = await cpuMsOf(process)
  let idle = 0
  for (let looks = 0; looks < LOOKS_FOR_SHARE && idle < IDLE_LOOKS; looks++) {
    if (used - cpuMsAtFirst > SHARE_CPU_MS) break
    outcome = await within(NEXT_LOOK_MS, promise)
    if (outcome !== 'too late') break
    const before = used
    used = await cpuMsOf(process)
    idle = used - before <= IDLE_CPU_MS && !waitsForDisk(process.pid) ? idle + 1 : 0
  }
  return outcome
}

/** `NaN` when its watchdog does not answer. */
async function cpuMsOf(process: WatchedProcess): Promise<number> {
  const usage = process.usage().catch(() => undefined)
  const answer = await within(NEXT_LOOK_MS * 2, usage)
  return answer === 'too late' || !answer ? Number.NaN : answer.cpuMs
}

/** `undefined` when the process does not answer, for whatever reason. */
async function activityOf(process: WatchedProcess): Promise<Activity | undefined> {
  const answer = process.request('activity').catch(() => undefined)
  const activity = await within(NEXT_LOOK_MS * 2, answer)
  return activity === 'too late' ? undefined : (activity as Activity | undefined)
}
