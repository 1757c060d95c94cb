/** Shared memory of chapter 05 for a test that runs on one thread: whoever would sleep is stopped there. */

import type * as SharedWordsModule from '#code/05-shared-state/shared-words.ts'
import type { Stage } from '../../judge/step.ts'

export interface Sleepless extends SharedWordsModule.AtomicWords {
  /** The word on which the thread would sleep now. */
  sleptOn: number | undefined
  /** How many times this word was notified. */
  timesNotified(index: number): number
  /** The most threads that one notify of this word may have woken. */
  mostWoken(index: number): number
  all(): number[]
}

/** The class, on top of the `AtomicWords` under test. */
export async function sleeplessWords({
  load,
}: Stage): Promise<new (memory: SharedArrayBuffer) => Sleepless> {
  const { AtomicWords } = await load(() => import('#code/05-shared-state/shared-words.ts'))
  return class extends AtomicWords implements Sleepless {
    sleptOn: number | undefined
    readonly #notified = new Map<number, number>()
    readonly #mostWoken = new Map<number, number>()
    readonly #length: number

    constructor(memory: SharedArrayBuffer) {
      super(memory)
      this.#length = memory.byteLength / 4
    }

    override wait(index: number, expected: number): 'not-equal' {
      if (this.load(index) !== expected) return 'not-equal'
      this.sleptOn = index
      throw new Error('would sleep')
    }

    override notify(index: number, count = Number.POSITIVE_INFINITY): number {
      this.#mostWoken.set(index, Math.max(count, this.mostWoken(index)))
      if (count !== 0) this.#notified.set(index, this.timesNotified(index) + 1)
      return 0
    }

    timesNotified(index: number): number {
      return this.#notified.get(index) ?? 0
    }

    mostWoken(index: number): number {
      return this.#mostWoken.get(index) ?? 0
    }

    all(): number[] {
      return Array.from({ length: this.#length }, (_, index) => this.load(index))
    }
  }
}

/** What comes of it; `'sleeps'` when the thread would sleep, whatever it throws when it is stopped there. */
export function attempt<T>(words: Sleepless, act: () => T): T | 'sleeps' {
  words.sleptOn = undefined
  try {
    const outcome = act()
    return words.sleptOn === undefined ? outcome : 'sleeps'
  } catch (error) {
    if (words.sleptOn !== undefined) return 'sleeps'
    throw error
  }
}
