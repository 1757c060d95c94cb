/**
 * From bytes to messages: what a client sends, unmasked and put together, wherever it was cut.
 *
 *   bytes ─▶ FrameHeader ─▶ unmask ─▶ Utf8Check ─▶ Gathered ─▶ Incoming
 *            (18.2)         (18.3)    (18.5)       (pieces)
 *
 * A message may arrive in many frames, its fragments: the first one has an opcode, the others are continuations, the
 * last one is final. Control frames may come between the fragments and do not affect the message. A payload is unmasked
 * and checked as it arrives, even while most of its frame is still on its way. Nothing here knows about connections.
 */

import { isUtf8 } from 'node:buffer'
import { Gathered } from '../17-http/gathered.ts'
import type { Fault } from './close.ts'
import { type TextCheck, Utf8Check } from './utf8.ts'
import {
  CONTINUATION,
  FrameHeader,
  isControl,
  MAX_HEADER_BYTES,
  PING,
  PONG,
  TEXT,
  unmask,
} from './websocket-frames.ts'

export interface Message {
  /** A text is valid UTF-8. */
  isText: boolean
  /** May be a view into the chunk it came in: copy it to keep it. */
  payload: Uint8Array
  /** How many bytes in front of the payload are free, because its header was there. */
  roomBefore?: number
}

/** What the reader has found in a chunk; `end` is the place after it, from which to go on. */
export type Incoming =
  | ({ kind: 'message'; end: number } & Message)
  | { kind: 'ping' | 'pong' | 'close'; payload: Uint8Array; end: number }
  | { kind: 'invalid'; fault: Fault }
  | { kind: 'incomplete' }

export interface ReaderOptions {
  /** The longest message that a peer may send, in however many fragments. */
  maxBytes?: number
  textCheck?: TextCheck
}

export const MAX_MESSAGE_BYTES = 1024 * 1024

const INCOMPLETE: Incoming = { kind: 'incomplete' }
const NOTHING = new Uint8Array()

/** Where a header that was cut is put together. */
const WHOLE_HEADER = new Uint8Array(MAX_HEADER_BYTES)

export class MessageReader {
  readonly #maxBytes: number
  readonly #textCheck: TextCheck
  readonly #header = new FrameHeader()
  /** The first bytes of a header that was cut. */
  #cutHeader: Uint8Array = NOTHING
  /** Whether the header of the present frame has arrived, and how much of its payload has not. */
  #isInFrame = false
  #missing = 0
  /** Length of the present frame's header, if that lies in front of the payload. */
  #roomBefore = 0
  /** The opcode of the message that is under way; `undefined` between two messages. */
  #opcode: number | undefined
  /** What has arrived of that message, and of the present control frame. */
  readonly #message = new Gathered()
  readonly #control = new Gathered()

  constructor({ maxBytes = MAX_MESSAGE_BYTES, textCheck = new Utf8Check() }: ReaderOptions = {}) {
    this.#maxBytes = maxBytes
    this.#textCheck = textCheck
  }

  /** Whether everything that the peer has begun is complete. */
  get isBetweenMessages(): boolean {
    return !this.#isInFrame && this.#opcode === undefined && this.#cutHeader.length === 0
  }

  /**
   * Takes the bytes from place `from` on, up to the end of one message or control frame, and returns that; when there
   * are too few, it keeps them. The bytes that it takes are unmasked in place. After a fault, nothing more may be read.
   */
  next(bytes: Uint8Array, from: number): Incoming {
    let at = from
    this.#roomBefore = 0
    while (true) {
      if (!this.#isInFrame) {
        const cutBytes = this.#cutHeader.length
        const state = this.#readHeader(bytes, at)
        if (state === 'incomplete') return INCOMPLETE
        const fault = state === 'whole' ? this.#beginFrame() : state
        if (fault) return { kind: 'invalid', fault }
        this.#isInFrame = true
        this.#missing = this.#header.length
        at += this.#header.bytes - cutBytes
        this.#roomBefore = cutBytes === 0 ? this.#header.bytes : 0
      }
      const end = Math.min(bytes.length, at + this.#missing)
      const fault = this.#takePayload(bytes, at, end)
      if (fault) return { kind: 'invalid', fault }
      if (this.#missing > 0) return INCOMPLETE
      this.#isInFrame = false
      const incoming = this.#endFrame(end)
      if (incoming?.kind === 'message') incoming.roomBefore = this.#roomBeforeIn(bytes, incoming)
      if (incoming) return incoming
      at = end
    }
  }

  #roomBeforeIn(bytes: Uint8Array, { payload }: Message): number {
    const isWhole = payload.length === this.#header.length && payload.buffer === bytes.buffer
    return isWhole ? this.#roomBefore : 0
  }

  #readHeader(bytes: Uint8Array, at: number): 'whole' | 'incomplete' | Fault {
    const cutBytes = this.#cutHeader.length
    if (cutBytes === 0) {
      const state = this.#header.read(bytes, at)
      // A copy: slice() of a Buffer is a view, which would keep the whole chunk alive.
      if (state === 'incomplete') this.#cutHeader = new Uint8Array(bytes.subarray(at))
      return state
    }
    const more = bytes.subarray(at, at + MAX_HEADER_BYTES - cutBytes)
    WHOLE_HEADER.set(this.#cutHeader)
    WHOLE_HEADER.set(more, cutBytes)
    const begun = WHOLE_HEADER.subarray(0, cutBytes + more.length)
    const state = this.#header.read(begun, 0)
    this.#cutHeader = state === 'incomplete' ? begun.slice() : NOTHING
    return state
  }

  /**
   * The header of a frame has arrived: may that frame come now? A continuation needs a message under way, a text or
   * binary frame must not come in the middle of one, and a message has `#maxBytes` at most, which is checked before its
   * payload arrives. If there is no fault, `#opcode` is that of the message. Control frames concern no message.
   *
   * @step 18.4
   */
  #beginFrame(): Fault | undefined {
    const { opcode, length } = this.#header
    if (isControl(opcode)) return undefined
    const isUnderWay = this.#opcode !== undefined
    if (opcode === CONTINUATION && !isUnderWay) return 'nothing-to-continue'
    if (opcode !== CONTINUATION && isUnderWay) return 'message-not-finished'
    if (this.#message.length + length > this.#maxBytes) return 'too-large'
    this.#opcode ??= opcode
    return undefined
  }

  /** Unmasks this piece of the present frame's payload, checks it if it is text, and adds it to what came before. */
  #takePayload(bytes: Uint8Array, start: number, end: number): Fault | undefined {
    const { isFinal, key, length, opcode } = this.#header
    unmask(bytes, start, end, key, length - this.#missing)
    this.#missing -= end - start
    const piece = bytes.subarray(start, end)
    if (isControl(opcode)) {
      this.#control.add(piece, this.#missing)
      return undefined
    }
    const isLast = isFinal && this.#missing === 0
    if (this.#opcode === TEXT && !this.#isText(piece, isLast)) return 'not-utf8'
    this.#message.add(piece, isFinal ? this.#missing : undefined)
    return undefined
  }

  #isText(piece: Uint8Array, isLast: boolean): boolean {
    const isAll = isLast && this.#message.length === 0
    if (isAll) return isUtf8(piece)
    return this.#textCheck.push(piece) && (!isLast || this.#textCheck.end())
  }

  /**
   * The whole frame has arrived. Returns what is complete now, and forgets it: a control frame always is, a message
   * with its final fragment. Otherwise returns `undefined`.
   *
   * @step 18.4
   */
  #endFrame(end: number): Incoming | undefined {
    const { isFinal, opcode } = this.#header
    if (isControl(opcode)) {
      const kind = opcode === PING ? 'ping' : opcode === PONG ? 'pong' : 'close'
      return { kind, payload: this.#control.take(), end }
    }
    if (!isFinal) return undefined
    const isText = this.#opcode === TEXT
    this.#opcode = undefined
    return { kind: 'message', isText, payload: this.#message.take(), end }
  }
}
