/** Bytes and lines come through a real thread as they were sent, however they are cut and whenever they arrive. */

import { createHash, type Hash } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { BlockingSocket } from '../../solutions/03-blocking-socket/blocking-socket.ts'
import { bridgeSocket, drainBridge } from '../../solutions/03-blocking-socket/bridge.ts'
import { CLOSED, FLUSHED, NEWS, WINDOW_BYTES } from '../../solutions/03-blocking-socket/channel.ts'
import { randomBytes, seededRandom } from '../harness/random.ts'
import type { Task } from './fixtures/blocking-thread.ts'

const MEBIBYTE = 1024 * 1024

const thread = new Worker(new URL('./fixtures/blocking-thread.ts', import.meta.url))
afterAll(() => thread.terminate())

/** A piece of the payload: how long it is, and how many turns of the loop pass before it arrives. */
const piece = fc.record({
  length: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 40_000 })),
  turns: fc.integer({ min: 0, max: 3 }),
})
/** Used again and again, twice as long each time, until the payload is through. */
const schedule = fc.array(piece, { minLength: 1, maxLength: 12 })

/** How many turns of the loop the peer needs to take what is written to it. */
const peerTurns = fc.integer({ min: 0, max: 3 })

test('any bytes are read and written back intact', async () => {
  // Repeated, because a window must be filled for anybody to wait.
  const payload = fc
    .tuple(fc.uint8Array({ maxLength: 3_000, size: 'max' }), fc.integer({ min: 1, max: 100 }))
    .map(([bytes, times]) => Buffer.concat(Array(times).fill(bytes)))
  await fc.assert(
    fc.asyncProperty(payload, schedule, peerTurns, async (bytes, pieces, turns) => {
      const socket = new ScriptedSocket(turns)
      const [length] = await Promise.all([inThread('echo', socket), arrive(socket, bytes, pieces)])
      expect(length).toBe(bytes.length)
      expect(Buffer.concat(await socket.taken).equals(bytes)).toBe(true)
    }),
    { seed: 3, numRuns: 200 },
  )
})

test('lines are those of the whole text', async () => {
  const text = fc
    .array(fc.constantFrom('\n', '\r\n', '\r', 'a', 'ü', '語', '🌍', 'text '), {
      maxLength: 300,
      size: 'max',
    })
    .map((parts) => Buffer.from(parts.join('')))
  // What is no UTF-8 is replaced in a line exactly as in the whole.
  const anything = fc
    .array(fc.constantFrom(0x0a, 0x0d, 0x41, 0xc3, 0xf0, 0x9f, 0x80))
    .map(Buffer.from)
  const payload = fc.oneof(text, anything)
  await fc.assert(
    fc.asyncProperty(payload, schedule, async (bytes, pieces) => {
      const socket = new ScriptedSocket(0)
      const [lines] = await Promise.all([inThread('lines', socket), arrive(socket, bytes, pieces)])
      expect(lines).toEqual(splitWhole(bytes.toString()))
    }),
    { seed: 3, numRuns: 300 },
  )
})

test('a line may have so many bytes, whatever its end and its pieces', () => {
  const parts = fc.array(fc.constantFrom('\n', '\r\n', '\r', 'a', 'bc', 'def'), { maxLength: 30 })
  const cuts = fc.array(fc.nat(40), { maxLength: 10 })
  fc.assert(
    fc.property(parts, cuts, fc.integer({ min: 0, max: 9 }), (parts, cuts, maxBytes) => {
      const text = parts.join('')
      const whole = splitWhole(text)
      const fits = whole.findIndex((line) => line.length > maxBytes)
      const { lines, ending } = readLines(toPieces(Buffer.from(text), cuts), maxBytes)
      expect(lines).toEqual(fits < 0 ? whole : whole.slice(0, fits))
      expect(ending).toBe(fits < 0 ? 'null' : 'LineTooLong')
    }),
    { seed: 3, numRuns: 3_000 },
  )
})

test('a line in pieces of one byte costs ten times as much when it is ten times as long', () => {
  const costUs = (length: number) => {
    const bytes = Buffer.alloc(length, 'x')
    bytes[length - 1] = 0x0a
    const pieces = Array.from(bytes, (_, index) => bytes.subarray(index, index + 1))
    const before = process.cpuUsage()
    expect(readLines(pieces, length).lines[0]).toHaveLength(length - 1)
    const { user, system } = process.cpuUsage(before)
    return user + system
  }
  costUs(6_000)
  const [short, long] = [6_000, 60_000].map((length) =>
    Math.min(...Array.from({ length: 3 }, () => costUs(length))),
  )
  expect(long / short).toBeLessThan(40)
})

test('what comes when the thread takes no more is thrown away, up to the FIN', async () => {
  const server = createServer({ allowHalfOpen: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [socket] = (await once(server, 'connection')) as [Socket]
  try {
    const end = bridgeSocket(socket)
    client.end(Buffer.alloc(MEBIBYTE))
    await once(socket, 'pause')
    end.port.close()
    await once(socket, 'end')
    socket.end()
    await once(socket, 'close')
  } finally {
    client.destroy()
    server.close()
  }
})

test('what a destroyed socket has not written does not count as flushed', async () => {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [socket] = (await once(server, 'connection')) as [Socket]
  try {
    const { port, shared } = bridgeSocket(socket)
    const words = new Int32Array(shared)
    // The client does not read, and so much fits into no kernel.
    const piece = Buffer.alloc(MEBIBYTE)
    for (let number = 0; number < 64; number++) port.postMessage({ kind: 'bytes', bytes: piece })
    while (socket.bytesWritten < 64 * MEBIBYTE) await turnsOfTheLoop(1)
    const [news, flushed] = words
    socket.destroy()
    await once(socket, 'close')
    expect([words[FLUSHED], words[CLOSED]]).toEqual([flushed, 1])
    expect(words[NEWS]).toBeGreaterThan(news)
  } finally {
    client.destroy()
    server.close()
  }
})

test('what a thread has taken counts, also if the bridge is drained while the thread lives', async () => {
  const server = createServer({ allowHalfOpen: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [socket] = (await once(server, 'connection')) as [Socket]
  try {
    const played = new BlockingSocket(bridgeSocket(socket))
    let delivered = 0
    socket.on('data', (bytes) => {
      delivered += bytes.length
    })
    client.end(Buffer.alloc(MEBIBYTE))
    for (let read = 0; read < MEBIBYTE; ) {
      await once(socket, MEBIBYTE - read >= WINDOW_BYTES ? 'pause' : 'end')
      while (read < delivered) read += played.read()!.length
      drainBridge(socket)
      expect(socket.isPaused()).toBe(false)
    }
  } finally {
    client.destroy()
    server.close()
  }
})

test('256 MiB go through one blocking socket: half of it there, and the same half back', async () => {
  const server = createServer({ allowHalfOpen: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [socket] = (await once(server, 'connection')) as [Socket]
  try {
    const [sent, inTheThread, received] = await Promise.all([
      pour(client, 128),
      inThread('digest', socket),
      hashAll(client),
    ])
    expect(inTheThread).toBe(sent)
    expect(received).toBe(sent)
  } finally {
    client.destroy()
    server.close()
  }
})

/** A socket that receives what the test says when it says so, and takes what is written to it after some turns. */
class ScriptedSocket extends Duplex {
  readonly #turns: number
  readonly #written: Uint8Array[] = []
  /** What was written to it, once its writer has said FIN. */
  readonly taken: Promise<Uint8Array[]>

  constructor(turns: number) {
    super()
    this.#turns = turns
    this.taken = once(this, 'finish').then(() => this.#written)
  }

  override _read(): void {}

  override _write(bytes: Uint8Array, _: string, isTaken: () => void): void {
    this.#written.push(bytes)
    turnsOfTheLoop(this.#turns).then(isTaken)
  }
}

async function arrive(
  socket: ScriptedSocket,
  bytes: Uint8Array,
  pieces: { length: number; turns: number }[],
): Promise<void> {
  for (let start = 0, next = 0; start < bytes.length; next++) {
    const { length, turns } = pieces[next % pieces.length]
    const end = start + length * 2 ** Math.floor(next / pieces.length)
    await turnsOfTheLoop(turns)
    socket.push(bytes.subarray(start, end))
    start = end
  }
  socket.push(null)
}

async function turnsOfTheLoop(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

async function inThread(task: Task, socket: Duplex): Promise<unknown> {
  const end = bridgeSocket(socket as Socket)
  thread.postMessage({ task, end }, [end.port])
  const [report] = await once(thread, 'message')
  return report
}

/** All lines of these pieces, and how they end. The pieces have come before the first look, so nothing sleeps. */
function readLines(pieces: Uint8Array[], maxBytes: number) {
  const messages = [...pieces.map((bytes) => ({ kind: 'bytes', bytes })), { kind: 'end' }]
  let next = 0
  const port = { postMessage() {} } as never
  const shared = new SharedArrayBuffer(12)
  const socket = new BlockingSocket({ port, shared }, () => messages[next++] as never)
  const lines: string[] = []
  try {
    for (let line = socket.readLine(maxBytes); line !== null; line = socket.readLine(maxBytes))
      lines.push(line)
    return { lines, ending: 'null' }
  } catch (error) {
    return { lines, ending: (error as Error).constructor.name }
  }
}

/** Cut at these places, as far as the bytes have them. */
function toPieces(bytes: Uint8Array, cuts: number[]): Uint8Array[] {
  const places = [...new Set([0, ...cuts])].sort((a, b) => a - b)
  return places
    .map((start, index) => bytes.subarray(start, places[index + 1]))
    .filter(({ length }) => length > 0)
}

function splitWhole(text: string): string[] {
  const lines = text.split('\n').map((line) => line.replace(/\r$/, ''))
  return text === '' || text.endsWith('\n') ? lines.slice(0, -1) : lines
}

/** Sends so many MiB, no two alike, and answers their checksum. */
async function pour(client: Socket, mebibytes: number): Promise<string> {
  const hash = createHash('sha256')
  const block = randomBytes(seededRandom(3, 'pour'), MEBIBYTE)
  for (let number = 0; number < mebibytes; number++) {
    const bytes = Buffer.from(block)
    bytes.writeUInt32BE(number)
    hash.update(bytes)
    if (!client.write(bytes)) await once(client, 'drain')
  }
  client.end()
  return hash.digest('hex')
}

async function hashAll(client: Socket): Promise<string> {
  const hash: Hash = createHash('sha256')
  for await (const bytes of client) hash.update(bytes)
  return hash.digest('hex')
}
