/**
 * What a request and its answer are, between the connection and its handler.
 *
 * A handler sees a whole request: its head is checked, its body complete. Nothing here knows about bytes on the wire.
 */

import type { Peer } from '../07-event-loop/byte-stream.ts'
import type { Connection, Protocol } from '../07-event-loop/connection.ts'
import type { TimerQueue } from '../08-timers/timer-queue.ts'

/** The fields of a head, in the order in which they arrived. */
export class HeaderFields {
  readonly #names: string[] = []
  readonly #values: string[] = []

  /** For handlers under test: fields from a plain object. */
  static from(fields: Record<string, string | string[]>): HeaderFields {
    const headers = new HeaderFields()
    for (const [name, value] of Object.entries(fields))
      for (const each of [value].flat()) headers.add(name.toLowerCase(), each)
    return headers
  }

  get size(): number {
    return this.#names.length
  }

  add(lowerCaseName: string, value: string): void {
    this.#names.push(lowerCaseName)
    this.#values.push(value)
  }

  has(lowerCaseName: string): boolean {
    return this.#names.includes(lowerCaseName)
  }

  /** The value of that field; if it has several lines, the values of all of them, joined by `', '` (RFC 9110 §5.3). */
  get(lowerCaseName: string): string | undefined {
    const place = this.#names.indexOf(lowerCaseName)
    if (place === -1) return undefined
    if (!this.#names.includes(lowerCaseName, place + 1)) return this.#values[place]
    return this.getAll(lowerCaseName).join(', ')
  }

  /** The value of a field that may appear only once. */
  getOnly(lowerCaseName: string): { value: string } | 'none' | 'several' {
    const place = this.#names.indexOf(lowerCaseName)
    if (place === -1) return 'none'
    if (this.#names.includes(lowerCaseName, place + 1)) return 'several'
    return { value: this.#values[place] }
  }

  /** The value of each line with that name. */
  getAll(lowerCaseName: string): string[] {
    return this.#values.filter((_, place) => this.#names[place] === lowerCaseName)
  }
}

export interface HttpRequest {
  /** As it was sent: methods are case-sensitive. */
  method: string
  /** As it was sent. */
  target: string
  /** The path in the target, still percent-encoded; `'*'` for a server as a whole. */
  path: string
  /** What follows the `?`, still encoded; `''` when nothing does. */
  query: string
  version: '1.0' | '1.1'
  headers: HeaderFields
  /** May be a view into a larger chunk: copy it before you store it. */
  body: Uint8Array
  peer: Peer
}

/** A body that is not in memory. */
export interface BodySource {
  /** In bytes; known in advance, because it goes into the head. */
  readonly length: number
  /** The next bytes; `undefined` when there are no more. Fewer than `length` in all end the connection. */
  read(): Promise<Uint8Array | undefined>
  /** Called once, when no more of it is needed. */
  close(): void
}

export interface HttpAnswer {
  status: number
  /**
   * Names as they are to be sent. The connection itself adds `Date`, `Content-Length` and `Connection`. Frozen headers
   * are encoded once.
   */
  headers?: Readonly<Record<string, string | string[]>>
  body?: string | Uint8Array | BodySource
  /** With status 101: what the connection speaks from here on. */
  upgrade?: (connection: Connection, timers: TimerQueue) => Protocol
}

/** Answers at once where it can: a promise costs a turn. */
export type HttpHandler = (request: HttpRequest) => HttpAnswer | Promise<HttpAnswer>

/** The peer broke the protocol. `status` tells it how; after the answer the connection ends. */
export interface Invalid {
  kind: 'invalid'
  status: number
  reason: string
}

export function invalid(status: number, reason: string): Invalid {
  return { kind: 'invalid', status, reason }
}

const BLANKS = [' ', '\t']

/**
 * The text without the blanks at both ends (RFC 9110 §5.6.3). `trim()` would also remove the byte A0. A pattern such as
 * `/[\t ]+$/` starts again at each blank: a second of CPU time for 16 KiB of them in the middle of a value.
 */
export function withoutBlanks(text: string): string {
  let [start, end] = [0, text.length]
  while (start < end && BLANKS.includes(text[start])) start += 1
  while (start < end && BLANKS.includes(text[end - 1])) end -= 1
  return text.slice(start, end)
}

/**
 * The same text, in memory of its own. V8 cuts a string without copying it: a cookie that is kept would keep the whole
 * head that it came in.
 */
export function copyOf(text: string): string {
  return Buffer.from(text).toString()
}

export function isBodySource(body: HttpAnswer['body']): body is BodySource {
  return typeof body === 'object' && 'read' in body
}
