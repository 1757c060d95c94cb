/** Texts in messages of chapter 18: cut inside a character, and wrong in the middle of a frame. */

import { countBytes, hex } from '../../harness/bytes.ts'
import type { Reason } from '../../harness/failure.ts'
import { randomInteger } from '../../harness/random.ts'
import type { Stage } from '../../judge/step.ts'
import { clientFrame } from '../../protocols/websocket.ts'
import { quietly } from '../for-all.ts'
import {
  byteByByte,
  control,
  cutAt,
  cutSomewhere,
  expectFed,
  fault,
  fragment,
  inFragments,
  lastFragment,
  loadReader,
  type Said,
  whole,
} from './websocket-reader.ts'

export async function expectTexts(stage: Stage): Promise<void> {
  const { MessageReader } = await loadReader(stage)
  const { random, story } = stage
  const check = (what: string, said: Said[], reason: Reason, cut = cutAt(said, [])) => {
    story.tell('test', `sends ${what}`)
    expectFed(quietly(stage), new MessageReader(), cut, reason)
    story.judge(
      'test',
      'expects the messages that are valid, and a fault for one that is not',
      'kept',
    )
  }
  const cake = Buffer.from('🍰 你好')
  const inside: Reason = {
    because: 'A fragment may end inside a character. The next one goes on there (RFC 6455 §5.6).',
    likely: 'Only a whole message is valid or invalid; a fragment alone is neither.',
  }
  for (let place = 0; place <= cake.length; place++) {
    const said = [
      fragment('text', cake.subarray(0, place)),
      control('ping', Buffer.of(0xff)),
      lastFragment(cake.subarray(place), 'text', cake),
    ]
    check(`a text in two fragments, cut at byte ${place}`, said, inside, byteByByte(said))
  }
  check(
    'a binary message that is no text',
    [
      whole('binary', Buffer.of(0xff, 0xc0)),
      fragment('binary', Buffer.of(0xf5)),
      lastFragment(Buffer.of(0x80), 'binary', Buffer.of(0xf5, 0x80)),
    ],
    {
      because: 'A binary message may be any bytes.',
    },
  )
  check('a text that is cut off', [fault(clientFrame('text', cake.subarray(0, 2)), 'not-utf8')], {
    because: 'The message ends inside a character.',
  })
  check(
    'a text whose last fragment is empty',
    [fragment('text', cake.subarray(0, 3)), fault(clientFrame('continuation', ''), 'not-utf8')],
    {
      because: 'The message ends inside a character, and an empty frame ends it.',
      likely: 'Check the end of a message, too, even when no bytes come with it.',
    },
  )
  check(
    'a text that is whole and wrong',
    [fault(clientFrame('text', Buffer.of(0x61, 0xed, 0xa0, 0x80)), 'not-utf8')],
    {
      because: 'Half a surrogate pair is no character.',
    },
  )
  check(
    'three texts',
    [
      fragment('text', 'é'),
      lastFragment('é', 'text', 'éé'),
      whole('text', 'é'),
      whole('text', cake),
    ],
    {
      because: 'Each of them is valid.',
    },
  )

  const early: Reason = {
    because: 'The rest of the frame cannot make this byte right, and may never arrive.',
    likely: 'A payload is checked as it arrives, not when its frame is complete.',
  }
  for (const wrong of [
    [0xc0],
    [0xf5],
    [0xed, 0xa0],
    [0xe0, 0x9f],
    [0xf4, 0x90],
    [0x80],
    [0xce, 0x41],
  ]) {
    const start = Buffer.concat([cake, Buffer.from(wrong)])
    const frame = clientFrame('text', Buffer.concat([start, Buffer.alloc(1_000, 'x')]))
    const headerBytes = frame.length - start.length - 1_000
    for (const pieces of [
      [headerBytes + start.length - 1],
      [9, 12, headerBytes + start.length - 1],
    ]) {
      story.tell(
        'test',
        `begins a text of ${countBytes(start.length + 1_000)} with ${hex(start)}, and sends no more`,
      )
      const feeds = cutAt([{ frame }], [...pieces, headerBytes + start.length]).slice(
        0,
        pieces.length + 1,
      )
      feeds[feeds.length - 1].yields.push('invalid: not-utf8')
      expectFed(quietly(stage), new MessageReader(), feeds, early)
    }
  }
  story.judge('test', 'expects each to fail at once', 'kept')
  for (let round = 0; round < 60; round++) {
    const valid = Buffer.from(
      Array.from({ length: 30 }, () => ['a', 'é', '你', '🍰'][randomInteger(random, 4)]).join(''),
    )
    const said = inFragments(random, 'text', valid, 1 + randomInteger(random, 4))
    expectFed(quietly(stage), new MessageReader(), cutSomewhere(random, said), inside)
  }
  story.judge('test', 'expects 60 texts, fragmented and cut at random, to be valid', 'kept')
}
