/** What chapter 02's steps play in: a client that does not read, a server at rest, a queue that fills up a thousand times. */

import type { Socket } from 'node:net'
import { type Duplex, duplexPair } from 'node:stream'
import { type Client, pattern } from '../harness/client.ts'
import { countHeld } from '../harness/garbage.ts'
import type { HostedServer } from '../harness/hosted-server.ts'
import { withTimersHeld } from './held-timers.ts'

const KIBIBYTE = 1024

/**
 * Sends small pieces, unread, until some of their echo waits in the server's own queue because the kernel takes no
 * more. Returns the number of bytes sent.
 */
export async function sendUntilQueued(client: Client, server: HostedServer): Promise<number> {
  let sent = 0
  while (sent < 64 * KIBIBYTE * KIBIBYTE && (await server.queuedBytes()) === 0) {
    await client.send(pattern(sent, 16 * KIBIBYTE))
    sent += 16 * KIBIBYTE
    await server.roundTrip()
  }
  return sent
}

/** What a server does while nobody speaks to it and nothing can leave its queues; all is well when it does none of it. */
export interface Restlessness {
  /** Bytes by which Node's queues grew. */
  growth: number
  isSpinning: boolean
  /** Milliseconds to a timer that will wake it soon. */
  timerMs: number | undefined
}

/** What it does in three looks out of three. */
export async function restlessness(server: HostedServer): Promise<Restlessness> {
  const before = await server.queuedBytes()
  let last = before
  let isGrowing = true
  let isSpinning = true
  const timers: number[] = []
  for (let look = 0; look < LOOKS && (isGrowing || isSpinning || timers.length === look); look++) {
    isSpinning = (await server.cpuMsDuring(LOOK_MS)) > LOOK_MS / 10 && isSpinning
    const queued = await server.queuedBytes()
    isGrowing = queued > last && isGrowing
    last = queued
    const timerMs = await server.msToNextTimer()
    if (timerMs < SOON_MS) timers.push(timerMs)
  }
  const timerMs = timers.length === LOOKS ? Math.max(...timers) : 0
  return {
    growth: isGrowing ? last - before : 0,
    isSpinning,
    // 0 may mean that there is no telling.
    timerMs: timerMs > 0 ? Math.ceil(timerMs) : undefined,
  }
}

const LOOKS = 3

/** Long enough for a server that looks again after a while. */
export const LOOK_MS = 200

/** Idle limits are longer than that. */
const SOON_MS = 10_000

export interface Fills {
  /** Rounds in which everything came back. */
  done: number
  /** What came back in the next one, if that was not everything. */
  failed?: 'nothing' | 'too few bytes' | 'other bytes'
  /** Whether it was `pause()` that stopped the reading then. */
  isPaused: boolean
  /** The most bytes that waited in the socket's queue. */
  mostQueued: number
  /** Listeners of `'drain'` in the end. */
  drainListeners: number
}

/** Lets pieces come, 32 alike unless told otherwise, and then takes all that is sent, in each round, without a kernel in between. */
export async function fillAgainAndAgain(
  echo: (socket: Socket) => void,
  { rounds, piece = 0, pieces = Array(32).fill(piece), mark = MARK }: Filling,
): Promise<Fills> {
  const { near, far } = socketWithoutKernel(mark)
  const total = pieces.reduce((sum, length) => sum + length, 0)
  echo(near as Socket)
  const fills: Fills = { done: 0, isPaused: false, mostQueued: 0, drainListeners: 0 }
  while (fills.done < rounds) {
    sendPieces(far, pieces)
    for (let turn = 0; turn < TURNS_TO_REST; turn++) await nextTurn()
    fills.mostQueued = Math.max(fills.mostQueued, near.writableLength)
    const back = await receive(far, total)
    if (!back.equals(pattern(0, total))) {
      const some = back.length < total ? 'too few bytes' : 'other bytes'
      fills.failed = back.length === 0 ? 'nothing' : some
      fills.isPaused = near.isPaused() && near.listenerCount('readable') === 0
      break
    }
    fills.done += 1
  }
  fills.drainListeners = near.listenerCount('drain')
  near.destroy()
  far.destroy()
  return fills
}

interface Filling {
  rounds: number
  piece?: number
  pieces?: number[]
  /** Of its queues: a socket's own unless told otherwise. */
  mark?: number
}

function sendPieces(far: Duplex, pieces: number[]): void {
  let sent = 0
  for (const piece of pieces) {
    far.write(pattern(sent, piece))
    sent += piece
  }
}

export interface Neighbour {
  /** Bytes by which its queue grew while others were served. */
  growth: number
  /** Whether all came back when it read at last. */
  isServed: boolean
  /** Bytes that wait for another one that does not read either. */
  queuedForOther: number
}

/** A client that does not read, beside one whose queue fills up and is emptied again and again, and one like itself. */
export async function besideAnother(echo: (socket: Socket) => void): Promise<Neighbour> {
  const { near, far } = socketWithoutKernel()
  echo(near as Socket)
  const pieces = Array(64).fill(16 * KIBIBYTE)
  sendPieces(far, pieces)
  for (let turn = 0; turn < TURNS_TO_REST; turn++) await nextTurn()
  const other = socketWithoutKernel()
  echo(other.near as Socket)
  sendPieces(other.far, pieces)
  for (let turn = 0; turn < TURNS_TO_REST; turn++) await nextTurn()
  const queuedForOther = other.near.writableLength
  other.near.destroy()
  other.far.destroy()
  const before = near.writableLength
  await fillAgainAndAgain(echo, { rounds: 5, piece: 16 * KIBIBYTE })
  const growth = near.writableLength - before
  const back = await receive(far, 1024 * KIBIBYTE)
  near.destroy()
  far.destroy()
  return { growth, isServed: back.equals(pattern(0, 1024 * KIBIBYTE)), queuedForOther }
}

/** What comes back to a client that says a word and FIN, over a stream in this process, within a few turns of the loop. */
export function goodbyeAtOnce(serve: (socket: Socket) => void): Promise<string> {
  return withTimersHeld(() => sayGoodbye(serve))
}

async function sayGoodbye(serve: (socket: Socket) => void): Promise<string> {
  const { near, far } = socketWithoutKernel()
  serve(near as Socket)
  let heard = ''
  far.on('data', (chunk: Buffer) => {
    heard += chunk
  })
  far.once('end', () => {
    heard += ', FIN'
  })
  far.end('bye')
  for (let turn = 0; turn < 2 * TURNS_TO_REST; turn++) await nextTurn()
  near.destroy()
  far.destroy()
  return heard
}

/** How many of so many sockets, each of which was served and has closed, somebody still holds. */
export async function countHeldSockets(
  serve: (socket: Socket) => void,
  sockets: number,
  leave: Leave,
): Promise<number> {
  const served: WeakRef<Duplex>[] = []
  for (let index = 0; index < sockets; index++) served.push(await serveOne(serve, leave))
  return countHeld(served)
}

/** How a client goes: with FIN, without a word, or when more of its echo waits than it has taken. */
export type Leave = 'says `bye` and FIN' | 'is lost' | 'reads nothing, and is lost'

async function serveOne(serve: (socket: Socket) => void, leave: Leave): Promise<WeakRef<Duplex>> {
  const { near, far } = socketWithoutKernel()
  serve(near as Socket)
  if (leave === 'says `bye` and FIN') far.resume().end('bye')
  else if (leave === 'is lost') far.resume().write('bye')
  else sendPieces(far, Array(64).fill(16 * KIBIBYTE))
  for (let turn = 0; turn < TURNS_TO_REST; turn++) await nextTurn()
  if (leave === 'says `bye` and FIN') near.destroy()
  else near.on('error', () => {}).destroy(new Error('read ECONNRESET'))
  far.destroy()
  await nextTurn()
  return new WeakRef(near)
}

function socketWithoutKernel(highWaterMark = MARK): { near: Duplex; far: Duplex } {
  const [near, far] = duplexPair({ highWaterMark })
  for (const method of ['setNoDelay', 'setKeepAlive', 'setTimeout', 'ref', 'unref'])
    Object.assign(near, { [method]: () => near })
  const destroySoon = () => near.end(() => near.destroy())
  Object.assign(near, { destroySoon, resetAndDestroy: () => near.destroy() })
  return { near, far }
}

/** A socket's own. */
const MARK = 64 * KIBIBYTE

/** Promises and streams hand a piece on within a few turns of the loop. */
const TURNS_TO_REST = 20

async function receive(far: Duplex, bytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let received = 0
  for (let idle = 0; received < bytes && idle < TURNS_TO_REST; idle++) {
    const chunk = far.read() as Buffer | null
    if (chunk) {
      chunks.push(Buffer.from(chunk))
      received += chunk.length
      idle = -1
    } else await nextTurn()
  }
  return Buffer.concat(chunks)
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
