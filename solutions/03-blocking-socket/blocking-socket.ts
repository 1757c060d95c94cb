/**
 * A socket that blocks, for code that runs in a thread: `read` returns bytes, however long it takes.
 *
 * Meanwhile the thread sleeps (`news.ts`): it uses no CPU and handles no event. The socket itself lives in the main
 * thread, and `bridge.ts` moves its bytes back and forth.
 */

import { receiveMessageOnPort } from 'node:worker_threads'
import {
  CLOSED,
  FLUSHED,
  type FromThread,
  type ThreadEnd,
  type ToThread,
  WINDOW_BYTES,
} from './channel.ts'
import { sleepUntil } from './news.ts'

/** The longest line that `readLine()` accepts, unless told otherwise. */
export const MAX_LINE_BYTES = 64 * 1024

/** The peer vanished. */
export class ConnectionLost extends Error {
  /** `ECONNRESET`, `EPIPE`, … as in errno(3). */
  readonly code: string

  constructor(code: string) {
    super(`the connection was lost (${code})`)
    this.code = code
  }
}

/** The peer sent a line of more than `maxBytes`. */
export class LineTooLong extends Error {}

export class BlockingSocket {
  readonly #post: (message: FromThread) => void
  readonly #receive: () => ToThread | undefined
  readonly #words: Int32Array
  /** Bytes that have been received and not yet read. */
  #rest: Uint8Array | undefined
  /** How the stream ended, once it has. No message follows, so every later read repeats this one. */
  #ending: Exclude<ToThread, { kind: 'bytes' }> | undefined
  /** Bytes written so far, modulo 2³². Starts at the value of `FLUSHED`: nothing waits then. */
  #written: number

  /** `receive` looks for a message and never waits; tests pass their own. */
  constructor({ port, shared }: ThreadEnd, receive = () => receiveMessageOnPort(port)?.message) {
    this.#post = (message) => port.postMessage(message)
    this.#receive = receive
    this.#words = new Int32Array(shared)
    this.#written = Atomics.load(this.#words, FLUSHED)
  }

  /**
   * Waits for bytes and returns them, one or many. What `readLine()` has kept of a message is returned first. Tells the
   * bridge how many bytes were taken (`taken`).
   *
   * After the peer's FIN, this and every later call returns `null`. When the peer is lost, this and every later call
   * throws `ConnectionLost` with the code.
   *
   * @step 03.2 03.3 03.4 03.6
   */
  read(): Uint8Array | null {
    if (this.#rest) return this.#takeRest()
    const message = this.#ending ?? sleepUntil(this.#words, this.#receive)
    if (message.kind !== 'bytes') this.#ending = message
    if (message.kind === 'lost') throw new ConnectionLost(message.code)
    if (message.kind === 'end') return null
    this.#post({ kind: 'taken', bytes: message.bytes.length })
    return message.bytes
  }

  /**
   * Hands bytes to the bridge. Returns once no more than `WINDOW_BYTES` wait for the peer: if the peer does not read,
   * this thread sleeps.
   *
   * Throws `ConnectionLost` when the peer has vanished, or after `end()`.
   */
  write(data: Uint8Array | string): void {
    if (Atomics.load(this.#words, CLOSED)) throw new ConnectionLost('EPIPE')
    // A copy of exactly these bytes: posting a view would send its whole buffer along.
    const bytes = new Uint8Array(Buffer.from(data))
    this.#post({ kind: 'bytes', bytes })
    this.#written = (this.#written + bytes.length) | 0
    if (this.#unflushed() > WINDOW_BYTES) this.#waitForRoom()
  }

  /** Says FIN, behind everything that was written. Returns once the bridge has all of it; then this thread may end. */
  end(): void {
    this.#post({ kind: 'end' })
    Atomics.wait(this.#words, CLOSED, 0)
  }

  /**
   * Waits for a whole line and returns it without its end (`\n` or `\r\n`). Bytes before the peer's FIN without a line
   * end are a line as well; a `\r` at their end is not part of it. Returns `null` after that. What follows the line's
   * end is kept, and `read()` returns it first. A line is UTF-8; bytes that are not become U+FFFD, and nothing is lost.
   *
   * Throws `LineTooLong` as soon as it is certain that the line has more than `maxBytes`, its end not counted, and
   * `ConnectionLost` when the peer is lost, even in the middle of a line.
   *
   * @step 03.6
   */
  readLine(maxBytes = MAX_LINE_BYTES): string | null {
    const pieces: Uint8Array[] = []
    let length = 0
    let lastByte: number | undefined
    for (;;) {
      const bytes = this.read()
      if (!bytes) return length > 0 ? toLine(pieces) : null
      const end = bytes.indexOf(NEWLINE)
      const piece = end < 0 ? bytes : bytes.subarray(0, end)
      pieces.push(piece)
      length += piece.length
      lastByte = piece.at(-1) ?? lastByte
      const content = lastByte === CARRIAGE_RETURN ? length - 1 : length
      if (content > maxBytes) throw new LineTooLong(`a line of more than ${maxBytes} bytes`)
      if (end < 0) continue
      if (end + 1 < bytes.length) this.#rest = bytes.subarray(end + 1)
      return toLine(pieces)
    }
  }

  /**
   * Sleeps while more than `WINDOW_BYTES` wait for the peer. Throws `ConnectionLost` with a code of errno(3) if the
   * connection is closed (`CLOSED`) before there is room: there will never be any.
   *
   * @step 03.5
   */
  #waitForRoom(): void {
    sleepUntil(this.#words, () => {
      if (Atomics.load(this.#words, CLOSED)) throw new ConnectionLost('EPIPE')
      return this.#unflushed() <= WINDOW_BYTES ? 'room' : undefined
    })
  }

  /** Bytes that we have written and the kernel has not taken. Right even when both counts have wrapped around. */
  #unflushed(): number {
    return (this.#written - Atomics.load(this.#words, FLUSHED)) | 0
  }

  #takeRest(): Uint8Array {
    const rest = this.#rest!
    this.#rest = undefined
    return rest
  }
}

const NEWLINE = 0x0a
const CARRIAGE_RETURN = 0x0d

/** Decodes the line as a whole: a character may be split between two pieces. */
function toLine(pieces: Uint8Array[]): string {
  const line = Buffer.concat(pieces).toString('utf8')
  return line.endsWith('\r') ? line.slice(0, -1) : line
}
