import { pattern } from '../harness/client.ts'
import { PATIENCE_MS, within } from '../harness/patience.ts'
import { step } from '../judge/step.ts'
import {
  expectCheapReports,
  expectCheapWaits,
  expectNoQuestions,
} from '../worlds/07-event-loop/idle-sources.ts'
import {
  expectLongestRound,
  expectNoRoundKept,
  expectSlowCommandTold,
} from '../worlds/07-event-loop/long-rounds.ts'
import {
  expectBugsSeen,
  expectNothingKept,
  expectPollerSeen,
  expectStoppedBefore,
  expectTimerOfTurn,
  expectTimersServed,
  expectTurnForEach,
} from '../worlds/07-event-loop/loop-bugs.ts'
import {
  expectCrowdServed,
  expectLinesServed,
  expectRefusedTalkerDropped,
  expectSlowReaderServed,
} from '../worlds/07-event-loop/loop-crowd.ts'
import {
  expectClosedMeansClosed,
  expectLastByte,
  expectLateAnswer,
  expectLostMeansClosed,
  expectNothingBehindGoodbye,
  expectWholeGoodbye,
} from '../worlds/07-event-loop/loop-endings.ts'
import {
  expectPause,
  expectQueueAsked,
  expectRestBehindBacklog,
  expectRestKept,
} from '../worlds/07-event-loop/loop-pauses.ts'
import { expectAllInOneRound, expectPromptReplies } from '../worlds/07-event-loop/loop-replies.ts'
import {
  expectClosedReported,
  expectEachAspect,
  expectEverybody,
  expectFreshAnswer,
  expectInterestAsked,
} from '../worlds/07-event-loop/loop-reports.ts'
import {
  COUNT_TURNS,
  expectOrder,
  expectTimersEachRound,
  expectTurnsAsWanted,
  makeLoop,
  TestTimers,
} from '../worlds/07-event-loop/loop-rounds.ts'
import {
  expectLateWakeUps,
  expectOneWakeUp,
  expectShortSleep,
  expectSleep,
  expectTimeKept,
  expectTurnsForNode,
  expectWaitWithoutLimit,
} from '../worlds/07-event-loop/loop-sleeps.ts'
import {
  isTwice,
  LEAVE_IT_HOT,
  LONG_MS,
  ONCE,
  READING,
  STILL_WAITING,
  ToldPoller,
} from '../worlds/07-event-loop/loop-sources.ts'
import { change, textOf, withStream } from '../worlds/07-event-loop/loop-streams.ts'
import {
  expectBacklogFromAnotherTurn,
  expectFairGoodbye,
  expectFairTurns,
  expectOneReadWhenLost,
  expectTurnInVain,
} from '../worlds/07-event-loop/loop-turns.ts'
import {
  expectBrake,
  expectEndBehindBytes,
  expectLoss,
  expectMebibyte,
  expectOldestFirst,
  expectOwnInbox,
  expectReadBehindOwnFin,
} from '../worlds/07-event-loop/stream-reads.ts'
import {
  expectHalfOpen,
  expectNoRoom,
  expectOwnBytes,
  expectRoomAgain,
  expectRoomAsked,
  fill,
} from '../worlds/07-event-loop/stream-writes.ts'

const CHAPTER = '07-event-loop'

step('07.1', 'a read answers at once: bytes, would-block or the end', async (stage) => {
  const { story, expectSame } = stage
  await withStream(stage, async (stream, pair) => {
    const { far } = pair
    expectSame('a read before anything arrived', stream.read(), 'would-block', {
      because: 'Nothing has arrived, and read() never waits.',
    })
    story.tell('peer', 'sends "hello"', 'toServer')
    far.write('hello')
    await change(stream)
    expectSame('a read', textOf(stream.read()), 'hello', { because: 'That is what has arrived.' })
    expectSame('the next read', stream.read(), 'would-block', {
      because: 'Bytes are read once.',
      likely: 'Take the chunk out of the inbox.',
    })
    await expectOldestFirst(stage, stream, pair)
    await expectMebibyte(stage, stream, pair)
    expectBrake(stage, stream, pair)
    await expectEndBehindBytes(stage, stream, pair)
  })

  await expectOwnInbox(stage)
  await expectReadBehindOwnFin(stage)
  await expectLoss(stage)
})

step('07.2', 'a write takes what fits and says how much', async (stage) => {
  const { story, expectSame } = stage
  await withStream(stage, async (stream, pair) => {
    const { far } = pair
    story.tell('peer', 'reads nothing')
    const taken = await fill(stage, stream, pair)
    expectSame('stream.isWritable', stream.isWritable, false, {
      because: 'A poller looks at this to know whether a write would take anything.',
    })

    await expectRoomAgain(stage, stream, pair, taken)
    story.tell('peer', 'resets the connection (RST)', 'toServer')
    far.resetAndDestroy()
    await change(stream, () => stream.lostWith !== undefined)
    expectSame('the result of a write', stream.write(pattern(0, 10)), 0, {
      because: 'A lost connection takes nothing; lostWith says why it was lost.',
      likely: 'socket.writable is false when the connection is gone.',
    })
  })
  await expectHalfOpen(stage)
  await expectNoRoom(stage)
  await expectRoomAsked(stage)
  await expectOwnBytes(stage)
})

step('07.3', 'wait() reports only what is ready, again until it is consumed', async (stage) => {
  const { story, expectSame } = stage
  const { NetPoller } = await stage.load(() => import('#code/07-event-loop/poller.ts'))
  const poller = new NetPoller()
  const told = new ToldPoller(poller, story)
  const [ada, bob, cyd] = ['ada', 'bob', 'cyd'].map((name) => told.add(name, READING))

  const nobody = await told.wait(0)
  expectSame('wait(0)', nobody, [], {
    because: 'No source is ready, and the time-out of 0 ms is over at once.',
    likely:
      nobody === STILL_WAITING
        ? 'Sleep for `timeoutMs`, even if it is 0, and then return what is ready, even if the list is empty.'
        : 'Report what is ready and wanted.',
  })
  expectSame('wait(5)', await told.wait(5), [], {
    because: 'No source becomes ready within the 5 ms.',
    likely: 'Use #sleep(ms), which resolves after that many milliseconds.',
  })
  ada.becomes({ readable: true }, story)
  const first = await told.wait(LONG_MS)
  expectSame('the first wait', first, ['ada readable'], {
    because: 'ada is ready already. The others are not.',
    likely:
      first === STILL_WAITING
        ? 'Sleep for 0 ms when a source is ready. Or #collect() has taken ada out of the hot set although she was ready.'
        : isTwice(first)
          ? ONCE
          : LEAVE_IT_HOT,
  })
  expectSame('the second wait', await told.wait(LONG_MS), ['ada readable'], {
    because: 'ada stays ready until she is read.',
    likely: LEAVE_IT_HOT,
  })
  ada.becomes({ readable: false }, story)
  expectSame('wait(0)', await told.wait(0), [], {
    because: 'ada has been read.',
    likely: 'A source in the hot set may be ready, but need not be. Ask it.',
  })
  await expectInterestAsked(stage, told, [ada, bob])
  await expectWaitWithoutLimit(stage, told, [bob, cyd])
  await expectTurnsForNode(stage, poller, ada, ['with somebody ready'])
  await expectFreshAnswer(stage, told, [ada, bob])
  await expectEachAspect(stage, told)
  await expectOneWakeUp(stage, told, ada)
  await expectTurnsForNode(stage, poller, ada, ['after wake()', 'for 0 ms'])
  await expectLateWakeUps(stage, told, ada)
  await expectClosedReported(stage, told, ada)
  await expectEverybody(stage, poller)
  await expectNoQuestions(stage, poller, ada)
  await expectSleep(stage, poller)
  await expectShortSleep(stage, poller)
  await expectTimeKept(stage, poller, ada)
  await expectCheapWaits(stage, poller, ada)
  await expectCheapReports(stage, poller)
})

step('07.4', 'the loop gives everybody who is ready one turn a round', async (stage) => {
  const { story, expectSame } = stage
  const timers = new TestTimers()
  const { loop, poller } = await makeLoop(
    stage,
    [['ada', 'bob', 'cyd'], ['bob'], [], ['ada', 'dee', 'bob']],
    timers,
  )
  const turns: string[] = []
  const take = (name: string) => () => {
    story.tell(name, 'has a turn')
    turns.push(name)
  }
  loop.add('ada', READING, () => {
    take('ada')()
    if (turns.length > 1) return
    story.tell(
      'ada',
      'removes cyd, who is reported in this round: #sources no longer has her; adds dee',
    )
    loop.remove('cyd')
    loop.add('dee', READING, take('dee'))
  })
  loop.add('bob', READING, take('bob'))
  loop.add('cyd', READING, take('cyd'))
  expectSame('the turns before the loop runs', [...turns], [], {
    because: 'add() only registers the handler. It gives no turn.',
  })
  const outcome = await within(PATIENCE_MS, loop.run())
  expectSame('the turns', turns, ['ada', 'bob', 'bob', 'ada', 'dee', 'bob'], {
    because:
      'Each source that a wait reports gets one turn, in that order. cyd was removed in ada’s first turn, in the very round in which she was reported.',
    likely: turns.includes('cyd')
      ? 'What wait() has reported may be out of date a turn later: check whether the source still has its handler, and call that at once, not later.'
      : poller.timeouts.length === 1
        ? 'run() has returned after one round. It must go on until stop() is called.'
        : 'Give each source that wait() has reported one turn a round.',
  })
  expectSame('run() after stop()', outcome, undefined, {
    because: 'stop() lets run() return.',
    likely: 'while (!this.#isStopping)',
  })
  expectTimersEachRound(stage, poller, timers)
  expectSame('stats().turns', loop.stats().turns, 6, {
    because: 'There were six turns in four rounds; cyd had none.',
    likely: COUNT_TURNS,
    look: '#giveTurn()',
  })

  await expectOrder(stage)
  await expectTurnsAsWanted(stage)
  await expectBugsSeen(stage)
  await expectTimersServed(stage)
  await expectPollerSeen(stage)
  await expectStoppedBefore(stage)
  await expectTimerOfTurn(stage)
  await expectTurnForEach(stage)
  await expectNothingKept(stage)
})

step('07.5', 'a thousand clients are served by one thread', async (stage) => {
  const { serve, connect } = stage
  await expectFairTurns(stage)
  await expectPromptReplies(stage)
  await expectLateAnswer(stage)
  await expectAllInOneRound(stage)
  await expectPause(stage)
  await expectQueueAsked(stage)
  await expectBacklogFromAnotherTurn(stage)
  await expectRestKept(stage)
  await expectRestBehindBacklog(stage)
  await expectNothingBehindGoodbye(stage)
  await expectClosedMeansClosed(stage)
  await expectWholeGoodbye(stage)
  await expectLostMeansClosed(stage)
  await expectLastByte(stage)
  await expectFairGoodbye(stage)
  await expectTurnInVain(stage)
  await expectOneReadWhenLost(stage)

  const server = await serve(CHAPTER, { graceMs: 100 })
  const [ada, bob] = [await connect(server), await connect(server)]
  await expectLinesServed(server, [ada, bob])
  await expectRefusedTalkerDropped(stage, server)
  await expectSlowReaderServed(stage, server)
  await expectCrowdServed(stage, server)
  server.beginClose()
  await server.expectClosed({ because: 'Every client has left, or is cut off after graceMs.' })
  await server.expectNothingLeft({
    because: 'The loop has ended with the server.',
    likely: 'stop() must wake a wait that is in progress.',
  })
})

step('07.6', 'one slow command delays everybody, and the loop says how long', async (stage) => {
  await expectLongestRound(stage)
  await expectNoRoundKept(stage)
  await expectSlowCommandTold(stage)
})
