/** A thread that writes many lines, or has said FIN already, and then ends in some way. */

import { workerData } from 'node:worker_threads'
import { BlockingSocket } from '#code/03-blocking-socket/blocking-socket.ts'
import type { ThreadEnd } from '#code/03-blocking-socket/channel.ts'

export interface Talkative {
  end?: ThreadEnd
  then: 'return' | 'exit' | 'throw text' | 'say FIN and throw'
}

export const LINES = 200

const { end, then } = workerData as Required<Talkative>

const socket = new BlockingSocket(end)
for (let line = 1; line <= LINES; line++) socket.write(`line ${line}\n`)
if (then === 'say FIN and throw') {
  end.port.postMessage({ kind: 'end' })
  throw new Error('after FIN')
}
if (then === 'throw text') throw 'no Error'
if (then === 'exit') process.exit(0)
