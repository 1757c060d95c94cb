/**
 * A client that can be rude, and that remembers everything for the story.
 *
 * It reads all the time unless told to stop, so that a server is never held back by accident. Expectations
 * consume what has arrived, in order; each waits as long as something keeps coming, and asks what is wrong
 * after a silence.
 */

import { connect as connectSocket, type Socket } from 'node:net'
import { type Bytes, countBytes, countPart, firstDifference, quote, toBytes } from './bytes.ts'
import { explainDifference } from './difference.ts'
import type { Evidence, FailureReport, Reason } from './failure.ts'
import type { HostedServer } from './hosted-server.ts'
import { PATIENCE_MS, within } from './patience.ts'
import { cutAtRandom, type Random } from './random.ts'
import type { Story } from './story.ts'

/** How a message is cut into writes. Each piece leaves in a packet of its own where the kernel allows it. */
export type Cut = 'whole' | 'byte by byte' | 'at random'

/** What the test controls of a flood while it goes on. */
export interface Flood {
  /** Bytes the server's side has accepted so far. */
  readonly taken: number
  readonly isOver: boolean
}

export class Client {
  readonly name: string
  readonly #socket: Socket
  readonly #server: HostedServer
  readonly #story: Story
  readonly #random: Random

  /** Received and not yet expected. */
  #inbox: Uint8Array[] = []
  #received = 0
  #hasEnded = false
  #lostWith: string | undefined
  #isReading = true
  #isQuiet = false
  #wake: () => void = () => {}

  private constructor(
    name: string,
    socket: Socket,
    server: HostedServer,
    story: Story,
    random: Random,
  ) {
    this.name = name
    this.#socket = socket
    this.#server = server
    this.#story = story
    this.#random = random
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.#onData(chunk))
    socket.on('end', () => this.#onEnd())
    socket.on('error', (error: NodeJS.ErrnoException) => this.#onError(error))
    socket.on('close', () => this.#wake())
  }

  static async connect(
    name: string,
    server: HostedServer,
    story: Story,
    random: Random,
  ): Promise<Client> {
    story.tell(name, 'connects', 'toServer')
    const { socket, outcome } = await dial(server.port)
    if (outcome === 'connected') return new Client(name, socket, server, story, random)

    socket.destroy()
    throw await server.fail({
      headline: `${name} cannot connect to port ${server.port} (${outcome}).`,
      likely: await explainRefusal(server),
    })
  }

  /** Expects that nobody answers on that port any more. */
  static async expectRefused(
    name: string,
    server: HostedServer,
    story: Story,
    reason: Reason,
  ): Promise<void> {
    story.tell(name, 'tries to connect', 'toServer')
    const { socket, outcome } = await dial(server.port)
    socket.destroy()
    story.judge(name, 'expects to be refused', outcome === 'ECONNREFUSED' ? 'kept' : 'broken')
    if (outcome === 'ECONNREFUSED') return
    throw await server.fail({
      headline: `${name} should not be let in any more, and was.`,
      expected: { text: 'ECONNREFUSED' },
      received: { text: outcome },
      ...reason,
    })
  }

  /** Whether the connection is gone, in whichever way. */
  get isClosed(): boolean {
    return this.#socket.closed
  }

  /** Bytes received so far. */
  get received(): number {
    return this.#received
  }

  /** From now on the story mentions only what this client misses. `meanwhile` says once what it does. */
  beQuiet(meanwhile: string): void {
    this.#story.tell(this.name, meanwhile)
    this.#isQuiet = true
  }

  /** Sends everything, then returns. Fails when the server takes nothing for a while. */
  async send(data: Bytes, { cut = 'whole' as Cut, maxPiece = 16 } = {}): Promise<void> {
    const bytes = toBytes(data)
    if (bytes.length > CHUNK_BYTES) this.#tellBytes('toServer', bytes)
    for (const piece of this.#cut(bytes, cut, maxPiece)) {
      if (bytes.length <= CHUNK_BYTES) this.#tellBytes('toServer', piece)
      if ((await within(PATIENCE_MS, this.#write(piece))) !== 'too late') continue
      throw await this.#fail({
        headline: `${this.name} cannot send on: the server takes no more bytes.`,
        because: 'A connection whose peer reads everything it gets must keep moving.',
        likely: 'A socket that was paused needs resume(), or it stays silent for ever.',
      })
    }
  }

  /** Several messages in one packet. */
  async sendGlued(...messages: Bytes[]): Promise<void> {
    await this.send(Buffer.concat(messages.map(toBytes)))
  }

  /** Pours `total` pattern bytes into the connection, as fast as the server takes them, in the background. */
  flood(total: number): Flood {
    this.#story.tell(this.name, `starts to send ${countBytes(total)} as fast as it can`, 'toServer')
    const flood = { taken: 0, isOver: false }
    const pour = async () => {
      while (flood.taken < total && !this.#socket.destroyed) {
        const piece = pattern(flood.taken, Math.min(CHUNK_BYTES, total - flood.taken))
        await this.#write(piece)
        flood.taken += piece.length
      }
      flood.isOver = true
    }
    pour()
    return flood
  }

  /** Says FIN: "I will send no more". Reading goes on. */
  async halfClose(): Promise<void> {
    this.#story.tell(this.name, 'half-closes (FIN): will send no more, still listens', 'toServer')
    await within(PATIENCE_MS, new Promise<void>((resolve) => this.#socket.end(resolve)))
  }

  /** Ends the connection with RST: whatever was on its way is lost. */
  reset(): void {
    this.#story.tell(this.name, 'resets the connection (RST)', 'toServer')
    this.#socket.resetAndDestroy()
  }

  /** Closes both directions and forgets the connection. */
  leave(): void {
    this.#story.tell(this.name, 'hangs up', 'toServer')
    this.#socket.destroy()
  }

  /** What the server sends stays in the kernel's buffers from now on. */
  stopReading(): void {
    this.#story.tell(this.name, 'stops reading')
    this.#isReading = false
    this.#socket.pause()
  }

  /** Reads on. */
  startReading(): void {
    this.#story.tell(this.name, 'starts reading again')
    this.#isReading = true
    this.#socket.resume()
  }

  /**
   * Expects exactly these bytes next. A client that has stopped reading takes just these and stops again; with
   * `sips` it takes so many at a time and waits for `between` before the next.
   */
  async expectBytes(
    data: Bytes,
    reason: Reason,
    slowly?: { sips: number; between: () => Promise<void> },
  ): Promise<void> {
    const expected = toBytes(data)
    const what = describeBytes(expected) + (slowly ? `, ${countBytes(slowly.sips)} at a time` : '')
    let matched = 0
    while (matched < expected.length) {
      const inSip = slowly ? slowly.sips - (matched % slowly.sips) : expected.length
      const chunk = await this.#take(Math.min(inSip, expected.length - matched))
      if (!chunk) {
        this.#judge(`expects ${what}`, 'broken')
        throw await this.#failMissing(expected, matched, reason)
      }
      const difference = firstDifference(chunk, expected.subarray(matched, matched + chunk.length))
      if (difference >= 0) {
        this.#judge(`expects ${what}`, 'broken')
        throw await this.#failDifferent(expected, chunk, matched, matched + difference, reason)
      }
      matched += chunk.length
      if (chunk.length === inSip) await slowly?.between()
    }
    this.#judge(`expects ${what}`, 'kept')
  }

  /** Expects one line, `\n` at its end, and answers it without. `text` may be a pattern. */
  async expectLine(text: string | RegExp, reason: Reason): Promise<string> {
    const what = typeof text === 'string' ? quote(`${text}\n`) : `a line like ${text}`
    const received = await this.#takeLine()
    const line = Buffer.from(received).toString('utf8')
    const fits =
      line.endsWith('\n') &&
      (typeof text === 'string' ? line === `${text}\n` : text.test(line.slice(0, -1)))
    this.#judge(`expects ${what}`, fits ? 'kept' : 'broken')
    if (fits) return line.slice(0, -1)

    if (typeof text === 'string') {
      const expected = toBytes(`${text}\n`)
      const difference = firstDifference(received, expected)
      if (difference < 0 && received.length < expected.length) {
        throw await this.#failMissing(expected, received.length, reason)
      }
      throw await this.#failDifferent(expected, received, 0, Math.max(difference, 0), reason)
    }
    throw await this.#fail({
      headline: `${this.name} ${received.length > 0 ? 'received another line than expected' : `received no line: ${this.#state()}`}.`,
      expected: { text: what },
      received: { text: quote(received, 96) },
      ...reason,
    })
  }

  /** Expects FIN, and nothing before it. */
  async expectEnd(reason: Reason): Promise<void> {
    const surplus = await this.#take(Number.POSITIVE_INFINITY)
    const kept = !surplus && this.#hasEnded && !this.#lostWith
    this.#judge('expects the end (FIN)', kept ? 'kept' : 'broken')
    if (kept) return
    if (surplus) {
      throw await this.#fail({
        headline: `${this.name} expected the end of the connection and received more bytes.`,
        expected: { text: 'FIN' },
        received: evidence(surplus, 0),
        ...reason,
      })
    }
    throw await this.#fail({
      headline: this.#lostWith
        ? `${this.name} was reset (${this.#lostWith}) where the connection should have ended in order.`
        : `${this.name} still waits for the end: the connection is open.`,
      expected: { text: 'FIN' },
      received: { text: this.#lostWith ? 'RST' : 'nothing' },
      ...reason,
    })
  }

  /** Expects the connection to be gone, in order or by a reset; bytes that still come do not count. */
  async expectClosed(reason: Reason): Promise<void> {
    this.#isReading = true
    this.#socket.resume()
    while (await this.#take(Number.POSITIVE_INFINITY)) {}
    const kept = this.#hasEnded || this.#lostWith !== undefined
    this.#judge('expects the connection to be closed', kept ? 'kept' : 'broken')
    if (!kept) {
      throw await this.#fail({ headline: `${this.name} is still connected.`, ...reason })
    }
  }

  /** Expects that nothing has come by the time `barrier` is over: a round trip elsewhere, not a sleep. */
  async expectSilence(barrier: () => Promise<void>, reason: Reason): Promise<void> {
    await barrier()
    const kept = this.#inbox.length === 0 && !this.#hasEnded && !this.#lostWith
    this.#story.judge(
      this.name,
      'expects to have received nothing so far',
      kept ? 'kept' : 'broken',
    )
    if (kept) return
    const [chunk] = this.#inbox
    throw await this.#fail({
      headline: `${this.name} should not have heard anything yet: ${chunk ? 'bytes came' : this.#state()}.`,
      expected: { text: 'nothing' },
      received: chunk ? evidence(chunk, 0) : { text: this.#state() },
      ...reason,
    })
  }

  /** Without a word in the story: what a test's own clean-up uses. */
  discard(): void {
    this.#socket.destroy()
  }

  #tellBytes(way: 'toServer' | 'fromServer', bytes: Uint8Array): void {
    if (!this.#isQuiet) this.#story.tellBytes(this.name, way, bytes)
  }

  #judge(text: string, outcome: 'kept' | 'broken'): void {
    if (!this.#isQuiet || outcome === 'broken') this.#story.judge(this.name, text, outcome)
  }

  #onData(chunk: Uint8Array): void {
    this.#tellBytes('fromServer', chunk)
    this.#received += chunk.length
    this.#inbox.push(chunk)
    this.#wake()
  }

  #onEnd(): void {
    this.#story.tell(this.name, 'receives the end (FIN)', 'fromServer')
    this.#hasEnded = true
    this.#wake()
  }

  #onError(error: NodeJS.ErrnoException): void {
    if (this.#lostWith) return
    this.#lostWith = error.code ?? error.message
    this.#story.tell(this.name, `loses the connection (${this.#lostWith})`, 'fromServer')
    this.#wake()
  }

  /** At most `maxBytes` of what came next; `undefined` when nothing comes any more. */
  async #take(maxBytes: number): Promise<Uint8Array | undefined> {
    if (!this.#isReading) this.#socket.resume()
    while (this.#inbox.length === 0) {
      if (this.#hasEnded || this.#lostWith || this.#socket.closed) return undefined
      const arrival = new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      if ((await within(PATIENCE_MS, arrival)) === 'too late') return undefined
    }
    if (!this.#isReading) this.#socket.pause()
    const chunk = this.#inbox[0]
    if (chunk.length <= maxBytes) return this.#inbox.shift()
    this.#inbox[0] = chunk.subarray(maxBytes)
    return chunk.subarray(0, maxBytes)
  }

  /** Bytes up to and with the next `\n`, or all there is when none comes. */
  async #takeLine(): Promise<Uint8Array> {
    const pieces: Uint8Array[] = []
    for (;;) {
      const chunk = await this.#take(Number.POSITIVE_INFINITY)
      if (!chunk) return Buffer.concat(pieces)
      const end = chunk.indexOf(NEWLINE) + 1
      if (end === 0) {
        pieces.push(chunk)
        continue
      }
      pieces.push(chunk.subarray(0, end))
      if (end < chunk.length) this.#inbox.unshift(chunk.subarray(end))
      return Buffer.concat(pieces)
    }
  }

  /** Resolves when the kernel has the bytes, or when the connection is gone. */
  #write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      if (this.#socket.destroyed) return resolve()
      this.#socket.write(bytes, () => resolve())
    })
  }

  #cut(bytes: Uint8Array, cut: Cut, maxPiece: number): Uint8Array[] {
    if (cut === 'at random') return cutAtRandom(this.#random, bytes, maxPiece)
    const size = cut === 'byte by byte' ? 1 : CHUNK_BYTES
    const pieces: Uint8Array[] = []
    for (let start = 0; start < bytes.length; start += size)
      pieces.push(bytes.subarray(start, start + size))
    return pieces
  }

  #state(): string {
    if (this.#lostWith) return `the connection was lost (${this.#lostWith})`
    return this.#hasEnded ? 'the server ended the connection' : 'nothing came'
  }

  async #failMissing(expected: Uint8Array, matched: number, reason: Reason): Promise<Error> {
    const missing = expected.length - matched
    const got = matched === 0 ? 'nothing' : countPart(matched, expected.length)
    const headline =
      this.#hasEnded || this.#lostWith
        ? `${this.name} received ${got}, then ${this.#state()}.`
        : `${this.name} received ${got} and still waits for ${countBytes(missing)}.`
    return this.#fail({
      headline,
      expected: evidence(expected, matched),
      received: evidence(expected.subarray(0, matched), matched),
      ...reason,
    })
  }

  async #failDifferent(
    expected: Uint8Array,
    chunk: Uint8Array,
    chunkStart: number,
    difference: number,
    reason: Reason,
  ): Promise<Error> {
    // What came before the chunk was as expected.
    const received = Buffer.concat([expected.subarray(0, chunkStart), chunk])
    return this.#fail({
      headline: `${this.name} received other bytes than expected, from byte ${difference.toLocaleString('en')} on.`,
      expected: evidence(expected, difference),
      received: evidence(received, difference),
      because: reason.because,
      likely: explainDifference(expected, received, difference) ?? reason.likely,
    })
  }

  async #fail(report: Omit<FailureReport, 'story'>): Promise<Error> {
    return this.#server.fail(report)
  }
}

/** `'connected'`, or the code of the error. */
async function dial(port: number): Promise<{ socket: Socket; outcome: string }> {
  const socket = connectSocket({ port, host: '127.0.0.1', allowHalfOpen: true })
  const outcome = new Promise<string>((resolve) => {
    socket.once('connect', () => resolve('connected'))
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
  })
  return { socket, outcome: await within(PATIENCE_MS, outcome) }
}

const NEWLINE = 0x0a
const CHUNK_BYTES = 64 * 1024

/** How much of the surroundings of a difference is shown: what fits 80 columns as hex. */
const BYTES_BEFORE = 10
const BYTES_AFTER = 12

/** The bytes around a place, and where in the stream they begin. */
function evidence(bytes: Uint8Array, place: number): Evidence {
  const start = place < BYTES_BEFORE + 2 ? 0 : place - BYTES_BEFORE
  const shown = Buffer.from(bytes.subarray(start, start + BYTES_BEFORE + BYTES_AFTER))
  return { bytes: shown, start, place, total: bytes.length }
}

function describeBytes(bytes: Uint8Array): string {
  return bytes.length <= 32 ? quote(bytes) : `${quote(bytes, 16)} (${countBytes(bytes.length)})`
}

const PATTERN = Uint8Array.from({ length: 251 }, (_, index) => index)

/** Bytes of an endless pattern: 251 is prime, so no power of two repeats it. */
export function pattern(start: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let index = 0; index < length; ) {
    const from = (start + index) % PATTERN.length
    const piece = PATTERN.subarray(from, from + length - index)
    bytes.set(piece, index)
    index += piece.length
  }
  return bytes
}

async function explainRefusal(server: HostedServer): Promise<string> {
  if (server.hasEnded) return 'The server is gone.'
  const listening = await server.listening()
  if (listening.length === 0) {
    return 'startServer() resolved, but nothing listens: was listen() called, and did it succeed?'
  }
  const places = listening.map(({ address, port }) => `${address} port ${port}`).join(', ')
  return `The server listens on ${places}: startServer() must resolve with that port.`
}
