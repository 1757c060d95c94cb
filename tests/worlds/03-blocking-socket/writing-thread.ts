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
    for (const { what } of script.happens) story.tell('bridge', what)
    return inThread<WriterOutcome>(WRITER, script, reason)
  }
  const bit = { what: 'the kernel takes some', bytes: 8 * KIBIBYTE } as const
  const other = { what: 'nothing that concerns it' } as const
  const bytesToWrite = WINDOW + 16 * KIBIBYTE
  const slowly: WriterScript = {
    bytes: bytesToWrite,
    unread: 'hello',
    happens: [other, bit, other, bit],
  }
  const slow = await write(slowly, COMES_BACK)
  expectSame(
    'write() and what is left to flush',
    [slow.write, slow.unflushed],
    ['returns', WINDOW],
    {
      because:
        'There is room when the kernel has taken enough, and not before. Other news makes none.',
      likely: causeOfNoRoom(slow, WINDOW),
    },
  )
  expectSame('what the thread reads behind that', slow.read, 'hello', {
    because: 'It came before the write, and a thread that waits for room reads nothing.',
    likely:
      '#waitForRoom() looks at FLUSHED and CLOSED. A message that it takes by #receive() is lost for read().',
    look: '#waitForRoom()',
  })
  const twice = { bytes: bytesToWrite, more: 16 * KIBIBYTE }
  const again = await write({ ...twice, happens: [bit, bit, bit, bit] }, COMES_BACK)
  expectSame(
    'both writes and what is left to flush',
    [again.write, again.unflushed],
    ['returns', WINDOW],
    {
      because: 'What the first write has left in the window is still in it at the second one.',
      likely:
        'Each write waits for its own room: look at #unflushed(), and leave both counts alone.',
      look: '#waitForRoom()',
    },
  )
  const closing = [other, { what: 'the connection closes' } as const]
  const closed = await write({ bytes: bytesToWrite, happens: closing }, COMES_BACK)
  // Which code of errno(3) it is, is up to the answer.
  const thrown = closed.write.replace(/^(throws ConnectionLost) \(E[A-Z]+\)$/, '$1')
  expectSame('write()', thrown, 'throws ConnectionLost', {
    because: 'What was written has gone nowhere, and the code that writes has to learn of it.',
    likely: thrown.startsWith('throws ConnectionLost')
      ? 'It has a code of errno(3): EPIPE is what write(2) says of a connection that takes no more.'
      : 'In #waitForRoom(): look at CLOSED each time, and throw ConnectionLost. There will be no room, ever.',
    look: '#waitForRoom()',
  })
  const silence = { what: 'silence', ms: HOUR_MS } as const
  const rest = { ...bit, bytes: bytesToWrite }
  const { looksInSilence } = await write(
    { bytes: bytesToWrite, happens: [silence, rest] },
    COMES_BACK,
  )
  expect(`at most ${MOST_LOOKS} looks during an hour of silence`, looksInSilence <= MOST_LOOKS, {
    because: 'Nothing had changed. A thread that waits for room costs nothing.',
    likely: 'Sleep until there is news, without a time-out: sleepUntil() does.',
    received: `${looksInSilence} looks`,
  })
  const long = { before: 2 ** 31 - 40 * KIBIBYTE, bytes: bytesToWrite }
  story.tell('thread', 'has written nearly 2 GiB, and the kernel has taken them')
  const wrapped = await write({ ...long, happens: [other, bit, other, bit] }, COMES_BACK)
  expectSame(
    'write() and what is left to flush',
    [wrapped.write, wrapped.unflushed],
    ['returns', WINDOW],
    {
      because:
        'Both counts are modulo 2³², and begin anew with -2,147,483,648. What waits for the peer is their difference, however long they have talked.',
      likely:
        'Count with 32 bits, (written - flushed) | 0, as #unflushed() does: then both may have wrapped around, or one of them.',
      look: '#waitForRoom()',
    },
  )
  const often = { what: 'nothing that concerns it', times: 100 } as const
  const late = await write({ bytes: bytesToWrite, happens: [often, rest] }, COMES_BACK)
  expectSame('write(), when that has been news a hundred times', late.write, 'returns', {
    because: 'Nobody knows how much other news there is before there is room.',
    likely:
      'Look and sleep until there is room or the connection is closed, however often that is.',
    look: '#waitForRoom()',
  })
}

/** Why a write with `window` bytes of room may end too early, too late or never. */
function causeOfNoRoom({ write, unflushed, hasSeenRoom }: WriterOutcome, window: number): string {
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
