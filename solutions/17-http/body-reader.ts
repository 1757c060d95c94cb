/** What reads the body of one request out of the chunks that come. */

import { Gathered } from './gathered.ts'
import type { Invalid } from './http-message.ts'

/** `end` is the place in the chunk behind the body. */
export type ReadBody =
  | { kind: 'body'; body: Uint8Array; end: number }
  | { kind: 'incomplete' }
  | Invalid

export interface BodyReader {
  /** Takes bytes from `from` on, up to the end of the body; all of them when that has not come. */
  next(chunk: Uint8Array, from: number): ReadBody
}

/** A body of so many bytes, at least one. One that lies in a single chunk is a view into it. */
export class LengthReader implements BodyReader {
  readonly #length: number
  readonly #come = new Gathered()

  constructor(length: number) {
    this.#length = length
  }

  next(chunk: Uint8Array, from: number): ReadBody {
    const end = from + this.#length - this.#come.length
    this.#come.add(chunk.subarray(from, end), Math.max(0, end - chunk.length))
    if (end > chunk.length) return { kind: 'incomplete' }
    return { kind: 'body', body: this.#come.take(), end }
  }
}
