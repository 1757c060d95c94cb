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

/** Something is heard once, and then nothing for minutes. */
export async function expectRestOfSilence(stage: Stage): Promise<void> {
  const { expectSame, load, story } = stage
  const { Silence } = await load(() => import('#code/08-timers/silence.ts'))
  story.tell('test', 'makes a Silence of 60 s, which hears something after 20 s and then nothing')
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
  for (let second = 1; second <= 260; second++) {
    again.clock.pass(1_000)
    if (second === 20) called.heard()
    again.timers.runDue()
  }
  expectSame('the seconds at which it calls back', secondsOfCalls, [80, 140, 200, 260], {
    because:
      'Nothing was heard since second 20: it calls after 60 s of silence, and again after every further 60.',
    likely:
      secondsOfCalls[0] === 80
        ? '#look() arms a whole limit again when it calls back, and the rest of the limit when something was heard.'
        : 'The silence began at second 20, by the clock of the queue: heard() notes this.#timers.now(), and #look() arms the rest of the limit from there.',
    look: secondsOfCalls[0] === 80 ? 'silence.#look()' : ['silence.heard()', 'silence.#look()'],
  })
  expectSame('how many timers it has armed', armedTimes, 6, {
    because: 'One at the beginning, one for the rest, and one for each call.',
    likely:
      'A timer that looks more often than it must wakes the loop once more for every idle client.',
    look: 'silence.#look()',
  })
  called.stop()
}

/** When the timer fires, one millisecond is left. */
export async function expectSmallRest(stage: Stage): Promise<void> {
  const { expectSame, load, story } = stage
  const { Silence } = await load(() => import('#code/08-timers/silence.ts'))
  const calledAt: number[] = []
  story.tell('test', 'makes a Silence of 60 ms that hears something after 1 ms')
  const { timers, clock } = await playQueue(stage)
  const late = new Silence(timers, 60, () => calledAt.push(clock.now()))
  for (const ms of [1, 59, 1]) {
    clock.pass(ms)
    if (ms === clock.now()) late.heard()
    timers.runDue()
  }
  late.stop()
  expectSame('when it has called back', calledAt, [61], {
    because: '60 ms of silence, from the first millisecond on.',
    likely: 'When the timer fires, 1 ms is left: that is a rest like any other.',
    look: 'silence.#look()',
  })
}
