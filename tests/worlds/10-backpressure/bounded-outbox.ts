/** What steps 10.1 to 10.3 ask an outbox: on a stream that the test has in its hand. */

import type { Outbox, OutboxLimits } from '#code/10-backpressure/outbox.ts'
import { quote } from '../../harness/bytes.ts'
import { pattern } from '../../harness/client.ts'
import { type Random, randomInteger } from '../../harness/random.ts'
import { ScriptedStream } from '../../harness/scripted-stream.ts'
import type { Stage } from '../../judge/step.ts'
import { FOREVER, LIMITS } from '../bounded-frames.ts'

/** An outbox on a stream that the test has in its hand. */
export async function playOutbox({ load, story }: Stage, limits: Partial<OutboxLimits>) {
  const { Outbox } = await load(() => import('#code/10-backpressure/outbox.ts'))
  const stream = new ScriptedStream()
  const outbox = new Outbox(stream, { ...LIMITS, ...limits })
  return {
    outbox,
    stream,
    push(text: string) {
      const hasRoom = outbox.push(Buffer.from(text))
      story.tell('outbox', `runs push(${quote(text)}), which returns ${hasRoom}`)
      return hasRoom
    },
    flush() {
      outbox.flush()
      story.tell('outbox', 'runs flush()')
    },
    give(bytes: number) {
      story.tell(
        'stream',
        bytes === FOREVER ? 'has room for everything' : `has room for ${bytes} more bytes`,
      )
      stream.setRoom(bytes)
    },
  }
}

export function textOf(stream: ScriptedStream): string {
  return Buffer.from(stream.takeWritten()).toString()
}

/** Pieces of every size into a stream that takes whatever it likes. */
export function pushAtRandom(stage: Stage, outbox: Outbox, stream: ScriptedStream): void {
  const { expect, random, story } = stage
  const total = 400_000
  const written: Uint8Array[] = []
  const sentBefore = outbox.sentBytes
  let writtenBytes = 0
  const look = () => {
    const bytes = stream.takeWritten()
    written.push(bytes)
    writtenBytes += bytes.length
  }
  story.tell('test', 'pushes 400,000 bytes in pieces, and the stream takes some now and then')
  for (let pushed = 0; pushed < total; ) {
    stream.setRoom(randomBelow(random, 6) === 0 ? randomBelow(random, 20_000) : 0)
    const piece = pattern(pushed, Math.min(total - pushed, 1 + randomBelow(random, 5_000)))
    const hasRoom = outbox.push(piece)
    // A thousand times the same would hide the rest of the story.
    if (hasRoom !== true)
      expect('push() to return true', false, {
        because: 'maxQueuedBytes is 1 MiB, and less than half of that waits.',
        likely:
          'Only maxQueuedBytes is a reason to take nothing. The two marks are for isBacklogged.',
        look: 'outbox.push()',
        received: `${hasRoom}`,
      })
    pushed += piece.length
    if (randomBelow(random, 3) === 0) outbox.flush()
    look()
    if (outbox.bytes !== pushed - writtenBytes)
      expect('every byte to be either sent or queued', false, {
        because: 'What was pushed and not taken waits; what was taken does not.',
        likely: 'Drop as many of the waiting bytes as write() has taken.',
        expected: `${pushed} pushed − ${writtenBytes} taken = ${pushed - writtenBytes} queued`,
        received: `${outbox.bytes} queued`,
      })
  }
  stream.setRoom(FOREVER)
  outbox.flush()
  look()
  const given = Buffer.concat(written)
  const right = countSame(given, pattern(0, total))
  const isShort = right === given.length && outbox.bytes > 0
  expect('the stream to be given what was pushed', right === total, {
    because: 'However much the stream takes at a time, it gets the same bytes in the same order.',
    likely: isShort
      ? 'A flush goes on, piece after piece, until nothing waits or the stream takes only a part. Compare with the piece that you offered: after drop(), `first` is another one.'
      : 'The next write begins with the first byte that was not taken. The rest of a piece stays at the front, and the next piece is offered after it.',
    look: 'outbox.flush()',
    expected: `${total} bytes, as they were pushed`,
    received: isShort
      ? `the first ${right} of them; the others wait, though the stream takes everything`
      : `the first ${right} of them, and then different bytes`,
  })
  stage.expectSame('sentBytes', outbox.sentBytes - sentBefore, total, {
    because: 'It counts what the stream has taken.',
    likely:
      outbox.sentBytes - sentBefore > total
        ? 'Add what write() has returned, not what it was offered.'
        : 'Add what write() has returned after each write, even if it took only a part.',
    look: 'outbox.flush()',
  })
}

/** How many bytes are the same from the beginning on. */
function countSame(bytes: Uint8Array, others: Uint8Array): number {
  const end = Math.min(bytes.length, others.length)
  let same = 0
  while (same < end && bytes[same] === others[same]) same++
  return same
}

export function randomBelow(random: Random, limit: number): number {
  return randomInteger(random, limit)
}

/** The limit of an outbox, and that what is refused leaves no trace. */
export async function expectBoundedOutbox(stage: Stage): Promise<void> {
  const { expectSame } = stage
  const { outbox, stream, push, flush, give } = await playOutbox(stage, { maxQueuedBytes: 10 })
  give(0)
  for (const text of ['123456', '7890']) {
    expectSame(`push("${text}")`, push(text), true, {
      because: 'The outbox has room for 10 bytes.',
      likely: 'Exactly maxQueuedBytes may wait, but no more than that.',
      look: 'outbox.push()',
    })
  }
  expectSame('push("!")', push('!'), false, {
    because: 'It would be the eleventh byte.',
    likely: 'Compare before anything is taken: what waits plus what would be added.',
    look: 'outbox.push()',
  })
  expectSame('bytes', outbox.bytes, 10, {
    because: 'If the bytes do not fit, none of them is taken. What waits goes on waiting.',
    likely:
      outbox.bytes > 10
        ? 'Check whether there is room before you take them.'
        : 'A refused push changes nothing about what waits already.',
    look: 'outbox.push()',
  })
  expectSame('push("")', push(''), true, {
    because: 'An empty push adds nothing to what waits.',
    likely: 'Compare what would wait with maxQueuedBytes, and nothing else.',
    look: 'outbox.push()',
  })
  give(4)
  const fits = [push('!'), push('?')]
  expectSame('push("!") and push("?"), now that the stream takes 4 bytes', fits, [true, true], {
    because:
      'The limit is for what the peer does not take. So the stream is offered what waits before a push is refused.',
    likely:
      fits[0] === fits[1]
        ? 'Call flush() before you decide that there is no room.'
        : 'The check after flush() is the same as before it: whether all the bytes together are too much.',
    look: 'outbox.push()',
  })
  give(0)
  push('ab')
  give(1)
  expectSame('push("c") with 10 bytes waiting, now that the stream takes 1', push('c'), true, {
    because:
      'Once that byte is taken, 9 wait, and 10 with this one: that is not more than maxQueuedBytes.',
    likely: 'The comparison after flush() is the same as the one before it: `>`.',
    look: 'outbox.push()',
  })
  give(2)
  expectSame('push("defgh"), now that the stream takes 2', push('defgh'), false, {
    because: 'Once those two are taken, 8 wait, and 13 with these five.',
    likely:
      'After flush(), check again whether all the bytes together are too much. It is not enough that something was taken.',
    look: 'outbox.push()',
  })
  expectSame('bytes', outbox.bytes, 8, {
    because: 'If the bytes do not fit, none of them is taken, not even the part that would fit.',
    likely:
      outbox.bytes > 8
        ? 'All or nothing: return false before you add anything.'
        : 'A refused push changes nothing about what waits already.',
    look: 'outbox.push()',
  })
  expectSame('sentBytes', outbox.sentBytes, 4 + 1 + 2, {
    because:
      'The stream has taken 4 bytes, then 1, then 2, each time because push() had offered it what waits.',
    likely:
      'Call flush() to offer what waits: it counts what the stream takes, whether or not there is room afterwards.',
    look: 'outbox.push()',
  })
  give(FOREVER)
  flush()
  expectSame('what the stream was given', textOf(stream), '1234567890!?abc', {
    because: 'What was refused is not sent later.',
    look: 'outbox.push()',
  })
  push('abcde')
  push('fghij')
  expectSame('what the stream was given', textOf(stream), '', {
    because:
      '10 bytes are not too many, so there was no reason to send anything before the round’s end.',
    likely: 'Call flush() only if more than maxQueuedBytes would wait.',
    look: 'outbox.push()',
  })
  flush()
  textOf(stream)
  give(1)
  expectSame('push() of 12 bytes', push('abcdefghijkl'), false, {
    because: 'The stream takes one of them, and the other eleven would wait.',
    likely: 'It is too much even though nothing waits: no piece is an exception.',
    look: 'outbox.push()',
  })
  expectSame('what the stream was given', textOf(stream), '', {
    because: 'Half a frame must not go out: the peer would take the next frame for the rest of it.',
    likely: 'All or nothing: check the limit before the stream gets anything.',
    look: 'outbox.push()',
  })
  expectSame('bytes', outbox.bytes, 0, {
    because: 'If the bytes do not fit, none of them is taken, not even the part that would fit.',
    likely: 'All or nothing: return false before you add anything.',
    look: 'outbox.push()',
  })
  await expectAllOffered(stage)
}

/** A limit of 0 is one. */
export async function expectNoRoomAtAll(stage: Stage): Promise<void> {
  const { push } = await playOutbox(stage, { maxQueuedBytes: 0 })
  stage.expectSame('push("!") with maxQueuedBytes of 0', push('!'), false, {
    because: 'A limit of 0 is a limit like any other: a single byte is too much.',
    likely: 'Compare with the limit, and do not test whether it is set.',
    look: 'outbox.push()',
  })
}

/** Before something is refused, the stream is offered all that waits, be it many pieces. */
async function expectAllOffered(stage: Stage): Promise<void> {
  const { outbox, give } = await playOutbox(stage, { maxQueuedBytes: 4_000 })
  give(0)
  stage.story.tell('test', 'has another outbox for 4,000 bytes, and pushes 1,500 twice, then 3,000')
  for (let times = 0; times < 2; times++) outbox.push(Buffer.alloc(1_500))
  give(FOREVER)
  stage.expectSame('push() of 3,000 bytes', outbox.push(Buffer.alloc(3_000)), true, {
    because: 'The stream now takes both pieces that wait, and then there is room.',
    likely:
      'Call flush() before you decide that there is no room. One piece is not all that waits.',
    look: 'outbox.push()',
  })
}

/** There is room again, and 8 bytes wait: for a call of flush(). */
export async function expectNoFlushByItself({ expectSame }: Stage, outbox: Outbox): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
  expectSame('bytes, when there is room but flush() has not been called', outbox.bytes, 8, {
    because: 'The connection calls flush() when the stream is writable, and nothing else does.',
    likely: 'A flush that could not send everything schedules nothing: no timer, no listener.',
    look: 'outbox.flush()',
  })
}

/** A stream that notes what it is offered. */
class OfferedStream extends ScriptedStream {
  readonly offers: Uint8Array[] = []

  override write(bytes: Uint8Array): number {
    this.offers.push(bytes)
    return super.write(bytes)
  }
}

/** More writes than these for 1 MiB are pieces that nobody asked for. */
const MAX_WRITES = 100

/** A large piece goes out as it is: not copied, and not in crumbs. */
export async function expectPieceAsItIs({ load, story, expect }: Stage): Promise<void> {
  const { Outbox } = await load(() => import('#code/10-backpressure/outbox.ts'))
  const stream = new OfferedStream()
  const outbox = new Outbox(stream, LIMITS)
  const piece = pattern(0, 1024 * 1024)
  story.tell('test', 'pushes a piece of 1 MiB, and the stream takes everything')
  outbox.push(piece)
  outbox.flush()
  const { offers } = stream
  expect('a few writes to be enough', offers.length <= MAX_WRITES, {
    because: 'Each write costs a system call. The stream itself decides how much it takes.',
    likely: 'Offer the stream all of the first piece.',
    look: 'outbox.flush()',
    expected: `1 write, and ${MAX_WRITES} at most`,
    received: `${offers.length} writes`,
  })
  const isCopied = offers.some((bytes) => bytes.buffer !== piece.buffer)
  expect('the piece not to be copied', !isCopied, {
    because:
      'In a room of a thousand, a thousand outboxes hold the same bytes. A copy for each would cost a thousand times as much.',
    likely:
      'Queue the piece that you were given, and offer the first piece as it is: no slice(), no Buffer.from(), no concat().',
    look: ['outbox.push()', 'outbox.flush()'],
  })
  const next = pattern(0, 1024 * 1024)
  story.tell('test', 'pushes it again, and another; the stream takes 1,000 bytes, then everything')
  offers.length = 0
  outbox.push(piece)
  outbox.push(next)
  stream.setRoom(1_000)
  outbox.flush()
  stream.setRoom(FOREVER)
  outbox.flush()
  const isRestCopied = offers.some(
    ({ buffer }) => buffer !== piece.buffer && buffer !== next.buffer,
  )
  expect('the rest of a piece not to be copied', !isRestCopied, {
    because: 'What the stream has not taken goes on waiting, and nothing of it has to move.',
    likely: 'Drop what the stream has taken with drop(): the rest stays where it is. Copy nothing.',
    look: 'outbox.flush()',
  })
}

const FLUSHES = 1_000
/** Measured: 5 ms; and 400 ms with a copy of what waits, each time. */
const MAX_CPU_MS = 100

/** What a flush costs depends on what the stream takes, and not on what waits. */
export async function expectCheapFlushes(stage: Stage): Promise<void> {
  const { story, expect } = stage
  story.tell('test', 'pushes 4 MiB in pieces of 1 MiB; the stream takes 4 KiB at a time')
  let cpuMs = Number.POSITIVE_INFINITY
  for (let attempt = 0; attempt < 3 && cpuMs > MAX_CPU_MS; attempt++) {
    const { outbox, stream } = await playOutbox(stage, { maxQueuedBytes: FOREVER })
    for (let piece = 0; piece < 4; piece++) outbox.push(Buffer.alloc(1024 * 1024))
    const before = process.cpuUsage()
    let spentMs = 0
    for (let flush = 0; flush < FLUSHES && spentMs <= MAX_CPU_MS; flush++) {
      stream.setRoom(4 * 1024)
      outbox.flush()
      stream.takeWritten()
      const { user, system } = process.cpuUsage(before)
      spentMs = (user + system) / 1_000
    }
    cpuMs = Math.min(cpuMs, spentMs)
  }
  expect(`${FLUSHES} flushes to cost little`, cpuMs <= MAX_CPU_MS, {
    because:
      'The outbox of a slow peer is flushed often. What goes on waiting must not be touched.',
    likely:
      'Offer the first piece as it is, and drop what was taken. Copy nothing, and do not join pieces.',
    look: 'outbox.flush()',
    expected: `less than ${MAX_CPU_MS} ms of CPU time`,
    received: `more than ${Math.floor(cpuMs)} ms`,
  })
}
