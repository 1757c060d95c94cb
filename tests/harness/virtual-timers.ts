/**
 * Timers of their own, without a loop: time moves only when the test says so, from one deadline to the next.
 *
 * After every callback the promises that it settled have run. Nothing here knows a chapter.
 */

export interface VirtualTimer {
  deadlineMs: number
  order: number
  callback: (() => void) | undefined
}

/** Between two signs of life: the watchdog takes a thread that does not come back for one that hangs. */
const CALLBACKS_AT_A_TIME = 500

export class VirtualTimers {
  #nowMs = 0
  #order = 0
  #fired = 0
  /** In the order in which they fire. */
  readonly #armed: VirtualTimer[] = []

  now(): number {
    return this.#nowMs
  }

  /** How many are armed. */
  get size(): number {
    return this.#armed.length
  }

  /** Milliseconds from now on of all that are armed. */
  get delays(): number[] {
    return this.#armed.map(({ deadlineMs }) => deadlineMs - this.#nowMs)
  }

  after(delayMs: number, callback: () => void): VirtualTimer {
    if (Number.isNaN(delayMs)) throw new RangeError('a timer needs a number of milliseconds')
    const timer = {
      deadlineMs: this.#nowMs + Math.max(0, delayMs),
      order: this.#order++,
      callback,
    }
    let place = this.#armed.length
    while (place > 0 && this.#armed[place - 1].deadlineMs > timer.deadlineMs) place -= 1
    this.#armed.splice(place, 0, timer)
    return timer
  }

  cancel(timer: unknown): void {
    const place = this.#armed.indexOf(timer as VirtualTimer)
    if (place >= 0) this.#armed.splice(place, 1)
  }

  /** Lets `ms` pass, and fires what is due on the way. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms
    await settled()
    while (this.#armed.length > 0 && this.#armed[0].deadlineMs <= untilMs) await this.#fireFirst()
    this.#nowMs = untilMs
  }

  /** Lets time pass until `isDone`, for `maxMs` at most. Whether it is done. */
  async advanceUntil(isDone: () => boolean, maxMs: number): Promise<boolean> {
    const untilMs = this.#nowMs + maxMs
    await settled()
    while (!isDone()) {
      if (this.#armed.length === 0 || this.#armed[0].deadlineMs > untilMs) return false
      await this.#fireFirst()
    }
    return true
  }

  async #fireFirst(): Promise<void> {
    const timer = this.#armed.shift()!
    this.#nowMs = Math.max(this.#nowMs, timer.deadlineMs)
    timer.callback?.()
    this.#fired += 1
    await (this.#fired % CALLBACKS_AT_A_TIME === 0 ? turn() : settled())
  }
}

/** Every promise that can settle now has, and so have those that follow from it. */
function settled(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve))
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
