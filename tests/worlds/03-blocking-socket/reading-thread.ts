/** A thread that reads, while the test plays its bridge: what it reads, and what it says it has taken. */

import type { ReaderOutcome, ReaderScript } from '../../chapters/threads/03-reader.ts'
import type { Reason } from '../../harness/failure.ts'
import type { Stage } from '../../judge/step.ts'
import { COMES_BACK, HOUR_MS, MOST_LOOKS } from './sleeping-thread.ts'

const READER = new URL('../../chapters/threads/03-reader.ts', import.meta.url)

export const bytes = (text: string) => ({ kind: 'bytes' as const, bytes: Buffer.from(text) })
export const end = { kind: 'end' as const }
export const lost = (code: string) => ({ kind: 'lost' as const, code })

/** What comes of reading from a bridge that the test plays. */
export function readByHand(
  { inThread }: Stage,
  script: ReaderScript,
  reason: Reason,
): Promise<ReaderOutcome> {
  return inThread<ReaderOutcome>(READER, script, reason)
}

/** Messages are read in order, whenever they come, and nobody looks for them before. */
export async function expectReads(stage: Stage): Promise<void> {
  const { expect, expectSame, story } = stage
  story.tell(
    'bridge',
    'delivers two messages before the thread looks, and one right after its look',
  )
  const three: ReaderScript = {
    waiting: [bytes('one'), bytes('two')],
    late: [bytes('three')],
    acts: ['read', 'read', 'read'],
  }
  const { results } = await readByHand(stage, three, {
    because: 'Three messages have arrived, and the news was told for each.',
    likely: 'Let sleepUntil() wait, with a look that takes the next message (#receive).',
  })
  expectSame('what the thread reads', results, ['bytes one', 'bytes two', 'bytes three'], {
    because: 'Nothing is lost, and the order is kept.',
    likely: 'Each read() takes one message and returns its bytes.',
    look: 'blocking-socket.read()',
  })
  story.tell('bridge', 'has no news for an hour; then delivers a message')
  const quiet: ReaderScript = {
    waiting: [],
    silenceMs: HOUR_MS,
    late: [bytes('late')],
    acts: ['read'],
  }
  const { looksInSilence } = await readByHand(stage, quiet, COMES_BACK)
  expect(`at most ${MOST_LOOKS} looks in that hour`, looksInSilence <= MOST_LOOKS, {
    because: 'A thread that reads has nothing to do before there is news. It sleeps until then.',
    likely:
      'read() looks again and again, or sleeps with a timeout of its own. Let sleepUntil() do the waiting.',
    look: 'blocking-socket.read()',
    received: `${looksInSilence >= 1_000 ? 'a thousand or more' : looksInSilence} looks`,
  })
}

/** An end and a loss are read behind all bytes, now and each time later. */
export async function expectEndingsRead(stage: Stage): Promise<void> {
  const { expectSame, story } = stage
  story.tell('bridge', 'delivers a byte and the end; the thread reads three times')
  const ended: ReaderScript = { waiting: [bytes('x'), end], late: [], acts: threeReads }
  const readToEnd = await readByHand(stage, ended, {
    because: 'Nothing comes after the end. read() must say so each time instead of waiting.',
    likely: 'Remember that the stream has ended.',
    look: 'blocking-socket.read()',
  })
  expectSame('what the thread reads', readToEnd.results, ['bytes x', 'null', 'null'], {
    because: 'null is the end, now and each time later. An empty chunk is something else.',
    likely: 'Return null for the message of kind `end`.',
  })

  story.tell('bridge', 'delivers a byte and the loss of the peer; the thread reads three times')
  const isLost = { waiting: [bytes('x'), lost('ETIMEDOUT')], late: [], acts: threeReads }
  const readToLoss = await readByHand(
    stage,
    { ...isLost, isClosed: true },
    {
      because: 'Nothing comes after a loss. read() must say so each time instead of waiting.',
      likely: 'Remember that the peer is lost, as you remember the end.',
      look: 'blocking-socket.read()',
    },
  )
  const thrown = 'throws ConnectionLost (ETIMEDOUT)'
  expectSame('what the thread reads', readToLoss.results, ['bytes x', thrown, thrown], {
    because:
      'What arrived before the loss is read first. A loss is not an end, and says why: the code that reads must be able to tell them apart.',
    likely: causeOfLossMisread(readToLoss.results),
  })

  story.tell(
    'thread',
    'has said its own FIN (CLOSED is set), and reads on; later four bytes arrive',
  )
  const halfClosed: ReaderScript = { waiting: [], late: [bytes('late')], acts: ['read'] }
  const readOn = await readByHand(stage, { ...halfClosed, isClosed: true }, COMES_BACK)
  expectSame('what the thread reads', readOn.results, ['bytes late'], {
    because: 'We will send no more, but the peer still does.',
    likely: 'CLOSED is about what we write. Only the messages `end` and `lost` end a read.',
  })
}

/** The bridge hears how much was read. */
export async function expectTakenTold(stage: Stage): Promise<void> {
  const { expectSame, story } = stage
  story.tell('bridge', 'delivers 5 bytes, 3 bytes and 6 bytes; the thread reads twice')
  const small: ReaderScript = {
    waiting: [bytes('hello'), bytes('ada'), bytes('unread')],
    late: [],
    acts: ['read', 'read'],
  }
  const { taken } = await readByHand(stage, small, COMES_BACK)
  expectSame('the number of bytes that the thread says it has taken', taken, 8, {
    because: 'The bridge sees what it delivers, not what is read: it has to be told.',
    likely:
      taken === 14
        ? 'A message is not taken before read() returns its bytes: post `taken` for that message, and for none after it.'
        : 'read() posts `taken` with the number of bytes it returns, once for each message, before it returns them.',
    look: 'blocking-socket.read()',
  })
}

const threeReads: ReaderScript['acts'] = ['read', 'read', 'read']

/** Why three reads over a byte and a loss may come out wrong. */
function causeOfLossMisread([first, second, third]: string[]): string {
  if (first !== 'bytes x') return 'Look for messages first: CLOSED is for write().'
  if (!second.startsWith('throws ConnectionLost')) return 'Throw a ConnectionLost at a loss.'
  return second === third
    ? 'Throw the ConnectionLost with the code of the message.'
    : 'Remember the loss with its code, and throw it again.'
}
