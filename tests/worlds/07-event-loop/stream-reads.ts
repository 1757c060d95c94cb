/** What step 07.1 asks about reading: order, the brake, the end, a loss. */

import { once } from 'node:events'
import type { ByteStream } from '#code/07-event-loop/byte-stream.ts'
import { pattern } from '../../harness/client.ts'
import { PATIENCE_MS, within } from '../../harness/patience.ts'
import type { SocketPair } from '../../harness/socket-pair.ts'
import type { Stage } from '../../judge/step.ts'
import { change, KIBIBYTE, MEBIBYTE, readBytes, textOf, withStream } from './loop-streams.ts'

/** Three chunks wait at once, and are read in the order in which they came. */
export async function expectOldestFirst(
  { story, expectSame }: Stage,
  stream: ByteStream,
  { near, far }: SocketPair,
): Promise<void> {
  for (const [index, text] of ['one ', 'two ', 'three'].entries()) {
    story.tell('peer', `sends "${text}"`, 'toServer')
    far.write(text)
    await change(stream, () => near.bytesRead >= [9, 13, 18][index])
  }
  const pieces = textOf(await readBytes(stream, 13))
  expectSame('what the next reads return', pieces, 'one two three', {
    because: 'It arrived in three pieces, and the oldest is read first.',
    likely: pieces.startsWith('hello')
      ? 'What read() has returned has to leave the inbox.'
      : 'Chunks are taken from the wrong end of the inbox.',
  })
}

/** More than the inbox holds: the socket is paused, and goes on as often as somebody reads. */
export async function expectMebibyte(
  { story, expect, expectSame }: Stage,
  stream: ByteStream,
  { far }: SocketPair,
): Promise<void> {
  story.tell('peer', 'sends 1 MiB', 'toServer')
  far.write(pattern(0, MEBIBYTE))
  const received = await readBytes(stream, MEBIBYTE)
  expectSame('the number of bytes that could be read', received.length, MEBIBYTE, {
    because:
      'A socket that was paused because its inbox was full must be resumed as the inbox is read.',
    likely:
      received.length > MEBIBYTE
        ? 'read() returns chunks as they are. Turning them into text (String(), toString()) changes the number of bytes.'
        : '#receive() pauses the socket at 64 KiB. Reading makes room: first subtract what is read from #inboxBytes, then resume() if fewer than 64 KiB are left.',
  })
  expect('the bytes read to be those that were sent', received.equals(pattern(0, MEBIBYTE)), {
    because: 'Not a byte more, not a byte less, and all in order.',
  })
}

/** FIN comes behind the last bytes; it says nothing about the other direction. */
export async function expectEndBehindBytes(
  { story, expect, expectSame }: Stage,
  stream: ByteStream,
  { near, far }: SocketPair,
): Promise<void> {
  story.tell('peer', 'sends "good", then "bye" and FIN', 'toServer')
  const readBefore = near.bytesRead
  far.write('good')
  await change(stream, () => near.bytesRead >= readBefore + 4)
  const ended = once(near, 'end')
  far.end('bye')
  await within(PATIENCE_MS, ended)
  expectSame('the next reads', textOf(await readBytes(stream, 7)), 'goodbye', {
    because: 'FIN comes after the last bytes, not before them.',
    likely: 'Look in the inbox first, and return the end only when it is empty.',
  })
  const ends = [stream.read(), stream.read()]
  expectSame('the reads after that', ends, ['end', 'end'], {
    because: 'Once a read has returned the end, every later read returns it again.',
    likely:
      ends[0] === 'end'
        ? 'Returning the end must not change anything.'
        : '#hasEnded says that FIN has arrived. isClosed is about the descriptor, which is still in use.',
  })
  expect('the socket to be open for an answer', near.writable && !near.destroyed, {
    because: 'The peer’s FIN ends what it sends, not what it receives.',
    likely: 'read() only reports the end. It ends and destroys nothing.',
  })
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
      because: '128 KiB are waiting, and #receive() pauses the socket at 64 KiB.',
      likely:
        'read() has subtracted more from #inboxBytes than it returned, so #receive() thinks that there is room.',
    })
    const first = stream.read()
    const isLarge = first.length > 64 * KIBIBYTE
    expect('the socket to stay paused after one read', isLarge || near.isPaused(), {
      because:
        '127 KiB are still waiting, and 64 KiB already fill the inbox. A socket that is resumed now delivers more than is read.',
      likely: 'Subtract what you return from #inboxBytes; resume() only below INBOX_BYTES.',
    })
    let length = first.length
    let resumedAt = 0
    for (let reads = 0; reads < 1_000 && length < 128 * KIBIBYTE; reads++) {
      length += stream.read().length
      if (!near.isPaused()) resumedAt = Math.max(resumedAt, 128 * KIBIBYTE - length)
    }
    expectSame('the number of bytes that were read', length, 128 * KIBIBYTE, {
      because: 'All of them had arrived.',
    })
    expect('the socket to stay paused as long as 64 KiB wait', resumedAt < 64 * KIBIBYTE, {
      because:
        'With INBOX_BYTES waiting, the inbox is full. The socket is resumed when fewer bytes wait.',
      likely:
        'Compare #inboxBytes, not the number of chunks, with INBOX_BYTES. Fewer is `<`, not `<=`.',
      expected: 'resumed with fewer than 65536 bytes waiting',
      received: `resumed with ${resumedAt}`,
    })
    expect('the socket to be resumed', !near.isPaused(), {
      because: 'Nothing is waiting any more.',
      likely:
        'resume() the socket in the very read that leaves fewer than INBOX_BYTES: there may be no other read() until more arrives. Subtract from #inboxBytes as many bytes as you return.',
    })
  }
  story.tell('Node', 'hands over 10 bytes')
  near.emit('data', Buffer.alloc(10))
  expect('the socket not to be paused', !near.isPaused(), {
    because: '10 bytes are waiting, and everything earlier has been read.',
    likely:
      'read() has subtracted less from #inboxBytes than it has returned, so #receive() thinks that the inbox is full.',
  })
  expectSame('the number of bytes in the next read', stream.read().length, 10, {
    because: 'Only these 10 are waiting, and a read returns at least one byte when any are.',
    likely:
      'A chunk that has been read completely leaves the inbox. Nothing of it stays, not even a part of 0 bytes.',
  })
}

/** What waits for one connection is no reason to pause another. */
export async function expectOwnInbox(stage: Stage): Promise<void> {
  await withStream(stage, async (_unread, { near: full }) => {
    await withStream(stage, async (stream, { near }) => {
      stage.story.tell('Node', 'hands over 64 KiB on each of two connections; one of them is read')
      for (const socket of [full, near]) socket.emit('data', Buffer.alloc(64 * KIBIBYTE))
      for (let reads = 0; reads < 1_000 && stream.read() !== 'would-block'; reads++);
      stage.expect('the socket of the one that was read to be resumed', !near.isPaused(), {
        because:
          'Nothing is waiting in its inbox any more. The other connection has an inbox of its own.',
        likely: 'Make nothing about the inbox static or global.',
      })
    })
  })
}

/** Our own FIN ends what we say, not what we hear. */
export async function expectReadBehindOwnFin(stage: Stage): Promise<void> {
  const { story, expectSame } = stage
  await withStream(stage, async (stream, { far }) => {
    story.tell('test', 'calls end(); the peer has not sent FIN')
    stream.end()
    expectSame('a read', stream.read(), 'would-block', {
      because: 'The peer may still be talking.',
      likely:
        'Look at #hasEnded, which is the peer’s FIN, and at lostWith. Our own FIN does not end reading.',
    })
    story.tell('peer', 'sends "late"', 'toServer')
    far.write('late')
    await change(stream)
    expectSame('a read', textOf(stream.read()), 'late', { because: 'That is what has arrived.' })
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
      likely: 'Look in the inbox first; a loss matters only when the inbox is empty.',
    })
    expectSame('the next reads', [stream.read(), stream.read()], ['end', 'end'], {
      because:
        'Nothing will ever arrive from a peer that is lost: waiting for it would take forever.',
      likely: 'lostWith says whether the connection is lost.',
    })
  })
  await withStream(stage, async (stream, { near }) => {
    story.tell('kernel', 'gives up on the connection (ETIMEDOUT)')
    near.destroy(Object.assign(new Error('read ETIMEDOUT'), { code: 'ETIMEDOUT' }))
    await change(stream, () => stream.lostWith !== undefined)
    expectSame('a read', stream.read(), 'end', {
      because: 'A connection can be lost without a reset. Nothing more arrives either way.',
      likely: 'Any lostWith counts, not only ECONNRESET.',
    })
  })
}
