/** Where `next()` of chapter 09 looks, and where the frame ends that it returns: places in the chunk. */

import { quote } from '../../harness/bytes.ts'
import type { Stage } from '../../judge/step.ts'
import { describe, glued, load, own } from './frame-decoding.ts'

const BEGINNINGS = [0, 7, 11]
const ENDS = [7, 11, 20]

/** One decoder, one chunk, three frames in it: each call is told where to begin. */
export async function expectPlaces(stage: Stage): Promise<void> {
  const { FrameDecoder } = await load(stage)
  const chunk = own(glued('one', '', 'three'))
  stage.story.tell('test', `calls next() with ${quote(chunk)}, from places 0, 7 and 11`)
  const decoder = new FrameDecoder()
  const found = BEGINNINGS.map((from) => decoder.next(chunk, from))
  stage.expectSame(
    'what next() returns',
    found.map((decoded) => (decoded.kind === 'incomplete' ? decoded.kind : describe(decoded))),
    ['frame "one"', 'frame ""', 'frame "three"'],
    {
      because: 'next() returns one frame: the one that begins at `from`.',
      likely: 'Ask parseFrame() what begins at `from`, not what the chunk begins with.',
      look: 'frames.next()',
    },
  )
  stage.expectSame(
    'the place where each of them ends',
    found.map((decoded) => decoded.kind === 'frame' && decoded.end),
    ENDS,
    {
      because: '`end` is where to go on: the place in the chunk right after this frame.',
      likely:
        '`end` counts from the start of the chunk: the place where the frame begins, plus the four bytes of its length, plus its payload.',
      look: 'frames.next()',
    },
  )
}
