/**
 * A thread that sleeps until it finds something, in a world that the test plays: time is virtual, nobody really sleeps,
 * and what happens does so right behind a look, or while the thread is asleep.
 */

import { parentPort, workerData } from 'node:worker_threads'
import type * as NewsModule from '#code/03-blocking-socket/news.ts'

const NEWS = 0

export interface SleeperScript {
  /** What the count of news stands at before all of this. */
  countFrom?: number
  /** How often news was told before the thread looks for the first time. */
  toldBefore?: number
  /** What is there before the first look. A look throws an `Error` that it finds. */
  things?: unknown[]
  /** How often news was told of another connection, which the same thread has served before. */
  toldElsewhere?: number
  happens: Happening[]
  /** How many things the thread waits for, one after the other. */
  finds: number
}

export interface Happening {
  when: 'behind the look' | 'asleep'
  /** Things that are there from now on; for each the news is told once, at least once in all. */
  things?: unknown[]
  /** Once if left out. */
  times?: number
  /** So long nothing happens before. */
  silenceMs?: number
}

export interface SleeperOutcome {
  found: unknown[]
  /** Set when it does not come back. */
  stuck?: 'asleep' | 'spinning' | 'spinning without a look' | 'asleep on another word'
  looksInSilence: number
  /** How many things its looks have returned. What is falsy does not count. */
  seen: number
  waits: number
}

const {
  code,
  countFrom = 0,
  toldBefore = 0,
  toldElsewhere = 0,
  things = [],
  happens,
  finds,
} = workerData as SleeperScript & {
  code: string
}
const { sleepUntil, tellNews }: typeof NewsModule = await import(
  `${code}/03-blocking-socket/news.ts`
)

class Stuck extends Error {}

/** So many without anything happening. */
const SPINNING_LOOKS = happens.reduce((sum, { times = 1 }) => sum + times, 1_000)

const words = new Int32Array(new SharedArrayBuffer(12))
words[NEWS] = countFrom
const outcome: SleeperOutcome = { found: [], looksInSilence: 0, seen: 0, waits: 0 }
let looks = 0
let silenceMs = 0
let thrown: Error | undefined

function happen(): void {
  const [next] = happens
  if (next?.times && next.times > 1) next.times -= 1
  else happens.shift()
  const fresh = next?.things ?? []
  things.push(...fresh)
  for (let news = 0; news < Math.max(1, fresh.length); news++) tellNews(words)
}

function look(): unknown {
  looks += 1
  if (looks > SPINNING_LOOKS) stuck('spinning')
  if (silenceMs > 0) outcome.looksInSilence += 1
  if (things.length > 0) {
    const thing = things.shift()
    if (!(thing instanceof Error)) {
      if (thing) outcome.seen += 1
      return thing
    }
    thrown = thing
    throw thing
  }
  if (happens[0]?.when === 'behind the look') happen()
  return undefined
}

const { load } = Atomics
Atomics.wait = ((array: Int32Array, index: number, value: number, ms = Infinity) => {
  outcome.waits += 1
  // Whoever looks before each wait has been stopped by look().
  if (outcome.waits > SPINNING_LOOKS) stuck('spinning without a look')
  if (array.buffer !== words.buffer || index !== NEWS) {
    if (load(array, index) !== value) return 'not-equal'
    if (ms === Infinity) stuck('asleep on another word')
  } else if (load(array, index) !== value) return 'not-equal'
  const next = happens[0]
  if (!next && ms === Infinity) stuck('asleep')
  if (next?.silenceMs && silenceMs === 0) silenceMs = next.silenceMs
  if (ms < silenceMs) {
    silenceMs -= ms
    return 'timed-out'
  }
  silenceMs = 0
  if (next) next.silenceMs = 0
  happen()
  return 'ok'
}) as typeof Atomics.wait

/** Waits for something on words of its own, which comes with its news right behind the first look. */
function sleepElsewhere(): void {
  const others = new Int32Array(new SharedArrayBuffer(12))
  let isThere = false
  sleepUntil(others, () => {
    if (isThere) return true
    isThere = true
    for (let told = 0; told < toldElsewhere; told++) tellNews(others)
    return undefined
  })
}

function stuck(how: SleeperOutcome['stuck']): never {
  outcome.stuck = how
  throw new Stuck()
}

for (let told = 0; told < toldBefore; told++) tellNews(words)
try {
  if (toldElsewhere > 0) sleepElsewhere()
  for (let find = 0; find < finds; find++) outcome.found.push(sleepUntil(words, look))
} catch (error) {
  if (error === thrown) outcome.found.push(`throws ${thrown?.message}`)
  else if (error instanceof RangeError) outcome.found.push(`throws ${error}`)
  else if (!(error instanceof Stuck)) throw error
}
parentPort?.postMessage(outcome)
