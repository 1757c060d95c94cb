/** What `nextDelay()` of chapter 08 says while timers are armed and cancelled, and time passes. */

import type { Reason } from '../../harness/failure.ts'
import type { Stage } from '../../judge/step.ts'
import type { PlayedQueue } from './timer-queues.ts'

const DAY_MS = 86_400_000

/** The loop may sleep until the first deadline, and not at all when that has come. */
export function expectDelays(stage: Stage, { timers, clock, arm, cancel }: PlayedQueue): void {
  const { expect, story } = stage
  const expectDelay = delays(stage, timers)
  expectDelay(Number.POSITIVE_INFINITY, {
    because: 'No timer is armed: the loop may sleep until a client sends something.',
    likely: 'With 0 the loop would spin, with undefined it would fail. Infinity means forever.',
  })
  arm('later', 70)
  arm('sooner', 30)
  expectDelay(30, {
    because: 'The earliest deadline counts.',
    likely: 'The first timer of the heap is the next one to fire: its deadline tells how long.',
  })
  clock.pass(20)
  story.tell('time', 'moves on by 20 ms')
  expectDelay(10, {
    because: '20 of the 30 ms have passed.',
    likely: 'What is left is the deadline less clock.now().',
  })
  clock.pass(10)
  story.tell('time', 'moves on by 10 ms')
  expectDelay(0, {
    because: '"sooner" is due in this very millisecond.',
    likely:
      'Nothing is left until it is due, and 0 says so: Infinity would let the loop sleep over it.',
  })
  clock.pass(15)
  story.tell('time', 'moves on by 15 ms')
  expectDelay(0, {
    because: '"sooner" is overdue. Less than no time does not exist.',
    likely: 'What is left may be negative: Math.max(0, …).',
  })
  cancel('sooner')
  expectDelay(25, {
    because: 'A cancelled timer does not wake the loop. "later" is next.',
    likely: 'A timer that is only marked as cancelled still stands first in the heap.',
  })
  cancel('later')
  expectDelay(Number.POSITIVE_INFINITY, { because: 'Nothing is armed any more.' })

  for (const leftMs of [9.5, 9.125, 0.25]) {
    arm('fraction', leftMs)
    const delayMs = timers.nextDelay()
    const isKept = delayMs >= leftMs && delayMs <= Math.ceil(leftMs)
    expect(`timers.nextDelay() not to be less than ${leftMs}`, isKept, {
      because:
        'A loop that wakes a fraction of a millisecond too early has nothing to do, and asks again and again.',
      likely:
        'Rounded down, a delay is too short, and Math.round() rounds down as often as up. There is no need to round it.',
      look: 'timer-queue.nextDelay()',
      received: `${delayMs}`,
    })
    cancel('fraction')
  }
}

/** setTimeout of Node takes 24.8 days at most. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1

export function expectLongDelay(stage: Stage, { timers, arm, cancel }: PlayedQueue): void {
  const expectDelay = delays(stage, timers)
  arm('in 10 days', 10 * DAY_MS)
  expectDelay(10 * DAY_MS, {
    because: 'Nothing is due before that, so nothing has to wake the loop.',
    likely: 'The rest until the first deadline is what it is, however long.',
  })
  cancel('in 10 days')
  for (const [name, leftMs] of [
    ['in 30 days', 30 * DAY_MS],
    ['never', Number.POSITIVE_INFINITY],
  ] as const) {
    arm(name, leftMs)
    const delayMs = timers.nextDelay()
    stage.expect(
      `timers.nextDelay() to be ${leftMs}`,
      delayMs >= MAX_TIMEOUT_MS && delayMs <= leftMs,
      {
        because: `The only timer is due ${name}: nothing has to wake the loop before.`,
        likely:
          'The rest until the first deadline is a number like any other: Infinity, or more than 32 bits hold (| 0).',
        look: 'timer-queue.nextDelay()',
        received: `${delayMs}`,
      },
    )
    cancel(name)
  }
}

function delays({ expectSame }: Stage, timers: PlayedQueue['timers']) {
  return (delayMs: number, reason: Reason) =>
    expectSame('timers.nextDelay()', timers.nextDelay(), delayMs, {
      ...reason,
      look: 'timer-queue.nextDelay()',
    })
}
