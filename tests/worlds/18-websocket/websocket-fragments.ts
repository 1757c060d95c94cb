/** Messages of chapter 18 in fragments: cut at random, and such as must not come. */

import fc from 'fast-check'
import type { Reason } from '../../harness/failure.ts'
import { type Random, randomBytes, randomInteger } from '../../harness/random.ts'
import type { Stage } from '../../judge/step.ts'
import { clientFrame } from '../../protocols/websocket.ts'
import { forAll, quietly } from '../for-all.ts'
import type { MessageTrials } from './websocket-message-trials.ts'
import {
  control,
  cutAt,
  cutSomewhere,
  expectFed,
  fault,
  fragment,
  inFragments,
  lastFragment,
  type Said,
  whole,
} from './websocket-reader.ts'

export async function expectAnyFragments(
  stage: Stage,
  { newReader, withCause }: MessageTrials,
): Promise<void> {
  const { random, story } = stage
  const reason = withCause({
    because:
      'However messages are fragmented, and wherever the bytes are cut, the same messages come out.',
  })
  for (let round = 0; round < 40; round++) {
    const said = Array.from({ length: 4 }, () =>
      inFragments(
        random,
        randomInteger(random, 2) ? 'text' : 'binary',
        ascii(random, randomInteger(random, 300)),
        1 + randomInteger(random, 5),
      ),
    ).flat()
    expectFed(quietly(stage), newReader(), cutSomewhere(random, said), reason)
  }
  story.judge('test', 'expects 40 conversations, cut at random, to yield their messages', 'kept')
  await forAll(
    stage,
    'fragments of any size, with pings between them',
    fc.array(
      fc.record({
        sizes: fc.array(fc.nat(200), { minLength: 1, maxLength: 6 }),
        isText: fc.boolean(),
      }),
      { minLength: 1, maxLength: 5 },
    ),
    (each, messages) => {
      const said = messages.flatMap(({ sizes, isText }) => {
        const payload = ascii(
          random,
          sizes.reduce((sum, size) => sum + size, 0),
        )
        return inFragments(random, isText ? 'text' : 'binary', payload, sizes.length)
      })
      expectFed(each, newReader(), cutSomewhere(random, said), reason)
    },
    60,
  )
}

/** Random bytes that are text as well. */
function ascii(random: Random, length: number): Uint8Array {
  return randomBytes(random, length).map((byte) => byte & 0x7f)
}

/** Two readers, one in the middle of a message. */
export function expectReadersApart(stage: Stage, { newReader }: MessageTrials): void {
  const [ada, bob] = [newReader(), newReader()]
  stage.story.tell('test', 'has a reader for ada’s connection, and one for bob’s')
  const expectTurn = (name: string, reader: ReturnType<typeof newReader>, said: Said[]) => {
    stage.story.tell(
      name,
      `sends ${said[0].yields === undefined ? 'a fragment' : 'the last fragment'}`,
    )
    expectFed(quietly(stage), reader, cutAt(said, []), {
      because:
        'Every connection has a reader of its own: a message that ada has begun does not concern bob.',
      likely: 'Keep what is known of a message in private fields, not in variables of the module.',
    })
  }
  expectTurn('ada', ada, [fragment('text', 'a')])
  expectTurn('bob', bob, [fragment('binary', 'bb')])
  expectTurn('ada', ada, [lastFragment('da', 'text', 'ada')])
  expectTurn('bob', bob, [lastFragment('ob', 'binary', 'bbob')])
}

/** Fragments of nothing, and messages in the middle of another one. */
export function expectStrays({ check, hello }: MessageTrials): void {
  const nothing: Reason = {
    because: 'There is no message to continue (RFC 6455 §5.4).',
    likely: 'A continuation needs a message that has begun and is not finished.',
  }
  for (const isFinal of [true, false]) {
    const stray = fault(clientFrame('continuation', 'x', { isFinal }), 'nothing-to-continue')
    check([stray], nothing)
    check([whole('binary', 'done'), stray], nothing)
    check([...hello, stray], nothing)
    check([control('ping', 'p'), stray], nothing)
    check([fragment('text', ''), lastFragment('', 'text', ''), stray], nothing)
    check([fault(clientFrame('continuation', '', { isFinal }), 'nothing-to-continue')], nothing)
  }
  const unfinished: Reason = {
    because: 'The last message is not finished: only a continuation may come (RFC 6455 §5.4).',
    likely: 'A text or binary frame begins a message. It must not come in the middle of one.',
  }
  for (const kind of ['text', 'binary'] as const) {
    for (const isFinal of [true, false]) {
      const early = fault(clientFrame(kind, 'x', { isFinal }), 'message-not-finished')
      check([fragment('binary', 'a'), early], unfinished)
      check([fragment('text', ''), early], unfinished)
      check(
        [fragment(kind, 'a'), control('ping'), fragment('continuation', 'b'), early],
        unfinished,
      )
    }
  }
}
