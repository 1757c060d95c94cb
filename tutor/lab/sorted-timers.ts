/** Timers in an array that is kept in order, the earliest last: what chapter 08's heap is measured against. */

interface SortedTimer {
  deadlineMs: number
  order: number
  callback: () => void
}

export class SortedTimers {
  readonly #clock: { now(): number }
  readonly #timers: SortedTimer[] = []
  #armed = 0

  constructor(clock: { now(): number }) {
    this.#clock = clock
  }

  after(delayMs: number, callback: () => void): SortedTimer {
    const timer = { deadlineMs: this.#clock.now() + delayMs, order: this.#armed++, callback }
    this.#timers.splice(this.#placeOf(timer), 0, timer)
    return timer
  }

  cancel(timer: SortedTimer): void {
    const place = this.#placeOf(timer)
    if (this.#timers[place] === timer) this.#timers.splice(place, 1)
  }

  runDue(): void {
    const now = this.#clock.now()
    for (let due = this.#timers.at(-1); due && due.deadlineMs <= now; due = this.#timers.at(-1)) {
      this.#timers.pop()
      due.callback()
    }
  }

  /** Where the timer is, or belongs: 17 comparisons among 100,000. It is the moving that costs. */
  #placeOf(timer: SortedTimer): number {
    let [low, high] = [0, this.#timers.length]
    while (low < high) {
      const middle = (low + high) >> 1
      const other = this.#timers[middle]
      const isLater = other.deadlineMs - timer.deadlineMs || other.order - timer.order
      if (isLater > 0) low = middle + 1
      else high = middle
    }
    return low
  }
}
