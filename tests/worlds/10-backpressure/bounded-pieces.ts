/** What step 10.1 asks of a flush: that it ends with the last piece, and not before. */

import type { Stage } from '../../judge/step.ts'
import { FOREVER } from '../bounded-frames.ts'
import { playOutbox } from './bounded-outbox.ts'

const PIECES = 3_000
const PIECE_BYTES = 2_048

/** As many pieces as there are go out in one flush, and an empty one is a piece like any other. */
export async function expectAllInOneFlush(stage: Stage): Promise<void> {
  const { expectSame, story } = stage
  const { outbox, push } = await playOutbox(stage, { maxQueuedBytes: FOREVER })
  expectSame('push("")', push(''), true, {
    because: 'A push is refused when too much would wait. An empty push is never too much.',
    likely: 'push() returns true when it has taken the bytes, however many there are.',
    look: 'outbox.push()',
  })
  story.tell(
    'test',
    'pushes the same 2 KiB 3,000 times, and calls flush() once; the stream takes everything',
  )
  const piece = new Uint8Array(PIECE_BYTES)
  for (let times = 0; times < PIECES; times++) outbox.push(piece)
  outbox.flush()
  expectSame('bytes', outbox.bytes, 0, {
    because: 'The stream takes everything. Nothing is left for the next round.',
    likely:
      'flush() ends when nothing waits, or when the stream takes less than it is offered: it counts neither pieces nor bytes.',
    look: 'outbox.flush()',
  })
}
