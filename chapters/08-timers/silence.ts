/**
 * Calls back when nothing has been heard for a while: what idle limits and heartbeats are made of.
 *
 * A peer may be heard a thousand times a second and must not cost a timer each time. So the timer stays where it is and
 * `heard` only notes the time; when the timer fires, it looks at that note and arms itself for what is left. That is
 * one firing per `limitMs`, however much is heard.
 */

import type { Timer, TimerQueue } from './timer-queue.ts'

export class Silence {
  readonly #timers: TimerQueue
  readonly #limitMs: number
  readonly #onSilence: () => void
  #heardAtMs: number
  #timer: Timer

  /**
   * Calls `onSilence` when nothing has been heard for `limitMs`, and again after every further `limitMs` of the same
   * silence. The first silence begins now.
   */
  constructor(timers: TimerQueue, limitMs: number, onSilence: () => void) {
    this.#timers = timers
    this.#limitMs = limitMs
    this.#onSilence = onSilence
    this.#heardAtMs = timers.now()
    this.#timer = timers.after(limitMs, () => this.#look())
  }

  /**
   * Begins the silence anew. Costs one look at the clock: no timer is armed or cancelled.
   *
   * @step 08.6
   */
  heard(): void {
    // TODO 08.6
    throw new Error('TODO 08.6')
  }

  /** No further calls, whatever is heard later. */
  stop(): void {
    this.#timers.cancel(this.#timer)
  }

  /**
   * Called when the timer fires. If something was heard meanwhile, arms it for the rest of the limit and does nothing
   * else. If not, arms it for a whole limit and calls `onSilence`, which may call `stop`.
   *
   * @step 08.6
   */
  #look(): void {
    // TODO 08.6
    throw new Error('TODO 08.6')
  }
}
