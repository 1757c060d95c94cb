/** Timers that are cancelled, and those that stay: gaps in the heap, crowds, callbacks to be let go. */

import type { Timer } from '#code/08-timers/timer-queue.ts'
import { countHeld, isGarbage } from '../../harness/garbage.ts'
import { randomInteger } from '../../harness/random.ts'
import type { Stage } from '../../judge/step.ts'
import { type Armed, armHolding, expectOrder, type PlayedQueue, throws } from './timer-queues.ts'

/** The last timer of the heap fills the gap of a cancelled one, and goes where it belongs, if it is not that one itself. */
export function expectGapsFilled(
  { expectSame }: Stage,
  { NOWHERE, timers, arm, cancel, placeOf, expectFires }: PlayedQueue,
): void {
  for (const ms of [10, 100, 20, 110, 120, 30, 40]) arm(`${ms}`, ms)
  cancel('110')
  // With so many behind it, 40 stays where it was put.
  for (const ms of [200, 210, 220, 230, 240, 250, 260, 270]) arm(`${ms}`, ms)
  expectFires(200, ['10', '20', '30', '40', '100', '120', '200'], {
    because:
      'The last timer in the heap, 40, fills the gap below 100, and then has to move past 100.',
    likely:
      'The timer that fills a gap comes from another branch: it may have to rise, not only to sink.',
    look: 'timer-heap.remove()',
  })

  expectFires(100, ['210', '220', '230', '240', '250', '260', '270'], {
    because: 'The others have not been cancelled.',
  })
  for (const [delays, fires] of [
    [[40, 30, 30, 40, 30, 30, 20], 'gbcefa'],
    [[30, 30, 30, 30, 30, 10, 20], 'fgabce'],
  ] as const) {
    const names = ['a', 'b', 'c', 'cancelled', 'e', 'f', 'g']
    for (const [index, ms] of delays.entries()) arm(names[index], ms)
    cancel('cancelled')
    expectFires(40, [...fires], {
      because:
        'At the same deadline, the timer that was armed first fires first, even after a gap was filled.',
      likely:
        'The timer that fills a gap rises past a parent that fires after it: ask isBefore(), which compares `order`, too.',
      look: 'timer-heap.remove()',
    })
  }
  arm('only', 10)
  cancel('only')
  expectSame('timers.size', timers.size, 0, {
    because: 'The only timer there was has been cancelled.',
    likely:
      'When the last timer in the heap is taken out, there is no gap to fill. And place 0 is the root: only a timer at NOWHERE (-1) is not in the heap.',
    look: ['timer-heap.remove()', 'timer-queue.cancel()'],
  })
  arm('stays', 10)
  arm('last of the heap', 20)
  cancel('last of the heap')
  expectSame('the place of "last of the heap"', placeOf('last of the heap'), NOWHERE, {
    because: 'It is not in the heap any more, although it left no gap.',
    likely:
      'remove() sets place to NOWHERE in every case, before it returns. Otherwise a second cancel() takes out another timer.',
    look: 'timer-heap.remove()',
  })
  cancel('last of the heap')
  expectFires(20, ['stays'], {
    because: '"last of the heap" was cancelled twice, and "stays" never.',
    likely: 'cancel() does nothing to the heap if the timer is not in it.',
    look: ['timer-queue.cancel()', 'timer-heap.remove()'],
  })
}

/** A timer cancels others that are due in the same round, and itself. */
export function expectCancelledInside(
  { expectSame, story }: Stage,
  { timers, clock, arm, cancel, expectFired }: PlayedQueue,
): void {
  let leftArmed = 0
  arm('first', 10, () => {
    cancel('second')
    leftArmed = timers.size
    cancel('first')
  })
  arm('second', 10)
  arm('third', 10)
  clock.pass(10)
  story.tell('time', 'moves on by 10 ms, and the loop calls runDue()')
  timers.runDue()
  const isStillArmed = leftArmed === 2
  expectFired(['first', 'third'], {
    because:
      'All three were due when "first" fired and cancelled "second", which must not fire any more.',
    likely: isStillArmed
      ? 'cancel() left the timer in the heap. A timer that is due can be cancelled as long as it has not fired.'
      : 'runDue() made a list of due timers, and a list does not know what is cancelled. Take one timer at a time out of the heap.',
    look: isStillArmed ? 'timer-queue.cancel()' : 'timer-queue.runDue()',
  })
  expectSame('timers.size', timers.size, 0, { because: 'Two have fired, and one was cancelled.' })

  arm('cancels the last', 10, () => cancel('last'))
  arm('faulty', 10, () => {
    throw new Error('a bug in a callback')
  })
  arm('last', 10)
  clock.pass(10)
  story.tell('time', 'moves on by 10 ms, and the loop calls runDue(), which throws')
  throws(timers)
  expectSame('timers.size', timers.size, 0, {
    because: 'Two have been called, and "last" was cancelled by the first of them.',
    likely:
      'After the throw, a cancelled timer is put back into the heap. Take one timer at a time out of the heap: then there is nothing to put back.',
    look: 'timer-queue.runDue()',
  })
  expectFired(['cancels the last', 'faulty'], { because: '"last" was cancelled.' })
}

/** Hundreds are armed at random, every third is cancelled: the others fire in order. */
export function expectCrowdInOrder(stage: Stage, { timers, clock }: PlayedQueue): void {
  const start = clock.now()
  const armed: (Armed & { timer: Timer })[] = []
  const fired: Armed[] = []
  stage.story.tell(
    'test',
    'arms 400 timers with random delays, cancels every third, and arms 200 more',
  )
  const armMany = (count: number) => {
    for (let done = 0; done < count; done++) {
      const ms = 40 * randomInteger(stage.random, 25)
      const entry = { deadlineMs: start + ms, order: armed.length } as (typeof armed)[number]
      entry.timer = timers.after(ms, () => fired.push(entry))
      armed.push(entry)
    }
  }
  armMany(400)
  const kept = armed.filter((_, index) => index % 3 > 0)
  for (const entry of armed) if (!kept.includes(entry)) timers.cancel(entry.timer)
  armMany(200)
  clock.pass(1_000)
  timers.runDue()
  expectOrder(
    stage,
    fired,
    [...kept, ...armed.slice(400)],
    'The timer that fills a gap may have to sink or to rise, even between equals: ask isBefore(). And every timer that moves has to know its new place.',
  )
}

const MANY = 16

/** A timer that is over is held by nobody, so a queue needs no more memory after a million of them. */
export async function expectForgotten(
  { expect, story }: Stage,
  played: PlayedQueue,
  kind: 'after' | 'every',
): Promise<void> {
  const ending = kind === 'every' ? 'beat once and are cancelled' : 'fire or are cancelled'
  story.tell('test', `calls ${kind}() ${MANY} times, and all of these timers ${ending}`)
  const held = await countHeld(armAndEnd(played, kind))
  // The queue or its engine may still hold the last one.
  expect('the queue to hold no timer that is over', held <= 2, {
    because:
      'Each connection of a server arms timers, day after day. If the queue remembers those that are over, its memory fills up.',
    likely:
      'If you note a timer in a Map or a Set as well, delete it there wherever it fires for the last time or is cancelled.',
    look:
      kind === 'every'
        ? ['timer-queue.every()', 'timer-queue.cancel()']
        : ['timer-queue.runDue()', 'timer-queue.cancel()'],
    expected: 'none, or hardly any',
    received: `${held} of ${MANY} timers`,
  })
}

/** In a function of its own: while it runs, it holds the timers as well. */
function armAndEnd({ timers, clock }: PlayedQueue, kind: 'after' | 'every'): WeakRef<Timer>[] {
  const armed = Array.from({ length: MANY }, () => timers[kind](1_000, () => {}))
  if (kind === 'after') for (const timer of armed.slice(MANY / 2)) timers.cancel(timer)
  clock.pass(1_000)
  timers.runDue()
  if (kind === 'every') for (const timer of armed) timers.cancel(timer)
  return armed.map((timer) => new WeakRef(timer))
}

/** A timer that will not be called any more holds nothing. */
export async function expectLetGo(
  { expect }: Stage,
  { timers, clock }: PlayedQueue,
): Promise<void> {
  const cancelled = armHolding(timers)
  timers.cancel(cancelled.timer)
  expect('the callback of a cancelled timer to be dropped', await isGarbage(cancelled.held), {
    because:
      'A callback holds what it uses: a connection, its buffers, its user. Code that keeps the timer must not keep all that in memory.',
    likely: 'cancel() sets timer.callback to undefined.',
    look: 'timer-queue.cancel()',
  })
  const over = armHolding(timers)
  clock.pass(1_000)
  timers.runDue()
  expect('the callback of a timer that has fired to be dropped', await isGarbage(over.held), {
    because: 'It will not be called again.',
    likely: 'runDue() sets timer.callback to undefined.',
    look: 'timer-queue.runDue()',
  })
  const faulty = armHolding(timers, () => {
    throw new Error('a bug in a callback')
  })
  clock.pass(1_000)
  throws(timers)
  expect('the callback of a timer that has thrown to be dropped', await isGarbage(faulty.held), {
    because: 'It will not be called again either.',
    likely: 'Drop the callback before it is called, or in a finally.',
    look: 'timer-queue.runDue()',
  })
  // Until here somebody has the timers.
  for (const { timer } of [cancelled, over, faulty]) timers.cancel(timer)
}
