/** What `encodeFrame()` of chapter 09 makes of payloads, up to the largest one. */

import { countBytes, firstDifference, hex } from '../../harness/bytes.ts'
import { pattern } from '../../harness/client.ts'
import type { Reason } from '../../harness/failure.ts'
import type { Stage } from '../../judge/step.ts'
import { frame } from '../../protocols/frames.ts'
import { load, own } from './frame-decoding.ts'

const LENGTH_BYTES = 4
const MAX_FRAME_BYTES = 1024 * 1024

/** Length and payload, whatever the payload, in memory of their own. */
export async function expectEncoded(stage: Stage): Promise<void> {
  const { encodeFrame } = await load(stage)
  const { expect } = stage
  const check = (what: string, payload: Uint8Array, reason: Reason) => {
    const expected = frame(payload)
    const received = attempt(() => encodeFrame(payload))
    // The card shows the first bytes, and where the payload is wrong, those.
    const from =
      received instanceof Uint8Array ? Math.max(0, firstDifference(received, expected)) : 0
    const start = from < 16 ? 0 : from
    expect(`the frame of ${what}`, sameBytes(received, expected), {
      ...reason,
      ...(received instanceof Uint8Array && causeOf(received, expected)),
      expected: hexFrom(expected, start),
      received: received instanceof Uint8Array ? hexFrom(received, start) : String(received),
    })
  }
  check('"hello"', own(Buffer.from('hello')), {
    because: 'Five bytes follow, so the length says 5, and its most significant byte comes first.',
    likely:
      'writeUInt32BE writes big-endian; so does DataView.setUint32, unless it is told otherwise.',
  })
  check('an empty payload', Buffer.alloc(0), {
    because: 'An empty message is a message, of length 0.',
    likely: 'An empty payload is no special case: its frame is just a length, which is 0.',
  })
  check('70,000 bytes', pattern(0, 70_000), {
    because: 'A length has four bytes: 70,000 is 00 01 11 70.',
    likely: 'Write all four bytes of the length: writeUInt32BE, not writeUInt16BE.',
  })
  check('a view', own(Buffer.from('--view--')).subarray(2, 6), VIEW)
  const large = new Uint8Array(2 * MAX_FRAME_BYTES)
  large.set(Buffer.from('view'), MAX_FRAME_BYTES)
  check('a view of four bytes of 2 MiB', large.subarray(MAX_FRAME_BYTES, MAX_FRAME_BYTES + 4), VIEW)
  // One array for both: who sends may fill it anew.
  const payload = own(Buffer.from('ada'))
  const ada = encodeFrame(payload)
  payload.set(Buffer.from('bob'))
  const bob = encodeFrame(payload)
  expect('the frame of "ada" to stay what it was', sameBytes(ada, frame('ada')), {
    because: 'A frame may wait in a queue while the next one is made.',
    likely: 'One buffer is used for all frames. Each frame needs memory of its own.',
    expected: hex(frame('ada')),
    received: hex(ada),
  })
  expect('the frame of "bob", in the same array', sameBytes(bob, frame('bob')), {
    because: 'The array holds another payload now.',
    likely: 'The array may hold other bytes than the last time: read them each time.',
    expected: hex(frame('bob')),
    received: hex(bob),
  })
  for (const word of ['ada', '']) {
    const first = encodeFrame(Buffer.from(word))
    first.fill(7)
    const again = encodeFrame(Buffer.from(word))
    expect(
      `a second frame of ${JSON.stringify(word)}, after the first was overwritten`,
      sameBytes(again, frame(word)),
      {
        because:
          'Each frame has memory of its own, whatever becomes of another, and however short it is.',
        likely:
          'A frame is handed out twice. Make a new one each time, for an empty payload as well.',
        expected: hex(frame(word)),
        received: hex(again),
      },
    )
  }
}

const VIEW: Reason = {
  because:
    'A Uint8Array may be a window on a larger buffer. Only what the window shows is the payload.',
  likely: 'payload.buffer is the whole buffer behind the view.',
}

/** The most likely cause, by what is wrong first: the size, the length, the payload. */
function causeOf(received: Uint8Array, expected: Uint8Array): Partial<Reason> {
  const payload = expected.subarray(LENGTH_BYTES)
  const isPayloadRight = sameBytes(received.subarray(LENGTH_BYTES), payload)
  const isLengthRight = sameBytes(
    received.subarray(0, LENGTH_BYTES),
    expected.subarray(0, LENGTH_BYTES),
  )
  if (received.length !== expected.length) {
    return {
      because: `The frame has LENGTH_BYTES + payload.length bytes: ${countBytes(expected.length)}.`,
      likely: `It has ${countBytes(received.length)}.`,
    }
  }
  if (received[3] === expected[3] + LENGTH_BYTES && isPayloadRight) {
    return {
      likely: 'The length is that of the payload alone: its own four bytes do not count.',
    }
  }
  if (!isLengthRight && !isPayloadRight) {
    return { likely: 'The payload follows the length: it begins at place LENGTH_BYTES.' }
  }
  if (!isLengthRight && received[3] === expected[3] && payload.length < 256) {
    return {
      likely:
        'Write all four bytes of the length, zeros too: allocUnsafe() leaves old bytes in them.',
    }
  }
  if (isLengthRight && payload.length > 8) {
    return {
      because: 'A payload is any bytes at all, and arrives as it was sent.',
      likely:
        'Copy it as it is, from its first byte to its last: set() does that. Turning bytes into a text and back can change them.',
    }
  }
  return {}
}

/** The limit itself, and one byte more. */
export async function expectLargestEncoded(stage: Stage): Promise<void> {
  const { encodeFrame } = await load(stage)
  const { expect } = stage
  const largest = attempt(() => encodeFrame(new Uint8Array(MAX_FRAME_BYTES)))
  const isFrame = largest instanceof Uint8Array && largest.length === MAX_FRAME_BYTES + LENGTH_BYTES
  expect('a payload of MAX_FRAME_BYTES to be allowed', isFrame, {
    because: 'A payload of exactly the limit is within it.',
    likely:
      'Over the limit means payload.length > MAX_FRAME_BYTES, not >=. The four bytes of the length do not count.',
    received: largest instanceof Uint8Array ? countBytes(largest.length) : String(largest),
  })
  const refused = attempt(() => encodeFrame(new Uint8Array(MAX_FRAME_BYTES + 1)))
  expect('one byte more to throw a RangeError', refused instanceof RangeError, {
    because:
      'The peer would end the connection over such a frame. We made it, so it is our bug and should be seen here.',
    likely:
      refused instanceof Error
        ? 'Throw a RangeError: it says that a value is out of range. Other errors do not.'
        : 'Compare the length with MAX_FRAME_BYTES before the frame is made, and throw. An error that is only created, or a payload that is cut short, hides the bug.',
    received:
      refused instanceof Uint8Array ? `a frame of ${countBytes(refused.length)}` : String(refused),
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

function hexFrom(bytes: Uint8Array, start: number): string {
  return start === 0 ? hex(bytes) : `… ${hex(bytes.subarray(start))} from byte ${start + 1} on`
}

function sameBytes(received: unknown, expected: Uint8Array): boolean {
  return received instanceof Uint8Array && Buffer.compare(received, expected) === 0
}
