/**
 * How a thread sleeps until something has happened, and how another one wakes it.
 *
 * `Atomics.wait` sleeps on a word of shared memory while the word has a certain value. Our word is a count: two events
 * never look like one, or like none. It wraps around after 2³¹ - 1, so a later count differs, but may be smaller.
 */

import { NEWS } from './channel.ts'

/**
 * Counts one more event, and wakes the thread that sleeps in `sleepUntil()`, if one does.
 *
 * Whatever the event announces must be in place before this call.
 *
 * @step 03.1
 */
export function tellNews(words: Int32Array): void {
  // Counted first: a thread that is about to fall asleep misses the notify, but compares the count once more.
  Atomics.add(words, NEWS, 1)
  Atomics.notify(words, NEWS)
}

/**
 * Returns what `look` returns, as soon as that is not `undefined`. While it is, sleeps, and looks again when there is
 * news, at no other time. Never sleeps through news that is told after a look. What `look` throws passes through.
 *
 * @step 03.1
 */
export function sleepUntil<Found>(words: Int32Array, look: () => Found | undefined): Found {
  for (;;) {
    // The count from before the look: if anything happens after it, the count differs, and wait() returns at once.
    const news = Atomics.load(words, NEWS)
    const found = look()
    if (found !== undefined) return found
    Atomics.wait(words, NEWS, news)
  }
}
