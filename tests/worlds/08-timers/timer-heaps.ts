/** A heap of timers with names, which a test fills and empties. */

import type { Timer, TimerHeap } from '#code/08-timers/timer-heap.ts'
import type { Reason } from '../../harness/failure.ts'
import { randomInteger } from '../../harness/random.ts'
import type { Stage } from '../../judge/step.ts'

/** A heap, and timers for it, which are armed in the order in which they are made. */
export async function playHeap({ load, story, random, expect, expectSame }: Stage) {
  const { TimerHeap, NOWHERE } = await load(() => import('#code/08-timers/timer-heap.ts'))
  const names = new Map<Timer | undefined, string>()
  const heap = new TimerHeap()
  let armed = 0
  const toTimer = (deadlineMs: number): Timer => {
    const order = armed++
    return { deadlineMs, order, place: NOWHERE, callback: undefined, periodMs: 0 }
  }
  /** Calls the heap, and says more of what it throws than that something is undefined. */
  const call = <T>(what: string, look: string, callHeap: () => T): T => {
    try {
      return callHeap()
    } catch (error) {
      expect(`${what} not to throw`, !(error instanceof TypeError), {
        because: 'There is a place for every timer.',
        likely:
          'The code looks at a place where there is no timer. The place of a child, left or right, is below #timers.length; a parent’s place is a whole number.',
        look,
        received: String(error),
      })
      throw error
    }
  }
  const insert = (timer: Timer) => call('add()', 'timer-heap.#rise()', () => heap.add(timer))
  const takeFirst = () => call('takeFirst()', 'timer-heap.#sink()', () => heap.takeFirst())
  return {
    newHeap: (): TimerHeap => new TimerHeap(),
    toTimer,
    add(name: string, deadlineMs: number): Timer {
      story.tell('test', `adds "${name}", which is due at ${deadlineMs} ms`)
      const timer = toTimer(deadlineMs)
      names.set(timer, name)
      insert(timer)
      return timer
    },
    /** Adds timers that are due at these milliseconds, and are named after them. */
    addAll(deadlinesMs: number[]): Timer[] {
      story.tell('test', `adds timers that are due at ${deadlinesMs.join(', ')} ms`)
      return deadlinesMs.map((deadlineMs) => {
        const timer = toTimer(deadlineMs)
        names.set(timer, `${deadlineMs}`)
        insert(timer)
        return timer
      })
    },
    /** Expects that none of these, which were only added so far, fires before its parent. */
    expectParents(timers: readonly Timer[]): void {
      const parentOf = (timer: Timer) =>
        timers.find(({ place }) => timer.place > 0 && place === (timer.place - 1) >> 1)
      const wrong = timers.find((timer) => isBefore(timer, parentOf(timer) ?? timer))
      const parent = wrong && parentOf(wrong)
      expect('no timer to fire before its parent', !wrong, {
        because: 'That is what makes an array a heap. A timer may be misplaced far below the root.',
        likely:
          'A timer rises until its parent fires before it, and the parent of place i is at (i - 1) >> 1.',
        look: 'timer-heap.#rise()',
        expected: parent && `${describe(parent)}, at place ${parent.place}, to fire first`,
        received: wrong && `${describe(wrong)}, at place ${wrong.place}, below it`,
      })
    },
    firstName: (): string | undefined => names.get(heap.first),
    expectFirst(name: string, reason: Reason): void {
      const { first } = heap
      expectSame('the first timer in the heap', names.get(first), name, reason)
    },
    /** Takes out the first one as often as there are names. */
    expectTaken(expected: string[], reason: Reason): void {
      const taken = expected.map(() => names.get(takeFirst()) ?? 'nothing')
      expectSame('the timers taken out one by one', taken.join(', '), expected.join(', '), reason)
    },
    /** Expects each of these to have a place in the heap, and no two the same one. */
    expectPlaces(timers: readonly Timer[]): void {
      const places = timers.map(({ place }) => place).toSorted((a, b) => a - b)
      const isEach = places.every((place, index) => place === index)
      const shown = places.slice(0, 8).join(', ')
      expect(
        `the ${places.length} timers to know their places, 0 to ${places.length - 1}`,
        isEach,
        {
          expected: 'each place once',
          received: `${shown}${places.length > 8 ? ', …' : ''} (sorted)`,
          because:
            'A timer that is cancelled is found by its place. No two timers have the same place.',
          likely:
            'A timer that is moved up or down gets its new place, and so does the one that has risen or sunk. #put() writes both array and place.',
        },
      )
    },
    /** Fills a small heap in every order there is, and empties it. */
    expectEveryOrder(): void {
      story.tell('test', 'adds timers that are due at 1 to 6 ms in every order, and takes them out')
      for (let size = 1; size <= 6; size++) {
        for (const deadlinesMs of permutations(size)) {
          for (const deadlineMs of deadlinesMs) insert(toTimer(deadlineMs))
          const taken = deadlinesMs.map(() => takeFirst()?.deadlineMs)
          const inOrder = deadlinesMs.toSorted((a, b) => a - b).join(', ')
          if (taken.join(', ') === inOrder) continue
          expectSame(
            `what is taken out after adding ${deadlinesMs.join(', ')}`,
            taken.join(', '),
            inOrder,
            {
              because: 'Whatever was taken out, the timer that fires next is at the root.',
              likely:
                'A timer sinks until neither child fires before it. The last place in the heap is a child like any other, and the last child may have no sibling.',
              look: 'timer-heap.#sink()',
            },
          )
        }
      }
    },
    /** Deadlines that are next to each other or years apart, on a server that has armed billions. */
    expectAnyNumbers(): void {
      story.tell('test', 'adds timers with the deadlines and orders of a server that is years old')
      const deadlinesMs = [Number.POSITIVE_INFINITY, 1e11 + 0.5, 1e11, 60.1, 50.001]
      // The last two are neighbours among the numbers, or nearly so.
      deadlinesMs.push(50.00000000000001, 50)
      for (const [index, deadlineMs] of deadlinesMs.entries())
        insert({ ...toTimer(deadlineMs), order: index * 1e9 })
      const taken = deadlinesMs.map(() => takeFirst()?.deadlineMs)
      expectSame('the deadlines taken out', taken.join(', '), deadlinesMs.toReversed().join(', '), {
        because:
          'A deadline is a number like any other: years away, never, or the smallest fraction after another. `order` counts between equals only.',
        likely:
          'Compare deadlines as they are, with `<`: neither rounded, nor as equal if they are near, nor as 32 bits (| 0), nor mixed with `order`.',
        look: 'timer-heap.isBefore()',
      })
    },
    /** At one deadline, timers that were armed early are added late, as remove() will do. */
    expectAddedLater(): void {
      story.tell('test', 'adds eight timers with one deadline, in reverse order of arming')
      const timers = Array.from({ length: 8 }, () => toTimer(70))
      for (const timer of timers.toReversed()) insert(timer)
      const taken = timers.map(() => 1 + timers.indexOf(takeFirst()!)).join(', ')
      expectSame(
        'the timers taken out, numbered by order of arming,',
        taken,
        '1, 2, 3, 4, 5, 6, 7, 8',
        {
          because:
            'At the same deadline, the timer that was armed first fires first, whenever it was added to the heap.',
          likely:
            'Ask isBefore() whether a parent fires before the timer that rises: deadlines alone do not decide between equals.',
          look: 'timer-heap.#rise()',
        },
      )
    },
    /** Adds timers at random and takes some out. Returns those that are still in the heap. */
    expectOrderInCrowd(): Timer[] {
      story.tell('test', 'adds timers at random and takes out nearly as many, 2,000 times')
      const inside = new Set<Timer>()
      for (let times = 0; times < 2_000; times++) {
        if (inside.size === 0 || randomInteger(random, 100) < 55) {
          const timer = toTimer(randomInteger(random, 60))
          insert(timer)
          inside.add(timer)
          continue
        }
        const due = [...inside].reduce((one, other) => (isBefore(one, other) ? one : other))
        const taken = takeFirst()
        inside.delete(due)
        if (taken === due) continue
        expect('the timer taken out to be the one that fires first', false, {
          because:
            'Timers come out by deadline, and at the same deadline by order of arming, whatever was added or removed.',
          likely: 'No timer may fire before its parent, anywhere on the way up or down.',
          expected: describe(due),
          received: describe(taken),
        })
      }
      return [...inside]
    },
  }
}

/** The numbers from 1 to `size`, in every order. */
function permutations(size: number): number[][] {
  if (size === 0) return [[]]
  return permutations(size - 1).flatMap((rest) =>
    Array.from({ length: size }, (_, place) => rest.toSpliced(place, 0, size)),
  )
}

function isBefore(one: Timer, other: Timer): boolean {
  return (
    one.deadlineMs - other.deadlineMs < 0 ||
    (one.deadlineMs === other.deadlineMs && one.order < other.order)
  )
}

function describe(timer: Timer | undefined): string {
  return timer ? `number ${timer.order}, due at ${timer.deadlineMs} ms` : 'none'
}
