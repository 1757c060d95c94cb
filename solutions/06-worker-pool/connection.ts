/** The script of this chapter's threads: a job is one connection, from its first line to its last. */

import { threadId } from 'node:worker_threads'
import type { BlockingSocket } from '../03-blocking-socket/blocking-socket.ts'
import type { ThreadEnd } from '../03-blocking-socket/channel.ts'
import { runJob } from '../03-blocking-socket/run-job.ts'
import { runCommand } from '../04-thread-per-connection/commands.ts'
import { answerJobs } from './answer-jobs.ts'

export interface Conversation {
  end: ThreadEnd
  /** One word: 0 while the thread waits for the client; 1 while the client waits for the thread, as at first. */
  working: Int32Array
}

answerJobs(({ end, working }: Conversation) => runJob(end, (socket) => converse(socket, working)))

function converse(socket: BlockingSocket, working: Int32Array): void {
  Atomics.store(working, 0, 0)
  for (let line = socket.readLine(); line !== null; line = socket.readLine()) {
    Atomics.store(working, 0, 1)
    socket.write(`${runCommand(line, { threadId, sleep })}\n`)
    Atomics.store(working, 0, 0)
  }
  socket.end()
}

function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}
