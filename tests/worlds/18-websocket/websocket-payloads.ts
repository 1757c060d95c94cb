/** Whose the bytes of a message are, in chapter 18: what is not taken is left as it is, and what was handed out, too. */

import type { Stage } from '../../judge/step.ts'
import { clientFrame } from '../../protocols/websocket.ts'
import type { MessageTrials } from './websocket-message-trials.ts'
import { feed, fragment, lastFragment } from './websocket-reader.ts'

export function expectPayloadsLeftAlone(
  { expect, expectSame, story }: Stage,
  { newReader }: MessageTrials,
): void {
  const kept = newReader()
  const bytes = Uint8Array.from(
    Buffer.concat([clientFrame('binary', 'one'), clientFrame('binary', 'two')]),
  )
  const first = kept.next(bytes, 0)
  const end = clientFrame('binary', 'one').length
  story.tell('test', 'hands over two messages in one chunk, and takes one')
  expectSame('the place after the first one', 'end' in first ? first.end : first.kind, end, {
    because: 'A connection may be paused after a message. The next one begins here.',
  })
  expect(
    'the second one not to be touched',
    Buffer.compare(bytes.subarray(end), clientFrame('binary', 'two')) === 0,
    {
      because: 'What is not taken is offered again, and must not be unmasked twice.',
    },
  )
  const parts = newReader()
  const [one] = [fragment('binary', 'ab'), lastFragment('cd', 'binary', 'abcd')]
    .map(({ frame }) => parts.next(Uint8Array.from(frame), 0))
    .slice(1)
  feed(
    parts,
    Buffer.concat([fragment('binary', 'EF').frame, lastFragment('GH', 'binary', 'EFGH').frame]),
  )
  expectSame(
    'the first payload, after the second message has arrived',
    one.kind === 'message' ? Buffer.from(one.payload).toString() : one.kind,
    'abcd',
    {
      because: 'A payload that was handed out is not ours any more: nothing may change it.',
    },
  )
}
