/** What steps 07.1 and 07.2 play in: a byte stream over one end of a real connection, and the test at the other end. */

import type { ByteStream } from '#code/07-event-loop/byte-stream.ts'
import { pattern } from '../harness/client.ts'
import { PATIENCE_MS, within } from '../harness/patience.ts'
import { receive, type SocketPair, socketPair } from '../harness/socket-pair.ts'
import type { Stage } from '../judge/step.ts'

const KIBIBYTE = 1024
const MEBIBYTE = 1024 * KIBIBYTE

/** A stream over one end of a real connection. */
export async function withStream(
  stage: Stage,
  body: (stream: ByteStream, pair: SocketPair) => Promise<void>,
  highWaterMark?: number,
): Promise<void> {
  const { NetStream } = await stage.load(() => import('#code/07-event-loop/byte-stream.ts'))
  const pair = await socketPair(highWaterMark)
  stage.story.tell('peer', 'connects', 'toServer')
  try {
    await body(new NetStream(pair.near), pair)
  } finally {
    pair.destroy()
  }
}

/** Waits until the stream tells a change after which something holds. */
export async function change(stream: ByteStream, holds = () => stream.isReadable): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  stream.onChange = () => {
    if (holds()) resolve()
  }
  stream.onChange(stream)
  await within(PATIENCE_MS, promise)
  stream.onChange = undefined
}

/** Reads until there are so many bytes, the end, or nothing for a long time. */
export async function readBytes(stream: ByteStream, count: number): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for (let length = 0; length < count; ) {
    let bytes = stream.read()
    if (bytes === 'would-block') {
      await change(stream)
      bytes = stream.read()
    }
    if (typeof bytes === 'string') break
    chunks.push(bytes)
    length += bytes.length
  }
  return Buffer.concat(chunks)
}

/** Two turns of Node's loop: what the kernel can take at once, it has taken. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve))
}

export function textOf(bytes: Uint8Array | string): string {
  return typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('latin1')
}

/** The brake holds as long as the inbox is full, is let go when it is empty, and works a second time. */
export function expectBrake(
  { story, expect, expectSame }: Stage,
  stream: ByteStream,
  { near }: SocketPair,
): void {
  for (const time of ['first', 'second']) {
    story.tell('Node', 'hands over 64 chunks of 1 KiB, then one of 64 KiB')
    for (let chunk = 0; chunk < 64; chunk++) near.emit('data', Buffer.alloc(KIBIBYTE, chunk))
    near.emit('data', Buffer.alloc(64 * KIBIBYTE))
    expect(`the socket to be paused, the ${time} time`, near.isPaused(), {
      because: '128 KiB are waiting. #receive() pauses the socket when 64 KiB are.',
      likely:
        'read() has taken more from #inboxBytes than it returned, so #receive() thinks that there is room.',
    })
    const first = stream.read()
    const isLarge = first.length > 64 * KIBIBYTE
    expect('the socket to stay paused after one read', isLarge || near.isPaused(), {
      because:
        '127 KiB are still waiting, and 64 are enough. A socket that is resumed now brings more than anybody reads.',
      likely: 'Subtract what you return from #inboxBytes; resume() only below INBOX_BYTES.',
    })
    let length = first.length
    let resumedAt = 0
    for (let reads = 0; reads < 1_000 && length < 128 * KIBIBYTE; reads++) {
      length += stream.read().length
      if (!near.isPaused()) resumedAt = Math.max(resumedAt, 128 * KIBIBYTE - length)
    }
    expectSame('the bytes that were read', length, 128 * KIBIBYTE, {
      because: 'All of them had arrived.',
    })
    expect('the socket to stay paused as long as 64 KiB wait', resumedAt < 64 * KIBIBYTE, {
      because:
        'With INBOX_BYTES waiting, the inbox is full. The socket goes on when fewer bytes wait.',
      likely: 'Fewer than INBOX_BYTES is `<`, not `<=`.',
      expected: 'resumed with fewer than 65536 bytes waiting',
      received: `resumed with ${resumedAt}`,
    })
    expect('the socket to go on', !near.isPaused(), {
      because: 'Nothing is waiting any more.',
      likely:
        'resume() the socket when fewer than INBOX_BYTES are left. #inboxBytes tells, if you subtract from it as many as you return.',
    })
  }
  story.tell('Node', 'hands over 10 bytes')
  near.emit('data', Buffer.alloc(10))
  expect('the socket not to be paused', !near.isPaused(), {
    because: '10 bytes are waiting, and all that came before has been read.',
    likely:
      'read() has subtracted less from #inboxBytes than it has returned, so #receive() thinks that the inbox is full.',
  })
  expectSame('the bytes of the next read', stream.read().length, 10, {
    because: 'They are all that is waiting.',
  })
}

/** What waits for one connection is no reason to pause another. */
export async function expectOwnInbox(stage: Stage): Promise<void> {
  await withStream(stage, async (_unread, { near: full }) => {
    await withStream(stage, async (stream, { near }) => {
      stage.story.tell('Node', 'hands over 64 KiB on each of two connections; one of them is read')
      for (const socket of [full, near]) socket.emit('data', Buffer.alloc(64 * KIBIBYTE))
      for (let reads = 0; reads < 1_000 && stream.read() !== 'would-block'; reads++);
      stage.expect('its socket to go on', !near.isPaused(), {
        because:
          'Nothing is waiting for it any more. The other connection has an inbox of its own.',
        likely: 'Nothing about the inbox is static or global.',
      })
    })
  })
}

/** Whatever a connection is lost with, what had arrived is read first, and then the end. */
export async function expectLoss(stage: Stage): Promise<void> {
  const { story, expectSame } = stage
  await withStream(stage, async (stream, { far }) => {
    story.tell('peer', 'sends "hello", and resets the connection (RST) later', 'toServer')
    far.write('hello')
    await change(stream)
    far.resetAndDestroy()
    await change(stream, () => stream.lostWith !== undefined)
    expectSame('a read', textOf(stream.read()), 'hello', {
      because: 'That had arrived before the connection was lost.',
      likely: 'Look into the inbox first; that the connection is lost matters when it is empty.',
    })
    expectSame('the next reads', [stream.read(), stream.read()], ['end', 'end'], {
      because: 'Nothing will ever come from a peer that is lost; to wait for it would be forever.',
      likely: 'lostWith tells.',
    })
  })
  await withStream(stage, async (stream, { near }) => {
    story.tell('kernel', 'gives the connection up (ETIMEDOUT)')
    near.destroy(Object.assign(new Error('read ETIMEDOUT'), { code: 'ETIMEDOUT' }))
    await change(stream, () => stream.lostWith !== undefined)
    expectSame('a read', stream.read(), 'end', {
      because: 'A connection can be lost without a reset. Nothing will come of it either way.',
      likely: 'Any lostWith counts, not only ECONNRESET.',
    })
  })
}

/** No more writes than these are tried until a peer that reads nothing has stopped the stream. */
const MAX_WRITES = 1_000

/** Writes to a peer that reads nothing, until nothing is taken any more. Returns how many bytes were. */
export async function fill(
  { story, expect }: Stage,
  stream: ByteStream,
  { near }: SocketPair,
): Promise<number> {
  const offered = pattern(0, 64 * MEBIBYTE)
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
      expect('write() to take 64 KiB of them, at least', last >= 64 * KIBIBYTE, {
        because: 'Nothing is queued yet, and there is room for 64 KiB.',
        likely: 'Take the part that fits, all of it: as many bytes as #room says.',
        expected: '65536 bytes',
        received: `${last} bytes`,
      })
      expect('the socket to get as many bytes as write() says', handed === last, {
        because:
          'The caller offers the rest again. What the socket already has would be sent twice, what it has not got never.',
        likely:
          handed < last
            ? 'Return how many bytes the socket was handed, not how many there were.'
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
  expect('write() to return 0 at last', last === 0, {
    because: 'A peer that reads nothing fills every buffer on the way. Then a write would block.',
    likely: 'There is no room when writableLength has reached writableHighWaterMark.',
    received:
      writes === MAX_WRITES
        ? `${last} bytes taken by the ${MAX_WRITES}th write`
        : `${last}, with ${(taken / MEBIBYTE).toFixed(1)} MiB taken before`,
  })
  expect('the socket to hold no more than its mark', near.writableLength <= 64 * KIBIBYTE, {
    because: 'What was taken and not sent lies in memory. The socket’s high-water mark is 64 KiB.',
    likely: 'Hand the socket no more of the bytes than there is room for.',
    expected: 'at most 65536 bytes',
    received: `${near.writableLength} bytes`,
  })
  return taken
}

/** The peer's FIN ends what it says, not what it hears; and not to be read is no reason not to be written. */
export async function expectHalfOpen(stage: Stage): Promise<void> {
  const { story, expectSame } = stage
  await withStream(stage, async (stream, { near, far }) => {
    story.tell('peer', 'says FIN, and goes on listening', 'toServer')
    far.end()
    await change(stream)
    expectSame('a write of 10 bytes', stream.write(pattern(0, 10)), 10, {
      because: 'FIN says "I will send no more", not "I will not listen".',
      likely:
        'The peer’s FIN (#hasEnded) is no reason to take nothing. Our own is, and socket.writable knows it.',
    })
    const received = await receive(far, 10, PATIENCE_MS)
    expectSame('the bytes that reach the peer', received.length, 10, {
      because: 'They were taken.',
    })
    story.tell('Node', 'hands over 64 KiB that nobody reads, so the socket is paused')
    near.emit('data', Buffer.alloc(64 * KIBIBYTE))
    expectSame('a write of 10 bytes', stream.write(pattern(0, 10)), 10, {
      because: 'What comes and what goes are two directions: only the first is paused.',
      likely: 'Whether the socket is paused says nothing about writing. #room does.',
    })
  })
}

/** A socket says itself how much it queues, and how much of that has gone. */
export async function expectRoomAsked(stage: Stage): Promise<void> {
  const { story, expectSame } = stage
  const small = async (stream: ByteStream, { near }: SocketPair) => {
    story.tell(
      'test',
      'has a socket whose high-water mark is 16 KiB, and from which nothing leaves',
    )
    near.cork()
    expectSame('a write of 60 KiB', stream.write(Buffer.alloc(60 * KIBIBYTE)), 16 * KIBIBYTE, {
      because: 'The mark is the socket’s own: another socket has another.',
      likely: '#room asks the socket: writableHighWaterMark. No number of your own.',
    })
  }
  await withStream(stage, small, 16 * KIBIBYTE)
  await withStream(stage, async (stream, { near }) => {
    let isSent = () => {}
    near._write = (_chunk, _encoding, done) => {
      isSent = done
    }
    near._writev = undefined
    story.tell(
      'test',
      'writes 40 KiB and 24 KiB; the kernel takes the first, and not the second yet',
    )
    const takes = [40, 24].map((kibibytes) => stream.write(Buffer.alloc(kibibytes * KIBIBYTE)))
    isSent()
    expectSame('the bytes that each write has taken', takes, [40 * KIBIBYTE, 24 * KIBIBYTE], {
      because: 'There was room for 64 KiB.',
    })
    expectSame('a write of 10 bytes', stream.write(pattern(0, 10)), 10, {
      because: '24 of 64 KiB are queued.',
      likely:
        '#room says what fits now. That the socket needs to drain (writableNeedDrain) stays true until all of its queue has gone.',
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
    expectSame('the bytes that each write takes', takes, [60 * KIBIBYTE, 4 * KIBIBYTE], {
      because: 'The socket’s high-water mark is 64 KiB, and 60 are queued: 4 are left.',
      likely: 'Ask #room how many bytes fit. That the socket needs no drain yet does not say so.',
    })
    story.tell('test', 'queues 100 KiB behind the stream’s back, as TLS does with what it encrypts')
    near.write(Buffer.alloc(100 * KIBIBYTE))
    expectSame('a write of 150 KiB', stream.write(pattern(0, 150 * KIBIBYTE)), 0, {
      because:
        'More than the mark is queued already. A write takes nothing then, not less than nothing.',
      likely:
        '#room can be negative: Math.max(0, …). Of that, subarray() would take all but the end.',
    })
    near.uncork()
    far.resume()
    await change(stream, () => near.writableLength === 0)
    story.tell('test', 'calls end(), and writes 10 bytes behind it')
    stream.end()
    expectSame('a write behind FIN', stream.write(pattern(0, 10)), 0, {
      because:
        'After our FIN nothing more can be sent. Node makes an error of it that ends the connection.',
      likely: 'socket.writable is false from end() on; socket.destroyed is not true yet.',
    })
    await settled()
    expectSame('lostWith', stream.lostWith, undefined, {
      because: 'Nothing was wrong with the connection.',
      likely: 'Nothing may be handed to a socket that is not writable.',
    })
  })
}
