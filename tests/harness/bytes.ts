/**
 * Bytes as people read them: quoted text, hex, counts.
 *
 * A server under test may send anything, so nothing here lets a control character through to the terminal.
 */

import { withCommas } from './numbers.ts'

const MEBIBYTE = 1024 * 1024

export type Bytes = string | Uint8Array

/** Text becomes UTF-8; bytes stay what they are. */
export function toBytes(data: Bytes): Uint8Array {
  return typeof data === 'string' ? Buffer.from(data, 'utf8') : data
}

/** `"hello\n"`: text in quotes, everything unprintable escaped, cut to `maxBytes` with an ellipsis. */
export function quote(data: Bytes, maxBytes = 48): string {
  const bytes = toBytes(data)
  const shown = bytes.subarray(0, maxBytes)
  const ellipsis = bytes.length > maxBytes ? '…' : ''
  return `"${[...units(shown)].map((unit) => unit.text).join('')}"${ellipsis}`
}

/** `68 65 6c 6c 6f`, cut to `maxBytes` with an ellipsis. */
export function hex(data: Bytes, maxBytes = 24): string {
  const bytes = toBytes(data)
  const shown = [...bytes.subarray(0, maxBytes)].map(hexByte).join(' ')
  return bytes.length > maxBytes ? `${shown} …` : shown
}

/** `1 byte`, `1,500 bytes`, `10 MiB`. */
export function countBytes(count: number): string {
  const mebibytes = count / MEBIBYTE
  if (mebibytes >= 1) return `${withCommas(Number(mebibytes.toFixed(1)))} MiB`
  return count === 1 ? '1 byte' : `${withCommas(count)} bytes`
}

/** `3 of 10 bytes`, `3.7 of 12 MiB`. */
export function countPart(part: number, whole: number): string {
  if (whole < MEBIBYTE) return `${withCommas(part)} of ${countBytes(whole)}`
  return `${(part / MEBIBYTE).toFixed(1)} of ${countBytes(whole)}`
}

/** Index of the first byte that differs; -1 when one is a prefix of the other. */
export function firstDifference(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length)
  // Compared in slices: a plain loop over 10 MiB would cost more than the server under test.
  for (let start = 0; start < length; start += 65_536) {
    const end = Math.min(start + 65_536, length)
    if (Buffer.compare(a.subarray(start, end), b.subarray(start, end)) === 0) continue
    for (let index = start; index < end; index++) if (a[index] !== b[index]) return index
  }
  return -1
}

/** Text of unknown origin, made safe for a terminal; line ends stay. */
export function printable(text: string): string {
  return text.replace(
    /[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    escapeCharacter,
  )
}

/** One thing to show: the bytes it stands for and its printed form. */
export interface Unit {
  text: string
  bytes: number
}

/** Cuts bytes into what can be printed one after the other: characters, or escapes for single bytes. */
export function* units(bytes: Uint8Array): Generator<Unit> {
  let index = 0
  while (index < bytes.length) {
    const length = characterLength(bytes, index)
    if (length === 0) {
      yield { text: `\\x${hexByte(bytes[index])}`, bytes: 1 }
      index += 1
      continue
    }
    const character = Buffer.from(bytes.subarray(index, index + length)).toString('utf8')
    yield {
      text: character === '"' ? '\\"' : printable(character.replace('\n', '\\n')),
      bytes: length,
    }
    index += length
  }
}

/** Length of the UTF-8 character that starts at `index`, 0 when none does. */
function characterLength(bytes: Uint8Array, index: number): number {
  const first = bytes[index]
  const length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0
  if (length === 0 || index + length > bytes.length) return 0
  const text = Buffer.from(bytes.subarray(index, index + length)).toString('utf8')
  return text.includes('\ufffd') ? 0 : length
}

function escapeCharacter(character: string): string {
  if (character === '\r') return '\\r'
  if (character === '\t') return '\\t'
  const code = character.charCodeAt(0)
  return code < 0x100 ? `\\x${hexByte(code)}` : `\\u${code.toString(16)}`
}

function hexByte(byte: number): string {
  return byte.toString(16).padStart(2, '0')
}
