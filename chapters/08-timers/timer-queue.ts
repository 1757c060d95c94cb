/**
 * Timers for an event loop: what is to happen later, in the order in which it is due.
 *
 * Nothing here waits, and no thread runs. The queue tells the loop how long it may sleep, and fires what is due when
 * the loop calls it: a timer is never early, and is late by as long as others keep the loop busy.
 */

import type { TimerSource } from '../07-event-loop/event-loop.ts'
import { NOWHERE, type Timer, TimerHeap } from './timer-heap.ts'

export type { Timer } from './timer-heap.ts'

/** Milliseconds since some fixed moment; never goes backwards. `performance` is a clock, and a test has its own. */
export interface Clock {
  now(): number
}

export class TimerQueue implements TimerSource, Clock {
  onEarlier: (() => void) | undefined
  readonly #clock: Clock
  readonly #heap = new TimerHeap()
  /** How many timers have been armed so far. */
  #armed = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** How many timers are armed. */
  get size(): number {
    return this.#heap.size
  }

  /** The time that deadlines are measured by. */
  now(): number {
    return this.#clock.now()
  }

  /**
   * Calls `callback` once, in `delayMs` or as soon after that as the loop calls `runDue()`. A delay below 0 counts as
   * 0; with `Infinity`, the timer never fires; `NaN` throws a `RangeError`. If this timer is due before all others,
   * calls `onEarlier` after arming it: a sleeping loop has to know.
   *
   * @step 08.2 08.5
   */
  after(delayMs: number, callback: () => void): Timer {
    // TODO 08.2
    throw new Error('TODO 08.2')
  }

  /**
   * Calls `callback` every `periodMs`, for the first time in `periodMs`. Every deadline is a whole number of periods
   * after the moment of this call, however late the calls before it were. If several deadlines have passed when a call
   * begins, that call is for all of them; one that passes while the callback runs gets a call of its own. The timer
   * goes on until it is cancelled, even if the callback throws. A period that is not above 0 throws a `RangeError`.
   * Calls `onEarlier` as `after()` does.
   *
   * @step 08.4 08.5
   */
  every(periodMs: number, callback: () => void): Timer {
    // TODO 08.4
    throw new Error('TODO 08.4')
  }

  /**
   * Cancels the timer: it does not fire (again), its callback is dropped, and the queue keeps nothing of it. O(log n).
   * Does nothing if the timer has fired for the last time or was cancelled before.
   *
   * @step 08.3
   */
  cancel(timer: Timer): void {
    // TODO 08.3
    throw new Error('TODO 08.3')
  }

  /**
   * Returns the milliseconds until the next timer is due: 0 when one is overdue, `Infinity` when no armed timer ever
   * fires. Rounding up to a whole millisecond is allowed, rounding down is not.
   *
   * @step 08.5
   */
  nextDelay(): number {
    // TODO 08.5
    throw new Error('TODO 08.5')
  }

  /**
   * Fires every timer that is due at the moment of this call, earliest first; at the same deadline, in order of arming.
   * A timer that a callback arms waits for the next call, even with a delay of 0: otherwise the loop might never come
   * back to its clients. Throws what a callback throws; the timers that were still to fire do so at the next call. The
   * callback of a timer that has fired for the last time is dropped, and the queue keeps nothing of the timer.
   *
   * @step 08.2 08.3 08.4
   */
  runDue(): void {
    // TODO 08.2
    throw new Error('TODO 08.2')
  }

  /**
   * Arms a periodic timer for its first deadline after the present time; timers that are already armed for that moment
   * fire first.
   *
   * @step 08.4
   */
  #rearm(timer: Timer): void {
    // TODO 08.4
    throw new Error('TODO 08.4')
  }
}
