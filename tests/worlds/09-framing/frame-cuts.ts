/** Frames of chapter 09 whose bytes are cut in two, in three, in single bytes and anywhere: the same frames come out. */

import type * as FramesModule from '#code/09-framing/frames.ts'
import { quote } from '../../harness/bytes.ts'
import { pattern } from '../../harness/client.ts'
import type { Reason } from '../../harness/failure.ts'
import { cutAtRandom, randomBytes, randomInteger } from '../../harness/random.ts'
import type { Stage } from '../../judge/step.ts'
import { frame } from '../../protocols/frames.ts'
import {
  checker,
  cutAt,
  describe,
  describeAll,
  describePayload,
  glued,
  load,
  places,
} from './frame-decoding.ts'

const IN_TWO: Reason = {
  because: 'A chunk may end anywhere, even inside a length.',
  likely:
    'What is left over at the end of a chunk is the start of a frame: keep it for the next chunk. While something is kept, next() lets #finishBegun() go on with it, which asks #parseBegun() again after each piece, including the last. #begunBytes counts all that was kept.',
  look: ['frames.next()', 'frames.#finishBegun()'],
}

const IN_THREE: Reason = {
  because: 'A frame may need more than two chunks.',
  likely:
    'A chunk that does not complete the frame must be kept as well, after the bytes kept earlier.',
  look: ['frames.#finishBegun()', 'frames.#keep()'],
}

export async function expectSameFrames(stage: Stage): Promise<void> {
  const { FrameDecoder } = await load(stage)
  const { random, story } = stage
  const check = checker(stage, FrameDecoder)

  const payloads = ['hello', '', 'a', pattern(0, 300), '', 'the last one']
  const transcript = glued(...payloads)
  story.tell('test', `has a transcript of 6 frames, ${transcript.length} bytes`)
  for (const place of places(transcript)) {
    await check(payloads, cutAt(transcript, place), IN_TWO)
  }
  story.judge('test', 'expects every cut in two to give the same frames', 'kept')

  await check(['ab', 'cd'], cutAt(glued('ab', 'cd'), 2, 6, 11), IN_THREE)
  const short = ['ab', '', 'cde']
  const shorter = glued(...short)
  for (const first of places(shorter)) {
    for (const second of places(shorter).filter((place) => place > first)) {
      await check(short, cutAt(shorter, first, second), IN_THREE)
    }
  }
  story.judge('test', 'expects every cut in three to give the same frames', 'kept')

  await check(payloads, cutAt(transcript, ...places(transcript)), {
    because: 'A byte at a time is slow, but the frames are the same.',
    likely: 'Each chunk is added to what was kept, and replaces nothing.',
    look: ['frames.#finishBegun()', 'frames.#keep()'],
  })
  for (let round = 0; round < 50; round++) {
    const some = Array.from({ length: 40 }, () => randomBytes(random, randomInteger(random, 60)))
    await check(some, cutAtRandom(random, glued(...some), 1 + randomInteger(random, 90)), {
      because: 'Frames may hold any bytes and may be cut anywhere.',
      likely: 'What is left over at the end of a chunk is the start of the next frame.',
    })
  }
  story.judge('test', 'expects 50 transcripts cut at random to give the same frames', 'kept')
}

/** Two connections whose frames arrive byte by byte, in turn. Only a failure is told. */
export async function expectApart(stage: Stage): Promise<void> {
  const { FrameDecoder } = await load(stage)
  const [long, short] = [glued('x'.repeat(300)), glued('hello', 'sea')]
  const [first, second] = [new FrameDecoder(), new FrameDecoder()]
  const found: string[] = []
  for (let at = 0; at < long.length; at++) {
    const one = first.push(long.subarray(at, at + 1))
    const other = second.push(short.subarray(at, at + 1))
    found.push(...describeAll(one).map((text) => `first: ${text}`))
    found.push(...describeAll(other).map((text) => `second: ${text}`))
  }
  const large = describePayload(Buffer.from('x'.repeat(300)))
  const due = ['second: frame "hello"', 'second: frame "sea"', `first: ${large}`]
  const isRight = found.join() === due.join()
  if (isRight) return
  stage.story.tell(
    'test',
    `pushes a frame of 300 bytes into one decoder and ${quote(short)} into another, byte by byte, in turn`,
  )
  stage.expect('each decoder to return its own frames', isRight, {
    because: 'Each connection has a decoder of its own, and their bytes arrive in turn.',
    likely:
      'Two decoders write into the same memory. The room for what is kept belongs to one decoder, even for a length.',
    look: 'frames.#keep()',
    expected: due.join(', '),
    received: found.join(', ') || 'nothing',
  })
}

/** A decoder that is handed a chunk with the place from which to take it. */
export async function expectFinishedBehind(stage: Stage): Promise<void> {
  const { FrameDecoder } = await load(stage)
  const begun = new FrameDecoder()
  const [start, rest] = cutAt(frame('hello'), 6)
  const chunk = Buffer.concat([Buffer.from('---'), rest, frame('next')])
  stage.story.tell(
    'test',
    `pushes ${quote(start)}, then calls next() with ${quote(chunk)}, from place 3`,
  )
  begun.push(start)
  const finished = begun.next(chunk, 3)
  stage.expectSame(
    'what next() returns, and where it ends',
    [describe(finished as FramesModule.Parsed), finished.kind === 'frame' && finished.end],
    ['frame "hello"', 6],
    {
      because: 'The bytes before place 3 were taken earlier, and the frame ends at place 6.',
      likely:
        'Begin at `from`: what is missing is taken from there, and `end` counts on from there.',
      look: 'frames.#finishBegun()',
    },
  )
}
