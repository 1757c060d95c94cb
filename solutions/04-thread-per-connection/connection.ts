/**
 * What one thread does for one client, from the first line to the last: straight-line code that blocks.
 *
 * No events, no callbacks; the only state is the place in the loop. That is what people like about threads.
 */

import { threadId, workerData } from 'node:worker_threads'
import type { BlockingSocket } from '../03-blocking-socket/blocking-socket.ts'
import { runJob } from '../03-blocking-socket/run-job.ts'
import { runCommand } from './commands.ts'

runJob(workerData.end, converse)

/**
 * Answers line after line until the client has said FIN, and then says FIN as well.
 *
 * @step 04.1
 */
function converse(socket: BlockingSocket): void {
  for (let line = socket.readLine(); line !== null; line = socket.readLine()) {
    socket.write(`${runCommand(line, { threadId, sleep })}\n`)
  }
  socket.end()
}

function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}
