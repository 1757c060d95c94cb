/** The outbox of chapter 10 against streams that take whatever they like, whenever they like. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Outbox } from '../../solutions/10-backpressure/outbox.ts'
import { PieceQueue } from '../../solutions/10-backpressure/piece-queue.ts'
import { pattern } from '../harness/client.ts'
import { ScriptedStream } from '../harness/scripted-stream.ts'

const RUNS = { seed: 10, numRuns: 400 }

/** Small ones are joined, large ones are not, and some are just at the border. */
const SIZE = fc.oneof(fc.nat(40), fc.integer({ min: 1_000, max: 1_050 }), fc.nat(40_000))

const ACTION = fc.oneof(
  fc.record({ kind: fc.constant('push' as const), bytes: SIZE }),
  fc.record({ kind: fc.constant('room' as const), bytes: SIZE }),
  fc.record({ kind: fc.constant('flush' as const), bytes: fc.constant(0) }),
)

test('any pattern of short writes gives the same bytes in the same order', () => {
  fc.assert(
    fc.property(fc.array(ACTION, { maxLength: 60 }), (actions) => {
      const maxBytes = 100_000
      const stream = new ScriptedStream()
      stream.setRoom(0)
      const limits = { highWaterBytes: 50_000, lowWaterBytes: 10_000, maxQueuedBytes: maxBytes }
      const outbox = new Outbox(stream, limits)
      const written: Uint8Array[] = []
      let pushed = 0
      for (const { kind, bytes } of actions) {
        if (kind === 'push') {
          const before = outbox.bytes
          const sentBefore = outbox.sentBytes
          const hasRoom = outbox.push(pattern(pushed, bytes))
          const sent = outbox.sentBytes - sentBefore
          expect(hasRoom).toBe(before - sent + bytes <= maxBytes)
          if (before + bytes <= maxBytes) expect(sent).toBe(0)
          if (hasRoom) pushed += bytes
        } else if (kind === 'room') stream.setRoom(bytes)
        else outbox.flush()
        written.push(stream.takeWritten())
        expect(outbox.bytes).toBe(pushed - outbox.sentBytes)
      }
      stream.setRoom(Number.POSITIVE_INFINITY)
      outbox.flush()
      written.push(stream.takeWritten())
      const all = Buffer.concat(written)
      expect(all.length).toBe(pushed)
      expect(all.equals(pattern(0, pushed))).toBe(true)
    }),
    RUNS,
  )
})

test('small pieces that wait cost little more than their bytes, and go out in few writes', () => {
  const queue = new PieceQueue()
  for (let count = 0; count < 65_536; count++) queue.add(pattern(count * 16, 16))
  expect(queue.bytes).toBe(1024 * 1024)
  let pieces = 0
  const received: Uint8Array[] = []
  for (; queue.bytes > 0; pieces++) {
    received.push(queue.first)
    queue.drop(queue.first.length)
  }
  expect(pieces).toBeLessThan(64)
  expect(Buffer.concat(received).equals(pattern(0, 1024 * 1024))).toBe(true)
})

test('a large piece is not copied, and a queue of a hundred thousand is as fast as a short one', () => {
  const large = pattern(0, 4_096)
  const queue = new PieceQueue()
  for (let count = 0; count < 100_000; count++) queue.add(large)
  expect(queue.first).toBe(large)
  const before = process.cpuUsage()
  while (queue.bytes > 0) queue.drop(queue.first.length)
  // Moving the others each time would be 100,000 times 50,000 moves: many seconds.
  expect(process.cpuUsage(before).user / 1_000).toBeLessThan(1_000)
})
