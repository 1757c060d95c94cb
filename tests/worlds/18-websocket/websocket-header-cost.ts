/** What it costs to read a header of chapter 18 in a large chunk, wherever in it the header lies. */

import type * as FramesModule from '#code/18-websocket/websocket-frames.ts'
import { bytesMade, costInCopies, FEW_BYTES, LARGE_BYTES } from '../../harness/cost.ts'
import { withCommas } from '../../harness/numbers.ts'
import type { Stage } from '../../judge/step.ts'
import { clientFrame } from '../../protocols/websocket.ts'

type Header = InstanceType<typeof FramesModule.FrameHeader>

export function expectHeaderCost({ expect }: Stage, header: Header): void {
  const small = clientFrame('text', 'hello')
  const large = clientFrame('binary', '', { length: LARGE_BYTES - 14 })
  const smallOnes = new Uint8Array(LARGE_BYTES)
  const [front, back] = [0, LARGE_BYTES - small.length]
  for (const place of [front, back]) smallOnes.set(small, place)
  const largeOne = new Uint8Array(LARGE_BYTES)
  largeOne.set(large)
  const chunk = smallOnes.subarray(0, CHUNK_BYTES)
  const made = bytesMade(100, () => header.read(chunk, front))
  expect('nothing of a chunk to be copied', made < LITTLE_BYTES, {
    because:
      'A socket hands over up to 64 KiB at a time. Copying that for each small frame means thousands of copies.',
    likely:
      'slice() of a plain Uint8Array copies all that is left. Read the bytes where they are, or use subarray(), which is a view.',
    expected: `less than ${withCommas(LITTLE_BYTES)} bytes of new buffers for a header in 64 KiB`,
    received: `about ${Math.round(made / LITTLE_BYTES) * (LITTLE_BYTES / 1024)} KiB`,
    look: 'read()',
  })
  const copies = costInCopies(20, () => {
    header.read(smallOnes, front)
    header.read(smallOnes, back)
    header.read(largeOne, front)
  })
  expect('a header to cost the same, however much lies around it', copies < FEW_BYTES, {
    because:
      'A chunk holds thousands of small frames. Going over the rest of the chunk for each of them makes the cost quadratic.',
    likely:
      'slice() of a plain Uint8Array copies all that is left: read the bytes where they are. No payload is needed yet.',
    expected: 'less than half the cost of copying the chunk, which has 4 MiB',
    received: `${copies.toFixed(2)} times the cost of a copy`,
    look: 'read()',
  })
}

/** As a socket reads them. */
const CHUNK_BYTES = 64 * 1024

/** More than the few bytes of a header, and far less than a chunk. */
const LITTLE_BYTES = 4 * 1024
