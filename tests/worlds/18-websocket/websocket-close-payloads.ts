/** What a Close of chapter 18 says, and what it may not say. */

import { isDeepStrictEqual } from 'node:util'
import { hex } from '../../harness/bytes.ts'
import type { Reason } from '../../harness/failure.ts'
import type { Stage } from '../../judge/step.ts'
import { closePayload, codeOf } from '../../protocols/websocket.ts'

export async function expectCloses(stage: Stage): Promise<void> {
  const { expectSame, load, story } = stage
  const { parseClose } = await load(() => import('#code/18-websocket/close.ts'))
  /** As the reader hands it over: somewhere in a chunk. */
  const parse = (payload: Uint8Array) =>
    parseClose(Uint8Array.from([0x88, 0x80, ...payload, 0x81]).subarray(2, 2 + payload.length))
  const check = (payload: Uint8Array, expected: unknown, reason: Reason) => {
    const close = parse(payload)
    const received = typeof close === 'string' ? close : { code: close.code, reason: close.reason }
    if (isDeepStrictEqual(received, expected)) return
    story.tell('test', `parses a Close with ${payload.length === 0 ? 'no payload' : hex(payload)}`)
    const likely = likelyOf(received, expected, payload) ?? reason.likely
    expectSame('the result', received, expected, { ...reason, likely, look: 'parseClose()' })
  }
  const likelyOf = (received: unknown, expected: unknown, payload: Uint8Array) => {
    const isRightAlone = isDeepStrictEqual(parseClose(Uint8Array.from(payload)), expected)
    if (isRightAlone) {
      return 'The payload is a view: its `buffer` is the whole chunk, and byteOffset and length say where the view lies.'
    }
    if (typeof expected === 'string') return undefined
    if (received === 'not-utf8') return 'The reason begins after the two bytes of the code.'
    if (received !== 'bad-close' || payload.length !== 2) return undefined
    const turned = parse(Uint8Array.from(payload).reverse())
    if (typeof turned === 'object') return 'The code is big-endian.'
    if (typeof parse(closePayload(codeOf(payload), 'why')) === 'object') {
      return 'A reason may be missing.'
    }
    return 'The codes that may be sent are 1000–1003, 1007–1014 and 3000–4999.'
  }
  check(
    closePayload(),
    { code: 1005, reason: '' },
    {
      because:
        'A Close need not have a code. 1005 stands for that, and is never sent (RFC 6455 §7.1.5).',
    },
  )
  check(Buffer.of(3), 'bad-close', { because: 'A code has two bytes (RFC 6455 §5.5.1).' })
  for (const code of [
    1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999,
  ]) {
    check(
      closePayload(code),
      { code, reason: '' },
      {
        because: 'That code may be sent (RFC 6455 §7.4).',
      },
    )
  }
  for (const reason of ['gone for lunch 🍰', ' sent as \ufffd\n', 'x'.repeat(123), '\ufeffbye']) {
    check(
      closePayload(4321, reason),
      { code: 4321, reason },
      {
        because: 'After the code comes the reason, in UTF-8, as it was sent.',
        likely: reason.startsWith('\ufeff')
          ? 'A TextDecoder takes a byte order mark off, unless it is made with { ignoreBOM: true }.'
          : undefined,
      },
    )
  }
  for (const code of [
    0, 1, 255, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535,
  ]) {
    check(closePayload(code, 'why'), 'bad-close', {
      because: `${code} may not be sent: ${whyNot(code)}`,
    })
  }
  for (const reason of [[0xff], [0xc3], [0x61, 0xed, 0xa0, 0x80]]) {
    check(closePayload(1000, Buffer.from(reason)), 'not-utf8', {
      because: 'A reason is text in UTF-8, and it is complete (RFC 6455 §5.5.1).',
    })
  }
  story.judge(
    'test',
    'expects codes and reasons as they were sent, and a fault where one is wrong',
    'kept',
  )
}

function whyNot(code: number): string {
  if (code < 1000) return 'there are no codes below 1000 (§7.4.2).'
  if (code < 1016) return 'it is reserved (§7.4.1).'
  return code < 3000 ? 'it is not defined (§7.4.2).' : 'there are no codes from 5000 on.'
}
