/** A thread that sleeps until it finds something, while the test plays its bridge: what it finds, and how often it looks. */

import type { Happening, SleeperOutcome, SleeperScript } from '../../chapters/threads/03-sleeper.ts'
import type { Stage } from '../../judge/step.ts'

const SLEEPER = new URL('../../chapters/threads/03-sleeper.ts', import.meta.url)

/** One thing that a thread waits for, and how it comes. */
interface Wait {
  story: string
  script: SleeperScript
  expected: unknown[]
  because: string
  likely: string
}

const behind = (...things: unknown[]): Happening => ({ when: 'behind the look', things })
const asleep = (...things: unknown[]): Happening => ({ when: 'asleep', things })

export const HOUR_MS = 3_600_000

const WAITS: Wait[] = [
  {
    story: 'leaves two things, with news of each, before the thread looks',
    script: { things: ['one', 'two'], toldBefore: 2, happens: [], finds: 2 },
    expected: ['one', 'two'],
    because: 'The thread need not wait for what is already there.',
    likely: 'Look first, and sleep only when there is nothing.',
  },
  {
    story: 'leaves something while the thread sleeps, and tells the news',
    script: { happens: [asleep('late')], finds: 1 },
    expected: ['late'],
    because: 'The news wakes the thread.',
    likely:
      'Sleep on the word NEWS of `words`, without a timeout, while it has the value that you have read; then look again.',
  },
  {
    story: 'tells the sleeping thread news of other things, twice; then leaves something',
    script: { happens: [asleep(), asleep(), asleep('late')], finds: 1 },
    expected: ['late'],
    because:
      'Being woken does not mean that it is there: the news may have been about something else.',
    likely: 'Write a loop: look again after each wake-up, and sleep again while there is nothing.',
  },
  {
    story: 'leaves something, and tells the news, just after the thread has looked',
    script: { toldBefore: 1, happens: [behind('just missed')], finds: 1 },
    expected: ['just missed'],
    because:
      'It arrived between the look and the sleep, when the news could wake nobody yet. This is the lost wake-up.',
    likely:
      'Read the count before the look, and sleep while it is still the same. tellNews() has to change it each time.',
  },
  {
    story: 'leaves two things, with news of each, just after the thread has looked',
    script: { toldBefore: 1, happens: [behind('one', 'two')], finds: 2 },
    expected: ['one', 'two'],
    because: 'Two events must look neither like none nor like one.',
    likely: 'A flag that changes twice looks as if nothing had happened. Count the events instead.',
  },
  {
    story: 'leaves false for the thread, and then null',
    script: { things: [false, null], happens: [asleep('never')], finds: 2 },
    expected: [false, null],
    because: 'Only undefined means that nothing was found.',
    likely: 'Compare with undefined: false, 0, null and an empty string are things, too.',
  },
  {
    story: 'leaves something that makes the look throw',
    script: { things: [new Error('lost')], happens: [asleep('never')], finds: 1 },
    expected: ['throws lost'],
    because: 'What a look throws has to reach the code that waits. Nothing else may ever arrive.',
    likely: 'Let it pass: catch nothing.',
  },
  {
    story:
      'tells the thread news of another connection, twice, and the thread sees both; then leaves two things here, with news of each, just after the first look',
    script: { toldElsewhere: 2, happens: [behind('one', 'two')], finds: 2 },
    expected: ['one', 'two'],
    because:
      'Each connection has words of its own, so the same count on two connections means nothing.',
    likely:
      'Read the count in each call, before each look, and keep nothing from one call to the next.',
  },
  {
    story: 'tells the sleeping thread news of other things, 100,000 times; then leaves something',
    script: { happens: [{ when: 'asleep', times: 100_000 }, asleep('late')], finds: 1 },
    expected: ['late'],
    because: 'Nobody knows how much other news there is before the news that the thread waits for.',
    likely: 'Look and sleep until something is found, however many looks that takes.',
  },
  {
    story:
      'has told news 2,147,483,647 times; leaves something just after the look, and something else while the thread sleeps',
    script: { countFrom: 2 ** 31 - 1, happens: [behind('one'), asleep('two')], finds: 2 },
    expected: ['one', 'two'],
    because:
      'NEWS has 32 bits. After 2,147,483,647 comes -2,147,483,648, and that is news like any other.',
    likely:
      'A later count may be smaller: ask whether two counts are equal, not which one is larger.',
  },
]

const FULL_STACK = 'throws RangeError: Maximum call stack size exceeded'

/** In an hour without news. */
export const MOST_LOOKS = 3

export const COMES_BACK = { because: 'Everything that it waits for has happened.' }

/** However a thing comes, before a look, behind it or during the sleep, it is found. */
export async function expectEveryWait({ inThread, expectSame, story }: Stage): Promise<void> {
  for (const { story: what, script, expected, because, likely } of WAITS) {
    story.tell('bridge', what)
    const outcome = await inThread<SleeperOutcome>(SLEEPER, script, { because, likely })
    const received = outcome.stuck ? `it never returns: ${outcome.stuck}` : outcome.found
    expectSame('what the thread finds', received, expected, {
      because,
      likely: causeOfStuck(outcome, likely),
      look: 'news.sleepUntil()',
    })
  }
}

/** Without news nobody looks. */
export async function expectSleepInSilence({ inThread, expect, story }: Stage): Promise<void> {
  story.tell('bridge', 'has no news for an hour; then leaves something')
  const silence: SleeperScript = {
    happens: [{ when: 'asleep', things: ['at last'], silenceMs: HOUR_MS }],
    finds: 1,
  }
  const { looksInSilence, stuck } = await inThread<SleeperOutcome>(SLEEPER, silence, COMES_BACK)
  const looks = stuck === 'spinning' ? 'a thousand or more' : `${looksInSilence}`
  const wakes = stuck === 'spinning without a look' ? ', but it wakes a thousand times or more' : ''
  expect(`at most ${MOST_LOOKS} looks in that hour`, !stuck && looksInSilence <= MOST_LOOKS, {
    because:
      'There was no news to look for. A thousand threads that look now and then keep a core busy.',
    likely: 'The wait has a timeout. Leave it out: the news wakes the thread.',
    look: 'news.sleepUntil()',
    received: `${looks} looks${wakes}`,
  })
}

/** Why a sleeper is stuck. */
function causeOfStuck({ stuck, seen, found }: SleeperOutcome, otherwise: string): string {
  if (stuck === 'asleep' && seen > found.length)
    return 'A look has found something that sleepUntil() did not return. Look once, and return that: a second look finds the next thing, or nothing.'
  if (stuck === 'spinning')
    return 'It looks again and again, and never sleeps: Atomics.wait returns at once if the word does not have the value it was given. Give it the value that you read before the look.'
  if (found.at(-1) === FULL_STACK)
    return 'A function that calls itself after each sleep fills the stack. Write a loop.'
  if (stuck === 'asleep on another word')
    return 'It sleeps on a word that nobody notifies. tellNews() notifies NEWS.'
  return otherwise
}
