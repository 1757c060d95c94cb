/** What frames of chapter 09 hold in memory: those that wait to be sent, and decoders that wait for more. */

import { setImmediate } from 'node:timers/promises'
import type * as FramesModule from '#code/09-framing/frames.ts'
import { countBytes } from '../../harness/bytes.ts'
import type { Reason } from '../../harness/failure.ts'
import { collectGarbage, heldBufferBytes } from '../../harness/garbage.ts'
import { withCommas } from '../../harness/numbers.ts'
import type { Stage } from '../../judge/step.ts'
import { announce, frame } from '../../protocols/frames.ts'

const MEBIBYTE = 1024 * 1024

/** Expects that small frames that wait to be sent hold little more memory than their bytes. */
export function expectSmallFramesHeldCheaply(
  stage: Stage,
  encodeFrame: typeof FramesModule.encodeFrame,
  reason: Reason,
): void {
  const frames = Array.from({ length: 64 }, () => encodeFrame(Buffer.from('hello')))
  const buffers = new Set(frames.map(({ buffer }) => buffer))
  const heldBytes = [...buffers].reduce((sum, { byteLength }) => sum + byteLength, 0)
  stage.expect('64 small frames to hold less than 1 MiB', heldBytes < MEBIBYTE, {
    ...reason,
    received: countBytes(heldBytes),
  })
}

type Decoder = InstanceType<typeof FramesModule.FrameDecoder>

const DECODERS = 256
const LITTLE = MEBIBYTE / 2

/** Expects that so many decoders hold next to nothing when that has happened to each of them. */
export async function expectLittleHeld(
  stage: Stage,
  FrameDecoder: typeof FramesModule.FrameDecoder,
  what: string,
  happen: (decoder: Decoder) => void,
  reason: Reason,
): Promise<void> {
  stage.story.tell('test', `has ${DECODERS} decoders; ${what}`)
  const heldBytes = await bytesHeldBy(FrameDecoder, DECODERS, happen, LITTLE)
  stage.expect(`the ${DECODERS} decoders to hold less than 512 KiB`, heldBytes < LITTLE, {
    ...reason,
    expected: 'less than 512 KiB of buffers',
    received: `${withCommas(Math.round(Math.max(0, heldBytes) / 1024))} KiB`,
  })
}

const HALF_DONE = 32
const COME_BYTES = 128 * 1024
/** Twice what has come, and a little for whatever else is held. */
const TWICE = HALF_DONE * COME_BYTES * 2 + MEBIBYTE

/** Expects that the room of decoders which have part of a large frame is at most twice as large as that part. */
export async function expectRoomTwiceAtMost(
  stage: Stage,
  FrameDecoder: typeof FramesModule.FrameDecoder,
  reason: Reason,
): Promise<void> {
  stage.story.tell('test', `has ${HALF_DONE} decoders; each gets 128 KiB of a frame of 1 MiB`)
  const part = new Uint8Array(COME_BYTES)
  const heldBytes = await bytesHeldBy(
    FrameDecoder,
    HALF_DONE,
    (decoder) => {
      decoder.push(announce(MEBIBYTE))
      decoder.push(part)
    },
    TWICE,
  )
  stage.expect(
    `the ${HALF_DONE} decoders to hold at most twice what has arrived`,
    heldBytes < TWICE,
    {
      ...reason,
      expected: '4 MiB have arrived: at most 8 MiB of buffers',
      received: `${Math.round(heldBytes / MEBIBYTE)} MiB`,
    },
  )
}

/** What so many decoders hold in buffers once that has happened to each. Up to `enough` it is not asked for exactly. */
async function bytesHeldBy(
  FrameDecoder: typeof FramesModule.FrameDecoder,
  count: number,
  happen: (decoder: Decoder) => void,
  enough: number,
): Promise<number> {
  const before = await heldBufferBytes(0)
  const decoders = Array.from({ length: count }, () => new FrameDecoder())
  for (const decoder of decoders) {
    happen(decoder)
    await setImmediate()
  }
  const heldBytes = (await heldBufferBytes(before + enough)) - before
  // They live until here.
  for (const decoder of decoders) decoder.push(new Uint8Array())
  return heldBytes
}

const PIECES = 40_000
/** Several times what the pieces are, and little beside what an array for each of them holds. */
const FEW = 2 * MEBIBYTE

/** Expects that a frame which comes byte by byte does not hold something for each piece. */
export async function expectPiecesForgotten(
  stage: Stage,
  FrameDecoder: typeof FramesModule.FrameDecoder,
  reason: Reason,
): Promise<void> {
  stage.story.tell('test', `pushes ${withCommas(PIECES)} bytes of a frame, one by one`)
  let heldBytes = Number.POSITIVE_INFINITY
  // What others hold meanwhile counts as well: it is the least of three that tells.
  for (let round = 0; round < 3 && heldBytes >= FEW; round++) {
    const decoder = new FrameDecoder()
    decoder.push(announce(2 * PIECES))
    const before = await heldBytesNow()
    for (let piece = 0; piece < PIECES; piece++) decoder.push(new Uint8Array(1))
    heldBytes = Math.min(heldBytes, (await heldBytesNow()) - before)
    // It lives until here.
    decoder.push(new Uint8Array())
  }
  stage.expect('the decoder to hold less than 2 MiB', heldBytes < FEW, {
    ...reason,
    expected: `${withCommas(PIECES)} bytes have arrived`,
    received: `${Math.round(heldBytes / MEBIBYTE)} MiB`,
  })
}

async function heldBytesNow(): Promise<number> {
  collectGarbage()
  await setImmediate()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

/** A chunk of 64 KiB, as a socket reads it: whole frames, and the first bytes of one with so many. */
export function chunkThatEndsInAFrame(announcedBytes: number): Uint8Array {
  const begun = [...announce(announcedBytes), 1]
  const whole = frame(new Uint8Array(64 * 1024 - begun.length - 4))
  const chunk = Buffer.alloc(64 * 1024)
  chunk.set(whole)
  chunk.set(begun, whole.length)
  return chunk
}
