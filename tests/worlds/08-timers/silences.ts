/** `Silence` on a timer queue whose time moves when the test says so. */

import type { Stage } from '../../judge/step.ts'
import { playQueue } from './timer-queues.ts'

/** One that stops itself when it calls back. */
export async function expectStoppedSilence(stage: Stage): Promise<void> {
  const { expectSame, load, story } = stage
  const { Silence } = await load(() => import('#code/08-timers/silence.ts'))
  const played = await playQueue(stage)
  story.tell('test', 'makes a Silence of 60 ms that calls stop() when it is called back')
  const calledAtMs: number[] = []
  const silence = new Silence(played.timers, 60, () => {
    calledAtMs.push(played.clock.now())
    silence.stop()
  })
  for (let ms = 0; ms < 240; ms += 30) {
    played.clock.pass(30)
    played.timers.runDue()
  }
  const [first] = calledAtMs
  expectSame('when it calls back within 240 ms', calledAtMs, [60], {
    because: 'It was silent for 60 ms, called back, and was stopped.',
    likely:
      first === undefined
        ? 'It has never called back. What is left is the time of the note, plus the limit, less now; when nothing is left, the limit is over.'
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
    'makes a Silence of 60 s, which hears something after 10, 20, 75 and 200 s, and then nothing',
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
  expectSame('the seconds at which it calls back', secondsOfCalls, [135, 195, 260, 320], {
    because:
      'Nothing was heard from second 75 to 200: it calls after 60 s of silence, and again after every further 60. Then the silence begins anew.',
    likely: isHeard
      ? '#look() arms a whole limit again when it calls back, and the rest of the limit when something was heard.'
      : 'The silence began at second 75, by the clock of the queue: each heard() notes this.#timers.now(), and #look() arms the rest of the limit from the last note, each time.',
    look: isHeard ? 'silence.#look()' : ['silence.heard()', 'silence.#look()'],
  })
  expectSame('how many timers it has armed', armedTimes, 8, {
    because: 'One at the beginning, three for a rest, and one for each call.',
    likely:
      'A timer that looks more often than it must wakes the loop once more for every idle client.',
    look: 'silence.#look()',
  })
  called.stop()
}

/** It is stopped while a rest of the limit is left. */
export async function expectStoppedRest(stage: Stage): Promise<void> {
  const { Silence } = await stage.load(() => import('#code/08-timers/silence.ts'))
  stage.story.tell(
    'test',
    'makes a Silence of 60 ms, which hears something after 20 ms and is stopped after 70',
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
    because: 'stop() cancels #timer: no call any more, and nothing that keeps the silence alive.',
    likely: 'Whatever #look() arms, the rest or a whole limit, it keeps in #timer.',
    look: 'silence.#look()',
  })
}

/** The loop was busy, and comes when the timer has been due for a while. */
export async function expectLateLook(stage: Stage): Promise<void> {
  const { Silence } = await stage.load(() => import('#code/08-timers/silence.ts'))
  stage.story.tell(
    'test',
    'makes a Silence of 60 ms, which hears something after 20 ms; the loop comes at 70 ms',
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
  stage.expectSame('when it has called back', calledAt, [80], {
    because: '60 ms of silence, from the 20th millisecond on, however late the look before it was.',
    likely: 'The rest of the limit is what is left now, by this.#timers.now().',
    look: 'silence.#look()',
  })
}

/** When the timer fires, a fraction of a millisecond is left. */
export async function expectSmallRest(stage: Stage): Promise<void> {
  const { expectSame, load, story } = stage
  const { Silence } = await load(() => import('#code/08-timers/silence.ts'))
  const calledAt: number[] = []
  story.tell('test', 'makes a Silence of 60 ms that hears something after 0.25 ms')
  const { timers, clock } = await playQueue(stage)
  const late = new Silence(timers, 60, () => calledAt.push(clock.now()))
  for (const ms of [0.25, 59.75, 0.25]) {
    clock.pass(ms)
    if (ms === clock.now()) late.heard()
    timers.runDue()
  }
  late.stop()
  expectSame('when it has called back', calledAt, [60.25], {
    because: '60 ms of silence, from the moment on in which something was heard.',
    likely: 'When the timer fires, 0.25 ms are left: that is a rest like any other.',
    look: 'silence.#look()',
  })
}
