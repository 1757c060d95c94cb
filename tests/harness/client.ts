/**
 * A client that can be rude, and that remembers everything for the story.
 *
 * Expectations consume what has arrived, in order; each waits as long as there is hope, and asks what is wrong when
 * there is none.
 */

import type { Socket } from 'node:net'
import { type Bytes, countBytes, countPart, firstDifference, quote, toBytes } from './bytes.ts'
import { explainDifference } from './difference.ts'
import { type Evidence, likeliest, type Reason, type Seen } from './failure.ts'
import type { HostedServer } from './hosted-server.ts'
import { withCommas } from './numbers.ts'
import { cutAtRandom, type Random } from './random.ts'
import type { Story } from './story.ts'
import { dial, Wire } from './wire.ts'

/** How a message is cut into writes. Each piece leaves in a packet of its own where the kernel allows it. */
export type Cut = 'whole' | 'byte by byte' | 'at random'

/** What a test can see of a flood while it goes on. */
export interface Flood {
  /** Bytes that have left the client so far. */
  readonly taken: number
  readonly isOver: boolean
}

/** One message of a protocol, as a test expects it. */
export interface Message {
  /** Completes "expects …": `'a frame like /error/'`. */
  what: string
  /** Where the message at the front of these bytes ends; 0 when more bytes are needed to say so. */
  endOf(bytes: Uint8Array): number
  fits(message: Uint8Array): boolean
}

/** What a client is made with; `server` is where its failures ask what is wrong. */
interface Setting {
  server: HostedServer
  story: Story
  random: Random
}

export class Client {
  readonly name: string
  readonly #wire: Wire
  readonly #setting: Setting
  #isQuiet = false

  private constructor(name: string, socket: Socket, setting: Setting) {
    this.name = name
    this.#setting = setting
    const { story } = setting
    this.#wire = new Wire(socket, {
      onBytes: (bytes) => this.#tellBytes('fromServer', bytes),
      onEnd: () => story.tell(name, 'receives the end (FIN)', 'fromServer'),
      onLost: (code) => story.tell(name, `loses the connection (${code})`, 'fromServer'),
    })
  }

  static async connect(name: string, setting: Setting): Promise<Client> {
    const { server, story } = setting
    story.tell(name, 'connects', 'toServer')
    const { socket, outcome } = await dial(server.port)
    if (outcome === 'connected') return new Client(name, socket, setting)

    socket.destroy()
    throw await server.fail({
      headline: `${name} cannot connect to port ${server.port} (${outcome}).`,
      likely: await explainRefusal(server),
    })
  }

  /** Expects that nobody answers on that port any more. */
  static async expectRefused(
    name: string,
    { server, story }: Pick<Setting, 'server' | 'story'>,
    reason: Reason,
  ): Promise<void> {
    story.tell(name, 'tries to connect', 'toServer')
    const { socket, outcome } = await dial(server.port)
    socket.destroy()
    story.judge(name, 'expects to be refused', outcome === 'ECONNREFUSED' ? 'kept' : 'broken')
    if (outcome === 'ECONNREFUSED') return
    throw await server.fail({
      headline: `${name} should have been refused, but was let in.`,
      expected: { text: 'ECONNREFUSED' },
      received: { text: outcome },
      ...reason,
    })
  }

  /** From now on the story mentions only what this client misses. `meanwhile` says once what it does. */
  beQuiet(meanwhile: string): void {
    this.#setting.story.tell(this.name, meanwhile)
    this.#isQuiet = true
  }

  /** Sends everything, then returns. Fails when the server takes nothing for a while. */
  async send(data: Bytes, { cut = 'whole' as Cut, maxPiece = 16 } = {}): Promise<void> {
    const bytes = toBytes(data)
    if (bytes.length > CHUNK_BYTES) this.#tellBytes('toServer', bytes)
    for (const piece of this.#cut(bytes, cut, maxPiece)) {
      if (bytes.length <= CHUNK_BYTES) this.#tellBytes('toServer', piece)
      if ((await this.#setting.server.expecting(this.#wire.write(piece))) !== 'too late') continue
      throw await this.#fail({
        headline: `${this.name} cannot go on sending: the server takes no more bytes.`,
        because: 'A connection whose peer reads everything it gets must keep moving.',
        likely: 'A socket that was paused needs resume(), or it stays silent forever.',
      })
    }
  }

  /** Several messages in one packet. */
  async sendGlued(...messages: Bytes[]): Promise<void> {
    await this.send(Buffer.concat(messages.map(toBytes)))
  }

  /**
   * Pours `total` bytes into the connection, as fast as the server takes them, in the background: a pattern, or the same
   * message again and again.
   */
  flood(total: number, message?: string): Flood {
    this.#setting.story.tell(
      this.name,
      `starts to send ${countBytes(total)} as fast as it can`,
      'toServer',
    )
    const flood = { taken: 0, isOver: false }
    const pour = async () => {
      while (flood.taken < total && !this.#wire.isOver) {
        const room = Math.min(CHUNK_BYTES, total - flood.taken)
        const piece = message === undefined ? pattern(flood.taken, room) : toBytes(message)
        await this.#wire.write(piece)
        flood.taken += piece.length
      }
      flood.isOver = true
    }
    pour()
    return flood
  }

  /** Says FIN: "I will send no more". Reading goes on. */
  async halfClose(): Promise<void> {
    this.#setting.story.tell(
      this.name,
      'half-closes (FIN): will send no more, still listens',
      'toServer',
    )
    await this.#wire.end()
  }

  /** Ends the connection with RST: whatever was on its way is lost. */
  reset(): void {
    this.#setting.story.tell(this.name, 'resets the connection (RST)', 'toServer')
    this.#wire.reset()
  }

  /** Closes both directions and forgets the connection. */
  leave(): void {
    this.#setting.story.tell(this.name, 'hangs up', 'toServer')
    this.#wire.destroy()
  }

  /** What the server sends stays in the kernel's buffers from now on. */
  stopReading(): void {
    this.#setting.story.tell(this.name, 'stops reading')
    this.#wire.stopReading()
  }

  /** Reads on. */
  startReading(): void {
    this.#setting.story.tell(this.name, 'starts reading again')
    this.#wire.startReading()
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
      headline: `${this.name} ${received.length > 0 ? 'received a different line than expected' : `received no line: ${this.#state()}`}.`,
      expected: { text: what },
      received: { text: received.length > 0 ? quote(received, 96) : this.#state() },
      ...likeliest(reason, received.length > 0 ? 'other bytes' : this.#seen()),
    })
  }

  /** Expects one message of a protocol that the test speaks, and answers its bytes. */
  async expectMessage({ what, endOf, fits }: Message, reason: Reason): Promise<Uint8Array> {
    const received = await this.#takeUntil(endOf)
    const isKept = received.length > 0 && received.length === endOf(received) && fits(received)
    this.#judge(`expects ${what}`, isKept ? 'kept' : 'broken')
    if (isKept) return received
    throw await this.#fail({
      headline: `${this.name} ${received.length > 0 ? `did not receive ${what}` : `received nothing where it expected ${what}: ${this.#state()}`}.`,
      expected: { text: what },
      received: received.length > 0 ? evidence(received, 0) : { text: this.#state() },
      ...reason,
    })
  }

  /** Expects FIN, and nothing before it. */
  async expectEnd(reason: Reason): Promise<void> {
    const surplus = await this.#take(Number.POSITIVE_INFINITY)
    const kept = !surplus && this.#wire.hasEnded && !this.#wire.lostWith
    this.#judge('expects the end (FIN)', kept ? 'kept' : 'broken')
    if (kept) return
    if (surplus) {
      throw await this.#fail({
        headline: `${this.name} expected the end of the connection and received more bytes.`,
        expected: { text: 'FIN' },
        received: evidence(surplus, 0),
        ...likeliest(reason, 'other bytes'),
      })
    }
    throw await this.#fail({
      headline: this.#wire.lostWith
        ? `${this.name} was reset (${this.#wire.lostWith}) where the connection should have ended in order.`
        : `${this.name} still waits for the end: the connection is open.`,
      expected: { text: 'FIN' },
      received: { text: this.#wire.lostWith ? 'RST' : 'nothing' },
      ...likeliest(reason, this.#seen()),
    })
  }

  /** Expects the connection to be gone, in order or by a reset; bytes that still come do not count. */
  async expectClosed(reason: Reason): Promise<void> {
    this.#wire.startReading()
    while (await this.#take(Number.POSITIVE_INFINITY)) {}
    const kept = this.#wire.hasEnded || this.#wire.lostWith !== undefined
    this.#judge('expects the connection to be closed', kept ? 'kept' : 'broken')
    if (!kept) {
      throw await this.#fail({ headline: `${this.name} is still connected.`, ...reason })
    }
  }

  /** Expects that nothing has come by the time `barrier` is over: a round trip elsewhere, not a sleep. */
  async expectSilence(barrier: () => Promise<void>, reason: Reason): Promise<void> {
    await barrier()
    const chunk = this.#wire.pending
    const kept = !chunk && !this.#wire.hasEnded && !this.#wire.lostWith
    this.#setting.story.judge(
      this.name,
      'expects to have received nothing so far',
      kept ? 'kept' : 'broken',
    )
    if (kept) return
    throw await this.#fail({
      headline: `${this.name} should not have received anything yet: ${chunk ? 'bytes came' : this.#state()}.`,
      expected: { text: 'nothing' },
      received: chunk ? evidence(chunk, 0) : { text: this.#state() },
      ...reason,
    })
  }

  /** Without a word in the story: what a test's own clean-up uses. */
  discard(): void {
    this.#wire.destroy()
  }

  #tellBytes(way: 'toServer' | 'fromServer', bytes: Uint8Array): void {
    if (!this.#isQuiet) this.#setting.story.tellBytes(this.name, way, bytes)
  }

  #judge(text: string, outcome: 'kept' | 'broken'): void {
    if (!this.#isQuiet || outcome === 'broken') this.#setting.story.judge(this.name, text, outcome)
  }

  /** At most `maxBytes` of what came next; `undefined` when there is no hope that anything comes. */
  #take(maxBytes: number): Promise<Uint8Array | undefined> {
    return this.#wire.take(
      maxBytes,
      async (arrival) => (await this.#setting.server.expecting(arrival)) !== 'too late',
    )
  }

  /** Bytes up to and with the next `\n`, or all there is when none comes. */
  #takeLine(): Promise<Uint8Array> {
    return this.#takeUntil((bytes) => bytes.indexOf(NEWLINE) + 1)
  }

  /** Bytes of the next message, or all there is when it does not come whole. `endOf` answers 0 while it has no end. */
  async #takeUntil(endOf: Message['endOf']): Promise<Uint8Array> {
    let received: Uint8Array = Buffer.alloc(0)
    for (;;) {
      const chunk = await this.#take(Number.POSITIVE_INFINITY)
      if (!chunk) return received
      received = Buffer.concat([received, chunk])
      const end = endOf(received)
      if (end === 0) continue
      this.#wire.putBack(received.subarray(end))
      return received.subarray(0, end)
    }
  }

  #cut(bytes: Uint8Array, cut: Cut, maxPiece: number): Uint8Array[] {
    if (cut === 'at random') return cutAtRandom(this.#setting.random, bytes, maxPiece)
    const size = cut === 'byte by byte' ? 1 : CHUNK_BYTES
    const pieces: Uint8Array[] = []
    for (let start = 0; start < bytes.length; start += size)
      pieces.push(bytes.subarray(start, start + size))
    return pieces
  }

  #state(): string {
    if (this.#wire.lostWith) return `the connection was lost (${this.#wire.lostWith})`
    return this.#wire.hasEnded ? 'the server ended the connection' : 'nothing came'
  }

  #seen(): Seen {
    if (this.#wire.lostWith) return 'reset'
    return this.#wire.hasEnded ? 'ended' : 'silent'
  }

  async #failMissing(expected: Uint8Array, matched: number, reason: Reason): Promise<Error> {
    const missing = expected.length - matched
    const got = matched === 0 ? 'nothing' : countPart(matched, expected.length)
    const headline =
      this.#wire.hasEnded || this.#wire.lostWith
        ? `${this.name} received ${got}, then ${this.#state()}.`
        : `${this.name} received ${got} and still waits for ${countBytes(missing)}.`
    return this.#fail({
      headline,
      expected: evidence(expected, matched),
      received: evidence(expected.subarray(0, matched), matched),
      ...likeliest(reason, matched > 0 && reason.seen?.part ? 'part' : this.#seen()),
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
    const known = likeliest(reason, 'other bytes')
    return this.#fail({
      headline: `${this.name} received different bytes than expected, from byte ${withCommas(difference)} on.`,
      expected: evidence(expected, difference),
      received: evidence(received, difference),
      ...known,
      likely: explainDifference(expected, received, difference) ?? known.likely,
    })
  }

  async #fail(report: Parameters<HostedServer['fail']>[0]): Promise<Error> {
    return this.#setting.server.fail(report)
  }
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

/**
 * Whether a flood still makes progress, in the time that so many round trips take. The kernel takes and gives in steps
 * of megabytes, so a short look may see a standstill where there is none.
 */
export async function isMoving(
  flood: Flood,
  roundTrip: () => Promise<void>,
  trips = 100,
): Promise<boolean> {
  const before = flood.taken
  for (let trip = 0; trip < trips && !flood.isOver && flood.taken === before; trip++) {
    await roundTrip()
  }
  return flood.taken > before && !flood.isOver
}

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
