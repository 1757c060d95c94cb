/** Readers for the body of one request, which arrives in chunks. */

import { Gathered } from './gathered.ts'
import type { Invalid } from './http-message.ts'

/** `end` is the place in the chunk after the body. */
export type ReadBody =
  | { kind: 'body'; body: Uint8Array; end: number }
  | { kind: 'incomplete' }
  | Invalid

export interface BodyReader {
  /** Takes bytes from `from` on, up to the end of the body; all of them if that has not arrived. */
  next(chunk: Uint8Array, from: number): ReadBody
}

/** A body of `length` bytes, at least one. A body that lies in a single chunk is a view into it. */
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
