/** What a Close of chapter 18 says, and what it may not say. */

import { hex } from '../../harness/bytes.ts'
import type { Reason } from '../../harness/failure.ts'
import type { Stage } from '../../judge/step.ts'
import { closePayload } from '../../protocols/websocket.ts'

export async function expectCloses(stage: Stage): Promise<void> {
  const { expectSame, load, story } = stage
  const { parseClose } = await load(() => import('#code/18-websocket/close.ts'))
  const check = (payload: Uint8Array, expected: unknown, reason: Reason) => {
    story.tell('test', `parses a Close with ${payload.length === 0 ? 'no payload' : hex(payload)}`)
    const close = parseClose(Uint8Array.from(payload))
    const received = typeof close === 'string' ? close : { code: close.code, reason: close.reason }
    const isTooEarly = received === 'not-utf8' && typeof expected === 'object'
    const likely = isTooEarly
      ? 'The reason begins behind the two bytes of the code.'
      : reason.likely
    expectSame('the result', received, expected, { ...reason, likely, look: 'parseClose()' })
  }
  check(
    closePayload(),
    { code: 1005, reason: '' },
    {
      because:
        'A Close need not say why. 1005 stands for that, and is never sent (RFC 6455 §7.1.5).',
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
        likely:
          code === 1000
            ? 'The code is big-endian.'
            : '1000–1003, 1007–1014 and 3000–4999 may be sent.',
      },
    )
  }
  check(
    closePayload(4321, 'gone for lunch 🍰'),
    { code: 4321, reason: 'gone for lunch 🍰' },
    {
      because: 'Behind the code comes the reason, in UTF-8.',
    },
  )
  for (const code of [
    0, 1, 255, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535,
  ]) {
    check(closePayload(code, 'why'), 'bad-close', {
      because: `${code} may not be sent: ${whyNot(code)}`,
    })
  }
  for (const reason of [[0xff], [0xc3], [0x61, 0xed, 0xa0, 0x80]]) {
    check(closePayload(1000, Buffer.from(reason)), 'not-utf8', {
      because: 'A reason is text, and all of it is there (RFC 6455 §5.5.1).',
    })
  }
}

function whyNot(code: number): string {
  if (code < 1000) return 'below 1000 there are none (§7.4.2).'
  if (code < 1016) return 'it is reserved (§7.4.1).'
  return code < 3000 ? 'nobody has defined it (§7.4.2).' : 'from 5000 on there are none.'
}
