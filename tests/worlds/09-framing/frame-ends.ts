/** Peers of chapter 09 that end, between two frames or in the middle of one: what their decoders say. */

import type * as FramesModule from '#code/09-framing/frames.ts'
import { quote } from '../../harness/bytes.ts'
import type { Stage } from '../../judge/step.ts'
import { announce, frame } from '../../protocols/frames.ts'
import { checker, cutAt, describeEnd, expectText, glued, load } from './frame-decoding.ts'

/** An end in mid-frame is invalid, and says how much is missing; `invalidPeer` has been told already. */
export async function expectEarlyEndsTold(
  stage: Stage,
  invalidPeer: FramesModule.FrameDecoder,
): Promise<void> {
  const { FrameDecoder } = await load(stage)
  const { expect } = stage
  const check = checker(stage, FrameDecoder)
  await check(['fits'], [frame('fits')], {
    because: 'A whole frame within the limit is decoded as before.',
  })
  const ends: [string, Uint8Array, RegExp | undefined, string][] = [
    ['before anything', Buffer.alloc(0), undefined, 'A peer need not send anything.'],
    ['after a frame', frame('hello'), undefined, 'The peer has finished what it had begun.'],
    [
      'inside a length',
      frame('hello').subarray(0, 1),
      /\b3\b/,
      'Three bytes of its length are missing.',
    ],
    [
      'inside a payload',
      glued('hi', 'hello').subarray(0, 11),
      /\b4\b/,
      'Four bytes of "hello" are missing.',
    ],
    ['before a payload', frame('hello').subarray(0, 4), /\b5\b/, 'Five bytes were announced.'],
  ]
  for (const [where, bytes, missing, because] of ends) {
    const ended = new FrameDecoder()
    stage.story.tell('test', `pushes ${quote(bytes)}, then calls end()`)
    ended.push(bytes)
    const invalid = ended.end()
    expectText(stage, `an end ${where}`, describeEnd(invalid), missing ? 'invalid' : 'in order', {
      because,
      likely: missing
        ? 'What is kept for the next chunk is an incomplete frame, even if it is only part of a length.'
        : 'Nothing is left over, so nothing is missing.',
      look: 'frames.end()',
    })
    if (!missing) continue
    expect(`the reason to say how many bytes are missing`, missing.test(invalid!.reason), {
      because,
      likely:
        '#parseBegun() knows how many bytes are missing. How many have arrived is another number.',
      look: 'frames.end()',
      expected: `a text like ${missing}`,
      received: invalid!.reason,
    })
  }

  const end = invalidPeer.end()
  expectText(stage, 'the end of the invalid peer', describeEnd(end), 'in order', {
    because: 'The peer has already been reported as invalid. Once is enough.',
    likely: /\d/.test(end?.reason ?? '')
      ? 'No bytes of an invalid length are kept: #begun stays empty.'
      : 'Once #isInvalid is set, end() has nothing more to report.',
    look: ['frames.next()', 'frames.end()'],
  })
  const cut = new FrameDecoder({ maxBytes: 10 })
  stage.story.tell(
    'test',
    'announces 11 bytes, over the limit of 10, in two pieces, then calls end()',
  )
  for (const piece of cutAt(announce(11), 2)) cut.push(piece)
  expectText(stage, 'the end after that', describeEnd(cut.end()), 'in order', {
    because: 'The peer has already been reported as invalid. Once is enough.',
    likely:
      '#finishBegun() forgets the frame that has begun, #begun and #begunBytes, even when it is invalid.',
    look: ['frames.#finishBegun()', 'frames.end()'],
  })
}
