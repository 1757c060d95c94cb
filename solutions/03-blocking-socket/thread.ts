/** The thread of this chapter's server: takes one connection after the other and does its job with each. */

import { parentPort, workerData } from 'node:worker_threads'
import type { ThreadEnd } from './channel.ts'
import { type JobName, jobs } from './jobs.ts'
import { runJob } from './run-job.ts'

const job = jobs[workerData as JobName]

// While one connection is served, this thread handles no event: the next ones wait in its queue.
parentPort?.on('message', (end: ThreadEnd) => runJob(end, job))
