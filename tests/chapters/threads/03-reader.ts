/**
 * A blocking socket that reads, and a bridge that the test plays by hand: `waiting` and `late` say what each look finds.
 * Time is virtual as long as nothing comes (`silenceMs`).
 */

import { parentPort, workerData } from 'node:worker_threads'
import type * as BlockingSocketModule from '#code/03-blocking-socket/blocking-socket.ts'
import type { FromThread, ToThread } from '#code/03-blocking-socket/channel.ts'

export interface ReaderScript {
  /** What the same thread has read before, on another connection. */
  earlier?: { waiting: ToThread[]; acts: Act[]; maxBytes: number }
  /** Messages that have arrived before the thread looks. */
  waiting: ToThread[]
  /** Messages that arrive right after the thread has looked and found nothing, or just before it falls asleep. */
  late: ToThread[]
  /** So long nothing comes before what is late. */
  silenceMs?: number
  /** Messages with more than one byte arrive byte by byte. */
  isCut?: boolean
  /** What the thread does, in this order. */
  acts: Act[]
  /** How long a line may be. */
  maxBytes?: number
  /** `CLOSED` is set before the thread looks. */
  isClosed?: boolean
}

type Act = 'read' | 'line'

export interface ReaderOutcome {
  /** What came of the other connection. */
  resultsEarlier: string[]
  results: string[]
  /** Bytes that the bridge was told of as taken. */
  taken: number
  /** How often it looked in vain in `silenceMs`. */
  looksInSilence: number
}

/** A thread that looks so often does not sleep: the silence ends for it, too. */
const SPINNING_LOOKS = 1_000

const {
  code,
  earlier,
  waiting,
  late,
  silenceMs = 0,
  isCut = false,
  acts,
  maxBytes,
  isClosed,
} = workerData as ReaderScript & { code: string }
const { BlockingSocket }: typeof BlockingSocketModule = await import(
  `${code}/03-blocking-socket/blocking-socket.ts`
)

const words = new Int32Array(new SharedArrayBuffer(12))
const queue: ToThread[] = []
let taken = 0
let silenceLeftMs = silenceMs
let looksInSilence = 0

function deliver(message: ToThread): void {
  queue.push(message)
  Atomics.add(words, 0, 1)
  Atomics.notify(words, 0)
}

function deliverLate(): void {
  const next = late.shift()
  if (next) deliver(next)
}

/** The next message, or the next byte of it. */
function next(): ToThread | undefined {
  const message = queue[0]
  if (!isCut || message?.kind !== 'bytes' || message.bytes.length < 2) return queue.shift()
  queue[0] = { kind: 'bytes', bytes: message.bytes.subarray(1) }
  return { kind: 'bytes', bytes: message.bytes.subarray(0, 1) }
}

function receive(): ToThread | undefined {
  const found = next()
  if (found) return found
  if (silenceLeftMs > 0 && looksInSilence < SPINNING_LOOKS) looksInSilence += 1
  else deliverLate()
  return undefined
}

const { wait } = Atomics
Atomics.wait = ((array: Int32Array, index: number, value: number, ms = Infinity) => {
  if (ms < silenceLeftMs) {
    silenceLeftMs -= ms
    return 'timed-out'
  }
  silenceLeftMs = 0
  deliverLate()
  return wait(array, index, value, ms)
}) as typeof Atomics.wait

const resultsEarlier = earlier ? readEarlier(earlier) : []
for (const message of waiting) deliver(message)
if (isClosed) Atomics.store(words, 2, 1)
const port = {
  postMessage(message: FromThread) {
    if (message.kind === 'taken') taken += message.bytes
  },
} as never
const socket = new BlockingSocket({ port, shared: words.buffer }, receive)
const results = readAll(socket, acts, maxBytes)
parentPort?.postMessage({ resultsEarlier, results, taken, looksInSilence } satisfies ReaderOutcome)

/** All of it has arrived, so nothing sleeps. */
function readEarlier({ waiting, acts, maxBytes }: NonNullable<ReaderScript['earlier']>): string[] {
  const shared = new SharedArrayBuffer(12)
  const port = { postMessage() {} } as never
  return readAll(new BlockingSocket({ port, shared }, () => waiting.shift()), acts, maxBytes)
}

function readAll(
  socket: BlockingSocketModule.BlockingSocket,
  acts: Act[],
  maxBytes?: number,
): string[] {
  return acts.map((act) =>
    act === 'read'
      ? tell('bytes', () => socket.read())
      : tell('line', () => socket.readLine(maxBytes)),
  )
}

function tell(what: string, act: () => Uint8Array | string | null): string {
  try {
    const value = act()
    return value === null ? 'null' : `${what} ${Buffer.from(value)}`
  } catch (error) {
    const thrown = error as Error & { code?: string }
    if (thrown.message.startsWith('TODO')) throw error
    return `throws ${thrown.constructor.name}${thrown.code ? ` (${thrown.code})` : ''}`
  }
}
