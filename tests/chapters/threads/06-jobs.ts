/** The script of a pool under test. A job says what to do, and when: a word of shared memory is its gate. */

import { parentPort, threadId } from 'node:worker_threads'
import type { TestJob } from '../../worlds/06-worker-pool/played-pool.ts'

parentPort?.on('message', ({ gate, then, value, told }: TestJob) => {
  if (gate) while (Atomics.load(gate, 0) === 0) Atomics.wait(gate, 0, 0)
  if (then === 'exit') process.exit(3)
  if (then === 'answer nothing') parentPort?.postMessage({ result: undefined })
  else if (then === 'throw nothing') parentPort?.postMessage({ error: undefined })
  else if (then === 'throw') parentPort?.postMessage({ error: new RangeError(String(value)) })
  else parentPort?.postMessage({ result: { value, threadId } })
  tell(told)
  if (then === 'answer and exit') process.exit(3)
})

function tell(told: Int32Array | undefined): void {
  if (!told) return
  Atomics.store(told, 0, 1)
  Atomics.notify(told, 0)
}
