/** The script of this chapter's threads: a job is one connection, from its first line to its last. */

import { threadId } from 'node:worker_threads'
import { BlockingSocket, ConnectionLost } from '../03-blocking-socket/blocking-socket.ts'
import type { ThreadEnd } from '../03-blocking-socket/channel.ts'
import { runCommand } from '../04-thread-per-connection/commands.ts'
import { answerJobs } from './answer-jobs.ts'

answerJobs((end: ThreadEnd) => {
  try {
    converse(new BlockingSocket(end))
  } catch (error) {
    if (!(error instanceof ConnectionLost)) throw error
  }
})

function converse(socket: BlockingSocket): void {
  for (let line = socket.readLine(); line !== null; line = socket.readLine()) {
    socket.write(`${runCommand(line, { threadId, sleep })}\n`)
  }
  socket.end()
}

function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}
