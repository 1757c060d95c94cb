import type * as MutexModule from '#code/05-shared-state/mutex.ts'
import type { Scenario } from '../../harness/interleavings/scenario.ts'

/** Each thread counts up under the lock, in two steps that only the lock keeps together. */
export const scenario: Scenario = lockAndCount(2)

export function lockAndCount(threads: number): Scenario {
  return {
    threads,
    words: ['lock', 'abandoned', 'count'],
    async prepare(code) {
      const { Mutex }: typeof MutexModule = await import(`${code}/05-shared-state/mutex.ts`)
      return (words, thread) => {
        const mutex = new Mutex(words, 0, thread + 1)
        mutex.lock()
        words.store(2, words.load(2) + 1)
        mutex.unlock()
        return undefined
      }
    },
    check([lock, , count]) {
      if (count !== threads)
        return `${threads} threads counted under the lock, and count is ${count}: two had it at once`
      return lock === 0 ? undefined : `everybody has unlocked, and lock is ${lock}, not 0`
    },
  }
}
