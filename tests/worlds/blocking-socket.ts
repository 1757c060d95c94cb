/** What chapter 03's steps play in: a thread in a world of the test's own, and a server that has come to rest. */

import type { Happening, SleeperOutcome, SleeperScript } from '../chapters/threads/03-sleeper.ts'
import type { HostedServer } from '../harness/hosted-server.ts'

const threads = new URL('../chapters/threads/', import.meta.url)
export const SLEEPER = new URL('03-sleeper.ts', threads)
export const READER = new URL('03-reader.ts', threads)
export const WRITER = new URL('03-writer.ts', threads)

export const bytes = (text: string) => ({ kind: 'bytes' as const, bytes: Buffer.from(text) })
export const end = { kind: 'end' as const }
export const lost = (code: string) => ({ kind: 'lost' as const, code })

/** One thing that a thread waits for, and how it comes. */
export interface Wait {
  story: string
  script: SleeperScript
  expected: unknown[]
  because: string
  likely: string
}

const behind = (...things: unknown[]): Happening => ({ when: 'behind the look', things })
const asleep = (...things: unknown[]): Happening => ({ when: 'asleep', things })

export const HOUR_MS = 3_600_000

export const WAITS: Wait[] = [
  {
    story: 'the bridge has left two things, and told the news, before the thread looks',
    script: { things: ['one', 'two'], toldBefore: 2, happens: [], finds: 2 },
    expected: ['one', 'two'],
    because: 'What is there already need not be waited for.',
    likely: 'Look first, and sleep only when there is nothing.',
  },
  {
    story: 'the thread sleeps; then something comes, and the news is told',
    script: { happens: [asleep('late')], finds: 1 },
    expected: ['late'],
    because: 'The news wakes the thread.',
    likely:
      'Sleep on the word NEWS of `words`, without a time-out, while it has the value that you have read; after that look again.',
  },
  {
    story: 'the thread sleeps; news is told twice of other things, and then something comes',
    script: { happens: [asleep(), asleep(), asleep('late')], finds: 1 },
    expected: ['late'],
    because:
      'Being woken does not mean that it is there: the news may have been about something else.',
    likely: 'After each wake look again, and sleep again while there is nothing: a loop.',
  },
  {
    story: 'something comes, and the news is told, just after the thread has looked',
    script: { toldBefore: 1, happens: [behind('just missed')], finds: 1 },
    expected: ['just missed'],
    because:
      'It came between the look and the sleep: the news found nobody asleep. This is the lost wake-up.',
    likely:
      'Read the count before the look, and sleep while it is still the same. tellNews() has to change it each time.',
  },
  {
    story: 'two things come, each with its news, just after the thread has looked',
    script: { toldBefore: 1, happens: [behind('one', 'two')], finds: 2 },
    expected: ['one', 'two'],
    because: 'Two events are not none, and not one.',
    likely: 'A flag that changes twice looks as if nothing had happened. Count.',
  },
  {
    story: 'the thread waits for something, and what comes is false',
    script: { things: [false], happens: [], finds: 1 },
    expected: [false],
    because: 'Only undefined means that nothing was found.',
    likely: 'Compare with undefined: false, 0, null and an empty text are things, too.',
  },
]

/** Why a sleeper is stuck. */
export function causeOfStuck({ stuck }: SleeperOutcome, otherwise: string): string {
  if (stuck === 'spinning')
    return 'It looks again and again, and never sleeps: Atomics.wait returns at once if the word has another value than the one it was given. Give it the value that you have read before the look.'
  if (stuck === 'asleep on another word')
    return 'It sleeps on a word that nobody notifies. tellNews() notifies NEWS.'
  return otherwise
}

/**
 * Waits until nothing has moved in the server for so many looks, as long as `isWorthIt`. On a busy machine, a server that
 * does not move may be waiting for a core.
 */
export async function untilAsleep(
  server: HostedServer,
  { looks = 2, isWorthIt = async () => true } = {},
): Promise<void> {
  for (let quiet = 0; quiet < looks && (await isWorthIt()); ) {
    quiet = (await server.cpuMsDuring(15)) < 2 ? quiet + 1 : 0
  }
}

/** A thread that is woken is back long before that, and one that sleeps out a time-out has to be lucky. */
export const WOKEN_MS = 25

const FIRST_TRIPS = 5
const MOST_TRIPS = 15

/** When all of the first trips are quick, that is enough. On a busy machine the majority of `MOST_TRIPS` decides. */
export function isMedianKnown(trips: number[]): boolean {
  const woken = trips.filter((ms) => ms < WOKEN_MS).length
  if (trips.length === FIRST_TRIPS && woken === FIRST_TRIPS) return true
  return Math.max(woken, trips.length - woken) > MOST_TRIPS / 2
}

/** Why three reads over a byte and a loss may come out wrong. */
export function causeOfLossMisread([first, second, third]: string[]): string {
  if (first !== 'bytes x') return 'Look for messages first: CLOSED is for write().'
  if (!second.startsWith('throws ConnectionLost')) return 'Throw a ConnectionLost at a loss.'
  return second === third
    ? 'Throw the ConnectionLost with the code of the message.'
    : 'Remember the loss with its code, and throw it again.'
}

interface Lines {
  texts: string[]
  /** How the stream ends; by FIN unless said otherwise. */
  ending?: ReturnType<typeof lost> | typeof end
  /** `maxBytes`. */
  limit?: number
  /** What each `readLine()` comes to. */
  lines: string[]
  because: string
  likely: string
}

export const LINES: Lines[] = [
  {
    texts: ['whole\n'],
    lines: ['line whole', 'null'],
    because: 'Behind the last line end nothing is left: no line, not even an empty one.',
    likely: 'At the end of the stream there is a last line only if it has any bytes.',
  },
  {
    texts: ['  a\rb  \r\n', '\r\n'],
    lines: ['line   a\rb  ', 'line '],
    because: 'Only the line end is no part of the line. Spaces are, and so is a \\r in the middle.',
    likely: 'Take off one \\r at the end, and nothing else.',
  },
  {
    texts: ['whole\nhal'],
    ending: lost('ECONNRESET'),
    lines: ['line whole', 'throws ConnectionLost (ECONNRESET)'],
    because:
      'The peer was lost in the middle of a line. Half a line must not look like a whole one.',
    likely: 'Let what read() throws pass through.',
  },
  {
    texts: ['12345\n12', '345\r\n', '12345\r', '\n12345'],
    limit: 5,
    lines: [...Array(4).fill('line 12345'), 'null'],
    because:
      'The limit is for the line. Its end, \\n or \\r\\n, does not count, however it is cut.',
    likely: 'A \\r at the end may belong to the line end: take it off before you count.',
  },
  {
    texts: ['1\n123456\n2\n'],
    limit: 5,
    lines: ['line 1', 'throws LineTooLong'],
    because: 'A line that is too long is too long, also when all of it is there, its end included.',
    likely: 'Look at the limit in both cases: with the line end in the chunk and without.',
  },
  {
    texts: ['🌍🌍\n'],
    limit: 5,
    lines: ['throws LineTooLong'],
    because: 'The limit counts bytes: memory is made of bytes, and 🌍 is four of them.',
    likely: 'Count the length of the pieces, not the characters of the text.',
  },
]
