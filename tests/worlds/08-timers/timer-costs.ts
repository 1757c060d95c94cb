/** What timers of chapter 08 cost among hundreds of thousands of their kind. */

import type { Timer } from '#code/08-timers/timer-queue.ts'
import { compareCost, FEW, MANY, type Work } from '../../harness/cost.ts'
import { withCommas } from '../../harness/numbers.ts'
import type { Stage } from '../../judge/step.ts'
import { playHeap } from './timer-heaps.ts'
import { fire, type PlayedQueue } from './timer-queues.ts'

export async function expectCheapHeap(stage: Stage): Promise<void> {
  const { newHeap, toTimer } = await playHeap(stage)
  await expectCheap(stage, 'a timer to be added and taken out', (size) => {
    const many = newHeap()
    return {
      count: 1.2 * size,
      call(index) {
        // By turns before and behind all others, so that no order of arming is convenient.
        if (index < size) return many.add(toTimer(size + (index % 2 ? index : -index)))
        many.takeFirst()
      },
    }
  })
}

export async function expectCheapFiring(stage: Stage, { newQueue }: PlayedQueue): Promise<void> {
  await expectCheap(stage, 'a timer to be armed and fired', (size) => {
    const [many, time] = newQueue()
    return {
      count: 1.2 * size,
      call(index) {
        // By turns before and behind all others, so that no order of arming is convenient.
        if (index < size) return many.after(size + (index % 2 ? index : -index), fire)
        time.pass(2)
        many.runDue()
      },
    }
  })
}

export async function expectCheapCancelling(
  stage: Stage,
  { newQueue }: PlayedQueue,
): Promise<void> {
  await expectCheap(stage, 'a timer to be cancelled', (size) => {
    const [many] = newQueue()
    const all: Timer[] = []
    return {
      fill: (index) => all.push(many.after((index * 7) % size, fire)),
      count: size / 5,
      call: (index) => many.cancel(all[(index * 104_729) % size]),
    }
  })
}

export async function expectCheapLook(stage: Stage, { newQueue }: PlayedQueue): Promise<void> {
  await expectCheap(stage, 'nextDelay() to be called between two changes', (size) => {
    const [many] = newQueue()
    return {
      fill: (index) => many.after(1_000 + index, fire),
      count: size / 20,
      call(index) {
        const first = many.after(index % 1_000, fire)
        many.nextDelay()
        many.cancel(first)
        many.nextDelay()
      },
    }
  })
}

/** Expects that something does not cost much more among very many timers than among a few. */
async function expectCheap(
  { expect }: Stage,
  what: string,
  prepare: (size: number) => Work,
): Promise<void> {
  const { few, many, isCheap } = await compareCost(prepare)
  expect(`${what} in O(log n)`, isCheap, {
    because: 'A server with 100,000 clients has that many timers, and touches some on every line.',
    likely:
      'Something goes through all timers: a sort, an indexOf, a splice, a scan for the smallest. A heap moves along one path.',
    expected: `among ${countOf(MANY)} timers, about the same as among ${countOf(FEW)}`,
    received: `${few.toFixed(2)} µs among ${countOf(FEW)} timers, ${many.toFixed(2)} µs among ${countOf(MANY)}`,
  })
}

function countOf(timers: number): string {
  return withCommas(timers)
}
