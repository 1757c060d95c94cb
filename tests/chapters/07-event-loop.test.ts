import { once } from 'node:events'
import { pattern } from '../harness/client.ts'
import { PATIENCE_MS, within } from '../harness/patience.ts'
import { receive } from '../harness/socket-pair.ts'
import { step } from '../judge/step.ts'
import { ask, echo } from '../protocols/lines.ts'
import {
  expectAllInOneRound,
  expectBacklogFromAnotherTurn,
  expectFairGoodbye,
  expectFairTurns,
  expectPause,
  expectPromptReplies,
  expectQueueAsked,
  expectRestKept,
  expectTurnInVain,
} from '../worlds/loop-connections.ts'
import {
  Crowd,
  expectOnLoop,
  expectRefusedTalkerDropped,
  expectSlowReaderServed,
} from '../worlds/loop-crowd.ts'
import {
  expectClosedMeansClosed,
  expectLastByte,
  expectLateAnswer,
  expectLostMeansClosed,
  expectNothingBehindGoodbye,
  expectWholeGoodbye,
} from '../worlds/loop-endings.ts'
import {
  COUNT_TURNS,
  expectBugsSeen,
  expectLongestRound,
  expectNothingKept,
  expectOrder,
  expectPollerSeen,
  expectTimersServed,
  expectTurnForEach,
  expectTurnsAsWanted,
  makeLoop,
  TestTimers,
} from '../worlds/loop-rounds.ts'
import {
  expectCheapWaits,
  expectEachAspect,
  expectEverybody,
  expectFreshAnswer,
  expectNoQuestions,
  expectOneWakeUp,
  expectPatience,
  expectSleep,
  expectTimeKept,
  expectTurnsForNode,
  isTwice,
  LONG_MS,
  NEITHER,
  ONCE,
  READING,
  STILL_WAITING,
  ToldPoller,
  WRITING,
} from '../worlds/loop-sources.ts'
import {
  change,
  expectBrake,
  expectHalfOpen,
  expectLoss,
  expectNoRoom,
  expectOwnInbox,
  expectRoomAsked,
  fill,
  readBytes,
  textOf,
  withStream,
} from '../worlds/loop-streams.ts'

const CHAPTER = '07-event-loop'
const KIBIBYTE = 1024
const MEBIBYTE = 1024 * KIBIBYTE

step('07.1', 'a read answers at once: bytes, would-block or the end', async (stage) => {
  const { story, expect, expectSame } = stage
  await withStream(stage, async (stream, pair) => {
    const { near, far } = pair
    expectSame('a read before anything came', stream.read(), 'would-block', {
      because: 'There is nothing, and nobody is to wait for it in here.',
    })
    story.tell('peer', 'sends "hello"', 'toServer')
    far.write('hello')
    await change(stream)
    expectSame('a read', textOf(stream.read()), 'hello', { because: 'That is what has come.' })
    expectSame('the next read', stream.read(), 'would-block', {
      because: 'Bytes are read once.',
      likely: 'Take the chunk out of the inbox.',
    })

    for (const [index, text] of ['one ', 'two ', 'three'].entries()) {
      story.tell('peer', `sends "${text}"`, 'toServer')
      far.write(text)
      await change(stream, () => near.bytesRead >= [9, 13, 18][index])
    }
    const pieces = textOf(await readBytes(stream, 13))
    expectSame('what the next reads answer', pieces, 'one two three', {
      because: 'It came in three pieces. Oldest first.',
      likely: pieces.startsWith('hello')
        ? 'What read() has returned has to leave the inbox.'
        : 'Chunks are taken from the wrong end of the inbox.',
    })

    story.tell('peer', 'sends 1 MiB', 'toServer')
    far.write(pattern(0, MEBIBYTE))
    const received = await readBytes(stream, MEBIBYTE)
    expectSame('the bytes that could be read', received.length, MEBIBYTE, {
      because: 'A socket that has been paused because nobody read must go on when somebody does.',
      likely:
        '#receive() pauses the socket at 64 KiB. Reading makes room: first subtract what is read from #inboxBytes, then resume() if fewer than 64 KiB are left.',
    })
    expect('them to be as they were sent', received.equals(pattern(0, MEBIBYTE)), {
      because: 'Not a byte more, not a byte less, and all in order.',
    })

    expectBrake(stage, stream, pair)

    story.tell('peer', 'sends "good", then "bye" and FIN', 'toServer')
    const readBefore = near.bytesRead
    far.write('good')
    await change(stream, () => near.bytesRead >= readBefore + 4)
    const ended = once(near, 'end')
    far.end('bye')
    await within(PATIENCE_MS, ended)
    expectSame('the next reads', textOf(await readBytes(stream, 7)), 'goodbye', {
      because: 'FIN comes behind the last bytes, not before them.',
      likely: 'Look into the inbox first; the end is for when it is empty.',
    })
    const ends = [stream.read(), stream.read()]
    expectSame('the reads after that', ends, ['end', 'end'], {
      because: 'The end stays the end, however often it is asked for.',
      likely:
        ends[0] === 'end'
          ? 'Asking for the end changes nothing.'
          : '#hasEnded tells that FIN has come. isClosed is about something else: the descriptor, which is still in use.',
    })
    expect('the socket to be open for an answer', near.writable && !near.destroyed, {
      because: 'The peer’s FIN ends what it says, not what it hears.',
      likely: 'read() says that the end has come. It ends and destroys nothing.',
    })
  })

  await expectOwnInbox(stage)
  await expectLoss(stage)
})

step('07.2', 'a write takes what fits and says how much', async (stage) => {
  const { story, expect, expectSame } = stage
  await withStream(stage, async (stream, pair) => {
    const { far } = pair
    story.tell('peer', 'reads nothing')
    const taken = await fill(stage, stream, pair)
    expectSame('stream.isWritable', stream.isWritable, false, {
      because: 'That is what a poller looks at.',
    })

    story.tell('peer', 'reads on')
    let received = await receive(far, taken, PATIENCE_MS)
    expect('every byte that was taken to reach the peer, and no other', received.length === taken, {
      because: 'write() has returned that it took so many: no more, no fewer.',
      likely: 'The number is not that of the bytes that were handed to the socket.',
      expected: 'all of them',
      received: `${received.length} of ${taken}`,
    })
    if (!stream.isWritable) await change(stream, () => stream.isWritable)
    const more = stream.write(pattern(taken, 1_000))
    expectSame('a write of 1000 bytes', more, 1_000, { because: 'There is room again.' })
    const single = stream.write(pattern(taken + more, 1))
    expectSame('a write of one byte', single, 1, { because: 'There is room for one more.' })
    const written = taken + more + single
    received = Buffer.concat([received, await receive(far, more + single, PATIENCE_MS)])
    const isIntact = received.equals(pattern(0, written))
    const isShort = received.length < written
    expect('all of it to be as it was written', isIntact, {
      because: 'A write takes from the front, and what it did not take is offered again.',
      likely: isShort
        ? 'write() has returned more bytes than it handed to the socket. A single byte counts, too.'
        : 'subarray(0, taken) is the part that fits.',
      expected: `${written} bytes`,
      received: isShort ? `${received.length} bytes` : 'as many, and others than were written',
    })

    story.tell('peer', 'resets the connection (RST)', 'toServer')
    far.resetAndDestroy()
    await change(stream, () => stream.lostWith !== undefined)
    expectSame('a write', stream.write(pattern(0, 10)), 0, {
      because: 'Nobody takes anything any more; lostWith says why.',
      likely: 'socket.writable is false when the connection is gone.',
    })
  })
  await expectHalfOpen(stage)
  await expectNoRoom(stage)
  await expectRoomAsked(stage)
})

/** For a source that is ready and not reported. */
const LEAVE_IT_HOT =
  'Level-triggered: report what is ready, not what has become ready since somebody looked. A wait collects twice, and a source that is ready stays in the hot set.'

step('07.3', 'wait() reports only what is ready, again until it is consumed', async (stage) => {
  const { story, expectSame } = stage
  const { NetPoller } = await stage.load(() => import('#code/07-event-loop/poller.ts'))
  const poller = new NetPoller()
  const told = new ToldPoller(poller, story)
  const [ada, bob, cyd] = ['ada', 'bob', 'cyd'].map((name) => told.add(name, READING))

  const nobody = await told.wait(0)
  expectSame('wait(0)', nobody, [], {
    because: 'Nobody is ready, and the time is over at once.',
    likely:
      nobody === STILL_WAITING
        ? 'Sleep for `timeoutMs`, be it 0, and return what there is then, be it an empty list.'
        : 'Report what is ready and wanted.',
  })
  expectSame('wait(5)', await told.wait(5), [], {
    because: 'Nobody becomes ready, and 5 ms are over.',
    likely: '#sleep(ms) resolves after so long.',
  })
  ada.becomes({ readable: true }, story)
  const first = await told.wait(LONG_MS)
  expectSame('the first wait', first, ['ada readable'], {
    because: 'ada is ready already. The others are not.',
    likely:
      first === STILL_WAITING
        ? 'Sleep for 0 ms when somebody is ready; or #collect() has taken ada out of the hot set although she was ready.'
        : isTwice(first)
          ? ONCE
          : LEAVE_IT_HOT,
  })
  expectSame('the second wait', await told.wait(LONG_MS), ['ada readable'], {
    because: 'ada stays ready until somebody reads.',
    likely: LEAVE_IT_HOT,
  })
  ada.becomes({ readable: false }, story)
  expectSame('wait(0)', await told.wait(0), [], {
    because: 'ada has been read.',
    likely: 'Being in the hot set means that a source may be ready. Ask it.',
  })

  bob.becomes({ writable: true }, story)
  expectSame('wait(0)', await told.wait(0), [], {
    because: 'Nobody has asked whether bob is writable.',
    likely: 'Report what is ready and wanted.',
  })
  poller.modify(bob, WRITING)
  expectSame(
    'a wait, after bob’s interest is in writing',
    await told.wait(LONG_MS),
    ['bob writable'],
    {
      because: 'He has been writable all along; nothing needs to change for that to be reported.',
      likely:
        'modify() has put him into the hot set. A wait collects twice, and the first time must not take him out.',
    },
  )
  expectSame('the next wait', await told.wait(LONG_MS), ['bob writable'], {
    because: 'He still is, and nobody has written.',
    likely: 'Level-triggered holds for writing as well: leave him in the hot set.',
  })
  ada.becomes({ readable: true }, story)
  poller.modify(ada, WRITING)
  bob.becomes({ writable: false }, story)
  expectSame('wait(0), after ada’s interest is in writing', await told.wait(0), [], {
    because: 'ada can be read, and nobody wants to.',
    likely: 'Report what is ready and wanted.',
  })
  ada.becomes({ readable: false }, story)
  for (const source of [ada, bob]) poller.modify(source, READING)

  const pending = told.wait(Number.POSITIVE_INFINITY)
  await expectPatience(stage, pending)
  cyd.becomes({ readable: true }, story)
  expectSame('a wait without a limit', await pending, ['cyd readable'], {
    because: 'It ends as soon as somebody is ready.',
    likely: 'After the sleep look again who is ready: before it, nobody was.',
  })
  poller.remove(cyd)
  expectSame('wait(0), after cyd has been removed', await told.wait(0), [], {
    because: 'A source that has been removed is not reported, ready or not.',
  })
  await expectTurnsForNode(stage, poller, ada, ['with somebody ready'])
  await expectFreshAnswer(stage, told, [ada, bob])
  await expectEachAspect(stage, told)
  await expectOneWakeUp(stage, told, ada)
  await expectTurnsForNode(stage, poller, ada, ['after wake()', 'for 0 ms'])

  const dee = told.add('dee', NEITHER)
  const waiting = told.wait(Number.POSITIVE_INFINITY)
  dee.closes(story)
  const closed = await waiting
  expectSame('a wait while nothing is wanted of dee', closed, ['dee hung up'], {
    because:
      'A closed source is reported whatever is wanted of it: a connection that waits for nothing would never hear of it otherwise.',
    likely:
      closed.length === 1
        ? '`hungUp` is a field of its own. `readable` is wanted.readable && source.isReadable, closed or not.'
        : '#collect() looks at the interest only. A source that isClosed is `hungUp`, and reported for that alone.',
  })
  expectSame('the next wait', await told.wait(LONG_MS), ['dee hung up'], {
    because: 'dee is reported until somebody removes her.',
    likely: 'The closed do not cool down: leave them in the hot set.',
  })
  poller.remove(dee)

  await expectEverybody(stage, poller)
  await expectNoQuestions(stage, poller, ada)
  await expectSleep(stage, poller)
  await expectTimeKept(stage, poller, ada)
  await expectCheapWaits(stage, poller, ada)
})

step('07.4', 'the loop gives everybody who is ready one turn a round', async (stage) => {
  const { story, expect, expectSame } = stage
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
    story.tell('ada', 'removes cyd, who is reported in this round, and adds dee')
    loop.remove('cyd')
    loop.add('dee', READING, take('dee'))
  })
  loop.add('bob', READING, take('bob'))
  loop.add('cyd', READING, take('cyd'))
  expectSame('the turns before the loop runs', [...turns], [], {
    because: 'add() only says what is to happen.',
  })
  const outcome = await within(PATIENCE_MS, loop.run())
  expectSame('the turns', turns, ['ada', 'bob', 'bob', 'ada', 'dee', 'bob'], {
    because:
      'One turn for each source that a wait reports, in that order. cyd was removed in ada’s first turn, in the very round in which she was reported.',
    likely: turns.includes('cyd')
      ? 'What wait() has reported may be out of date a turn later: look whether the handler is still there.'
      : poller.timeouts.length === 1
        ? 'run() has returned after one round: it goes on until stop().'
        : 'Give each of the sources that wait() has reported its turn, once a round.',
  })
  expectSame('run() after stop()', outcome, undefined, {
    because: 'stop() lets run() return.',
    likely: 'while (!this.#isStopping)',
  })
  // A loop that is stopped while it waits may leave at once, or end its last round first.
  const missed = poller.timeouts.length - timers.runs
  expect(
    'the times that the timers were run to be those of the rounds',
    missed === 0 || missed === 1,
    {
      because: 'Timers are run once a round, whether or not a source was ready.',
      likely:
        missed < 0
          ? 'runDue() stands among the turns: it follows all of them, once a round.'
          : 'runDue() after the turns, also when the list of the ready was empty.',
      expected: '5 times, or 4 if the loop leaves right after the last wait',
      received: `${timers.runs} times`,
    },
  )
  expectSame('the time-outs that wait() was given', poller.timeouts, [100, 101, 102, 103, 104], {
    because: 'Between the rounds the loop may sleep until the timers’ next one is due, not longer.',
    likely: 'Ask nextDelay() before every wait.',
  })
  expectSame('stats().turns', loop.stats().turns, 6, {
    because: 'Six turns were had, in four rounds; cyd had none.',
    likely: COUNT_TURNS,
    look: '#giveTurn()',
  })

  await expectOrder(stage)
  await expectTurnsAsWanted(stage)
  await expectBugsSeen(stage)
  await expectTimersServed(stage)
  await expectPollerSeen(stage)
  await expectTurnForEach(stage)
  await expectNothingKept(stage)
})

step('07.5', 'a thousand clients are served by one thread', async (stage) => {
  const { serve, connect, expectSame } = stage
  await expectFairTurns(stage)
  await expectFairGoodbye(stage)
  await expectPromptReplies(stage)
  await expectLateAnswer(stage)
  await expectAllInOneRound(stage)
  await expectPause(stage)
  await expectQueueAsked(stage)
  await expectBacklogFromAnotherTurn(stage)
  await expectRestKept(stage)
  await expectNothingBehindGoodbye(stage)
  await expectClosedMeansClosed(stage)
  await expectWholeGoodbye(stage)
  await expectLostMeansClosed(stage)
  await expectLastByte(stage)
  await expectTurnInVain(stage)

  const server = await serve(CHAPTER, { graceMs: 100 })
  const [ada, bob] = [await connect(server), await connect(server)]
  await echo(ada, { because: 'A line is answered.' })
  await ada.send('echo byte by byte\nwhoami\r\n', { cut: 'byte by byte' })
  await ada.expectBytes('byte by byte\n0\n', {
    because: 'Half a line is no line yet; the rest comes later.',
  })
  await ada.sendGlued('echo one\n', 'echo two\n', 'echo thr')
  await ada.expectBytes('one\ntwo\n', { because: 'Two lines and a half make two answers.' })
  await ada.sendGlued('ee\n', 'echo four\n')
  await ada.halfClose()
  await ada.expectBytes('three\nfour\n', { because: 'What was asked before FIN is answered.' })
  await ada.expectEnd({
    because: 'ada has said FIN, and has all her answers.',
    likely: 'The end of the stream is an event for the protocol’s onEnd().',
  })
  await ask(bob, 'crash', /^error crashed/, { because: 'The command throws.' })
  await bob.expectEnd({
    because: 'A connection whose command crashed ends, with FIN behind the reason.',
    likely: '#flush(): when it is ending and nothing waits any more, end() the stream.',
  })
  await bob.send('x'.repeat(300 * KIBIBYTE))
  await bob.halfClose()
  await expectOnLoop(server, 0, {
    because: 'Both FINs have passed on both connections.',
    likely:
      'After our FIN bob’s bytes must still be read, and thrown away, or his FIN behind them is never seen: #watch().',
  })

  await expectRefusedTalkerDropped(stage, server)
  await expectSlowReaderServed(stage, server)
  const crowd = await Crowd.connect(server, 1_000)
  try {
    stage.story.tell('crowd', 'connects a thousand times, each asks for an echo of its own')
    expectSame('the answers that are right', await crowd.askAll(), 1_000, {
      because: 'A thousand connections are a thousand small objects. No thread is needed for any.',
    })
    expectSame('the threads of the server, beside the first', await server.workers(), 0, {
      because: 'One loop, one thread.',
    })
    crowd.loseHalf()
    const cyd = await connect(server, 'cyd')
    await echo(cyd, { because: 'Half of the crowd is lost at once, and nobody else minds.' })
    await expectOnLoop(server, 502, {
      because: 'The other half is still there, cyd, and `other`.',
      likely: 'A lost stream is reported as hung up.',
    })
  } finally {
    crowd.destroy()
  }
  server.beginClose()
  await server.expectClosed({ because: 'Everybody has gone or is cut after graceMs.' })
  await server.expectNothingLeft({
    because: 'The loop has ended with the server.',
    likely: 'stop() must wake a wait that goes on.',
  })
})

step('07.6', 'one slow command delays everybody, and the loop says how long', async (stage) => {
  const { story, serve, connect, expect } = stage
  await expectLongestRound(stage)

  const server = await serve(CHAPTER)
  const [cyd, dee] = [await connect(server), await connect(server)]
  for (const client of [cyd, dee]) await echo(client, { because: 'Two clients, one thread.' })
  await cyd.send('sleep 250\n')
  const askedAt = performance.now()
  await ask(dee, 'echo hurry', 'hurry', { because: 'dee is served when cyd’s command is over.' })
  story.tell('dee', `has waited ${Math.round(performance.now() - askedAt)} ms for her echo`)
  await cyd.expectLine('slept', { because: 'That is what everybody has waited for.' })
  const { longestRoundMs: blocked } = await server.call<{ longestRoundMs: number }>('stats')
  expect('stats() to tell that somebody had to wait for 250 ms', blocked >= 249, {
    because: 'The person who runs the server has to see that a handler blocks.',
    likely:
      blocked === 0
        ? 'stats() is asked while the loop runs: keep the longest at the end of each round.'
        : 'Take the time before the turns and behind the end of the round, by a clock that goes on while the thread sleeps.',
    expected: '250 ms or more',
    received: `${blocked.toFixed(1)} ms`,
  })
})
