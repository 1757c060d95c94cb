/** The script of a pool under test. A job says what to do, and when: a word of shared memory is its gate. */

import { parentPort, threadId } from 'node:worker_threads'

export interface TestJob {
  /** Wait until the gate is open (its word is not 0). */
  gate?: Int32Array
  /** What to do then: answer with `value` or with nothing, throw something or nothing, or end the thread in the middle. */
  then: 'answer' | 'answer nothing' | 'throw' | 'throw nothing' | 'exit'
  value?: unknown
  /** Its word becomes 1 once the answer is out of the thread's hands. */
  answered?: Int32Array
}

parentPort?.on('message', ({ gate, then, value, answered }: TestJob) => {
  if (gate) while (Atomics.load(gate, 0) === 0) Atomics.wait(gate, 0, 0)
  if (then === 'exit') process.exit(3)
  if (then === 'answer nothing') parentPort?.postMessage({ result: undefined })
  else if (then === 'throw nothing') parentPort?.postMessage({ error: undefined })
  else if (then === 'throw') parentPort?.postMessage({ error: new RangeError(String(value)) })
  else parentPort?.postMessage({ result: { value, threadId } })
  if (answered) {
    Atomics.store(answered, 0, 1)
    Atomics.notify(answered, 0)
  }
})
