/** What step 10.2 asks about backlogs: who is heard, what is answered, and when reading goes on. */

import { randomInteger } from '../../harness/random.ts'
import type { Stage } from '../../judge/step.ts'
import { frame } from '../../protocols/frames.ts'
import { FOREVER, type World } from '../bounded-frames.ts'
import { playOutbox } from './bounded-outbox.ts'

/** A peer that reads late has its answers all the same, FIN or no FIN. */
export async function expectAnswersAfterFin(world: World): Promise<void> {
  const [bob] = await world.echoTo('bob')
  bob.stopReading()
  await bob.send(frame('last words'))
  await bob.halfClose()
  await bob.startReading()
  bob.expectReceived(frame('last words'), { because: 'He has sent FIN, but he can still receive.' })
  bob.expectEnd({ because: 'He has sent FIN and has all his answers.' })
}

/** A peer that is not read is lost like any other. */
export async function expectLossOfTheUnread({ expectSame }: Stage, world: World): Promise<void> {
  const [cyd, cyds] = await world.echoTo('cyd')
  cyd.stopReading()
  for (const payload of Array(12).fill('x'.repeat(96))) await cyd.send(frame(payload))
  await cyd.reset()
  expectSame('how cyd’s connection ended', cyds.endings, ['lost'], {
    because: 'Nothing is read from her, but the loss of her connection is reported all the same.',
  })
}

/** A connection that is backlogged in the middle of a chunk sends, and goes on with the rest. */
export async function expectOneChunk({ expectSame }: Stage, world: World): Promise<void> {
  const [dee, dees] = await world.echoTo('dee')
  const many = Array.from({ length: 60 }, (_, index) => frame(`${index} `.padEnd(96, '.')))
  await dee.send(Buffer.concat(many))
  dee.expectReceived(Buffer.concat(many), {
    because:
      'dee reads as fast as she asks. Her 60 frames arrived in one chunk; a connection that becomes backlogged stops between two of them, sends, and goes on.',
    likely: dees.connection.isOpen
      ? 'isBacklogged has to count bytes as soon as they are pushed.'
      : 'push() has returned false, and her connection was stopped. Bytes that were sent no longer wait: only what waits counts.',
    look: dees.connection.isOpen ? 'outbox.isBacklogged()' : 'outbox.push()',
  })
  expectSame('the number of frames accepted from dee', dees.frames, 60, {
    because: 'All of her frames are accepted.',
  })
}

/** Whether an outbox is backlogged depends on what waits and on what was before: in any order, as often as you like. */
export async function expectMarks(stage: Stage): Promise<void> {
  const { expect, random, story } = stage
  const marks = { highWaterBytes: 100, lowWaterBytes: 20, maxQueuedBytes: 1_000_000 }
  const none = { ...marks, lowWaterBytes: 0 }
  for (const limits of [marks, none, { ...none, highWaterBytes: 0 }]) {
    const { lowWaterBytes: low, highWaterBytes: high } = limits
    const { outbox, stream } = await playOutbox(stage, limits)
    story.tell('test', `pushes and flushes at random, with marks at ${high} and ${low} bytes`)
    let waiting = 0
    let was = false
    for (let moves = 0; moves < 2_000; moves++) {
      // Often exactly to a mark, or to one byte beyond.
      const target =
        [low, low + 1, high, high + 1][randomInteger(random, 8)] ?? randomInteger(random, 150)
      const isPush = target > waiting
      const count = Math.abs(target - waiting)
      if (isPush) outbox.push(Buffer.alloc(count))
      const hasPushSent = isPush && outbox.bytes !== target
      stream.setRoom(isPush ? FOREVER : count)
      if (!isPush) outbox.flush()
      stream.takeWritten()
      waiting = isPush ? waiting + count : Math.max(0, waiting - count)
      const is: boolean = waiting > high || (waiting > low && was)
      if (hasPushSent)
        expect('push() to send nothing', false, {
          because: 'Far less than maxQueuedBytes waits. It is flush() that sends, once a round.',
          likely: 'push() calls flush() only if more than maxQueuedBytes would wait.',
          look: 'outbox.push()',
        })
      const { isBacklogged } = outbox
      const isAsItWas = outbox.bytes === waiting
      const hasAskedSent = !isAsItWas || stream.takeWritten().length > 0
      // Two thousand times the same would hide the rest of the story.
      if (hasAskedSent)
        expect('isBacklogged to send nothing', false, {
          because: 'isBacklogged only reports a state. It is flush() that sends, once a round.',
          likely: 'Compare `bytes` with the marks, and call nothing that writes.',
          look: 'outbox.isBacklogged()',
          expected: `${waiting} bytes waiting`,
          received: `${outbox.bytes} bytes waiting`,
        })
      if (isBacklogged !== is)
        expect(`isBacklogged to be ${is} with ${waiting} bytes waiting`, false, {
          because: `It was ${was} until now. More than ${high} bytes make it true and ${low} or fewer make it false, every time; in between, it does not change.`,
          likely:
            high === 0
              ? 'A mark of 0 is a mark like any other: a single byte is more. Compare `bytes` with it, and do not test whether it is set.'
              : is
                ? 'Above the high mark it becomes true, whatever it was, and stays true down to the low mark.'
                : 'At the low mark or below it becomes false, and stays false up to the high mark.',
          look: 'outbox.isBacklogged()',
          received: `${isBacklogged}`,
        })
      was = is
    }
  }
}

/** Each outbox remembers for itself: between the marks one may be backlogged and another not. */
export async function expectOwnMarks(stage: Stage): Promise<void> {
  const limits = { highWaterBytes: 100, lowWaterBytes: 20 }
  const [full, calm] = [await playOutbox(stage, limits), await playOutbox(stage, limits)]
  stage.story.tell(
    'test',
    'has two outboxes: the first once held 150 bytes, and now 50 wait in each',
  )
  for (const { stream } of [full, calm]) stream.setRoom(0)
  full.outbox.push(Buffer.alloc(150))
  const was = full.outbox.isBacklogged
  full.stream.setRoom(100)
  full.outbox.flush()
  calm.outbox.push(Buffer.alloc(50))
  const are = [was, calm.outbox.isBacklogged, full.outbox.isBacklogged]
  stage.expectSame(
    'isBacklogged of the first with 150 bytes, of the second, and of the first again',
    are,
    [true, false, true],
    {
      because:
        'The second never held more than 100 bytes. The first did, and has not been down to 20 since then.',
      likely: was
        ? 'Each outbox has a memory of its own: a private field, nothing static or global.'
        : 'Compare first, and then return the state: not the one from the last time you were asked.',
      look: 'outbox.isBacklogged()',
    },
  )
}

/** A push that offers what waits before it decides changes nothing about the marks. */
export async function expectMarksKept(stage: Stage): Promise<void> {
  const { expectSame, story } = stage
  const limits = { highWaterBytes: 100, lowWaterBytes: 20, maxQueuedBytes: 150 }
  for (const { held, taken, pushed, left } of OFFERS) {
    const { outbox, stream } = await playOutbox(stage, limits)
    stream.setRoom(0)
    outbox.push(Buffer.alloc(held))
    const was = outbox.isBacklogged
    stream.setRoom(taken)
    const hasRoom = outbox.push(Buffer.alloc(pushed))
    story.tell(
      'test',
      `has an outbox with marks at 100 and 20 bytes and room for 150, in which ${held} wait; the stream now takes ${taken}; push() of ${pushed} bytes returns ${hasRoom}`,
    )
    expectSame('bytes', outbox.bytes, left, {
      because: `The stream has taken ${taken} of the ${held} bytes, so there was ${left > held - taken ? '' : 'no '}room for ${pushed} more.`,
      likely: 'The two marks are for isBacklogged. push() compares with maxQueuedBytes only.',
      look: 'outbox.push()',
    })
    expectSame('isBacklogged before and after', [was, outbox.isBacklogged], [held > 100, was], {
      because: `First ${held} bytes waited, and then ${left}. That is between the marks, so nothing changes.`,
      likely:
        'A push() that calls flush() leaves the state of isBacklogged alone: only the marks decide.',
      look: 'outbox.push()',
    })
  }
}

/** What waits never goes beyond a mark on the way: an outbox that looks at its marks in push() is as right. */
const OFFERS = [
  { held: 140, taken: 100, pushed: 40, left: 80 },
  { held: 140, taken: 50, pushed: 100, left: 90 },
  { held: 90, taken: 60, pushed: 61, left: 91 },
]
