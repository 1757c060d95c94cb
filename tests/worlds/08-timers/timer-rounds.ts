/** Rounds of a loop with a timer queue: what fires in which, and what a round lets out. */

import type { Stage } from '../../judge/step.ts'
import { fire, type PlayedQueue, playQueue, thrownBy } from './timer-queues.ts'

const DAY_MS = 86_400_000

/** As many as clients who were all heard from in one millisecond. */
const MANY_AT_ONCE = 13_000

/** A delay is a number like any other: a fraction, or a month. */
export function expectAnyDelay({ clock, arm, expectFires }: PlayedQueue): void {
  clock.pass(0.25)
  arm('in 10.5 ms', 10.5)
  expectFires(10.25, [], {
    because: 'A fraction of a millisecond is still left.',
    likely: 'A clock may return fractions. Leave the time and the delay as they are.',
    look: 'timer-queue.after()',
  })
  expectFires(0.75, ['in 10.5 ms'], {
    because: 'Its deadline passed half a millisecond ago.',
    likely: 'A clock may return fractions. Leave the time and the delay as they are.',
    look: 'timer-queue.after()',
  })
  arm('in 10.9 ms', 10.9)
  arm('in 10.6 ms', 10.6)
  expectFires(11, ['in 10.6 ms', 'in 10.9 ms'], {
    because:
      'The timer with the earlier deadline fires first, even if it is earlier by a fraction of a millisecond.',
    likely: 'A clock may return fractions. Leave the delay as it is.',
    look: 'timer-queue.after()',
  })
  arm('in 30 days', 30 * DAY_MS)
  expectFires(29 * DAY_MS, [], {
    because: 'It is one day too early. Only Node’s setTimeout() is limited to 24.8 days.',
    likely:
      'A delay is a number like any other: neither clamp it nor truncate it to 32 bits (| 0).',
    look: 'timer-queue.after()',
  })
  expectFires(DAY_MS, ['in 30 days'], { because: 'Thirty days have passed.' })
}

/** However little is left: not yet. */
export async function expectNeverEarly(stage: Stage): Promise<void> {
  const { arm, expectFires } = await playQueue(stage)
  const leftMs = 2 ** -30
  arm('in 10 ms', 10)
  expectFires(10 - leftMs, [], {
    because: 'A timer is never early, not even by a millionth of a millisecond.',
    likely: 'Due means deadlineMs <= now. Compare them as they are, without any tolerance.',
    look: 'timer-queue.runDue()',
  })
  expectFires(leftMs, ['in 10 ms'], {
    because: 'It is due at its deadline.',
    likely: 'Due means deadlineMs <= now.',
    look: 'timer-queue.runDue()',
  })
}

/** What is due is decided when a round begins, and all of that fires in it. */
export function expectOneLook(
  { expectSame }: Stage,
  { timers, clock, arm, expectFires }: PlayedQueue,
): void {
  arm('takes 50 ms', 10, () => clock.pass(50))
  arm('due as well', 10)
  arm('meanwhile', 30)
  expectFires(10, ['takes 50 ms', 'due as well'], {
    because:
      '"due as well" was due when runDue() began, and "meanwhile" was not. Clients have their turn before it fires.',
    likely:
      'Look at the clock once, at the beginning of runDue(): what is due then fires, however long the callbacks take.',
    look: 'timer-queue.runDue()',
  })
  expectFires(0, ['meanwhile'], { because: 'This is the next round.' })
  let fired = 0
  for (let index = 0; index < MANY_AT_ONCE; index++) timers.after(5, () => fired++)
  clock.pass(5)
  timers.runDue()
  expectSame('the number that fire of 13,000 timers with one deadline', fired, MANY_AT_ONCE, {
    because: 'All of them were due when runDue() began.',
    likely: 'Fire timers until the first one is not due, however many there are.',
    look: 'timer-queue.runDue()',
  })
}

/** A callback may arm a timer that is due at once: that waits for the next round. */
export function expectNextRound({ arm, expectFires }: PlayedQueue): void {
  let rounds = 0
  const again = () => {
    if (++rounds <= 5) arm('again', 0, again)
  }
  arm('in an hour', 3_600_000)
  again()
  arm('behind', 0)
  expectFires(0, ['again', 'behind'], {
    because:
      'A timer that a callback arms waits for the next round, even with 0 ms. Otherwise the loop would never come back to its clients.',
    likely:
      'Fire what was armed before runDue() began: `order` shows which timers were. It is what #armed was when the timer was armed, and #armed only grows.',
    look: 'timer-queue.runDue()',
  })
  expectFires(0, ['again'], { because: 'This is the next round.', look: 'timer-queue.runDue()' })
}

/** What a callback throws comes out of the round, and the next round fires the rest. */
export async function expectErrorsSeen(stage: Stage): Promise<void> {
  const { expect } = stage
  const next = await playQueue(stage)
  const bugs = [new Error('a bug in a callback'), new Error('another bug')]
  next.arm('before', 10)
  for (const [index, name] of ['faulty', 'faulty, too'].entries()) {
    next.arm(name, 10, () => {
      throw bugs[index]
    })
  }
  next.arm('behind', 10)
  next.clock.pass(10)
  for (const [index, place] of ['the callback', 'the next faulty callback'].entries()) {
    const thrown = thrownBy(() => next.timers.runDue())
    const isLost = thrown === undefined && index > 0 && !next.hasFired('faulty, too')
    const isAgain = thrown === bugs[0] && index > 0
    expect(`runDue() to throw what ${place} threw`, thrown === bugs[index], {
      because: 'An error that a callback throws must be seen, not swallowed.',
      likely:
        isLost && next.timers.size > 0
          ? 'Timers are due and in the heap, but this call has fired none. Whatever a call notes for itself (that it is running, say) must not stay when a callback throws.'
          : isLost
            ? 'Timers that were taken out in advance are lost when one throws. Take one out, call it, and look at the first one again.'
            : thrown === undefined
              ? 'runDue() catches nothing: let the error through at once. Timers that were still to fire do so in the next call.'
              : isAgain
                ? 'The faulty timer was still in the heap, so it fired again. Take it out before you call it.'
                : 'runDue() catches nothing and adds nothing: what comes out is the very error that was thrown.',
      look: 'timer-queue.runDue()',
      expected: 'the error',
      received: thrown === undefined ? 'nothing was thrown' : `another error: ${thrown}`,
    })
  }
  next.expectFires(0, ['before', 'faulty', 'faulty, too', 'behind'], {
    because:
      'Timers that were not reached because of an error fire in the next round. No timer fires twice.',
    likely: 'Take one timer at a time out of the heap, before you call it.',
    look: 'timer-queue.runDue()',
  })
}

/** `NaN` is no delay. */
export function expectNoNaN({ expect, expectSame }: Stage, { timers }: PlayedQueue): void {
  const armedBefore = timers.size
  const refused = thrownBy(() => timers.after(Number.NaN, fire))
  expect('after(NaN) to throw a RangeError', refused instanceof RangeError, {
    because:
      'NaN is neither before nor after any deadline. In the heap, it would upset the order of the others.',
    likely: 'Math.max(0, NaN) is NaN: check for it before the timer goes into the heap.',
    look: 'timer-queue.after()',
    received: refused === undefined ? 'a timer' : String(refused),
  })
  expectSame('timers.size', timers.size, armedBefore, {
    because: 'A timer that was refused is not armed.',
    likely: 'after() checks the delay before it puts anything into the heap.',
    look: 'timer-queue.after()',
  })
}

/** While a callback runs, its timer is no longer armed. */
export async function expectTakenOut(stage: Stage): Promise<void> {
  const { timers, arm, expectFires } = await playQueue(stage)
  let size = 0
  arm('counts', 10, () => {
    size = timers.size
  })
  expectFires(10, ['counts'], { because: 'It is due.' })
  stage.expectSame('timers.size while the only timer fires', size, 0, {
    because: 'It is called once, so it is not armed any more.',
    likely: 'Take a timer out of the heap before you call it, not after the call.',
    look: 'timer-queue.runDue()',
  })
}

/** A delay of `Infinity` is one: nothing waits for longer. */
export async function expectNever(stage: Stage): Promise<void> {
  const { timers, arm, expectFires } = await playQueue(stage)
  const refused = thrownBy(() => arm('never', Number.POSITIVE_INFINITY))
  stage.expect('after(Infinity) to arm a timer', refused === undefined, {
    because:
      'A limit may be Infinity: that timer never fires, and can be cancelled like any other.',
    likely: 'Refuse only NaN: check with Number.isNaN(), not with Number.isFinite().',
    look: 'timer-queue.after()',
    received: String(refused),
  })
  arm('in 30 days', 30 * DAY_MS)
  expectFires(30 * DAY_MS, ['in 30 days'], {
    because: 'Thirty days have passed. A timer that never fires does not hold this one up.',
    likely: 'Infinity is a number like any other: compare deadlines as they are.',
    look: ['timer-queue.after()', 'timer-queue.runDue()'],
  })
  stage.expectSame('timers.size', timers.size, 1, {
    because: '"never" is armed, and stays so until it is cancelled.',
    look: 'timer-queue.after()',
  })
}
