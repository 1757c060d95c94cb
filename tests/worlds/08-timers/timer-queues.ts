/** A timer queue whose time moves when the test says so. */

import type { Timer, TimerQueue } from '#code/08-timers/timer-queue.ts'
import type { Reason } from '../../harness/failure.ts'
import { VirtualClock } from '../../harness/virtual-time.ts'
import type { Stage } from '../../judge/step.ts'

export interface Armed {
  deadlineMs: number
  order: number
}

/** Why these have to fire; what has fired instead may tell more. */
type FiredReason = Reason | ((received: string) => Reason)

/** A queue whose timers have names. */
export type PlayedQueue = Awaited<ReturnType<typeof playQueue>>

/** A timer queue in virtual time, whose timers have names. */
export async function playQueue({ load, story, expect, expectSame }: Stage) {
  const { TimerQueue } = await load(() => import('#code/08-timers/timer-queue.ts'))
  const { NOWHERE } = await load(() => import('#code/08-timers/timer-heap.ts'))
  const clock = new VirtualClock()
  const timers = new TimerQueue(clock)
  const armed = new Map<string, Timer>()
  const fired: string[] = []
  /** Expects these to have fired since it was asked last. */
  const expectFired = (names: string[], reason: FiredReason): void => {
    const text = (fired: string[]) => fired.join(', ') || 'nothing'
    const received = text(fired.splice(0))
    const why = typeof reason === 'function' ? reason(received) : reason
    expectSame('what fires', received, text(names), why)
  }
  return {
    NOWHERE,
    timers,
    clock,
    arm(name: string, ms: number, then?: () => void): void {
      story.tell('test', `arms "${name}", due in ${ms} ms`)
      const fire = () => {
        fired.push(name)
        then?.()
      }
      armed.set(name, timers.after(ms, fire))
    },
    every(name: string, ms: number, then?: (times: number) => void): void {
      story.tell('test', `arms "${name}", due every ${ms} ms`)
      let times = 0
      const fire = () => {
        fired.push(name)
        then?.(++times)
      }
      armed.set(name, timers.every(ms, fire))
    },
    cancel(name: string): void {
      story.tell('test', `cancels "${name}"`)
      const timer = armed.get(name)!
      const { place } = timer
      const isLast = place === timers.size - 1
      const thrown = thrownBy(() => timers.cancel(timer))
      if (thrown === undefined) return
      expect(`cancel() of "${name}" not to throw`, false, {
        because:
          'Any timer can be cancelled, whether it is armed, has fired, or was cancelled already.',
        ...causeOfThrow(
          place === NOWHERE ? 'nowhere' : isLast ? 'last' : place > 0 ? 'below' : 'root',
        ),
        received: String(thrown),
      })
    },
    hasFired: (name: string): boolean => fired.includes(name),
    placeOf: (name: string): number => armed.get(name)!.place,
    /** Lets time pass, then the loop comes by. */
    expectFires(afterMs: number, names: string[], reason: FiredReason): void {
      story.tell('time', `moves on by ${afterMs} ms, and the loop calls runDue()`)
      clock.pass(afterMs)
      timers.runDue()
      expectFired(names, reason)
    },
    expectFired,
    newQueue(): [TimerQueue, VirtualClock] {
      const time = new VirtualClock()
      return [new TimerQueue(time), time]
    },
  }
}

/** Why `cancel()` may throw, by where in the heap the timer was. */
function causeOfThrow(place: 'nowhere' | 'last' | 'root' | 'below'): Omit<Reason, 'because'> {
  if (place === 'nowhere') {
    return {
      likely:
        'A timer that is not in the heap is at NOWHERE (-1), even if it was the last one there: compare with NOWHERE before you take it out.',
      look: ['timer-queue.cancel()', 'timer-heap.remove()'],
    }
  }
  const likely = {
    last: 'The last timer in the heap leaves no gap: there is nothing to move.',
    root: 'The gap may be the root, which has no parent.',
    below: 'remove() needs the place that the timer had: note it before it becomes NOWHERE.',
  }
  return { likely: likely[place], look: 'timer-heap.remove()' }
}

/** Expects all of them to have fired, by deadline and then by order of arming. */
export function expectOrder(
  { expect }: Stage,
  fired: Armed[],
  armed: Armed[],
  likely: string,
): void {
  const inOrder = armed.toSorted((a, b) => a.deadlineMs - b.deadlineMs || a.order - b.order)
  const wrong = inOrder.findIndex((entry, index) => fired[index] !== entry)
  const describe = (entry: Armed | undefined) =>
    entry ? `number ${entry.order}, due at ${entry.deadlineMs} ms` : 'none'
  expect(`${armed.length} timers to fire in order`, wrong < 0 && fired.length === armed.length, {
    because:
      'Timers fire by deadline, and at the same deadline by order of arming, whatever was added or removed.',
    likely,
    expected: describe(inOrder[wrong]),
    received: describe(fired[wrong]),
  })
}

/** Arms a timer whose callback holds something. In a function of its own: while it runs, it holds that as well. */
export function armHolding(
  timers: TimerQueue,
  then = () => {},
): { timer: Timer; held: WeakRef<object> } {
  const connection = { buffer: new Uint8Array(1024) }
  const timer = timers.after(1_000, () => {
    connection.buffer.fill(1)
    then()
  })
  return { timer, held: new WeakRef(connection) }
}

export function throws(timers: TimerQueue): boolean {
  return thrownBy(() => timers.runDue()) !== undefined
}

/** What the call throws; `undefined` when it returns. */
export function thrownBy(call: () => void): unknown {
  try {
    call()
  } catch (error) {
    return error
  }
  return undefined
}

export function fire(): void {}
