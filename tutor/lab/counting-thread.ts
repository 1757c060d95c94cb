/** A thread of measurement 05: counts one word up, again and again, from the moment when all are ready. */

import { workerData } from 'node:worker_threads'
import type * as Counter from '../../solutions/05-shared-state/counter.ts'
import { AtomicWords } from '../../solutions/05-shared-state/shared-words.ts'

/** Words of the shared memory. */
export const [COUNT, READY, WARM_UP] = [0, 1, 2]

/** Enough for the compiler to have compiled the loop before it is watched. */
const WARM_UP_TIMES = 20_000

if (workerData?.counter) await count(workerData)

interface Work {
  /** The module with the `increment` to be used. */
  counter: string
  memory: SharedArrayBuffer
  threads: number
  times: number
}

async function count({ counter, memory, threads, times }: Work): Promise<void> {
  const { increment }: typeof Counter = await import(counter)
  const words = new AtomicWords(memory)
  for (let time = 0; time < WARM_UP_TIMES; time++) increment(words, WARM_UP)
  // The last to come opens the gate. The others look instead of sleeping: to be woken takes longer than to count.
  words.add(READY, 1)
  while (words.load(READY) < threads);
  for (let time = 0; time < times; time++) increment(words, COUNT)
}
