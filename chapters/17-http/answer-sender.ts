/**
 * Sends answers on a connection, one after the other. It knows nothing about requests.
 *
 * Short answers to the requests of one chunk go out in one piece: a packet for every twenty bytes would cost more than
 * all the rest. A body that is not in memory is read no faster than the peer takes it.
 */

import type { Connection } from '../07-event-loop/connection.ts'
import { type DateText, encodeHead, type Persistence } from './answer-head.ts'
import { type BodySource, type HttpAnswer, isBodySource } from './http-message.ts'

/** What is said waits for the end of the chunk of requests, unless it is longer than this. */
const SAID_UNITS = 16 * 1024

/** Copying this much costs less than another write. */
const JOINED_BYTES = 4 * 1024

/** A body longer than this is sent in pieces, as the peer takes them. */
const PIECE_BYTES = 64 * 1024

export class AnswerSender {
  readonly #connection: Connection
  readonly #date: DateText
  #said = ''
  #onRoom: (() => void) | undefined

  constructor(connection: Connection, date: DateText) {
    this.#connection = connection
    this.#date = date
  }

  /** Says this text after everything that was said before; `flush` sends it. */
  say(text: string): void {
    this.#said += text
    if (this.#said.length > SAID_UNITS) this.flush()
  }

  /** Sends what was said. */
  flush(): void {
    if (this.#said === '') return
    const said = this.#said
    this.#said = ''
    this.#connection.send(Buffer.from(said))
  }

  /**
   * Says an answer; to a HEAD request all of it but the body. Returns a promise when the body is not in memory, or is
   * longer than `PIECE_BYTES`: it resolves when everything is sent or the peer is gone, and rejects when the body cannot
   * be read to its end. An answer that cannot be said (a bug of ours) is not sent at all, and the promise rejects.
   */
  answer(answer: HttpAnswer, isHead: boolean, persistence: Persistence): Promise<void> | undefined {
    const { body = '', status } = answer
    const hasLength = status >= 200 && status !== 204 && status !== 304
    const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length
    try {
      this.say(encodeHead(answer, this.#date.get(), hasLength ? length : undefined, persistence))
    } catch (error) {
      if (isBodySource(body)) body.close()
      return Promise.reject(error)
    }
    const isSent = hasLength && !isHead
    if (isBodySource(body)) return isSent ? this.#pump(body) : close(body)
    if (!isSent) return undefined
    if (length > PIECE_BYTES)
      return this.#pump(inPieces(typeof body === 'string' ? Buffer.from(body) : body))
    if (typeof body === 'string') this.say(body)
    else this.#send(body)
    return undefined
  }

  /** Sends head and body in one piece when that costs less than two. */
  #send(body: Uint8Array): void {
    const headBytes = Buffer.byteLength(this.#said)
    if (headBytes === 0 || body.length > JOINED_BYTES) {
      this.flush()
      return this.#connection.send(body)
    }
    const both = Buffer.allocUnsafe(headBytes + body.length)
    both.write(this.#said)
    both.set(body, headBytes)
    this.#said = ''
    this.#connection.send(both)
  }

  /** The connection has room again. */
  onRoom(): void {
    const onRoom = this.#onRoom
    this.#onRoom = undefined
    onRoom?.()
  }

  async #pump(source: BodySource): Promise<void> {
    this.flush()
    let missing = source.length
    try {
      while (missing > 0 && this.#connection.isOpen) {
        const bytes = await source.read()
        if (!bytes || bytes.length > missing) throw new Error('a body is not as long as it was')
        missing -= bytes.length
        this.#connection.send(bytes)
        // The peer may have gone while the body was read: then no room will ever be reported.
        if (this.#connection.isOpen && this.#connection.isBacklogged) await this.#room()
      }
    } finally {
      source.close()
    }
  }

  #room(): Promise<void> {
    return new Promise((resolve) => {
      this.#onRoom = resolve
    })
  }
}

/** A body in memory, read in pieces: the peer need not take all of it at once. */
function inPieces(bytes: Uint8Array): BodySource {
  let at = 0
  return {
    length: bytes.length,
    async read() {
      const piece = bytes.subarray(at, at + PIECE_BYTES)
      at += piece.length
      return piece
    },
    close() {},
  }
}

function close(body: BodySource): undefined {
  body.close()
}
