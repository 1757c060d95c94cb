/** Masked payloads for `unmask` of chapter 18: anywhere in a buffer, in any piece of a payload, and how long it takes. */

import type * as FramesModule from '#code/18-websocket/websocket-frames.ts'
import { countBytes, hex } from '../../harness/bytes.ts'
import { randomBytes } from '../../harness/random.ts'
import type { Stage } from '../../judge/step.ts'

type Unmask = typeof FramesModule.unmask

/** Unmasks a payload, and expects it and what lies around it to be right. Only what goes wrong is told. */
export function maskTrial({ expect, random, story }: Stage, unmask: Unmask) {
  return (offset: number, start: number, length: number, before: number, key: number[]) => {
    // In a buffer of just that length, which need not be whole words.
    const all = Uint8Array.from(randomBytes(random, offset + start + length + 9))
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
        because: 'A chunk lies in a buffer that need not be a whole number of words long.',
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
    expect(isOutside ? 'bytes outside not to change' : 'the mask to be off', false, {
      because: isOutside
        ? 'What lies around a payload belongs to other frames.'
        : 'Byte 0 of a payload is XORed with the first byte of the key, byte 4 with the first again, wherever it lies.',
      likely: isOutside
        ? 'How many whole words are there from `at` to `end`?'
        : likelyOf(place - start, length, before, offset + start),
      expected: `byte ${place - start} of the payload: ${hex(expected.subarray(from, place + 8))}`,
      received: `${hex(bytes.subarray(from, place + 8))} (with the mask: ${hex(original.subarray(from, place + 8))}, key ${hex(Buffer.from(key))})`,
    })
  }
}

function likelyOf(place: number, length: number, before: number, address: number): string {
  if (before === 0 && length < 8) {
    return 'The first byte of the key is the lowest one of the number, the second one the next: the key turns right.'
  }
  if (before > 0 && place < 4) return 'So many bytes came before: the key goes on from there.'
  if (place >= length - 4) return 'Behind the last whole word, up to three bytes are left.'
  if (address % 4 > 0) {
    return 'Once the first bytes are done one by one, another byte of the key is the next one.'
  }
  return 'The first byte of the key is the lowest one of the number.'
}

/** The least of several tries: other work on the machine makes both slower, now the one and now the other. */
export function fastestRatio(unmask: Unmask): number {
  const bytes = new Uint8Array(64 * 1024)
  const key = Uint8Array.from([1, 2, 3, 4])
  let [least, leastInLoop] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  const msOf = (act: () => void) => {
    const startedAt = performance.now()
    for (let time = 0; time < 8; time++) act()
    return performance.now() - startedAt
  }
  for (let round = 0; round < 40; round++) {
    least = Math.min(
      least,
      msOf(() => unmask(bytes, 0, bytes.length, 0x04030201, 0)),
    )
    leastInLoop = Math.min(
      leastInLoop,
      msOf(() => xorInLoop(bytes, key)),
    )
  }
  return least / leastInLoop
}

function xorInLoop(bytes: Uint8Array, key: Uint8Array): void {
  for (let place = 0; place < bytes.length; place++) bytes[place] ^= key[place & 3]
}
