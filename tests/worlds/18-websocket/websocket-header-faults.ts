/** Headers of chapter 18 with one fault each, and the byte that proves it. */

import { withCommas } from '../../harness/numbers.ts'
import type { HeaderTrials } from './websocket-headers.ts'

export function expectHeaderFaults({ faulty }: HeaderTrials): void {
  for (const reserved of [0x40, 0x20, 0x10, 0x70]) {
    faulty(
      `a header with the bits 0x${reserved.toString(16)} set`,
      'reserved-bits',
      'text',
      1,
      { reserved },
      {
        because: 'Nobody has agreed on an extension that would use a reserved bit (RFC 6455 §5.2).',
        likely: 'The reserved bits are the three below FIN: 0x40, 0x20 and 0x10.',
      },
    )
  }
  for (const kind of ['continuation', 'binary', 'close', 'ping', 'pong'] as const) {
    faulty(
      `a ${kind} frame with the bit 0x40 set`,
      'reserved-bits',
      kind,
      1,
      { reserved: 0x40 },
      {
        because:
          'An extension would have to say what the bit means in that frame, and there is none.',
        likely: 'The bits are reserved in frames of every kind.',
      },
    )
  }
  for (const opcode of [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) {
    faulty(
      `opcode ${opcode}`,
      'unknown-opcode',
      opcode,
      1,
      {},
      {
        because: 'Opcodes 3–7 and 11–15 are reserved (RFC 6455 §5.2).',
        likely: 'There are two gaps, and each includes both of its ends.',
      },
    )
  }
  for (const kind of ['close', 'ping', 'pong'] as const) {
    faulty(
      `a ${kind} frame without FIN`,
      'control-in-fragments',
      kind,
      1,
      { isFinal: false },
      {
        because:
          'A control frame may come between fragments, but is never fragmented itself (RFC 6455 §5.5).',
        likely: 'Check FIN for all three of them: close, ping and pong.',
      },
    )
    for (const lengthBytes of [2, 8]) {
      const length = lengthBytes === 2 ? 126 : 70_000
      faulty(
        `a ${kind} frame of ${length} bytes`,
        'control-too-long',
        kind,
        2,
        { length },
        {
          because: 'A control frame has a payload of 125 bytes at most (RFC 6455 §5.5).',
          likely:
            'Check it for close, ping and pong. A 126 or 127 in the second byte already says that the payload is longer.',
        },
      )
    }
  }
  for (const kind of ['continuation', 'text', 'binary', 'close', 'ping', 'pong'] as const) {
    faulty(
      `a ${kind} frame without a mask`,
      'not-masked',
      kind,
      2,
      { key: 'none' },
      {
        because:
          'A client masks each frame, or a page could choose the bytes that a proxy sees (RFC 6455 §5.1, §10.3).',
        likely:
          'An empty frame without a mask has only two bytes: a server that waits for its key waits forever.',
      },
    )
  }
  for (const length of [126, 70_000]) {
    faulty(
      `a binary frame of ${withCommas(length)} bytes without a mask`,
      'not-masked',
      'binary',
      2,
      { key: 'none', length },
      { because: 'The second byte says that there is no mask, whatever the length.' },
    )
  }
  for (const [length, lengthBytes] of [
    [0, 2],
    [1, 2],
    [125, 2],
    [0, 8],
    [125, 8],
    [126, 8],
    [65_535, 8],
  ]) {
    const what = `a length of ${withCommas(length)} in ${lengthBytes} bytes`
    faulty(
      what,
      'length-not-minimal',
      'binary',
      2 + lengthBytes,
      { length, lengthBytes },
      {
        because: 'A length is written in as few bytes as possible (RFC 6455 §5.2).',
        likely: '126 is the first length that needs two bytes, 65,536 the first that needs eight.',
      },
    )
  }
}
