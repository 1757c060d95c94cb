/** What `nextDelay()` of chapter 08 says while timers are armed and cancelled, and time passes. */

import type { Reason } from '../../harness/failure.ts'
import type { Stage } from '../../judge/step.ts'
import { fire, type PlayedQueue } from './timer-queues.ts'

const DAY_MS = 86_400_000

/** The loop may sleep until the first deadline, and not at all when that has come. */
export function expectDelays(stage: Stage, { timers, clock, arm, cancel }: PlayedQueue): void {
  const { expect, story } = stage
  const expectDelay = delays(stage, timers)
  expectDelay(Number.POSITIVE_INFINITY, {
    because: 'No timer is armed: the loop may sleep until a client sends something.',
    likely: 'With 0 the loop would spin, and with undefined it would fail. Infinity means forever.',
  })
  arm('later', 70)
  arm('sooner', 30)
  expectDelay(30, {
    because: 'The earliest deadline counts.',
    likely:
      timers.nextDelay() === 31
        ? 'One too many: Math.ceil() leaves a whole number as it is.'
        : 'The first timer in the heap is the next one to fire. Its deadline decides how long the loop may sleep.',
  })
  clock.pass(20)
  story.tell('time', 'moves on by 20 ms')
  expectDelay(10, {
    because: '20 of the 30 ms have passed.',
    likely: 'What is left is the deadline minus clock.now().',
  })
  clock.pass(10)
  story.tell('time', 'moves on by 10 ms')
  expectDelay(0, {
    because: '"sooner" is due right now.',
    likely:
      'No time is left, so the delay is 0. With Infinity, the loop would sleep past the deadline.',
  })
  clock.pass(15)
  story.tell('time', 'moves on by 15 ms')
  expectDelay(0, {
    because: '"sooner" is overdue, and a delay is never below 0.',
    likely: 'What is left may be negative. Use Math.max(0, …).',
  })
  cancel('sooner')
  expectDelay(25, {
    because: 'A cancelled timer does not wake the loop. "later" is next.',
    likely: 'A timer that is only marked as cancelled is still first in the heap.',
  })
  cancel('later')
  expectDelay(Number.POSITIVE_INFINITY, { because: 'Nothing is armed any more.' })

  const expectFraction = (leftMs: number, likely: string): void => {
    arm('fraction', leftMs)
    const delayMs = timers.nextDelay()
    const isKept = delayMs >= leftMs && delayMs <= Math.ceil(leftMs)
    expect(`timers.nextDelay() to be ${leftMs} (rounding up is allowed)`, isKept, {
      because:
        delayMs > leftMs
          ? `A loop that sleeps for too long is late for its timer. Rounded up, ${leftMs} is ${Math.ceil(leftMs)}.`
          : 'A loop that wakes a fraction of a millisecond too early has nothing to do, and asks again and again.',
      likely,
      look: 'timer-queue.nextDelay()',
      received: `${delayMs}`,
    })
    cancel('fraction')
  }
  for (const leftMs of [9.5, 9.125, 0.25]) {
    expectFraction(
      leftMs,
      'A delay that is rounded down is too short, and Math.round() rounds down half of the time. There is no need to round it.',
    )
  }
  for (let quarter = 1; quarter <= 3; quarter++) {
    clock.pass(0.25)
    story.tell('time', 'moves on by 0.25 ms')
    expectFraction(
      9.5,
      'Both the deadline and the time may be fractions. Subtract them as they are, and round only what is left, if anything.',
    )
  }
}

/** setTimeout of Node takes 24.8 days at most. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1

export function expectLongDelay(stage: Stage, { timers, arm, cancel }: PlayedQueue): void {
  const expectDelay = delays(stage, timers)
  arm('in 10 days', 10 * DAY_MS)
  expectDelay(10 * DAY_MS, {
    because: 'Nothing is due sooner, so nothing has to wake the loop.',
    likely: 'Return the time until the first deadline, however long it is.',
  })
  cancel('in 10 days')
  for (const [name, leftMs] of [
    ['in 30 days', 30 * DAY_MS],
    ['never', Number.POSITIVE_INFINITY],
  ] as const) {
    arm(name, leftMs)
    const delayMs = timers.nextDelay()
    const isCapped = delayMs === MAX_TIMEOUT_MS
    const isKept = Number.isFinite(leftMs)
      ? delayMs >= MAX_TIMEOUT_MS && delayMs <= leftMs
      : delayMs === leftMs
    stage.expect(`timers.nextDelay() to be ${leftMs}`, isKept, {
      because: `"${name}" is the only timer, so nothing has to wake the loop sooner.`,
      likely: isCapped
        ? 'The poller knows the limit of setTimeout(). Here, a timer that never fires leaves Infinity.'
        : 'The time until the first deadline may be Infinity, or more than 32 bits hold: do not truncate it (| 0).',
      look: 'timer-queue.nextDelay()',
      received: `${delayMs}`,
    })
    cancel(name)
  }
}

/** Whoever is told of an earlier deadline may ask for it at once. */
export function expectToldWhenArmed({ expectSame, story }: Stage, { newQueue }: PlayedQueue): void {
  const [timers] = newQueue()
  const delays: number[] = []
  timers.onEarlier = () => delays.push(timers.nextDelay())
  story.tell('test', 'arms timers due in 50 ms and in 20 ms, and calls nextDelay() in onEarlier()')
  for (const ms of [50, 20]) timers.after(ms, fire)
  expectSame('what nextDelay() returned there', delays, [50, 20], {
    because: 'onEarlier() says that a deadline is earlier now, so nextDelay() has to know it.',
    likely: 'Put the timer into the heap first, and call onEarlier() after that.',
    look: 'timer-queue.after()',
  })
}

function delays({ expectSame }: Stage, timers: PlayedQueue['timers']) {
  return (delayMs: number, reason: Reason) =>
    expectSame('timers.nextDelay()', timers.nextDelay(), delayMs, {
      ...reason,
      look: 'timer-queue.nextDelay()',
    })
}
