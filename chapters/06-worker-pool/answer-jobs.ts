/** The other half of a `WorkerPool`: what its script calls, in the thread. */

import { parentPort } from 'node:worker_threads'
import type { Answer } from './worker-pool.ts'

/**
 * Runs `work` for each job, one at a time. What `work` returns is the job's result. What it throws rejects only that
 * job, and so does a result that cannot be sent.
 */
export function answerJobs<Job, Result>(work: (job: Job) => Result): void {
  parentPort?.on('message', (job: Job) => send(answerTo(work, job)))
  parentPort?.on('messageerror', (error) => send({ error }))
}

function answerTo<Job, Result>(work: (job: Job) => Result, job: Job): Answer<Result> {
  try {
    return { result: work(job) }
  } catch (error) {
    return { error }
  }
}

function send(answer: Answer<unknown>): void {
  try {
    parentPort?.postMessage(answer)
  } catch (error) {
    parentPort?.postMessage({ error: new Error(`the answer cannot be sent: ${error}`) })
  }
}
