/** Bytes for the UTF-8 check of chapter 18, one by one: which may come where, as Node's own encoder knows it. */

import type * as Utf8Module from '#code/18-websocket/utf8.ts'
import { hex } from '../../harness/bytes.ts'
import { costInCopies, LARGE_BYTES } from '../../harness/cost.ts'
import type { Stage } from '../../judge/step.ts'

type CheckClass = typeof Utf8Module.Utf8Check

/** Pushes bytes one by one, and expects as many to be taken as can begin a text. Only what goes wrong is told. */
export function bytesTrial(
  { expectSame, story }: Stage,
  Utf8Check: CheckClass,
): (...bytes: number[]) => void {
  /** How many bytes are taken before one is refused. */
  const taken = (bytes: Uint8Array) => {
    const check = new Utf8Check()
    const refused = [...bytes].findIndex((byte) => !check.push(Uint8Array.of(byte)))
    return refused < 0 ? bytes.length : refused
  }
  const stateOf = knowCharacters()
  return (...bytes: number[]) => {
    let expected = 0
    let begun = ''
    for (const byte of bytes) {
      begun += String.fromCharCode(byte)
      const state = stateOf(begun)
      if (state === undefined) break
      if (state === 'whole') begun = ''
      expected += 1
    }
    const received = taken(Uint8Array.from(bytes))
    if (received === expected) return
    story.tell('test', `pushes ${hex(Uint8Array.from(bytes))}, byte by byte`)
    const isLate = received > expected
    expectSame('the number of bytes that are taken', received, expected, {
      because: isLate
        ? `No valid text has ${hex(Uint8Array.of(bytes[expected]))} here. It is refused before anything else comes.`
        : 'There are characters that begin like this.',
      likely: isLate ? likelyOfBytes(bytes, expected) : likelyOfRefusal(bytes, received, taken),
    })
  }
}

/** What a byte behind 4 MiB of the same text costs, in copies of those. */
export function costOfPiece(Utf8Check: CheckClass): number {
  const check = new Utf8Check()
  check.push(Buffer.alloc(LARGE_BYTES, 'x'))
  const piece = Buffer.from('x')
  return costInCopies(20, () => check.push(piece))
}

/** What some bytes are: a character, the beginning of one, or neither. Known from what Node writes. */
function knowCharacters(): (bytes: string) => 'whole' | 'begun' | undefined {
  const begun = new Set<string>()
  const allButLast = new Set<string>()
  // The last byte of a longer character is any of 64, so one character in 64 tells of all.
  for (let code = 0x80; code < 0x110000; code += 64) {
    if (code >= 0xd800 && code < 0xe000) continue
    const bytes = Buffer.from(String.fromCodePoint(code)).toString('latin1')
    for (let length = 1; length < bytes.length; length++) begun.add(bytes.slice(0, length))
    allButLast.add(bytes.slice(0, -1))
  }
  return (bytes) => {
    const last = bytes.charCodeAt(bytes.length - 1)
    if (bytes.length === 1 && last < 0x80) return 'whole'
    if (last >= 0x80 && last < 0xc0 && allButLast.has(bytes.slice(0, -1))) return 'whole'
    return begun.has(bytes) ? 'begun' : undefined
  }
}

/** A byte was refused that may come. */
function likelyOfRefusal(
  bytes: number[],
  place: number,
  taken: (bytes: Uint8Array) => number,
): string {
  if (bytes[place] < 0x80) return 'Up to 7F a byte is a whole character.'
  const isBehindNarrow = [0xe0, 0xed, 0xf0, 0xf4].includes(bytes[place - 2])
  // Or three bytes are one too many, with wide bounds as well.
  return isBehindNarrow && taken(Uint8Array.of(0xe1, 0x80, 0x80)) === 3
    ? 'The narrow bounds are for the second byte only.'
    : likelyOfBytes(bytes, place)
}

function likelyOfBytes(bytes: number[], place: number): string {
  const [before, byte] = [bytes[place - 1], bytes[place]]
  if (byte >= 0xc2 && byte < 0xf5) {
    return 'A piece may end inside a character: push() says whether the text can still become valid.'
  }
  if (byte >= 0xc0 || place === 0) {
    return 'C0 and C1 could only begin what is shorter without them, F5 and more what is above U+10FFFF; 80–BF begin nothing.'
  }
  if (before >= 0xe0 && byte >= 0x80) {
    return 'Behind E0, ED, F0 and F4 only some of 80–BF may come: see the table in utf8.ts.'
  }
  return 'Behind the first byte come so many of 80–BF as it says, and what is known of a character is kept until the next piece.'
}
