/** The thread of this chapter's server: takes one connection after another and runs its job on each. */

import { parentPort, workerData } from 'node:worker_threads'
import type { ThreadEnd } from './channel.ts'
import { type JobName, jobs } from './jobs.ts'
import { runJob } from './run-job.ts'

const job = jobs[workerData as JobName]

// While this thread serves a connection, it handles no event: the next connections wait in its queue.
parentPort?.on('message', (end: ThreadEnd) => runJob(end, job))
