/**
 * When the next timer of this thread fires, whether or not it holds the process.
 *
 * `process.getActiveResourcesInfo()` leaves out timers that hold nothing: `socket.setTimeout()`, `AbortSignal.timeout()`
 * and all that are unref'd. Node keeps every timer in one queue, which only its own modules can read;
 * `--expose-internals` lets us read it, too.
 */

import { createRequire } from 'node:module'

interface TimerQueue {
  /** Timers of one duration; `expiry` is in the event loop's own time, never later than the first of them fires. */
  peek(): { expiry: number } | undefined
}

const queue = findQueue()

/** Infinity when no timer is set; 0, "at any moment", where Node does not let us look. */
export function msToNextTimer(): number {
  if (!queue) return 0
  const next = queue.peek()
  return next ? Math.max(0, next.expiry - loopNow()) : Number.POSITIVE_INFINITY
}

function findQueue(): TimerQueue | undefined {
  try {
    return createRequire(import.meta.url)('internal/timers').timerListQueue
  } catch {
    return undefined
  }
}

/** The event loop's time: a timer notes when it was set. */
function loopNow(): number {
  const timer = setTimeout(() => {}, 1)
  clearTimeout(timer)
  return (timer as never as { _idleStart: number })._idleStart
}
