/** What a difference between two byte strings looks like to somebody who has seen many. */

import { countBytes, hex } from './bytes.ts'
import { withCommas } from './numbers.ts'

const REPLACEMENT_CHARACTER = Buffer.from('\ufffd', 'utf8')

/** Enough bytes to recognise a place by. */
const SAMPLE_BYTES = 8

/** The likely cause of a difference at `place`, when the bytes themselves tell it. */
export function explainDifference(
  expected: Uint8Array,
  received: Uint8Array,
  place: number,
): string | undefined {
  const came = Buffer.from(received.buffer, received.byteOffset, received.length)
  const wanted = Buffer.from(expected.buffer, expected.byteOffset, expected.length)

  if (cameThroughText(wanted, came, place)) {
    return `${hex(REPLACEMENT_CHARACTER)} is U+FFFD, which a decoder writes in place of bytes that are not text: the bytes went through a string. Keep them in a Buffer all the way.`
  }
  const sample = came.subarray(place, place + SAMPLE_BYTES)
  if (sample.length < SAMPLE_BYTES) return undefined
  const later = wanted.indexOf(sample, place + 1)
  if (later > place && wanted.indexOf(sample, later + 1) < 0) {
    return `${countBytes(later - place)} are missing: what arrived belongs at byte ${withCommas(later)}.`
  }
  const earlier = wanted.lastIndexOf(sample, place - 1)
  if (earlier >= 0 && later < 0) {
    return `What arrived belongs at byte ${withCommas(earlier)}: bytes were sent twice, or out of order.`
  }
  return undefined
}

/** A decoder may have put its mark a few bytes before or after the first difference. */
function cameThroughText(expected: Buffer, received: Buffer, place: number): boolean {
  const start = Math.max(0, place - REPLACEMENT_CHARACTER.length)
  const end = place + REPLACEMENT_CHARACTER.length
  return (
    received.subarray(start, end).includes(REPLACEMENT_CHARACTER) &&
    !expected.subarray(start, end).includes(REPLACEMENT_CHARACTER)
  )
}
