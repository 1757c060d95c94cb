/** What reads the body of one request out of the chunks that come. */

import { BodyBuffer } from './body-buffer.ts'
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
  readonly #come = new BodyBuffer()

  constructor(length: number) {
    this.#length = length
  }

  next(chunk: Uint8Array, from: number): ReadBody {
    const end = from + this.#length - this.#come.size
    if (this.#come.size === 0 && end <= chunk.length)
      return { kind: 'body', body: chunk.subarray(from, end), end }
    this.#come.add(chunk, from, Math.min(end, chunk.length))
    if (end > chunk.length) return { kind: 'incomplete' }
    return { kind: 'body', body: this.#come.take(), end }
  }
}
