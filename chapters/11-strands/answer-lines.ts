/** The script of this chapter's threads: a job is one line, its result the answer. */

import { threadId } from 'node:worker_threads'
import { runCommand } from '../04-thread-per-connection/commands.ts'
import { answerJobs } from '../06-worker-pool/answer-jobs.ts'

answerJobs((line: string) => runCommand(line, { threadId, sleep }))

function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}
