/** A thread of chapter 04 and a bridge that the test plays by hand: some lines come and FIN. What does the thread post? */

import { MessageChannel, parentPort, workerData } from 'node:worker_threads'
import type { FromThread } from '#code/03-blocking-socket/channel.ts'

export interface ConversationScript {
  lines: string[]
}

export interface Conversation {
  /** Text and `FIN`, in order; bytes that were posted one behind the other are one text. */
  posted: string[]
  /** How long the thread has slept for its client, each time. */
  sleptMs: number[]
}

const { code, lines } = workerData as ConversationScript & { code: string }

const CLOSED = 2
const FIN = 'FIN'
const posted: string[] = []
const sleptMs: number[] = []
const { port1: bridge, port2: port } = new MessageChannel()

for (const line of lines) bridge.postMessage({ kind: 'bytes', bytes: Buffer.from(`${line}\n`) })
bridge.postMessage({ kind: 'end' })

let isText = false
port.postMessage = (message: FromThread) => {
  if (message.kind === 'taken') return
  const text = message.kind === 'end' ? FIN : Buffer.from(message.bytes).toString()
  const isMore = isText && message.kind === 'bytes'
  if (isMore) posted.push(posted.pop() + text)
  else posted.push(text)
  isText = message.kind === 'bytes'
}

const { wait } = Atomics
// The bridge has all of it at once.
Atomics.wait = ((words: Int32Array, index: number, value: number, ms?: number) => {
  if (index === CLOSED) return 'ok'
  if (ms !== undefined && Number.isFinite(ms)) sleptMs.push(ms)
  return wait(words, index, value, ms)
}) as typeof Atomics.wait

workerData.end = { port, shared: new SharedArrayBuffer(12) }
// At the thread's exit, for it may well be the code under test that exits.
process.once('exit', (exitCode) => {
  if (exitCode === 0) parentPort?.postMessage({ posted, sleptMs } satisfies Conversation)
})
await import(`${code}/04-thread-per-connection/connection.ts`)
