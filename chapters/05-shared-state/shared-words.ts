/**
 * Memory that several threads share, as 32-bit words: the six operations on them, and no others.
 *
 * Everything in this chapter reaches shared memory through this interface. In the server it is `Atomics`. In the tests,
 * the judge makes each thread wait before each call, and tries one order of turns after another.
 */

export interface SharedWords {
  load(index: number): number
  store(index: number, value: number): void
  /** Adds, wrapping at 32 bits, and returns what was there before. */
  add(index: number, delta: number): number
  /** Writes `replacement` if the word holds `expected`; returns what was there before, either way. */
  compareExchange(index: number, expected: number, replacement: number): number
  /** Sleeps until somebody notifies this word, if it holds `expected`; otherwise returns at once. */
  wait(index: number, expected: number): 'ok' | 'not-equal'
  /** Wakes up to `count` threads that sleep on this word (all if left out); returns how many it has woken. */
  notify(index: number, count?: number): number
}

/** The real thing: `Atomics` over a `SharedArrayBuffer`. All threads see all accesses in one order. */
export class AtomicWords implements SharedWords {
  readonly #words: Int32Array

  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory)
  }

  load(index: number): number {
    return Atomics.load(this.#words, index)
  }

  store(index: number, value: number): void {
    Atomics.store(this.#words, index, value)
  }

  add(index: number, delta: number): number {
    return Atomics.add(this.#words, index, delta)
  }

  compareExchange(index: number, expected: number, replacement: number): number {
    return Atomics.compareExchange(this.#words, index, expected, replacement)
  }

  wait(index: number, expected: number): 'ok' | 'not-equal' {
    return Atomics.wait(this.#words, index, expected) === 'not-equal' ? 'not-equal' : 'ok'
  }

  notify(index: number, count?: number): number {
    return Atomics.notify(this.#words, index, count)
  }
}
