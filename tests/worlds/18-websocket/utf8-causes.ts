/** What is most likely wrong with the UTF-8 check of chapter 18, as far as a few more bytes tell. */

import { hex } from '../../harness/bytes.ts'
import type { Reason } from '../../harness/failure.ts'

type Cause = Pick<Reason, 'likely' | 'look'>

/** Whether a new check takes these pieces, one after the other. */
type Accepts = (...pieces: number[][]) => boolean

const COUNT: Cause = {
  likely:
    'The first byte says how many follow: one after C2–DF, two after E0–EF, three after F0–F4.',
  look: ['#begin()', 'push()'],
}

const KEPT: Cause = {
  likely:
    'The state of an unfinished character, including the bounds, has to be kept in fields until the next piece.',
  look: 'push()',
}

const LATER_BOUNDS: Cause = {
  likely: 'From the third byte on, the bounds are 80 and BF.',
  look: 'push()',
}

const TABLE: Cause = {
  likely: 'After E0, ED, F0 and F4, only part of 80–BF may follow: see the table in utf8.ts.',
  look: '#begin()',
}

/** The last of these bytes was taken, one by one, and can have no place there. So many of them belong to its character. */
export function causeOfTaken(bytes: number[], ofCharacter: number, accepts: Accepts): Cause {
  const byte = bytes.at(-1)!
  if (ofCharacter === 1) {
    if (accepts([0x80]) && accepts([0xc0]) && accepts([0xff])) {
      return {
        likely:
          'push() looks at every byte of the piece, and returns false as soon as #begin() does.',
        look: 'push()',
      }
    }
    return accepts([byte]) ? { likely: whyNoFirst(byte), look: '#begin()' } : COUNT
  }
  if (!accepts(bytes)) return KEPT
  if (byte >= 0x80 && byte <= 0xbf) return TABLE
  const wide = [0xf1, 0x80, 0x80].slice(0, ofCharacter - 1)
  if (ofCharacter > 2 && !accepts([...wide, 0x41])) return LATER_BOUNDS
  if (!accepts([0xc3, byte])) return COUNT
  return {
    likely: 'A first byte is followed by as many bytes as it announces, all of them from 80–BF.',
    look: 'push()',
  }
}

function whyNoFirst(byte: number): string {
  if (byte < 0xc0) return '80–BF begin no character: they follow a first byte.'
  return byte < 0xf5
    ? 'C0 and C1 could only begin an overlong encoding of a character that needs one byte.'
    : 'F5 and above could only begin a character above U+10FFFF.'
}

/** The last of these bytes was refused, one by one, and may come there. So many of them belong to its character. */
export function causeOfRefused(bytes: number[], ofCharacter: number, accepts: Accepts): Cause {
  const byte = bytes.at(-1)!
  if (ofCharacter === 1) {
    if (accepts([byte])) return COUNT
    if (byte < 0x80) {
      return { likely: 'Every byte up to 7F is a whole character.', look: 'push()' }
    }
    if (accepts([byte, ...restOf(byte)])) {
      return {
        likely:
          'A piece may end inside a character: push() says whether the text can still become valid.',
        look: 'push()',
      }
    }
    return { likely: `${hexOf(byte)} begins a character, like all of C2–F4.`, look: '#begin()' }
  }
  if (accepts(bytes)) return KEPT
  if (ofCharacter === 2) {
    return accepts([0xc3, byte])
      ? {
          likely:
            'The table gives the first and the last byte that may come next. Except after E0, ED, F0 and F4, they are 80 and BF.',
          look: '#begin()',
        }
      : {
          likely: '#least and #most themselves are allowed: refuse only what lies outside them.',
          look: 'push()',
        }
  }
  const wide = ofCharacter === 3 ? [0xe1, 0x80] : [0xf1, 0x80, 0x80]
  if (accepts([...wide, byte])) {
    return { likely: 'The narrow bounds are for the second byte only.', look: 'push()' }
  }
  return accepts([...wide, 0x90]) ? LATER_BOUNDS : COUNT
}

/** What makes a character of a first byte. */
function restOf(first: number): number[] {
  const second = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80
  if (first < 0xe0) return [second]
  return first < 0xf0 ? [second, 0x80] : [second, 0x80, 0x80]
}

function hexOf(byte: number): string {
  return hex(Uint8Array.of(byte)).toUpperCase()
}
