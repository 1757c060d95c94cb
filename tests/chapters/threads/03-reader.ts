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
  maxBytes,
  isClosed = false,
  silenceMs = 0,
} = workerData as {
  code: string
  /** Messages that have arrived before the thread looks. */
  waiting: ToThread[]
  /** Messages that arrive right after the thread has looked and found nothing, or just before it falls asleep. */
  late: ToThread[]
  /** How often to read, and then how many lines. */
  reads?: number
  lines?: number
  /** How long a line may be. */
  maxBytes?: number
  /** The connection has closed before the thread looks. */
  isClosed?: boolean
  /** Nothing comes for so long after the first look; then the late ones. How often it looked is the last result. */
  silenceMs?: number
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

function deliverLate(): void {
  const next = late.shift()
  if (next) deliver(next)
}

let silentUntil: number | undefined
let looks = 0

function receive(): ToThread | undefined {
  looks += 1
  const found = queue.shift()
  if (!found && silenceMs === 0) deliverLate()
  return found
}

const { wait } = Atomics
Atomics.wait = ((array: Int32Array, index: number, value: number, ms = Infinity) => {
  silentUntil ??= performance.now() + silenceMs
  const silence = silentUntil - performance.now()
  if (ms < silence) return wait(array, index, value, ms)
  if (silence > 0) wait(array, index, value, silence)
  deliverLate()
  return wait(array, index, value, ms)
}) as typeof Atomics.wait

for (const message of waiting) deliver(message)
if (isClosed) Atomics.store(words, 2, 1)
const port = { postMessage() {} } as never
const socket = new BlockingSocket({ port, shared: words.buffer }, receive)
const results: string[] = []
for (let read = 0; read < reads; read++) results.push(tell('bytes', () => socket.read()))
for (let line = 0; line < lines; line++) results.push(tell('line', () => socket.readLine(maxBytes)))
if (silenceMs > 0) results.push(`${looks}`)
parentPort?.postMessage(results)

function tell(what: string, act: () => Uint8Array | string | null): string {
  try {
    const value = act()
    return value === null ? 'null' : `${what} ${Buffer.from(value)}`
  } catch (error) {
    const thrown = error as Error & { code?: string }
    return `throws ${thrown.constructor.name}${thrown.code ? ` (${thrown.code})` : ''}`
  }
}
