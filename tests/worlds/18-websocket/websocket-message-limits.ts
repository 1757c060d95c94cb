/** How long a message of chapter 18 may be, in one frame and in many. */

import { pattern } from '../../harness/client.ts'
import type { Reason } from '../../harness/failure.ts'
import type { Stage } from '../../judge/step.ts'
import { clientFrame, type FrameKind } from '../../protocols/websocket.ts'
import { quietly } from '../for-all.ts'
import type { MessageTrials } from './websocket-message-trials.ts'
import {
  control,
  cutAt,
  expectFed,
  fault,
  fragment,
  lastFragment,
  type Said,
  whole,
} from './websocket-reader.ts'

export function expectLimit(stage: Stage, { newReader, withCause }: MessageTrials): void {
  const { story } = stage
  const small = (said: Said[], reason: Reason) => {
    story.tell('test', 'has a reader with maxBytes: 10')
    expectFed(quietly(stage), newReader(10), cutAt(said, []), withCause(reason))
  }
  const announced = (kind: FrameKind, length: number, isFinal = true) =>
    fault(clientFrame(kind, '', { length, isFinal }), 'too-large')
  const limit: Reason = {
    because:
      'The header says how long the frame is, so a message that is too large is known before its payload arrives.',
    likely: 'Check the length as soon as the header has arrived.',
  }
  small([whole('binary', '0123456789'), whole('text', '0123456789')], {
    because: 'Each message has 10 bytes, which is within the limit of 10.',
    likely: 'The limit is for one message, not for all of them together.',
  })
  small([announced('text', 11)], limit)
  small([announced('binary', 2 ** 40, false)], limit)
  const sum: Reason = {
    because: 'The limit is for the whole message, whatever the number of its fragments.',
    likely: 'Add what has arrived of the message to what the header announces.',
  }
  small(
    [
      fragment('binary', '01234'),
      control('ping', '0123456789'),
      lastFragment('56789', 'binary', '0123456789'),
    ],
    {
      because:
        'Ten bytes in two fragments are within the limit of ten. A control frame is no part of the message.',
    },
  )
  small(
    [fragment('binary', '01234'), fragment('continuation', '5'), announced('continuation', 5)],
    sum,
  )
  small([fragment('binary', '0123456789'), announced('continuation', 1, false)], sum)
  small(
    [
      fragment('text', '01234'),
      control('ping', 'between'),
      fragment('continuation', '56789'),
      control('pong'),
      announced('continuation', 1),
    ],
    {
      because: 'The limit is for the whole message, whatever comes between its fragments.',
      likely: 'A control frame ends no message: the bytes that arrived before it still count.',
    },
  )
  small(
    [
      fragment('text', '0123456789'),
      lastFragment('', 'text', '0123456789'),
      whole('text', 'again'),
    ],
    {
      because: 'An empty fragment does not make the message longer.',
    },
  )
  small([control('ping', pattern(0, 125))], {
    because: 'A control frame has a limit of its own.',
    likely: 'maxBytes is a limit for messages only.',
  })
}
