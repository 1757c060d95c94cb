/** A bridge that tells news a thousand times, and nobody sleeps: what `tellNews()` calls, and what it leaves. */

import { withCommas } from '../../harness/numbers.ts'
import type { Stage } from '../../judge/step.ts'
import { recordCalls } from './bridge.ts'

/** The first time that it went wrong, or the last time of all. */
interface Telling {
  time: number
  calls: string[]
  /** A word had changed when it notified. */
  isChanged: boolean
  /** It notified `NEWS`. */
  isHeard: boolean
  /** The words are as they have never been before. */
  isNew: boolean
}

const TIMES = 1_000
const NEWS = 0

function tellAgainAndAgain(
  tellNews: (words: Int32Array) => void,
  times: number,
  countFrom = 0,
): Telling {
  const words = new Int32Array(new SharedArrayBuffer(12))
  words[NEWS] = countFrom
  const seen = new Set<string>()
  for (let time = 1; ; time++) {
    const before = words.join()
    seen.add(before)
    const telling: Telling = { time, calls: [], isChanged: false, isHeard: false, isNew: false }
    const restore = recordCalls((name, [, index, count = 1]) => {
      telling.calls.push(name)
      if (name !== 'notify') return
      telling.isChanged = words.join() !== before
      telling.isHeard = index === NEWS && Number(count) > 0
    })
    try {
      tellNews(words)
    } finally {
      restore()
    }
    telling.isNew = !seen.has(words.join())
    const isRight = telling.isChanged && telling.isHeard && telling.isNew
    if (!isRight || time === times) return telling
  }
}

/** Each event counts, and wakes the sleeper. */
export async function expectNewsTold({ load, expect, story }: Stage): Promise<void> {
  const { tellNews } = await load(() => import('#code/03-blocking-socket/news.ts'))
  const told = tellAgainAndAgain(tellNews, TIMES)
  const calls = told.calls.join(', then ')
  story.tell('bridge', `tells news, time ${told.time}: ${calls || 'nothing happens'}`)
  const stays = told.calls.includes('notify') && told.time > 1
  expect('the count to change, and then the sleeper to be notified', told.isChanged, {
    because:
      'A thread that is just about to sleep is not woken by notify. If the count was changed first, it sees that, and stays awake.',
    likely: stays
      ? 'This time the count has not changed, but two events must not look like none. Call Atomics.add(words, NEWS, 1) each time.'
      : told.calls.includes('notify')
        ? 'Atomics.add(words, NEWS, 1) first, then Atomics.notify(words, NEWS).'
        : 'Changing a word wakes nobody. Atomics.notify(words, NEWS) does, each time.',
    look: 'news.tellNews()',
    received: told.calls.join(', ') || 'neither',
  })
  expect('the thread that sleeps on NEWS to be woken', told.isHeard, {
    because: 'A thread sleeps on one word, and only a notify on that word wakes it.',
    likely: 'Call Atomics.notify(words, NEWS), on the same word, and not for 0 threads.',
    look: 'news.tellNews()',
  })
  expect('a count that NEWS has never had so far', told.isNew, {
    because:
      'A thread that is about to sleep compares the count with the one it has read. However many events there were in between, the two counts must differ.',
    likely: 'A flag that changes twice looks as if nothing had happened. Count the events instead.',
    look: 'news.tellNews()',
    received: `the same words as before, after event ${told.time}`,
  })
}

/** The count goes on where its word ends. */
export async function expectCountWrapped({ load, expect, story }: Stage): Promise<void> {
  const { tellNews } = await load(() => import('#code/03-blocking-socket/news.ts'))
  story.tell('bridge', `tells news ten times, from a count of ${withCommas(NEARLY_ALL)} on`)
  const last = tellAgainAndAgain(tellNews, 10, NEARLY_ALL)
  expect('each of them to change the count', last.isChanged && last.isNew, {
    because: 'A connection may live that long, and its next event is news like all the others.',
    likely:
      'NEWS has 32 bits. After 2,147,483,647 let it wrap around, as Atomics.add() does, instead of stopping there.',
    look: 'news.tellNews()',
    received: `the same count as before, after event ${last.time} of these`,
  })
}

/** Soon after it the count is the largest that the word can hold. */
const NEARLY_ALL = 2 ** 31 - 3
