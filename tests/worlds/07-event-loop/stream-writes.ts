/** What step 07.2 asks about writing: how much is taken, and when nothing is. */

import type { Socket } from 'node:net'
import type { ByteStream } from '#code/07-event-loop/byte-stream.ts'
import { pattern } from '../../harness/client.ts'
import { PATIENCE_MS } from '../../harness/patience.ts'
import { receive, type SocketPair } from '../../harness/socket-pair.ts'
import type { Stage } from '../../judge/step.ts'
import { change, KIBIBYTE, MEBIBYTE, settled, withStream } from './loop-streams.ts'

/** No more writes than these are tried until a peer that reads nothing has stopped the stream. */
const MAX_WRITES = 1_000

/** Writes to a peer that reads nothing, until nothing is taken any more. Returns how many bytes were. */
export async function fill(
  { story, expect }: Stage,
  stream: ByteStream,
  { near }: SocketPair,
): Promise<number> {
  const offered = pattern(0, 64 * MEBIBYTE)
  const listeners = listenersOf(near)
  let taken = 0
  let last = 1
  let writes = 0
  let vain = 0
  // A kernel that takes its time may make room once more behind a write that took nothing.
  while ((last > 0 || stream.isWritable) && taken < offered.length - 256 * KIBIBYTE && vain < 100) {
    last = stream.write(offered.subarray(taken, taken + 256 * KIBIBYTE))
    writes += 1
    if (!Number.isInteger(last) || last < 0 || last > 256 * KIBIBYTE || writes === MAX_WRITES) break
    if (writes === 1) {
      story.tell('test', `writes 256 KiB: ${last} bytes are taken`)
      const handed = near.bytesWritten
      expect('write() to take at least 64 KiB of them', last >= 64 * KIBIBYTE, {
        because: 'Nothing is queued yet, and there is room for 64 KiB.',
        likely: 'Take all that fits: as many bytes as #room says.',
        expected: '65536 bytes',
        received: `${last} bytes`,
      })
      expect('the socket to be given as many bytes as write() returns', handed === last, {
        because:
          'The caller offers the rest again. Bytes that the socket already has would be sent twice, and bytes that it never got would be lost.',
        likely:
          handed < last
            ? 'Return how many bytes the socket was handed, not how many were offered.'
            : 'subarray(0, taken) is the part that fits. Hand over that, and no more.',
        expected: `${last} bytes`,
        received: `${handed} bytes`,
      })
    }
    taken += last
    if (last === 0) vain += 1
    await settled()
  }
  story.tell(
    'test',
    `writes 256 KiB again and again: ${(taken / MEBIBYTE).toFixed(1)} MiB are taken`,
  )
  expect('write() to return 0 in the end', last === 0, {
    because:
      'When a peer reads nothing, every buffer on the way fills up. Then a write would block.',
    likely: 'There is no room when writableLength has reached writableHighWaterMark.',
    received:
      writes === MAX_WRITES
        ? `${last} bytes taken by the ${MAX_WRITES}th write`
        : `${last}, with ${(taken / MEBIBYTE).toFixed(1)} MiB already taken`,
  })
  const added = listenersOf(near) - listeners
  expect('a write to leave no listener behind', added < writes / 2, {
    because:
      'A connection may be written to for days. What each write leaves behind is never freed.',
    likely: 'NetStream listens to its socket from the start, so a write needs no listener.',
    expected: 'as many listeners as before',
    received: `${added} more after ${writes} writes`,
  })
  expect(
    'the socket to queue no more than its high-water mark',
    near.writableLength <= 64 * KIBIBYTE,
    {
      because:
        'Bytes that were taken but not sent stay in memory. The socket’s high-water mark is 64 KiB.',
      likely: 'Hand the socket no more bytes than there is room for.',
      expected: 'at most 65536 bytes',
      received: `${near.writableLength} bytes`,
    },
  )
  return taken
}

function listenersOf(socket: Socket): number {
  return socket.eventNames().reduce((sum, event) => sum + socket.listenerCount(event), 0)
}

/** The peer reads, so there is room again: every byte arrives, in order, whatever was taken at a time. */
export async function expectRoomAgain(
  { story, expect, expectSame }: Stage,
  stream: ByteStream,
  { far }: SocketPair,
  taken: number,
): Promise<void> {
  story.tell('peer', 'starts reading')
  let received = await receive(far, taken, PATIENCE_MS)
  expect('every byte that was taken to reach the peer, and no other', received.length === taken, {
    because: 'write() returned how many bytes it took, and exactly those must arrive.',
    likely:
      'write() returns a different number of bytes than it hands to the socket. Return the number handed over.',
    expected: 'all of them',
    received: `${received.length} of ${taken}`,
  })
  if (!stream.isWritable) await change(stream, () => stream.isWritable)
  const more = stream.write(pattern(taken, 1_000))
  expectSame('the result of a write of 1000 bytes', more, 1_000, {
    because: 'There is room again.',
  })
  const single = stream.write(pattern(taken + more, 1))
  expectSame('the result of a write of one byte', single, 1, {
    because: 'There is room for one more.',
  })
  const written = taken + more + single
  received = Buffer.concat([received, await receive(far, more + single, PATIENCE_MS)])
  const isIntact = received.equals(pattern(0, written))
  const isShort = received.length < written
  expect('everything to arrive as it was written', isIntact, {
    because: 'A write takes from the front, and what it did not take is offered again.',
    likely: isShort
      ? 'write() has returned a larger number than it handed to the socket. A single byte counts, too.'
      : 'subarray(0, taken) is the part that fits.',
    expected: `${written} bytes`,
    received: isShort ? `${received.length} bytes` : 'that many, but not those that were written',
  })
}

/** The peer's FIN ends what it says, not what it hears; and not to be read is no reason not to be written. */
export async function expectHalfOpen(stage: Stage): Promise<void> {
  const { story, expectSame } = stage
  await withStream(stage, async (stream, { near, far }) => {
    story.tell('peer', 'sends FIN, and keeps listening', 'toServer')
    far.end()
    await change(stream)
    expectSame('the result of a write of 10 bytes', stream.write(pattern(0, 10)), 10, {
      because: 'FIN says "I will send no more", not "I will not listen".',
      likely:
        'The peer’s FIN (#hasEnded) is no reason to take nothing. Our own FIN is: then socket.writable is false.',
    })
    const received = await receive(far, 10, PATIENCE_MS)
    expectSame('the number of bytes that reach the peer', received.length, 10, {
      because: 'write() took all of them.',
    })
    story.tell('Node', 'hands over 64 KiB that nobody reads, so the socket is paused')
    near.emit('data', Buffer.alloc(64 * KIBIBYTE))
    expectSame('the result of a write of 10 bytes', stream.write(pattern(0, 10)), 10, {
      because: 'Receiving and sending are two directions, and only the first is paused.',
      likely: 'Whether the socket is paused says nothing about writing. #room does.',
    })
    story.tell('test', 'calls destroy()')
    stream.destroy()
    expectSame('the result of a write after destroy()', stream.write(pattern(0, 10)), 0, {
      because: 'A connection that is gone takes nothing, even if we destroyed it ourselves.',
      likely:
        'socket.writable is false at once. lostWith is set later, if at all, and writableEnded is about FIN only.',
    })
  })
}

/** A socket says itself how much it queues, and how much of that has gone. */
export async function expectRoomAsked(stage: Stage): Promise<void> {
  const { story, expectSame } = stage
  for (const [mark, offered] of [
    [16, 60],
    [256, 300],
  ]) {
    const fillTo = async (stream: ByteStream, { near }: SocketPair) => {
      story.tell(
        'test',
        `corks a socket whose high-water mark is ${mark} KiB, so that nothing leaves it`,
      )
      near.cork()
      const taken = stream.write(Buffer.alloc(offered * KIBIBYTE))
      expectSame(`the result of a write of ${offered} KiB`, taken, mark * KIBIBYTE, {
        because: 'Each socket has a high-water mark of its own.',
        likely: '#room asks the socket for its writableHighWaterMark. Use no number of your own.',
      })
    }
    await withStream(stage, fillTo, mark * KIBIBYTE)
  }
  await withStream(stage, async (stream, { near }) => {
    let isSent = () => {}
    near._write = (_chunk, _encoding, done) => {
      isSent = done
    }
    near._writev = undefined
    story.tell(
      'test',
      'writes 40 KiB and 24 KiB; the kernel takes the first, but not yet the second',
    )
    const takes = [40, 24].map((kibibytes) => stream.write(Buffer.alloc(kibibytes * KIBIBYTE)))
    await settled()
    isSent()
    expectSame('the number of bytes that each write took', takes, [40 * KIBIBYTE, 24 * KIBIBYTE], {
      because: 'There was room for 64 KiB.',
    })
    expectSame('the result of a write of 10 bytes', stream.write(pattern(0, 10)), 10, {
      because: '24 of 64 KiB are queued.',
      likely:
        '#room says how much fits now. writableNeedDrain stays true until the socket’s queue is empty.',
    })
  })
}

/** There is no room in a queue that somebody else has filled beyond its mark, and none behind our own FIN. */
export async function expectNoRoom(stage: Stage): Promise<void> {
  const { story, expectSame } = stage
  await withStream(stage, async (stream, { near, far }) => {
    story.tell('test', 'corks the socket, so that nothing leaves it, and writes 60 KiB twice')
    near.cork()
    const piece = Buffer.alloc(60 * KIBIBYTE)
    const takes = [stream.write(piece), stream.write(piece)]
    expectSame('the number of bytes that each write takes', takes, [60 * KIBIBYTE, 4 * KIBIBYTE], {
      because:
        'The socket’s high-water mark is 64 KiB. After the first write 60 are queued, so 4 are left.',
      likely:
        'Ask #room how many bytes fit. A socket that needs no drain yet may still lack room for all of them.',
    })
    story.tell('test', 'queues 100 KiB behind the stream’s back, as TLS does with what it encrypts')
    near.write(Buffer.alloc(100 * KIBIBYTE))
    expectSame('the result of a write of 150 KiB', stream.write(pattern(0, 150 * KIBIBYTE)), 0, {
      because: 'More than the mark is queued already, so a write takes 0 bytes, never fewer.',
      likely:
        '#room can be negative, and subarray(0, -n) returns all but the last n bytes. Use Math.max(0, …).',
    })
    near.uncork()
    far.resume()
    await change(stream, () => near.writableLength === 0)
    story.tell('test', 'calls end(), and then writes 10 bytes')
    stream.end()
    expectSame('the result of a write after our FIN', stream.write(pattern(0, 10)), 0, {
      because:
        'After our FIN nothing more can be sent. Node treats such a write as an error that ends the connection.',
      likely: 'socket.writable is false from end() on; socket.destroyed is not true yet.',
    })
    await settled()
    expectSame('lostWith', stream.lostWith, undefined, {
      because: 'Nothing was wrong with the connection.',
      likely: 'Hand nothing to a socket that is not writable.',
    })
  })
}

/** What has been taken and not sent yet is not overwritten by what is taken next, here or on another stream. */
export async function expectOwnBytes(stage: Stage): Promise<void> {
  const { story, expectSame } = stage
  await withStream(stage, async (first, one) => {
    await withStream(stage, async (second, two) => {
      story.tell(
        'test',
        'corks two sockets, so that nothing leaves them, and writes "one " and "two " to the first, "three " and "four" to the second',
      )
      for (const { near } of [one, two]) near.cork()
      for (const text of ['one ', 'two ']) first.write(Buffer.from(text))
      for (const text of ['three ', 'four']) second.write(Buffer.from(text))
      for (const { near } of [one, two]) near.uncork()
      const received = [
        (await receive(one.far, 8, PATIENCE_MS)).toString(),
        (await receive(two.far, 10, PATIENCE_MS)).toString(),
      ]
      expectSame('what the two peers receive', received, ['one two ', 'three four'], {
        because: 'The bytes that were taken wait in their socket, and must not change there.',
        likely:
          'Hand over the bytes that you were given, or a new copy of them. A buffer that is used again is overwritten while its bytes still wait.',
      })
    })
  })
}
