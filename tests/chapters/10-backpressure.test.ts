import { connect as dial } from 'node:net'
import type { Reason } from '../harness/failure.ts'
import { step } from '../judge/step.ts'
import { echoFrame, frame } from '../protocols/frames.ts'
import {
  expectAnswersAfterFin,
  expectLossOfTheUnread,
  expectMarks,
  expectMarksKept,
  expectOneChunk,
  expectOwnMarks,
} from '../worlds/10-backpressure/bounded-backlogs.ts'
import { expectFailureSeen, expectOrderlyClose } from '../worlds/10-backpressure/bounded-close.ts'
import {
  expectAffordable,
  expectCountedAlone,
  expectFailuresCounted,
  expectNobodyLost,
} from '../worlds/10-backpressure/bounded-descriptors.ts'
import {
  expectAcceptedAnswered,
  expectAllSeenOut,
  expectDeafNotRead,
} from '../worlds/10-backpressure/bounded-farewells.ts'
import {
  expectCutAfterGoodbye,
  expectTalkerCut,
} from '../worlds/10-backpressure/bounded-goodbyes.ts'
import { expectLeavings } from '../worlds/10-backpressure/bounded-leavings.ts'
import {
  expectBoundedOutbox,
  expectCheapFlushes,
  expectNoFlushByItself,
  expectNoRoomAtAll,
  expectPieceAsItIs,
  playOutbox,
  pushAtRandom,
  textOf,
} from '../worlds/10-backpressure/bounded-outbox.ts'
import { expectPauses } from '../worlds/10-backpressure/bounded-pauses.ts'
import { expectAllInOneFlush } from '../worlds/10-backpressure/bounded-pieces.ts'
import {
  expectCap,
  expectEndingsCounted,
  expectForgotten,
  expectNoPlaceAtAll,
  expectPlaceKeptUntilClosed,
  expectTwoPlaces,
} from '../worlds/10-backpressure/bounded-places.ts'
import { expectBucket, expectOwnRates } from '../worlds/10-backpressure/bounded-rates.ts'
import {
  expectLastProgressNoted,
  expectOwnStalls,
  expectProgressNotLength,
  expectSecondStallNoticed,
  expectStandstillInAnyCase,
  expectStandstillStopped,
  HUNDRED,
  ONE_LOOK,
  sayHundreds,
} from '../worlds/10-backpressure/bounded-stalls.ts'
import { Crowd, FOREVER, openWorld } from '../worlds/bounded-frames.ts'

const CHAPTER = '10-backpressure'

step('10.1', 'a write that takes only a part goes on where it stopped', async (stage) => {
  const { expectSame } = stage
  const { outbox, stream, push, flush, give } = await playOutbox(stage, {})
  expectSame('push("hello")', push('hello'), true, { because: 'There is room for it.' })
  push(' world')
  expectSame('what the stream was given', textOf(stream), '', {
    because:
      'What is pushed in one round goes out together at its end, when the connection calls flush().',
    likely: 'push() only adds to what waits, unless the limit would be exceeded.',
  })
  flush()
  expectSame('what the stream was given', textOf(stream), 'hello world', {
    because: 'It was pushed, and then flushed.',
    likely: 'flush() writes what waits before it returns. It postpones nothing.',
    look: 'outbox.flush()',
  })
  expectSame('bytes', outbox.bytes, 0, { because: 'Nothing waits any more.' })

  give(3)
  push("Don't ")
  flush()
  expectSame('bytes', outbox.bytes, 3, {
    because: 'The stream took three of the six bytes.',
    likely:
      outbox.bytes > 3
        ? 'What write() has taken still waits: drop that many bytes before flush() returns.'
        : 'Drop as many bytes as write() has returned, not the whole piece.',
    look: 'outbox.flush()',
  })
  push('panic')
  flush()
  give(FOREVER)
  await expectNoFlushByItself(stage, outbox)
  push('!')
  flush()
  expectSame('what the stream was given', textOf(stream), "Don't panic!", {
    because:
      'Bytes go out in the order in which they were pushed, each once, whenever there is room.',
    likely:
      'What is pushed later goes after what already waits, even if the stream has room by now.',
  })
  expectSame('bytes', outbox.bytes, 0, { because: 'Nothing is left.' })
  push('.')
  flush()
  expectSame('what the stream was given', textOf(stream), '.', {
    because: 'A single byte goes out as well.',
    likely: 'Go on while anything waits.',
    look: 'outbox.flush()',
  })
  pushAtRandom(stage, outbox, stream)
  await expectPieceAsItIs(stage)
  await expectAllInOneFlush(stage)
  await expectCheapFlushes(stage)
})

step('10.2', 'reading stops at the high-water mark and goes on at the low one', async (stage) => {
  const { expectSame } = stage
  const world = await openWorld(stage, {
    highWaterBytes: 1_000,
    lowWaterBytes: 200,
    stallMs: FOREVER,
    maxQueuedBytes: 1_500,
  })
  const [ada, adas] = await world.echoTo('ada')
  const expectAccepted = (count: number, reason: Reason) =>
    expectSame('the number of frames accepted from ada', adas.frames, count, reason)
  const payloads = Array.from({ length: 14 }, (_, index) => `${index} `.padEnd(96, '.'))

  await ada.send(frame('hello'))
  ada.expectReceived(frame('hello'), { because: 'She reads, so her frame is echoed.' })
  ada.stopReading()
  for (const payload of payloads.slice(0, 10)) await ada.send(frame(payload))
  expectAccepted(11, {
    because: 'Ten frames of 100 bytes wait for ada: exactly the high-water mark, and not more.',
    likely:
      adas.frames < 10
        ? 'Below the high mark nothing stops yet: lowWaterBytes is only for going on.'
        : 'Reading stops when more than highWaterBytes wait, not at exactly highWaterBytes.',
  })
  for (const payload of payloads.slice(10)) await ada.send(frame(payload))
  expectAccepted(12, {
    because: 'With the next frame, 1100 bytes wait. Nothing that she sends after that is read.',
    likely:
      adas.frames < 12
        ? 'Reading stops when more than highWaterBytes wait, not at exactly highWaterBytes.'
        : 'From here on, isBacklogged has to be true.',
  })

  await ada.takes(500)
  expectAccepted(12, {
    because:
      '600 bytes wait: below the high mark, above the low one. If reading went on now, it would soon stop again.',
    likely: 'Between the marks, nothing changes: isBacklogged stays what it was.',
  })
  await ada.takes(399)
  expectAccepted(12, {
    because: '201 bytes wait: one more than the low mark.',
    likely: 'Reading goes on when no more than lowWaterBytes wait, and not earlier.',
  })
  await ada.takes(1)
  expectAccepted(15, {
    because: '200 bytes wait. That is the low mark, so reading goes on.',
    likely: 'When no more than lowWaterBytes wait, the connection is no longer backlogged.',
  })
  await ada.startReading()
  ada.expectReceived(Buffer.concat(payloads.map(frame)), {
    because: 'Every frame is answered once, in order, however long it took.',
  })

  await expectAnswersAfterFin(world)
  await expectLossOfTheUnread(stage, world)
  await expectOneChunk(stage, world)
  await expectOwnMarks(stage)
  await expectMarks(stage)
})

step('10.3', 'a peer that does not take what it is due is told to go', async (stage) => {
  const { expectSame } = stage
  await expectBoundedOutbox(stage)
  await expectMarksKept(stage)

  const world = await openWorld(stage, { maxQueuedBytes: 1_000, stallMs: 30_000, goodbyeMs: 5_000 })
  const [ada, adas] = await world.echoTo('ada')
  ada.stopReading()
  stage.story.tell('server', 'has 12 frames of 100 bytes for ada')
  await sayHundreds(world, adas, 12)
  await ada.startReading()
  ada.expectReceived(Buffer.concat([...Array(10).fill(HUNDRED), frame('error slow-consumer')]), {
    because:
      'Her outbox has no room for the eleventh frame. She gets the ten that it took, and then the reason.',
    likely: 'push() returns false when there is no room, and the connection is then stopped.',
  })
  ada.expectEnd({ because: 'FIN follows the reason.' })
  await ada.send(frame('but'))
  ada.expectNothingMore({ because: 'A connection that is ending accepts nothing more.' })
  await ada.halfClose()
  expectSame('how ada’s connection ended', adas.endings, ['slow-consumer'], {
    because: 'Both sides have sent FIN, and onClose is told the reason.',
  })
  world.expectTimers(0, { because: 'Nothing of her connection is left.', ...ONE_LOOK })

  await expectCutAfterGoodbye(stage, world)
  await expectStandstillStopped(stage, world)
  await expectLastProgressNoted(stage, world)
  await expectTalkerCut(stage, world)
  await expectSecondStallNoticed(stage)
  await expectProgressNotLength(stage)
  await expectStandstillInAnyCase(stage)
  await expectOwnStalls(stage)
  await expectNoRoomAtAll(stage)
})

step('10.4', 'there is a limit to how many come and to how fast they talk', async (stage) => {
  await expectCap(stage)
  await expectBucket(stage)

  await expectTwoPlaces(stage)
  await expectOwnRates(stage)
  await expectPauses(stage)
  await expectEndingsCounted(stage)
  await expectLeavings(stage)
  await expectPlaceKeptUntilClosed(stage)
  await expectForgotten(stage)
  await expectNoPlaceAtAll(stage)
})

step('10.5', 'some descriptors are kept back, and a failed accept ends nothing', async (stage) => {
  const { connect, serve, story } = stage
  await expectAffordable(stage)

  const isPosix = process.platform !== 'win32'
  const descriptors = isPosix ? { maxOpenFiles: 200 } : undefined
  const server = await serve(CHAPTER, {}, 'server.ts', descriptors)
  if (isPosix) story.tell('kernel', 'allows the process 200 descriptors')
  else story.tell('kernel', 'is that of Windows, which sets no limit on descriptors')
  const ada = await connect(server)
  await echoFrame(ada, 'hello', { because: 'She is served.' })
  await expectFailuresCounted(stage, server, ada)
  await expectCountedAlone(stage)
  if (isPosix) await expectNobodyLost(stage, server, ada)
})

step('10.6', 'close() sees everybody out before its deadline', async (stage) => {
  await expectOrderlyClose(stage)
  await expectFailureSeen(stage)
  const { connect, serve, story } = stage
  const server = await serve(CHAPTER, { graceMs: 400 })
  const ada = await connect(server)
  await echoFrame(ada, 'hello', { because: 'ada is served.' })
  const crowd = await Crowd.connect(server, 20)
  const deaf = dial(server.port, '127.0.0.1')
  try {
    const framesBefore = await expectDeafNotRead(stage, server, deaf)
    story.tell('crowd', 'sends frames from 20 connections, each as soon as the last is answered')
    const talks = crowd.talk()
    for (let trip = 0; trip < 5; trip++) await server.roundTrip()
    server.beginClose()
    await ada.expectBytes(frame('goodbye'), {
      because: 'Everybody inside is told, in a last frame.',
      likely: 'stop() every open connection, as `stopping`.',
    })
    await ada.expectEnd({ because: 'Then FIN.' })
    await ada.halfClose()
    await stage.expectRefused(server, {
      because: 'Once close() is called, nobody is let in.',
      likely: 'Call server.close() first and wait for it last: it stops accepting at once.',
    })
    const answered = await expectAllSeenOut(stage, talks)
    await server.expectClosed({
      because:
        'graceMs is 400. After that, close() cuts off a client that has not taken what waits for it.',
      likely:
        'server.close() cuts clients off after graceMs, but it has to be called before you wait for anybody.',
    })
    await server.expectNothingLeft({ because: 'Now the process could end.' })
    await expectAcceptedAnswered(stage, server, framesBefore, answered)
  } finally {
    deaf.destroy()
    crowd.destroy()
  }
})
