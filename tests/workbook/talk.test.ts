/** `npm start talk` to servers that speak in frames: a line typed is a frame sent, a frame that comes is a line shown. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { speakFrames } from '../../tutor/verbs/talk-speech.ts'
import { frame } from '../protocols/frames.ts'

const RUNS = { seed: 13, numRuns: 200 }

/** Bytes in pieces that end anywhere, in the middle of a character as well. */
function cutAt(bytes: Buffer, places: number[]): Buffer[] {
  const cuts = places.map((place) => place % (bytes.length + 1)).toSorted((a, b) => a - b)
  return [...cuts, bytes.length].map((end, index) => bytes.subarray(cuts[index - 1] ?? 0, end))
}

const line = fc
  .string({ unit: 'grapheme', minLength: 1 })
  .filter((text) => !/[\r\n]/.test(text) && text.trim() === text)
const lines = fc.array(line, { maxLength: 6 })
const places = fc.array(fc.nat(), { maxLength: 8 })

test('however the keyboard’s bytes come in pieces, each line is one frame', () => {
  fc.assert(
    fc.property(lines, places, (typed, cuts) => {
      const speech = speakFrames()
      const sent = cutAt(Buffer.from(typed.join('\n\n')), cuts).map((piece) => speech.encode(piece))
      sent.push(speech.encodeEnd())
      expect(Buffer.concat(sent)).toEqual(Buffer.concat(typed.map(frame)))
    }),
    RUNS,
  )
})

test('however frames come in pieces, each is shown on a line of its own, and controls nothing', () => {
  const bytes = Buffer.concat(['{"type":"pong"}', 'bell \u0007', '你好'].map(frame))
  for (let place = 0; place <= bytes.length; place++) {
    const speech = speakFrames()
    const shown = speech.decode(bytes.subarray(0, place)) + speech.decode(bytes.subarray(place))
    expect(shown).toBe('{"type":"pong"}\nbell \\x07\n你好\n')
  }
})

test('what is no frame is said', () => {
  expect(speakFrames().decode(Buffer.from('HTTP/1.1 400'))).toMatch(/^not a frame: /)
})
