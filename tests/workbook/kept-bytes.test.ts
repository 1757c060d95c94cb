/**
 * What keeps bytes of a chunk must not keep the chunk. A socket hands over Buffers, whose slice() is a view: for one
 * byte of a header it would keep 64 KiB alive.
 */

import { expect, test } from 'vitest'
import { NetStream } from '../../solutions/07-event-loop/byte-stream.ts'
import { LineSplitter } from '../../solutions/07-event-loop/line-splitter.ts'
import { FrameDecoder } from '../../solutions/09-framing/frames.ts'
import { LengthReader } from '../../solutions/17-http/body-reader.ts'
import { ChunkedReader } from '../../solutions/17-http/chunked-reader.ts'
import { clientAddress } from '../../solutions/17-http/client-address.ts'
import { sessionCookieOf } from '../../solutions/17-http/cookies.ts'
import { type Head, HeadParser } from '../../solutions/17-http/head-parser.ts'
import type { HttpRequest } from '../../solutions/17-http/http-message.ts'
import { MessageReader } from '../../solutions/18-websocket/message-reader.ts'
import { type Bytes, toBytes } from '../harness/bytes.ts'
import { collectGarbage, heldBufferBytes, isGarbage } from '../harness/garbage.ts'
import { ScriptedStream } from '../harness/scripted-stream.ts'
import { socketPair } from '../harness/socket-pair.ts'
import { announce } from '../protocols/frames.ts'
import { clientFrame } from '../protocols/websocket.ts'

interface Reader {
  next(chunk: Uint8Array, from: number): { kind: string }
}

const CHUNK_BYTES = 64 * 1024

const header = clientFrame('text', '', { length: 300 })

test.for<[what: string, reader: Reader, end: Bytes]>([
  ['a line', new LineSplitter(), 'echo he'],
  ['the length of a frame', new FrameDecoder(), announce(300).subarray(0, 1)],
  ['a frame', new FrameDecoder(), Buffer.concat([announce(300), Buffer.from('he')])],
  ['the head of a request', new HeadParser(), 'GET / HT'],
  ['a body', new LengthReader(300), 'he'],
  ['the size of a chunk of a body', new ChunkedReader(300), '5'],
  ['a chunk of a body', new ChunkedReader(300), '5\r\nhe'],
  ['a body between two chunks', new ChunkedReader(300), '5\r\nhello\r\n'],
  ['a trailer', new ChunkedReader(300), '0\r\nT: he'],
  ['the header of a WebSocket frame', new MessageReader(), header.subarray(0, 1)],
  ['a WebSocket frame without payload', new MessageReader(), header],
  ['a WebSocket frame', new MessageReader(), Buffer.concat([header, Buffer.from('he')])],
  ['a message', new MessageReader(), clientFrame('text', 'he', { isFinal: false })],
  ['a message of nothing', new MessageReader(), clientFrame('text', '', { isFinal: false })],
  ['a ping', new MessageReader(), clientFrame('ping', 'hello').subarray(0, 8)],
])('a reader that waits for the rest of %s keeps no chunk', async ([, reader, end]) => {
  const chunk = takeEnd(reader, toBytes(end))
  expect(await isGarbage(chunk)).toBe(true)
  // It lives until here.
  expect(reader.next(new Uint8Array(), 0).kind).toMatch(/incomplete|unfinished/)
})

/** Has the reader take what stands at the end of a chunk. */
function takeEnd(reader: Reader, end: Uint8Array): WeakRef<object> {
  const chunk = Buffer.from(new ArrayBuffer(CHUNK_BYTES))
  chunk.set(end, CHUNK_BYTES - end.length)
  reader.next(chunk, CHUNK_BYTES - end.length)
  return new WeakRef(chunk.buffer)
}

const SPLITTERS = 100

test('a line that came in pieces leaves no large buffer behind', async () => {
  const line = Buffer.from(`${'x'.repeat(60_000)}\n`)
  const heldBefore = await heldBufferBytes(0)
  const splitters = Array.from({ length: SPLITTERS }, () => {
    const splitter = new LineSplitter()
    splitter.next(line.subarray(0, 40_000), 0)
    expect(splitter.next(line.subarray(40_000), 0).kind).toBe('line')
    return splitter
  })
  const enough = (SPLITTERS * line.length) / 3
  const heldFor = (await heldBufferBytes(heldBefore + enough)) - heldBefore
  expect(heldFor).toBeLessThan(enough)
  // They live until here.
  expect(splitters.every((splitter) => splitter.end() === undefined)).toBe(true)
})

test('thousands of tiny chunks that wait are few to read, and come whole', async () => {
  const { near, destroy } = await socketPair()
  const stream = new NetStream(near)
  const bytes = Buffer.from(Array.from({ length: 60_000 }, (_, index) => index))
  for (let index = 0; index < bytes.length; index++)
    near.emit('data', bytes.subarray(index, index + 1))
  const chunks: Uint8Array[] = []
  for (let read = stream.read(); typeof read !== 'string'; read = stream.read()) chunks.push(read)
  expect(Buffer.concat(chunks).equals(bytes)).toBe(true)
  expect(chunks.length).toBeLessThan(50)
  destroy()
})

const HEADS = 300
const HEAD = [
  'GET / HTTP/1.1',
  'Host: a',
  `X-Pad: ${'p'.repeat(15_000)}`,
  `Cookie: session=${'t'.repeat(43)}`,
  'X-Forwarded-For: 2001:db8:1234:5678::1',
  '\r\n',
].join('\r\n')

test.for<[what: string, take: (request: HttpRequest) => string | undefined]>([
  ['token', (request) => sessionCookieOf(request)],
  ['client’s address', (request) => clientAddress(request, ['127.0.0.1'])],
])('a %s that is kept does not keep the head that it came in', ([, take]) => {
  const heldBefore = heldBytes()
  const kept = Array.from({ length: HEADS }, () => take(parse(HEAD)))
  const heldFor = heldBytes() - heldBefore
  expect(kept.every((each) => each !== undefined && each.length > 20)).toBe(true)
  expect(heldFor).toBeLessThan((HEADS * HEAD.length) / 3)
})

function parse(text: string): HttpRequest {
  const head = new HeadParser().next(Buffer.from(text), 0) as Head
  return { ...head, body: new Uint8Array(), peer: { address: '127.0.0.1', isSecure: false } }
}

function heldBytes(): number {
  collectGarbage()
  return process.memoryUsage().heapUsed
}

test('what a test has been sent does not change any more', () => {
  const stream = new ScriptedStream()
  const bytes = Buffer.from('hello')
  stream.write(bytes)
  bytes.fill('x')
  expect(stream.takeWritten().toString()).toBe('hello')
})
