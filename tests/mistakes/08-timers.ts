import type { Mistake } from './mistake.ts'

const heap = 'timer-heap.ts'
const queue = 'timer-queue.ts'
const silence = 'silence.ts'
const watch = 'watch.ts'
const server = 'server.ts'

const TIE = '  return one.order < other.order\n'

const ROUND = `    for (let due = this.#heap.first; due; due = this.#heap.first) {
      if (due.deadlineMs > now || due.order >= armedBefore) return
      this.#heap.takeFirst()
`

const FIRST = `    const { first } = this.#heap
    return first ? Math.max(0, first.deadlineMs - this.now()) : Number.POSITIVE_INFINITY
`

const CANCEL = `    timer.callback = undefined
    if (timer.place !== NOWHERE) this.#heap.remove(timer)
`

const REARM = `    const missed = Math.floor((now - timer.deadlineMs) / timer.periodMs)
    timer.deadlineMs += (missed + 1) * timer.periodMs
    // The sum may have been rounded down, to the present moment. Once: a loop might never end with a tiny period.
    if (timer.deadlineMs <= now) timer.deadlineMs += timer.periodMs
`

const CALL = `      if (due.periodMs > 0) this.#rearm(due)
      else due.callback = undefined
      callback?.()
`

const HEARD = '    this.#idle?.heard()\n    this.#heartbeat?.heard()\n'

const GOODBYE =
  "    this.#goodbye = this.#timers.after(this.#goodbyeMs, () => this.#connection.destroy('lost'))\n"

const CLOSE = `    this.#idle?.stop()
    this.#heartbeat?.stop()
    if (this.#goodbye) this.#timers.cancel(this.#goodbye)
`

const BEAT = '    this.#heartbeat = new Silence(this.#timers, everyMs, ask)\n'

export const mistakes: Mistake[] = [
  {
    name: 'rises-by-one-only',
    step: '08.1',
    says: ['when it was added', 'all the way up'],
    edits: [
      {
        file: heap,
        hole: '#rise',
        by: `    const above = (from - 1) >> 1
    const parent = this.#timers[above]
    if (from === 0 || !parent || isBefore(parent, timer)) return this.#put(timer, from)
    this.#put(parent, from)
    this.#put(timer, above)`,
      },
    ],
  },
  {
    name: 'sinks-by-one-only',
    step: '08.1',
    says: ['one by one', 'down to a leaf'],
    edits: [
      {
        file: heap,
        replace: '      this.#put(child, place)\n      place = below\n',
        by: '      this.#put(child, place)\n      place = below\n      break\n',
      },
    ],
  },
  {
    name: 'forgets-the-place-of-who-moves-down',
    step: '08.1',
    says: ['to know their places, 0 to 5', '#put() writes both'],
    edits: [
      {
        file: heap,
        replace: '      this.#put(parent, place)\n',
        by: '      this.#timers[place] = parent\n',
      },
    ],
  },
  {
    name: 'children-at-twice-the-place',
    step: '08.1',
    says: ['the next to fire has come up'],
    edits: [
      {
        file: heap,
        replace: '[this.#timers[2 * place + 1], this.#timers[2 * place + 2]]',
        by: '[this.#timers[2 * place], this.#timers[2 * place + 1]]',
      },
    ],
  },
  {
    name: 'compares-whole-milliseconds',
    step: '08.1',
    says: ['A deadline may be a fraction', 'as they are'],
    edits: [
      {
        file: heap,
        hole: 'isBefore',
        by: `  const later = Math.trunc(other.deadlineMs) - Math.trunc(one.deadlineMs)
  return later === 0 ? one.order < other.order : later > 0`,
      },
    ],
  },
  {
    name: 'ties-as-the-heap-leaves-them',
    step: '08.1',
    says: ['Eight timers have the same deadline', 'let `order` decide'],
    edits: [{ file: heap, replace: TIE, by: '  return false\n' }],
  },
  {
    name: 'ties-in-order-of-delay',
    step: '08.1',
    says: ['Eight timers have the same deadline'],
    edits: [{ file: heap, replace: TIE, by: '  return one.order > other.order\n' }],
  },
  {
    name: 'fires-after-its-deadline-only',
    step: '08.2',
    says: ['Due means deadlineMs <= now'],
    edits: [{ file: queue, replace: 'due.deadlineMs > now ||', by: 'due.deadlineMs >= now ||' }],
  },
  {
    name: 'sinks-under-the-left-child-only',
    step: '08.1',
    says: ['the next to fire has come up', 'Of two children'],
    edits: [
      {
        file: heap,
        replace: 'const child = left && right && isBefore(right, left) ? right : left',
        by: 'const child = right ? left : left',
      },
    ],
  },
  {
    name: 'fires-what-is-armed-meanwhile',
    step: '08.2',
    says: ['waits for the next round', 'Fire what was armed before runDue() began'],
    edits: [
      {
        file: queue,
        replace: '    const armedBefore = this.#armed\n',
        by: '    const armedBefore = Number.POSITIVE_INFINITY\n',
      },
    ],
  },
  {
    name: 'keeps-the-array-sorted',
    step: '08.1',
    says: ['O(log n)', 'A heap moves along one path'],
    edits: [
      {
        file: heap,
        replace: '    this.#rise(timer, this.#timers.length - 1)\n',
        by: `    this.#timers.sort((a, b) => (isBefore(a, b) ? -1 : 1))
    this.#timers.forEach((each, place) => {
      each.place = place
    })
    void this.#rise
`,
      },
    ],
  },
  {
    name: 'swallows-what-a-callback-throws',
    step: '08.2',
    says: ['must be seen, not swallowed'],
    edits: [
      {
        file: queue,
        replace: '      callback?.()\n',
        by: '      try {\n        callback?.()\n      } catch {}\n',
      },
    ],
  },
  {
    name: 'delays-of-32-bits',
    step: '08.2',
    says: ['A fraction of a millisecond', 'Leave the time and the delay'],
    edits: [
      {
        file: 'timer-queue.ts',
        replace: 'this.#arm(Math.max(0, delayMs)',
        by: 'this.#arm(Math.max(0, delayMs | 0)',
      },
    ],
  },
  {
    name: 'delays-of-setTimeout',
    step: '08.2',
    says: ['It is one day too early', 'A delay is a number like any other'],
    edits: [
      {
        file: 'timer-queue.ts',
        replace: 'this.#arm(Math.max(0, delayMs)',
        by: 'this.#arm(Math.min(2 ** 31 - 1, Math.max(0, delayMs))',
      },
    ],
  },
  {
    name: 'looks-at-the-clock-again-and-again',
    step: '08.2',
    says: ['"meanwhile" was not', 'Look at the clock once'],
    edits: [
      {
        file: 'timer-queue.ts',
        replace: 'if (due.deadlineMs > now ||',
        by: 'if (due.deadlineMs > this.now() ||',
      },
    ],
  },
  {
    name: 'a-hundred-timers-a-round',
    step: '08.2',
    says: ['the number that fire of 13,000 timers', 'however many there are'],
    edits: [
      {
        file: 'timer-queue.ts',
        replace: 'for (let due = this.#heap.first; due; due = this.#heap.first) {',
        by: 'let fired = 0\n    for (let due = this.#heap.first; due && fired++ < 100; due = this.#heap.first) {',
      },
    ],
  },
  {
    name: 'cancel-only-marks',
    step: '08.3',
    says: ['timers.size', 'One of three has been cancelled'],
    edits: [
      { file: queue, replace: CANCEL, by: '    timer.callback = undefined\n    void NOWHERE\n' },
    ],
  },
  {
    name: 'cancels-whoever-has-the-place-now',
    step: '08.3',
    says: ['has fired, or was cancelled already', 'only while it is in the heap'],
    edits: [
      {
        file: heap,
        replace: '    if (first) first.place = NOWHERE\n',
        by: '',
      },
    ],
  },
  {
    name: 'fires-from-a-list',
    step: '08.3',
    says: ['"second"', 'a list does not know what is cancelled'],
    edits: [
      { file: queue, replace: '  #armed = 0\n', by: '  #armed = 0\n  #list: Timer[] = []\n' },
      {
        file: queue,
        replace: ROUND,
        by: `    for (let due = this.#heap.first; due; due = this.#heap.first) {
      if (due.deadlineMs > now || due.order >= armedBefore) break
      this.#list.push(this.#heap.takeFirst()!)
    }
    for (let due = this.#list.shift(); due; due = this.#list.shift()) {
`,
      },
      {
        file: queue,
        replace: CANCEL,
        by: `    if (timer.place === NOWHERE) return
    timer.callback = undefined
    this.#heap.remove(timer)
`,
      },
    ],
  },
  {
    name: 'the-last-one-only-sinks',
    step: '08.3',
    says: ['40, fills the gap below 100', 'to rise, not only to sink'],
    edits: [{ file: heap, replace: '    this.#rise(last, last.place)\n', by: '' }],
  },
  {
    name: 'cancel-keeps-the-callback',
    step: '08.3',
    says: ['to be dropped', 'cancel() sets timer.callback to undefined'],
    edits: [
      {
        file: queue,
        replace: '    timer.callback = undefined\n    if (timer',
        by: '    if (timer',
      },
    ],
  },
  {
    name: 'the-last-one-fills-its-own-gap',
    step: '08.3',
    says: ['The only timer there was', 'there is no gap to fill'],
    edits: [{ file: heap, replace: '    if (last === timer) return\n', by: '' }],
  },
  {
    name: 'keeps-the-callback-of-who-has-fired',
    step: '08.3',
    says: ['a timer that has fired to be dropped'],
    edits: [{ file: queue, replace: '      else due.callback = undefined\n', by: '' }],
  },
  {
    name: 'keeps-the-callback-that-threw',
    step: '08.3',
    says: ['a timer that has thrown', 'or in a finally'],
    edits: [
      {
        file: queue,
        replace: CALL,
        by: `      if (due.periodMs > 0) this.#rearm(due)
      callback?.()
      if (due.periodMs === 0) due.callback = undefined
`,
      },
    ],
  },
  {
    name: 'looks-for-the-timer',
    step: '08.3',
    says: ['a timer to be cancelled in O(log n)', 'an indexOf'],
    edits: [
      {
        file: heap,
        replace: '    const { place } = timer\n',
        by: '    const place = this.#timers.indexOf(timer)\n',
      },
    ],
  },
  {
    name: 'drifts-by-every-delay',
    step: '08.4',
    says: ['100, 200, 300 ms', 'Count from the last deadline'],
    edits: [{ file: queue, replace: REARM, by: '    timer.deadlineMs = now + timer.periodMs\n' }],
  },
  {
    name: 'makes-up-for-missed-beats',
    step: '08.4',
    says: ['It is 1,099 ms', 'the first one after now'],
    edits: [
      {
        file: queue,
        replace: REARM,
        by: '    timer.deadlineMs += timer.periodMs\n    void now\n',
      },
    ],
  },
  {
    name: 'begins-anew-after-a-stall',
    step: '08.4',
    says: ['as many whole periods as it takes'],
    edits: [
      {
        file: queue,
        replace: REARM,
        by: `    timer.deadlineMs += timer.periodMs
    if (timer.deadlineMs <= now) timer.deadlineMs = now + timer.periodMs - 1
`,
      },
    ],
  },
  {
    name: 'a-new-timer-for-each-beat',
    step: '08.4',
    says: ['that has to be the same timer'],
    edits: [
      {
        file: queue,
        replace: '    timer.order = this.#armed++\n    this.#heap.add(timer)\n  }',
        by: '    this.#heap.add({ ...timer, order: this.#armed++ })\n  }',
      },
    ],
  },
  {
    name: 'arms-again-after-the-call',
    step: '08.4',
    says: ['It cancels itself in its third call'],
    edits: [
      {
        file: queue,
        replace: CALL,
        by: `      if (due.periodMs === 0) due.callback = undefined
      callback?.()
      if (due.periodMs > 0) this.#rearm(due)
`,
      },
      {
        file: queue,
        replace: CANCEL,
        by: '    if (timer.place !== NOWHERE) this.#heap.remove(timer)\n    if (timer.periodMs === 0) timer.callback = undefined\n',
      },
    ],
  },
  {
    name: 'fires-twice-at-the-same-deadline',
    step: '08.4',
    says: ['The beat that was due at 1,400 ms has fired', 'one period later'],
    edits: [
      {
        file: 'timer-queue.ts',
        replace: REARM,
        by: `    const periods = Math.max(1, Math.ceil((now - timer.deadlineMs) / timer.periodMs))
    timer.deadlineMs += periods * timer.periodMs
`,
      },
    ],
  },
  {
    name: 'a-beat-keeps-its-first-order',
    step: '08.4',
    says: ['was armed again after', 'a new `order`'],
    edits: [
      {
        file: 'timer-queue.ts',
        replace: '    timer.order = this.#armed++\n    this.#heap.add(timer)\n',
        by: '    this.#heap.add(timer)\n',
      },
    ],
  },
  {
    name: 'sleeps-a-fixed-tick',
    step: '08.5',
    says: ['nextDelay() to be 30', 'The earliest deadline counts'],
    edits: [
      {
        file: queue,
        replace: FIRST,
        by: '    return this.#heap.first ? 10 : Number.POSITIVE_INFINITY\n',
      },
    ],
  },
  {
    name: 'a-tick-at-most',
    step: '08.5',
    says: ['woke 1,000 times', 'A fixed tick'],
    edits: [
      {
        file: queue,
        replace: 'return first ? Math.max(0, first.deadlineMs - this.now())',
        by: 'return first ? Math.min(1_000, Math.max(0, first.deadlineMs - this.now()))',
      },
    ],
  },
  {
    name: 'answers-the-deadline',
    step: '08.5',
    says: ['20 of the 30 ms', 'minus clock.now()'],
    edits: [
      {
        file: queue,
        replace: 'Math.max(0, first.deadlineMs - this.now())',
        by: 'Math.max(0, first.deadlineMs)',
      },
    ],
  },
  {
    name: 'nothing-armed-is-no-delay',
    step: '08.5',
    says: ['Infinity means forever'],
    edits: [{ file: queue, replace: ': Number.POSITIVE_INFINITY', by: ': 0' }],
  },
  {
    name: 'less-than-no-time',
    step: '08.5',
    says: ['Math.max(0'],
    edits: [
      {
        file: queue,
        replace: 'Math.max(0, first.deadlineMs - this.now())',
        by: 'first.deadlineMs - this.now()',
      },
    ],
  },
  {
    name: 'rounds-the-delay-down',
    step: '08.5',
    says: ['to be 9.5 (rounding up', 'rounded down'],
    edits: [
      {
        file: 'timer-queue.ts',
        replace: 'Math.max(0, first.deadlineMs - this.now())',
        by: 'Math.max(0, Math.floor(first.deadlineMs - this.now()))',
      },
    ],
  },
  {
    name: 'a-line-does-not-break-the-silence',
    step: '08.6',
    says: ['cyd sent a line 50 s ago', 'Each line begins the silence anew'],
    edits: [
      {
        file: silence,
        replace: '    this.#heardAtMs = this.#timers.now()\n  }\n\n  /** No',
        by: '    void this.#heardAtMs\n  }\n\n  /** No',
      },
    ],
  },
  {
    name: 'waits-for-a-whole-limit-again',
    step: '08.6',
    says: ['It is now 60 s since her last line', 'for the rest of the limit'],
    edits: [{ file: silence, replace: 'leftMs > 0 ? leftMs : this.#limitMs', by: 'this.#limitMs' }],
  },
  {
    name: 'a-timer-for-each-line',
    step: '08.6',
    says: ['timers armed for 1,000 lines', 'heard() only notes the time'],
    edits: [
      {
        file: silence,
        replace: '    this.#heardAtMs = this.#timers.now()\n  }\n\n  /** No',
        by: `    this.#heardAtMs = this.#timers.now()
    this.#timers.cancel(this.#timer)
    this.#timer = this.#timers.after(this.#limitMs, () => this.#look())
  }

  /** No`,
      },
    ],
  },
  {
    name: 'arms-again-after-the-callback',
    step: '08.6',
    says: ['Arm the timer before onSilence is called'],
    edits: [
      {
        file: silence,
        replace: `    this.#timer = this.#timers.after(leftMs > 0 ? leftMs : this.#limitMs, () => this.#look())
    if (leftMs <= 0) this.#onSilence()
`,
        by: `    if (leftMs <= 0) this.#onSilence()
    this.#timer = this.#timers.after(leftMs > 0 ? leftMs : this.#limitMs, () => this.#look())
`,
      },
    ],
  },
  {
    name: 'waits-for-a-fin-that-never-comes',
    step: '08.6',
    says: ['he may have pulled the plug', 'after goodbyeMs'],
    edits: [{ file: watch, replace: GOODBYE, by: '' }],
  },
  {
    name: 'cuts-without-goodbye',
    step: '08.6',
    says: ['loses the last words'],
    edits: [{ file: watch, replace: GOODBYE, by: "    this.#connection.destroy('lost')\n" }],
  },
  {
    name: 'the-idle-timer-goes-on-behind-the-goodbye',
    step: '08.6',
    says: ['has not freed cyd’s descriptor'],
    edits: [
      {
        file: watch,
        replace: `    this.#idle?.stop()
    this.#heartbeat?.stop()
    this.#goodbye =`,
        by: `    this.#heartbeat?.stop()
    this.#goodbye =`,
      },
    ],
  },
  {
    name: 'leaves-the-goodbye-behind',
    step: '08.6',
    says: ['All three are gone', 'cancels the goodbye'],
    edits: [
      {
        file: watch,
        replace: CLOSE,
        by: CLOSE.replace('    if (this.#goodbye) this.#timers.cancel(this.#goodbye)\n', ''),
      },
    ],
  },
  {
    name: 'leaves-the-idle-timer-of-the-lost',
    step: '08.6',
    says: ['dee has left, eve has reset her connection', 'onClose'],
    edits: [{ file: watch, replace: CLOSE, by: CLOSE.replace('    this.#idle?.stop()\n', '') }],
  },
  {
    name: 'calls-back-once-in-a-silence',
    step: '08.6',
    says: ['the seconds at which it calls back', 'for a whole limit when it calls back'],
    edits: [
      {
        file: 'silence.ts',
        hole: '#look',
        by: `    const leftMs = this.#heardAtMs + this.#limitMs - this.#timers.now()
    if (leftMs > 0) this.#timer = this.#timers.after(leftMs, () => this.#look())
    else this.#onSilence()`,
      },
    ],
  },
  {
    name: 'looks-more-often-than-it-must',
    step: '08.6',
    says: ['the number of timers it has armed', 'wakes the loop for an idle client'],
    edits: [
      {
        file: 'silence.ts',
        replace: 'leftMs > 0 ? leftMs : this.#limitMs',
        by: 'leftMs > 0 ? Math.min(leftMs, 1_000) : this.#limitMs',
      },
    ],
  },
  {
    name: 'only-the-idle-have-to-go-in-time',
    step: '08.6',
    says: ['A crash ended his connection', 'for every ending'],
    edits: [
      {
        file: 'watch.ts',
        replace: 'new Silence(timers, idleMs, onSilence)',
        by: 'new Silence(timers, idleMs, () => {\n      this.#isIdle = true\n      onSilence()\n    })',
      },
      {
        file: 'watch.ts',
        replace: '    this.#goodbye = this.#timers',
        by: '    if (this.#isIdle) this.#goodbye = this.#timers',
      },
      {
        file: 'watch.ts',
        replace: '  #goodbye: Timer | undefined\n',
        by: '  #goodbye: Timer | undefined\n  #isIdle = false\n',
      },
    ],
  },
  {
    name: 'pings-those-who-talk',
    step: '08.7',
    says: ['cyd sent a line 5 s ago'],
    edits: [{ file: watch, replace: HEARD, by: '    this.#idle?.heard()\n' }],
  },
  {
    name: 'pings-once',
    step: '08.7',
    says: ['ada has been silent for another 20 s', 'the heartbeat goes on'],
    edits: [
      {
        file: watch,
        replace: BEAT,
        by: `    this.#heartbeat = new Silence(this.#timers, everyMs, () => {
      ask()
      this.#heartbeat?.stop()
    })
`,
      },
    ],
  },
  {
    name: 'a-ping-is-a-sign-of-life',
    step: '08.7',
    says: ['Two pings and no answer', 'Our own pings are no sign of life'],
    edits: [
      {
        file: watch,
        replace: BEAT,
        by: `    this.#heartbeat = new Silence(this.#timers, everyMs, () => {
      ask()
      this.#idle?.heard()
    })
`,
      },
    ],
  },
  {
    name: 'answers-the-answer',
    step: '08.7',
    says: ['Answers to answers', 'PONG'],
    edits: [{ file: server, replace: 'if (line !== PONG) COMMANDS', by: 'COMMANDS' }],
  },
  {
    name: 'only-the-heartbeat-hears',
    step: '08.7',
    says: ['a sign of life for both'],
    edits: [
      {
        file: watch,
        replace: HEARD,
        by: '    if (this.#heartbeat) this.#heartbeat.heard()\n    else this.#idle?.heard()\n',
      },
    ],
  },
  {
    name: 'pings-by-the-clock',
    step: '08.7',
    says: ['cyd sent a line 5 s ago'],
    edits: [
      {
        file: watch,
        replace: BEAT,
        by: `    const beat = this.#timers.every(everyMs, ask)
    this.#heartbeat = { heard() {}, stop: () => this.#timers.cancel(beat) } as unknown as Silence
`,
      },
    ],
  },
  {
    name: 'the-heartbeat-never-stops',
    step: '08.7',
    says: ['A heartbeat that is left behind', 'stop the heartbeat'],
    edits: [
      { file: watch, replace: CLOSE, by: CLOSE.replace('    this.#heartbeat?.stop()\n', '') },
      {
        file: watch,
        replace: '    this.#heartbeat?.stop()\n    this.#goodbye =',
        by: '    this.#goodbye =',
      },
    ],
  },
  {
    name: 'the-heartbeat-goes-on-behind-the-goodbye',
    step: '08.7',
    says: ['timers.size to be 1', 'Only the goodbye is left'],
    edits: [
      {
        file: 'watch.ts',
        hole: 'onEnding',
        by: `    this.#idle?.stop()
    this.#goodbye = this.#timers.after(this.#goodbyeMs, () => this.#connection.destroy('lost'))`,
      },
    ],
  },
  {
    name: 'leaves-the-heartbeat-of-the-lost',
    step: '08.7',
    says: ['fay has reset her connection', 'stops both silences'],
    edits: [
      {
        file: 'watch.ts',
        hole: 'onClose',
        by: `    this.#idle?.stop()
    if (this.#goodbye) this.#timers.cancel(this.#goodbye)`,
      },
    ],
  },
  {
    name: 'whatever-begins-with-pong',
    step: '08.7',
    says: ['"pongo" is not the answer', 'Compare the whole line'],
    edits: [
      {
        file: 'server.ts',
        hole: 'onLine',
        by: '  if (!line.startsWith(PONG)) COMMANDS.onLine(line, lines)',
      },
    ],
  },
  {
    name: 'takes-a-ping-for-a-pong',
    step: '08.7',
    says: ['"ping" is not the answer', 'Compare the whole line'],
    edits: [
      {
        file: 'server.ts',
        hole: 'onLine',
        by: '  if (line !== PONG && line !== PING) COMMANDS.onLine(line, lines)',
      },
    ],
  },
  {
    name: 'fires-as-many-as-there-were',
    step: '08.2',
    says: ['waits for the next round', 'Fire what was armed before runDue() began'],
    edits: [
      {
        file: queue,
        hole: 'runDue',
        by: `    const now = this.now()
    for (let left = this.#heap.size; left > 0; left--) {
      const due = this.#heap.first
      if (!due || due.deadlineMs > now) return
      this.#heap.takeFirst()
      const { callback } = due
      if (due.periodMs > 0) this.#rearm(due)
      else due.callback = undefined
      callback?.()
    }`,
      },
    ],
  },
  {
    name: 'throws-only-the-first-error',
    step: '08.2',
    says: ['the next faulty callback', 'let the error through at once'],
    edits: [
      {
        file: queue,
        hole: 'runDue',
        by: `    const [now, armedBefore] = [this.now(), this.#armed]
    const errors: unknown[] = []
    for (let due = this.#heap.first; due; due = this.#heap.first) {
      if (due.deadlineMs > now || due.order >= armedBefore) break
      this.#heap.takeFirst()
      const { callback } = due
      if (due.periodMs > 0) this.#rearm(due)
      else due.callback = undefined
      try {
        callback?.()
      } catch (error) {
        errors.push(error)
      }
    }
    if (errors.length > 0) throw errors[0]`,
      },
    ],
  },
  {
    name: 'beats-by-the-clock-face',
    step: '08.4',
    says: ['137.25, 237.25, 337.25', 'Count from the last deadline'],
    edits: [
      {
        file: queue,
        replace: REARM,
        by: '    timer.deadlineMs = (Math.floor(now / timer.periodMs) + 1) * timer.periodMs\n',
      },
    ],
  },
  {
    name: 'whole-milliseconds',
    step: '08.2',
    says: ['earlier by a fraction', 'Leave the delay as it is'],
    edits: [
      {
        file: queue,
        replace: 'this.#arm(Math.max(0, delayMs), callback, 0)',
        by: 'this.#arm(Math.ceil(Math.max(0, delayMs)), callback, 0)',
      },
    ],
  },
  {
    name: 'a-goodbye-of-its-own',
    step: '08.6',
    says: ['She has had 700 ms', 'The limit is #goodbyeMs'],
    edits: [{ file: watch, replace: 'after(this.#goodbyeMs,', by: 'after(5_000,' }],
  },
  {
    name: 'pings-twice-and-gives-up',
    step: '08.7',
    says: ['five times 25 s', 'however often'],
    edits: [
      {
        file: watch,
        replace: BEAT,
        by: `    let pings = 0
    this.#heartbeat = new Silence(this.#timers, everyMs, () => {
      if (++pings <= 2) ask()
    })
`,
      },
    ],
  },
  {
    name: 'wakes-every-hour',
    step: '08.5',
    says: ['to be 864000000', 'however long'],
    edits: [
      {
        file: queue,
        replace: 'Math.max(0, first.deadlineMs - this.now())',
        by: 'Math.min(3_600_000, Math.max(0, first.deadlineMs - this.now()))',
      },
    ],
  },
  {
    name: 'arms-nan',
    step: '08.2',
    says: ['after(NaN)', 'Math.max(0, NaN) is NaN'],
    edits: [
      {
        file: queue,
        replace:
          "    if (Number.isNaN(delayMs)) throw new RangeError('a timer needs a number of milliseconds')\n",
        by: '',
      },
    ],
  },
  {
    name: 'refuses-a-short-period',
    step: '08.4',
    says: ['every(0.5) to arm a timer', 'Half a millisecond is above 0'],
    edits: [{ file: queue, replace: '!(periodMs > 0)', by: '!(periodMs >= 1)' }],
  },
  {
    name: 'a-short-period-is-none',
    step: '08.4',
    says: ['The second period', 'however short'],
    edits: [{ file: queue, replace: 'due.periodMs > 0', by: 'due.periodMs >= 1' }],
  },
  {
    name: 'lets-the-loop-sleep-on',
    step: '08.5',
    says: ['the times at which timers fired', 'after() calls onEarlier()'],
    edits: [
      {
        file: queue,
        replace: '    if (this.#heap.first === timer) this.onEarlier?.()\n',
        by: '',
      },
    ],
  },
  {
    name: 'wakes-the-loop-for-every-timer',
    step: '08.5',
    says: ['the sleeps that the loop asked for', 'and for no other'],
    edits: [{ file: queue, replace: 'if (this.#heap.first === timer) this', by: 'this' }],
  },
  {
    name: 'a-beat-wakes-nobody',
    step: '08.5',
    says: ['the times at which the beat fired', 'every() calls onEarlier()'],
    edits: [
      {
        file: queue,
        replace: 'if (this.#heap.first === timer) this',
        by: 'if (this.#heap.first === timer && periodMs === 0) this',
      },
    ],
  },
  {
    name: 'a-little-rest-is-none',
    step: '08.6',
    says: ['the times at which it called back', 'a rest like any other'],
    edits: [{ file: silence, replace: 'if (leftMs <= 0) this', by: 'if (leftMs <= 1) this' }],
  },
  {
    name: 'takes-an-idle-limit-for-granted',
    step: '08.6',
    says: ['heard'],
    edits: [{ file: watch, replace: 'this.#idle?.heard()', by: 'this.#idle!.heard()' }],
  },
  {
    name: 'the-last-child-is-no-child',
    step: '08.1',
    says: ['what is taken out after adding 3, 2, 1, 4', 'a child like any other'],
    edits: [
      {
        file: heap,
        hole: '#sink',
        by: `
    const size = this.#timers.length
    let place = from
    for (let child = 1 + 2 * from; child < size; child = 1 + 2 * place) {
      const right = child + 1
      if (right < size - 1 && isBefore(this.#timers[right]!, this.#timers[child]!)) child = right
      if (isBefore(timer, this.#timers[child]!)) break
      this.#put(this.#timers[child]!, place)
      place = child
    }
    this.#put(timer, place)`,
      },
    ],
  },
  {
    name: 'a-round-calls-itself',
    step: '08.2',
    says: ['Maximum call stack size exceeded', 'Use a loop'],
    edits: [
      {
        file: queue,
        hole: 'runDue',
        by: `
    const now = this.now()
    const armedBefore = this.#armed
    const fireNext = (): void => {
      const due = this.#heap.first
      if (!due || due.deadlineMs > now || due.order >= armedBefore) return
      this.#heap.takeFirst()
      const { callback } = due
      if (due.periodMs > 0) this.#rearm(due)
      else due.callback = undefined
      callback?.()
      fireNext()
    }
    fireNext()`,
      },
    ],
  },
  {
    name: 'wraps-what-a-callback-throws',
    step: '08.2',
    says: ['runDue() to throw what', 'the very error'],
    edits: [
      {
        file: queue,
        replace: '      callback?.()\n',
        by: `      try {
        callback?.()
      } catch (cause) {
        throw new Error('a timer has failed', { cause })
      }
`,
      },
    ],
  },
  {
    name: 'arms-nan-and-refuses-it',
    step: '08.2',
    says: ['A timer that was refused is not armed', 'before it puts anything into the heap'],
    edits: [
      {
        file: queue,
        hole: 'after',
        by: `
    const deadlineMs = this.now() + Math.max(0, delayMs)
    const timer: Timer = { deadlineMs, order: this.#armed++, place: NOWHERE, callback, periodMs: 0 }
    this.#heap.add(timer)
    if (Number.isNaN(delayMs)) throw new RangeError('a timer needs a number of milliseconds')
    if (this.#heap.first === timer) this.onEarlier?.()
    return timer`,
      },
    ],
  },
  {
    name: 'fills-a-gap-by-the-deadline-only',
    step: '08.3',
    says: ['g, b, c, e, f, a', 'which compares `order`, too'],
    edits: [
      {
        file: heap,
        replace: `    this.#sink(last, place)
    this.#rise(last, last.place)
`,
        by: `    const parent = this.#timers[(place - 1) >> 1]
    if (parent && last.deadlineMs < parent.deadlineMs) this.#rise(last, place)
    else this.#sink(last, place)
`,
      },
    ],
  },
  {
    name: 'what-is-due-cannot-be-cancelled',
    step: '08.3',
    says: ['first, third', 'as long as it has not fired'],
    edits: [
      {
        file: queue,
        replace: CANCEL,
        by: `    if (timer.deadlineMs <= this.now()) return\n${CANCEL}`,
      },
    ],
  },
  {
    name: 'due-now-is-never',
    step: '08.5',
    says: ['due right now', 'sleep past the deadline'],
    edits: [
      {
        file: queue,
        replace: FIRST,
        by: `    const { first } = this.#heap
    const leftMs = first ? first.deadlineMs - this.now() : 0
    if (leftMs !== 0) return Math.max(0, leftMs)
    return Number.POSITIVE_INFINITY
`,
      },
    ],
  },
  {
    name: 'wakes-the-loop-for-an-equal',
    step: '08.5',
    says: ['the sleeps that the loop asked for', 'and for no other'],
    edits: [
      {
        file: queue,
        replace: `    this.#heap.add(timer)
    if (this.#heap.first === timer) this.onEarlier?.()
`,
        by: `    const { first } = this.#heap
    this.#heap.add(timer)
    if (!first || deadlineMs <= first.deadlineMs) this.onEarlier?.()
`,
      },
    ],
  },
  {
    name: 'pings-as-often-as-the-server-does',
    step: '08.7',
    says: ['asked every 25 s', 'not the server’s default'],
    edits: [
      {
        file: watch,
        replace: 'new Silence(this.#timers, everyMs, ask)',
        by: 'new Silence(this.#timers, everyMs > 0 ? 20_000 : everyMs, ask)',
      },
    ],
  },
  {
    name: 'blanks-around-a-pong',
    step: '08.7',
    says: ['" pong " is not the answer', 'Compare the whole line'],
    edits: [{ file: server, replace: 'line !== PONG', by: 'line.trim() !== PONG' }],
  },
  {
    name: 'an-empty-line-is-no-command',
    step: '08.7',
    says: ['"" is not the answer'],
    edits: [{ file: server, replace: 'line !== PONG', by: "line !== '' && line !== PONG" }],
  },
  {
    name: 'arms-again-after-the-call-with-its-callback',
    step: '08.4',
    says: ['there is no other', 'It must not come back'],
    edits: [
      {
        file: queue,
        replace: CALL,
        by: `      if (due.periodMs === 0) due.callback = undefined
      callback?.()
      if (due.periodMs > 0) this.#rearm(due)
`,
      },
    ],
  },
  {
    name: 'a-beat-ends-with-a-throw',
    step: '08.4',
    says: ['even when a call has failed', 'before the callback is called'],
    edits: [
      {
        file: queue,
        replace: CALL,
        by: `      if (due.periodMs === 0) due.callback = undefined
      callback?.()
      if (due.periodMs > 0 && due.callback) this.#rearm(due)
`,
      },
    ],
  },
  {
    name: 'a-last-timer-keeps-its-place',
    step: '08.3',
    says: ['although it left no gap', 'in every case'],
    edits: [
      {
        file: heap,
        replace: '    timer.place = NOWHERE\n    if (last === timer) return\n',
        by: '    if (last === timer) return\n    timer.place = NOWHERE\n',
      },
    ],
  },
  {
    name: 'a-heartbeat-begins-anew-with-each-line',
    step: '08.7',
    says: ['timers armed for 1,000 lines', 'nor makes a new one'],
    edits: [
      {
        file: watch,
        replace: HEARD,
        by: `    this.#idle?.heard()
    this.#heartbeat?.stop()
    if (this.#asked) this.#startHeartbeat(this.#asked)
`,
      },
      { file: watch, replace: BEAT, by: `    this.#asked = { everyMs, ask }\n${BEAT}` },
      {
        file: watch,
        replace: '  #goodbye: Timer | undefined\n',
        by: '  #goodbye: Timer | undefined\n  #asked: Heartbeat | undefined\n',
      },
    ],
  },
  {
    name: 'sleeps-over-a-timer-in-0-ms',
    step: '08.5',
    says: ['the times at which the 0 ms timer fired', 'whatever the delay is'],
    edits: [
      {
        file: queue,
        replace: 'if (this.#heap.first === timer) this',
        by: 'if (this.#heap.first === timer && delayMs > 0) this',
      },
    ],
  },
  {
    name: 'wakes-the-loop-for-what-is-cancelled',
    step: '08.5',
    says: ['Cancelling a timer makes no deadline earlier', 'cancel() does not call'],
    edits: [{ file: queue, replace: CANCEL, by: `${CANCEL}    this.onEarlier?.()\n` }],
  },
  {
    name: 'refuses-infinity',
    step: '08.2',
    says: ['after(Infinity) to arm a timer', 'Number.isNaN()'],
    edits: [
      { file: queue, replace: 'if (Number.isNaN(delayMs))', by: 'if (!Number.isFinite(delayMs))' },
    ],
  },
  {
    name: 'refuses-an-endless-period',
    step: '08.4',
    says: ['every(Infinity) to arm a timer', 'and no other'],
    edits: [
      {
        file: queue,
        replace: 'if (!(periodMs > 0))',
        by: 'if (!(periodMs > 0 && Number.isFinite(periodMs)))',
      },
    ],
  },
  {
    name: 'takes-out-behind-the-call',
    step: '08.2',
    says: ['while the only timer fires', 'not after the call'],
    edits: [
      { file: queue, replace: '      this.#heap.takeFirst()\n', by: '' },
      {
        file: queue,
        replace: CALL,
        by: `      if (due.periodMs === 0) due.callback = undefined
      callback?.()
      this.#heap.takeFirst()
      if (due.periodMs > 0) this.#rearm(due)
`,
      },
    ],
  },
  {
    name: 'a-parent-at-half-the-place',
    step: '08.1',
    says: ['no timer to fire before its parent', 'is at (i - 1) >> 1'],
    edits: [{ file: heap, replace: '(place - 1) >> 1', by: 'place >> 1' }],
  },
  {
    name: 'a-parent-at-half-a-place',
    step: '08.1',
    says: ['add() not to throw', 'a whole number'],
    edits: [{ file: heap, replace: '(place - 1) >> 1', by: '(place - 1) / 2' }],
  },
  {
    name: 'sinks-past-later-children',
    step: '08.1',
    says: ['the first timer in the heap to be "second"', 'while a child fires before it'],
    edits: [
      {
        file: heap,
        replace: '!child || isBefore(timer, child)',
        by: '!child || isBefore(child, timer)',
      },
    ],
  },
  {
    name: 'armed-is-not-counted',
    step: '08.2',
    says: ['increment `#armed`'],
    edits: [
      { file: queue, replace: 'order: this.#armed++, place', by: 'order: this.#armed, place' },
    ],
  },
  {
    name: 'loses-what-it-took-out-in-advance',
    step: '08.2',
    says: ['the next faulty callback', 'lost when one throws'],
    edits: [
      {
        file: queue,
        hole: 'runDue',
        by: `    const now = this.now()
    const all: Timer[] = []
    while (this.#heap.first && this.#heap.first.deadlineMs <= now) all.push(this.#heap.takeFirst()!)
    for (const due of all) {
      const { callback } = due
      if (due.periodMs > 0 && callback) this.#rearm(due)
      else due.callback = undefined
      callback?.()
    }`,
      },
    ],
  },
  {
    name: 'cancels-the-root-never',
    step: '08.3',
    says: ['has fired, or was cancelled already', 'NOWHERE (-1) is not'],
    edits: [
      { file: queue, replace: 'if (timer.place !== NOWHERE) this', by: 'if (timer.place) this' },
    ],
  },
  {
    name: 'a-cancelled-timer-keeps-its-place',
    step: '08.3',
    says: ['the place of "cancelled"', 'remove() sets place to NOWHERE'],
    edits: [
      {
        file: heap,
        replace: '    timer.place = NOWHERE\n    if (last === timer) return\n',
        by: '    if (last === timer) return\n',
      },
    ],
  },
  {
    name: 'a-beat-has-no-order-of-its-own',
    step: '08.4',
    says: ['the beat that was due at 200 ms fires now', 'an order of its own'],
    edits: [
      {
        file: queue,
        replace: '    timer.order = this.#armed++\n    this.#heap.add(timer)\n',
        by: '    timer.order = this.#armed\n    this.#heap.add(timer)\n',
      },
    ],
  },
  {
    name: 'no-time-left-is-not-over',
    step: '08.6',
    says: ['the times at which it calls back within 240 ms', 'With 0 ms left'],
    edits: [
      {
        file: silence,
        replace: 'leftMs > 0 ? leftMs : this.#limitMs',
        by: 'leftMs >= 0 ? leftMs : this.#limitMs',
      },
      { file: silence, replace: 'if (leftMs <= 0) this', by: 'if (leftMs < 0) this' },
    ],
  },
  {
    name: 'a-goodbye-in-seconds',
    step: '08.6',
    says: ['milliseconds'],
    edits: [
      { file: watch, replace: 'after(this.#goodbyeMs,', by: 'after(this.#goodbyeMs / 1_000,' },
    ],
  },
  {
    name: 'tells-nobody-what-was-heard',
    step: '08.6',
    says: ['cyd sent a line 50 s ago', 'onHeard() tells #idle'],
    edits: [{ file: watch, replace: HEARD, by: '' }],
  },
  {
    name: 'rises-by-the-deadline-only',
    step: '08.1',
    says: ['At the same deadline', 'deadlines alone do not decide'],
    edits: [
      {
        file: heap,
        replace: '      if (isBefore(parent, timer)) break\n',
        by: '      if (parent.deadlineMs <= timer.deadlineMs) break\n',
      },
    ],
  },
  {
    name: 'microseconds-of-32-bits',
    step: '08.1',
    says: ['a number like any other', 'nor as 32 bits'],
    edits: [
      {
        file: heap,
        hole: 'isBefore',
        by: `    const us = ((one.deadlineMs - other.deadlineMs) * 1000) | 0
    return us === 0 ? one.order < other.order : us < 0`,
      },
    ],
  },
  {
    name: 'the-order-is-a-small-part-of-the-deadline',
    step: '08.1',
    says: ['between equals only', 'nor mixed with `order`'],
    edits: [
      {
        file: heap,
        hole: 'isBefore',
        by: '    return one.deadlineMs + one.order / 1e6 < other.deadlineMs + other.order / 1e6',
      },
    ],
  },
  {
    name: 'a-round-has-a-budget',
    step: '08.2',
    says: ['was due when runDue() began', 'however long the callbacks take'],
    edits: [
      {
        file: queue,
        replace: 'if (due.deadlineMs > now || due.order',
        by: 'if (due.deadlineMs > now || this.now() - now > 20 || due.order',
      },
    ],
  },
  {
    name: 'fills-a-gap-by-the-deadline-that-was-there',
    step: '08.3',
    says: ['even after a gap was filled', 'ask isBefore()'],
    edits: [
      {
        file: heap,
        replace: `    this.#sink(last, place)
    this.#rise(last, last.place)
`,
        by: `    if (last.deadlineMs < timer.deadlineMs) this.#rise(last, place)
    else this.#sink(last, place)
`,
      },
    ],
  },
  {
    name: 'puts-back-what-was-cancelled',
    step: '08.3',
    says: ['was cancelled by the first of them', 'there is nothing to put back'],
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
        if (callback && timer.periodMs > 0) this.#rearm(timer)
        else timer.callback = undefined
        callback?.()
      }
    } finally {
      for (const timer of due) this.#heap.add(timer)
    }`,
      },
    ],
  },
  {
    name: 'a-list-arms-the-cancelled',
    step: '08.4',
    says: ['"other" was cancelled', 'is not armed again'],
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
        if (timer.periodMs > 0) this.#rearm(timer)
        else timer.callback = undefined
        callback?.()
      }
    } finally {
      for (const timer of due) if (timer.callback) this.#heap.add(timer)
    }`,
      },
    ],
  },
  {
    name: 'a-throw-arms-the-cancelled',
    step: '08.4',
    says: ['cancelled itself, and then threw', 'After the throw, a cancelled timer'],
    edits: [
      {
        file: queue,
        replace: CALL,
        by: `      if (!(due.periodMs > 0)) due.callback = undefined
      try {
        callback?.()
      } catch (error) {
        if (due.periodMs > 0) this.#rearm(due)
        throw error
      }
      if (due.callback) this.#rearm(due)
`,
      },
    ],
  },
  {
    name: 'beats-on-whole-milliseconds',
    step: '08.4',
    says: ['237.25', 'it is not rounded'],
    edits: [
      {
        file: queue,
        replace: REARM,
        by: `${REARM}    timer.deadlineMs = Math.ceil(timer.deadlineMs)\n`,
      },
    ],
  },
  {
    name: 'rounds-to-the-nearest',
    step: '08.5',
    says: ['to be 9.125 (rounding up', 'Math.round()'],
    edits: [
      {
        file: queue,
        replace: 'Math.max(0, first.deadlineMs - this.now())',
        by: 'Math.max(0, Math.round(first.deadlineMs - this.now()))',
      },
    ],
  },
  {
    name: 'a-delay-of-32-bits',
    step: '08.5',
    says: ['in 30 days', '(| 0)'],
    edits: [
      {
        file: queue,
        replace: 'Math.max(0, first.deadlineMs - this.now())',
        by: 'Math.max(0, Math.ceil(first.deadlineMs - this.now()) | 0)',
      },
    ],
  },
  {
    name: 'what-never-fires-is-no-delay',
    step: '08.5',
    says: ['"never" is the only timer', 'Infinity'],
    edits: [
      {
        file: queue,
        hole: 'nextDelay',
        by: `    const leftMs = (this.#heap.first?.deadlineMs ?? Number.NaN) - this.now()
    if (Number.isFinite(leftMs)) return Math.max(0, leftMs)
    return this.#heap.size > 0 ? 0 : Number.POSITIVE_INFINITY`,
      },
    ],
  },
  {
    name: 'an-earliest-deadline-of-its-own',
    step: '08.5',
    says: ['The only other timer left', 'out of date when its timer has fired'],
    edits: [
      {
        file: queue,
        replace: '  #armed = 0\n',
        by: '  #armed = 0\n  #earliestMs = Number.POSITIVE_INFINITY\n',
      },
      {
        file: queue,
        replace: '    if (this.#heap.first === timer) this.onEarlier?.()\n',
        by: `    if (this.#heap.size === 1) this.#earliestMs = Number.POSITIVE_INFINITY
    if (deadlineMs < this.#earliestMs) {
      this.#earliestMs = deadlineMs
      this.onEarlier?.()
    }
`,
      },
    ],
  },
  {
    name: 'the-rest-is-not-kept',
    step: '08.6',
    says: ['stop() cancels #timer', 'the rest or a whole limit'],
    edits: [
      {
        file: silence,
        hole: '#look',
        by: `    const leftMs = this.#heardAtMs + this.#limitMs - this.#timers.now()
    if (leftMs > 0) {
      this.#timers.after(leftMs, () => this.#look())
      return
    }
    this.#timer = this.#timers.after(this.#limitMs, () => this.#look())
    this.#onSilence()`,
      },
    ],
  },
  {
    name: 'the-rest-as-of-the-deadline',
    step: '08.6',
    says: ['however late the first look', 'what is left now'],
    edits: [
      {
        file: silence,
        replace: 'this.#limitMs - this.#timers.now()',
        by: 'this.#limitMs - this.#timer.deadlineMs',
      },
    ],
  },
  {
    name: 'only-the-first-note-counts',
    step: '08.6',
    says: ['from second 75 to 200', 'each heard() notes'],
    edits: [
      { file: silence, replace: '  #timer: Timer\n', by: '  #timer: Timer\n  #isHeard = false\n' },
      {
        file: silence,
        hole: 'heard',
        by: `    if (this.#isHeard) return
    this.#isHeard = true
    this.#heardAtMs = this.#timers.now()`,
      },
      {
        file: silence,
        replace: '  #look(): void {\n',
        by: '  #look(): void {\n    this.#isHeard = false\n',
      },
    ],
  },
  {
    name: 'a-few-bytes-gain-time',
    step: '08.6',
    says: ['gains no time', 'counts from the goodbye on'],
    edits: [
      {
        file: watch,
        replace: GOODBYE,
        by: `    let queued = this.#connection.queuedBytes
    const look = () => {
      const before = queued
      queued = this.#connection.queuedBytes
      if (queued >= before) return this.#connection.destroy('lost')
      this.#goodbye = this.#timers.after(this.#goodbyeMs, look)
    }
    this.#goodbye = this.#timers.after(this.#goodbyeMs, look)
`,
      },
    ],
  },
  {
    name: 'whatever-ends-with-pong',
    step: '08.7',
    says: ['pingpong', 'Compare the whole line'],
    edits: [{ file: server, replace: 'if (line !== PONG)', by: 'if (!line.endsWith(PONG))' }],
  },
  {
    name: 'the-heartbeat-hears-only-with-a-limit',
    step: '08.7',
    says: ['Without an idle limit', 'is told of each line'],
    edits: [
      {
        file: watch,
        replace: HEARD,
        by: '    if (!this.#idle) return\n    this.#idle.heard()\n    this.#heartbeat?.heard()\n',
      },
    ],
  },
  {
    name: 'the-heartbeat-stops-only-with-a-limit',
    step: '08.7',
    says: ['Without an idle limit', 'onClose() stops'],
    edits: [
      {
        file: watch,
        replace: CLOSE,
        by: `    if (this.#idle) {
      this.#idle.stop()
      this.#heartbeat?.stop()
    }
    if (this.#goodbye) this.#timers.cancel(this.#goodbye)
`,
      },
    ],
  },
  {
    name: 'begins-at-a-whole-millisecond',
    step: '08.2',
    says: ['A fraction of a millisecond is still left', 'Leave the time'],
    edits: [
      {
        file: queue,
        replace: 'const deadlineMs = this.now() + delayMs',
        by: 'const deadlineMs = Math.floor(this.now()) + delayMs',
      },
    ],
  },
  {
    name: 'a-beat-for-a-silence',
    step: '08.6',
    says: ['At second 200 the silence begins anew', 'the seconds at which it calls back'],
    edits: [
      {
        file: silence,
        hole: '#look',
        by: `    const leftMs = this.#heardAtMs + this.#limitMs - this.#timers.now()
    if (leftMs > 0) {
      this.#timer = this.#timers.after(leftMs, () => this.#look())
      return
    }
    if (this.#timer.periodMs === 0) this.#timer = this.#timers.every(this.#limitMs, () => this.#look())
    this.#onSilence()`,
      },
    ],
  },
  {
    name: 'counts-what-is-armed-now',
    step: '08.2',
    says: ['"fourth" was armed before this round', 'which only grows'],
    edits: [
      {
        file: queue,
        replace: 'const armedBefore = this.#armed\n',
        by: 'const armedBefore = this.#heap.size\n',
      },
    ],
  },
  {
    name: 'an-order-by-the-size',
    step: '08.2',
    says: ['waits for the next round', '#armed only grows'],
    edits: [
      {
        file: queue,
        replace: 'order: this.#armed++, place',
        by: 'order: (this.#armed++, this.#heap.size), place',
      },
    ],
  },
  {
    name: 'a-faulty-timer-stays-first',
    step: '08.2',
    says: ['another error', 'so it fired again'],
    edits: [
      { file: queue, replace: '      this.#heap.takeFirst()\n', by: '' },
      {
        file: queue,
        replace: CALL,
        by: `      due.callback?.()
      this.#heap.takeFirst()
      if (due.periodMs > 0) this.#rearm(due)
      else due.callback = undefined
`,
      },
    ],
  },
  {
    name: 'a-root-has-a-parent',
    step: '08.3',
    says: ['cancel() of', 'the root, which has no parent'],
    edits: [
      {
        file: heap,
        replace: `    this.#sink(last, place)
    this.#rise(last, last.place)
`,
        by: `    if (isBefore(last, this.#timers[(place - 1) >> 1]!)) this.#rise(last, place)
    else this.#sink(last, place)
`,
      },
    ],
  },
  {
    name: 'looks-for-a-place-that-is-nowhere',
    step: '08.3',
    says: ['cancel() of', 'note it before it becomes NOWHERE'],
    edits: [
      {
        file: heap,
        hole: 'remove',
        by: `    const last = this.#timers.pop()!
    timer.place = NOWHERE
    if (last === timer) return
    if (isBefore(last, this.#timers[(timer.place - 1) >> 1]!)) this.#rise(last, timer.place)
    else this.#sink(last, timer.place)`,
      },
    ],
  },
  {
    name: 'the-next-deadline-may-have-passed',
    step: '08.4',
    says: ['It is 299 ms', 'is due at once'],
    edits: [
      {
        file: queue,
        replace: `    timer.deadlineMs += (missed + 1) * timer.periodMs
    // The sum may have been rounded down, to the present moment. Once: a loop might never end with a tiny period.
    if (timer.deadlineMs <= now) timer.deadlineMs += timer.periodMs
`,
        by: '    timer.deadlineMs += missed * timer.periodMs\n',
      },
    ],
  },
  {
    name: 'counts-from-the-beginning-of-the-round',
    step: '08.4',
    says: ['had run for 750 ms', 'ask this.now() again'],
    edits: [
      {
        file: queue,
        replace: 'if (due.periodMs > 0) this.#rearm(due)',
        by: 'if (due.periodMs > 0) this.#rearm(due, now)',
      },
      {
        file: queue,
        replace: '  #rearm(timer: Timer): void {\n    const now = this.now()\n',
        by: '  #rearm(timer: Timer, now: number): void {\n',
      },
    ],
  },
  {
    name: 'misses-what-passes-during-its-call',
    step: '08.4',
    says: ['this deadline gets a call of its own', 'before the call'],
    edits: [
      {
        file: queue,
        replace: CALL,
        by: `      if (due.periodMs === 0) due.callback = undefined
      try {
        callback?.()
      } finally {
        if (due.callback) this.#rearm(due)
      }
`,
      },
    ],
  },
  {
    name: 'periods-of-whole-milliseconds',
    step: '08.4',
    says: ['The first period of 0.5 ms', 'Leave the period as it is'],
    edits: [
      {
        file: queue,
        replace: 'this.#arm(periodMs, callback, periodMs)',
        by: 'this.#arm(Math.ceil(periodMs), callback, Math.ceil(periodMs))',
      },
    ],
  },
  {
    name: 'one-millisecond-more',
    step: '08.5',
    says: ['to be 30', 'One too many'],
    edits: [
      {
        file: queue,
        replace: 'Math.max(0, first.deadlineMs - this.now())',
        by: 'Math.max(0, Math.floor(first.deadlineMs - this.now()) + 1)',
      },
    ],
  },
  {
    name: 'rounds-the-time',
    step: '08.5',
    says: ['to be 9.5 (rounding up', 'Subtract them as they are'],
    edits: [
      {
        file: queue,
        replace: 'Math.max(0, first.deadlineMs - this.now())',
        by: 'Math.max(0, first.deadlineMs - Math.round(this.now()))',
      },
    ],
  },
  {
    name: 'rounds-both-up',
    step: '08.5',
    says: ['to be 9.5 (rounding up', 'Subtract them as they are'],
    edits: [
      {
        file: queue,
        replace: 'Math.max(0, first.deadlineMs - this.now())',
        by: 'Math.max(0, Math.ceil(first.deadlineMs) - Math.ceil(this.now()))',
      },
    ],
  },
  {
    name: 'rounds-one-up-and-one-down',
    step: '08.5',
    says: ['is late for its timer', 'Subtract them as they are'],
    edits: [
      {
        file: queue,
        replace: 'Math.max(0, first.deadlineMs - this.now())',
        by: 'Math.max(0, Math.ceil(first.deadlineMs) - Math.floor(this.now()))',
      },
    ],
  },
  {
    name: 'an-earliest-deadline-for-good',
    step: '08.5',
    says: ['The only other timer left', 'out of date when its timer has fired'],
    edits: [
      {
        file: queue,
        replace: '  #armed = 0\n',
        by: '  #armed = 0\n  #earliestMs = Number.POSITIVE_INFINITY\n',
      },
      {
        file: queue,
        replace: '    if (this.#heap.first === timer) this.onEarlier?.()\n',
        by: `    if (deadlineMs < this.#earliestMs) {
      this.#earliestMs = deadlineMs
      this.onEarlier?.()
    }
`,
      },
    ],
  },
  {
    name: 'tells-before-it-is-armed',
    step: '08.5',
    says: ['what nextDelay() returned there', 'into the heap first'],
    edits: [
      {
        file: queue,
        replace: `    this.#heap.add(timer)
    if (this.#heap.first === timer) this.onEarlier?.()
`,
        by: `    if (this.nextDelay() > delayMs) this.onEarlier?.()
    this.#heap.add(timer)
`,
      },
    ],
  },
  {
    name: 'a-delay-of-setTimeout',
    step: '08.5',
    says: ['"never" is the only timer', 'leaves Infinity'],
    edits: [
      {
        file: queue,
        replace: 'Math.max(0, first.deadlineMs - this.now())',
        by: 'Math.min(2 ** 31 - 1, Math.max(0, first.deadlineMs - this.now()))',
      },
    ],
  },
  {
    name: 'a-goodbye-for-all',
    step: '08.6',
    says: ['ends only her own', 'keeps its own goodbye'],
    edits: [
      {
        file: watch,
        replace: '  #goodbye: Timer | undefined\n',
        by: '  static #goodbye: Timer | undefined\n',
      },
      { file: watch, replace: GOODBYE, by: GOODBYE.replace('this.#goodbye =', 'Watch.#goodbye =') },
      {
        file: watch,
        replace: CLOSE,
        by: CLOSE.replaceAll('this.#goodbye', 'Watch.#goodbye'),
      },
    ],
  },
  {
    name: 'no-goodbye-without-a-limit',
    step: '08.6',
    says: ['She has had 700 ms', 'also where there is no #idle'],
    edits: [{ file: watch, replace: GOODBYE, by: GOODBYE.replace('this', 'if (this.#idle) this') }],
  },
  {
    name: 'arms-again-after-it-was-stopped',
    step: '08.6',
    says: ['whatever is heard later', 'It arms nothing'],
    edits: [
      {
        file: silence,
        hole: 'heard',
        by: `    this.#heardAtMs = this.#timers.now()
    if (this.#timer.place < 0) this.#timer = this.#timers.after(this.#limitMs, () => this.#look())`,
      },
    ],
  },
  {
    name: 'a-rest-of-nothing',
    step: '08.6',
    says: ['it has armed after the first', 'again and again'],
    edits: [
      {
        file: silence,
        replace: 'leftMs > 0 ? leftMs : this.#limitMs',
        by: 'leftMs > 0 ? Math.floor(leftMs) : this.#limitMs',
      },
    ],
  },
  {
    name: 'a-beat-beside-the-rest',
    step: '08.6',
    says: ['the seconds at which it calls back', 'Two timers are armed at the same time'],
    edits: [
      {
        file: silence,
        hole: '#look',
        by: `    const leftMs = this.#heardAtMs + this.#limitMs - this.#timers.now()
    if (leftMs > 0) {
      this.#timer = this.#timers.after(leftMs, () => this.#look())
      return
    }
    this.#timer = this.#timers.every(this.#limitMs, () => this.#look())
    this.#onSilence()`,
      },
    ],
  },
  {
    name: 'notes-the-time-of-the-process',
    step: '08.6',
    says: ['59 s ago', 'no other clock'],
    edits: [
      {
        file: silence,
        hole: 'heard',
        by: '    this.#heardAtMs = performance.now()',
      },
    ],
  },
  {
    name: 'notes-the-time-of-day',
    step: '08.6',
    says: ['60 s since her last line', 'no other clock'],
    edits: [{ file: silence, hole: 'heard', by: '    this.#heardAtMs = Date.now()' }],
  },
  {
    name: 'looks-at-the-time-of-the-process',
    step: '08.6',
    says: ['ada has said nothing for 60 s', 'no other clock'],
    edits: [
      {
        file: silence,
        replace: 'this.#limitMs - this.#timers.now()',
        by: 'this.#limitMs - performance.now()',
      },
    ],
  },
  {
    name: 'pings-at-once',
    step: '08.7',
    says: ['Nobody has been silent for 20 s yet', 'and not before'],
    edits: [{ file: watch, replace: BEAT, by: `${BEAT}    ask()\n` }],
  },
  {
    name: 'a-line-ends-the-heartbeat',
    step: '08.7',
    says: ['20 s since her last line', 'not stop()'],
    edits: [
      {
        file: watch,
        replace: HEARD,
        by: '    this.#idle?.heard()\n    this.#heartbeat?.stop()\n',
      },
    ],
  },
  {
    name: 'near-deadlines-are-equal',
    step: '08.1',
    says: ['the smallest fraction', 'nor as equal if they are near'],
    edits: [
      {
        file: heap,
        replace: 'if (one.deadlineMs !== other.deadlineMs)',
        by: 'if (Math.abs(one.deadlineMs - other.deadlineMs) > 1e-6)',
      },
    ],
  },
  {
    name: 'due-within-a-microsecond',
    step: '08.2',
    says: ['never early', 'without any tolerance'],
    edits: [
      { file: queue, replace: 'due.deadlineMs > now ||', by: 'due.deadlineMs > now + 1e-3 ||' },
    ],
  },
  {
    name: 'a-running-flag-stays-behind-an-error',
    step: '08.2',
    says: ['what the next faulty callback threw', 'must not stay when a callback throws'],
    edits: [
      {
        file: queue,
        replace: '    const armedBefore = this.#armed\n',
        by: `    if ((this as { isRunning?: boolean }).isRunning) return
    Object.assign(this, { isRunning: true })
    const armedBefore = this.#armed
`,
      },
      {
        file: queue,
        replace: 'if (due.deadlineMs > now || due.order >= armedBefore) return\n',
        by: 'if (due.deadlineMs > now || due.order >= armedBefore) break\n',
      },
      {
        file: queue,
        replace: '      callback?.()\n    }\n',
        by: '      callback?.()\n    }\n    Object.assign(this, { isRunning: false })\n',
      },
    ],
  },
  {
    name: 'one-time-for-the-whole-round',
    step: '08.4',
    says: ['eight deadlines of "stalled" had passed', 'also while callbacks run'],
    edits: [
      {
        file: queue,
        replace: '    return this.#clock.now()\n',
        by: '    return (this as { roundMs?: number }).roundMs ?? this.#clock.now()\n',
      },
      {
        file: queue,
        replace: '    const armedBefore = this.#armed\n',
        by: `    if ((this as { roundMs?: number }).roundMs === undefined) {
      Object.assign(this, { roundMs: now })
      try {
        return this.runDue()
      } finally {
        Object.assign(this, { roundMs: undefined })
      }
    }
    const armedBefore = this.#armed
`,
      },
    ],
  },
  {
    name: 'begins-anew-after-a-long-stall',
    step: '08.4',
    says: ['away for 10,000 periods', 'however many were missed'],
    edits: [
      {
        file: queue,
        replace: '    timer.deadlineMs += (missed + 1) * timer.periodMs\n',
        by: `    if (missed > 10) timer.deadlineMs = now
    else timer.deadlineMs += (missed + 1) * timer.periodMs
`,
      },
    ],
  },
  {
    name: 'beats-in-microseconds',
    step: '08.4',
    says: ['before beat 10,001', 'adds a little to all later ones'],
    edits: [
      {
        file: queue,
        replace: '    timer.deadlineMs += (missed + 1) * timer.periodMs\n',
        by: `    timer.deadlineMs += (missed + 1) * timer.periodMs
    timer.deadlineMs = Math.round(timer.deadlineMs * 1_000) / 1_000
`,
      },
    ],
  },
  {
    name: 'notes-whole-milliseconds-upwards',
    step: '08.6',
    says: ['begin when something is heard, at 0.25 ms', 'the time that heard() notes'],
    edits: [
      {
        file: silence,
        replace: '    this.#heardAtMs = this.#timers.now()\n  }\n\n  /** No further',
        by: '    this.#heardAtMs = Math.ceil(this.#timers.now())\n  }\n\n  /** No further',
      },
    ],
  },
  {
    name: 'calls-back-a-turn-later',
    step: '08.6',
    says: ['within 240 ms', 'only in a later turn'],
    edits: [
      {
        file: silence,
        replace: 'if (leftMs <= 0) this.#onSilence()',
        by: 'if (leftMs <= 0) queueMicrotask(this.#onSilence)',
      },
    ],
  },
  {
    name: 'a-second-goodbye',
    step: '08.6',
    says: ['ida', 'There is one limit'],
    edits: [
      {
        file: watch,
        replace: GOODBYE,
        by: `    const cut = () => this.#connection.destroy('lost')
    this.#goodbye = this.#timers.after(this.#goodbyeMs, () => {
      if (this.#goodbyeMs < 1_000) this.#goodbye = this.#timers.after(this.#goodbyeMs, cut)
      else cut()
    })
`,
      },
    ],
  },
  {
    name: 'keeps-every-timer-in-a-set',
    step: '08.3',
    says: ['no timer that is over', 'wherever it fires for the last time'],
    edits: [
      {
        file: queue,
        replace: '  readonly #heap = new TimerHeap()\n',
        by: '  readonly #heap = new TimerHeap()\n  readonly #all = new Set<Timer>()\n',
      },
      {
        file: queue,
        replace: '    this.#heap.add(timer)\n    if (this.#heap.first === timer)',
        by: '    this.#heap.add(timer)\n    this.#all.add(timer)\n    if (this.#heap.first === timer)',
      },
      { file: queue, replace: CANCEL, by: `${CANCEL}    this.#all.delete(timer)\n` },
    ],
  },
  {
    name: 'notes-when-each-beat-began',
    step: '08.4',
    says: ['no timer that is over', 'If you note a timer in a Map'],
    edits: [
      {
        file: queue,
        replace: '  readonly #heap = new TimerHeap()\n',
        by: '  readonly #heap = new TimerHeap()\n  readonly #begins = new Map<Timer, number>()\n',
      },
      {
        file: queue,
        replace: '    return this.#arm(periodMs, callback, periodMs)',
        by: `    const timer = this.#arm(periodMs, callback, periodMs)
    this.#begins.set(timer, timer.deadlineMs - periodMs)
    return timer`,
      },
      {
        file: queue,
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
