/** What chapter 03's steps play in: a thread in a world of the test's own, and a server that has come to rest. */

import type { ReaderOutcome, ReaderScript } from '../chapters/threads/03-reader.ts'
import type { Happening, SleeperOutcome, SleeperScript } from '../chapters/threads/03-sleeper.ts'
import type { WriterOutcome } from '../chapters/threads/03-writer.ts'
import type { Reason } from '../harness/failure.ts'
import type { HostedServer } from '../harness/hosted-server.ts'
import type { Stage } from '../judge/step.ts'
import { UNNOTICED } from './bridge.ts'

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
    story: 'leaves two things, with news of each, before the thread looks',
    script: { things: ['one', 'two'], toldBefore: 2, happens: [], finds: 2 },
    expected: ['one', 'two'],
    because: 'What is there already need not be waited for.',
    likely: 'Look first, and sleep only when there is nothing.',
  },
  {
    story: 'leaves something while the thread sleeps, and tells the news',
    script: { happens: [asleep('late')], finds: 1 },
    expected: ['late'],
    because: 'The news wakes the thread.',
    likely:
      'Sleep on the word NEWS of `words`, without a time-out, while it has the value that you have read; after that look again.',
  },
  {
    story: 'tells the sleeping thread news of other things, twice; then leaves something',
    script: { happens: [asleep(), asleep(), asleep('late')], finds: 1 },
    expected: ['late'],
    because:
      'Being woken does not mean that it is there: the news may have been about something else.',
    likely: 'After each wake look again, and sleep again while there is nothing: a loop.',
  },
  {
    story: 'leaves something, and tells the news, just after the thread has looked',
    script: { toldBefore: 1, happens: [behind('just missed')], finds: 1 },
    expected: ['just missed'],
    because:
      'It came between the look and the sleep: the news found nobody asleep. This is the lost wake-up.',
    likely:
      'Read the count before the look, and sleep while it is still the same. tellNews() has to change it each time.',
  },
  {
    story: 'leaves two things, with news of each, just after the thread has looked',
    script: { toldBefore: 1, happens: [behind('one', 'two')], finds: 2 },
    expected: ['one', 'two'],
    because: 'Two events are not none, and not one.',
    likely: 'A flag that changes twice looks as if nothing had happened. Count.',
  },
  {
    story: 'leaves false for the thread, and then null',
    script: { things: [false, null], happens: [asleep('never')], finds: 2 },
    expected: [false, null],
    because: 'Only undefined means that nothing was found.',
    likely: 'Compare with undefined: false, 0, null and an empty text are things, too.',
  },
  {
    story: 'leaves something that makes the look throw',
    script: { things: [new Error('lost')], happens: [asleep('never')], finds: 1 },
    expected: ['throws lost'],
    because: 'What a look throws has to reach the code that waits. It may be all that ever comes.',
    likely: 'Let it pass: catch nothing.',
  },
  {
    story:
      'tells the thread two news of another connection, and they are heard; then leaves two things here, with news of each, just after the first look',
    script: { toldElsewhere: 2, happens: [behind('one', 'two')], finds: 2 },
    expected: ['one', 'two'],
    because:
      'Each connection has words of its own, and the same count in two of them means nothing.',
    likely:
      'Read the count in each call, before each look, and keep nothing from one call to the next.',
  },
]

/** Why a thread may not hear of a byte. */
export function causeOfUntold(calls: string[], isNews: boolean): string {
  if (calls.length === 0) return "Nothing listens for 'data'."
  if (calls.includes('notify') && !isNews)
    return 'Nothing has changed in the words of this bridge, so a thread that is about to sleep notices nothing. tellNews(words) counts and notifies.'
  return 'In deliver(): first postMessage, then tellNews().'
}

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
    texts: ['  a\rb  \r\n', '\r\n', 'c\r\r\n', 'd\r'],
    lines: ['line   a\rb  ', 'line ', 'line c\r', 'line d'],
    because: 'Only the line end is no part of the line. Spaces are, and so is a \\r in the middle.',
    likely:
      'Take off one \\r at the end, also at the end of the stream, and nothing else. toLine() does.',
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
    likely:
      'A \\r at the end may belong to the line end: take it off before you count. It may have been the last byte of the chunk before.',
  },
  {
    texts: ['one\n2', '\n3'],
    lines: ['line one', 'line 2', 'line 3', 'null'],
    because: 'One byte is enough for a line, with a line end behind it or without.',
    likely: 'What follows a line end may be a single byte, and so may the last line.',
  },
  {
    texts: ['123456'],
    limit: 5,
    lines: ['throws LineTooLong'],
    because: 'readLine(5) asks for at most five bytes.',
    likely:
      'The limit is the parameter, maxBytes. MAX_LINE_BYTES is only what it is unless told otherwise.',
  },
  {
    texts: ['1\n123456\n2\n'],
    limit: 5,
    lines: ['line 1', 'throws LineTooLong'],
    because: 'A line that is too long is too long, also when all of it is there, its end included.',
    likely: 'Look at the limit in both cases: with the line end in the chunk and without.',
  },
  {
    texts: ['123456\r\n'],
    limit: 5,
    lines: ['throws LineTooLong'],
    because:
      'Six bytes are too many for a limit of five. Of the line, only its end does not count.',
    likely: 'Only one \\r may be taken off the count: the \\n was never in it.',
  },
  {
    texts: ['🌍🌍\n'],
    limit: 5,
    lines: ['throws LineTooLong'],
    because: 'The limit counts bytes: memory is made of bytes, and 🌍 is four of them.',
    likely: 'Count the length of the pieces, not the characters of the text.',
  },
]

export const threeReads: ReaderScript['acts'] = ['read', 'read', 'read']

/** What comes of reading from a bridge that the test plays. */
export function readByHand(
  { inThread }: Stage,
  script: ReaderScript,
  reason: Reason,
): Promise<ReaderOutcome> {
  return inThread<ReaderOutcome>(READER, script, reason)
}

export function causeOfLossMistold(told: string[]): string {
  if (told[0]?.startsWith('lost'))
    return 'Deliver bytes at once, and not a turn of the loop later: what comes first is told first.'
  if (told[1]?.startsWith('lost') && told.length > 2)
    return "Keep the code at 'error', and deliver the loss at 'close' only."
  if (told[1]?.startsWith('lost'))
    return "The code comes with 'error'. 'close' comes after it: keep the code until then."
  return "'close' comes in any case. If the socket has not ended by then (`readableEnded`), deliver the loss, in the 'close' listener itself: the port closes right after."
}

/** Why a bridge may be wrong about a connection that closes without an error. */
export function causeOfCloseMistold(told: string[]): string {
  return told[1]?.startsWith('lost')
    ? "This connection had no 'error', so the code is ECONNRESET: not that of another connection."
    : "A socket may close without an 'error'. Deliver the loss at 'close': that comes in any case."
}

export function causeOfEndMistold(told: string[]): string {
  if (told.some((message) => message.endsWith(UNNOTICED)))
    return 'The message is there, and a thread that sleeps looks for it only when it is told news. deliver() does both, for every kind of message.'
  if (told.length > 2)
    return 'A socket that has ended closes, too. If `readableEnded`, that is no loss.'
  if (told[0] === 'end') return 'Deliver bytes at once, and not a turn of the loop later.'
  return told[1]
    ? "'end' is the peer's FIN, and no loss."
    : "Deliver `end` when the socket says 'end'."
}

/** Why a write with `window` bytes of room may end too early, too late or never. */
export function causeOfNoRoom(
  { write, unflushed, hasSeenRoom }: WriterOutcome,
  window: number,
): string {
  if (write.endsWith('spinning'))
    return 'It looks again and again. Let sleepUntil() do the waiting.'
  if (write.endsWith('asleep') && hasSeenRoom)
    return 'Exactly WINDOW_BYTES are room enough. The thread saw that no more were unflushed, and fell asleep all the same.'
  if (write.endsWith('asleep'))
    return 'The kernel has taken enough and the news was told; the thread fell asleep all the same. The count of news first, then the look, then the sleep: sleepUntil() does that.'
  if (write.endsWith('notifies')) return 'FLUSHED is not notified; NEWS is, after each change.'
  return unflushed > window
    ? 'Return when at most WINDOW_BYTES are unflushed, and not before: after each wake look again, and sleep on. A look that returns `false` has found something: only `undefined` means nothing yet.'
    : 'It waits for more room than it needs, or throws: WINDOW_BYTES may be unflushed.'
}
