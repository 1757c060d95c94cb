/** Periodic timers: a beat on time, late and missed; a callback that throws; periods of all kinds. */

import { withCommas } from '../../harness/numbers.ts'
import type { Stage } from '../../judge/step.ts'
import { type PlayedQueue, playQueue, thrownBy } from './timer-queues.ts'

const DAY_MS = 86_400_000

const PERIODS = { monthly: 'A month', often: 'Half a millisecond', never: 'Infinity' }

/** A beat of 100 ms on a loop that comes on time, late and much too late. */
export function expectBeat({ every, cancel, expectFires }: PlayedQueue): void {
  every('beat', 100)
  expectFires(99, [], { because: 'The first time is in 100 ms.' })
  expectFires(1, ['beat'], { because: '100 ms have passed.' })
  expectFires(150, ['beat'], {
    because: 'The loop was busy until 250 ms: the beat that was due at 200 ms fires now.',
    likely:
      'Each firing arms the timer again: in the heap, with its callback, and with an order of its own (increment `#armed`).',
    look: ['timer-queue.#rearm()', 'timer-queue.runDue()'],
  })
  expectFires(49, [], {
    because: 'It is 299 ms, and the next beat is at 300 ms.',
    likely:
      'When the beat fires, its next deadline lies after now: a deadline that has passed is due at once.',
    look: 'timer-queue.#rearm()',
  })
  expectFires(1, ['beat'], {
    because: 'Deadlines are at 100, 200, 300 ms: a late call moves none of them.',
    likely:
      'Count from the last deadline to the first one after now. If you count from the moment of firing, each delay is added to all later deadlines.',
    look: 'timer-queue.#rearm()',
  })
  expectFires(750, ['beat'], {
    because:
      'It is 1,050 ms, and seven beats were missed. Seven pings at once would help nobody, so there is one call.',
    likely: 'However many deadlines have passed, there is one call.',
    look: ['timer-queue.runDue()', 'timer-queue.#rearm()'],
  })
  expectFires(49, [], {
    because: 'It is 1,099 ms: missed beats are not made up for, now or later.',
    likely: 'The next deadline is the first one after now.',
    look: 'timer-queue.#rearm()',
  })
  expectFires(1, ['beat'], {
    because: 'The beat goes on where it would be if nothing had been missed.',
    likely: 'To the last deadline, add as many whole periods as it takes to get past now.',
    look: 'timer-queue.#rearm()',
  })
  expectFires(300, ['beat'], {
    because: 'It is 1,400 ms, exactly three periods after the last call.',
  })
  expectFires(0, [], {
    because: 'The beat that was due at 1,400 ms has fired. The next one is at 1,500 ms.',
    likely:
      'The next deadline lies after now. If now is itself a deadline, that is one period later.',
    look: 'timer-queue.#rearm()',
  })
  expectFires(100, ['beat'], { because: 'It is 1,500 ms.' })
  cancel('beat')
  expectFires(1_000, [], {
    because: 'It was cancelled.',
    likely:
      'Each firing arms the timer anew: that has to be the same timer, or cancel() misses it.',
    look: 'timer-queue.#rearm()',
  })
}

/** A loop is away while callbacks run: that of another timer, and that of the beat itself. */
export function expectStalledBeats(played: PlayedQueue): void {
  const { timers, clock, arm, every, cancel, expectFires } = played
  let toldMs = 0
  arm('takes 750 ms', 100, () => {
    clock.pass(750)
    toldMs = timers.now()
  })
  every('stalled', 100)
  expectFires(100, ['takes 750 ms', 'stalled'], { because: 'Both were due when the round began.' })
  expectFires(0, [], {
    because:
      '"takes 750 ms" had run for 750 ms, so eight deadlines of "stalled" had passed when it was called. That call was for all of them.',
    likely:
      toldMs === clock.now()
        ? 'The next deadline lies after the moment of the call, not after the moment when the round began: ask this.now() again.'
        : 'now() returns the clock’s time at any moment, also while callbacks run. Only runDue() goes by the moment when its round began.',
    look:
      toldMs === clock.now()
        ? ['timer-queue.#rearm()', 'timer-queue.runDue()']
        : 'timer-queue.now()',
  })
  expectFires(50, ['stalled'], {
    because: 'Its ninth deadline is now.',
    likely: 'Every deadline is a whole number of periods after every() was called.',
    look: 'timer-queue.#rearm()',
  })
  cancel('stalled')

  every('takes 150 ms', 100, (times) => {
    if (times === 1) clock.pass(150)
  })
  expectFires(100, ['takes 150 ms'], { because: 'Its first deadline is now.' })
  expectFires(0, ['takes 150 ms'], {
    because:
      'Its second deadline passed while its callback ran. That call had begun before, so this deadline gets a call of its own.',
    likely:
      'The next deadline is the first one after the moment when the call begins: arm the timer again before the call.',
    look: ['timer-queue.runDue()', 'timer-queue.#rearm()'],
  })
  expectFires(50, ['takes 150 ms'], {
    because: 'Its third deadline is now.',
    likely: 'Every deadline is a whole number of periods after every() was called.',
    look: 'timer-queue.#rearm()',
  })
  cancel('takes 150 ms')
}

/** A beat that cancels itself in its third call does not come back, not even as an empty place in the heap. */
export function expectCancelledBeat(
  { expectSame }: Stage,
  { timers, every, cancel, expectFires }: PlayedQueue,
): void {
  every('three times', 10, (times) => {
    if (times === 3) cancel('three times')
  })
  for (const names of [['three times'], ['three times'], ['three times'], [], []]) {
    expectFires(10, names, {
      because: 'It cancels itself in its third call.',
      likely:
        'Arm it for the next time before the callback is called, so that there is something to cancel.',
      look: 'timer-queue.runDue()',
    })
  }
  expectSame('timers.size', timers.size, 0, {
    because:
      'A callback has cancelled its own timer, and there is no other. A timer that stays in the heap wakes the loop again and again.',
    likely:
      'It must not come back. Arm it for the next time before the callback is called: then cancel() takes it out.',
    look: 'timer-queue.runDue()',
  })
}

/** A callback that throws ends no beat. */
export function expectFaultyBeat(
  { expect, expectSame }: Stage,
  { timers, clock, every, cancel, expectFired }: PlayedQueue,
): void {
  const bug = new Error('a bug in a callback')
  every('faulty', 10, (times) => {
    if (times === 4) cancel('faulty')
    throw bug
  })
  for (const time of ['first', 'second', 'third']) {
    clock.pass(10)
    const thrown = thrownBy(() => timers.runDue())
    const GOES_ON = {
      because: 'A periodic timer goes on until it is cancelled, even when a call has failed.',
      likely: 'Arm it for the next time before the callback is called.',
      look: 'timer-queue.runDue()',
    }
    expectFired(['faulty'], GOES_ON)
    expect(`runDue() to throw what the ${time} call threw`, thrown === bug, {
      because: 'An error that a callback throws must be seen.',
      likely: 'runDue() catches nothing.',
      look: 'timer-queue.runDue()',
      received: thrown === undefined ? 'nothing was thrown' : String(thrown),
    })
    expectSame('timers.size', timers.size, 1, GOES_ON)
  }
  clock.pass(10)
  thrownBy(() => timers.runDue())
  expectSame('timers.size', timers.size, 0, {
    because: 'In its fourth call, "faulty" cancelled itself, and then threw.',
    likely:
      'After the throw, a cancelled timer is armed again. Arm it for the next time before the callback is called: then cancel() takes it out.',
    look: 'timer-queue.runDue()',
  })
  expectFired(['faulty'], { because: 'That was its fourth call.' })
}

/** Two beats are due in one round, and the first cancels the second, which must not come back. */
export function expectOtherBeatCancelled(
  { expectSame }: Stage,
  { timers, every, cancel, expectFires }: PlayedQueue,
): void {
  every('one', 10, () => cancel('other'))
  every('other', 10)
  expectFires(10, ['one'], {
    because: 'Both were due when "one" fired and cancelled "other".',
    likely:
      'Take one timer at a time out of the heap: a list of due timers does not know what is cancelled.',
    look: 'timer-queue.runDue()',
  })
  expectSame('timers.size', timers.size, 1, {
    because: '"one" goes on, and "other" was cancelled.',
    likely:
      'A timer that was cancelled is not armed again. If it is still in the heap when it is cancelled, cancel() takes it out, and no check is needed.',
    look: ['timer-queue.runDue()', 'timer-queue.#rearm()'],
  })
  cancel('one')
}

/** No pause at all is no period. */
export function expectPeriodsRefused({ expect }: Stage, { timers }: PlayedQueue): void {
  for (const periodMs of [0, -1, Number.NaN]) {
    const thrown = thrownBy(() => timers.every(periodMs, () => {}))
    expect(`every(${periodMs}) to throw a RangeError`, thrown instanceof RangeError, {
      because: 'A beat without a pause would be due all the time.',
      likely: 'if (!(periodMs > 0)) throw new RangeError(…)',
      look: 'timer-queue.every()',
      received: thrown === undefined ? 'a timer' : String(thrown),
    })
  }
}

/** A beat counts from the moment of its arming. */
export async function expectOwnBeat(stage: Stage): Promise<void> {
  const { story } = stage
  const other = await playQueue(stage)
  story.tell('time', 'moves on by 37.25 ms')
  other.clock.pass(37.25)
  other.every('beat', 100)
  other.expectFires(100, ['beat'], { because: '100 ms have passed since every() was called.' })
  other.expectFires(99.75, [], {
    because:
      'The beat was armed at 37.25 ms, so its deadlines are 137.25, 237.25, 337.25 ms. It is 237 ms.',
    likely:
      'Count from the last deadline, not from the clock’s own hundreds or whole milliseconds.',
    look: 'timer-queue.#rearm()',
  })
  other.expectFires(0.25, ['beat'], {
    because: 'It is 237.25 ms.',
    likely: 'A deadline is the previous one plus whole periods: it is not rounded.',
    look: 'timer-queue.#rearm()',
  })
}

/** A laptop has slept, and a beat has gone on for long: it is where it would have been. */
export async function expectLongBeat(stage: Stage): Promise<void> {
  const slept = await playQueue(stage)
  slept.every('beat', 100)
  slept.expectFires(1_000_050, ['beat'], {
    because: 'However many beats were missed, there is one call.',
    look: 'timer-queue.#rearm()',
  })
  const GOES_ON = {
    because:
      'The beat was away for 10,000 periods. Its deadlines are at 1,000,100 ms, 1,000,200 ms …',
    likely:
      'Every deadline is a whole number of periods after every() was called, however many were missed.',
    look: 'timer-queue.#rearm()',
  }
  slept.expectFires(49.75, [], GOES_ON)
  slept.expectFires(0.25, ['beat'], GOES_ON)

  const { timers, clock } = await playQueue(stage)
  const [periodMs, beats] = [1_000 / 60, 10_000]
  stage.story.tell('test', 'arms a timer that is due every 1000 / 60 ms')
  const count = withCommas(beats)
  stage.story.tell(
    'time',
    `moves on by ${count} periods, and the loop calls runDue() between any two`,
  )
  let fired = 0
  timers.every(periodMs, () => fired++)
  clock.pass(periodMs / 2)
  const passAndRun = (ms: number) => {
    clock.pass(ms)
    timers.runDue()
    return fired
  }
  for (let beat = 1; beat <= beats; beat++) passAndRun(periodMs)
  // Sums of so many fractions are less exact than the fractions, by far less than this.
  const slackMs = 0.001
  const early = passAndRun(periodMs / 2 - slackMs)
  const inTime = passAndRun(2 * slackMs)
  stage.expectSame(
    'the calls up to 0.001 ms before beat 10,001, and up to 0.001 ms after it',
    [early, inTime],
    [beats, beats + 1],
    {
      because:
        'Every deadline is a whole number of periods after every() was called, also the last of many.',
      likely:
        'A deadline that is rounded, or that counts from the moment of the call, adds a little to all later ones. Add whole periods to the last deadline, as they are.',
      look: 'timer-queue.#rearm()',
    },
  )
}

/** Whatever is above 0 is a period. */
export async function expectAnyPeriod(stage: Stage): Promise<void> {
  const { expect } = stage
  const brief = await playQueue(stage)
  for (const [name, periodMs] of [
    ['monthly', 30 * DAY_MS],
    ['often', 0.5],
    ['never', Number.POSITIVE_INFINITY],
  ] as const) {
    const refused = thrownBy(() => brief.every(name, periodMs))
    expect(`every(${periodMs}) to arm a timer`, refused === undefined, {
      because: `${PERIODS[name]} is above 0.`,
      likely: 'Refuse a period that is not above 0, and no other.',
      received: String(refused),
      look: 'timer-queue.every()',
    })
  }
  brief.expectFires(0.5, ['often'], {
    because: 'The first period of 0.5 ms is over.',
    likely: 'Leave the period as it is, however short it is.',
    look: 'timer-queue.every()',
  })
  brief.expectFires(0.5, ['often'], {
    because: 'The second period of 0.5 ms is over.',
    likely:
      'A timer is periodic when its periodMs is above 0, however short the period is: do not round it.',
    look: ['timer-queue.runDue()', 'timer-queue.every()'],
  })
}
