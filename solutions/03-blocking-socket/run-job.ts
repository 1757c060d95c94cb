/** Runs a job on one connection, and gives the connection back however the job ends. Also used in chapters 04 to 06. */

import { BlockingSocket, ConnectionLost, LineTooLong } from './blocking-socket.ts'
import type { ThreadEnd } from './channel.ts'

/**
 * Runs the job, and returns when it has returned, when the peer is lost, or when a line was too long (the peer is
 * told). Throws any other error of the job.
 */
export function runJob(end: ThreadEnd, job: (socket: BlockingSocket) => void): void {
  const socket = new BlockingSocket(end)
  try {
    endOverlong(socket, job)
  } catch (error) {
    if (!(error instanceof ConnectionLost)) throw error
  } finally {
    // The thread may live on, so it has to tell the bridge that it takes no more bytes.
    end.port.close()
  }
}

function endOverlong(socket: BlockingSocket, job: (socket: BlockingSocket) => void): void {
  try {
    job(socket)
  } catch (error) {
    if (!(error instanceof LineTooLong)) throw error
    socket.write('error line too long\n')
    socket.end()
  }
}
