/**
 * A blocking socket that writes, and a bridge that the test plays by hand: whenever the writer has seen that too much
 * waits for the peer, the next thing happens, right behind its look.
 */

import { parentPort, workerData } from 'node:worker_threads'
import type * as BlockingSocketModule from '#code/03-blocking-socket/blocking-socket.ts'
import type { FromThread } from '#code/03-blocking-socket/channel.ts'

const [NEWS, FLUSHED, CLOSED] = [0, 1, 2]
const WINDOW_BYTES = 64 * 1024

export interface WriterScript {
  /** So many bytes are written in one call. */
  bytes: number
  happens: Happening[]
}

/** All but silence is news. */
export type Happening =
  | { what: 'nothing that concerns it' }
  | { what: 'the kernel takes some'; bytes: number }
  | { what: 'the connection closes' }
  | { what: 'silence'; ms: number }

export interface WriterOutcome {
  /** `'returns'`, or what it throws. */
  write: string
  unflushed: number
  /** How often it looked during the silence. */
  looksInSilence: number
}

const { code, bytes, happens } = workerData as WriterScript & { code: string }
const { BlockingSocket }: typeof BlockingSocketModule = await import(
  `${code}/03-blocking-socket/blocking-socket.ts`
)

const words = new Int32Array(new SharedArrayBuffer(12))
const { load, wait } = Atomics
let written = 0
let silentUntil = 0
let looksInSilence = 0

function happen(): void {
  const next = happens.shift()
  if (!next) return
  if (next.what === 'silence') {
    silentUntil = performance.now() + next.ms
    return
  }
  if (next.what === 'the kernel takes some') Atomics.add(words, FLUSHED, next.bytes)
  if (next.what === 'the connection closes') Atomics.store(words, CLOSED, 1)
  Atomics.add(words, NEWS, 1)
  Atomics.notify(words, NEWS)
}

Atomics.load = ((array: Int32Array, index: number): number => {
  const value = load(array, index)
  if (index !== FLUSHED || written - value <= WINDOW_BYTES) return value
  if (performance.now() < silentUntil) looksInSilence += 1
  else happen()
  return value
}) as typeof Atomics.load

Atomics.wait = ((array: Int32Array, index: number, value: number, ms = Infinity) => {
  const silence = silentUntil - performance.now()
  if (silence <= 0 || ms < silence) return wait(array, index, value, ms)
  wait(array, index, value, silence)
  happen()
  return 'ok'
}) as typeof Atomics.wait

const port = {
  postMessage(message: FromThread) {
    if (message.kind === 'bytes') written += message.bytes.length
  },
} as never
const socket = new BlockingSocket({ port, shared: words.buffer }, () => undefined)
const said = write()
const unflushed = written - load(words, FLUSHED)
parentPort?.postMessage({ write: said, unflushed, looksInSilence } satisfies WriterOutcome)

function write(): string {
  try {
    socket.write(Buffer.alloc(bytes))
    return 'returns'
  } catch (error) {
    return `throws ${(error as Error).constructor.name}`
  }
}
