/** A thread that writes, while the test plays its bridge: when it sleeps, and what wakes it. */

import type { WriterOutcome, WriterScript } from '../../chapters/threads/03-writer.ts'
import { countBytes } from '../../harness/bytes.ts'
import type { Reason } from '../../harness/failure.ts'
import type { Stage } from '../../judge/step.ts'
import { COMES_BACK, HOUR_MS, MOST_LOOKS } from './sleeping-thread.ts'

const WRITER = new URL('../../chapters/threads/03-writer.ts', import.meta.url)
const KIBIBYTE = 1024

/** `WINDOW_BYTES`. */
const WINDOW = 64 * KIBIBYTE

/** A write returns when there is room, throws when there will be none, and sleeps until then. */
export async function expectRoomAwaited(stage: Stage): Promise<void> {
  const { inThread, expect, expectSame, story } = stage
  const write = (script: WriterScript, reason: Reason) => {
    const more = script.more ? `, and then ${countBytes(script.more)}` : ''
    story.tell(
      'thread',
      `writes ${countBytes(script.bytes)}${more}, with ${countBytes(WINDOW)} of room`,
    )
    if (script.isEnded) story.tell('bridge', 'has delivered the end, and the thread has read null')
    for (const { what } of script.happens) story.tell('bridge', what)
    return inThread<WriterOutcome>(WRITER, script, reason)
  }
  const bit = { what: 'tells that the kernel has taken some', bytes: 8 * KIBIBYTE } as const
  const other = { what: 'tells news that does not concern the thread' } as const
  const bytesToWrite = WINDOW + 16 * KIBIBYTE
  const slowly: WriterScript = {
    bytes: bytesToWrite,
    unread: 'hello',
    happens: [other, bit, other, bit],
  }
  const slow = await write(slowly, COMES_BACK)
  expectSame(
    'the outcome of write(), and what is left to flush',
    [slow.write, slow.unflushed],
    ['returns', WINDOW],
    {
      because: 'There is room only when the kernel has taken enough. Other news makes no room.',
      likely: causeOfNoRoom(slow, WINDOW),
    },
  )
  expectSame('what the thread reads after that', slow.read, 'hello', {
    because: 'It arrived before the write, and a thread that waits for room reads nothing.',
    likely:
      '#waitForRoom() looks at FLUSHED and CLOSED. A message that it takes with #receive() is lost for read().',
    look: '#waitForRoom()',
  })
  story.tell('thread', 'has written 1,000,000 bytes, and the kernel has taken all of it')
  const later = await write(
    { before: 1_000_000, bytes: bytesToWrite, happens: [other, bit, other, bit] },
    COMES_BACK,
  )
  expectSame(
    'the outcome of write(), and what is left to flush',
    [later.write, later.unflushed],
    ['returns', WINDOW],
    {
      because:
        'FLUSHED has counted since the conversation began, and so has #written. What waits for the peer is their difference at this moment.',
      likely:
        'Call #unflushed() in each look: what it returned before the sleep is out of date, and FLUSHED alone says nothing about this write.',
      look: '#waitForRoom()',
    },
  )
  const ended = await write(
    { bytes: bytesToWrite, isEnded: true, happens: [other, bit, bit] },
    COMES_BACK,
  )
  expectSame("the outcome of write() after the peer's FIN", ended.write, 'returns', {
    because:
      'FIN says "I will send no more", not "I will not listen". The peer still reads, so there will be room.',
    likely:
      'Only CLOSED says that there will never be room. How the reading has ended (#ending) says nothing about it.',
    look: '#waitForRoom()',
  })
  const twice = { bytes: bytesToWrite, more: 16 * KIBIBYTE }
  const again = await write({ ...twice, happens: [bit, bit, bit, bit] }, COMES_BACK)
  expectSame(
    'the outcome of both writes, and what is left to flush',
    [again.write, again.unflushed],
    ['returns', WINDOW],
    {
      because: 'What the first write has left in the window is still there at the second one.',
      likely:
        'Each write waits for its own room: look at #unflushed(), and leave both counts alone.',
      look: '#waitForRoom()',
    },
  )
  const closing = [other, { what: 'tells that the connection has closed' } as const]
  const closed = await write({ bytes: bytesToWrite, happens: closing }, COMES_BACK)
  // Which code of errno(3) it is, is up to the answer.
  const thrown = closed.write.replace(/^(throws ConnectionLost) \(E[A-Z]+\)$/, '$1')
  expectSame('the outcome of write()', thrown, 'throws ConnectionLost', {
    because: 'What was written has gone nowhere, and the code that writes has to learn of it.',
    likely: thrown.startsWith('throws ConnectionLost')
      ? 'Give it a code from errno(3): EPIPE is what write(2) reports for a connection that takes no more.'
      : 'In #waitForRoom(): look at CLOSED each time, and throw ConnectionLost if it is set. There will never be room.',
    look: '#waitForRoom()',
  })
  const silence = { what: 'has no news for an hour', ms: HOUR_MS } as const
  const rest = { ...bit, bytes: bytesToWrite }
  const { looksInSilence } = await write(
    { bytes: bytesToWrite, happens: [silence, rest] },
    COMES_BACK,
  )
  expect(`at most ${MOST_LOOKS} looks during an hour of silence`, looksInSilence <= MOST_LOOKS, {
    because: 'Nothing had changed. A thread that waits for room costs nothing.',
    likely: 'Sleep until there is news, without a timeout, as sleepUntil() does.',
    received: `${looksInSilence} looks`,
  })
  const long = { before: 2 ** 31 - 40 * KIBIBYTE, bytes: bytesToWrite }
  story.tell('thread', 'has written nearly 2 GiB, and the kernel has taken all of it')
  const wrapped = await write({ ...long, happens: [other, bit, other, bit] }, COMES_BACK)
  expectSame(
    'the outcome of write(), and what is left to flush',
    [wrapped.write, wrapped.unflushed],
    ['returns', WINDOW],
    {
      because:
        'Both counts are modulo 2³², and wrap around to -2,147,483,648. Their difference is what waits for the peer, however long the two have talked.',
      likely:
        'Count with 32 bits, (written - flushed) | 0, as #unflushed() does. That is right even when one or both of them have wrapped around.',
      look: '#waitForRoom()',
    },
  )
  const often = { what: 'tells news that does not concern the thread', times: 100 } as const
  const late = await write({ bytes: bytesToWrite, happens: [often, rest] }, COMES_BACK)
  expectSame('the outcome of write() after other news a hundred times', late.write, 'returns', {
    because: 'Nobody knows how much other news there is before there is room.',
    likely:
      'Look and sleep until there is room or the connection is closed, however many looks that takes.',
    look: '#waitForRoom()',
  })
}

/** Why a write with `window` bytes of room may end too early, too late or never. */
function causeOfNoRoom(outcome: WriterOutcome, window: number): string {
  const { write, unflushed, hasSeenRoom, isFlushedAltered } = outcome
  if (isFlushedAltered)
    return "FLUSHED is the bridge's count, and the bridge goes on counting: #waitForRoom() only looks at it."
  if (write.endsWith('spinning'))
    return 'It looks again and again. Let sleepUntil() do the waiting.'
  if (write.endsWith('asleep') && hasSeenRoom)
    return 'With exactly WINDOW_BYTES unflushed there is room. The thread saw that no more were unflushed, and fell asleep all the same.'
  if (write.endsWith('asleep'))
    return 'The kernel has taken enough and the news was told; the thread fell asleep all the same. Read the count of news first, then look, then sleep: sleepUntil() does that.'
  if (write.endsWith('notifies')) return 'FLUSHED is not notified. NEWS is, after each change.'
  return unflushed > window
    ? 'Return only when at most WINDOW_BYTES are unflushed: look again after each wake-up, and sleep on. A look that returns `false` has found something: only `undefined` means nothing yet.'
    : 'It waits for more room than it needs, or throws. Up to WINDOW_BYTES may be unflushed.'
}
