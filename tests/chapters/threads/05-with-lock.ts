import type * as MutexModule from '#code/05-shared-state/mutex.ts'
import type { Scenario } from '../../harness/interleavings/scenario.ts'

/** One thread's body throws, and what it throws is 0; the other one wants the lock, too. */
export const scenario: Scenario = {
  threads: 2,
  words: ['lock', 'abandoned', 'count'],
  async prepare(code) {
    const { Mutex }: typeof MutexModule = await import(`${code}/05-shared-state/mutex.ts`)
    return (words, thread) => {
      const mutex = new Mutex(words, 0, thread + 1)
      try {
        return mutex.withLock(() => {
          words.store(2, words.load(2) + 1)
          if (thread === 0) throw THROWN
          return 0
        })
      } catch (error) {
        if (error === THROWN) return 13
        throw error
      }
    }
  },
  check([lock, , count], [first, second]) {
    if (count !== 2) return `both bodies ran, and count is ${count}: they were not alone`
    if (first !== 13) return 'thread 1’s body threw 0, and withLock() did not pass that on'
    if (second !== 0) return `thread 2’s body answered 0, and withLock() answered ${second}`
    return lock === 0 ? undefined : `both have left, and lock is ${lock}, not 0`
  },
}

/** Whatever is thrown is an exception, also what an `if` takes for nothing. */
const THROWN = 0
