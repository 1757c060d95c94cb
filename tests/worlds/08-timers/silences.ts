/** `Silence` on a timer queue whose time moves when the test says so. */

import { setImmediate as turn } from 'node:timers/promises'
import type { Stage } from '../../judge/step.ts'
import { playQueue } from './timer-queues.ts'

/** One that stops itself when it calls back. */
export async function expectStoppedSilence(stage: Stage): Promise<void> {
  const { expectSame, load, story } = stage
  const { Silence } = await load(() => import('#code/08-timers/silence.ts'))
  const played = await playQueue(stage)
  story.tell('test', 'makes a Silence of 60 ms whose callback calls stop()')
  const calledAtMs: number[] = []
  const silence = new Silence(played.timers, 60, () => {
    calledAtMs.push(played.clock.now())
    silence.stop()
  })
  for (let ms = 0; ms < 240; ms += 30) {
    played.clock.pass(30)
    played.timers.runDue()
  }
  const inTimeMs = [...calledAtMs]
  await turn()
  const [first] = inTimeMs
  expectSame('the times at which it calls back within 240 ms', inTimeMs, [60], {
    because: 'Nothing was heard for 60 ms, so it called back, and was stopped.',
    likely:
      calledAtMs.length > inTimeMs.length
        ? 'It has called back, but only in a later turn: #look() itself calls onSilence.'
        : first === undefined
          ? 'It has never called back. The time left is the noted time plus the limit minus now. When none is left, the limit is over.'
          : first > 60
            ? 'With 0 ms left the limit is over: call back.'
            : 'Arm the timer before onSilence is called, and keep it in #timer: then there is something to stop.',
    look: 'silence.#look()',
  })
}

/** Something is heard four times, and then nothing for minutes. */
export async function expectRestOfSilence(stage: Stage): Promise<void> {
  const { expectSame, load, story } = stage
  const { Silence } = await load(() => import('#code/08-timers/silence.ts'))
  story.tell(
    'test',
    'makes a Silence of 60 s, and calls heard() after 10, 20, 75 and 200 s, and then no more',
  )
  const again = await playQueue(stage)
  const after = again.timers.after.bind(again.timers)
  let armedTimes = 0
  again.timers.after = (ms, callback) => {
    armedTimes += 1
    return after(ms, callback)
  }
  const secondsOfCalls: number[] = []
  const called = new Silence(again.timers, 60_000, () =>
    secondsOfCalls.push(again.clock.now() / 1_000),
  )
  for (let second = 1; second <= 320; second++) {
    again.clock.pass(1_000)
    if ([10, 20, 75, 200].includes(second)) called.heard()
    again.timers.runDue()
  }
  const isHeard = secondsOfCalls[0] === 135
  const isTwice = new Set(secondsOfCalls).size < secondsOfCalls.length
  expectSame('the seconds at which it calls back', secondsOfCalls, [135, 195, 260, 320], {
    because:
      'Nothing was heard from second 75 to 200: it calls after 60 s of silence, and again after every further 60. At second 200 the silence begins anew.',
    likely: isTwice
      ? 'Two timers are armed at the same time. Each look arms one, with after().'
      : isHeard
        ? '#look() arms the timer for a whole limit when it calls back, and for the rest of the limit when something was heard.'
        : 'The silence began at second 75, by the queue’s clock: each heard() notes this.#timers.now(), and #look() always counts the limit from the last note.',
    look: isHeard ? 'silence.#look()' : ['silence.heard()', 'silence.#look()'],
  })
  expectSame('the number of timers it has armed', armedTimes, 8, {
    because:
      'One at the beginning, three for the rest of a limit, and one for each of the four calls.',
    likely:
      'The timer fires more often than needed, and each time it wakes the loop for an idle client.',
    look: 'silence.#look()',
  })
  called.stop()
}

/** It is stopped while a rest of the limit is left. */
export async function expectStoppedRest(stage: Stage): Promise<void> {
  const { Silence } = await stage.load(() => import('#code/08-timers/silence.ts'))
  stage.story.tell(
    'test',
    'makes a Silence of 60 ms, and calls heard() after 20 ms and stop() after 70',
  )
  const { timers, clock } = await playQueue(stage)
  const silence = new Silence(timers, 60, () => {})
  for (const ms of [20, 40, 10]) {
    clock.pass(ms)
    if (ms === clock.now()) silence.heard()
    timers.runDue()
  }
  silence.stop()
  stage.expectSame('timers.size', timers.size, 0, {
    because:
      'stop() cancels #timer: there is no further call, and nothing keeps the Silence in memory.',
    likely: 'Each timer that #look() arms, for the rest or a whole limit, is kept in #timer.',
    look: 'silence.#look()',
  })
}

/** The loop was busy, and comes when the timer has been due for a while. */
export async function expectLateLook(stage: Stage): Promise<void> {
  const { Silence } = await stage.load(() => import('#code/08-timers/silence.ts'))
  stage.story.tell(
    'test',
    'makes a Silence of 60 ms, calls heard() after 20 ms, and calls runDue() late, at 70 ms',
  )
  const calledAt: number[] = []
  const { timers, clock } = await playQueue(stage)
  const silence = new Silence(timers, 60, () => calledAt.push(clock.now()))
  for (const ms of [20, 50, 10, 10]) {
    clock.pass(ms)
    if (ms === clock.now()) silence.heard()
    timers.runDue()
  }
  silence.stop()
  stage.expectSame('the times at which it called back', calledAt, [80], {
    because: 'The 60 ms of silence begin at 20 ms, however late the first look was.',
    likely: 'The rest of the limit is what is left now: compute it from this.#timers.now().',
    look: 'silence.#look()',
  })
}

/** When the timer fires, a fraction of a millisecond is left. */
export async function expectSmallRest(stage: Stage): Promise<void> {
  const { expectSame, load, story } = stage
  const { Silence } = await load(() => import('#code/08-timers/silence.ts'))
  const calledAt: number[] = []
  story.tell('test', 'makes a Silence of 60 ms, and calls heard() after 0.25 ms')
  const { timers, clock } = await playQueue(stage)
  const late = new Silence(timers, 60, () => calledAt.push(clock.now()))
  const after = timers.after.bind(timers)
  let armedTimes = 0
  timers.after = (ms, callback) => {
    armedTimes += 1
    return after(ms, callback)
  }
  for (const ms of [0.25, 59.75, 0, 0, 0.25]) {
    clock.pass(ms)
    if (ms === clock.now()) late.heard()
    timers.runDue()
  }
  late.stop()
  expectSame('the times at which it called back', calledAt, [60.25], {
    because: 'The 60 ms of silence begin when something is heard, at 0.25 ms.',
    likely:
      calledAt.length === 0
        ? 'It has called back later, or never. Round neither the time that heard() notes nor the rest of the limit.'
        : 'When the timer fires, 0.25 ms are left: that is a rest like any other.',
    look: calledAt.length === 0 ? ['silence.heard()', 'silence.#look()'] : 'silence.#look()',
  })
  expectSame('the number of timers that it has armed after the first', armedTimes, 2, {
    because:
      'One for the rest of 0.25 ms, and one when it calls back. The loop calls runDue() three times at 60 ms, and the rest is not over then.',
    likely: 'A rest that is rounded down to 0 is due at once, again and again.',
    look: 'silence.#look()',
  })
}

/** Something is heard after it was stopped: a protocol may not know of that. */
export async function expectNothingAfterStop(stage: Stage): Promise<void> {
  const { Silence } = await stage.load(() => import('#code/08-timers/silence.ts'))
  stage.story.tell('test', 'makes a Silence of 60 ms, and calls stop() and then heard()')
  const { timers, clock } = await playQueue(stage)
  const calledAt: number[] = []
  const silence = new Silence(timers, 60, () => calledAt.push(clock.now()))
  silence.stop()
  silence.heard()
  const armed = timers.size
  for (let ms = 0; ms < 240; ms += 30) {
    clock.pass(30)
    timers.runDue()
  }
  const STOPPED = {
    because: 'It has been stopped: there are no further calls, whatever is heard later.',
    likely: 'heard() only notes the time. It arms nothing.',
    look: 'silence.heard()',
  }
  stage.expectSame('timers.size after that', armed, 0, STOPPED)
  stage.expectSame('the times at which it calls back', calledAt, [], STOPPED)
}
