import type { LoopStats } from '#code/07-event-loop/event-loop.ts'
import type * as FramesModule from '#code/09-framing/frames.ts'
import { countBytes, hex, quote } from '../harness/bytes.ts'
import { pattern } from '../harness/client.ts'
import type { Reason } from '../harness/failure.ts'
import { cutAtRandom, randomBytes, randomInteger } from '../harness/random.ts'
import { step } from '../judge/step.ts'
import { announce, echoFrame, expectFrame, expectFrameLike, frame } from '../protocols/frames.ts'
import {
  chunkThatEndsInAFrame,
  expectFewCopies,
  expectLittleHeld,
  expectRoomTwiceAtMost,
  expectSmallFramesHeldCheaply,
  expectSteady,
  largeToSmall,
  largeToSmallFrame,
  lateToEarly,
} from '../worlds/frame-costs.ts'
import {
  attempt,
  checker,
  cutAt,
  describe,
  describeAll,
  describeEnd,
  describePayload,
  expectText,
  glued,
  IN_THREE,
  IN_TWO,
  incomplete,
  load,
  own,
  places,
  sameBytes,
  withoutReason,
} from '../worlds/frame-decoding.ts'
import {
  expectHalfTaken,
  expectPausesBetweenFrames,
  ScriptedFrames,
} from '../worlds/scripted-frames.ts'

const CHAPTER = '09-framing'
const MAX_FRAME_BYTES = 1024 * 1024

step('09.1', 'a frame is its length in four bytes, then its payload', async (stage) => {
  const { encodeFrame } = await load(stage)
  const { expect } = stage
  const check = (what: string, payload: Uint8Array, reason: Reason) => {
    const expected = frame(payload)
    const received = attempt(() => encodeFrame(payload))
    const countsItself = received instanceof Uint8Array && received[3] === expected[3] + 4
    expect(`the frame of ${what}`, sameBytes(received, expected), {
      ...reason,
      likely: countsItself
        ? 'The length is that of the payload alone: its own four bytes do not count.'
        : reason.likely,
      expected: hex(expected),
      received: received instanceof Uint8Array ? hex(received) : String(received),
    })
  }
  check('"hello"', own(Buffer.from('hello')), {
    because: 'Five bytes follow, so the length says 5, and its most significant byte comes first.',
    likely:
      'writeUInt32BE writes big-endian; so does DataView.setUint32, unless it is told otherwise.',
  })
  check('nothing', Buffer.alloc(0), { because: 'An empty message is a message, of length 0.' })
  check('70,000 bytes', pattern(0, 70_000), {
    because: 'A length has four bytes: 70,000 is 00 01 11 70.',
    likely: 'Write all four bytes of the length: writeUInt32BE, not writeUInt16BE.',
  })
  check('a view', own(Buffer.from('--view--')).subarray(2, 6), {
    because:
      'A Uint8Array may be a window on a larger buffer. Only what the window shows is meant.',
    likely: 'payload.buffer is the whole buffer behind the view.',
  })
  const [ada, bob] = [encodeFrame(own(Buffer.from('ada'))), encodeFrame(own(Buffer.from('bob')))]
  expect('the frame of "ada" to stay what it was', sameBytes(ada, frame('ada')), {
    because: 'A frame may wait in a queue while the next one is made.',
    likely: 'One buffer is used for all frames. Each frame needs memory of its own.',
    expected: hex(frame('ada')),
    received: hex(ada),
  })
  expect('the frame of "bob"', sameBytes(bob, frame('bob')), { because: 'It is another frame.' })
  for (const bytes of [MAX_FRAME_BYTES / 32, MAX_FRAME_BYTES]) {
    await expectSteady(stage, `a byte to cost no more in a frame of ${countBytes(bytes)}`, {
      ratio: () => largeToSmallFrame(encodeFrame, bytes),
      because: 'Sixteen times as many bytes are sixteen times as much work, and no more.',
      likely:
        'The frame is put together in pieces, and each piece copies what was there. Make room for all of it first, and copy the payload once.',
    })
  }
  expectSmallFramesHeldCheaply(stage, encodeFrame, {
    because: 'Thousands of small frames may wait to be sent. Each holds the memory behind it.',
    likely: 'Make room for LENGTH_BYTES + payload.length bytes, and not for the largest frame.',
  })
  const largest = encodeFrame(new Uint8Array(MAX_FRAME_BYTES))
  expect('a payload of MAX_FRAME_BYTES to be allowed', largest.length === MAX_FRAME_BYTES + 4, {
    because: 'The limit itself is not over the limit.',
    received: countBytes(largest.length),
  })
  const refused = attempt(() => encodeFrame(new Uint8Array(MAX_FRAME_BYTES + 1)))
  expect('one byte more to throw a RangeError', refused instanceof RangeError, {
    because:
      'The peer would end the connection over such a frame. We made it, so it is our bug and should be seen here.',
    likely: 'Compare the length with MAX_FRAME_BYTES before the frame is made.',
    received: refused instanceof Uint8Array ? 'a frame' : String(refused),
  })
})

step('09.2', 'a whole frame is read, and too little of one is no error', async (stage) => {
  const { parseFrame } = await load(stage)
  const check = (what: string, bytes: Uint8Array, at: number, expected: string, reason: Reason) => {
    const parsed = parseFrame(bytes, at, MAX_FRAME_BYTES)
    expectText(stage, what, describe(parsed), expected, reason)
  }
  const hello = own(frame('hello'))
  const two = own(glued('hello', 'sea'))
  check('a frame', hello, 0, 'frame "hello"', {
    because: 'The length says 5, and five bytes follow.',
    likely:
      'The first byte of the length is the most significant one. The length does not count itself.',
  })
  check('a frame and more', two, 0, 'frame "hello"', {
    because: 'The length says where the payload ends.',
    likely: 'The payload ends where its length says, not where the bytes end.',
  })
  check('the second of two', two, 9, 'frame "sea"', {
    because: 'It begins at place 9.',
    likely: 'Length and payload are at `at`, not at the start of the bytes.',
  })
  check('the frame in a view', two.subarray(9), 0, 'frame "sea"', {
    because: 'A Uint8Array may be a window on a larger buffer, and chunks often are.',
    likely: 'bytes.buffer begins somewhere else than bytes: bytes.byteOffset says where.',
  })
  check('an empty frame', own(frame('')), 0, 'frame ""', {
    because: 'The length says 0, and it is all there.',
    likely: '0 is a length like any other, and it is falsy.',
  })
  const payload = pattern(7, 70_000)
  const large = own(frame(payload))
  check('a large frame', large, 0, describePayload(payload), {
    because: 'A length has four bytes: 70,000 is 00 01 11 70.',
    likely: 'All four bytes of the length count.',
  })
  for (const length of [0, 1, 2, 3]) {
    check(`${length} bytes of 00 01 11 70`, large.subarray(0, length), 0, incomplete(4 - length), {
      because:
        '"Not yet" is a value. Without four bytes of length nothing is known but how much of it is missing.',
      likely: 'Look whether four bytes are there before you read them.',
    })
  }
  for (const length of [4, 5, 8]) {
    check(`${length} of 9 bytes`, hello.subarray(0, length), 0, incomplete(9 - length), {
      because: '"Not yet" is a value. The length says how many bytes are missing.',
      likely:
        'Look whether the whole payload is there before you cut it out: subarray() returns less when there is less.',
    })
  }
  const announced = parseFrame(own(announce(2 ** 24 + 2)), 0, 2 ** 25)
  expectText(stage, 'the length 01 00 00 02', describe(announced), incomplete(2 ** 24 + 2), {
    because: 'The first byte of a length counts 16,777,216 times as much as the last.',
    likely:
      announced.kind === 'invalid'
        ? 'What may be announced is `maxBytes`, here 33,554,432: each decoder has its own limit.'
        : 'All four bytes of the length count.',
  })
  check('6 of 7 bytes, behind a frame', two.subarray(0, 15), 9, incomplete(1), {
    because: 'From place 9 on there are 6 bytes of 7.',
    likely: 'What counts is how many bytes there are from `at` on.',
  })
  const parsed = parseFrame(large, 0, MAX_FRAME_BYTES)
  const isView = parsed.kind === 'frame' && parsed.payload.buffer === large.buffer
  stage.expect('the payload to be a view of the bytes', isView, {
    because:
      'A server that only passes messages on need not copy them: a view costs the same for any length.',
    likely: 'subarray() makes a view. slice(), Uint8Array.from() and Buffer.from() copy.',
  })
})

step('09.3', 'frames that come together come out one by one', async (stage) => {
  const { FrameDecoder } = await load(stage)
  const check = checker(stage, FrameDecoder)
  await check(['hello'], [frame('hello')], {
    because: 'One chunk, one frame.',
    likely: 'Behind the payload of the first frame begins the next one, if there is one.',
  })
  await check(['one', 'two', 'three'], [glued('one', 'two', 'three')], {
    because: 'TCP keeps no borders between messages: three of them may come as one chunk.',
    likely: 'Look again for a frame behind the one that was found, until the chunk is used up.',
  })
  await check(['one', 'two'], [frame('one'), frame('two')], {
    because: 'A decoder lives as long as its connection.',
  })
  await check(['', 'a', '', '', 'b', ''], [glued('', 'a', '', '', 'b', '')], {
    because: 'An empty frame is a frame, also as the last one.',
    likely:
      'An empty frame is four zeros, also at the very end of a chunk. The next frame begins four bytes further on.',
  })
  await check([], [new Uint8Array()], { because: 'Nothing came, so nothing comes out.' })
  const many = Array.from({ length: 400 }, (_, index) => `message ${index}`)
  await check(many, [glued(...many)], {
    because: 'Four hundred frames, each one once and in order.',
  })
  stage.story.tell('test', 'pushes a chunk of 48,000 zeros: 12,000 empty frames')
  stage.expectSame(
    'how many frames come out',
    new FrameDecoder().push(new Uint8Array(48_000)).length,
    12_000,
    {
      because: 'A chunk may hold any number of frames.',
      likely: 'A function that calls itself for each frame runs out of stack. Use a loop.',
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
      because: 'Both frames lie whole in the chunk, so nothing of them has to be copied.',
      likely:
        'Give parseFrame() the chunk itself, and hand on the payload that it returned. To copy anything into memory of our own is for a frame that is cut.',
      look: 'frames.next()',
    },
  )
})

step('09.4', 'frames come out whole, wherever their bytes are cut', async (stage) => {
  const { FrameDecoder } = await load(stage)
  const { random, story } = stage
  const check = checker(stage, FrameDecoder)

  const payloads = ['hello', '', 'a', pattern(0, 300), '', 'the last one']
  const transcript = glued(...payloads)
  story.tell('test', `has a transcript of 6 frames, ${transcript.length} bytes`)
  for (const place of places(transcript)) {
    await check(payloads, cutAt(transcript, place), IN_TWO)
  }
  story.judge('test', 'expects every cut in two to give the same frames', 'kept')

  await check(['ab', 'cd'], cutAt(glued('ab', 'cd'), 2, 6, 11), IN_THREE)
  const short = ['ab', '', 'cde']
  const shorter = glued(...short)
  for (const first of places(shorter)) {
    for (const second of places(shorter).filter((place) => place > first)) {
      await check(short, cutAt(shorter, first, second), IN_THREE)
    }
  }
  story.judge('test', 'expects every cut in three to give the same frames', 'kept')

  await check(payloads, cutAt(transcript, ...places(transcript)), {
    because: 'A byte at a time is slow, and still the same frames.',
    likely: 'Each chunk adds to what is there already. It replaces nothing.',
    look: ['frames.#finishBegun()', 'frames.#keep()'],
  })
  for (let round = 0; round < 50; round++) {
    const some = Array.from({ length: 40 }, () => randomBytes(random, randomInteger(random, 60)))
    await check(some, cutAtRandom(random, glued(...some), 1 + randomInteger(random, 90)), {
      because: 'Frames of any bytes, cut anywhere.',
      likely: 'What is left over at the end of a chunk is the start of the next frame.',
    })
  }
  story.judge('test', 'expects 50 transcripts cut at random to give the same frames', 'kept')

  await expectSteady(stage, 'the last bytes of a large frame to cost what its first ones do', {
    ratio: () => lateToEarly(FrameDecoder),
    because: 'A client that sends byte by byte must not cost more with each byte that it has sent.',
    likely:
      'Everything that was kept is copied, or gone through, again for each chunk. Buffer.concat copies it all.',
    look: ['frames.#keep()', 'frames.#finishBegun()'],
  })
  await expectFewCopies(stage, FrameDecoder, {
    because:
      'Each time that more room is made, all bytes are copied, so that has to happen rarely.',
    likely:
      'The larger the frame, the more often room of a fixed amount is added. Double the room instead.',
    look: 'frames.#keep()',
  })
  await expectSteady(stage, 'a frame in a large chunk to cost what one in a small chunk does', {
    ratio: () => largeToSmall(FrameDecoder),
    because: 'A chunk with a thousand frames in it costs a thousand frames, and no more.',
    likely:
      'Something is copied for each frame: what is left of the chunk (subarray() copies nothing; slice(), Buffer.concat and new Uint8Array do), or the list of the frames so far ([...list, next] does; push() adds one).',
    look: ['frames.next()', 'frames.push()'],
  })

  await expectLittleHeld(
    stage,
    FrameDecoder,
    'each gets a chunk of 64 KiB that ends with the first five bytes of a frame of 1 MiB',
    (decoder) => void decoder.push(chunkThatEndsInAFrame()),
    {
      because:
        'Four bytes are cheap to send: a thousand clients could announce a gigabyte. And a view of five bytes keeps all 64 KiB of its chunk.',
      likely: 'Copy what has come into room of its own, at most twice as large as that.',
      look: 'frames.#keep()',
    },
  )
  await expectLittleHeld(
    stage,
    FrameDecoder,
    'each has finished a frame of 256 KiB that came in two pieces, and hands it out',
    (decoder) => {
      const large = frame(new Uint8Array(256 * 1024))
      decoder.push(large.subarray(0, 200_000))
      decoder.push(large.subarray(200_000))
    },
    {
      because: 'The frames have been handed out and forgotten. An idle connection costs nothing.',
      likely: 'Hand out the memory itself, and begin the next frame with none.',
      look: 'frames.#finishBegun()',
    },
  )
  await expectRoomTwiceAtMost(stage, FrameDecoder, {
    because: 'Room that is not used yet costs as much as room that is.',
    likely: 'When there is no room, make twice as much as is needed now, and no more.',
    look: 'frames.#keep()',
  })

  const begun = new FrameDecoder()
  const [start, rest] = cutAt(frame('hello'), 6)
  const chunk = Buffer.concat([Buffer.from('---'), rest, frame('next')])
  story.tell('test', `pushes ${quote(start)}, then calls next() with ${quote(chunk)} and 3`)
  begun.push(start)
  const finished = begun.next(chunk, 3)
  stage.expectSame(
    'what next() returns, and where it ends',
    [describe(finished as FramesModule.Parsed), finished.kind === 'frame' && finished.end],
    ['frame "hello"', 6],
    {
      because: 'What stands before place 3 was taken before, and the frame ends at place 6.',
      likely: 'Begin at `from`: what is missing is taken from there, and `end` counts on from it.',
      look: 'frames.#finishBegun()',
    },
  )
})

step('09.5', 'a length over the limit, and an early end, are invalid', async (stage) => {
  const { FrameDecoder } = await load(stage)
  const { expect, expectSame } = stage
  const check = checker(stage, FrameDecoder)

  for (const length of [MAX_FRAME_BYTES + 1, 2 ** 31, 2 ** 32 - 1]) {
    const text = length.toLocaleString('en')
    const decoder = new FrameDecoder()
    stage.story.tell(
      'test',
      `announces ${text} bytes (${hex(announce(length))}), byte by byte, then pushes ${quote(frame('late'))}`,
    )
    const pieces = [...cutAt(announce(length), 1, 2, 3), frame('late')]
    const answers = pieces.map((piece) => withoutReason(describeAll(decoder.push(piece))))
    const isReported = answers[3].join() === 'invalid'
    expectSame('what push() returns', answers, [[], [], [], ['invalid'], []], {
      because: `${text} bytes are over the limit, and the fourth byte says so. What follows is not awaited, and not decoded.`,
      likely: isReported
        ? 'After an invalid length nothing more is decoded: set #isInvalid, also when the length came in pieces.'
        : length >= 2 ** 31
          ? 'The length is unsigned: << and | give a negative number when its first bit is set.'
          : 'Look at the length as soon as it is there, before you wait for the payload.',
      look: ['frames.#finishBegun()', 'frames.parseFrame()'],
    })
  }
  expectSame(
    'what push() returns for a length of MAX_FRAME_BYTES',
    describeAll(new FrameDecoder().push(announce(MAX_FRAME_BYTES))),
    [],
    {
      because: 'The limit itself is not over the limit: its payload is awaited.',
      likely: 'Over the limit means length > maxBytes, not >=.',
      look: 'frames.parseFrame()',
    },
  )

  const strict = new FrameDecoder({ maxBytes: 10 })
  expectSame(
    'what push() returns for 11 bytes, with maxBytes: 10',
    withoutReason(describeAll(strict.push(announce(11)))),
    ['invalid'],
    {
      because: 'Each decoder has its own limit.',
      likely: 'Hand on #maxBytes to parseFrame(), not MAX_FRAME_BYTES.',
    },
  )
  const decoder = new FrameDecoder({ maxBytes: 10 })
  stage.story.tell('test', 'has a decoder with maxBytes: 10')
  const answers = [
    ...decoder.push(Buffer.concat([frame('0123456789'), announce(11), frame('junk')])),
  ]
  expectSame(
    'a frame of 10 bytes, then one of 11',
    describeAll(answers).map((text) => text.split(':')[0]),
    ['frame "0123456789"', 'invalid'],
    {
      because:
        'What came before is valid. What comes after is noise: nobody knows where a frame begins there.',
      likely: 'After an invalid length nothing more is decoded, not even from the same chunk.',
      look: 'frames.next()',
    },
  )
  const { reason } = answers[1] as FramesModule.Invalid
  expect(
    'the reason to name the length, 11, and the limit, 10',
    /\b11\b.*\b10\b|\b10\b.*\b11\b/.test(reason),
    {
      because: 'The author of the other end wants to know what was wrong.',
      received: reason,
    },
  )
  expectSame('a good frame after that', describeAll(decoder.push(frame('late'))), [], {
    because: 'Once a peer is invalid it stays invalid.',
    likely: 'Remember in #isInvalid that it was invalid, also for later chunks.',
    look: 'frames.next()',
  })

  await check(['fits'], [frame('fits')], {
    because: 'A whole frame is in order, and so is its end.',
  })
  const ends: [string, Uint8Array, RegExp | undefined, string][] = [
    ['before anything', Buffer.alloc(0), undefined, 'Nobody has to say anything.'],
    ['behind a frame', frame('hello'), undefined, 'It said everything it had begun.'],
    [
      'inside a length',
      frame('hello').subarray(0, 1),
      /\b3\b/,
      'Three bytes of its length are missing.',
    ],
    [
      'inside a payload',
      glued('hi', 'hello').subarray(0, 11),
      /\b4\b/,
      'Four bytes of "hello" are missing.',
    ],
    ['before a payload', frame('hello').subarray(0, 4), /\b5\b/, 'Five bytes were announced.'],
  ]
  for (const [where, bytes, missing, because] of ends) {
    const ended = new FrameDecoder()
    stage.story.tell('test', `pushes ${quote(bytes)}, then end()`)
    ended.push(bytes)
    const invalid = ended.end()
    expectText(stage, `an end ${where}`, describeEnd(invalid), missing ? 'invalid' : 'in order', {
      because,
      likely: missing
        ? 'What is kept for the next chunk is a frame that is missing something, if only of its length.'
        : 'Nothing is left over, so nothing is missing.',
      look: 'frames.end()',
    })
    if (!missing) continue
    expect(`the reason to say how many bytes are missing`, missing.test(invalid!.reason), {
      because,
      expected: `a text like ${missing}`,
      received: invalid!.reason,
    })
  }

  expectText(stage, 'the end of the invalid peer', describeEnd(decoder.end()), 'in order', {
    because: 'It has been found invalid already. Once is enough.',
  })

  const noise = frame('late')
  for (const before of [0, 2]) {
    const peer = new FrameDecoder({ maxBytes: 10 })
    const chunk = Buffer.concat([announce(11).subarray(before), noise])
    stage.story.tell(
      'test',
      `asks a decoder with next() for what is in ${quote(announce(11))} and a good frame`,
    )
    if (before > 0) peer.push(announce(11).subarray(0, before))
    const kinds = [
      peer.next(chunk, 0).kind,
      peer.next(chunk, 4 - before).kind,
      peer.next(noise, 0).kind,
    ]
    expectSame('what next() returns', kinds, ['invalid', 'incomplete', 'incomplete'], {
      because: 'After an invalid length nothing is decoded, in the same chunk or in any other.',
      likely: 'Look at #isInvalid first, whatever `from` is.',
      look: 'frames.next()',
    })
  }
  await expectLittleHeld(
    stage,
    FrameDecoder,
    'each has met an invalid length, and then gets 64 KiB more',
    (peer) => {
      peer.push(announce(MAX_FRAME_BYTES + 1))
      peer.push(new Uint8Array(64 * 1024))
    },
    {
      because: 'What follows an invalid length means nothing, so nothing of it is kept.',
      likely: 'Return before anything is added to #begun.',
      look: 'frames.next()',
    },
  )
})

step('09.6', 'an invalid client gets an error frame, and only it is gone', async (stage) => {
  const { serve, connect, expect, expectSame } = stage
  await expectPausesBetweenFrames(stage)
  await expectHalfTaken(stage)

  const server = await serve(CHAPTER, { maxFrameBytes: 200_000 })
  const [ada, bob] = [await connect(server), await connect(server)]
  await ada.send(glued('hello', '', 'world'), { cut: 'at random', maxPiece: 4 })
  for (const text of ['hello', '', 'world']) {
    await expectFrame(ada, text, { because: 'Every frame comes back as it came.' })
  }
  await echoFrame(ada, pattern(0, 200_000), { because: 'So does a large one.' })
  await echoFrame(bob, 'I am bob', { because: 'bob’s frames come back as well.' })

  await ada.sendGlued(frame('last words'), announce(200_001), 'anything')
  await expectFrame(ada, 'last words', {
    because: 'It came before the length that is too long.',
    seen: {
      ended:
        'The connection is destroyed over the invalid length, with the answers before it. #endWith() ends it behind them.',
    },
    look: 'frame-protocol.onBytes()',
  })
  await expectFrameLike(ada, /^error .*200001/, {
    because: 'A client that breaks the protocol is told how, in a frame: `error ` and the reason.',
    likely: 'onBytes(): next() may return that the peer is invalid. #endWith() says it, and ends.',
  })
  await ada.expectEnd({
    because: 'Nobody knows where ada’s next frame begins, so the conversation is over.',
    likely: 'After the error frame the connection ends: #endWith() does both.',
  })
  await echoFrame(bob, 'still here', {
    because: 'ada’s mistake is not bob’s.',
    likely: 'End this connection only, and give each one a decoder of its own.',
  })
  await ada.send(frame('let me explain'))
  await ada.halfClose()

  const cyd = await connect(server)
  await cyd.send(glued('whole', 'cut off').subarray(0, -3))
  await cyd.halfClose()
  await expectFrame(cyd, 'whole', { because: 'This frame is complete.' })
  await expectFrameLike(cyd, /^error .*\b3\b/, {
    because: 'cyd’s last frame is not: three bytes are missing, and cyd can still hear that.',
    likely: 'At the end of the stream, ask the decoder whether it is in the middle of a frame.',
    look: 'frame-protocol.onEnd()',
  })
  await cyd.expectEnd({
    because: 'Both have said everything.',
    likely: 'When the client has said FIN and nothing is left to say, onEnd() ends the connection.',
    look: 'frame-protocol.onEnd()',
  })

  const dee = await connect(server)
  await dee.send(frame('goodbye'))
  await dee.halfClose()
  await expectFrame(dee, 'goodbye', { because: 'It came before dee’s FIN.' })
  await dee.expectEnd({
    because: 'An end between two frames is in order: no error, just FIN.',
    likely: 'When the client has said FIN and nothing is left to say, onEnd() ends the connection.',
    look: 'frame-protocol.onEnd()',
  })
  let { turns } = await server.call<LoopStats>('stats')
  await server.expectEventually(
    'no turns while nobody says anything',
    async () => {
      const before = turns
      await server.roundTrip()
      turns = (await server.call<LoopStats>('stats')).turns
      return { holds: turns === before, received: `${turns - before} turns in a moment` }
    },
    {
      because: 'ada, cyd and dee are gone, and bob is silent.',
      likely: 'A connection that has nothing more to say is to be ended.',
    },
  )

  const eve = await connect(server)
  await eve.send(frame('never finished').subarray(0, 9))
  await server.roundTrip()
  eve.reset()
  await echoFrame(bob, 'still here?', {
    because: 'eve vanished in mid-frame. Nobody can tell her.',
  })

  const tooLong = Buffer.concat([glued('hello', 'sea'), announce(201), frame('noise')])
  const cutOff = glued('hello', 'sea', 'cut off').subarray(0, -3)
  for (const [bytes, ending] of [
    [tooLong, 'too-large'],
    [cutOff, 'invalid'],
  ] as const) {
    const slow = await ScriptedFrames.start(stage, { maxFrameBytes: 200 })
    slow.stream.setRoom(0)
    await slow.send(bytes)
    await slow.sayEnd()
    const isPatient = {
      because:
        'The client takes its time to read. Two frames and the reason are still on their way to it.',
      likely:
        '#endWith() ends the connection behind what was sent. destroy() throws that away, now or in a moment.',
      look: ending === 'invalid' ? 'frame-protocol.onEnd()' : 'frame-protocol.onBytes()',
    }
    slow.expectAtRest(isPatient)
    slow.stream.setRoom(Number.POSITIVE_INFINITY)
    await slow.settle()
    expectSame('the frames it gets', slow.takeFrames(), ['hello', 'sea', 'last words'], isPatient)
    expect('FIN behind them', slow.stream.isEnded && !slow.stream.isDestroyed, isPatient)
    slow.expectAtRest(isPatient)
    await slow.freeDescriptor()
    expectSame('why the connection ended', slow.endings, [ending], {
      because:
        'A server counts its connections by their endings: a length over the limit is `too-large`, an end in mid-frame `invalid`.',
      likely: 'The first argument of #endWith() says why.',
      look: ending === 'invalid' ? 'frame-protocol.onEnd()' : 'frame-protocol.onBytes()',
    })
    expectSame('how often onEnd of the events was called', slow.ends, 0, {
      because: 'The stream did not end between two frames. There is only an error to report.',
      likely: 'Either #endWith() or onEnd of the events, not both.',
      look: 'frame-protocol.onEnd()',
    })
  }
  const polite = await ScriptedFrames.start(stage, { answersEnd: true })
  await polite.send(frame('hello'))
  await polite.sayEnd()
  expectSame('how often onEnd of the events was called', polite.ends, 1, {
    because: 'The client has said FIN between two frames, and these events want to know.',
    likely: 'When the end is in order, call this.#events.onEnd, if there is one.',
    look: 'frame-protocol.onEnd()',
  })
  expect('the connection to stay open for the events to end it', !polite.stream.isEnded, {
    because:
      'The client may still be listening, and the code behind onEnd may still have answers for it.',
    likely: 'End the connection only when the events have no onEnd.',
    look: 'frame-protocol.onEnd()',
  })
  const plain = await ScriptedFrames.start(stage, { hearsEnd: false })
  const hasTime = {
    because: 'The client takes its time to read. Its answer is still on the way.',
    likely: 'end() says FIN behind what was sent. destroy() throws that away.',
    look: 'frame-protocol.onEnd()',
  }
  plain.stream.setRoom(0)
  await plain.send(frame('goodbye'))
  await plain.sayEnd()
  plain.expectAtRest(hasTime)
  plain.stream.setRoom(Number.POSITIVE_INFINITY)
  await plain.settle()
  expectSame('the frames it gets', plain.takeFrames(), ['goodbye'], hasTime)
  expect('FIN behind it', plain.stream.isEnded && !plain.stream.isDestroyed, hasTime)
  await plain.freeDescriptor()
  expectSame('why the connection ended', plain.endings, ['finished'], {
    because: 'The client has said FIN between two frames, and nothing was wrong.',
    likely: 'Without onEnd of the events the connection ends as `finished`.',
    look: 'frame-protocol.onEnd()',
  })
})
