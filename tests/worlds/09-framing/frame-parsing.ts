/** What `parseFrame()` of chapter 09 makes of bytes that hold a frame, more than one, or too little. */

import type * as FramesModule from '#code/09-framing/frames.ts'
import { pattern } from '../../harness/client.ts'
import type { Reason } from '../../harness/failure.ts'
import type { Stage } from '../../judge/step.ts'
import { announce, frame } from '../../protocols/frames.ts'
import {
  describe,
  describePayload,
  expectText,
  glued,
  incomplete,
  load,
  own,
} from './frame-decoding.ts'

const MAX_FRAME_BYTES = 1024 * 1024

export async function expectParsed(stage: Stage): Promise<void> {
  const { parseFrame } = await load(stage)
  const check = (what: string, bytes: Uint8Array, at: number, expected: string, reason: Reason) => {
    const parsed = attempt(() => parseFrame(bytes, at, MAX_FRAME_BYTES))
    const received = parsed instanceof Error ? String(parsed) : describe(parsed)
    expectText(stage, what, received, expected, {
      ...reason,
      ...causeOf(parsed, received, expected, at),
    })
  }
  const hello = own(frame('hello'))
  const two = own(glued('hello', 'sea'))
  check('a frame', hello, 0, 'frame "hello"', {
    because: 'The length says 5, and five bytes follow.',
    likely:
      'The first byte of the length is the most significant one. The length does not count itself.',
  })
  check('a frame and more', two, 0, 'frame "hello"', {
    because: 'The length says where the payload ends.',
    likely: 'The payload ends where its length says, not where the bytes end.',
  })
  check('the second of two frames', two, 9, 'frame "sea"', {
    because: 'It begins at place 9.',
    likely: 'Read the length and the payload from `at` on, not from the start of the bytes.',
  })
  check('the frame in a view', two.subarray(9), 0, 'frame "sea"', {
    because: 'A Uint8Array may be a window on a larger buffer, and chunks often are.',
    likely:
      'bytes.buffer may begin earlier than the view: bytes.byteOffset says where the view begins.',
  })
  check('an empty frame', own(frame('')), 0, 'frame ""', {
    because: 'The length says 0, so the frame is complete.',
    likely: '0 is a length like any other, though it is falsy.',
  })
  const payload = pattern(7, 70_000)
  const large = own(frame(payload))
  check('a large frame', large, 0, describePayload(payload), {
    because: 'A length has four bytes: 70,000 is 00 01 11 70.',
    likely: 'All four bytes of the length count.',
  })
  for (const length of [0, 1, 2, 3]) {
    check(`${length} bytes of 00 01 11 70`, large.subarray(0, length), 0, incomplete(4 - length), {
      because:
        '"Not yet" is a value. Without all four bytes of the length, all that is known is how many of them are missing.',
      likely: 'Check that four bytes are there before you read them.',
    })
  }
  for (const length of [4, 5, 8]) {
    check(`${length} of 9 bytes`, hello.subarray(0, length), 0, incomplete(9 - length), {
      because: '"Not yet" is a value. The length says how many bytes are missing.',
      likely:
        'Check that the whole payload is there before you cut it out: subarray() returns less when there is less.',
    })
  }
  const announced = parseFrame(own(announce(2 ** 24 + 2)), 0, 2 ** 25)
  expectText(stage, 'the length 01 00 00 02', describe(announced), incomplete(2 ** 24 + 2), {
    because: 'The first byte of a length counts 16,777,216 times as much as the last.',
    likely:
      announced.kind === 'invalid'
        ? 'The limit is `maxBytes`, here 33,554,432: each decoder has its own limit.'
        : 'All four bytes of the length count.',
  })
  const after = own(glued('hello', payload))
  for (const length of [0, 1, 2, 3]) {
    const what = `${length} bytes of 00 01 11 70, after a frame`
    check(what, after.subarray(0, 9 + length), 9, incomplete(4 - length), BEHIND)
  }
  check('6 of 7 bytes, after a frame', two.subarray(0, 15), 9, incomplete(1), {
    because: 'From place 9 on, 6 of 7 bytes are there.',
    likely: 'Count only the bytes from `at` on.',
  })
  const parsed = parseFrame(large, 0, MAX_FRAME_BYTES)
  const isView = parsed.kind === 'frame' && parsed.payload.buffer === large.buffer
  stage.expect('the payload to be a view of the bytes', isView, {
    because:
      'A server that only passes messages on need not copy them: a view costs the same for any length.',
    likely: 'subarray() makes a view. slice(), Uint8Array.from() and Buffer.from() copy.',
  })
}

const BEHIND: Reason = {
  because:
    'A length may begin anywhere in a chunk. It can be read when all four bytes from there on have arrived.',
  likely: 'Count only the bytes from `at` on.',
}

/** The most likely cause where what was received tells it; what the test says otherwise. */
function causeOf(
  parsed: FramesModule.Parsed | Error,
  received: string,
  expected: string,
  at: number,
): Partial<Reason> {
  if (parsed instanceof Error) {
    return {
      because:
        '"Not yet" is a value, not an exception. Any chunk may end in the middle of a frame.',
      likely:
        'Check that the bytes are there before you read them, and return how many are missing.',
    }
  }
  const isFrameDue = expected.startsWith('frame')
  if (isFrameDue && received === incomplete(0)) {
    return {
      likely:
        'No byte is missing, so the frame is complete: compare with <, not with <=. 0 is a length like any other, though it is falsy.',
    }
  }
  if (isFrameDue && parsed.kind === 'frame') {
    const payload = Buffer.from(parsed.payload).toString()
    if (payload.endsWith('\u0005hello')) {
      return { likely: 'The payload begins after the length, four bytes after `at`.' }
    }
    if (payload === 'h') {
      return { likely: 'subarray(start, end) takes two places, not a place and a length.' }
    }
  }
  if (!isFrameDue && at === 0 && parsed.kind === 'incomplete' && parsed.missingBytes < 16) {
    return {
      likely:
        'missingBytes counts what has not arrived yet: the end of the length, or of the payload, minus bytes.length.',
    }
  }
  return {}
}

function attempt(parse: () => FramesModule.Parsed): FramesModule.Parsed | Error {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof Error) || error.message.includes('TODO')) throw error
    return error
  }
}
