/** Does a job with one connection, and lets go of it however the job ends. What chapters 04 to 06 run in their threads, too. */

import { BlockingSocket, ConnectionLost, LineTooLong } from './blocking-socket.ts'
import type { ThreadEnd } from './channel.ts'

/**
 * Returns when the job has, when the peer is lost, and when it was told that its line is too long. What else the job
 * throws is thrown.
 */
export function runJob(end: ThreadEnd, job: (socket: BlockingSocket) => void): void {
  const socket = new BlockingSocket(end)
  try {
    endOverlong(socket, job)
  } catch (error) {
    if (!(error instanceof ConnectionLost)) throw error
  } finally {
    // The thread may live on, so it has to say that it takes no more bytes.
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
