/**
 * A body in chunks, whose length was not known in advance (RFC 9112 §7.1).
 *
 *     size in hex [; extensions] CR LF   data CR LF   …   0 CR LF   [trailers]   CR LF
 *
 * Here, "chunk" means a chunk of the body; the pieces that TCP delivers may end anywhere in it. Extensions and trailers
 * mean nothing to us, but a peer may send them without end: both are bounded. A line whose end has not arrived is kept.
 */

import { tooLarge } from './body-length.ts'
import type { BodyReader, ReadBody } from './body-reader.ts'
import { Gathered } from './gathered.ts'
import { CR, endOfRun, HEX, latin1, VALUE } from './head-bytes.ts'
import { type Scan, scanField, scanLineEnd } from './head-scan.ts'
import { invalid } from './http-message.ts'

/** A number with more digits does not fit into 64 bits, and some servers would read another one. */
export const MAX_SIZE_DIGITS = 16
/** How long a line with a size may be, without its end … */
export const MAX_SIZE_LINE_BYTES = 256
/** … and the extensions of all chunks together. */
export const MAX_EXTENSION_BYTES = 4 * 1024
export const MAX_TRAILER_BYTES = 8 * 1024

const NO_SIZE = invalid(400, `A chunk begins with its size: 1 to ${MAX_SIZE_DIGITS} hex digits.`)
const BAD_EXTENSION = invalid(400, 'Behind the size of a chunk stand extensions: ;name=value.')
const LONG_EXTENSION = invalid(400, 'The extensions of the chunks are too long.')
const LONG_TRAILERS = invalid(431, `The trailers have ${MAX_TRAILER_BYTES} bytes at most.`)

const EXTENSIONS =
  /^(?:[\t ]*;[\t ]*[!#$%&'*+.^_`|~\w-]+(?:[\t ]*=[\t ]*(?:[!#$%&'*+.^_`|~\w-]+|"(?:[^"\\]|\\.)*"))?)*$/

const NOTHING = new Uint8Array()

export class ChunkedReader implements BodyReader {
  readonly #maxBytes: number
  readonly #come = new Gathered()
  #state: 'size' | 'data' | 'dataEnd' | 'trailers' | 'done' = 'size'
  /** Bytes of this chunk's data that have not arrived. */
  #missing = 0
  #extensionBytes = 0
  #trailerBytes = 0
  /** A line whose end has not arrived. */
  #rest: Uint8Array = NOTHING

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  next(chunk: Uint8Array, from: number): ReadBody {
    const kept = this.#rest.length
    const bytes = kept === 0 ? chunk : Buffer.concat([this.#rest, chunk.subarray(from)])
    let at = kept === 0 ? from : 0
    const placeInChunk = (place: number) => (kept === 0 ? place : place - kept + from)
    while (this.#state !== 'done') {
      const scan = this.#scan(bytes, at)
      if (typeof scan === 'object') return scan
      if (scan === 'incomplete') {
        // A copy: slice() of a Buffer is a view, which would keep the whole chunk alive.
        this.#rest = new Uint8Array(bytes.subarray(at))
        return { kind: 'incomplete' }
      }
      if (scan === at)
        throw new Error(`no byte of the ${this.#state} has come: that is 'incomplete'`)
      at = scan
    }
    return { kind: 'body', body: this.#come.take(), end: placeInChunk(at) }
  }

  /** Takes what stands at `at`, according to the state. */
  #scan(bytes: Uint8Array, at: number): Scan {
    if (this.#state === 'size') return this.#scanSize(bytes, at)
    if (this.#state === 'data') return this.#takeData(bytes, at)
    if (this.#state === 'trailers') return this.#scanTrailer(bytes, at)
    const end = scanLineEnd(bytes, at)
    if (typeof end === 'number') this.#state = 'size'
    return end
  }

  /**
   * Scans the line with the size of a chunk: 1 to `MAX_SIZE_DIGITS` hex digits, then extensions, if any. What follows
   * is data, or the trailers after a size of 0. A line over `MAX_SIZE_LINE_BYTES` is invalid (400) as soon as that is
   * known, whether or not its end has arrived. Everything else is checked and counted once, when the line has ended:
   * extensions over `MAX_EXTENSION_BYTES` in all are invalid (400), and so is a size that makes the body longer than
   * `maxBytes` (413).
   *
   * @step 17.3
   */
  #scanSize(bytes: Uint8Array, at: number): Scan {
    // TODO 17.3
    throw new Error('TODO 17.3')
  }

  /**
   * Takes as much of the chunk's data as has arrived, and returns the place after it; `'incomplete'` only if nothing
   * has arrived. CR LF follows the last byte of the data. The cost does not depend on how much arrived before, in this
   * chunk or in others.
   *
   * @step 17.3
   */
  #takeData(bytes: Uint8Array, at: number): Scan {
    // TODO 17.3
    throw new Error('TODO 17.3')
  }

  /**
   * Scans one trailer, a field like those of a head, and drops it: it came too late for the head's checks. The empty
   * line after the last one ends the body. More than `MAX_TRAILER_BYTES` in all, that line included, are invalid (431).
   *
   * @step 17.3
   */
  #scanTrailer(bytes: Uint8Array, at: number): Scan {
    // TODO 17.3
    throw new Error('TODO 17.3')
  }
}
