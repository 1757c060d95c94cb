import type { Explained } from '../explained.ts'

const FOR_PEOPLE = 'The text is for people; what is promised is a RangeError.'

const ROUNDED =
  'It matters only where a fraction was rounded. The natural answer leaves it out, and is right for a learner.'

export const explained: Explained[] = [
  {
    file: 'timer-heap.ts',
    function: 'isBefore',
    was: 'if (one.deadlineMs !== other.deadlineMs) return one.deadlineMs < other.deadlineMs',
    now: 'if (one.deadlineMs !== other.deadlineMs) return one.deadlineMs <= other.deadlineMs',
    because: 'The two are not equal there.',
  },
  {
    file: 'timer-heap.ts',
    function: 'isBefore',
    was: 'return one.order < other.order',
    now: 'return one.order <= other.order',
    because: 'No two timers have the same order, and none is compared with itself.',
  },
  {
    file: 'timer-queue.ts',
    function: 'every',
    was: "if (!(periodMs > 0)) throw new RangeError('a period must be more than 0 ms')",
    now: 'if (!(periodMs > 0)) throw new RangeError("")',
    because: FOR_PEOPLE,
  },
  {
    file: 'timer-queue.ts',
    function: '#arm',
    was: "if (Number.isNaN(delayMs)) throw new RangeError('a timer needs a number of milliseconds')",
    now: 'if (Number.isNaN(delayMs)) throw new RangeError("")',
    because: FOR_PEOPLE,
  },
  {
    file: 'timer-queue.ts',
    function: 'runDue',
    was: 'callback?.()',
    now: 'callback()',
    because:
      'Only a timer that is not in the heap has no callback, and only timers from the heap are fired. The `?` is for TypeScript.',
  },
  {
    file: 'timer-queue.ts',
    function: '#rearm',
    was: 'if (timer.deadlineMs <= now) timer.deadlineMs += timer.periodMs',
    now: 'if (false) timer.deadlineMs += timer.periodMs',
    because: ROUNDED,
  },
  {
    file: 'timer-queue.ts',
    function: '#rearm',
    was: 'if (timer.deadlineMs <= now) timer.deadlineMs += timer.periodMs',
    now: 'if (timer.deadlineMs < now) timer.deadlineMs += timer.periodMs',
    because: ROUNDED,
  },
  {
    file: 'timer-queue.ts',
    function: '#rearm',
    was: 'if (timer.deadlineMs <= now) timer.deadlineMs += timer.periodMs',
    now: 'if (timer.deadlineMs <= now) timer.deadlineMs -= timer.periodMs',
    because: ROUNDED,
  },
  {
    file: 'watch.ts',
    function: 'onEnding',
    was: "this.#goodbye = this.#timers.after(this.#goodbyeMs, () => this.#connection.destroy('lost'))",
    now: 'this.#goodbye = this.#timers.after(this.#goodbyeMs, () => this.#connection.destroy(""))',
    because: 'A connection that is ending keeps the reason that it was ended with.',
  },
]
