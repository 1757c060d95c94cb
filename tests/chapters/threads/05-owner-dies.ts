import type * as MutexModule from '#code/05-shared-state/mutex.ts'
import type { Body, Scenario } from '../../harness/interleavings/scenario.ts'

/** Two threads change something in two steps, under the lock. One may die anywhere; the other one must get in. */
export const scenario: Scenario = changeInTwoSteps(2)

/** `DIRTY` is 1 between the two steps. A thread that finds it so must have been told. */
const DIRTY = 2

const [DONE, NOT_TOLD] = [1, 2]

export function changeInTwoSteps(threads: number): Scenario {
  return {
    threads,
    deaths: 1,
    limits: { runs: 800, samples: 100 },
    words: ['lock', 'abandoned', 'dirty'],
    async prepare(code): Promise<Body> {
      const { Mutex }: typeof MutexModule = await import(`${code}/05-shared-state/mutex.ts`)
      return (words, thread) => {
        const mutex = new Mutex(words, 0, thread + 1)
        mutex.lock()
        const isDirty = words.load(DIRTY) === 1
        const isAbandoned = mutex.isAbandoned
        words.store(DIRTY, 1)
        words.store(DIRTY, 0)
        if (isAbandoned) mutex.markConsistent()
        mutex.unlock()
        return isDirty && !isAbandoned ? NOT_TOLD : DONE
      }
    },
    async prepareExitHandler(code): Promise<Body> {
      const { Mutex }: typeof MutexModule = await import(`${code}/05-shared-state/mutex.ts`)
      return (words, thread) => {
        new Mutex(words, 0, 0).threadEnded(thread + 1)
        return undefined
      }
    },
    check([lock], results, dead) {
      const thread = 1 + results.indexOf(NOT_TOLD)
      if (thread > 0 && dead.length === 0)
        return `thread ${thread} got the lock while another one had it`
      if (thread > 0)
        return `thread ${thread} got the lock and found a change half made, and isAbandoned was false`
      if (dead.length > 0 || lock === 0) return undefined
      return `everybody has left, and lock is ${lock}, not 0`
    },
  }
}
