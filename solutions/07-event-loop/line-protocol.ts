/** Lines on a connection. It does not know what they mean. */

import type { Connection, Ending, Protocol } from './connection.ts'
import { LineSplitter } from './line-splitter.ts'

/** What happens on a connection that speaks in lines. The protocol is passed along: one object can serve many peers. */
export interface LineEvents {
  /** A whole line, without its end. */
  onLine(line: string, lines: LineProtocol): void
  /** The peer has sent FIN, and may still be listening: when everything is answered, call `end`. */
  onEnd(lines: LineProtocol): void
  /** A line is too long; nothing after it is read. */
  onTooLong(lines: LineProtocol): void
  onStop?(why: Ending, lines: LineProtocol): void
  onClose?(why: Ending, lines: LineProtocol): void
}

export class LineProtocol implements Protocol {
  readonly connection: Connection
  readonly #events: LineEvents
  readonly #splitter = new LineSplitter()
  /** What is said while a chunk is being taken; sent in one piece afterwards. */
  #said = ''
  #isTaking = false

  constructor(connection: Connection, events: LineEvents) {
    this.connection = connection
    this.#events = events
  }

  /** Says a line to the peer. */
  say(line: string): void {
    this.#said += `${line}\n`
    if (!this.#isTaking) this.#sendSaid()
  }

  /** Ends the connection, after everything that was said. */
  end(why: Ending): void {
    this.connection.end(why, this.#takeSaid())
  }

  onBytes(bytes: Uint8Array): number {
    let taken = 0
    this.#isTaking = true
    while (taken < bytes.length && this.connection.isReading) {
      const split = this.#splitter.next(bytes, taken)
      taken = split.kind === 'line' ? split.end : bytes.length
      if (split.kind === 'line') this.#hear(split.line)
      else if (split.kind === 'tooLong') this.#refuse()
    }
    this.#isTaking = false
    this.#sendSaid()
    return taken
  }

  /** A last line counts even if its end is missing. */
  onEnd(): void {
    const last = this.#splitter.end()
    if (last !== undefined) this.#hear(last)
    this.#events.onEnd(this)
  }

  /** What is said about it is kept for `end()`: as last words it has room, however much waits to be sent. */
  onStop(why: Ending): void {
    const wasTaking = this.#isTaking
    this.#isTaking = true
    this.#events.onStop?.(why, this)
    this.#isTaking = wasTaking
    if (!this.#events.onStop || why === 'slow-consumer') this.end(why)
    else if (!wasTaking) this.#sendSaid()
  }

  onClose(why: Ending): void {
    this.#events.onClose?.(why, this)
  }

  #hear(line: string): void {
    this.connection.heard()
    this.#events.onLine(line, this)
  }

  /** Nothing after a line that is too long is looked at, however late the answer is said. */
  #refuse(): void {
    this.connection.pauseReading('protocol')
    this.#events.onTooLong(this)
  }

  #sendSaid(): void {
    if (this.#said !== '') this.connection.send(this.#takeSaid())
  }

  #takeSaid(): Uint8Array {
    const said = Buffer.from(this.#said)
    this.#said = ''
    return said
  }
}
