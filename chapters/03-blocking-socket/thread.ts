/** The thread of this chapter's server: takes one connection after the other and does its job with each. */

import { parentPort, workerData } from 'node:worker_threads'
import { BlockingSocket, ConnectionLost, LineTooLong } from './blocking-socket.ts'
import type { ThreadEnd } from './channel.ts'
import { type JobName, jobs } from './jobs.ts'

const job = jobs[workerData as JobName]

// While one connection is served, this thread handles no event: the next ones wait in its queue.
parentPort?.on('message', (end: ThreadEnd) => {
  const socket = new BlockingSocket(end)
  try {
    job(socket)
  } catch (error) {
    if (error instanceof LineTooLong) hangUp(socket)
    else if (!(error instanceof ConnectionLost)) throw error
  }
})

function hangUp(socket: BlockingSocket): void {
  socket.write('error line too long\n')
  socket.end()
}
