/** What a decoder of chapter 09 makes of bytes, however they are cut: told as texts that a card can show. */

import { setImmediate } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
import type * as FramesModule from '#code/09-framing/frames.ts'
import { countBytes, hex, quote } from '../../harness/bytes.ts'
import type { Reason } from '../../harness/failure.ts'
import type { Stage } from '../../judge/step.ts'
import { frame } from '../../protocols/frames.ts'

/** The same bytes in a buffer that holds nothing else; Node's small Buffers share theirs. */
export function own(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes)
}

export function expectText(
  stage: Stage,
  what: string,
  received: string,
  expected: string,
  reason: Reason,
): void {
  stage.expect(`${what} to be ${expected}`, received === expected, {
    ...reason,
    expected,
    received,
  })
}

export function load(stage: Stage): Promise<typeof FramesModule> {
  return stage.load(() => import('#code/09-framing/frames.ts'))
}

export type Payload = string | Uint8Array

export function glued(...payloads: Payload[]): Buffer {
  return Buffer.concat(payloads.map(frame))
}

/** Every place at which bytes can be cut in two, and their end. */
export function places(bytes: Uint8Array): number[] {
  return Array.from({ length: bytes.length }, (_, index) => index + 1)
}

export function cutAt(bytes: Uint8Array, ...at: number[]): Uint8Array[] {
  return [0, ...at].map((start, index) => bytes.subarray(start, at[index]))
}

/**
 * Pushes the pieces into a new decoder and expects every payload as soon as its last byte is there. Only a failure is
 * told: that one from the start. The watchdog of this process gets its turn before each one.
 */
export function checker(stage: Stage, FrameDecoder: typeof FramesModule.FrameDecoder) {
  return async (payloads: Payload[], pieces: Uint8Array[], reason: Reason) => {
    await setImmediate()
    const decoder = new FrameDecoder()
    const answers = pieces.map((piece) => {
      const list = toList(decoder.push(piece))
      return { list, atOnce: describeAll(list) }
    })
    const expected = dueAfter(payloads, pieces).map(listed)
    // Once more when all is over: a payload must not change afterwards.
    const received = answers.map(({ list }) => listed(describeAll(list)))
    const wrong = received.findIndex((text, index) => text !== expected[index])
    if (wrong < 0) return
    for (const [index, text] of received.slice(0, wrong + 1).entries()) {
      stage.story.tell('test', `pushes ${quote(pieces[index])}`)
      if (index < wrong) stage.story.tell('decoder', `returns ${text}`)
    }
    const hasChanged = listed(answers[wrong].atOnce) === expected[wrong]
    const losesTheRest = wrong > 0 && expected[wrong].startsWith(`${received[wrong]}, `)
    stage.expect(
      hasChanged ? 'payloads to stay what they were' : 'the frames that this chunk completes',
      false,
      {
        ...(hasChanged ? UNCHANGED : losesTheRest ? BEHIND : reason),
        expected: expected[wrong],
        received: received[wrong],
      },
    )
  }
}

const BEHIND: Reason = {
  because: 'Behind the frame that this chunk completes there are more frames.',
  likely:
    'The rest of the chunk is lost, or has become part of the frame. Take what that frame is missing and no more; the next one begins there.',
  look: ['frames.#finishBegun()', 'frames.push()'],
}

const UNCHANGED: Reason = {
  because: 'What has been handed out belongs to others, and later chunks must not write into it.',
  likely: 'The memory of a frame that was handed out is used again for the next one.',
  look: ['frames.#finishBegun()', 'frames.#keep()'],
}

/** Which frames each piece completes. */
function dueAfter(payloads: Payload[], pieces: Uint8Array[]): string[][] {
  let endOfFrame = 0
  const due = payloads.map((payload) => {
    endOfFrame += frame(payload).length
    return { endOfFrame, text: describePayload(Buffer.from(payload)) }
  })
  let pushed = 0
  return pieces.map((piece) => {
    const before = pushed
    pushed += piece.length
    return due
      .filter(({ endOfFrame: end }) => end > before && end <= pushed)
      .map(({ text }) => text)
  })
}

function listed(texts: string[]): string {
  if (texts.length === 0) return 'nothing'
  return texts.length > 6
    ? `${texts.length} frames: ${texts.slice(0, 5).join(', ')}, …`
    : texts.join(', ')
}

function toList<T>(decoded: Iterable<T>): T[] {
  return decoded === undefined ? [] : [...decoded]
}

export function describeAll(decoded: Iterable<FramesModule.Parsed>): string[] {
  return toList(decoded).map(describe)
}

export function describe(parsed: FramesModule.Parsed): string {
  if (parsed?.kind === 'frame') return describePayload(parsed.payload)
  if (parsed?.kind === 'invalid') return `invalid: ${parsed.reason}`
  return parsed?.kind === 'incomplete' ? incomplete(parsed.missingBytes) : String(parsed)
}

export function incomplete(missingBytes: number): string {
  return `incomplete, missingBytes: ${missingBytes}`
}

/** Short ones as they are, long ones so that two of them differ when their bytes do. */
export function describePayload(payload: Uint8Array): string {
  if (payload?.length <= 40) return `frame ${quote(payload)}`
  const sum = payload && crc32(payload).toString(16)
  return `frame of ${countBytes(payload?.length)} that begins ${hex(payload, 8)} (CRC ${sum})`
}

export function describeEnd(invalid: FramesModule.Invalid | undefined): string {
  return invalid ? String(invalid.kind) : 'in order'
}

export function withoutReason(texts: string[]): string[] {
  return texts.map((text) => text.split(':')[0])
}
