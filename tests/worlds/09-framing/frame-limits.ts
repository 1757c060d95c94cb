/** Peers of chapter 09 that announce too much: what their decoders say, and what follows. */

import type * as FramesModule from '#code/09-framing/frames.ts'
import { hex, quote } from '../../harness/bytes.ts'
import type { Reason } from '../../harness/failure.ts'
import { withCommas } from '../../harness/numbers.ts'
import type { Stage } from '../../judge/step.ts'
import { announce, frame } from '../../protocols/frames.ts'
import { cutAt, describeAll, glued, load, withoutReason } from './frame-decoding.ts'

const MAX_FRAME_BYTES = 1024 * 1024

/** A length over the limit is invalid, once, and the limit itself is not. Returns the decoder of a peer that is invalid. */
export async function expectLengthsRefused(stage: Stage): Promise<FramesModule.FrameDecoder> {
  const { FrameDecoder } = await load(stage)
  const { expect, expectSame } = stage
  for (const length of [MAX_FRAME_BYTES + 1, 2 ** 31, 2 ** 32 - 1]) {
    const text = withCommas(length)
    const decoder = new FrameDecoder()
    stage.story.tell(
      'test',
      `announces ${text} bytes (${hex(announce(length))}), byte by byte, then pushes ${quote(frame('late'))}`,
    )
    const pieces = [...cutAt(announce(length), 1, 2, 3), frame('late')]
    const reasons: string[] = []
    const answers = pieces.map((piece) => {
      const texts = attempt(() => describeAll(decoder.push(piece)))
      reasons.push(...texts.filter((found) => found.startsWith('invalid')))
      return withoutReason(texts)
    })
    expectSame('what push() returns', answers, [[], [], [], ['invalid'], []], {
      because: `${text} bytes are over the limit, and the fourth byte shows it. What follows is neither waited for nor decoded.`,
      ...causeOf(answers, length, () => new FrameDecoder().next(announce(length), 0)),
    })
    expect(`the reason to name the length, ${text}`, named(reasons[0]).includes(`${length}`), {
      because: 'The author of the other end wants to know what was wrong.',
      likely:
        'Put the length of the payload in the reason, as an unsigned number, even when its bytes arrived in pieces.',
      look: 'frames.parseFrame()',
      received: reasons[0],
    })
  }
  expectSame(
    'what push() returns for a length of MAX_FRAME_BYTES',
    describeAll(new FrameDecoder().push(announce(MAX_FRAME_BYTES))),
    [],
    {
      because: 'A length equal to the limit is allowed: the decoder waits for its payload.',
      likely:
        'Over the limit means length > maxBytes, not >=. The length does not count its own four bytes.',
      look: 'frames.parseFrame()',
    },
  )

  const strict = new FrameDecoder({ maxBytes: 10 })
  expectSame(
    'what push() returns for 11 bytes, with maxBytes: 10',
    withoutReason(describeAll(strict.push(announce(11)))),
    ['invalid'],
    {
      because: 'Each decoder has its own limit.',
      likely: 'Pass #maxBytes to parseFrame(), not MAX_FRAME_BYTES.',
    },
  )
  const decoder = new FrameDecoder({ maxBytes: 10 })
  stage.story.tell('test', 'has a decoder with maxBytes: 10')
  const answers = [
    ...decoder.push(Buffer.concat([frame('0123456789'), announce(11), frame('junk')])),
  ]
  expectSame(
    'a frame of 10 bytes, then one of 11',
    describeAll(answers).map((text) => text.split(':')[0]),
    ['frame "0123456789"', 'invalid'],
    {
      because:
        'The frame before the wrong length is valid. What follows it is noise: nobody knows where a frame begins there.',
      likely: !describeAll(answers)[0]?.startsWith('frame')
        ? 'The frame before the invalid length is returned as well, and first: push() adds the invalid length after the frames.'
        : 'After an invalid length nothing more is decoded, not even from the same chunk.',
      look: ['frames.push()', 'frames.next()'],
    },
  )
  const { reason } = answers[1] as FramesModule.Invalid
  expect(
    'the reason to name the length, 11, and the limit, 10',
    /\b11\b.*\b10\b|\b10\b.*\b11\b/.test(reason),
    {
      because: 'The author of the other end wants to know what was wrong.',
      likely: 'Put two numbers in the reason: the length of the payload, and `maxBytes`.',
      look: 'frames.parseFrame()',
      received: reason,
    },
  )
  expectSame(
    'what push() returns for an empty frame and 1 byte, with maxBytes: 0',
    withoutReason(describeAll(new FrameDecoder({ maxBytes: 0 }).push(glued('', 'a')))),
    ['frame ""', 'invalid'],
    {
      because: 'A limit of 0 allows empty frames, and no others.',
      likely: '0 is a limit like any other, though it is falsy.',
      look: 'frames.parseFrame()',
    },
  )
  expectSame(
    'what push() returns for a good frame after the invalid length',
    describeAll(decoder.push(frame('late'))),
    [],
    {
      because: 'Once a peer is invalid it stays invalid.',
      likely: 'Remember in #isInvalid that the peer is invalid, for later chunks as well.',
      look: 'frames.next()',
    },
  )
  return decoder
}

/** The most likely cause when an invalid length, whose bytes come one by one, is not reported once and at once. */
function causeOf(
  answers: string[][],
  length: number,
  askAtOnce: () => FramesModule.Decoded,
): Partial<Reason> {
  const look = ['frames.#finishBegun()', 'frames.parseFrame()']
  if (answers.flat().some((text) => text.startsWith('threw'))) {
    return {
      likely: 'The peer’s fault is not an exception: return the invalid length as a value.',
      look: ['frames.parseFrame()', 'frames.push()'],
    }
  }
  if (answers[4].join() === 'invalid') {
    return {
      likely:
        'An invalid length is reported once. From then on next() returns `incomplete`, whatever arrives.',
      look: 'frames.next()',
    }
  }
  if (answers[3].join() === 'invalid') {
    return {
      likely:
        'After an invalid length nothing more is decoded: set #isInvalid, even when the length arrived in pieces.',
      look,
    }
  }
  const atOnce = askAtOnce()
  if (length >= 2 ** 31 && atOnce.kind !== 'invalid') {
    return {
      likely: 'The length is unsigned: << and | give a negative number when its first bit is set.',
      look,
    }
  }
  return atOnce.kind === 'invalid'
    ? {
        likely:
          'next() finds the invalid length when all four bytes arrive at once. #finishBegun() returns it, too, when they arrive in pieces, and push() puts it into its list.',
        look: ['frames.push()', 'frames.#finishBegun()', 'frames.next()'],
      }
    : {
        likely: 'Look at the length as soon as it is there, before you wait for the payload.',
        look,
      }
}

function attempt(act: () => string[]): string[] {
  try {
    return act()
  } catch (error) {
    if (String(error).includes('TODO')) throw error
    return [`threw ${(error as Error).name}`]
  }
}

/** A reason without the marks between the digits of large numbers. */
function named(reason: string): string {
  return reason.replace(/(?<=\d)[,._' ](?=\d{3})/g, '')
}

/** What follows an invalid length is no frame, wherever it comes. */
export async function expectNoiseIgnored(stage: Stage): Promise<void> {
  const { FrameDecoder } = await load(stage)
  const { expectSame } = stage
  const noise = frame('late')
  for (const before of [0, 2]) {
    const peer = new FrameDecoder({ maxBytes: 10 })
    const chunk = Buffer.concat([announce(11).subarray(before), noise])
    stage.story.tell(
      'test',
      `calls next() of a decoder with maxBytes: 10 for ${quote(announce(11))}, and for the good frames after it`,
    )
    if (before > 0) peer.push(announce(11).subarray(0, before))
    const kinds = [
      peer.next(chunk, 0).kind,
      peer.next(chunk, 4 - before).kind,
      peer.next(noise, 0).kind,
    ]
    expectSame('what next() returns', kinds, ['invalid', 'incomplete', 'incomplete'], {
      because: 'After an invalid length nothing is decoded, in the same chunk or in any other.',
      likely: 'Look at #isInvalid first, whatever `from` is.',
      look: 'frames.next()',
    })
  }
}
