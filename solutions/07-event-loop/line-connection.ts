/**
 * One client of the line protocol on a loop: what a thread kept on its stack, an object keeps in its fields.
 *
 * Half a line waits in `#partial`, what the client has not taken yet in `#unsent`. While something is unsent nothing
 * is read: a client who does not listen is not listened to. Nor is one who is paused. It does not know what the lines
 * mean.
 */

import type { ByteStream, Source } from './byte-stream.ts'
import type { EventLoop } from './event-loop.ts'
import type { Ready } from './poller.ts'

/** A longer line than this, and the peer is not speaking in lines. */
export const MAX_LINE_BYTES = 64 * 1024

/** What happens on a connection. The connection is handed over, so that one such object can serve them all. */
export interface LineEvents {
  /** A whole line, without its line end (LF or CR LF). */
  onLine(line: string, connection: LineConnection): void
  /** The client has said FIN and may still be listening: whoever has answered everything calls `end`. */
  onEnd(connection: LineConnection): void
  /** The connection is over; what is said from now on is lost. */
  onClose?(connection: LineConnection): void
}

const NEWLINE = 0x0a
const NOTHING = new Uint8Array()
const NO_LINES: string[] = []

const READING = { readable: true, writable: false }
const WRITING = { readable: false, writable: true }
const WAITING = { readable: false, writable: false }

export class LineConnection {
  readonly #stream: ByteStream
  readonly #loop: EventLoop<Source>
  readonly #events: LineEvents
  #interest = READING
  #partial: Uint8Array = NOTHING
  /** Lines that have come, and the place of the next to be handed on. Some are left only while it is paused. */
  #lines = NO_LINES
  #nextLine = 0
  /** Said in this turn; goes out in one piece at its end. */
  #said = ''
  #unsent: Uint8Array = NOTHING
  #isInTurn = false
  /** Nothing is handed on and nothing is read; what is said goes out all the same. */
  #isPaused = false
  /** Nothing more is to be said: FIN follows what is unsent. */
  #isEnding = false
  #isFinSent = false
  #isFinReceived = false
  #isClosed = false

  constructor(stream: ByteStream, loop: EventLoop<Source>, events: LineEvents) {
    this.#stream = stream
    this.#loop = loop
    this.#events = events
    loop.add(stream, this.#interest, (ready) => this.#onReady(ready))
  }

  /** Says a line to the client, now or as soon as it takes it. */
  say(line: string): void {
    if (this.#isEnding) return
    this.#said += `${line}\n`
    if (!this.#isInTurn) this.#flush()
  }

  /** Hands on no more lines and reads no more until `resume`; may be called in the middle of `onLine`. */
  pause(): void {
    if (this.#isEnding) return
    this.#isPaused = true
    if (!this.#isInTurn) this.#flush()
  }

  /** Goes on where it was paused: with the lines that have come already, then reading. */
  resume(): void {
    this.#isPaused = false
    if (this.#isInTurn) return
    this.#isInTurn = true
    this.#handOn()
    this.#isInTurn = false
    this.#flush()
  }

  /** Says goodbye: FIN, behind everything that has been said. Who was paused is read from again, up to its own FIN. */
  end(): void {
    this.#isEnding = true
    this.#isPaused = false
    if (!this.#isInTurn) this.#flush()
  }

  /** Cuts the connection: what the client has not taken yet is lost. */
  destroy(): void {
    this.#stream.destroy()
    this.#close()
  }

  #onReady({ readable, writable }: Ready<Source>): void {
    if (writable) return this.#flush()
    if (!readable || this.#isPaused) return
    this.#isInTurn = true
    this.#receive()
    this.#isInTurn = false
    this.#flush()
  }

  /**
   * One turn: reads once, and hands on what has come: lines, or the end. Once, and not until nothing comes any more,
   * for others are waiting for their turn. What comes after `end` was called is thrown away.
   *
   * @step 07.5
   */
  #receive(): void {
    const bytes = this.#stream.read()
    if (bytes === 'would-block') return
    if (bytes === 'end') {
      this.#isFinReceived = true
      this.#events.onEnd(this)
    } else if (!this.#isEnding) this.#takeLines(bytes)
  }

  /**
   * Sends what can be sent now. What cannot is kept, and the next turn is for sending: nothing is read before, nor while
   * it is paused, nor after the peer's FIN. Behind the last answer comes our FIN, and after both FINs, or when the
   * connection is lost, the end.
   *
   * @step 07.5
   */
  #flush(): void {
    if (this.#said !== '') {
      this.#unsent = joined(this.#unsent, Buffer.from(this.#said))
      this.#said = ''
    }
    if (this.#unsent.length > 0) {
      this.#unsent = rest(this.#unsent, this.#stream.write(this.#unsent))
    }
    if (this.#isEnding && !this.#isFinSent && this.#unsent.length === 0) {
      this.#isFinSent = true
      this.#stream.end()
    }
    if (this.#stream.lostWith || (this.#isFinSent && this.#isFinReceived)) this.#close()
    else if (this.#unsent.length > 0) this.#watch(WRITING)
    else this.#watch(this.#isFinReceived || this.#isPaused ? WAITING : READING)
  }

  /** Cuts what has come into lines and hands them on; what is left over is kept. */
  #takeLines(bytes: Uint8Array): void {
    const received = joined(this.#partial, bytes)
    const end = received.lastIndexOf(NEWLINE) + 1
    this.#partial = rest(received, end)
    if (end > 0) {
      this.#lines = asBuffer(received)
        .toString('utf8', 0, end - 1)
        .split('\n')
      this.#nextLine = 0
      this.#handOn()
    }
    if (this.#partial.length > MAX_LINE_BYTES) {
      this.say('error line too long')
      this.end()
    }
  }

  /** Hands on one line after the other, until it is paused, has ended, or none is left. */
  #handOn(): void {
    while (this.#nextLine < this.#lines.length && !this.#isPaused && !this.#isEnding) {
      const line = this.#lines[this.#nextLine++]
      this.#events.onLine(line.endsWith('\r') ? line.slice(0, -1) : line, this)
    }
    if (!this.#isPaused) this.#lines = NO_LINES
  }

  #watch(interest: typeof READING): void {
    if (this.#isClosed || interest === this.#interest) return
    this.#interest = interest
    this.#loop.modify(this.#stream, interest)
  }

  #close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#isEnding = true
    this.#loop.remove(this.#stream)
    this.#events.onClose?.(this)
  }
}

/** What is left behind the first `count` bytes. Usually nothing, and then no view is made. */
function rest(bytes: Uint8Array, count: number): Uint8Array {
  return count < bytes.length ? bytes.subarray(count) : NOTHING
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  if (first.length === 0) return second
  return second.length === 0 ? first : Buffer.concat([first, second])
}

/** The same bytes, with Buffer's methods. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
