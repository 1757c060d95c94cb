import type { LoopStats } from '#code/07-event-loop/event-loop.ts'
import { countBytes, quote } from '../harness/bytes.ts'
import { pattern } from '../harness/client.ts'
import { step } from '../judge/step.ts'
import { announce, echoFrame, expectFrame, expectFrameLike, frame } from '../protocols/frames.ts'
import {
  expectHalfOfferedOnce,
  expectHalfTaken,
  expectPausesBetweenFrames,
  expectSteadyHandingOn,
} from '../worlds/09-framing/frame-chunks.ts'
import {
  EMPTY_FRAMES,
  expectFewCopies,
  expectSteady,
  largeToSmall,
  largeToSmallFrame,
  lateToEarly,
} from '../worlds/09-framing/frame-costs.ts'
import {
  expectApart,
  expectFinishedBehind,
  expectSameFrames,
} from '../worlds/09-framing/frame-cuts.ts'
import {
  checker,
  cutAt,
  describeAll,
  glued,
  load,
  own,
} from '../worlds/09-framing/frame-decoding.ts'
import { expectEncoded, expectLargestEncoded } from '../worlds/09-framing/frame-encoding.ts'
import { expectEndInOrder, expectInvalidTold } from '../worlds/09-framing/frame-endings.ts'
import { expectEarlyEndsTold } from '../worlds/09-framing/frame-ends.ts'
import { expectLengthsRefused, expectNoiseIgnored } from '../worlds/09-framing/frame-limits.ts'
import {
  chunkThatEndsInAFrame,
  expectLittleHeld,
  expectPiecesForgotten,
  expectRoomTwiceAtMost,
  expectSmallFramesHeldCheaply,
} from '../worlds/09-framing/frame-memory.ts'
import { expectParsed } from '../worlds/09-framing/frame-parsing.ts'
import { expectPlaces } from '../worlds/09-framing/frame-places.ts'

const CHAPTER = '09-framing'
const MAX_FRAME_BYTES = 1024 * 1024

/** Many short ones: no limit below which a peer is believed. */
const ANNOUNCED_BYTES = [4096, 4096, 4096, 64 * 1024, MAX_FRAME_BYTES]

step('09.1', 'a frame is its length in four bytes, then its payload', async (stage) => {
  const { encodeFrame } = await load(stage)
  await expectEncoded(stage)
  await expectLargestEncoded(stage)
  // From the small to the large: what copies too much is seen before it costs seconds.
  for (const bytes of [MAX_FRAME_BYTES / 32, MAX_FRAME_BYTES / 4, MAX_FRAME_BYTES]) {
    await expectSteady(stage, `a byte to cost no more in a frame of ${countBytes(bytes)}`, {
      ratio: () => largeToSmallFrame(encodeFrame, bytes),
      because: 'Sixteen times as many bytes are sixteen times as much work, and no more.',
      likely:
        'The frame is put together in pieces, and each piece copies the earlier ones. Make room for the whole frame first, and copy the payload once.',
    })
  }
  expectSmallFramesHeldCheaply(stage, encodeFrame, {
    because: 'Thousands of small frames may wait to be sent. Each keeps a whole buffer alive.',
    likely: 'Make room for LENGTH_BYTES + payload.length bytes, and not for the largest frame.',
  })
})

step('09.2', 'a whole frame is read, and too little of one is no error', async (stage) => {
  await expectParsed(stage)
})

step('09.3', 'frames that come together come out one by one', async (stage) => {
  const { FrameDecoder } = await load(stage)
  const check = checker(stage, FrameDecoder)
  await expectPlaces(stage)
  await check(['hello'], [frame('hello')], {
    because: 'The chunk holds one whole frame.',
    likely: 'The next frame, if there is one, begins right after the payload of the first.',
  })
  await check(['one', 'two', 'three'], [glued('one', 'two', 'three')], {
    because: 'TCP keeps no boundaries between messages: three of them may arrive in one chunk.',
    likely:
      'Look for another frame after the one that was found, at its `end`, until the chunk is used up.',
    look: 'frames.push()',
  })
  await check(['one', 'two'], [frame('one'), frame('two')], {
    because: 'A decoder lives as long as its connection.',
  })
  await check(['', 'a', '', '', 'b', ''], [glued('', 'a', '', '', 'b', '')], {
    because: 'An empty frame is a frame, even as the last one.',
    likely:
      'An empty frame is four zeros, even at the very end of a chunk. The next frame begins four bytes further on.',
  })
  await check([], [new Uint8Array()], { because: 'Nothing arrived, so nothing comes out.' })
  const many = Array.from({ length: 400 }, (_, index) => `message ${index}`)
  await check(many, [glued(...many)], {
    because: 'Four hundred frames come out, each one once and in order.',
  })
  stage.story.tell('test', 'pushes a chunk of 48,000 zeros: 12,000 empty frames')
  stage.expectSame(
    'the number of frames that come out',
    new FrameDecoder().push(new Uint8Array(48_000)).length,
    12_000,
    {
      because: 'A chunk may hold any number of frames.',
      likely: 'Go on until the chunk is used up, in a loop: the number of frames has no limit.',
      look: 'frames.push()',
    },
  )

  const [first, second] = [new FrameDecoder(), new FrameDecoder()]
  first.push(frame('ada'))
  stage.expectSame(
    'a second decoder’s frames',
    describeAll(second.push(frame('bob'))),
    ['frame "bob"'],
    {
      because: 'Each connection has a decoder of its own.',
    },
  )

  const chunk = own(glued('one', 'two'))
  stage.story.tell('test', `pushes ${quote(chunk)}`)
  stage.expectSame(
    'whether each payload is a view of the chunk',
    new FrameDecoder()
      .push(chunk)
      .map((decoded) => decoded.kind === 'frame' && decoded.payload.buffer === chunk.buffer),
    [true, true],
    {
      because: 'Both frames lie whole in the chunk, so nothing has to be copied.',
      likely:
        'Give parseFrame() the chunk itself, and hand on the payload that it returned. Only a frame that is cut is copied into memory of our own.',
      look: 'frames.next()',
    },
  )
  await expectSteady(stage, 'a frame in a large chunk to cost no more than one in a small chunk', {
    ratio: () => largeToSmall((chunk) => new FrameDecoder().push(chunk)),
    because: 'A chunk with a thousand frames costs as much as a thousand frames, and no more.',
    likely:
      'Something is copied for each frame: the rest of the chunk (subarray() copies nothing; slice(), Buffer.concat and new Uint8Array copy it), or the list of the frames so far ([...list, next] copies it; push() adds one).',
    look: ['frames.push()', 'frames.next()', 'frames.parseFrame()'],
  })
  await expectSteady(stage, 'an empty frame in 64 KiB of them to cost no more than one of ten', {
    ratio: () => largeToSmall((chunk) => new FrameDecoder().push(chunk), EMPTY_FRAMES),
    because: 'A chunk may hold 16,000 frames, and each of them costs as much as any other.',
    likely:
      'The whole list of frames is moved for each frame: unshift() does that. push() adds one at the end.',
    look: 'frames.push()',
  })
})

step('09.4', 'frames come out whole, wherever their bytes are cut', async (stage) => {
  const { FrameDecoder } = await load(stage)
  await expectSameFrames(stage)
  await expectApart(stage)
  await expectSteady(stage, 'the last bytes of a large frame to cost no more than its first', {
    ratio: () => lateToEarly(FrameDecoder),
    because: 'A client that sends byte by byte must not cost more with each byte that it has sent.',
    likely:
      'Everything that was kept is copied, or read through, again for each chunk. Buffer.concat copies it all.',
    look: ['frames.#keep()', 'frames.#finishBegun()'],
  })
  await expectFewCopies(stage, FrameDecoder, {
    because: 'Making more room copies all the bytes, so it has to happen rarely.',
    likely:
      'The room grows by a fixed amount, so a larger frame is copied more often. Double the room instead.',
    look: 'frames.#keep()',
  })

  let decoders = 0
  await expectLittleHeld(
    stage,
    FrameDecoder,
    'each gets a chunk of 64 KiB that ends with the first five bytes of a frame of 4 KiB, 64 KiB or 1 MiB',
    (decoder) =>
      void decoder.push(
        chunkThatEndsInAFrame(ANNOUNCED_BYTES[decoders++ % ANNOUNCED_BYTES.length]),
      ),
    {
      because:
        'Four bytes are cheap to send: a thousand clients could announce a gigabyte. And a view of five bytes keeps all 64 KiB of its chunk.',
      likely:
        'Copy what has arrived into memory of its own, at most twice as large. A chunk from a socket is a Buffer, and its slice() is a view.',
      look: 'frames.#keep()',
    },
  )
  await expectLittleHeld(
    stage,
    FrameDecoder,
    'each has finished a frame of 256 KiB that arrived in three pieces, and has handed it out',
    (decoder) => {
      const large = frame(new Uint8Array(256 * 1024))
      for (const piece of cutAt(large, 10_000, 100_000)) decoder.push(piece)
    },
    {
      because: 'The frames have been handed out and forgotten. An idle connection costs nothing.',
      likely: 'Hand out the memory itself, and begin the next frame with none.',
      look: 'frames.#finishBegun()',
    },
  )
  await expectRoomTwiceAtMost(stage, FrameDecoder, {
    because: 'Unused room costs as much memory as used room.',
    likely: 'When the room is full, make twice as much as is needed now, and no more.',
    look: 'frames.#keep()',
  })

  await expectPiecesForgotten(stage, FrameDecoder, {
    because: 'A client that sends byte by byte costs twice what it has sent at most.',
    likely:
      'The pieces are kept in a list: an array for each byte takes a hundred times as much. Copy each piece into #begun.',
    look: 'frames.#keep()',
  })

  await expectFinishedBehind(stage)
})

step('09.5', 'a length over the limit, and an early end, are invalid', async (stage) => {
  const { FrameDecoder } = await load(stage)
  const invalidPeer = await expectLengthsRefused(stage)
  await expectEarlyEndsTold(stage, invalidPeer)
  await expectNoiseIgnored(stage)
  await expectLittleHeld(
    stage,
    FrameDecoder,
    'each has met an invalid length, and then gets 64 KiB more',
    (peer) => {
      peer.push(announce(MAX_FRAME_BYTES + 1))
      peer.push(new Uint8Array(64 * 1024))
    },
    {
      because: 'What follows an invalid length means nothing, so none of it is kept.',
      likely: 'Return before anything is added to #begun.',
      look: 'frames.next()',
    },
  )
})

step('09.6', 'an invalid client gets an error frame, and only it is gone', async (stage) => {
  const { serve, connect } = stage
  await expectPausesBetweenFrames(stage)
  await expectHalfTaken(stage)
  await expectHalfOfferedOnce(stage)
  await expectSteadyHandingOn(stage)

  const server = await serve(CHAPTER, { maxFrameBytes: 200_000 })
  const [ada, bob] = [await connect(server), await connect(server)]
  await ada.send(glued('hello', '', 'world'), { cut: 'at random', maxPiece: 4 })
  for (const text of ['hello', '', 'world']) {
    await expectFrame(ada, text, { because: 'Every frame is sent back unchanged.' })
  }
  await echoFrame(ada, pattern(0, 200_000), { because: 'A large frame is sent back, too.' })
  await echoFrame(bob, 'I am bob', { because: 'bob’s frames are sent back as well.' })

  await ada.sendGlued(frame('last words'), announce(200_001), 'anything')
  await expectFrame(ada, 'last words', {
    because: 'It arrived before the length that is over the limit.',
    seen: {
      ended:
        'The invalid length destroys the connection, and earlier answers are lost. #endWith() ends it after them.',
    },
    look: 'frame-protocol.onBytes()',
  })
  await expectFrameLike(ada, /^error .*200\D?001/, {
    because: 'A client that breaks the protocol is told how, in a frame: `error ` and the reason.',
    likely:
      'In onBytes(), next() may return `invalid` with a reason. #endWith() sends the reason and ends the connection.',
  })
  await ada.expectEnd({
    because: 'Nobody knows where ada’s next frame begins, so the conversation is over.',
    likely: 'After the error frame the connection ends: #endWith() does both.',
  })
  await echoFrame(bob, 'still here', {
    because: 'ada broke the protocol; bob did not.',
    likely: 'End this connection only, and give each connection a decoder of its own.',
  })
  await ada.send(frame('let me explain'))
  await ada.halfClose()

  const cyd = await connect(server)
  await cyd.send(glued('whole', 'cut off').subarray(0, -3))
  await cyd.halfClose()
  await expectFrame(cyd, 'whole', { because: 'This frame is complete.' })
  await expectFrameLike(cyd, /^error .*\b3\b/, {
    because: 'cyd’s last frame is three bytes short, and cyd still reads and can be told.',
    likely: 'At the end of the stream, ask the decoder whether it is in the middle of a frame.',
    look: 'frame-protocol.onEnd()',
  })
  await cyd.expectEnd({
    because: 'Both ends have sent everything.',
    likely: 'After the client’s FIN, when nothing is left to send, onEnd() ends the connection.',
    look: 'frame-protocol.onEnd()',
  })

  const dee = await connect(server)
  await dee.send(frame('goodbye'))
  await dee.halfClose()
  await expectFrame(dee, 'goodbye', { because: 'It arrived before dee’s FIN.' })
  await dee.expectEnd({
    because: 'An end between two frames is in order: no error, just FIN.',
    likely: 'After the client’s FIN, when nothing is left to send, onEnd() ends the connection.',
    look: 'frame-protocol.onEnd()',
  })
  let { turns } = await server.call<LoopStats>('stats')
  await server.expectEventually(
    'the loop to take no turns while nobody sends anything',
    async () => {
      const before = turns
      await server.roundTrip()
      turns = (await server.call<LoopStats>('stats')).turns
      return { holds: turns === before, received: `${turns - before} turns in a moment` }
    },
    {
      because: 'ada, cyd and dee are gone, and bob is silent.',
      likely: 'A connection that has nothing more to send must be ended.',
    },
  )

  const eve = await connect(server)
  await eve.send(frame('never finished').subarray(0, 9))
  await server.roundTrip()
  eve.reset()
  await echoFrame(bob, 'still here?', {
    because: 'eve vanished in mid-frame and cannot be told. bob goes on.',
  })

  await expectInvalidTold(stage)
  await expectEndInOrder(stage)
})
