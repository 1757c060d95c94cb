/** Masked payloads for `unmask` of chapter 18: anywhere in a buffer, in any piece of a payload, and how long it takes. */

import type * as FramesModule from '#code/18-websocket/websocket-frames.ts'
import { countBytes, hex } from '../../harness/bytes.ts'
import { randomBytes, randomInteger } from '../../harness/random.ts'
import type { Stage } from '../../judge/step.ts'

type Unmask = typeof FramesModule.unmask

/** Payloads of every length, from any place to any place, in a view, in pieces, and at random. */
export function expectMasksOff(stage: Stage, unmask: Unmask): void {
  const { random, story } = stage
  const trial = maskTrial(stage, unmask)
  const check = (...[offset, start, length, before, key]: [...Numbers, key: number[]]) => {
    for (const behind of [9, 0]) trial({ offset, start, length, before, behind, key })
  }
  const keys = [
    [0x37, 0xfa, 0x21, 0x3d],
    [0x81, 0xff, 0x80, 0xc3],
    [0, 0, 0, 1],
    [0, 0, 0, 0],
  ]
  for (let length = 0; length <= 70; length++) check(0, 0, length, 0, keys[length % 4])
  story.judge('test', 'expects payloads of 0 to 70 bytes to be unmasked', 'kept')
  for (let start = 0; start < 8; start++) {
    for (const length of [1, 5, 64, 67, 200, 1_001]) check(0, start, length, 0, keys[length % 2])
  }
  story.judge('test', 'expects the same wherever the payload begins', 'kept')
  for (let length = 0; length < 7; length++) {
    for (const start of [98, 99, 101, 5_003]) check(0, start, length, 0, keys[length % 2])
  }
  story.judge('test', 'expects the same of tiny payloads far inside a chunk', 'kept')
  for (let offset = 1; offset < 8; offset++) {
    for (const length of [3, 64, 333])
      for (const start of [0, 2, 6]) check(offset, start, length, 0, keys[1])
  }
  story.judge('test', 'expects the same in a view', 'kept')
  for (let before = 1; before < 9; before++) {
    for (const length of [1, 6, 100, 259])
      for (const start of [0, 1, 6]) check(1, start, length, before, keys[before % 2])
  }
  check(3, 6, 70_003, 2 ** 33 + 3, keys[0])
  story.judge('test', 'expects the same for the later pieces of a payload', 'kept')
  for (let round = 0; round < 200; round++) {
    const some = (limit: number) => randomInteger(random, limit)
    check(some(9), some(20), some(some(2) ? 40 : 5_000), some(1_000), [...randomBytes(random, 4)])
  }
  story.judge('test', 'expects the same for 200 random payloads', 'kept')
}

type Numbers = [offset: number, start: number, length: number, before: number]

/** A payload in a view that begins at `offset` of its buffer. */
interface Span {
  offset: number
  start: number
  length: number
  before: number
}

interface Place extends Span {
  /** So many bytes of the view lie behind the payload. */
  behind: number
  key: number[]
}

/** Unmasks a payload, and expects it and what lies around it to be right. Only what goes wrong is told. */
function maskTrial({ expect, random, story }: Stage, unmask: Unmask) {
  return (at: Place) => {
    const { offset, start, length, before, behind, key } = at
    // In a buffer of just that length, which need not be whole words.
    const all = Uint8Array.from(randomBytes(random, offset + start + length + behind))
    // A chunk from a socket is a Buffer, whose slice() is no copy.
    const view = all.subarray(offset)
    const bytes = length % 2 > 0 ? view : Buffer.from(view.buffer, view.byteOffset, view.length)
    const expected = Uint8Array.from(bytes)
    for (let place = 0; place < length; place++)
      expected[start + place] ^= key[(before + place) % 4]
    const original = Uint8Array.from(bytes)
    const call = `unmask(bytes, ${start}, ${start + length}, key, ${before})`
    const tell = () =>
      story.tell(
        'test',
        `calls ${call}; the bytes are a view that begins at byte ${offset} of a buffer of ${countBytes(all.length)}`,
      )
    try {
      unmask(bytes, start, start + length, Buffer.from(key).readInt32LE(), before)
    } catch (error) {
      tell()
      if (!String(error).includes('byte length of')) throw error
      expect('unmask() to work in a buffer of any length', false, {
        because: 'A chunk lies in a buffer whose length need not be a multiple of four.',
        likely:
          'A buffer may have any length: make a view of the words in the payload, not of the whole buffer.',
        received: String(error),
      })
    }
    const place = expected.findIndex((byte, index) => byte !== bytes[index])
    if (place < 0) return
    tell()
    const isOutside = place < start || place >= start + length
    const from = Math.max(0, place - 4)
    expect(isOutside ? 'bytes outside the payload not to change' : 'the mask to be off', false, {
      because: isOutside
        ? 'What lies around a payload belongs to other frames.'
        : 'Byte 0 of a payload is XORed with the first byte of the key, byte 4 with the first again, wherever the payload lies.',
      likely: isOutside
        ? likelyOutside(place - start, at)
        : likelyInside(place - start, bytes[place] ^ original[place], at),
      expected: `byte ${place - start} of the payload: ${hex(expected.subarray(from, place + 8))}`,
      received: `${hex(bytes.subarray(from, place + 8))} (with the mask: ${hex(original.subarray(from, place + 8))}, key ${hex(Buffer.from(key))})`,
    })
  }
}

/** From so many bytes on a test may expect words. */
const WORDS_FROM = 64

function likelyOutside(place: number, { length }: Place): string {
  if (place < 0) return 'The payload begins at byte `start`: leave the bytes before it alone.'
  return length < WORDS_FROM
    ? '`end` is the place after the last byte of the payload: leave the byte there alone.'
    : 'How many whole words are there from `at` to `end`?'
}

/** Why a byte of the payload may be wrong; `used` is what it was XORed with. */
function likelyInside(place: number, used: number, at: Place): string {
  const { offset, start, length, before, behind, key } = at
  const isLast = place > length - 4 && length >= WORDS_FROM
  if (used === 0) {
    if (behind === 0 && place === length - 1) {
      return 'It is unchanged. A payload may end where the bytes end, and its last byte counts, too.'
    }
    return isLast
      ? 'It is unchanged. After the last whole word, up to three bytes are left.'
      : 'It is unchanged: left out, or unmasked in a copy, or unmasked twice, or the key was shifted away.'
  }
  const due = (before + place) % 4
  const other = key.indexOf(used)
  if (other < 0) return 'A mask comes off with XOR (^), one byte of the key for each byte.'
  const found = `Byte ${other} of the key was used, but byte ${due} is due. `
  if (before > 0 && place < 4) {
    return `${found}\`before\` bytes of the payload came earlier: the key goes on from there.`
  }
  if (place === 0 && offset > 0 && length >= WORDS_FROM) {
    return `${found}A view of words has to begin at byte \`bytes.byteOffset + at\` of the buffer.`
  }
  if (place === 0) {
    return offset + start > 0
      ? `${found}Where a payload lies does not matter, only how many of its bytes came earlier.`
      : `${found}No bytes came earlier, so the first byte of the key is due: the lowest one of the number.`
  }
  if (length < WORDS_FROM) {
    return `${found}The first byte of the key is the lowest one of the number, the second one the next: rotate the key to the right.`
  }
  if (isLast) return `${found}After the words, go on with the byte of the key that is due there.`
  if ((offset + start) % 4 > 0) {
    return `${found}After the first single bytes, another byte of the key is due.`
  }
  return `${found}A word holds all four bytes of the key: XOR every word with the same number.`
}

/**
 * Words need 0.1 to 0.6 of our loop over the bytes, and 0.8 where cores are scarce and each piece is copied to be aligned.
 * Other loops over the bytes need 1.1 and more: the key of ours never changes.
 */
const LESS = 0.85

export async function expectWords({ expect }: Stage, unmask: Unmask): Promise<void> {
  const places: [string, Span, string][] = [
    [
      '64 KiB',
      { offset: 0, start: 0, length: 64 * 1024, before: 0 },
      'Take four bytes at a time: a Uint32Array over the aligned part of the bytes, and a plain `for` over its elements.',
    ],
    [
      'a later piece of 3,001 bytes, after a header, in a view',
      { offset: 1, start: 6, length: 3_001, before: 3 },
      'A payload begins anywhere: take some single bytes, then words, then the remaining bytes, from WORTH_WORDS bytes on.',
    ],
  ]
  const acts = [
    xorInLoop,
    ...places.map(([, { offset, start, length, before }]) => {
      const bytes = new Uint8Array(offset + start + length).subarray(offset)
      return () => {
        for (let done = 0; done < LOOP_BYTES; done += length)
          unmask(bytes, start, start + length, 0x04030201, before)
      }
    }),
  ]
  const costs = await nsPerByte(acts, ([loop, ...words]) => Math.max(...words) / loop < LESS)
  for (const [index, [what, , likely]] of places.entries()) {
    const ratio = costs[index + 1] / costs[0]
    expect(`${what} to cost less than in a loop over the bytes`, ratio < LESS, {
      because: 'Every byte of every message goes through here, and four of them fit into a word.',
      likely,
      expected: `less than ${LESS} times the cost of such a loop`,
      received: `${ratio.toFixed(2)} times that cost`,
    })
  }
}

const LOOP_BYTES = 512 * 1024

/** Rounds of measuring: at least, and at most. */
const ROUNDS = { few: 40, many: 200 }

/**
 * Of each of them, the least of many tries: other work on the machine makes it more, now here and now there. V8 compiles in
 * a thread of its own, which may wait for a core, too: that is why what costs too much is tried for longer.
 */
async function nsPerByte(
  acts: (() => void)[],
  isEnough: (leastMs: number[]) => boolean,
): Promise<number[]> {
  const least = acts.map(() => Number.POSITIVE_INFINITY)
  for (let round = 0; round < ROUNDS.few || (round < ROUNDS.many && !isEnough(least)); round++) {
    await new Promise((resolve) => setImmediate(resolve))
    for (const [index, act] of acts.entries()) {
      const startedAt = performance.now()
      act()
      least[index] = Math.min(least[index], performance.now() - startedAt)
    }
  }
  return least.map((ms) => (ms * 1_000_000) / LOOP_BYTES)
}

const LOOP = new Uint8Array(LOOP_BYTES)
const LOOP_KEY = Uint8Array.from([1, 2, 3, 4])

function xorInLoop(): void {
  for (let place = 0; place < LOOP.length; place++) LOOP[place] ^= LOOP_KEY[place & 3]
}
