/** What `encodeFrame()` of chapter 09 makes of payloads, up to the largest one. */

import { countBytes, hex } from '../../harness/bytes.ts'
import { pattern } from '../../harness/client.ts'
import type { Reason } from '../../harness/failure.ts'
import type { Stage } from '../../judge/step.ts'
import { frame } from '../../protocols/frames.ts'
import { load, own } from './frame-decoding.ts'

const MAX_FRAME_BYTES = 1024 * 1024

/** Length and payload, whatever the payload, in memory of their own. */
export async function expectEncoded(stage: Stage): Promise<void> {
  const { encodeFrame } = await load(stage)
  const { expect } = stage
  const check = (what: string, payload: Uint8Array, reason: Reason) => {
    const expected = frame(payload)
    const received = attempt(() => encodeFrame(payload))
    const countsItself = received instanceof Uint8Array && received[3] === expected[3] + 4
    expect(`the frame of ${what}`, sameBytes(received, expected), {
      ...reason,
      likely: countsItself
        ? 'The length is that of the payload alone: its own four bytes do not count.'
        : reason.likely,
      expected: hex(expected),
      received: received instanceof Uint8Array ? hex(received) : String(received),
    })
  }
  check('"hello"', own(Buffer.from('hello')), {
    because: 'Five bytes follow, so the length says 5, and its most significant byte comes first.',
    likely:
      'writeUInt32BE writes big-endian; so does DataView.setUint32, unless it is told otherwise.',
  })
  check('nothing', Buffer.alloc(0), { because: 'An empty message is a message, of length 0.' })
  check('70,000 bytes', pattern(0, 70_000), {
    because: 'A length has four bytes: 70,000 is 00 01 11 70.',
    likely: 'Write all four bytes of the length: writeUInt32BE, not writeUInt16BE.',
  })
  check('a view', own(Buffer.from('--view--')).subarray(2, 6), {
    because:
      'A Uint8Array may be a window on a larger buffer. Only what the window shows is meant.',
    likely: 'payload.buffer is the whole buffer behind the view.',
  })
  const [ada, bob] = [encodeFrame(own(Buffer.from('ada'))), encodeFrame(own(Buffer.from('bob')))]
  expect('the frame of "ada" to stay what it was', sameBytes(ada, frame('ada')), {
    because: 'A frame may wait in a queue while the next one is made.',
    likely: 'One buffer is used for all frames. Each frame needs memory of its own.',
    expected: hex(frame('ada')),
    received: hex(ada),
  })
  expect('the frame of "bob"', sameBytes(bob, frame('bob')), { because: 'It is another frame.' })
}

export async function expectLargestEncoded(stage: Stage): Promise<void> {
  const { encodeFrame } = await load(stage)
  const { expect } = stage
  const largest = encodeFrame(new Uint8Array(MAX_FRAME_BYTES))
  expect('a payload of MAX_FRAME_BYTES to be allowed', largest.length === MAX_FRAME_BYTES + 4, {
    because: 'The limit itself is not over the limit.',
    received: countBytes(largest.length),
  })
  const refused = attempt(() => encodeFrame(new Uint8Array(MAX_FRAME_BYTES + 1)))
  expect('one byte more to throw a RangeError', refused instanceof RangeError, {
    because:
      'The peer would end the connection over such a frame. We made it, so it is our bug and should be seen here.',
    likely: 'Compare the length with MAX_FRAME_BYTES before the frame is made.',
    received: refused instanceof Uint8Array ? 'a frame' : String(refused),
  })
}

function attempt<T>(act: () => T): T | unknown {
  try {
    return act()
  } catch (error) {
    if (String(error).includes('TODO')) throw error
    return error
  }
}

function sameBytes(received: unknown, expected: Uint8Array): boolean {
  return received instanceof Uint8Array && Buffer.compare(received, expected) === 0
}
