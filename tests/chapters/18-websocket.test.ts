import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import type { Protocol } from '#code/07-event-loop/connection.ts'
import type { HttpAnswer, HttpRequest } from '#code/17-http/http-message.ts'
import type * as FramesModule from '#code/18-websocket/websocket-frames.ts'
import { countBytes, hex } from '../harness/bytes.ts'
import { pattern } from '../harness/client.ts'
import type { Reason } from '../harness/failure.ts'
import { type Random, randomBytes, randomInteger } from '../harness/random.ts'
import { type Stage, step } from '../judge/step.ts'
import {
  acceptFor,
  clientClose,
  clientFrame,
  clientText,
  closePayload,
  codeOf,
  expectClose,
  expectFrameOf,
  expectHead,
  type FrameForm,
  type FrameKind,
  HANDSHAKE,
  OPCODE,
  openWebSocket,
  SAMPLE_KEY,
  serverFrame,
  upgradeRequest,
} from '../protocols/websocket.ts'
import { forAll } from '../worlds/for-all.ts'
import { openWebSockets } from '../worlds/websocket-connection.ts'
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

type FieldValues = Record<string, string | string[]>

step('18.1', 'a handshake is accepted, or refused for the reason it has', async (stage) => {
  const { expect, expectSame, load, story } = stage
  const { acceptWebSocket } = await load(() => import('#code/18-websocket/handshake.ts'))
  const { HeaderFields } = await load(() => import('#code/17-http/http-message.ts'))
  const protocol: Protocol = { onBytes: (bytes) => bytes.length, onEnd() {} }
  const opened: unknown[][] = []
  const open = (...args: unknown[]) => {
    opened.push(args)
    return protocol
  }
  const OFFER = { protocols: ['chat.v2', 'chat.v1'], origins: ['https://chat.example.org'], open }
  const ask = (what: string, fields: FieldValues, request: Partial<HttpRequest> = {}) => {
    story.tell('test', `asks for a WebSocket ${what}`)
    const present = Object.entries({ ...HANDSHAKE, ...fields }).filter(
      ([, value]) => value !== 'none',
    )
    return acceptWebSocket(
      {
        method: 'GET',
        target: '/chat',
        path: '/chat',
        query: '',
        version: '1.1',
        headers: HeaderFields.from(Object.fromEntries(present) as FieldValues),
        body: new Uint8Array(),
        peer: { address: '127.0.0.1', isSecure: false },
        ...request,
      },
      OFFER,
    )
  }
  const refused = (status: number, what: string, fields: FieldValues, reason: Reason) => {
    const answer = ask(what, fields)
    expectSame('the status', answer.status, status, reason)
    expect('the answer not to switch protocols', answer.upgrade === undefined, reason)
    return answer
  }

  const accepted = (what: string, fields: FieldValues, reason: Reason) => {
    const answer = ask(what, fields)
    const isForNoOrigin = answer.status === 403 && !('Origin' in fields)
    const likely = isForNoOrigin
      ? 'Other programs send no Origin: only one that is there is checked.'
      : reason.likely
    expectSame('the status', answer.status, 101, { ...reason, likely })
    return answer
  }
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
        because: 'There is one version, 13. Whoever speaks another one is told so.',
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
  const post = ask('with POST', {}, { method: 'POST' })
  expectSame('the status', post.status, 405, { because: 'A WebSocket begins with a GET.' })
  expectSame('Allow', field(post, 'allow'), 'GET', {
    because: 'A 405 says what is allowed (RFC 9110 §15.5.6).',
  })
  expect('the answer not to switch protocols', post.upgrade === undefined, {
    because: 'It refuses.',
  })

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
  accepted(
    'from our page',
    { Origin: 'https://chat.example.org' },
    {
      because: 'This page is ours.',
    },
  )
  accepted(
    'from no page',
    {},
    { because: 'Only browsers send an Origin: other programs may come.' },
  )
  const everywhere = acceptWebSocket(
    requestWith(HeaderFields.from({ ...HANDSHAKE, Origin: 'https://any.example' } as FieldValues)),
    { open },
  )
  expectSame('the status for any page, without origins in the offer', everywhere.status, 101, {
    because: 'Without a list of origins every page may come.',
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
  const plain = acceptWebSocket(
    requestWith(
      HeaderFields.from({ ...HANDSHAKE, 'Sec-WebSocket-Protocol': 'chat.v1' } as FieldValues),
    ),
    { open },
  )
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

const BAD_KEYS: (string | string[])[] = [
  'none',
  '',
  'dGhlIHNhbXBsZSBub25jZQ',
  'dGhlIHNhbXBsZSBub25jZQ=',
  'dGhlIHNhbXBsZSBub25j',
  'dGhlIHNhbXBsZSBub25jZQAA',
  'dGhlIHNhbXBsZSBub25jZR==',
  'dGhlIHNhbXBsZSBub25jZSE=',
  'dGhlIHNhbXBsZSBub25jZSEhIQ==',
  'dGhlIHNhbXBsZSBub25j Q==',
  'dGhlIHNhbXBsZSBub25j-Q==',
  ['dGhlIHNhbXBsZSBub25jZQ==', 'dGhlIHNhbXBsZSBub25jZQ=='],
]

function requestWith(headers: HttpRequest['headers']): HttpRequest {
  return {
    method: 'GET',
    target: '/',
    path: '/',
    query: '',
    version: '1.1',
    headers,
    body: new Uint8Array(),
    peer: { address: '127.0.0.1', isSecure: false },
  }
}

/** A field of an answer; names are the same in upper and lower case. */
function field({ headers = {} }: HttpAnswer, name: string): string | undefined {
  const found = Object.entries(headers).find(([each]) => each.toLowerCase() === name)
  return found && String(found[1])
}

step('18.2', 'a header is read once it is there, a fault once it shows', async (stage) => {
  const { FrameHeader } = await loadFrames(stage)
  const { expect, expectSame, story } = stage
  const header = new FrameHeader()

  const check = (
    what: string,
    frame: Uint8Array,
    expected: object,
    headerBytes: number,
    reason: Reason,
  ) => {
    for (const at of [0, 3]) {
      const bytes = Buffer.concat([Buffer.alloc(at, 0xff), frame])
      for (let length = at; length < at + headerBytes; length++) {
        const state = header.read(bytes.subarray(0, length), at)
        if (state === 'incomplete') continue
        expect(`the first ${countBytes(length - at)} of ${what} to be incomplete`, false, {
          because:
            state === 'whole'
              ? 'Bytes come as they come. What is not all there is not whole.'
              : `What can still become right is no fault. ${reason.because}`,
          likely: at > 0 ? COUNT_FROM_AT : likelyOfState(state),
          expected: `'incomplete' for ${length === at ? 'no byte' : hex(bytes.subarray(at, length))}, read from place ${at} on`,
          received: `'${state}'`,
        })
      }
      story.tell(
        'test',
        `reads ${hex(bytes.subarray(at, at + headerBytes + 2))} from place ${at} on`,
      )
      const exact = header.read(bytes.subarray(0, at + headerBytes), at)
      expectSame(`${what}, read`, exact, 'whole', {
        ...reason,
        likely:
          at > 0
            ? COUNT_FROM_AT
            : 'A header is whole with the last byte of its key: no payload need be there.',
      })
      expectSame(`${what} with something behind it, read`, header.read(bytes, at), 'whole', reason)
      const { isFinal, opcode, length, key } = header
      const read = { isFinal, opcode, length, key: inHex(key) }
      const asSent = { isFinal: true, opcode: 2, key: '0xc7e4129f', ...expected }
      expectSame(what, read, asSent, at > 0 ? { ...reason, likely: COUNT_FROM_AT } : reason)
      expectSame('the length of the header itself', header.bytes, headerBytes, {
        because: 'The payload begins so many bytes behind the place where the header does.',
        likely: 'It ends behind the key; and it began at `at`.',
      })
    }
  }
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

  const faulty = (
    what: string,
    name: string,
    kind: FrameKind | number,
    provenBy: number,
    form: FrameForm,
    reason: Reason,
  ) => {
    const frame = clientFrame(kind, '', form)
    for (const at of [0, 5]) {
      const bytes = Buffer.concat([Buffer.alloc(at, 0x82), frame])
      story.tell(
        'test',
        `reads ${hex(bytes.subarray(at, at + provenBy))} from place ${at} on, and no more`,
      )
      const state = header.read(bytes.subarray(0, at + provenBy), at)
      const waitsForMore = state === 'incomplete' && header.read(bytes, at) === name
      const likely = waitsForMore && provenBy === 1 ? NOTHING_BEHIND_IT : reason.likely
      expectSame(what, state, name, {
        ...reason,
        likely: at > 0 ? COUNT_FROM_AT : (likely ?? NOTHING_BEHIND_IT),
      })
      expectSame(`${what}, and more behind it`, header.read(bytes, at), name, reason)
    }
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
        likely:
          'An empty frame without a mask has two bytes: whoever waits for a key waits forever.',
      },
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
        likely: 'It can be judged when all of the length is there; the key need not be.',
      },
    )
  }
})

const COUNT_FROM_AT = 'What lies in front of `at` is not the header’s; do you count from `at`?'

const NOTHING_BEHIND_IT = 'The byte that is wrong is there. Nothing behind it can make it right.'

function inHex(key: number): string {
  return `0x${(key >>> 0).toString(16).padStart(8, '0')}`
}

function likelyOfState(state: string): string {
  if (state === 'whole') return 'Look whether a byte is there before you look at it.'
  return state === 'length-not-minimal'
    ? '126 is the first length that needs two bytes, 65,536 the first that needs eight. A length is big-endian, and << has only 32 bits.'
    : 'Which byte says so, and has it come?'
}

const CONTROL = { close: 1, ping: 1, pong: 1 }

function loadFrames(stage: Stage): Promise<typeof FramesModule> {
  return stage.load(() => import('#code/18-websocket/websocket-frames.ts'))
}

step('18.3', 'the mask comes off, from any place to any place, by words', async (stage) => {
  const { unmask } = await loadFrames(stage)
  const { expect, random, story } = stage
  const check = (offset: number, start: number, length: number, before: number, key: number[]) => {
    // In a buffer of just that length, which need not be whole words.
    const all = Uint8Array.from(randomBytes(random, offset + start + length + 9))
    // A chunk from a socket is a Buffer, whose slice() is no copy.
    const view = all.subarray(offset)
    const bytes = length % 2 > 0 ? view : Buffer.from(view.buffer, view.byteOffset, view.length)
    const expected = Uint8Array.from(bytes)
    for (let place = 0; place < length; place++)
      expected[start + place] ^= key[(before + place) % 4]
    const original = Uint8Array.from(bytes)
    const call = `unmask(bytes, ${start}, ${start + length}, key, ${before})`
    const tell = () =>
      story.tell(
        'test',
        `calls ${call}; the bytes are a view that begins at byte ${offset} of a buffer of ${countBytes(all.length)}`,
      )
    try {
      unmask(bytes, start, start + length, Buffer.from(key).readInt32LE(), before)
    } catch (error) {
      tell()
      if (!String(error).includes('byte length of')) throw error
      expect('unmask() to work in a buffer of any length', false, {
        because: 'A chunk lies in a buffer that need not be a whole number of words long.',
        likely:
          'A buffer may have any length: make a view of the words in the payload, not of the whole buffer.',
        received: String(error),
      })
    }
    const place = expected.findIndex((byte, index) => byte !== bytes[index])
    if (place < 0) return
    tell()
    const isOutside = place < start || place >= start + length
    const from = Math.max(0, place - 4)
    expect(isOutside ? 'bytes outside not to change' : 'the mask to be off', false, {
      because: isOutside
        ? 'What lies around a payload belongs to other frames.'
        : 'Byte 0 of a payload is XORed with the first byte of the key, byte 4 with the first again, wherever it lies.',
      likely: isOutside
        ? 'How many whole words are there from `at` to `end`?'
        : likelyOf(place - start, length, before, offset + start),
      expected: `byte ${place - start} of the payload: ${hex(expected.subarray(from, place + 8))}`,
      received: `${hex(bytes.subarray(from, place + 8))} (with the mask: ${hex(original.subarray(from, place + 8))}, key ${hex(Buffer.from(key))})`,
    })
  }
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

function likelyOf(place: number, length: number, before: number, address: number): string {
  if (before === 0 && length < 8) {
    return 'The first byte of the key is the lowest one of the number, the second one the next: the key turns right.'
  }
  if (before > 0 && place < 4) return 'So many bytes came before: the key goes on from there.'
  if (place >= length - 4) return 'Behind the last whole word, up to three bytes are left.'
  if (address % 4 > 0) {
    return 'Once the first bytes are done one by one, another byte of the key is the next one.'
  }
  return 'The first byte of the key is the lowest one of the number.'
}

/** The least of several tries: other work on the machine makes both slower, now the one and now the other. */
function fastestRatio(unmask: typeof FramesModule.unmask): number {
  const bytes = new Uint8Array(64 * 1024)
  const key = Uint8Array.from([1, 2, 3, 4])
  let [least, leastInLoop] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  const msOf = (act: () => void) => {
    const startedAt = performance.now()
    for (let time = 0; time < 8; time++) act()
    return performance.now() - startedAt
  }
  for (let round = 0; round < 40; round++) {
    least = Math.min(
      least,
      msOf(() => unmask(bytes, 0, bytes.length, 0x04030201, 0)),
    )
    leastInLoop = Math.min(
      leastInLoop,
      msOf(() => xorInLoop(bytes, key)),
    )
  }
  return least / leastInLoop
}

function xorInLoop(bytes: Uint8Array, key: Uint8Array): void {
  for (let place = 0; place < bytes.length; place++) bytes[place] ^= key[place & 3]
}

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
      because: 'A payload that was handed out belongs to whoever got it.',
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

  /** How many bytes are taken before one is refused. */
  const taken = (bytes: Uint8Array) => {
    const check = new Utf8Check()
    const refused = [...bytes].findIndex((byte) => !check.push(Uint8Array.of(byte)))
    return refused < 0 ? bytes.length : refused
  }
  const stateOf = knowCharacters()
  const tryBytes = (...bytes: number[]) => {
    let expected = 0
    let begun = ''
    for (const byte of bytes) {
      begun += String.fromCharCode(byte)
      const state = stateOf(begun)
      if (state === undefined) break
      if (state === 'whole') begun = ''
      expected += 1
    }
    const received = taken(Uint8Array.from(bytes))
    if (received === expected) return
    story.tell('test', `pushes ${hex(Uint8Array.from(bytes))}, byte by byte`)
    const isLate = received > expected
    expectSame('the number of bytes that are taken', received, expected, {
      because: isLate
        ? `No valid text has ${hex(Uint8Array.of(bytes[expected]))} here. It is refused before anything else comes.`
        : 'There are characters that begin like this.',
      likely: isLate ? likelyOfBytes(bytes, expected) : likelyOfRefusal(bytes, received, taken),
    })
  }
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

/** What some bytes are: a character, the beginning of one, or neither. Known from what Node writes. */
function knowCharacters(): (bytes: string) => 'whole' | 'begun' | undefined {
  const begun = new Set<string>()
  const allButLast = new Set<string>()
  // The last byte of a longer character is any of 64, so one character in 64 tells of all.
  for (let code = 0x80; code < 0x110000; code += 64) {
    if (code >= 0xd800 && code < 0xe000) continue
    const bytes = Buffer.from(String.fromCodePoint(code)).toString('latin1')
    for (let length = 1; length < bytes.length; length++) begun.add(bytes.slice(0, length))
    allButLast.add(bytes.slice(0, -1))
  }
  return (bytes) => {
    const last = bytes.charCodeAt(bytes.length - 1)
    if (bytes.length === 1 && last < 0x80) return 'whole'
    if (last >= 0x80 && last < 0xc0 && allButLast.has(bytes.slice(0, -1))) return 'whole'
    return begun.has(bytes) ? 'begun' : undefined
  }
}

/** A byte was refused that may come. */
function likelyOfRefusal(
  bytes: number[],
  place: number,
  taken: (bytes: Uint8Array) => number,
): string {
  if (bytes[place] < 0x80) return 'Up to 7F a byte is a whole character.'
  const isBehindNarrow = [0xe0, 0xed, 0xf0, 0xf4].includes(bytes[place - 2])
  // Or three bytes are one too many, with wide bounds as well.
  return isBehindNarrow && taken(Uint8Array.of(0xe1, 0x80, 0x80)) === 3
    ? 'The narrow bounds are for the second byte only.'
    : likelyOfBytes(bytes, place)
}

function likelyOfBytes(bytes: number[], place: number): string {
  const [before, byte] = [bytes[place - 1], bytes[place]]
  if (byte >= 0xc2 && byte < 0xf5) {
    return 'A piece may end inside a character: push() says whether the text can still become valid.'
  }
  if (byte >= 0xc0 || place === 0) {
    return 'C0 and C1 could only begin what is shorter without them, F5 and more what is above U+10FFFF; 80–BF begin nothing.'
  }
  if (before >= 0xe0 && byte >= 0x80) {
    return 'Behind E0, ED, F0 and F4 only some of 80–BF may come: see the table in utf8.ts.'
  }
  return 'Behind the first byte come so many of 80–BF as it says, and what is known of a character is kept until the next piece.'
}

step('18.6', 'both ends say Close once; of many pings the newest is answered', async (stage) => {
  await expectCloses(stage)
  await expectClosingHandshakes(stage)
  await expectSlowConsumer(stage)
  await expectPongs(stage)
  await expectRealServer(stage)
})

/** What a Close frame says, and what it must not say. */
async function expectCloses(stage: Stage): Promise<void> {
  const { expectSame, load, story } = stage
  const { parseClose } = await load(() => import('#code/18-websocket/close.ts'))
  const check = (payload: Uint8Array, expected: unknown, reason: Reason) => {
    story.tell('test', `parses a Close with ${payload.length === 0 ? 'no payload' : hex(payload)}`)
    const close = parseClose(Uint8Array.from(payload))
    const received = typeof close === 'string' ? close : { code: close.code, reason: close.reason }
    expectSame('the result', received, expected, { ...reason, look: 'parseClose()' })
  }
  check(
    closePayload(),
    { code: 1005, reason: '' },
    {
      because:
        'A Close need not say why. 1005 stands for that, and is never sent (RFC 6455 §7.1.5).',
    },
  )
  check(Buffer.of(3), 'bad-close', { because: 'A code has two bytes (RFC 6455 §5.5.1).' })
  for (const code of [
    1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999,
  ]) {
    check(
      closePayload(code),
      { code, reason: '' },
      {
        because: 'That code may be sent (RFC 6455 §7.4).',
        likely:
          code === 1000
            ? 'The code is big-endian.'
            : '1000–1003, 1007–1014 and 3000–4999 may be sent.',
      },
    )
  }
  check(
    closePayload(4321, 'gone for lunch 🍰'),
    { code: 4321, reason: 'gone for lunch 🍰' },
    {
      because: 'Behind the code comes the reason, in UTF-8.',
    },
  )
  for (const code of [
    0, 1, 255, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535,
  ]) {
    check(closePayload(code, 'why'), 'bad-close', {
      because: `${code} may not be sent: ${whyNot(code)}`,
    })
  }
  for (const reason of [[0xff], [0xc3], [0x61, 0xed, 0xa0, 0x80]]) {
    check(closePayload(1000, Buffer.from(reason)), 'not-utf8', {
      because: 'A reason is text, and all of it is there (RFC 6455 §5.5.1).',
    })
  }
}

function whyNot(code: number): string {
  if (code < 1000) return 'below 1000 there are none (§7.4.2).'
  if (code < 1016) return 'it is reserved (§7.4.1).'
  return code < 3000 ? 'nobody has defined it (§7.4.2).' : 'from 5000 on there are none.'
}

/** Who says Close first, and what comes back. */
async function expectClosingHandshakes(stage: Stage): Promise<void> {
  const { expectSame } = stage
  const world = await openWebSockets(stage, { goodbyeMs: 5_000 })
  const comesBack: Reason = {
    because: 'The answer to a Close is a Close with the same code (RFC 6455 §5.5.1).',
    likely: 'Keep the code of the peer’s Close: close() sends it back.',
    look: ['websocket.close()', '#hearClose()'],
  }
  const [ada, adaEnd] = await world.arrive('ada')
  await ada.send(
    Buffer.concat([clientText('last words'), clientClose(4001, 'bye'), clientText('late')]),
  )
  ada.expectFrames(['text "last words"', 'close 4001'], {
    ...comesBack,
    because: `${comesBack.because} What comes behind it is not looked at.`,
  })
  ada.expectEnd({ because: 'Both have said Close: the server ends the connection (§7.1.1).' })
  await ada.send(clientText('later'))
  ada.expectReceived('', { because: 'Behind a Close nothing is heard, and nothing said.' })
  await ada.halfClose()
  expectSame('why ada’s connection has ended', adaEnd.endings, ['finished'], {
    because: 'Nothing was wrong.',
  })

  const [bob] = await world.arrive('bob')
  await bob.send(clientClose())
  bob.expectClosed(undefined, {
    because: 'A Close without a code is answered by one without: 1005 is never sent.',
    likely: 'encodeClose() knows NO_CODE: hand it on.',
  })
  await bob.halfClose()

  const wrong: [string, Uint8Array, number, string][] = [
    ['cyd', clientFrame('close', Buffer.of(3)), 1002, 'half a code is a protocol error'],
    ['dee', clientClose(1005), 1002, '1005 is never sent, and is not sent back'],
    ['eve', clientClose(1000, Buffer.of(0xff)), 1007, 'its reason is not UTF-8'],
    ['fay', clientFrame('text', Buffer.of(0xc0)), 1007, 'a text is UTF-8'],
    ['gus', clientFrame('continuation', 'x'), 1002, 'there is nothing to continue'],
    ['hal', clientFrame('binary', '', { length: 1_001 }), 1009, 'the message is too large'],
  ]
  for (const [name, frame, code, why] of wrong) {
    const [client, end] = await world.arrive(name)
    await client.send(Buffer.concat([frame, clientText('late')]))
    client.expectClosed(code, {
      because: `${code}: ${why}. Nothing behind it counts.`,
      likely: 'A fault is told in a Close with the code of FAULTS.',
      look: ['#hearClose()', 'websocket.close()'],
    })
    await client.halfClose()
    expectSame(
      `why ${name}’s connection has ended`,
      end.endings,
      [code === 1009 ? 'too-large' : 'invalid'],
      {
        because: 'A server counts its connections by why they have ended.',
      },
    )
  }

  const [ivy, ivyEnd] = await world.arrive('ivy')
  await world.act(() => ivyEnd.socket.close('idle'))
  ivy.expectClosed(1008, {
    because: 'ENDINGS has the code of each ending, and the server said Close first.',
  })
  await world.act(() => ivyEnd.socket.close('finished'))
  await ivy.send(Buffer.concat([clientText('too late'), clientClose(1008)]))
  ivy.expectReceived('', { because: 'The server has said Close: it says nothing more.' })
  await ivy.halfClose()
  expectSame('why ivy’s connection has ended', ivyEnd.endings, ['idle'], {
    because: 'The first reason is the reason, and a connection is over once.',
  })

  const [jay, jayEnd] = await world.arrive('jay')
  await world.act(() => jayEnd.socket.close('invalid', 1003, 'The chat is text. '.repeat(20)))
  const [close] = jay.takeFrames()
  expectSame('the code', close && codeOf(close.payload), 1003, {
    because: 'A code that is given takes the place of the ending’s.',
  })
  const said = close?.payload.subarray(2).toString()
  stage.expect(
    'the reason to be the one that is given',
    said?.startsWith('The chat is text.') === true,
    {
      because: 'A reason that is given takes the place of the ending’s.',
      received: JSON.stringify(said),
    },
  )
  expectSame('what is wrong with the frame', close?.fault, undefined, {
    because: 'A Close has 125 bytes at most, however much there is to say.',
    likely: 'encodeClose() cuts a reason.',
  })
  await world.advance(5_001)
  jay.expectCut({
    because: 'jay has neither said Close nor FIN. Nobody is waited for forever.',
    likely: 'Connection.end() begins the deadline of chapter 08.',
  })
  expectSame('why jay’s connection has ended', jayEnd.endings, ['invalid'], {
    because: 'The deadline is not the reason.',
  })

  const patient = await openWebSockets(
    stage,
    {},
    {
      lastWords: (why) => (why === 'finished' ? undefined : serverFrame('text', `because ${why}`)),
      onEnd() {},
    },
  )
  const [kim, kimEnd] = await patient.arrive('kim')
  await kim.send(Buffer.concat([clientText('one'), clientClose(4002)]))
  kim.expectFrames(['text "one"'], {
    because: 'The service has something to finish: with onEnd, it says itself when to close.',
    likely: 'A Close ends what the peer says. #end() asks the service, if it wants to be asked.',
    look: '#hearClose()',
  })
  await kim.send(clientText('two'))
  await patient.act(() => kimEnd.socket.send({ isText: true, payload: Buffer.from('still due') }))
  await patient.act(() => kimEnd.socket.close('finished'))
  kim.expectFrames(['text "still due"', 'close 4002'], {
    because:
      'What was due is sent. Behind the peer’s Close nothing was heard, and its code comes back.',
  })
  await kim.halfClose()
  const [lee, leeEnd] = await patient.arrive('lee')
  await patient.act(() => leeEnd.connection.stop('stopping'))
  lee.expectFrames(['text "because stopping"', 'close 1001'], {
    because: 'Last words come before the Close: behind it nothing may.',
    look: 'websocket.close()',
  })
  await lee.halfClose()
  patient.expectTimers(0, { because: 'Everybody has gone.' })
}

/** Who does not listen is told so all the same, when everything else has found its way. */
async function expectSlowConsumer(stage: Stage): Promise<void> {
  const lastWords = () => serverFrame('text', 'too slow')
  const world = await openWebSockets(stage, { maxQueuedBytes: 2_000 }, { lastWords })
  const [mia, end] = await world.arrive('mia')
  mia.stopReading()
  stage.story.tell('server', 'sends five texts of 660 bytes, of which three find room')
  const text = { isText: true, payload: Buffer.alloc(660, 'x') }
  try {
    await world.act(() => {
      for (let time = 0; time < 5; time++) end.socket.send(text)
    })
  } catch (error) {
    if (!String(error).includes('Maximum call stack')) throw error
    stage.expect('the connection to be closed once', false, {
      because: 'For last words and a Close there is always room, once.',
      likely:
        'Both go with connection.end(), which always has room. send() may be refused, and then stops the connection again, which comes back to close().',
      look: 'websocket.close()',
      received: 'close() was called again and again, until the stack was full',
    })
  }
  await mia.startReading()
  const texts = Array.from({ length: 3 }, () => 'text 660 bytes')
  mia.expectFrames([...texts, 'text "too slow"', 'close 1008'], {
    because: 'For last words and a Close there is always room, once.',
    likely:
      'What send() has no room for stops the connection, and that comes back to close(). end() takes last words.',
    look: 'websocket.close()',
  })
  mia.expectEnd({ because: 'Behind the Close comes FIN.' })
  await mia.halfClose()
  stage.expectSame('why mia’s connection has ended', end.endings, ['slow-consumer'], {
    because: 'She took less than she was told.',
  })
}

/** Pings: each of a few, the newest of many. */
async function expectPongs(stage: Stage): Promise<void> {
  const { expect, expectSame } = stage
  const world = await openWebSockets(stage)
  const [ada] = await world.arrive('ada')
  await ada.send(clientFrame('ping', 'are you there?'))
  ada.expectFrames(['pong "are you there?"'], {
    because: 'A ping is answered with its own payload (RFC 6455 §5.5.2, §5.5.3).',
    look: '#hearPing()',
  })
  await ada.send(clientFrame('ping'))
  ada.expectFrames(['pong ""'], {
    because: 'A ping may be empty.',
    look: '#hearPing()',
    likely: 'That a payload is empty does not mean that there was no ping.',
  })
  await ada.send(
    Buffer.concat(Array.from({ length: 10 }, (_, place) => clientFrame('ping', `ping ${place}`))),
  )
  ada.expectFrames(
    Array.from({ length: 10 }, (_, place) => `pong "ping ${place}"`),
    {
      because: 'Ten short pings leave room for ten pongs, in order.',
      look: '#hearPing()',
      likely: 'Only when more than PROMPT_PONG_BYTES wait to be sent, a ping may go unanswered.',
    },
  )
  await ada.send(
    Buffer.concat([
      clientFrame('ping', 'a'),
      clientText('b'),
      clientFrame('pong', 'c'),
      clientFrame('ping', 'd'),
    ]),
  )
  ada.expectFrames(['pong "a"', 'text "b"', 'pong "d"'], {
    because: 'A pong is answered by nothing, and answers keep the order of what they answer.',
  })
  await ada.send(
    Buffer.concat([
      clientFrame('text', 'be', { isFinal: false }),
      clientFrame('ping', 'between'),
      clientFrame('continuation', 'gun'),
    ]),
  )
  ada.expectFrames(['pong "between"', 'text "begun"'], {
    because: 'A pong does not wait for the message that is under way.',
  })

  const many = 3_000
  await ada.send(
    Buffer.concat(Array.from({ length: many }, (_, place) => clientFrame('ping', `ping ${place}`))),
  )
  const pongs = ada.takeFrames().map(({ payload }) => payload.toString())
  const flood: Reason = {
    look: '#hearPing()',
    because:
      'Of many pings only the newest has to be answered (RFC 6455 §5.5.3), or a flood of pings makes a flood of pongs.',
    likely:
      'While more than PROMPT_PONG_BYTES wait, a ping takes the place of the last one that is due.',
  }
  expect(`${many.toLocaleString('en')} pings at once to draw few pongs`, pongs.length < 200, {
    ...flood,
    received: `${pongs.length.toLocaleString('en')} pongs`,
  })
  expectSame('the last pong', pongs.at(-1), `ping ${many - 1}`, {
    ...flood,
    because: 'The newest is answered in any case: the peer may wait for it.',
  })
  expectSame('pongs that came twice', pongs.length - new Set(pongs).size, 0, {
    because: 'A ping is answered once.',
    likely: 'When the pong is sent, it is no longer due.',
  })
  await ada.send(clientFrame('ping', 'again'))
  ada.expectFrames(['pong "again"'], { because: 'The flood is over.' })
  await ada.halfClose()
  world.expectTimers(0, { because: 'ada has gone.' })
}

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
