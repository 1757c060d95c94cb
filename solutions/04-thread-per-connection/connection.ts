/**
 * What one thread does for one client, from the first line to the last: straight-line code that blocks.
 *
 * No event, no callback, no state but where we are in the loop. That is what people love about threads.
 */

import { threadId, workerData } from 'node:worker_threads'
import {
  BlockingSocket,
  ConnectionLost,
  LineTooLong,
} from '../03-blocking-socket/blocking-socket.ts'
import { runCommand } from './commands.ts'

const socket = new BlockingSocket(workerData.end)
try {
  converse(socket)
} catch (error) {
  if (error instanceof LineTooLong) sayGoodbye(socket, 'error line too long')
  // Whoever has gone needs no answer; anything else is a crash, which is the server's to report.
  else if (!(error instanceof ConnectionLost)) throw error
}

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

function sayGoodbye(socket: BlockingSocket, line: string): void {
  socket.write(`${line}\n`)
  socket.end()
}

function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}
