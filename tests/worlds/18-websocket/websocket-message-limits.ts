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
      'The header says how long the frame is. Nobody has to wait for the payload to know that it is too much.',
    likely: 'Look at the length when the header is there.',
  }
  small([whole('binary', '0123456789'), whole('text', '0123456789')], {
    because: '10 bytes are not over 10, each time.',
    likely: 'The limit is that of one message, not of all of them.',
  })
  small([announced('text', 11)], limit)
  small([announced('binary', 2 ** 40, false)], limit)
  const sum: Reason = {
    because: 'The limit is that of the message, whatever the number of its fragments.',
    likely: 'Add what has come of the message to what the header announces.',
  }
  small(
    [
      fragment('binary', '01234'),
      control('ping', '0123456789'),
      lastFragment('56789', 'binary', '0123456789'),
    ],
    {
      because:
        'Ten bytes in two fragments are not over ten. A control frame is no part of the message.',
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
      because: 'The limit is that of the message, whatever comes between its fragments.',
      likely: 'A control frame ends no message: what has come of it counts on.',
    },
  )
  small(
    [
      fragment('text', '0123456789'),
      lastFragment('', 'text', '0123456789'),
      whole('text', 'again'),
    ],
    {
      because: 'An empty fragment does not make it longer.',
    },
  )
  small([control('ping', pattern(0, 125))], {
    because: 'A control frame has a limit of its own.',
    likely: 'maxBytes concerns messages.',
  })
}
