import { step } from '../judge/step.ts'
import { ask, echo } from '../protocols/lines.ts'
import {
  expectIdleFromBirth,
  IDLE_MS,
  talkUntilClosed,
  talkUntilServed,
  trickle,
  wakeThreads,
} from '../worlds/06-worker-pool/idle-clients.ts'
import {
  expectAcceptedJobsDone,
  expectIdlePoolClosed,
  expectRunningJobAwaited,
} from '../worlds/06-worker-pool/pool-close.ts'
import {
  expectBrokenScriptTold,
  expectCrashesReplaced,
  expectQueueToGoOn,
  expectThreadForgotten,
} from '../worlds/06-worker-pool/pool-crashes.ts'
import {
  expectFullQueueRefusing,
  expectNoPlaceRefusing,
} from '../worlds/06-worker-pool/pool-full-queue.ts'
import {
  expectLastCrashAwaited,
  expectReplacedThreadAwaited,
  expectReplacementEnded,
  expectTakenBackJobLeft,
  expectWaitingJobTakenBack,
} from '../worlds/06-worker-pool/pool-last-threads.ts'
import {
  expectEveryOutcome,
  expectOrderOfArrival,
  expectUnsendableRejected,
} from '../worlds/06-worker-pool/pool-order.ts'
import {
  expectAllTakenBack,
  expectCrashInGrace,
  expectGrace,
  expectIdleThreadLeft,
  expectLateCancelHarmless,
  expectStartedJobTakenBack,
  expectThreadReplaced,
} from '../worlds/06-worker-pool/pool-running-jobs.ts'
import {
  expectRunningTwinLeft,
  expectWaitingTwinLeft,
} from '../worlds/06-worker-pool/pool-twins.ts'
import {
  expectEndedJobsLetGo,
  expectSignalsForgotten,
  expectSignalsHeard,
  expectTakenOutOfQueue,
} from '../worlds/06-worker-pool/pool-waiting-jobs.ts'
import {
  expectCrashedLetGo,
  expectOneClock,
  expectSlowTakerServed,
  expectStuckTakerCut,
} from '../worlds/06-worker-pool/slow-takers.ts'

const CHAPTER = '06-worker-pool'

/** Where somebody has to be quick to be not idle: more than a loaded machine needs. */
const BUSY_IDLE_MS = 500

step('06.1', 'a fixed number of threads takes jobs in order of arrival', async (stage) => {
  await expectOrderOfArrival(stage)
  await expectEveryOutcome(stage)
  await expectUnsendableRejected(stage)
})

step('06.2', 'a full queue refuses at once', async (stage) => {
  await expectFullQueueRefusing(stage)
  await expectNoPlaceRefusing(stage)

  const { serve, connect } = stage
  const server = await serve(CHAPTER, { threads: 1, maxWaiting: 1 })
  const [ada, bob, cyd] = [await connect(server), await connect(server), await connect(server)]
  await echo(ada, { because: 'ada has the one thread.' })
  await cyd.expectLine('busy', {
    because: 'bob has the only place in the queue, so cyd is told at once.',
    likely: 'run() must reject, and with PoolBusy.',
  })
  await cyd.expectEnd({ because: 'After `busy` there is nothing more to say.' })
  await ada.halfClose()
  await echo(bob, {
    because: 'ada has finished, so bob is next.',
    likely:
      'ada’s connection has closed, so #cancel() was called, although her job had ended. Has it taken bob out of the queue? indexOf() returns -1 for a task that is not in the queue, and 0 for the first.',
    look: ['#cancel()', 'run()'],
  })
})

step('06.3', 'a thread that crashes is replaced, and only its job is lost', async (stage) => {
  await expectCrashesReplaced(stage)
  await expectThreadForgotten(stage)
  await expectBrokenScriptTold(stage)
  await expectQueueToGoOn(stage)
})

step('06.4', 'a job that waits is taken back', async (stage) => {
  await expectTakenOutOfQueue(stage)
  await expectWaitingTwinLeft(stage)
  await expectSignalsHeard(stage)
  await expectSignalsForgotten(stage)
  await expectEndedJobsLetGo(stage)
})

step('06.5', 'a job that runs is taken back, and its thread replaced soon', async (stage) => {
  await expectThreadReplaced(stage)
  await expectRunningTwinLeft(stage)
  await expectLateCancelHarmless(stage)
  await expectGrace(stage)
  await expectStartedJobTakenBack(stage)
  await expectCrashInGrace(stage)
  await expectIdleThreadLeft(stage)
  await expectAllTakenBack(stage)

  const { serve, connect } = stage
  const server = await serve(CHAPTER, { threads: 1 })
  const [ada, bob] = [await connect(server), await connect(server)]
  await ada.send('sleep 60000\n')
  await server.roundTrip()
  ada.reset()
  await echo(bob, {
    because: 'ada has gone, and bob needs the thread that sleeps for her.',
    likely:
      '#cancel() leaves the thread to #replaceSoon(), which replaces it if it is still busy when the grace is over.',
    look: '#cancel()',
  })
})

step('06.6', 'close() lets what was accepted come to its end', async (stage) => {
  await expectAcceptedJobsDone(stage)
  await expectRunningJobAwaited(stage)
  await expectIdlePoolClosed(stage)
  await expectReplacementEnded(stage)
  await expectLastCrashAwaited(stage)
  await expectReplacedThreadAwaited(stage)
  await expectTakenBackJobLeft(stage)
  await expectWaitingJobTakenBack(stage)
})

step('06.7', 'a client who says nothing gives its thread up', async (stage) => {
  const { serve, connect, expect } = stage
  const patient = await serve(CHAPTER, { threads: 2, idleMs: 60_000 })
  const [ada, bob, cyd] = [await connect(patient), await connect(patient), await connect(patient)]
  for (const client of [ada, bob])
    await echo(client, { because: 'There are two threads, one for ada and one for bob.' })
  await cyd.send('echo anybody there?\n')
  await cyd.expectSilence(() => patient.roundTrip(), {
    because: 'Here is the flaw: ada and bob say nothing, and still no thread is free for cyd.',
  })
  const timer = await patient.msToNextTimer()
  const hasNone = timer === Number.POSITIVE_INFINITY
  expect('a timer for ada and bob within idleMs', timer <= 60_000, {
    because: 'They have said nothing since their answers, and may stay silent for idleMs at most.',
    likely: hasNone
      ? 'socket.setTimeout() sets a timer, and starts it again whenever a byte moves on the socket.'
      : 'Call socket.setTimeout(idleMs): it takes milliseconds. Use idleMs, and no more than that.',
    expected: 'a timer within 60,000 ms',
    received: hasNone ? 'none' : `the next one in ${timer} ms`,
  })

  const hasty = await serve(CHAPTER, { threads: 2, idleMs: IDLE_MS })
  await wakeThreads(hasty, [await connect(hasty, 'one'), await connect(hasty, 'two')])
  const cameAt = performance.now()
  const [dee, eve] = [await connect(hasty, 'dee'), await connect(hasty, 'eve')]
  for (const client of [dee, eve]) {
    await client.expectLine('idle', {
      because: `A client that has said nothing for ${IDLE_MS} ms is told why the connection ends.`,
      likely: 'socket.setTimeout() calls back when no byte has moved on the socket for that long.',
      seen: {
        ended: 'Write the line before you close the connection, and close it with destroySoon().',
      },
    })
    const afterMs = performance.now() - cameAt
    // Node's timers count whole milliseconds.
    expect(`${client.name} to have had ${IDLE_MS} ms`, afterMs > IDLE_MS - 5, {
      because: 'A client may be silent for the whole of idleMs.',
      likely: 'Call socket.setTimeout(idleMs), with the limit as it was given.',
      received: `idle after ${Math.round(afterMs)} ms`,
    })
    await client.expectEnd({
      because: 'After that line there is nothing more to say.',
      likely: 'destroySoon() closes both directions once the line is written.',
    })
  }
  await talkUntilClosed(hasty, dee, {
    because:
      'dee has been told that the connection ends. Whatever she still sends must not keep a thread.',
    likely:
      'end() closes one direction and waits for her FIN. destroySoon() closes both directions once the line is written.',
  })
  const [fay, gus] = [await connect(hasty, 'fay'), await connect(hasty, 'gus')]
  await talkUntilServed(hasty, [fay, gus], {
    because: 'eve has not said FIN, and need not: both threads are free for fay and gus.',
    likely:
      'end() waits for the FIN of a client who says nothing. Close both directions once the line is written.',
  })

  await fay.send('echo ')
  await trickle(fay, 1.5 * IDLE_MS)
  await gus.expectLine('idle', {
    because: 'gus has talked, and then fallen silent.',
    likely: 'The limit holds for every silence, not just for the first.',
  })
  await ask(fay, '.', /^x+\.$/, {
    because:
      'fay connected no later than gus, but she sends a byte every 20 ms. Silence is limited, not the length of a visit.',
    likely: 'The limit starts again with every byte, in or out. socket.setTimeout() does that.',
  })

  const busy = await serve(CHAPTER, { threads: 1, idleMs: BUSY_IDLE_MS, graceMs: 0 })
  await wakeThreads(busy, [await connect(busy, 'one')])
  const [hal, ida] = [await connect(busy, 'hal'), await connect(busy, 'ida')]
  const waits = BUSY_IDLE_MS * 2.5
  const askedAt = performance.now()
  await ask(hal, `sleep ${waits}`, 'slept', {
    because: `hal does not keep his thread waiting for ${waits} ms: his thread keeps him waiting.`,
    likely: 'Ask owesAnswer() before you call a client idle.',
  })
  await ida.expectSilence(() => busy.roundTrip(), {
    because: 'ida waits in the queue. She has no thread that she could give up.',
    likely:
      'limitIdleness() is called when a thread begins with her. Until then, her silence has no limit.',
  })
  await hal.expectLine('idle', {
    because: 'hal has had his answer, and has said nothing after it.',
    likely:
      'The limit starts again with the answer. The timer must not stop forever when an answer was owed.',
  })
  const idleAfterMs = performance.now() - askedAt
  const leastMs = waits + BUSY_IDLE_MS
  // Node's timers count from the beginning of a turn of the loop, and that may have been a long turn.
  expect(`hal to have had ${BUSY_IDLE_MS} ms since his answer`, idleAfterMs > leastMs - 25, {
    because:
      'His answer moved on the socket as well. Silence is counted from the last byte in either direction.',
    likely:
      'Here only bytes from hal start the limit again. socket.setTimeout() starts it again with every byte, in or out.',
    expected: `idle ${leastMs} ms after his question, or later`,
    received: `${Math.round(idleAfterMs)} ms`,
  })
  await hal.expectEnd({ because: 'After that line there is nothing more to say.' })
  await echo(ida, { because: 'The thread is free for her now.' })

  ida.stopReading()
  const jon = await connect(busy, 'jon')
  ida.beQuiet('asks for as many bytes as she sends, and reads none of them')
  ida.flood(32 * 1024 * 1024, `echo ${'x'.repeat(60_000)}\n`)
  await echo(jon, {
    because:
      'ida has stopped reading, and her thread sleeps in write(). When no byte has moved for half a second, jon gets that thread.',
    likely:
      'Look at socket.writableLength before all else: her answer is owed until she reads, and destroySoon() would wait for that. A client that has not taken earlier bytes is cut off.',
  })
  busy.beginClose()
  await busy.expectClosed({ because: 'No grace is given here: open connections are cut off.' })
  await busy.expectNothingLeft({
    because: 'A closed server keeps no process alive.',
    likely: 'A timer of your own has to be cleared when its socket has closed.',
  })

  const hurried = await serve(CHAPTER, { threads: 3, idleMs: 1 })
  await expectIdleFromBirth(hurried, connect)
  await expectOneClock(stage)
  await expectSlowTakerServed(stage)
  await expectStuckTakerCut(stage)
  await expectCrashedLetGo(stage)
})
