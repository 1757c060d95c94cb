import { step } from '../judge/step.ts'
import {
  expectCheapTalk,
  expectEndlessPings,
  expectOnlyPong,
  expectPings,
  expectTimersOfHerOwn,
} from '../worlds/08-timers/heartbeats.ts'
import {
  expectEveryEnding,
  expectNoLimit,
  expectOwnGoodbye,
  expectTwoGoodbyes,
} from '../worlds/08-timers/idle-limits.ts'
import {
  expectDelays,
  expectLongDelay,
  expectToldWhenArmed,
} from '../worlds/08-timers/next-delays.ts'
import { expectRealSleep } from '../worlds/08-timers/real-sleep.ts'
import {
  expectLateLook,
  expectNothingAfterStop,
  expectRestOfSilence,
  expectSmallRest,
  expectStoppedRest,
  expectStoppedSilence,
} from '../worlds/08-timers/silences.ts'
import { expectExactSleep, expectWakeUps } from '../worlds/08-timers/sleeping-loop.ts'
import {
  expectAnyPeriod,
  expectBeat,
  expectCancelledBeat,
  expectFaultyBeat,
  expectLongBeat,
  expectOtherBeatCancelled,
  expectOwnBeat,
  expectPeriodsRefused,
  expectStalledBeats,
} from '../worlds/08-timers/timer-beats.ts'
import {
  expectCancelledInside,
  expectCrowdInOrder,
  expectForgotten,
  expectGapsFilled,
  expectLetGo,
} from '../worlds/08-timers/timer-cancelling.ts'
import {
  expectCheapCancelling,
  expectCheapFiring,
  expectCheapHeap,
  expectCheapLook,
} from '../worlds/08-timers/timer-costs.ts'
import { expectHeapInOrder } from '../worlds/08-timers/timer-heap-orders.ts'
import { playQueue } from '../worlds/08-timers/timer-queues.ts'
import {
  expectAnyDelay,
  expectErrorsSeen,
  expectNever,
  expectNeverEarly,
  expectNextRound,
  expectNoNaN,
  expectOneLook,
  expectTakenOut,
} from '../worlds/08-timers/timer-rounds.ts'
import { serveVirtually } from '../worlds/08-timers/watched-clients.ts'

const _CHAPTER = '08-timers'

step('08.1', 'the timer that fires first is at the root of the heap', async (stage) => {
  await expectHeapInOrder(stage)
  await expectCheapHeap(stage)
})

step('08.2', 'timers fire in order, ties in order of arming', async (stage) => {
  const { expectSame, story } = stage
  const played = await playQueue(stage)
  const { timers, clock, arm, expectFires } = played
  arm('third', 30)
  arm('first', 10)
  arm('second', 20)
  arm('fourth', 40)
  expectSame('timers.size', timers.size, 4, { because: 'Four timers are armed.' })
  expectFires(9, [], {
    because: 'Nothing is due yet.',
    likely: 'The deadline is clock.now() plus the delay, and due means that it has been reached.',
    look: ['timer-queue.after()', 'timer-queue.runDue()'],
  })
  expectFires(1, ['first'], {
    because: 'A timer is due at its deadline, not one millisecond after it.',
    likely:
      'Due means deadlineMs <= now. Or runDue() takes it for a timer armed during the round: each arming has to increment `#armed`.',
    look: 'timer-queue.runDue()',
  })
  expectFires(500, ['second', 'third', 'fourth'], (received) => ({
    because: 'A loop that is late fires every timer that is due, earliest deadline first.',
    likely:
      received === 'second, third'
        ? '"fourth" was armed before this round, too: compare `order` with #armed, which only grows, not with the size of the heap.'
        : 'While the first timer in the heap is due, take it out and call its callback.',
    look: 'timer-queue.runDue()',
  }))
  expectFires(500, [], {
    because: 'A timer fires once.',
    likely: 'A timer that has fired is still in the heap. Take it out.',
    look: 'timer-queue.runDue()',
  })
  expectSame('timers.size', timers.size, 0, { because: 'All of them have fired.' })

  for (const name of ['a', 'b', 'c', 'd']) arm(name, 50)
  clock.pass(20)
  story.tell('time', 'moves on by 20 ms')
  for (const name of ['e', 'f', 'g', 'h']) arm(name, 30)
  expectFires(30, [...'abcdefgh'], {
    because: 'Eight timers have the same deadline, so the one that was armed first fires first.',
    likely: 'Fire the timers in the order in which the heap returns them.',
    look: 'timer-queue.runDue()',
  })

  arm('now', 0)
  arm('past', -5)
  expectFires(0, ['now', 'past'], {
    because: 'A delay below 0 counts as 0, and "now" was armed first.',
    likely: 'Math.max(0, delayMs)',
    look: 'timer-queue.after()',
  })

  expectAnyDelay(played)
  expectOneLook(stage, played)
  expectNextRound(played)

  await expectErrorsSeen(stage)
  expectNoNaN(stage, played)
  await expectTakenOut(stage)
  await expectNever(stage)
  await expectNeverEarly(stage)

  await expectCheapFiring(stage, played)
})

step('08.3', 'a cancelled timer never fires, whoever cancels it', async (stage) => {
  const { expectSame } = stage
  const played = await playQueue(stage)
  const { NOWHERE, timers, arm, cancel, placeOf, expectFires } = played
  arm('kept', 10)
  arm('cancelled', 20)
  arm('kept as well', 30)
  cancel('cancelled')
  expectSame('timers.size', timers.size, 2, {
    because: 'One of three has been cancelled.',
    likely: 'A timer that is only marked as cancelled is still in the heap.',
    look: 'timer-queue.cancel()',
  })
  expectSame('the place of "cancelled"', placeOf('cancelled'), NOWHERE, {
    because: 'It is not in the heap any more, and its place is how the next cancel() knows.',
    likely: 'remove() sets place to NOWHERE.',
    look: 'timer-heap.remove()',
  })
  expectFires(100, ['kept', 'kept as well'], {
    because: 'A cancelled timer does not fire.',
    likely: 'cancel() takes the timer out of the heap, at the place that the timer stores.',
    look: ['timer-queue.cancel()', 'timer-heap.remove()'],
  })

  for (const name of ['new 1', 'new 2', 'new 3']) arm(name, 10)
  cancel('kept')
  cancel('cancelled')
  expectFires(10, ['new 1', 'new 2', 'new 3'], {
    because: 'Cancelling a timer that has fired, or was cancelled already, does nothing.',
    likely:
      'Another timer has its old place by now. Take a timer out only while it is in the heap. Place 0 is in the heap (the root), and NOWHERE (-1) is not.',
    look: 'timer-queue.cancel()',
  })

  expectGapsFilled(stage, played)
  expectCancelledInside(stage, played)
  expectCrowdInOrder(stage, played)
  await expectLetGo(stage, played)

  await expectCheapCancelling(stage, played)
  await expectForgotten(stage, played, 'after')
})

step('08.4', 'every() keeps its beat, however late the loop comes', async (stage) => {
  const played = await playQueue(stage)
  const { every, arm, cancel, expectFires } = played
  expectBeat(played)
  every('often', 10)
  arm('once', 20)
  expectFires(10, ['often'], { because: '10 ms have passed.' })
  expectFires(10, ['once', 'often'], {
    because: 'Both are due now, and "often" was armed again after "once" was armed.',
    likely: 'Each firing arms the timer again, with a new `order`.',
    look: 'timer-queue.#rearm()',
  })
  cancel('often')

  expectCancelledBeat(stage, played)
  expectOtherBeatCancelled(stage, played)
  expectFaultyBeat(stage, played)
  expectPeriodsRefused(stage, played)
  await expectOwnBeat(stage)
  await expectAnyPeriod(stage)
  expectStalledBeats(await playQueue(stage))
  await expectLongBeat(stage)
  await expectForgotten(stage, played, 'every')
})

step('08.5', 'the loop sleeps exactly until the next deadline', async (stage) => {
  const played = await playQueue(stage)
  expectDelays(stage, played)
  await expectExactSleep(stage)
  await expectWakeUps(stage)
  expectToldWhenArmed(stage, played)
  expectLongDelay(stage, played)
  await expectRealSleep(stage)
  await expectCheapLook(stage, played)
})

step('08.6', 'a client that says no line for a while is let go', async (stage) => {
  const { story } = stage
  await expectStoppedSilence(stage)

  const virtual = await serveVirtually(stage, { idleMs: 60_000 })
  const { world, advance, connect, timerCount, nextDelay, expectTimers } = virtual
  const [ada, bob, cyd] = [await connect('ada'), await connect('bob'), await connect('cyd')]
  story.tell('bob', 'sends a byte every second from now on', 'toServer')
  for (let second = 1; second < 60; second++) {
    await world.pass(1_000)
    bob.stream.arrive('x')
    await world.settle()
    if (second === 10) await cyd.send('echo hi\n')
  }
  story.tell('time', 'has moved on by 59 s')
  cyd.expectReceived('hi\n', { because: 'She is served, and her 60 s begin again with this line.' })
  for (const client of [ada, bob]) {
    client.expectNothing({ because: 'Only 59 s have passed: nobody has been silent for 60.' })
  }
  await advance(1_000)
  for (const client of [ada, bob]) {
    client.expectReceived('idle\n', {
      because:
        client === ada
          ? 'ada has said nothing for 60 s, and is told why her connection ends.'
          : 'bob sends a byte every second and never ends his line. A thousand clients like him would cost us a thousand connections.',
      ...(client.stream.isDestroyed
        ? {
            likely:
              'Calling destroy() at once loses the last words. The goodbye gives the client time to take them.',
            look: 'watch.onEnding()',
          }
        : client === ada
          ? {
              likely:
                '#look() asks the queue for the time, this.#timers.now(), and no other clock.',
              look: 'silence.#look()',
            }
          : {
              likely:
                'A complete line breaks the silence, and nothing else does. Check what calls heard().',
              look: ['watch.onHeard()', 'silence.heard()'],
            }),
    })
    client.expectEnd({
      because: 'After that line there is nothing more to say.',
      likely: 'end() sends FIN after the last words; destroy() may lose them.',
      look: 'watch.onEnding()',
    })
  }
  cyd.expectNothing({
    because: 'cyd sent a line 50 s ago.',
    likely:
      'Each line begins the silence anew: onHeard() tells #idle, heard() notes the time, and #look() checks that time before it calls back.',
    look: ['watch.onHeard()', 'silence.heard()', 'silence.#look()'],
  })
  const NOTED = 'heard() notes the queue’s time, this.#timers.now(): no other clock agrees with it.'
  await advance(9_000)
  cyd.expectNothing({
    because: 'cyd sent a line 59 s ago.',
    likely: NOTED,
    look: 'silence.heard()',
  })
  await advance(1_000)
  const leftMs = nextDelay()
  const isForAges = leftMs > 60_000 && Number.isFinite(leftMs)
  cyd.expectReceived('idle\n', {
    because: 'It is now 60 s since her last line.',
    likely: isForAges
      ? NOTED
      : 'If something was heard, the timer is armed for the rest of the limit, not for a whole limit.',
    look: isForAges ? 'silence.heard()' : 'silence.#look()',
  })

  await ada.halfClose()
  bob.expectCut({
    because: 'He has had 5 s to send FIN and has not sent it: he may have pulled the plug.',
    likely: 'FIN may never arrive. onEnding() arms a timer that calls destroy() after goodbyeMs.',
    look: 'watch.onEnding()',
  })
  cyd.stream.holdDescriptor()
  await cyd.halfClose()
  expectTimers(1, {
    because: 'Ada and bob are gone. The kernel has not freed cyd’s descriptor yet, and may never.',
    likely:
      timerCount() > 1
        ? 'Once the goodbye begins, only its own timer is left: onEnding() stops the idle silence.'
        : 'The goodbye lasts until onClose(), not until FIN has been sent.',
    look: ['watch.onEnding()', 'watch.onClose()'],
  })
  cyd.stream.freeDescriptor()
  await world.settle()
  expectTimers(0, {
    because: 'All three are gone. A timer that is left behind holds a whole connection.',
    likely:
      'onClose() stops the silence and cancels the goodbye, which onEnding() keeps in #goodbye.',
    look: 'watch.onClose()',
  })

  await expectEveryEnding(stage, virtual)
  await expectRestOfSilence(stage)
  await expectSmallRest(stage)
  await expectStoppedRest(stage)
  await expectNothingAfterStop(stage)
  await expectLateLook(stage)
  await expectNoLimit(stage)
  await expectOwnGoodbye(stage)
  await expectTwoGoodbyes(stage)
})

step('08.7', 'a silent client is asked whether it is still there', async (stage) => {
  const virtual = await serveVirtually(stage, { idleMs: 50_000, heartbeatMs: 20_000 })
  await expectPings(virtual)
  await expectOnlyPong(virtual)
  await expectEndlessPings(stage)
  await expectCheapTalk(stage)
  await expectTimersOfHerOwn(stage)
})
