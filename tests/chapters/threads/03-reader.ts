/** A blocking socket and a bridge that the test plays by hand: `looks` says what each look finds. */

import { parentPort, workerData } from 'node:worker_threads'
import type * as BlockingSocketModule from '#code/03-blocking-socket/blocking-socket.ts'
import type { ToThread } from '#code/03-blocking-socket/channel.ts'

const {
  code,
  waiting,
  late,
  reads = 0,
  lines = 0,
} = workerData as {
  code: string
  /** Messages that have arrived before the thread looks. */
  waiting: ToThread[]
  /** Messages that arrive right after the thread has looked and found nothing. */
  late: ToThread[]
  /** How often to read, and then how many lines. */
  reads?: number
  lines?: number
}

const { BlockingSocket }: typeof BlockingSocketModule = await import(
  `${code}/03-blocking-socket/blocking-socket.ts`
)

const words = new Int32Array(new SharedArrayBuffer(12))
const queue: ToThread[] = []

function deliver(message: ToThread): void {
  queue.push(message)
  Atomics.add(words, 0, 1)
  Atomics.notify(words, 0)
}

function receive(): ToThread | undefined {
  const found = queue.shift()
  const next = found ? undefined : late.shift()
  if (next) deliver(next)
  return found
}

for (const message of waiting) deliver(message)
const port = { postMessage() {} } as never
const socket = new BlockingSocket({ port, shared: words.buffer }, receive)
const results: string[] = []
for (let read = 0; read < reads; read++) results.push(readOnce())
for (let line = 0; line < lines; line++) results.push(`line ${socket.readLine()}`)
parentPort?.postMessage(results)

function readOnce(): string {
  try {
    const bytes = socket.read()
    return bytes === null ? 'null' : `bytes ${Buffer.from(bytes)}`
  } catch (error) {
    return `throws ${(error as Error).constructor.name}`
  }
}
