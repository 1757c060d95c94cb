/** Timers that are added to a heap of chapter 08 in many orders: the one that fires first comes out first. */

import type { Stage } from '../../judge/step.ts'
import { playHeap } from './timer-heaps.ts'

/** A few timers by name, a hundred in every order, and a crowd at random. */
export async function expectHeapInOrder(stage: Stage): Promise<void> {
  const {
    add,
    addAll,
    expectFirst,
    expectTaken,
    expectPlaces,
    expectParents,
    firstName,
    expectEveryOrder,
    expectAnyNumbers,
    expectAddedLater,
    expectOrderInCrowd,
  } = await playHeap(stage)
  const timers = [add('third', 30)]
  expectFirst('third', { because: 'It is the only one.', likely: 'Put it at the place `from`.' })
  timers.push(add('first', 10))
  expectFirst('first', {
    because: 'It is due before its parent, so it rises.',
    likely:
      'The parent of place i is at (i - 1) >> 1. The parent moves down if the new timer fires before it. That depends on the deadlines: `order` decides between equals only.',
    look: ['timer-heap.#rise()', 'timer-heap.isBefore()'],
  })
  timers.push(add('second', 20), add('fourth', 40), add('sixth', 60), add('fifth', 50))
  expectFirst('first', {
    because: 'None of the others is due before it.',
    likely: 'A timer stops below a parent that fires before it.',
    look: 'timer-heap.#rise()',
  })
  expectPlaces(timers)
  expectTaken(['first'], { because: 'takeFirst() returns what was at the root.' })
  expectFirst('second', {
    because: 'The last timer in the heap has sunk from the root, and the next to fire has come up.',
    likely:
      firstName() === 'fifth'
        ? 'The last one sinks while a child fires before it: compare the child with the timer that sinks.'
        : 'Of two children, the one that fires first comes up.',
    look: 'timer-heap.#sink()',
  })
  expectPlaces(timers.toSpliced(1, 1))
  const inOrder = {
    because: 'Whatever was taken out, the timer that fires next is at the root.',
    likely: 'A timer sinks until neither child fires before it, down to a leaf if it has to.',
    look: 'timer-heap.#sink()',
  }
  expectTaken(['second', 'third', 'fourth', 'fifth', 'sixth', 'nothing'], inOrder)

  const upwards = Array.from({ length: 15 }, (_, index) => index + 1)
  const risen = addAll(upwards.toReversed())
  expectFirst('1', {
    because: 'Each of them was due before all others when it was added.',
    likely: 'A timer rises all the way up, past every parent that fires after it.',
    look: 'timer-heap.#rise()',
  })
  expectParents(risen)
  expectTaken(upwards.map(String), inOrder)
  addAll(upwards)
  expectTaken(upwards.map(String), inOrder)

  expectEveryOrder()
  for (const name of 'abcdefgh') add(name, 50)
  expectTaken([...'abcdefgh'], {
    because: 'Eight timers have the same deadline, so the one that was armed first fires first.',
    likely:
      'A heap does not keep the order of equals. At the same deadline, let `order` decide, which counts the timers armed.',
    look: 'timer-heap.isBefore()',
  })
  add('in half a millisecond', 50.5)
  add('now', 50)
  expectFirst('now', {
    because: 'A deadline may be a fraction.',
    likely: 'Compare deadlines as they are.',
    look: 'timer-heap.isBefore()',
  })
  expectTaken(['now', 'in half a millisecond'], { because: 'They fire in this order.' })
  expectAnyNumbers()
  expectAddedLater()

  expectPlaces(expectOrderInCrowd())
}
