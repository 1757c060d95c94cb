/**
 * A binary heap of timers: the first to fire is at hand, and the others are sorted only as far as that needs.
 *
 * The children of place `i` are at `2i + 1` and `2i + 2`. The invariant: no timer fires before its parent. So the first
 * one is at place 0, and adding or removing a timer moves timers along one path between root and leaf: 17 places among
 * 100,000. Every timer knows its place, so none has to be searched for.
 */

/** One deadline. It belongs to the queue that made it; the code that armed it keeps it only to cancel it. */
export interface Timer {
  /** When it fires, in the clock's milliseconds. */
  deadlineMs: number
  /** How many timers had been armed before it. */
  order: number
  /** Its index in the heap; `NOWHERE` when it is not in there. */
  place: number
  /** Dropped as soon as it will not be called again: it may hold a whole connection in memory. */
  callback: (() => void) | undefined
  /** 0 for a timer that fires once. */
  readonly periodMs: number
}

export const NOWHERE = -1

export class TimerHeap {
  readonly #timers: Timer[] = []

  get size(): number {
    return this.#timers.length
  }

  /** The one that fires before all others. */
  get first(): Timer | undefined {
    return this.#timers[0]
  }

  add(timer: Timer): void {
    this.#timers.push(timer)
    this.#rise(timer, this.#timers.length - 1)
  }

  /** Takes out the first one, and returns it. */
  takeFirst(): Timer | undefined {
    const first = this.first
    const last = this.#timers.pop()
    if (first) first.place = NOWHERE
    if (last && last !== first) this.#sink(last, 0)
    return first
  }

  /**
   * Takes out a timer that is in the heap, wherever it is, in O(log n). The last one fills the gap, and may have to
   * move up or down from there: it comes from another branch.
   *
   * @step 08.3
   */
  remove(timer: Timer): void {
    // TODO 08.3
    throw new Error('TODO 08.3')
  }

  /**
   * Puts a timer where it belongs on the path from `from`, which is free, up to the root. Timers on the path that fire
   * after it move down by one, and every timer that has moved knows its new place.
   *
   * @step 08.1
   */
  #rise(timer: Timer, from: number): void {
    // TODO 08.1
    throw new Error('TODO 08.1')
  }

  /**
   * Puts a timer where it belongs on the path from `from`, which is free, down to a leaf. Where both children fire
   * before it, the earlier of them moves up.
   *
   * @step 08.1
   */
  #sink(timer: Timer, from: number): void {
    // TODO 08.1
    throw new Error('TODO 08.1')
  }

  #put(timer: Timer, place: number): void {
    this.#timers[place] = timer
    timer.place = place
  }
}

/**
 * Whether `one` is to fire before `other`. No two timers are equal: at the same deadline, the first armed fires first.
 *
 * @step 08.1
 */
function isBefore(one: Timer, other: Timer): boolean {
  // TODO 08.1
  throw new Error('TODO 08.1')
}
