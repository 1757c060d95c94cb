/** Bytes for the UTF-8 check of chapter 18, one by one: which may come where, as Node's own encoder knows it. */

import { setImmediate as turn } from 'node:timers/promises'
import type * as Utf8Module from '#code/18-websocket/utf8.ts'
import { hex } from '../../harness/bytes.ts'
import { costInCopies, LARGE_BYTES, leastUs } from '../../harness/cost.ts'
import type { Stage } from '../../judge/step.ts'
import { causeOfRefused, causeOfTaken } from './utf8-causes.ts'

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
  const accepts = (...pieces: number[][]) => {
    const check = new Utf8Check()
    return pieces.every((piece) => check.push(Uint8Array.from(piece)))
  }
  const stateOf = knowCharacters()
  /** How many of the bytes belong to the character of the last one; those before are right. */
  const ofLastCharacter = (bytes: number[]) => {
    let begun = ''
    for (const byte of bytes) {
      if (stateOf(begun) === 'whole') begun = ''
      begun += String.fromCharCode(byte)
    }
    return begun.length
  }
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
    const judged = bytes.slice(0, Math.min(received, expected) + 1)
    const causeOf = isLate ? causeOfTaken : causeOfRefused
    expectSame('the number of bytes that are taken', received, expected, {
      because: isLate
        ? `No valid text has ${hex(Uint8Array.of(bytes[expected]))} here. It is refused at once, before more bytes arrive.`
        : 'There are characters that begin like this.',
      ...causeOf(judged, ofLastCharacter(judged), accepts),
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

/**
 * What a piece of 64 KiB costs, beside 64 of 1 KiB: 1, if every byte costs the same. Plain arrays of bytes, for `slice()`
 * of a Buffer copies nothing.
 */
export async function growthOfCost(Utf8Check: CheckClass): Promise<number> {
  const check = new Utf8Check()
  const [small, large] = [1_024, 65_536].map((length) => new Uint8Array(length).fill(0x78))
  const smallUs = leastUs(64, () => check.push(small))
  let largeUs = Number.POSITIVE_INFINITY
  for (let attempt = 0; attempt < 3; attempt++) {
    // Whoever copies takes half a second, or more: slow code is not code that never returns.
    await turn()
    largeUs = Math.min(
      largeUs,
      leastUs(1, () => check.push(large), 1),
    )
  }
  return largeUs / (64 * smallUs)
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
