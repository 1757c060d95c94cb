/** Chapter 08's queue beside a model that is obviously right: a list, looked through from end to end. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Timer, TimerQueue } from '../../solutions/08-timers/timer-queue.ts'

/** What happens to a queue. `pick` chooses among all timers ever armed. */
type Action =
  | { kind: 'after'; ms: number; cancels?: number }
  | { kind: 'every'; ms: number; cancels?: number }
  | { kind: 'cancel'; pick: number }
  | { kind: 'advance'; ms: number }

const cancels = fc.option(fc.nat(30), { nil: undefined })
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('after' as const), ms: fc.nat(40), cancels }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('every' as const),
      ms: fc.integer({ min: 1, max: 40 }),
      cancels,
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('cancel' as const), pick: fc.nat(30) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('advance' as const), ms: fc.nat(60) }) },
)

interface Entry {
  deadlineMs: number
  order: number
  periodMs: number
  isArmed: boolean
  cancels: number | undefined
}

class Model {
  readonly fired: string[] = []
  #nowMs = 0
  #armed = 0
  readonly #entries: Entry[] = []

  act(action: Action): void {
    if (action.kind === 'advance') this.#advance(action.ms)
    else if (action.kind === 'cancel') this.#cancel(action.pick)
    else {
      const deadlineMs = this.#nowMs + action.ms
      const periodMs = action.kind === 'every' ? action.ms : 0
      const { cancels } = action
      this.#entries.push({ deadlineMs, order: this.#armed++, periodMs, isArmed: true, cancels })
    }
  }

  get size(): number {
    return this.#entries.filter(({ isArmed }) => isArmed).length
  }

  get nextDelay(): number {
    const deadlines = this.#entries.flatMap((entry) => (entry.isArmed ? [entry.deadlineMs] : []))
    return Math.max(0, Math.min(...deadlines) - this.#nowMs)
  }

  #advance(ms: number): void {
    this.#nowMs += ms
    const due = this.#entries
      .filter(({ isArmed, deadlineMs }) => isArmed && deadlineMs <= this.#nowMs)
      .sort((a, b) => a.deadlineMs - b.deadlineMs || a.order - b.order)
    for (const entry of due) {
      if (!entry.isArmed) continue
      this.fired.push(`${this.#nowMs}: ${this.#entries.indexOf(entry)}`)
      if (entry.periodMs === 0) entry.isArmed = false
      while (entry.periodMs > 0 && entry.deadlineMs <= this.#nowMs)
        entry.deadlineMs += entry.periodMs
      entry.order = this.#armed++
      if (entry.cancels !== undefined) this.#cancel(entry.cancels)
    }
  }

  #cancel(pick: number): void {
    const entry = this.#entries[pick % Math.max(1, this.#entries.length)]
    if (entry) entry.isArmed = false
  }
}

class Played {
  readonly fired: string[] = []
  readonly queue: TimerQueue
  #nowMs = 0
  readonly #timers: Timer[] = []

  constructor() {
    this.queue = new TimerQueue({ now: () => this.#nowMs })
  }

  act(action: Action): void {
    if (action.kind === 'advance') {
      this.#nowMs += action.ms
      this.queue.runDue()
    } else if (action.kind === 'cancel') this.#cancel(action.pick)
    else {
      const index = this.#timers.length
      const fire = () => {
        this.fired.push(`${this.#nowMs}: ${index}`)
        if (action.cancels !== undefined) this.#cancel(action.cancels)
      }
      this.#timers.push(this.queue[action.kind](action.ms, fire))
    }
  }

  #cancel(pick: number): void {
    const timer = this.#timers[pick % Math.max(1, this.#timers.length)]
    if (timer) this.queue.cancel(timer)
  }
}

test('whatever is armed and cancelled, the same timers fire in the same order as in a plain list', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 120 }), (actions) => {
      const [model, played] = [new Model(), new Played()]
      for (const each of actions) {
        model.act(each)
        played.act(each)
        expect(played.queue.size).toBe(model.size)
        expect(played.queue.nextDelay()).toBe(model.nextDelay)
      }
      expect(played.fired).toEqual(model.fired)
    }),
    { seed: 8, numRuns: 300 },
  )
})

test('a beat whose sums are rounded is called once at a moment', () => {
  let nowMs = 413_903.8
  const timers = new TimerQueue({ now: () => nowMs })
  let calls = 0
  timers.every(16.7, () => {
    calls += 1
  })
  nowMs += 34 * 16.7
  timers.runDue()
  expect(timers.nextDelay()).toBeGreaterThan(0)
  timers.runDue()
  expect(calls).toBe(1)
})

test('a period that is too short for the clock holds up nobody', () => {
  let nowMs = 2 ** 50
  const timers = new TimerQueue({ now: () => nowMs })
  let calls = 0
  timers.every(0.001, () => {
    calls += 1
  })
  nowMs += 1
  timers.runDue()
  expect(calls).toBe(1)
})
