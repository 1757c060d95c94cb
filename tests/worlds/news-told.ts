/** A bridge that tells news a thousand times, and nobody sleeps: what `tellNews()` calls, and what it leaves. */

import { recordCalls } from './bridge.ts'

/** The first time that it went wrong, or the last time of all. */
export interface Telling {
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

export function tellAgainAndAgain(tellNews: (words: Int32Array) => void): Telling {
  const words = new Int32Array(new SharedArrayBuffer(12))
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
    if (!isRight || time === TIMES) return telling
  }
}
