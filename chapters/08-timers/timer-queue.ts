/**
 * Timers for an event loop: what is to happen later, in the order in which it is due.
 *
 * Nothing here waits, and no thread runs. The queue says how long the loop may sleep, and fires what is due when the
 * loop comes by: a timer is never early, and late by as long as others keep the loop busy.
 */

import type { TimerSource } from '../07-event-loop/event-loop.ts'
import { NOWHERE, type Timer, TimerHeap } from './timer-heap.ts'

export type { Timer } from './timer-heap.ts'

/** Milliseconds since whenever; never backwards. `performance` is one, and a test has its own. */
export interface Clock {
  now(): number
}

export class TimerQueue implements TimerSource, Clock {
  onEarlier: (() => void) | undefined
  readonly #clock: Clock
  readonly #heap = new TimerHeap()
  /** How many have been armed so far. */
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
   * Calls `callback` once, in `delayMs` or as soon after that as the loop comes by. A delay below 0 counts as 0; with
   * `Infinity` it never fires; `NaN` is a `RangeError`. When this timer is due before all others, `onEarlier` is called: a
   * loop that sleeps has to know.
   *
   * @step 08.2 08.5
   */
  after(delayMs: number, callback: () => void): Timer {
    // TODO 08.2
    throw new Error('TODO 08.2')
  }

  /**
   * Calls `callback` every `periodMs`, for the first time in `periodMs`. Every deadline is a whole number of periods
   * after the moment of this call, however late the calls before it came. A loop that was away for several periods
   * brings one call, not all that were missed. It goes on until it is cancelled, also when the callback throws. A
   * period that is not above 0 is a `RangeError`. `onEarlier` is called as by `after()`.
   *
   * @step 08.4 08.5
   */
  every(periodMs: number, callback: () => void): Timer {
    // TODO 08.4
    throw new Error('TODO 08.4')
  }

  /**
   * The timer does not fire (again), and its callback is let go. O(log n). Nothing happens when it has fired for the
   * last time or was cancelled before.
   *
   * @step 08.3
   */
  cancel(timer: Timer): void {
    // TODO 08.3
    throw new Error('TODO 08.3')
  }

  /**
   * Milliseconds until the next timer is due: 0 when one is overdue, `Infinity` when none is armed that ever fires. Rounding
   * up to a whole millisecond is allowed, rounding down is not.
   *
   * @step 08.5
   */
  nextDelay(): number {
    // TODO 08.5
    throw new Error('TODO 08.5')
  }

  /**
   * Fires every timer that is due at the moment of this call, earliest first; at the same deadline, in order of arming.
   * What a callback arms waits for the next call, even with a delay of 0, or the loop might never come back to its
   * clients. What a callback throws comes out here; the timers that were still to fire do so at the next call.
   * A timer that has fired for the last time lets its callback go.
   *
   * @step 08.2 08.3 08.4
   */
  runDue(): void {
    // TODO 08.2
    throw new Error('TODO 08.2')
  }

  /**
   * Arms a periodic timer for its next deadline after `now`, behind whatever is armed for that moment already.
   *
   * @step 08.4
   */
  #rearm(timer: Timer, now: number): void {
    // TODO 08.4
    throw new Error('TODO 08.4')
  }
}
