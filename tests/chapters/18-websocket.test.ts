import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import type { HttpAnswer } from '#code/17-http/http-message.ts'
import { countBytes, hex } from '../harness/bytes.ts'
import { pattern } from '../harness/client.ts'
import { leastUs } from '../harness/cost.ts'
import type { Reason } from '../harness/failure.ts'
import { type Random, randomBytes, randomInteger } from '../harness/random.ts'
import { type Stage, step } from '../judge/step.ts'
import {
  acceptFor,
  clientClose,
  clientFrame,
  clientText,
  expectClose,
  expectFrameOf,
  expectHead,
  type FrameKind,
  OPCODE,
  openWebSocket,
  SAMPLE_KEY,
  upgradeRequest,
} from '../protocols/websocket.ts'
import { forAll } from '../worlds/for-all.ts'
import { bytesTrial, usPerPiece } from '../worlds/utf8-bytes.ts'
import {
  expectCloses,
  expectClosingHandshakes,
  expectSlowConsumer,
} from '../worlds/websocket-endings.ts'
import {
  BAD_KEYS,
  type FieldValues,
  field,
  openHandshakes,
} from '../worlds/websocket-handshakes.ts'
import { headerTrials, inHex, loadFrames } from '../worlds/websocket-headers.ts'
import { fastestRatio, maskTrial } from '../worlds/websocket-masks.ts'
import { expectPongs } from '../worlds/websocket-pings.ts'
import {
  ANY_TEXT,
  byteByByte,
  control,
  cutAt,
  cutSomewhere,
  expectFed,
  fault,
  feed,
  fragment,
  inFragments,
  lastFragment,
  loadReader,
  type Said,
  whole,
} from '../worlds/websocket-reader.ts'

step('18.1', 'a handshake is accepted, or refused for the reason it has', async (stage) => {
  const { expect, expectSame } = stage
  const { accepted, acceptAny, ask, opened, open, OFFER, protocol, refused } =
    await openHandshakes(stage)
  const answer = accepted(
    'with the key of RFC 6455 §1.3, and without an Origin',
    {},
    {
      because: 'Nothing is wrong with it.',
      likely: 'Words of Upgrade and Connection are the same in upper and lower case.',
    },
  )
  expectSame('Upgrade', field(answer, 'upgrade')?.toLowerCase(), 'websocket', {
    because: 'The client fails the connection without it (§4.1).',
  })
  expectSame('Connection', field(answer, 'connection')?.toLowerCase(), 'upgrade', {
    because: 'Upgrade without this is for the next proxy only (RFC 9110 §7.8).',
  })
  expectSame('Sec-WebSocket-Accept', field(answer, 'sec-websocket-accept'), acceptFor(SAMPLE_KEY), {
    because:
      'It proves that the server has read the key: Base64 of SHA-1 over the key, as it was sent, and the GUID.',
    likely: 'The key is not decoded first, and the digest is 20 bytes, not 40 hex digits.',
    look: 'answerTo()',
  })
  expectSame('what is opened before the connection is handed over', opened.splice(0), [], {
    because: 'The 101 has to go out first: until then the connection speaks HTTP.',
    likely: 'An answer has a function `upgrade`. It is called when the time has come.',
  })
  const handedOver = answer.upgrade?.('connection' as never, 'timers' as never)
  expect('the answer to open what was offered', handedOver === protocol, {
    because: 'From here on the connection speaks what the offer opens.',
  })
  expectSame('what it is opened with', opened, [['connection', 'timers']], {
    because: 'A protocol needs its connection, and the timers of the loop that it runs on.',
  })
  const otherKey = Buffer.from('0123456789abcdef').toString('base64')
  expectSame(
    'Sec-WebSocket-Accept',
    field(
      accepted('with another key', { 'Sec-WebSocket-Key': otherKey }, IN_ORDER),
      'sec-websocket-accept',
    ),
    acceptFor(otherKey),
    { because: 'Every key has its own answer.', look: 'answerTo()' },
  )
  accepted(
    'in capital letters, as one of several',
    {
      Upgrade: 'WebSocket',
      Connection: 'keep-alive, UPGRADE',
    },
    {
      because:
        'Both fields are lists of words, in upper or lower case. Firefox sends "keep-alive, Upgrade".',
      likely: 'Take the list apart, and compare in lower case.',
    },
  )
  accepted(
    'with lists of several',
    { Upgrade: ['h2c', 'websocket'], Connection: ' , upgrade ,' },
    {
      because: 'A list may come on several lines, and have empty elements (RFC 9110 §5.6.1).',
    },
  )

  const upgradeAnswer = (answer: HttpAnswer, reason: Reason) => {
    expectSame('Upgrade', field(answer, 'upgrade')?.toLowerCase(), 'websocket', reason)
    expectSame('Connection', field(answer, 'connection')?.toLowerCase(), 'upgrade', {
      because:
        'Upgrade counts for the next hop only, and Connection has to say so (RFC 9110 §7.8).',
      likely: 'A 426 has the fields of UPGRADE, both of them.',
    })
    expectSame('Sec-WebSocket-Version', field(answer, 'sec-websocket-version'), '13', reason)
  }
  const notAsked: Reason = {
    because: 'That is no request for a WebSocket. 426 says that this place has nothing else.',
    likely: 'Upgrade has to list websocket, and Connection has to list upgrade.',
  }
  const otherwise: Record<string, FieldValues> = {
    'without Upgrade': { Upgrade: 'none' },
    'with another protocol': { Upgrade: 'h2c' },
    'with a name that only contains the right one': { Upgrade: 'websockets' },
    'without Connection': { Connection: 'none' },
    'with Connection: keep-alive': { Connection: 'keep-alive' },
    'with Connection: not-upgrade': { Connection: 'not-upgrade, upgrade-insecure' },
  }
  for (const [what, fields] of Object.entries(otherwise)) {
    upgradeAnswer(refused(426, what, fields, notAsked), {
      because: 'A 426 has to say which protocol is wanted (RFC 9110 §15.5.22).',
    })
  }
  expectSame('the status', ask('over HTTP/1.0', {}, { version: '1.0' }).status, 426, {
    because: 'HTTP/1.0 knows no Upgrade (RFC 6455 §4.1).',
  })
  for (const version of ['none', '8', '12', '14', '130', '13, 13', '', ' 013']) {
    const what = version === 'none' ? 'without a version' : `with version "${version}"`
    const old = refused(
      426,
      what,
      { 'Sec-WebSocket-Version': version },
      {
        because: 'There is one version, 13. A client of another one is told so.',
      },
    )
    upgradeAnswer(old, { because: 'The answer says which version would do (RFC 6455 §4.4).' })
  }
  for (const key of BAD_KEYS) {
    const what = key === 'none' ? 'without a key' : `with the key ${JSON.stringify(key)}`
    refused(
      400,
      what,
      { 'Sec-WebSocket-Key': key },
      {
        because: 'A key is 16 bytes in Base64: 22 characters and "==", once (RFC 6455 §4.2.1).',
        likely: 'Buffer.from(key, "base64") takes anything: compare what stands there.',
      },
    )
  }
  for (const method of ['POST', 'HEAD', 'get']) {
    const answer = ask(`with ${method}`, {}, { method })
    expectSame('the status', answer.status, 405, {
      because: 'A WebSocket begins with a GET, and methods are case-sensitive.',
    })
    expectSame('Allow', field(answer, 'allow'), 'GET', {
      because: 'A 405 says what is allowed (RFC 9110 §15.5.6).',
    })
    expect('the answer not to switch protocols', answer.upgrade === undefined, {
      because: 'It refuses.',
    })
  }

  for (const origin of [
    'https://evil.example',
    'http://chat.example.org',
    'https://chat.example.org.evil.example',
    'https://chat.example.org:8443',
    'null',
    '',
  ]) {
    refused(
      403,
      `from a page of ${JSON.stringify(origin)}`,
      { Origin: origin },
      {
        because:
          'A browser sends our cookies along with any page’s WebSocket. Origin is all that tells ours from theirs (§10.2).',
        likely: 'An origin is compared as a whole: scheme, host and port.',
      },
    )
  }
  for (const origin of OFFER.origins) {
    accepted(
      `from our page of ${origin}`,
      { Origin: origin },
      { because: 'This page is ours: `origins` lists it.' },
    )
  }
  accepted(
    'from no page',
    {},
    { because: 'Only browsers send an Origin: other programs may come.' },
  )
  const everywhere = acceptAny({ Origin: 'https://any.example' }, { open })
  expectSame('the status for any page, without origins in the offer', everywhere.status, 101, {
    because: 'Without a list of origins every page may come.',
  })

  const nowhere = acceptAny({ Origin: 'https://any.example' }, { open, origins: [] })
  expectSame('the status for any page, with an empty list of origins', nowhere.status, 403, {
    because: 'An empty list of origins is a list: no page is in it, and none may come.',
    likely: 'Only when `origins` is left out, any page may come.',
  })

  const protocols: [string, string | string[] | undefined, string | undefined][] = [
    ['without a subprotocol', undefined, undefined],
    ['with chat.v1', 'chat.v1', 'chat.v1'],
    ['with three', 'soap, chat.v1, chat.v2', 'chat.v1'],
    ['with chat.v2 first', ['chat.v2,chat.v1'], 'chat.v2'],
    ['with two lines', ['soap', 'chat.v1'], 'chat.v1'],
    ['with what nobody speaks', 'soap, CHAT.V1', undefined],
  ]
  for (const [what, wanted, chosen] of protocols) {
    const fields = wanted === undefined ? {} : { 'Sec-WebSocket-Protocol': wanted }
    const spoken = accepted(what, fields as FieldValues, {
      because: 'A subprotocol that nobody speaks is no reason to refuse: the client decides.',
    })
    const said = field(spoken, 'sec-websocket-protocol')
    expectSame('Sec-WebSocket-Protocol', said, chosen, {
      because:
        'It is the first in the client’s list that we speak, or there is none. One that was not asked for would make the client give up.',
      likely:
        said === 'undefined' || said === ''
          ? 'Without a subprotocol the field is left out, not set to undefined or to nothing.'
          : 'Go through the client’s list, not through ours. Names are case-sensitive.',
    })
  }
  const plain = acceptAny({ 'Sec-WebSocket-Protocol': 'chat.v1' }, { open })
  expectSame('the status for a subprotocol, without protocols in the offer', plain.status, 101, {
    because: 'A server that speaks no subprotocol is a WebSocket server all the same.',
  })
  expectSame('Sec-WebSocket-Protocol', field(plain, 'sec-websocket-protocol'), undefined, {
    because: 'It speaks none.',
  })
  const extended = accepted(
    'with an extension',
    {
      'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits',
    },
    { because: 'Extensions are offers.' },
  )
  expectSame('Sec-WebSocket-Extensions', field(extended, 'sec-websocket-extensions'), undefined, {
    because: 'What is not accepted is not said back.',
  })
})

const IN_ORDER: Reason = { because: 'Nothing is wrong with it.' }

const CONTROL = { close: 1, ping: 1, pong: 1 }

step('18.2', 'a header is read once it is there, a fault once it shows', async (stage) => {
  const { FrameHeader } = await loadFrames(stage)
  const { expect } = stage
  const header = new FrameHeader()
  const { check, faulty } = headerTrials(stage, header)
  const size: Reason = {
    because:
      'Up to 125 stands in the second byte; 126 and 127 say that 2 or 8 bytes of length follow.',
    likely: 'The length is big-endian, and << has only 32 bits.',
  }
  for (const length of [
    70_000,
    0,
    1,
    125,
    126,
    127,
    255,
    256,
    65_535,
    65_536,
    2 ** 31,
    2 ** 32 + 5,
    2 ** 40,
  ]) {
    const lengthBytes = length < 126 ? 0 : length < 65_536 ? 2 : 8
    const frame = clientFrame('binary', '..', { length })
    const text = `a header that announces ${length.toLocaleString('en')} bytes`
    check(text, frame, { length }, 6 + lengthBytes, size)
  }
  for (const kind of ['continuation', 'text', 'binary', 'close', 'ping', 'pong'] as const) {
    for (const isFinal of kind in CONTROL ? [true] : [true, false]) {
      const what = `the header of a ${kind} frame${isFinal ? '' : ' that is not the last one'}`
      const expected = { isFinal, opcode: OPCODE[kind], length: 3 }
      check(what, clientFrame(kind, '...', { isFinal }), expected, 6, {
        because: 'FIN is the highest bit of the first byte, the opcode its lowest four.',
      })
    }
  }
  for (const kind of ['close', 'ping', 'pong'] as const) {
    const frame = clientFrame(kind, '..', { length: 125 })
    check(`a ${kind} frame of 125 bytes`, frame, { opcode: OPCODE[kind], length: 125 }, 6, {
      because: 'A control frame may have 125 bytes.',
    })
  }
  for (const key of [
    [0, 0, 0, 0],
    [1, 2, 3, 4],
    [0xff, 0xff, 0xff, 0xff],
    [0, 0, 0, 0x80],
  ]) {
    const number = inHex(Buffer.from(key).readUInt32LE())
    check(
      `the key ${hex(Buffer.from(key))}`,
      clientFrame('binary', '..', { key }),
      { key: number, length: 2 },
      6,
      {
        because: 'readKey() makes one number of the four bytes behind the length.',
        likely: 'The key follows the length: 2, 4 or 10 bytes behind the start.',
      },
    )
  }

  for (const reserved of [0x40, 0x20, 0x10, 0x70]) {
    faulty(
      `a header with the bits ${reserved.toString(16)} set`,
      'reserved-bits',
      'text',
      1,
      { reserved },
      {
        because: 'Nobody has agreed on an extension that would use a reserved bit (RFC 6455 §5.2).',
        likely: 'The reserved bits are the three below FIN: 0x40, 0x20 and 0x10.',
      },
    )
  }
  for (const opcode of [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) {
    faulty(
      `opcode ${opcode}`,
      'unknown-opcode',
      opcode,
      1,
      {},
      {
        because: 'Opcodes 3–7 and 11–15 are reserved (RFC 6455 §5.2).',
      },
    )
  }
  for (const kind of ['close', 'ping', 'pong'] as const) {
    faulty(
      `a ${kind} frame without FIN`,
      'control-in-fragments',
      kind,
      1,
      { isFinal: false },
      {
        because: 'A control frame comes between fragments, and has none (RFC 6455 §5.5).',
      },
    )
    for (const lengthBytes of [2, 8]) {
      const length = lengthBytes === 2 ? 126 : 70_000
      faulty(
        `a ${kind} frame of ${length} bytes`,
        'control-too-long',
        kind,
        2,
        { length },
        {
          because: 'A control frame has a payload of 125 bytes at most (RFC 6455 §5.5).',
        },
      )
    }
  }
  for (const kind of ['continuation', 'text', 'binary', 'close', 'ping', 'pong'] as const) {
    faulty(
      `a ${kind} frame without a mask`,
      'not-masked',
      kind,
      2,
      { key: 'none' },
      {
        because:
          'A client masks each frame, or a page could make a proxy see what it likes (RFC 6455 §5.1, §10.3).',
        likely: 'An empty frame without a mask has two bytes: a wait for its key never ends.',
      },
    )
  }
  for (const length of [126, 70_000]) {
    faulty(
      `a binary frame of ${length.toLocaleString('en')} bytes without a mask`,
      'not-masked',
      'binary',
      2,
      { key: 'none', length },
      { because: 'The second byte says that there is no mask, however long the length is.' },
    )
  }
  for (const [length, lengthBytes] of [
    [0, 2],
    [1, 2],
    [125, 2],
    [0, 8],
    [125, 8],
    [126, 8],
    [65_535, 8],
  ]) {
    const what = `a length of ${length.toLocaleString('en')} in ${lengthBytes} bytes`
    faulty(
      what,
      'length-not-minimal',
      'binary',
      2 + lengthBytes,
      { length, lengthBytes },
      {
        because: 'A length is written in as few bytes as it can be (RFC 6455 §5.2).',
        likely: '126 is the first length that needs two bytes, 65,536 the first that needs eight.',
      },
    )
  }

  const chunk = new Uint8Array(1024 * 1024)
  chunk.set(clientFrame('text', 'hello'))
  const us = leastUs(50, () => header.read(chunk, 0))
  expect('a header to cost the same, however much lies behind it', us < 20, {
    because:
      'A chunk holds thousands of small frames. What is copied for each of them costs the square.',
    likely: 'slice() of a Uint8Array copies all that is left: read the bytes where they are.',
    expected: 'less than 20 µs with 1 MiB behind it',
    received: `${us.toFixed(1)} µs`,
    look: 'read()',
  })
})

step('18.3', 'the mask comes off, from any place to any place, by words', async (stage) => {
  const { unmask } = await loadFrames(stage)
  const { expect, random, story } = stage
  const check = maskTrial(stage, unmask)
  const keys = [
    [0x37, 0xfa, 0x21, 0x3d],
    [0x81, 0xff, 0x80, 0xc3],
    [0, 0, 0, 1],
    [0, 0, 0, 0],
  ]
  for (let length = 0; length <= 70; length++) check(0, 0, length, 0, keys[length % 4])
  story.judge('test', 'expects payloads of 0 to 70 bytes without their mask', 'kept')
  for (let start = 0; start < 8; start++) {
    for (const length of [1, 5, 64, 67, 200, 1_001]) check(0, start, length, 0, keys[length % 2])
  }
  story.judge('test', 'expects the same from any place on', 'kept')
  for (let length = 0; length < 7; length++) {
    for (const start of [98, 99, 101, 5_003]) check(0, start, length, 0, keys[length % 2])
  }
  story.judge('test', 'expects the same of tiny payloads far inside a chunk', 'kept')
  for (let offset = 1; offset < 8; offset++) {
    for (const length of [3, 64, 333])
      for (const start of [0, 2, 6]) check(offset, start, length, 0, keys[1])
  }
  story.judge('test', 'expects the same in a view', 'kept')
  for (let before = 1; before < 9; before++) {
    for (const length of [1, 6, 100, 259])
      for (const start of [0, 1, 6]) check(1, start, length, before, keys[before % 2])
  }
  check(3, 6, 70_003, 2 ** 33 + 3, keys[0])
  story.judge('test', 'expects the same for the later pieces of a payload', 'kept')
  for (let round = 0; round < 200; round++) {
    const some = (limit: number) => randomInteger(random, limit)
    check(some(9), some(20), some(some(2) ? 40 : 5_000), some(1_000), [...randomBytes(random, 4)])
  }
  story.judge('test', 'expects the same for 200 random payloads', 'kept')

  const ratio = fastestRatio(unmask)
  expect('64 KiB to cost much less than in a loop over the bytes', ratio < 0.6, {
    because: 'Every byte of every message comes through here, and four of them fit into a word.',
    likely:
      'Four bytes at a time: a Uint32Array over the aligned part of the bytes, and a plain `for` over its places.',
    expected: 'less than 0.6 of such a loop',
    received: `${ratio.toFixed(2)} of it`,
  })
})

step('18.4', 'messages come out of fragments, with control frames between', async (stage) => {
  const { MessageReader } = await loadReader(stage)
  const { expect, expectSame, random, story } = stage
  const MAX = 100_000
  const newReader = (maxBytes = MAX) => new MessageReader({ maxBytes, textCheck: ANY_TEXT })
  const check = (said: Said[], reason: Reason, cut = cutAt(said, [])) => {
    story.tell('test', `sends ${said.length === 1 ? 'one frame' : `${said.length} frames`}`)
    expectFed(quiet(stage), newReader(), cut, reason)
    story.judge('test', 'expects it to yield what is complete', 'kept')
  }
  const twice = (said: Said[], reason: Reason) => {
    check(said, reason)
    check(
      said,
      { ...reason, because: `${reason.because} In pieces of one byte, too.` },
      byteByByte(said),
    )
  }
  twice([whole('binary', 'hello')], {
    because: 'A final frame that begins a message is all of it.',
  })
  twice([whole('text', 'a'), whole('binary', 'b'), whole('text', ''), whole('binary', '')], {
    because: 'Each message has its own kind, and an empty one is a message.',
    likely: 'When a message is complete, what was known of it is forgotten.',
  })
  for (const size of [125, 126, 65_535, 65_536, MAX]) {
    check([whole('binary', pattern(1, size)), whole('binary', 'x')], {
      because: `A message of ${size.toLocaleString('en')} bytes is not over the limit of ${MAX.toLocaleString('en')}.`,
    })
  }
  const hello = [
    fragment('binary', 'hel'),
    fragment('continuation', 'l'),
    lastFragment('o', 'binary', 'hello'),
  ]
  twice([...hello, whole('binary', 'next')], {
    because: 'Fragments are one message, with the final one.',
    likely: 'A continuation belongs to the message that was begun; FIN says that it is the last.',
  })
  twice([fragment('text', 'hel'), lastFragment('lo', 'text', 'hello')], {
    because: 'The kind of a message is that of its first frame: a continuation has none.',
    likely: 'Remember the opcode that began the message.',
  })
  twice(
    [
      fragment('text', ''),
      fragment('continuation', ''),
      lastFragment('', 'text', ''),
      whole('binary', 'x'),
    ],
    {
      because: 'Fragments may be empty, all of them.',
      likely: 'That nothing has come of a message does not mean that none has begun.',
    },
  )
  twice(
    [
      control('ping', 'before'),
      fragment('binary', 'hel'),
      control('ping', 'between'),
      control('pong', ''),
      fragment('continuation', 'l'),
      control('close', Buffer.from([3, 0xe8])),
      lastFragment('o', 'binary', 'hello'),
      control('pong', pattern(0, 125)),
    ],
    {
      because:
        'Control frames come between fragments, at once and as they are, and the message goes on behind them.',
      likely:
        'A control frame has nothing to do with the message under way: neither its bytes nor its opcode.',
    },
  )
  for (let round = 0; round < 40; round++) {
    const said = Array.from({ length: 4 }, () =>
      inFragments(
        random,
        randomInteger(random, 2) ? 'text' : 'binary',
        ascii(random, randomInteger(random, 300)),
        1 + randomInteger(random, 5),
      ),
    ).flat()
    expectFed(quiet(stage), newReader(), cutSomewhere(random, said), {
      because: 'However messages are fragmented, and wherever bytes are cut, the same comes out.',
    })
  }
  story.judge('test', 'expects 40 conversations, cut at random, to yield their messages', 'kept')
  await forAll(
    stage,
    'fragments of any size, with pings between',
    fc.array(
      fc.record({
        sizes: fc.array(fc.nat(200), { minLength: 1, maxLength: 6 }),
        isText: fc.boolean(),
      }),
      { minLength: 1, maxLength: 5 },
    ),
    (each, messages) => {
      const said = messages.flatMap(({ sizes, isText }) => {
        const payload = ascii(
          random,
          sizes.reduce((sum, size) => sum + size, 0),
        )
        return inFragments(random, isText ? 'text' : 'binary', payload, sizes.length)
      })
      expectFed(each, newReader(), cutSomewhere(random, said), {
        because: 'However messages are fragmented, and wherever bytes are cut, the same comes out.',
      })
    },
    60,
  )

  const nothing: Reason = {
    because: 'There is no message to continue (RFC 6455 §5.4).',
    likely: 'A continuation needs a message that has begun and is not finished.',
  }
  for (const isFinal of [true, false]) {
    const stray = fault(clientFrame('continuation', 'x', { isFinal }), 'nothing-to-continue')
    check([stray], nothing)
    check([whole('binary', 'done'), stray], nothing)
    check([...hello, stray], nothing)
    check([control('ping', 'p'), stray], nothing)
    check([fragment('text', ''), lastFragment('', 'text', ''), stray], nothing)
    check([fault(clientFrame('continuation', '', { isFinal }), 'nothing-to-continue')], nothing)
  }
  const unfinished: Reason = {
    because: 'The last message is not finished: only a continuation may come (RFC 6455 §5.4).',
    likely: 'Text and binary begin a message. One that is under way must not be begun again.',
  }
  for (const kind of ['text', 'binary'] as const) {
    for (const isFinal of [true, false]) {
      const early = fault(clientFrame(kind, 'x', { isFinal }), 'message-not-finished')
      check([fragment('binary', 'a'), early], unfinished)
      check([fragment('text', ''), early], unfinished)
      check(
        [fragment(kind, 'a'), control('ping'), fragment('continuation', 'b'), early],
        unfinished,
      )
    }
  }

  const small = (said: Said[], reason: Reason) => {
    story.tell('test', 'has a reader with maxBytes: 10')
    expectFed(quiet(stage), newReader(10), cutAt(said, []), reason)
  }
  const announced = (kind: FrameKind, length: number, isFinal = true) =>
    fault(clientFrame(kind, '', { length, isFinal }), 'too-large')
  const limit: Reason = {
    because:
      'The header says how long the frame is. Nobody has to wait for the payload to know that it is too much.',
    likely: 'Look at the length when the header is there.',
  }
  small([whole('binary', '0123456789'), whole('text', '0123456789')], {
    because: '10 bytes are not over 10, each time.',
    likely: 'The limit is that of one message, not of all of them.',
  })
  small([announced('text', 11)], limit)
  small([announced('binary', 2 ** 40, false)], limit)
  const sum: Reason = {
    because: 'The limit is that of the message, whatever the number of its fragments.',
    likely: 'Add what has come of the message to what the header announces.',
  }
  small(
    [
      fragment('binary', '01234'),
      control('ping', '0123456789'),
      lastFragment('56789', 'binary', '0123456789'),
    ],
    {
      because:
        'Ten bytes in two fragments are not over ten. A control frame is no part of the message.',
    },
  )
  small(
    [fragment('binary', '01234'), fragment('continuation', '5'), announced('continuation', 5)],
    sum,
  )
  small([fragment('binary', '0123456789'), announced('continuation', 1, false)], sum)
  small(
    [
      fragment('text', '0123456789'),
      lastFragment('', 'text', '0123456789'),
      whole('text', 'again'),
    ],
    {
      because: 'An empty fragment does not make it longer.',
    },
  )
  small([control('ping', pattern(0, 125))], {
    because: 'A control frame has a limit of its own.',
    likely: 'maxBytes concerns messages.',
  })

  const kept = newReader()
  const bytes = Uint8Array.from(
    Buffer.concat([clientFrame('binary', 'one'), clientFrame('binary', 'two')]),
  )
  const first = kept.next(bytes, 0)
  const end = clientFrame('binary', 'one').length
  story.tell('test', 'hands over two messages in one chunk, and takes one')
  expectSame('the place behind the first one', 'end' in first ? first.end : first.kind, end, {
    because: 'A connection may be paused behind a message. The next one begins here.',
  })
  expect(
    'the second one not to be touched',
    Buffer.compare(bytes.subarray(end), clientFrame('binary', 'two')) === 0,
    {
      because: 'What is not taken is offered again, and must not lose its mask twice.',
    },
  )
  const parts = newReader()
  const [one] = [fragment('binary', 'ab'), lastFragment('cd', 'binary', 'abcd')]
    .map(({ frame }) => parts.next(Uint8Array.from(frame), 0))
    .slice(1)
  feed(
    parts,
    Buffer.concat([fragment('binary', 'EF').frame, lastFragment('GH', 'binary', 'EFGH').frame]),
  )
  expectSame(
    'the first payload, when the second message has come',
    one.kind === 'message' ? Buffer.from(one.payload).toString() : one.kind,
    'abcd',
    {
      because: 'A payload that was handed out is not ours any more: nothing may change it.',
    },
  )
})

/** Random bytes that are text as well. */
function ascii(random: Random, length: number): Uint8Array {
  return randomBytes(random, length).map((byte) => byte & 0x7f)
}

/** What holds is not told. */
function quiet(stage: Stage): Pick<Stage, 'expect' | 'expectSame' | 'story'> {
  return {
    story: stage.story,
    expect: (what, holds, reason) => holds || stage.expect(what, holds, reason),
    expectSame: stage.expectSame,
  }
}

step('18.5', 'a text fails at the first impossible byte, inside a frame, too', async (stage) => {
  const { Utf8Check } = await stage.load(() => import('#code/18-websocket/utf8.ts'))
  const { MessageReader } = await loadReader(stage)
  const { expect, expectSame, random, story } = stage

  const tryBytes = bytesTrial(stage, Utf8Check)
  for (let first = 0; first < 256; first++) tryBytes(first)
  for (let first = 0; first < 256; first++)
    for (let second = 0; second < 256; second++) tryBytes(first, second)
  story.judge('test', 'expects each pair of bytes to be taken or refused, and where', 'kept')
  const edges = [0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xe2, 0xff]
  for (const first of [0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4]) {
    await turn()
    for (const second of edges)
      for (const third of edges) for (const fourth of edges) tryBytes(first, second, third, fourth)
  }
  story.judge('test', 'expects the same of threes and fours', 'kept')

  const text = 'Käse, 你好, 🍰 \u0000\u007f\u0080\u07ff\u0800\ud7ff\ue000\uffff\u{10000}\u{10ffff}'
  const bytes = Buffer.from(text)
  for (let first = 0; first <= bytes.length; first++) {
    for (let second = first; second <= bytes.length; second++) {
      const check = new Utf8Check()
      const pieces = [
        bytes.subarray(0, first),
        bytes.subarray(first, second),
        bytes.subarray(second),
      ]
      const holds = pieces.every((piece) => check.push(piece)) && check.end()
      if (holds) continue
      for (const piece of pieces) story.tell('test', `pushes ${hex(piece)}`)
      expect('a valid text to be valid in three pieces', false, {
        because: 'A piece may end inside a character, and the next one goes on there.',
        likely: 'What is known of a character that has begun is kept until the next piece.',
      })
    }
  }
  story.judge('test', 'expects a valid text to be valid, wherever it is cut', 'kept')
  const characters = ['é', '你', '🍰', '\u{10ffff}'].map((each) => Buffer.from(each))
  for (const character of characters) {
    for (let length = 1; length < character.length; length++) {
      const check = new Utf8Check()
      const begun = character.subarray(0, length)
      story.tell('test', `pushes ${hex(begun)}, then end()`)
      expectSame('push()', check.push(begun), true, { because: 'A character begins like this.' })
      expectSame('end()', check.end(), false, {
        because: 'The text ends inside a character.',
        likely: 'end() is about what is missing.',
      })
    }
  }
  const reused = new Utf8Check()
  story.tell('test', 'checks one text after the other')
  const outcomes = ['é', '', '🍰x', 'plain'].map(
    (each) => reused.push(Buffer.from(each)) && reused.end(),
  )
  expectSame('the outcomes', outcomes, [true, true, true, true], {
    because: 'One object checks all texts of a connection, one after the other.',
  })
  const us = usPerPiece(Utf8Check)
  story.tell('test', 'pushes a text of 1 MiB, then 200 pieces of one byte')
  expect('a piece to cost what a piece costs, however much came before', us < 20, {
    because:
      'A text may come in as many pieces as it has bytes. What came before was looked at then.',
    likely:
      'To keep the bytes and look at all of them again costs the square: three numbers are enough.',
    expected: 'less than 20 µs a piece',
    received: `${us.toFixed(1)} µs a piece`,
    look: 'push()',
  })

  const check = (what: string, said: Said[], reason: Reason, cut = cutAt(said, [])) => {
    story.tell('test', `sends ${what}`)
    expectFed(quiet(stage), new MessageReader(), cut, reason)
    story.judge('test', 'expects what is valid, and a fault where it is not', 'kept')
  }
  const cake = Buffer.from('🍰 你好')
  const inside: Reason = {
    because: 'A fragment may end inside a character. The next one goes on there (RFC 6455 §5.6).',
    likely: 'Only a message is valid or not; a fragment alone is neither.',
  }
  for (let place = 0; place <= cake.length; place++) {
    const said = [
      fragment('text', cake.subarray(0, place)),
      control('ping', Buffer.of(0xff)),
      lastFragment(cake.subarray(place), 'text', cake),
    ]
    check(`a text in two fragments, cut at byte ${place}`, said, inside, byteByByte(said))
  }
  check(
    'a binary message that is no text',
    [
      whole('binary', Buffer.of(0xff, 0xc0)),
      fragment('binary', Buffer.of(0xf5)),
      lastFragment(Buffer.of(0x80), 'binary', Buffer.of(0xf5, 0x80)),
    ],
    {
      because: 'A binary message is any bytes.',
    },
  )
  check('a text that is cut off', [fault(clientFrame('text', cake.subarray(0, 2)), 'not-utf8')], {
    because: 'The message ends inside a character.',
  })
  check(
    'a text whose last fragment is empty',
    [fragment('text', cake.subarray(0, 3)), fault(clientFrame('continuation', ''), 'not-utf8')],
    {
      because: 'The message ends inside a character, and an empty frame ends it.',
      likely: 'The end of a message is its own question, also when nothing comes with it.',
    },
  )
  check(
    'a text that is whole and wrong',
    [fault(clientFrame('text', Buffer.of(0x61, 0xed, 0xa0, 0x80)), 'not-utf8')],
    {
      because: 'Half a surrogate pair is no character.',
    },
  )
  check(
    'three texts',
    [
      fragment('text', 'é'),
      lastFragment('é', 'text', 'éé'),
      whole('text', 'é'),
      whole('text', cake),
    ],
    {
      because: 'Each of them is valid.',
    },
  )

  const early: Reason = {
    because: 'The rest of the frame cannot make this byte right, and may never come.',
    likely: 'A payload is checked as it comes, not when its frame is complete.',
  }
  for (const wrong of [
    [0xc0],
    [0xf5],
    [0xed, 0xa0],
    [0xe0, 0x9f],
    [0xf4, 0x90],
    [0x80],
    [0xce, 0x41],
  ]) {
    const start = Buffer.concat([cake, Buffer.from(wrong)])
    const frame = clientFrame('text', Buffer.concat([start, Buffer.alloc(1_000, 'x')]))
    const headerBytes = frame.length - start.length - 1_000
    for (const pieces of [
      [headerBytes + start.length - 1],
      [9, 12, headerBytes + start.length - 1],
    ]) {
      story.tell(
        'test',
        `begins a text of ${countBytes(start.length + 1_000)} with ${hex(start)}, and sends no more`,
      )
      const feeds = cutAt([{ frame }], [...pieces, headerBytes + start.length]).slice(
        0,
        pieces.length + 1,
      )
      feeds[feeds.length - 1].yields.push('invalid: not-utf8')
      expectFed(quiet(stage), new MessageReader(), feeds, early)
    }
  }
  story.judge('test', 'expects each to fail at once', 'kept')
  for (let round = 0; round < 60; round++) {
    const valid = Buffer.from(
      Array.from({ length: 30 }, () => ['a', 'é', '你', '🍰'][randomInteger(random, 4)]).join(''),
    )
    const said = inFragments(random, 'text', valid, 1 + randomInteger(random, 4))
    expectFed(quiet(stage), new MessageReader(), cutSomewhere(random, said), inside)
  }
  story.judge('test', 'expects 60 texts, fragmented and cut at random, to be valid', 'kept')
})

step('18.6', 'both ends say Close once; of many pings the newest is answered', async (stage) => {
  await expectCloses(stage)
  await expectClosingHandshakes(stage)
  await expectSlowConsumer(stage)
  await expectPongs(stage)
  await expectRealServer(stage)
})

/** What a Close frame says, and what it must not say. */
/** The whole of it, through a handshake, on a socket. */
async function expectRealServer({ connect, expect, serve }: Stage): Promise<void> {
  const server = await serve('18-websocket', { goodbyeMs: 200 })
  const [ada, bob] = [await connect(server), await connect(server)]
  await openWebSocket(ada, server.port, '/echo')
  await ada.send(
    Buffer.concat([
      clientFrame('text', 'hel', { isFinal: false }),
      clientFrame('ping', 'p'),
      clientFrame('continuation', 'lo'),
    ]),
    { cut: 'byte by byte' },
  )
  await expectFrameOf(ada, 'pong', 'p', { because: 'Control frames are answered at once.' })
  await expectFrameOf(ada, 'text', 'hello', { because: 'Both fragments are there.' })
  const large = pattern(0, 1_000_000)
  await ada.send(clientFrame('binary', large))
  await expectFrameOf(ada, 'binary', large, { because: '/echo says everything back.' })
  await ada.send(clientClose(1000, 'bye'))
  await expectClose(ada, 1000, { because: 'The code comes back.' })
  await ada.halfClose()

  await openWebSocket(bob, server.port, '/echo')
  await bob.send(Buffer.concat([clientFrame('text', Buffer.of(0xff), { length: 100_000 })]))
  await expectClose(bob, 1007, { because: 'No text begins with ff, however long it is.' })
  await bob.expectClosed({ because: 'bob says no FIN, and has had his time.' })

  const cyd = await connect(server)
  await cyd.send(upgradeRequest('/chat', server.port, { Origin: 'https://evil.example' }))
  await expectHead(cyd, 403, { because: 'That page is not ours.' })
  const dee = await connect(server)
  await openWebSocket(dee, server.port, '/chat', { 'Sec-WebSocket-Protocol': 'chat.v1' })
  await dee.send(clientText(JSON.stringify({ id: 1, type: 'hello', version: 1 })))
  const answer = await expectFrameOf(dee, 'text', (payload) => payload.includes('no-session'), {
    because: 'Nobody has logged in: that is said where a client can read it, in the chat.',
  })
  expect('the id to come back', answer.includes('"id":1'), { because: 'It answers request 1.' })
  await expectClose(dee, 1000, { because: 'A client has to log in again.' })
  server.beginClose()
  await server.expectClosed({ because: 'Everybody has gone, or is cut off in time.' })
  await server.expectNothingLeft({ because: 'Whatever is left keeps the process alive.' })
}
