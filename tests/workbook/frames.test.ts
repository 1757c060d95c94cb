/** The frames of chapter 09: whatever is sent and however it is cut, the same payloads come out. */

import fc from 'fast-check'
import { describe, test } from 'vitest'
import {
  encodeFrame,
  type Frame,
  FrameDecoder,
  type Invalid,
  parseFrame,
} from '../../solutions/09-framing/frames.ts'
import { announce, frame } from '../protocols/frames.ts'

const RUNS = { seed: 1, numRuns: 400 }

const payload = fc.uint8Array({ maxLength: 300 })
const payloads = fc.array(payload, { maxLength: 12 })
/** Lengths of the pieces; the last one is as long as it has to be. */
const cuts = fc.array(fc.nat({ max: 120 }), { maxLength: 60 })

describe('frames', () => {
  test('are what the tests make of them, and are read back', ({ expect }) => {
    fc.assert(
      fc.property(payload, fc.nat({ max: 9 }), (bytes, at) => {
        const encoded = encodeFrame(bytes)
        expect(Buffer.compare(encoded, frame(bytes))).toBe(0)
        const parsed = parseFrame(Buffer.concat([Buffer.alloc(at, 0xff), encoded]), at, 300)
        expect(parsed).toMatchObject({ kind: 'frame' })
        expect(Buffer.compare((parsed as Frame).payload, bytes)).toBe(0)
      }),
      RUNS,
    )
  })

  test('any cutting of any frames gives the same payloads, each as soon as it is there', ({
    expect,
  }) => {
    fc.assert(
      fc.property(payloads, cuts, (messages, sizes) => {
        const decoder = new FrameDecoder()
        const ends = endsOf(messages)
        const received: Uint8Array[] = []
        let pushed = 0
        for (const piece of pieces(Buffer.concat(messages.map(frame)), sizes)) {
          received.push(...decoder.push(piece).map(payloadOf))
          pushed += piece.length
          expect(received.length).toBe(ends.filter((end) => end <= pushed).length)
        }
        expect(received.map(hex)).toEqual(messages.map(hex))
        expect(decoder.end()).toBeUndefined()
      }),
      RUNS,
    )
  })

  test('the end is in order between two frames and nowhere else', ({ expect }) => {
    fc.assert(
      fc.property(payloads, cuts, fc.nat(), (messages, sizes, place) => {
        const transcript = Buffer.concat(messages.map(frame))
        const end = place % (transcript.length + 1)
        const decoder = new FrameDecoder()
        for (const piece of pieces(transcript.subarray(0, end), sizes)) decoder.push(piece)
        const isBetween = [0, ...endsOf(messages)].includes(end)
        expect(decoder.end()?.kind).toBe(isBetween ? undefined : 'invalid')
      }),
      RUNS,
    )
  })

  test('a length over the limit ends it, behind what was whole before', ({ expect }) => {
    fc.assert(
      fc.property(
        payloads,
        fc.integer({ min: 301, max: 2 ** 32 - 1 }),
        payload,
        cuts,
        (messages, length, junk, sizes) => {
          const transcript = Buffer.concat([...messages.map(frame), announce(length), junk])
          const decoder = new FrameDecoder({ maxBytes: 300 })
          const decoded = pieces(transcript, sizes).flatMap((piece) => decoder.push(piece))
          const last = decoded.pop() as Invalid
          expect(decoded.map((each) => hex(payloadOf(each)))).toEqual(messages.map(hex))
          expect(last.reason).toContain(String(length))
          expect(decoder.push(frame('late'))).toEqual([])
          expect(decoder.end()).toBeUndefined()
        },
      ),
      RUNS,
    )
  })
})

function pieces(bytes: Uint8Array, sizes: number[]): Uint8Array[] {
  const cut: Uint8Array[] = []
  let rest = bytes
  for (const size of sizes) {
    cut.push(rest.subarray(0, size))
    rest = rest.subarray(size)
  }
  return [...cut, rest]
}

/** Where each frame ends in their transcript. */
function endsOf(messages: Uint8Array[]): number[] {
  return messages.map((_, index) => Buffer.concat(messages.slice(0, index + 1).map(frame)).length)
}

function payloadOf(decoded: Frame | Invalid): Uint8Array {
  if (decoded.kind === 'invalid') throw new Error(decoded.reason)
  return decoded.payload
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
