/**
 * HTTP/1.1 on a connection: requests in, answers out, in the same order. It does not know what they mean.
 *
 *   head ── body ── handler ── answer ──▶ head …        one request at a time, though many may have come
 *     │       │                   ├─ Connection: close ──▶ end
 *     └───────┴─ invalid, late ───┘                        101 ──▶ another protocol
 */

import type { Peer } from '../07-event-loop/byte-stream.ts'
import type { Connection, Ending, Protocol } from '../07-event-loop/connection.ts'
import type { Timer, TimerQueue } from '../08-timers/timer-queue.ts'
import { DateText } from './answer-head.ts'
import { AnswerSender } from './answer-sender.ts'
import { type BodyLength, bodyLength } from './body-length.ts'
import { type BodyReader, LengthReader } from './body-reader.ts'
import { ChunkedReader } from './chunked-reader.ts'
import { type Head, HeadParser } from './head-parser.ts'
import {
  type HttpAnswer,
  type HttpHandler,
  type Invalid,
  invalid,
  withoutBlanks,
} from './http-message.ts'

export interface HttpLimits {
  maxBodyBytes: number
  /** How long a head may take from its first byte on … */
  headMs: number
  /** … and a body, from the end of its head on. */
  bodyMs: number
}

export interface HttpOptions extends Partial<HttpLimits> {
  timers: TimerQueue
  /** Shared by all connections of a server. */
  date?: DateText
  /** Told what a handler throws. */
  onBug?: (error: unknown) => void
}

const NOTHING = new Uint8Array()
const TOO_SLOW = invalid(408, 'The request took too long to come.')
const HALF = invalid(400, 'The request has no end.')
const UNMET = invalid(417, 'The only expectation that is met is 100-continue.')
const NO_UPGRADE = invalid(
  400,
  'Only a request in HTTP/1.1 without a body can change the protocol.',
)
const BUG: HttpAnswer = { status: 500, body: 'The server has made a mistake.\n' }

const ENDINGS: Readonly<Record<number, Ending>> = {
  408: 'idle',
  413: 'too-large',
  414: 'too-large',
  431: 'too-large',
}

export class HttpConnection implements Protocol {
  readonly #connection: Connection
  readonly #handler: HttpHandler
  readonly #timers: TimerQueue
  readonly #limits: HttpLimits
  readonly #onBug: (error: unknown) => void
  readonly #sender: AnswerSender
  readonly #heads = new HeadParser()
  /** The request whose body is not complete. */
  #begun: { head: Head; body: BodyReader } | undefined
  /** Whether a request that is complete has no complete answer yet. */
  #isAnswering = false
  /** Why the connection ends after the next answer, if it does. */
  #endsAs: Ending | undefined
  /** Whether the connection speaks another protocol now. */
  #isReplaced = false
  /** Whether a chunk is being taken: what is said meanwhile goes out after it. */
  #isTaking = false
  #deadline: Timer | undefined
  #peer: Peer | undefined

  constructor(connection: Connection, handler: HttpHandler, options: HttpOptions) {
    const { timers, date = new DateText(), onBug = console.error } = options
    const { maxBodyBytes = 64 * 1024, headMs = 10_000, bodyMs = 30_000 } = options
    this.#connection = connection
    this.#handler = handler
    this.#timers = timers
    this.#limits = { maxBodyBytes, headMs, bodyMs }
    this.#onBug = onBug
    this.#sender = new AnswerSender(connection, date)
  }

  onBytes(bytes: Uint8Array): number {
    let taken = 0
    this.#isTaking = true
    while (taken < bytes.length && this.#connection.isReading && !this.#isReplaced)
      taken = this.#take(bytes, taken)
    this.#isTaking = false
    this.#sender.flush()
    if (this.#isInRequest && !this.#deadline) this.#watchForEnd()
    return taken
  }

  onEnd(): void {
    if (this.#isAnswering) this.#endsAs ??= 'finished'
    else if (this.#isInRequest) this.#refuse(HALF)
    else this.#connection.end('finished')
  }

  /**
   * When the server is stopping, a request that has begun is still answered, and its answer is the last (`#endsAs`);
   * between two requests the connection ends at once. A peer that says nothing while we owe it an answer is not idle. A
   * peer that is idle within a request is refused as `TOO_SLOW`. In every other case the connection ends at once.
   *
   * @step 17.5
   */
  onStop(why: Ending): void {
    // TODO 17.5
    throw new Error('TODO 17.5')
  }

  onRoom(): void {
    this.#sender.onRoom()
  }

  onClose(): void {
    this.#forgetDeadline()
    this.#sender.onRoom()
  }

  get #isInRequest(): boolean {
    return this.#begun !== undefined || this.#heads.hasBegun
  }

  /** Takes bytes from `from` on, up to the end of a head or of a body, if it is there. Returns the place after them. */
  #take(bytes: Uint8Array, from: number): number {
    if (!this.#begun) {
      const parsed = this.#heads.next(bytes, from)
      if (parsed.kind === 'head') this.#begin(parsed, bytes.length > parsed.end)
      if (parsed.kind === 'invalid') this.#refuse(parsed)
      return parsed.kind === 'head' ? parsed.end : bytes.length
    }
    const { head, body } = this.#begun
    const read = body.next(bytes, from)
    if (read.kind === 'invalid') this.#refuse(read)
    if (read.kind !== 'body') return bytes.length
    this.#begun = undefined
    this.#forgetDeadline()
    this.#handle(head, read.body)
    return read.end
  }

  /** A head has arrived; `hasMore` tells whether bytes after it have arrived as well. */
  #begin(head: Head, hasMore: boolean): void {
    this.#forgetDeadline()
    const { headers, version } = head
    const length = bodyLength(headers, version, this.#limits.maxBodyBytes)
    if (length.kind === 'invalid') return this.#refuse(length, head)
    const body = readerFor(length, this.#limits.maxBodyBytes)
    const isWaiting = body !== undefined && !hasMore
    const unmet = headers.has('expect') && this.#meetExpectation(head, isWaiting)
    if (unmet) return this.#refuse(unmet, head)
    if (body) this.#begun = { head, body }
    else this.#handle(head, NOTHING)
  }

  /**
   * The request has an `Expect` (RFC 9110 §10.1.1). If it is `100-continue`, in upper or lower case, and the body
   * `isWaiting` for leave, the client is told `HTTP/1.1 100 Continue`. Returns `UNMET` for any other expectation. A
   * request in HTTP/1.0 expects nothing, whatever it says.
   *
   * @step 17.5
   */
  #meetExpectation({ headers, version }: Head, isWaiting: boolean): Invalid | undefined {
    // TODO 17.5
    throw new Error('TODO 17.5')
  }

  /**
   * A whole request has arrived. Calls `connection.heard()`, asks the handler, and sends its answer. If all that is
   * done at once, the connection goes on or ends (`#goOn`). If not, no other request is taken until it is done
   * (`#holdUntil`): answers go out in the order of the requests.
   *
   * @step 17.4
   */
  #handle(head: Head, body: Uint8Array): void {
    // TODO 17.4
    throw new Error('TODO 17.4')
  }

  /**
   * Sends an answer, or changes the protocol if the answer has an `upgrade`. A HEAD request gets no body. If the peer
   * does not want to go on (`keepsOpen`), the connection ends after this answer: set `#endsAs`, unless it already says
   * why. Persistence is `'close'` if the connection ends after this answer, whoever decided that; otherwise `'say'` to
   * HTTP/1.0 and `'keep'` to 1.1. Returns what `#sender.answer()` returns.
   *
   * @step 17.4
   */
  #answer(head: Head, answer: HttpAnswer): Promise<void> | undefined {
    // TODO 17.4
    throw new Error('TODO 17.4')
  }

  /**
   * Sends the answer (`'keep'`), flushes it, and hands the connection over (`#handOver`). A request in HTTP/1.0, one
   * with a body, or one on a connection that is to end (`#endsAs`), is refused instead, as `NO_UPGRADE`, and a HEAD
   * request gets no body then either. If the peer is gone by then (`isOpen`), no protocol is made: nobody would tell it
   * that its connection is over. If `#sender.answer()` returns a promise, the answer could not be said: returns that
   * promise, and makes no protocol.
   *
   * @step 17.4
   */
  #upgrade(head: Head, answer: HttpAnswer, upgrade: Upgrade): Promise<void> | undefined {
    // TODO 17.4
    throw new Error('TODO 17.4')
  }

  /** The connection speaks the protocol that `upgrade` makes: bytes that arrive from here on are not ours. */
  #handOver(upgrade: Upgrade): void {
    this.#isReplaced = true
    // Our pause ends before the other protocol is made: it may pause for reasons of its own.
    this.#connection.resumeReading('protocol')
    try {
      this.#connection.use(upgrade(this.#connection, this.#timers))
    } catch (error) {
      this.#abort(error)
    }
  }

  /** Asks the handler; what it throws becomes an answer. Until that is complete (`#goOn`), we owe an answer. */
  #ask(head: Head, body: Uint8Array): HttpAnswer | Promise<HttpAnswer> {
    this.#isAnswering = true
    const { method, target, path, query, version, headers } = head
    // Asking the socket for its address costs more than the whole head.
    this.#peer ??= this.#connection.peer
    const peer = this.#peer
    try {
      const request = { method, target, path, query, version, headers, body, peer }
      const answer = this.#handler(request)
      return 'then' in answer ? answer.then(undefined, (error) => this.#failed(error)) : answer
    } catch (error) {
      return this.#failed(error)
    }
  }

  #failed(error: unknown): HttpAnswer {
    this.#onBug(error)
    return BUG
  }

  /** Takes no other request until this one's answer is sent. */
  #holdUntil(sent: Promise<void>): void {
    this.#connection.pauseReading('protocol')
    sent.then(
      () => {
        if (!this.#isReplaced) this.#connection.resumeReading('protocol')
        this.#goOn()
      },
      (error) => this.#abort(error),
    )
  }

  /** A bug of ours: the peer was promised more than there is. It would take whatever followed for the rest. */
  #abort(error: unknown): void {
    this.#onBug(error)
    this.#connection.destroy('failed')
  }

  /** An answer is complete. */
  #goOn(): void {
    this.#isAnswering = false
    if (!this.#isTaking || this.#endsAs) this.#sender.flush()
    if (this.#endsAs) this.#connection.end(this.#endsAs)
  }

  /**
   * Sends the last answer on this connection. Whatever arrives after that is ignored. A HEAD request gets no body here
   * either (RFC 9110 §9.3.2).
   */
  #refuse({ status, reason }: Invalid, head = this.#begun?.head): undefined {
    this.#begun = undefined
    this.#forgetDeadline()
    const headers = { 'Content-Type': 'text/plain; charset=utf-8' }
    this.#sender.answer({ status, headers, body: `${reason}\n` }, head?.method === 'HEAD', 'close')
    this.#sender.flush()
    this.#connection.end(ENDINGS[status] ?? 'invalid')
  }

  /**
   * Called after a chunk, when the end of a head or of a body is missing and no `#deadline` is armed. From now on that
   * head or body has `headMs` or `bodyMs` to arrive, however many of its bytes arrive meanwhile. Then the request is
   * refused as `TOO_SLOW`.
   *
   * @step 17.5
   */
  #watchForEnd(): void {
    // TODO 17.5
    throw new Error('TODO 17.5')
  }

  /** Cancels the deadline: what it was for has arrived, or is no longer waited for. */
  #forgetDeadline(): void {
    if (this.#deadline) this.#timers.cancel(this.#deadline)
    this.#deadline = undefined
  }
}

type Upgrade = NonNullable<HttpAnswer['upgrade']>

/** The reader for a body of that length; `undefined` when there is none. */
function readerFor(length: BodyLength, maxBytes: number): BodyReader | undefined {
  if (length.kind === 'chunked') return new ChunkedReader(maxBytes)
  return length.kind === 'bytes' && length.bytes > 0 ? new LengthReader(length.bytes) : undefined
}

function hasBody({ headers, version }: Head): boolean {
  return bodyLength(headers, version, 0).kind !== 'none'
}

/**
 * Whether the peer wants to go on after the answer (RFC 9112 §9.3): in 1.1 unless it says `close`, in 1.0 if it says
 * `keep-alive`. `close` wins over `keep-alive` in both.
 *
 * @step 17.4
 */
export function keepsOpen({ headers, version }: Head): boolean {
  // TODO 17.4
  throw new Error('TODO 17.4')
}
