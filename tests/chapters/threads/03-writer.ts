/**
 * A blocking socket that writes, in a world that the test plays: time is virtual, nobody really sleeps. Whenever the
 * writer has seen that too much waits for the peer, the next thing happens, right behind its look.
 */

import { parentPort, workerData } from 'node:worker_threads'
import type * as BlockingSocketModule from '#code/03-blocking-socket/blocking-socket.ts'
import type { FromThread, ToThread } from '#code/03-blocking-socket/channel.ts'

const [NEWS, FLUSHED, CLOSED] = [0, 1, 2]
const WINDOW_BYTES = 64 * 1024
const SPINNING_LOOKS = 10_000

export interface WriterScript {
  /** So many bytes are written in one call, and then in another. */
  bytes: number
  more?: number
  /** What both counts stand at before that: so many bytes, and the kernel has taken them. */
  before?: number
  /** A message that has come by then. It is read behind the writes. */
  unread?: string
  /** The peer has said FIN, and the thread reads that before it writes. */
  isEnded?: boolean
  happens: Happening[]
}

/** All but silence is news. */
export type Happening =
  | { what: 'tells news that does not concern the thread'; times?: number }
  | { what: 'tells that the kernel has taken some'; bytes: number }
  | { what: 'tells that the connection has closed' }
  | { what: 'has no news for an hour'; ms: number }

export interface WriterOutcome {
  /** `'returns'`, what it throws, or how it never comes back. */
  write:
    | 'returns'
    | `throws ${string}`
    | 'never returns: asleep'
    | 'never returns: asleep on a word that nobody notifies'
    | 'never returns: spinning'
  unflushed: number
  /** `FLUSHED` is not what the bridge has made of it. */
  isFlushedAltered: boolean
  /** What is read behind the writes. */
  read: string
  /** It looked at `FLUSHED` when there was room, after there had been none. */
  hasSeenRoom: boolean
  /** How often it looked during the silence. */
  looksInSilence: number
}

const {
  code,
  bytes,
  more = 0,
  before = 0,
  unread,
  isEnded = false,
  happens,
} = workerData as WriterScript & { code: string }
const { BlockingSocket }: typeof BlockingSocketModule = await import(
  `${code}/03-blocking-socket/blocking-socket.ts`
)

class Stuck extends Error {}

const words = new Int32Array(new SharedArrayBuffer(12))
const { load } = Atomics
words[FLUSHED] = before
let written = before
let flushed = before
let looks = 0
let silenceMs = 0
let looksInSilence = 0
let hasSeenRoom = false

function happen(): void {
  const next = happens[0]
  if (!next) return
  if (next.what === 'tells news that does not concern the thread' && next.times && next.times > 1)
    next.times -= 1
  else happens.shift()
  if (next.what === 'has no news for an hour') {
    silenceMs = next.ms
    return
  }
  if (next.what === 'tells that the kernel has taken some') {
    Atomics.add(words, FLUSHED, next.bytes)
    flushed += next.bytes
  }
  if (next.what === 'tells that the connection has closed') Atomics.store(words, CLOSED, 1)
  Atomics.add(words, NEWS, 1)
}

Atomics.load = ((array: Int32Array, index: number): number => {
  const value = load(array, index)
  if (index !== FLUSHED) return value
  hasSeenRoom = ((written - value) | 0) <= WINDOW_BYTES
  if (hasSeenRoom) return value
  looks += 1
  if (looks > SPINNING_LOOKS) throw new Stuck('spinning')
  if (silenceMs > 0) looksInSilence += 1
  else happen()
  return value
}) as typeof Atomics.load

Atomics.wait = ((array: Int32Array, index: number, value: number, ms = Infinity) => {
  if (array.buffer !== words.buffer || index !== NEWS) {
    if (ms === Infinity) throw new Stuck('asleep on a word that nobody notifies')
  } else if (load(array, index) !== value) return 'not-equal'
  if (ms < silenceMs) {
    silenceMs -= ms
    return 'timed-out'
  }
  silenceMs = 0
  if (happens.length === 0 && ms === Infinity) throw new Stuck('asleep')
  happen()
  return 'ok'
}) as typeof Atomics.wait

const port = {
  postMessage(message: FromThread) {
    if (message.kind === 'bytes') written += message.bytes.length
  },
} as never
const queue: ToThread[] = unread ? [{ kind: 'bytes', bytes: Buffer.from(unread) }] : []
if (isEnded) queue.push({ kind: 'end' })
const socket = new BlockingSocket({ port, shared: words.buffer }, () => queue.shift())
if (isEnded) read()
const said = write()
// Like the counts themselves, their difference is one modulo 2³².
const unflushed = (written - load(words, FLUSHED)) | 0
parentPort?.postMessage({
  write: said,
  unflushed,
  isFlushedAltered: load(words, FLUSHED) !== (flushed | 0),
  read: unread ? read() : '',
  hasSeenRoom,
  looksInSilence,
} satisfies WriterOutcome)

function write(): WriterOutcome['write'] {
  try {
    socket.write(Buffer.alloc(bytes))
    if (more > 0) socket.write(Buffer.alloc(more))
    return 'returns'
  } catch (error) {
    if (error instanceof Stuck) return `never returns: ${error.message}` as WriterOutcome['write']
    const thrown = error as Error & { code?: string }
    if (thrown.message.startsWith('TODO')) throw error
    return `throws ${thrown.constructor.name}${'code' in thrown ? ` (${thrown.code})` : ''}`
  }
}

function read(): string {
  try {
    return `${Buffer.from(socket.read() ?? '')}`
  } catch (error) {
    if (error instanceof Stuck) return 'nothing'
    throw error
  }
}
