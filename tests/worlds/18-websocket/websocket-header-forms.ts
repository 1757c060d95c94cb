/** Headers of chapter 18 in all their forms: every length, opcode and key. */

import { hex } from '../../harness/bytes.ts'
import type { Reason } from '../../harness/failure.ts'
import { withCommas } from '../../harness/numbers.ts'
import { clientFrame, OPCODE } from '../../protocols/websocket.ts'
import { type HeaderTrials, inHex } from './websocket-headers.ts'

const CONTROL = { close: 1, ping: 1, pong: 1 }

export function expectHeadersRead({ check, huge }: HeaderTrials): void {
  const size: Reason = {
    because:
      'A length of up to 125 is in the second byte itself; 126 and 127 there say that 2 or 8 bytes of length follow.',
    likely: 'The length is big-endian, in all of its bytes, and << has only 32 bits.',
  }
  for (const length of [
    70_000,
    0,
    1,
    125,
    126,
    127,
    255,
    256,
    65_535,
    65_536,
    2 ** 31,
    2 ** 32 + 5,
    2 ** 40,
    2 ** 48 + 70_000,
  ]) {
    const lengthBytes = length < 126 ? 0 : length < 65_536 ? 2 : 8
    const frame = clientFrame('binary', '..', { length })
    const text = `a header that announces ${withCommas(length)} bytes`
    check(text, frame, { length }, 6 + lengthBytes, size)
  }
  for (const length of [
    2n ** 53n + 1n,
    2n ** 63n - 1n,
    2n ** 63n,
    2n ** 63n + 5n,
    2n ** 64n - 1n,
  ]) {
    huge(length)
  }
  for (const kind of ['continuation', 'text', 'binary', 'close', 'ping', 'pong'] as const) {
    for (const isFinal of kind in CONTROL ? [true] : [true, false]) {
      const what = `the header of a ${kind} frame${isFinal ? '' : ' that is not final'}`
      const expected = { isFinal, opcode: OPCODE[kind], length: 3 }
      check(what, clientFrame(kind, '...', { isFinal }), expected, 6, {
        because: 'FIN is the highest bit of the first byte, the opcode its lowest four.',
      })
    }
  }
  for (const kind of ['close', 'ping', 'pong'] as const) {
    const frame = clientFrame(kind, '..', { length: 125 })
    check(`a ${kind} frame of 125 bytes`, frame, { opcode: OPCODE[kind], length: 125 }, 6, {
      because: 'A control frame may have 125 bytes.',
    })
  }
  for (const key of [
    [0, 0, 0, 0],
    [1, 2, 3, 4],
    [0xff, 0xff, 0xff, 0xff],
    [0, 0, 0, 0x80],
  ]) {
    const number = inHex(Buffer.from(key).readUInt32LE())
    check(
      `the key ${hex(Buffer.from(key))}`,
      clientFrame('binary', '..', { key }),
      { key: number, length: 2 },
      6,
      {
        because: 'readKey() makes one number of the four bytes after the length.',
        likely: 'The key follows the length: 2, 4 or 10 bytes after the start.',
      },
    )
  }
}
