import type { RightAnswer } from './right-answer.ts'

const heap = 'timer-heap.ts'
const queue = 'timer-queue.ts'

export const rightAnswers: RightAnswer[] = [
  {
    name: 'one-timer-for-two-limits',
    style:
      'One timer is armed, for whichever comes first: the next ping, the end of patience, the cut.',
    files: {
      'watch.ts': `import type { Connection, ConnectionObserver } from '../07-event-loop/connection.ts'
import type { Timer, TimerQueue } from './timer-queue.ts'

export interface WatchLimits {
  idleMs: number
  goodbyeMs: number
}

export interface Heartbeat {
  everyMs: number
  ask(): void
}

export class Watch implements ConnectionObserver {
  readonly #connection: Connection
  readonly #timers: TimerQueue
  readonly #limits: WatchLimits
  readonly #heartbeat: Heartbeat | undefined
  readonly #onSilence: () => void
  #idleAtMs: number
  #askAtMs: number
  #timer: Timer | undefined

  constructor(
    connection: Connection,
    timers: TimerQueue,
    limits: WatchLimits,
    heartbeat?: Heartbeat,
    onSilence = () => connection.stop('idle'),
  ) {
    this.#connection = connection
    this.#timers = timers
    this.#limits = limits
    this.#heartbeat = heartbeat
    this.#onSilence = onSilence
    this.#idleAtMs = this.#askAtMs = 0
    this.onHeard()
    this.#sleep()
  }

  onHeard(): void {
    const now = this.#timers.now()
    this.#idleAtMs = now + this.#limits.idleMs
    this.#askAtMs = now + (this.#heartbeat?.everyMs ?? Number.POSITIVE_INFINITY)
  }

  onEnding(): void {
    this.onClose()
    this.#timer = this.#timers.after(this.#limits.goodbyeMs, () => this.#connection.destroy('lost'))
  }

  onClose(): void {
    if (this.#timer) this.#timers.cancel(this.#timer)
    this.#timer = undefined
  }

  #sleep(): void {
    const next = Math.min(this.#idleAtMs, this.#askAtMs)
    if (!Number.isFinite(next)) return
    this.#timer = this.#timers.after(next - this.#timers.now(), () => this.#look())
  }

  #look(): void {
    this.#timer = undefined
    const now = this.#timers.now()
    const isIdle = this.#idleAtMs <= now
    const isAskedFor = this.#askAtMs <= now
    if (isIdle) this.#idleAtMs = now + this.#limits.idleMs
    if (isAskedFor) this.#askAtMs += this.#heartbeat!.everyMs
    this.#sleep()
    if (isIdle) this.#onSilence()
    else if (isAskedFor) this.#heartbeat!.ask()
  }
}
`,
    },
  },
  {
    name: 'swaps-on-the-way-up',
    style: 'A timer that rises changes places with its parent at every step.',
    edits: [
      {
        file: heap,
        hole: '#rise',
        by: `    this.#put(timer, from)
    while (timer.place > 0) {
      const at = timer.place
      const parent = this.#timers[Math.floor((at - 1) / 2)]!
      if (!isBefore(timer, parent)) return
      this.#put(timer, parent.place)
      this.#put(parent, at)
    }`,
      },
    ],
  },
  {
    name: 'sinks-by-recursion',
    style: 'A timer that sinks calls itself for the place below.',
    edits: [
      {
        file: heap,
        hole: '#sink',
        by: `    const children = [2 * from + 1, 2 * from + 2]
      .map((place) => this.#timers[place])
      .filter((child) => child !== undefined)
    const earliest = children.reduce(
      (best, child) => (isBefore(child, best) ? child : best),
      timer,
    )
    if (earliest === timer) return this.#put(timer, from)
    const below = earliest.place
    this.#put(earliest, from)
    this.#sink(timer, below)`,
      },
      {
        file: heap,
        hole: 'isBefore',
        by: '    return (one.deadlineMs - other.deadlineMs || one.order - other.order) < 0',
      },
    ],
  },
  {
    name: 'counts-the-missed-periods',
    style: 'The next deadline is found by adding one period after the other.',
    edits: [
      {
        file: queue,
        hole: '#rearm',
        by: `    do timer.deadlineMs += timer.periodMs
    while (timer.deadlineMs <= this.now())
    timer.order = this.#armed
    this.#armed += 1
    this.#heap.add(timer)`,
      },
    ],
  },
  {
    name: 'takes-one-due-timer-at-a-time',
    style:
      'A loop without a head takes the first timer as long as that was armed before and is due.',
    edits: [
      {
        file: queue,
        hole: 'runDue',
        by: `    const [now, end] = [this.#clock.now(), this.#armed]
    while (this.#heap.size > 0) {
      const first = this.#heap.first!
      if (now < first.deadlineMs || end <= first.order) break
      const call = first.callback
      this.#heap.remove(first)
      if (first.periodMs) this.#rearm(first)
      else first.callback = undefined
      if (call) call()
    }`,
      },
    ],
  },
  {
    name: 'never-below-zero-in-another-way',
    style: 'What is overdue is due now.',
    edits: [
      {
        file: queue,
        hole: 'nextDelay',
        by: `    if (this.#heap.size === 0) return Infinity
    const leftMs = this.#heap.first!.deadlineMs - this.#clock.now()
    return leftMs < 0 ? 0 : leftMs`,
      },
    ],
  },
  {
    name: 'compares-delays-before-and-behind',
    style: 'Whether the loop has to wake earlier is seen from nextDelay(), asked twice.',
    edits: [
      {
        file: queue,
        hole: 'after',
        by: `    if (Number.isNaN(delayMs)) throw new RangeError(\`\${delayMs} ms\`)
    return this.#arm(delayMs < 0 ? 0 : delayMs, callback, 0)`,
      },
      {
        file: queue,
        replace: `    this.#heap.add(timer)
    if (this.#heap.first === timer) this.onEarlier?.()
    return timer`,
        by: `    const before = this.nextDelay()
    this.#heap.add(timer)
    if (this.nextDelay() < before && this.onEarlier) this.onEarlier()
    return timer`,
      },
    ],
  },
  {
    name: 'a-list-of-what-is-due-put-back',
    style:
      'A round takes out all that is due first, and puts back what a throw has kept from firing.',
    edits: [
      {
        file: queue,
        hole: 'runDue',
        by: `    const now = this.now()
    const due: Timer[] = []
    while (this.#heap.first && this.#heap.first.deadlineMs <= now) due.push(this.#heap.takeFirst()!)
    try {
      while (due.length > 0) {
        const timer = due.shift()!
        const { callback } = timer
        if (!callback) continue
        if (timer.periodMs > 0) this.#rearm(timer)
        else timer.callback = undefined
        callback()
      }
    } finally {
      for (const timer of due) if (timer.callback) this.#heap.add(timer)
    }`,
      },
    ],
  },
  {
    name: 'sinks-to-a-leaf-and-rises',
    style:
      'Floyd: the gap goes down to a leaf along the earlier children, and the timer rises from there.',
    edits: [
      {
        file: heap,
        hole: '#sink',
        by: `    const size = this.#timers.length
    let place = from
    while (2 * place + 1 < size) {
      const left = 2 * place + 1
      const right = left + 1
      const isRight = right < size && isBefore(this.#timers[right]!, this.#timers[left]!)
      this.#put(this.#timers[isRight ? right : left]!, place)
      place = isRight ? right : left
    }
    this.#rise(timer, place)`,
      },
    ],
  },
  {
    name: 'rounds-the-delay-up',
    style: 'The loop is told whole milliseconds, never too few.',
    edits: [
      {
        file: queue,
        hole: 'nextDelay',
        by: `    const deadlineMs = this.#heap.first?.deadlineMs ?? Number.POSITIVE_INFINITY
    return Math.max(0, Math.ceil(deadlineMs - this.now()))`,
      },
    ],
  },
  {
    name: 'arms-again-behind-the-call-in-a-finally',
    style:
      'A beat is armed again behind its call, unless that has cancelled it, also when it throws.',
    edits: [
      {
        file: queue,
        replace: `      if (due.periodMs > 0) this.#rearm(due)
      else due.callback = undefined
      callback?.()
`,
        by: `      if (due.periodMs === 0) due.callback = undefined
      const calledAtMs = this.now()
      try {
        callback?.()
      } finally {
        if (due.callback) this.#rearm(due, calledAtMs)
      }
`,
      },
      {
        file: queue,
        replace: `  #rearm(timer: Timer): void {
    const now = this.now()
`,
        by: '  #rearm(timer: Timer, now: number): void {\n',
      },
    ],
  },
  {
    name: 'compares-with-what-it-said',
    style:
      'The loop is woken for a deadline that is earlier than the one that nextDelay() told it.',
    edits: [
      {
        file: queue,
        replace: '  #armed = 0\n',
        by: '  #armed = 0\n  #saidMs = Number.POSITIVE_INFINITY\n',
      },
      {
        file: queue,
        replace: '    if (this.#heap.first === timer) this.onEarlier?.()\n',
        by: `    if (deadlineMs < this.#saidMs) {
      this.#saidMs = deadlineMs
      this.onEarlier?.()
    }
`,
      },
      {
        file: queue,
        hole: 'nextDelay',
        by: `    this.#saidMs = this.#heap.first?.deadlineMs ?? Number.POSITIVE_INFINITY
    return Math.max(0, this.#saidMs - this.now())`,
      },
    ],
  },
  {
    name: 'compares-with-the-removed',
    style: 'What fills a gap goes up if it fires before the timer that was there, and down if not.',
    edits: [
      {
        file: heap,
        hole: 'remove',
        by: `    const { place } = timer
    timer.place = NOWHERE
    const last = this.#timers.pop()!
    if (last === timer) return
    if (isBefore(last, timer)) this.#rise(last, place)
    else this.#sink(last, place)`,
      },
    ],
  },
  {
    name: 'a-beat-by-one-sum',
    style:
      'The number of periods is counted up to the first deadline after now, and added at once.',
    edits: [
      {
        file: queue,
        hole: '#rearm',
        by: `    const sinceMs = this.now() - timer.deadlineMs
    timer.deadlineMs += (Math.floor(sinceMs / timer.periodMs) + 1) * timer.periodMs
    timer.order = this.#armed++
    this.#heap.add(timer)`,
      },
    ],
  },
  {
    name: 'beats-by-the-remainder',
    style: 'The next deadline is a period behind the last one that has passed; % finds that.',
    edits: [
      {
        file: queue,
        hole: '#rearm',
        by: `    const now = this.#clock.now()
    const sinceMs = (now - timer.deadlineMs) % timer.periodMs
    timer.deadlineMs = now - sinceMs + timer.periodMs
    timer.order = this.#armed++
    this.#heap.add(timer)`,
      },
    ],
  },
  {
    name: 'keeps-the-beat-of-its-silence',
    style: 'A look that comes late says when the next one is: at whole limits of the silence.',
    edits: [
      {
        file: 'silence.ts',
        hole: '#look',
        by: `    const silentMs = this.#timers.now() - this.#heardAtMs
    const leftMs = this.#limitMs - (silentMs % this.#limitMs)
    this.#timer = this.#timers.after(leftMs, () => this.#look())
    if (silentMs >= this.#limitMs) this.#onSilence()`,
      },
    ],
  },
  {
    name: 'says-goodbye-until-it-is-over',
    style:
      'The goodbye is a periodic timer: until the descriptor is free, the peer is cut off again and again.',
    edits: [
      {
        file: 'watch.ts',
        replace: 'this.#goodbye = this.#timers.after(',
        by: 'this.#goodbye = this.#timers.every(',
      },
    ],
  },
  {
    name: 'a-goodbye-is-a-silence',
    style: 'Silence does for the goodbye as well: nothing is ever heard in it.',
    edits: [
      {
        file: 'watch.ts',
        replace: '  #goodbye: Timer | undefined\n',
        by: '  #goodbye: Silence | undefined\n',
      },
      {
        file: 'watch.ts',
        replace: 'this.#goodbye = this.#timers.after(this.#goodbyeMs, () => this.#connection',
        by: 'this.#goodbye = new Silence(this.#timers, this.#goodbyeMs, () => this.#connection',
      },
      {
        file: 'watch.ts',
        replace: 'if (this.#goodbye) this.#timers.cancel(this.#goodbye)',
        by: 'this.#goodbye?.stop()',
      },
    ],
  },
  {
    name: 'notes-when-each-beat-began-and-forgets-it',
    style: 'Deadlines are counted from the first beat, in a Map that cancel() clears.',
    edits: [
      {
        file: 'timer-queue.ts',
        replace: '  readonly #heap = new TimerHeap()\n',
        by: '  readonly #heap = new TimerHeap()\n  readonly #begins = new Map<Timer, number>()\n',
      },
      {
        file: 'timer-queue.ts',
        replace: '    return this.#arm(periodMs, callback, periodMs)',
        by: `    const begin = this.now()
    const timer = this.#arm(periodMs, callback, periodMs)
    this.#begins.set(timer, begin)
    return timer`,
      },
      {
        file: 'timer-queue.ts',
        hole: 'cancel',
        by: `    this.#begins.delete(timer)
    timer.callback = undefined
    if (timer.place !== NOWHERE) this.#heap.remove(timer)`,
      },
      {
        file: 'timer-queue.ts',
        hole: '#rearm',
        by: `    const begin = this.#begins.get(timer)!
    const now = this.now()
    let beats = Math.floor((now - begin) / timer.periodMs) + 1
    if (begin + beats * timer.periodMs <= now) beats += 1
    timer.deadlineMs = begin + beats * timer.periodMs
    timer.order = this.#armed++
    this.#heap.add(timer)`,
      },
    ],
  },
]
