/** What a decoder of chapter 09 makes of bytes, however they are cut: told as texts that a card can show. */

import { setImmediate } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
import type * as FramesModule from '#code/09-framing/frames.ts'
import { countBytes, hex, quote } from '../../harness/bytes.ts'
import type { Reason } from '../../harness/failure.ts'
import type { Stage } from '../../judge/step.ts'
import { frame } from '../../protocols/frames.ts'
import { type Budget, causeOf, limitCalls } from './frame-causes.ts'

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
    const budget = { calls: 0 }
    limitCalls(decoder, 'next', budget)
    const answers: Answer[] = []
    for (const piece of pieces) {
      answers.push(answerOf(decoder, piece, budget))
      if (answers.at(-1)!.thrown) break
    }
    const expected = dueAfter(payloads, pieces)
    // Once more when all is over: neither payloads nor lists may change afterwards.
    const received = answers.map(({ returned }) => describeAll(returned))
    const wrong = answers.findIndex(
      ({ thrown }, index) => thrown || listed(received[index]) !== listed(expected[index]),
    )
    if (wrong < 0) return
    for (const [index, texts] of received.slice(0, wrong + 1).entries()) {
      stage.story.tell('test', `pushes ${quote(pieces[index])}`)
      if (index < wrong) stage.story.tell('decoder', `returns ${listed(texts)}`)
    }
    const { list, atOnce, thrown } = answers[wrong]
    const due = listed(expected[wrong])
    const wasRight = !thrown && listed(atOnce) === due
    const isListWrong = wasRight && listed(describeAll(list)) === due
    const what = isListWrong ? 'the list' : wasRight ? 'payloads' : undefined
    stage.expect(
      what ? `${what} to stay what ${what === 'payloads' ? 'they were' : 'it was'}` : COMPLETES,
      false,
      {
        ...reason,
        ...causeOf(
          {
            received: received[wrong],
            expected: expected[wrong],
            thrown,
            wasRight,
            isListWrong,
            isLater: wrong > 0,
          },
          reason,
        ),
        expected: due,
        received: thrown ? String(thrown) : listed(received[wrong]),
      },
    )
  }
}

const COMPLETES = 'the frames that this chunk completes'

/** What push() returned, that as a list, and what it was at once; or what it threw. */
interface Answer {
  returned: Iterable<FramesModule.Parsed>
  list: FramesModule.Parsed[]
  atOnce: string[]
  thrown?: unknown
}

function answerOf(decoder: FramesModule.FrameDecoder, piece: Uint8Array, budget: Budget): Answer {
  budget.calls = 8 * piece.length + 64
  limitCalls(piece, 'subarray', budget)
  try {
    const returned: Iterable<FramesModule.Parsed> = decoder.push(piece)
    const list = toList(returned)
    // What is no list can be gone through once.
    return { returned: Array.isArray(returned) ? returned : list, list, atOnce: describeAll(list) }
  } catch (thrown) {
    if (String(thrown).includes('TODO') || String(thrown).includes('call stack')) throw thrown
    return { returned: [], list: [], atOnce: [], thrown }
  } finally {
    budget.calls = Number.POSITIVE_INFINITY
  }
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
