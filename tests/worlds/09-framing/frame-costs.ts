/** What frames of chapter 09 cost: time for each byte, however large a frame is, and however many come in one chunk. */

import { setImmediate } from 'node:timers/promises'
import type * as FramesModule from '#code/09-framing/frames.ts'
import { pattern } from '../../harness/client.ts'
import type { Reason } from '../../harness/failure.ts'
import type { Stage } from '../../judge/step.ts'
import { announce } from '../../protocols/frames.ts'
import { glued } from './frame-decoding.ts'

const MEBIBYTE = 1024 * 1024
const MAX_FRAME_BYTES = MEBIBYTE

/** Twice as long may be chance; what grows with the size takes ten times as long here, and more. */
const STEADY = 6

interface Steadiness extends Reason {
  /** How many times as long the work takes when there is more of it. */
  ratio(): Promise<number>
}

/** Expects a ratio near 1. A machine that is busy elsewhere can make it large once, not three times. */
export async function expectSteady(
  stage: Stage,
  what: string,
  { ratio, ...reason }: Steadiness,
): Promise<void> {
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < 3 && least > STEADY; round++) {
    least = Math.min(least, await ratio())
  }
  stage.expect(what, least <= STEADY, {
    ...reason,
    expected: 'about as long',
    received: `${Math.round(least)} times as long`,
  })
}

/** A large frame comes byte by byte, a thousand of them at a time. Gives up as soon as it is clear. */
export async function lateToEarly(FrameDecoder: typeof FramesModule.FrameDecoder): Promise<number> {
  const thousands = () => {
    const decoder = new FrameDecoder()
    decoder.push(announce(MAX_FRAME_BYTES))
    return () => msOf(() => times(1_000, () => decoder.push(ONE_BYTE)))
  }
  // Code that has not run before is slow.
  times(4, thousands())
  const nextMs = thousands()
  const earlyMs = await leastOf(4, nextMs)
  let lateMs = earlyMs
  for (let thousand = 0; thousand < 240 && lateMs <= earlyMs * STEADY; thousand += 8) {
    lateMs = await leastOf(8, nextMs)
  }
  return lateMs / earlyMs
}

/** As many as make a copy of the rest, once for each frame, far dearer than the frame. */
const CHUNKS = 640

/** As many empty frames as 64 KiB hold: enough to make it dear to move the list of them for each frame. */
export const EMPTY_FRAMES = { bytes: 0, chunks: 1_638 }

/** The same frames, in many chunks and in one. Each chunk is the first of its connection. */
export async function largeToSmall(
  takeFirst: (chunk: Uint8Array) => unknown,
  { bytes, chunks } = { bytes: 16, chunks: CHUNKS },
): Promise<number> {
  // No Buffers: their slice() is a view, and other arrays' is a copy.
  const small = new Uint8Array(glued(...Array<Uint8Array>(10).fill(pattern(0, bytes))))
  const large = new Uint8Array(Buffer.concat(Array<Uint8Array>(chunks).fill(small)))
  const smallMs = await leastOf(12, () => msOf(() => times(chunks, () => takeFirst(small))))
  return (await leastOf(3, () => msOf(() => takeFirst(large)))) / smallMs
}

const ONE_BYTE = Uint8Array.of(1)

function times(count: number, act: () => unknown): void {
  for (let time = 0; time < count; time++) act()
}

/** The smallest of so many measurements; between two of them this process answers the judge. */
async function leastOf(count: number, measureMs: () => number): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let time = 0; time < count; time++) {
    least = Math.min(least, measureMs())
    await setImmediate()
  }
  return least
}

/** CPU time, for a machine that is busy elsewhere makes everything late. */
function msOf(act: () => void): number {
  const before = process.cpuUsage()
  act()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000
}

/** Far larger than the frames of any other test, so that growing by a fixed amount costs far more than doubling. */
const HUGE = 32 * MEBIBYTE
const SMALL = MEBIBYTE
const LARGER = 8 * MEBIBYTE
const PIECE = new Uint8Array(64 * 1024)

/**
 * Room that doubles costs 6 to 19 times as much as copying once into memory that was written before: most of that is for
 * new memory. By a MiB at a time, it is 50 to 100 times.
 */
const FEW_COPIES = 30

/** So slow is code that takes single bytes, at any size: each of its copies may be one. */
const BYTE_BY_BYTE = 200

/** A byte costs it the same in a frame that is eight times as large. */
const SAME_FOR_EACH_BYTE = 3

/** Expects that a huge frame in chunks of 64 KiB costs a few times the CPU time of copying it once. Gives up early. */
export async function expectFewCopies(
  stage: Stage,
  FrameDecoder: typeof FramesModule.FrameDecoder,
  reason: Reason,
): Promise<void> {
  const decodeUs = (size: number, limitUs?: number) => {
    const decoder = new FrameDecoder({ maxBytes: size })
    decoder.push(announce(size))
    return cpuUsOf(size, () => decoder.push(PIECE), limitUs)
  }
  const copyUs = (size: number) => {
    // Written before: memory that is new costs four times as much, and nobody knows which of the two they get.
    const target = new Uint8Array(size).fill(1)
    return cpuUsOf(size, (at) => target.set(PIECE, at))
  }
  const isRight = async () => {
    // The least of three: other work on the machine makes a copy dear, and a limit wide.
    const copiesUs = [await copyUs(HUGE), await copyUs(HUGE), await copyUs(HUGE)]
    const limitUs = FEW_COPIES * Math.min(...copiesUs)
    return (await decodeUs(HUGE, limitUs)) <= limitUs
  }
  const isSlowAnyway = async () => {
    // The least of three, for the limit as well: what the machine does meanwhile must not make it wide.
    const smallUs = Math.min(await decodeUs(SMALL), await decodeUs(SMALL), await decodeUs(SMALL))
    if (smallUs <= BYTE_BY_BYTE * (await copyUs(SMALL))) return false
    const limitUs = (LARGER / SMALL) * smallUs * SAME_FOR_EACH_BYTE
    return (await decodeUs(LARGER, limitUs)) <= limitUs
  }
  const isCheap =
    (await isRight()) || (await isSlowAnyway()) || (await isRight()) || (await isRight())
  stage.expect('a huge frame to cost at most a few times as much as copying it', isCheap, {
    ...reason,
    expected: 'a few times as much',
    received: `more than ${FEW_COPIES} times as much`,
  })
}

/** CPU time of a call for every piece of a frame; given up once it is over the limit. */
async function cpuUsOf(
  size: number,
  call: (at: number) => unknown,
  limitUs = Number.POSITIVE_INFINITY,
): Promise<number> {
  let usedUs = 0
  for (let at = 0; at < size && usedUs <= limitUs; ) {
    await setImmediate()
    const before = process.cpuUsage()
    for (const end = at + MEBIBYTE; at < end; at += PIECE.length) call(at)
    const { user, system } = process.cpuUsage(before)
    usedUs += user + system
  }
  return usedUs
}

/**
 * How many times as long a byte takes to be encoded in a frame 16 times as large. What a plain copy of the large one
 * takes, twice over, is no part of it: memory that is new costs the more, the larger it is.
 */
export async function largeToSmallFrame(
  encodeFrame: typeof FramesModule.encodeFrame,
  largeBytes: number,
): Promise<number> {
  const [large, small] = [new Uint8Array(largeBytes), new Uint8Array(largeBytes / 16)]
  const smallMs = await leastOf(16, () => msOf(() => times(16, () => encodeFrame(small))))
  const largeMs = await leastOf(4, () => msOf(() => encodeFrame(large)))
  const copyMs = await leastOf(4, () => msOf(() => copy(large)))
  return Math.max(0, largeMs - 2 * copyMs) / smallMs
}

function copy(payload: Uint8Array): Uint8Array {
  const frame = Buffer.allocUnsafe(4 + payload.length)
  frame.set(payload, 4)
  return frame
}
