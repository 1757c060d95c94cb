/**
 * The head of a request: everything up to the empty line. Nothing here knows about connections.
 *
 * A head that lies in one chunk is scanned where it lies. A head that is cut is gathered in a buffer of its own, and
 * scanned again from its beginning whenever a line may have ended: lines are few, however many pieces there are.
 */

import { CR, LF, latin1 } from './head-bytes.ts'
import { scanField, scanLineEnd, scanRequestLine } from './head-scan.ts'
import { HeaderFields, type Invalid, invalid } from './http-message.ts'
import { checkHost, parseTarget } from './target.ts'

export const MAX_HEAD_BYTES = 16 * 1024
export const MAX_FIELDS = 100

export interface Head {
  kind: 'head'
  method: string
  target: string
  path: string
  query: string
  version: '1.0' | '1.1'
  headers: HeaderFields
  /** The place after the head. */
  end: number
}

export type ParsedHead = Head | Invalid | { kind: 'incomplete' }

const INCOMPLETE = { kind: 'incomplete' } as const
const TOO_LARGE = invalid(
  431,
  `A head has ${MAX_HEAD_BYTES} bytes and ${MAX_FIELDS} fields at most.`,
)
const NOTHING = new Uint8Array()
const FIRST_ROOM = 512
/** CR LF. */
const EMPTY_LINE_BYTES = 2

export class HeadParser {
  #kept: Uint8Array = NOTHING
  #keptBytes = 0

  /** Whether a head has begun whose end has not arrived. The empty line that may stand before it begins nothing. */
  get hasBegun(): boolean {
    return this.#keptBytes > EMPTY_LINE_BYTES || (this.#keptBytes > 0 && this.#kept[0] !== CR)
  }

  /**
   * Takes the bytes from `from` on, up to the end of one head, and returns that head; its `end` is a place in this
   * chunk. When the bytes are too few, it keeps all of them and returns `'incomplete'`. However a head is cut, the
   * result in the end is the same. A head of `MAX_HEAD_BYTES` that is cut into single bytes must not be scanned for
   * each of them: there is nothing new to report until a line may have ended, in this piece or with a CR at the end of
   * what was kept, or the head is too large. When a head is complete, or is refused, no bytes are kept (`hasBegun`).
   * Their room may stay for the next head: it has a limit.
   *
   * @step 17.1
   */
  next(chunk: Uint8Array, from: number): ParsedHead {
    if (this.#keptBytes === 0) {
      const parsed = parseHead(chunk, from)
      if (parsed.kind === 'incomplete') this.#keep(chunk, from)
      return parsed
    }
    const before = this.#keptBytes
    this.#keep(chunk, from)
    const come = this.#kept.subarray(0, this.#keptBytes)
    // From the last byte that was kept: it may be a CR, which needs an LF.
    if (!hasLineEnd(come, before - 1) && come.length <= MAX_HEAD_BYTES) return INCOMPLETE
    const parsed = parseHead(come, 0)
    if (parsed.kind === 'incomplete') return parsed
    this.#kept = NOTHING
    this.#keptBytes = 0
    return parsed.kind === 'head' ? { ...parsed, end: from + parsed.end - before } : parsed
  }

  /** Keeps the bytes from `from` on, as far as a head may reach, in a buffer that doubles. */
  #keep(chunk: Uint8Array, from: number): void {
    const bytes = chunk.subarray(from, from + MAX_HEAD_BYTES + 1 - this.#keptBytes)
    const size = this.#keptBytes + bytes.length
    if (size > this.#kept.length) {
      const roomier = new Uint8Array(Math.max(FIRST_ROOM, 2 * this.#kept.length, size))
      roomier.set(this.#kept)
      this.#kept = roomier
    }
    this.#kept.set(bytes, this.#keptBytes)
    this.#keptBytes = size
  }
}

/** Whether a line ends, or seems to, from place `from` on. */
function hasLineEnd(bytes: Uint8Array, from: number): boolean {
  return bytes.indexOf(LF, from) >= 0 || bytes.indexOf(CR, from) >= 0
}

/** The head that begins at `from`, after one empty line at most (RFC 9112 §2.2). */
export function parseHead(chunk: Uint8Array, from: number): ParsedHead {
  const limit = from + MAX_HEAD_BYTES
  const bytes = chunk.length > limit ? chunk.subarray(0, limit) : chunk
  const spans: number[] = []
  let at = startOf(bytes, from)
  if (typeof at === 'number') at = scanRequestLine(bytes, at, spans)
  while (typeof at === 'number' && bytes[at] !== CR && bytes[at] !== LF) {
    if (at < bytes.length && spans.length === SPANS_BEFORE_FIELDS + 4 * MAX_FIELDS) return TOO_LARGE
    at = scanField(bytes, at, spans)
  }
  if (typeof at === 'number') at = scanLineEnd(bytes, at)
  if (typeof at === 'number') return makeHead(latin1(bytes, from, at), from, spans)
  if (at === 'incomplete') return bytes.length === limit ? TOO_LARGE : INCOMPLETE
  return at
}

function startOf(bytes: Uint8Array, from: number) {
  return bytes[from] === CR ? scanLineEnd(bytes, from) : from
}

/** Method, target and version have two places each. */
const SPANS_BEFORE_FIELDS = 6

/** `text` is the whole head, which began at `from`. */
function makeHead(text: string, from: number, spans: number[]): Head | Invalid {
  const piece = (place: number) => text.substring(spans[place] - from, spans[place + 1] - from)
  const headers = new HeaderFields()
  for (let place = SPANS_BEFORE_FIELDS; place < spans.length; place += 4)
    headers.add(piece(place).toLowerCase(), piece(place + 2))
  const method = piece(0)
  const target = piece(2)
  const version = piece(4) === 'HTTP/1.0' ? '1.0' : '1.1'
  const parts = parseTarget(method, target)
  if (parts.kind === 'invalid') return parts
  const wrong = checkHost(headers, version, parts.authority)
  if (wrong) return wrong
  const { path, query } = parts
  const end = from + text.length
  return { kind: 'head', method, target, path, query, version, headers, end }
}
