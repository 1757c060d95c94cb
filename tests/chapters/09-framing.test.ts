import { setImmediate } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
import type { Connection } from '#code/07-event-loop/connection.ts'
import type { LoopStats } from '#code/07-event-loop/event-loop.ts'
import type * as FramesModule from '#code/09-framing/frames.ts'
import { countBytes, hex, quote } from '../harness/bytes.ts'
import { pattern } from '../harness/client.ts'
import type { Reason } from '../harness/failure.ts'
import { cutAtRandom, randomBytes, randomInteger } from '../harness/random.ts'
import { type Stage, step } from '../judge/step.ts'
import { announce, echoFrame, expectFrame, expectFrameLike, frame } from '../protocols/frames.ts'

const CHAPTER = '09-framing'
const MAX_FRAME_BYTES = 1024 * 1024

step('09.1', 'a frame is its length in four bytes, then its payload', async (stage) => {
  const { encodeFrame } = await load(stage)
  const { expect } = stage
  const check = (what: string, payload: Uint8Array, reason: Reason) => {
    const expected = frame(payload)
    const received = attempt(() => encodeFrame(payload))
    expect(`the frame of ${what}`, sameBytes(received, expected), {
      ...reason,
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
    likely: 'Do all four bytes of the length get written?',
  })
  check('a view', own(Buffer.from('--view--')).subarray(2, 6), {
    because:
      'A Uint8Array may be a window on a larger buffer. Only what the window shows is meant.',
    likely: 'payload.buffer is the whole buffer behind the view.',
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
    likely: 'Look at the length before the frame is made.',
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
    likely: 'Do all four bytes of the length count?',
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
        'Look whether the whole payload is there before you cut it out: subarray() answers with less when there is less.',
    })
  }
  check('6 of 7 bytes, behind a frame', two.subarray(0, 15), 9, incomplete(1), {
    because: 'From place 9 on there are 6 bytes of 7.',
    likely: 'How many bytes are there from `at` on?',
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
    likely: 'After an empty frame the next one begins four bytes further on.',
  })
  await check([], [new Uint8Array()], { because: 'Nothing came, so nothing comes out.' })
  const many = Array.from({ length: 400 }, (_, index) => `message ${index}`)
  await check(many, [glued(...many)], {
    because: 'Four hundred frames, each one once and in order.',
  })

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
  })
  for (let round = 0; round < 50; round++) {
    const some = Array.from({ length: 40 }, () => randomBytes(random, randomInteger(random, 60)))
    await check(some, cutAtRandom(random, glued(...some), 1 + randomInteger(random, 90)), {
      because: 'Frames of any bytes, cut anywhere.',
      likely: 'Is what is left over at the end of a chunk the start of the next frame?',
    })
  }
  story.judge('test', 'expects 50 transcripts cut at random to give the same frames', 'kept')

  await expectSteady(stage, 'the last bytes of a large frame to cost what its first ones do', {
    ratio: () => lateToEarly(FrameDecoder),
    because: 'A client that sends byte by byte must not cost more with each byte that it has sent.',
    likely:
      'Is everything that was kept copied, or gone through, again for each chunk? Buffer.concat copies it all.',
  })
  await expectSteady(stage, 'a frame in a large chunk to cost what one in a small chunk does', {
    ratio: () => largeToSmall(FrameDecoder),
    because: 'A chunk with a thousand frames in it costs a thousand frames, and no more.',
    likely:
      'Is what is left of the chunk copied for each frame? subarray() copies nothing; Buffer.concat and new Uint8Array do.',
  })
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
    expectSame('the answers', answers, [[], [], [], ['invalid'], []], {
      because: `${text} bytes are over the limit, and the fourth byte says so. What follows is not awaited, and not decoded.`,
      likely:
        length >= 2 ** 31
          ? 'The length is unsigned: << and | give a negative number when its first bit is set.'
          : 'Look at the length as soon as it is there, before you wait for the payload.',
      look: ['frames.#finishBegun()', 'frames.parseFrame()'],
    })
  }
  expectSame(
    'the answer to a length of MAX_FRAME_BYTES',
    describeAll(new FrameDecoder().push(announce(MAX_FRAME_BYTES))),
    [],
    {
      because: 'The limit itself is not over the limit: its payload is awaited.',
    },
  )

  const strict = new FrameDecoder({ maxBytes: 10 })
  expectSame(
    'the answer to 11 bytes, with maxBytes: 10',
    withoutReason(describeAll(strict.push(announce(11)))),
    ['invalid'],
    { because: 'Each decoder has its own limit.', likely: 'maxBytes is for parseFrame().' },
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
    },
  )
  const { reason } = answers[1] as FramesModule.Invalid
  expect(
    'the reason to name the length, 11, and the limit, 10',
    /\b11\b.*\b10\b|\b10\b.*\b11\b/.test(reason),
    {
      because: 'Whoever wrote the other end wants to know what was wrong.',
      received: reason,
    },
  )
  expectSame('a good frame after that', describeAll(decoder.push(frame('late'))), [], {
    because: 'Once a peer is invalid it stays invalid.',
    likely: 'Remember that it was invalid, across chunks.',
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

  expectCheapPromises(stage, FrameDecoder)
})

step('09.6', 'an invalid client gets an error frame, and only it is gone', async (stage) => {
  const { serve, connect } = stage
  await expectPausesBetweenFrames(stage)
  const server = await serve(CHAPTER, { maxFrameBytes: 200_000 })
  const [ada, bob] = [await connect(server), await connect(server)]
  await ada.send(glued('hello', '', 'world'), { cut: 'at random', maxPiece: 4 })
  for (const text of ['hello', '', 'world']) {
    await expectFrame(ada, text, { because: 'Every frame comes back as it came.' })
  }
  await echoFrame(ada, pattern(0, 200_000), { because: 'So does a large one.' })
  await echoFrame(bob, 'I am bob', { because: 'And everybody’s.' })

  await ada.sendGlued(frame('last words'), announce(200_001), 'anything')
  await expectFrame(ada, 'last words', { because: 'It came before the length that is too long.' })
  await expectFrameLike(ada, /^error .*200001/, {
    because: 'A client that breaks the protocol is told how, in a frame: `error ` and the reason.',
    likely: 'onBytes(): next() may return that the peer is invalid. #endWith() says it, and ends.',
  })
  await ada.expectEnd({
    because: 'Nobody knows where ada’s next frame begins. There is nothing more to talk about.',
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
  })
  await cyd.expectEnd({
    because: 'Both have said everything.',
    likely: 'Once the client has ended, nothing more is to be said: FIN.',
  })

  const dee = await connect(server)
  await dee.send(frame('goodbye'))
  await dee.halfClose()
  await expectFrame(dee, 'goodbye', { because: 'It came before dee’s FIN.' })
  await dee.expectEnd({
    because: 'An end between two frames is in order: no error, just FIN.',
    likely: 'Once the client has ended, nothing more is to be said: FIN.',
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
})

/** A connection may be paused in the middle of a chunk: the frames behind wait, and none is lost. */
async function expectPausesBetweenFrames({ load, story, expectSame }: Stage): Promise<void> {
  const { FrameProtocol } = await load(() => import('#code/09-framing/frame-protocol.ts'))
  const heard: string[] = []
  const connection = { isOpen: true, isReading: true, heard() {} }
  const frames = new FrameProtocol(connection as unknown as Connection, {
    onFrame(payload) {
      heard.push(Buffer.from(payload).toString())
      connection.isReading = heard.length !== 2
    },
  })
  const bytes = glued('one', 'two', 'three', 'four')
  story.tell('test', 'hands over four frames in one chunk; the second one pauses the connection')
  const taken = frames.onBytes(bytes)
  const reason = {
    because:
      'Behind a message that pauses the connection, nothing is handed on. The rest is the connection’s to keep, and to offer again.',
    likely: 'Go on only while connection.isReading, and return how many bytes were taken.',
  }
  expectSame('the frames that were handed on', [...heard], ['one', 'two'], reason)
  expectSame('onBytes() returns', taken, glued('one', 'two').length, reason)
  connection.isReading = true
  frames.onBytes(bytes.subarray(taken))
  expectSame('the frames in the end', heard, ['one', 'two', 'three', 'four'], reason)
}

/** The same bytes in a buffer that holds nothing else; Node's small Buffers share theirs. */
function own(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes)
}

function expectText(
  stage: Stage,
  what: string,
  received: string,
  expected: string,
  reason: Reason,
): void {
  stage.expect(`${what} to be ${expected}`, received === expected, {
    ...reason,
    expected,
    received,
  })
}

function load(stage: Stage): Promise<typeof FramesModule> {
  return stage.load(() => import('#code/09-framing/frames.ts'))
}

const IN_TWO: Reason = {
  because: 'A chunk ends where the network likes, also inside a length.',
  likely:
    'What is left over at the end of a chunk is the start of a frame: keep it for the next chunk.',
}

const IN_THREE: Reason = {
  because: 'A frame may need more than two chunks.',
  likely:
    'A chunk that does not complete the frame is to be kept as well, behind what was kept before.',
}

type Payload = string | Uint8Array

function glued(...payloads: Payload[]): Buffer {
  return Buffer.concat(payloads.map(frame))
}

/** Every place at which bytes can be cut in two, and their end. */
function places(bytes: Uint8Array): number[] {
  return Array.from({ length: bytes.length }, (_, index) => index + 1)
}

function cutAt(bytes: Uint8Array, ...at: number[]): Uint8Array[] {
  return [0, ...at].map((start, index) => bytes.subarray(start, at[index]))
}

/**
 * Pushes the pieces into a new decoder and expects every payload as soon as its last byte is there. Only a failure is
 * told: that one from the start. Whoever watches this process gets its answer before each one.
 */
function checker(stage: Stage, FrameDecoder: typeof FramesModule.FrameDecoder) {
  return async (payloads: Payload[], pieces: Uint8Array[], reason: Reason) => {
    await setImmediate()
    const decoder = new FrameDecoder()
    const answers = pieces.map((piece) => {
      const list = toList(decoder.push(piece))
      return { list, atOnce: describeAll(list) }
    })
    const expected = dueAfter(payloads, pieces).map(listed)
    // Once more when all is over: a payload must not change afterwards.
    const received = answers.map(({ list }) => listed(describeAll(list)))
    const wrong = received.findIndex((text, index) => text !== expected[index])
    if (wrong < 0) return
    for (const [index, text] of received.slice(0, wrong + 1).entries()) {
      stage.story.tell('test', `pushes ${quote(pieces[index])}`)
      if (index < wrong) stage.story.tell('decoder', `answers ${text}`)
    }
    const hasChanged = listed(answers[wrong].atOnce) === expected[wrong]
    stage.expect(
      hasChanged ? 'payloads to stay what they were' : 'the frames that this chunk completes',
      false,
      {
        ...(hasChanged ? UNCHANGED : reason),
        expected: expected[wrong],
        received: received[wrong],
      },
    )
  }
}

const UNCHANGED: Reason = {
  because: 'What has been handed out belongs to others, and later chunks must not write into it.',
  likely: 'Is the memory of a frame that was handed out used again for the next one?',
}

/** Which frames each piece completes. */
function dueAfter(payloads: Payload[], pieces: Uint8Array[]): string[][] {
  let endOfFrame = 0
  const due = payloads.map((payload) => {
    endOfFrame += frame(payload).length
    return { endOfFrame, text: describePayload(Buffer.from(payload)) }
  })
  let pushed = 0
  return pieces.map((piece) => {
    const before = pushed
    pushed += piece.length
    return due
      .filter(({ endOfFrame: end }) => end > before && end <= pushed)
      .map(({ text }) => text)
  })
}

function listed(texts: string[]): string {
  if (texts.length === 0) return 'nothing'
  return texts.length > 6
    ? `${texts.length} frames: ${texts.slice(0, 5).join(', ')}, …`
    : texts.join(', ')
}

function toList<T>(decoded: Iterable<T>): T[] {
  return decoded === undefined ? [] : [...decoded]
}

function describeAll(decoded: Iterable<FramesModule.Parsed>): string[] {
  return toList(decoded).map(describe)
}

function describe(parsed: FramesModule.Parsed): string {
  if (parsed?.kind === 'frame') return describePayload(parsed.payload)
  if (parsed?.kind === 'invalid') return `invalid: ${parsed.reason}`
  return parsed?.kind === 'incomplete' ? incomplete(parsed.missingBytes) : String(parsed)
}

function incomplete(missingBytes: number): string {
  return `incomplete, missingBytes: ${missingBytes}`
}

/** Short ones as they are, long ones so that two of them differ when their bytes do. */
function describePayload(payload: Uint8Array): string {
  if (payload?.length <= 40) return `frame ${quote(payload)}`
  const sum = payload && crc32(payload).toString(16)
  return `frame of ${countBytes(payload?.length)} that begins ${hex(payload, 8)} (CRC ${sum})`
}

function describeEnd(invalid: FramesModule.Invalid | undefined): string {
  return invalid ? String(invalid.kind) : 'in order'
}

function withoutReason(texts: string[]): string[] {
  return texts.map((text) => text.split(':')[0])
}

/** Twice as long may be chance; what grows with the size takes ten times as long here, and more. */
const STEADY = 6

interface Steadiness extends Reason {
  /** How many times as long the work takes when there is more of it. */
  ratio(): Promise<number>
}

/** Expects a ratio near 1. A machine that is busy elsewhere can make it large once, not three times. */
async function expectSteady(
  stage: Stage,
  what: string,
  { ratio, ...reason }: Steadiness,
): Promise<void> {
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < 3 && least > STEADY; round++) {
    least = Math.min(least, await ratio())
  }
  stage.expect(what, least <= STEADY, {
    ...reason,
    expected: 'about as long',
    received: `${Math.round(least)} times as long`,
  })
}

/** A large frame comes byte by byte, a thousand of them at a time. Gives up as soon as it is clear. */
async function lateToEarly(FrameDecoder: typeof FramesModule.FrameDecoder): Promise<number> {
  const thousands = () => {
    const decoder = new FrameDecoder()
    decoder.push(announce(MAX_FRAME_BYTES))
    return () => msOf(() => times(1_000, () => decoder.push(ONE_BYTE)))
  }
  // Code that has not run before is slow.
  times(4, thousands())
  const nextMs = thousands()
  const earlyMs = await leastOf(4, nextMs)
  let lateMs = earlyMs
  for (let thousand = 0; thousand < 240 && lateMs <= earlyMs * STEADY; thousand += 8) {
    lateMs = await leastOf(8, nextMs)
  }
  return lateMs / earlyMs
}

/** The same frames, in 320 chunks and in one. */
async function largeToSmall(FrameDecoder: typeof FramesModule.FrameDecoder): Promise<number> {
  const small = glued(...Array<Uint8Array>(10).fill(pattern(0, 16)))
  const large = Buffer.concat(Array<Uint8Array>(320).fill(small))
  const smallMs = await leastOf(3, () =>
    msOf(() => times(320, () => new FrameDecoder().push(small))),
  )
  return (await leastOf(3, () => msOf(() => new FrameDecoder().push(large)))) / smallMs
}

const ONE_BYTE = Uint8Array.of(1)

function times(count: number, act: () => unknown): void {
  for (let time = 0; time < count; time++) act()
}

/** The smallest of so many measurements; between two of them whoever watches this process gets its answer. */
async function leastOf(count: number, measureMs: () => number): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let time = 0; time < count; time++) {
    least = Math.min(least, measureMs())
    await setImmediate()
  }
  return least
}

function msOf(act: () => void): number {
  const startedAt = performance.now()
  act()
  return performance.now() - startedAt
}

/** What is announced is not there yet, and may never come. */
function expectCheapPromises(stage: Stage, FrameDecoder: typeof FramesModule.FrameDecoder): void {
  const before = process.memoryUsage().arrayBuffers
  const decoders = Array.from({ length: 64 }, () => new FrameDecoder())
  for (const decoder of decoders) {
    decoder.push(announce(MAX_FRAME_BYTES))
    decoder.push(Buffer.of(1))
  }
  const grownBytes = process.memoryUsage().arrayBuffers - before
  stage.expect(
    '64 frames of 1 MiB that are announced and do not come to cost little',
    grownBytes < 8 * MAX_FRAME_BYTES,
    {
      because: 'Four bytes are cheap to send. A thousand clients could announce a gigabyte.',
      likely: 'Make room for what has come, and more as more comes.',
      expected: 'less than 8 MiB of buffers',
      received: countBytes(grownBytes),
      look: 'frames.#keep()',
    },
  )
  // They live until here.
  for (const decoder of decoders) decoder.end()
}

function attempt<T>(act: () => T): T | unknown {
  try {
    return act()
  } catch (error) {
    if (String(error).includes('TODO')) throw error
    return error
  }
}

function sameBytes(received: unknown, expected: Uint8Array): boolean {
  return received instanceof Uint8Array && Buffer.compare(received, expected) === 0
}
