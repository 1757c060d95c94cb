/**
 * Frames: TCP delivers bytes, we speak in messages. A frame is the length of its payload (four bytes, big-endian,
 * unsigned), then the payload.
 *
 * A chunk may hold half a length or five whole frames and the start of a sixth. Frames that lie in one chunk are views
 * into it: nothing is copied. A frame that is cut is collected in its own buffer. Nothing here knows about sockets.
 */

/** The largest payload that a peer may announce; a longer one ends its connection. */
export const MAX_FRAME_BYTES = 1024 * 1024

export const LENGTH_BYTES = 4

export interface Frame {
  kind: 'frame'
  /** May be a view into the chunk it arrived in, and keeps that whole chunk alive: copy it to store it. */
  payload: Uint8Array
}

/** The peer broke the protocol: what comes after this means nothing. */
export interface Invalid {
  kind: 'invalid'
  reason: string
}

/** What the bytes begin with. */
export type Parsed =
  | Frame
  | Invalid
  // What is missing is the rest of the length, or of the frame.
  | { kind: 'incomplete'; missingBytes: number }

const NOTHING = new Uint8Array()

/**
 * Returns the frame with this payload. A payload over `MAX_FRAME_BYTES` is our own bug: it throws a `RangeError`.
 *
 * @step 09.1
 */
export function encodeFrame(payload: Uint8Array): Uint8Array {
  if (payload.length > MAX_FRAME_BYTES) {
    throw new RangeError(`a frame of ${payload.length} bytes, over ${MAX_FRAME_BYTES}`)
  }
  // Small frames come from Node's pool: an array each would cost several times as much. Every byte is written below.
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + payload.length)
  frame.writeUInt32BE(payload.length)
  frame.set(payload, LENGTH_BYTES)
  return frame
}

/**
 * Returns what begins at place `at` of `bytes`: a whole frame, its payload as a view, or too little of one. A length
 * over `maxBytes` is invalid as soon as it can be read; the reason names the length and the limit.
 *
 * @step 09.2 09.5
 */
export function parseFrame(bytes: Uint8Array, at: number, maxBytes: number): Parsed {
  const start = at + LENGTH_BYTES
  if (bytes.length < start) return { kind: 'incomplete', missingBytes: start - bytes.length }
  const length =
    // >>> 0: the bit operators count in signed numbers, and a length has no sign.
    ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0
  if (length > maxBytes) {
    return {
      kind: 'invalid',
      reason: `a frame of ${length} bytes is over the limit of ${maxBytes}`,
    }
  }
  const end = start + length
  if (bytes.length < end) return { kind: 'incomplete', missingBytes: end - bytes.length }
  return { kind: 'frame', payload: bytes.subarray(start, end) }
}

/** What the decoder has made of a chunk; `end` is the place after the frame, from which to go on. */
export type Decoded = (Frame & { end: number }) | Invalid | { kind: 'incomplete' }

const INCOMPLETE: Decoded = { kind: 'incomplete' }

export class FrameDecoder {
  readonly #maxBytes: number
  /** Holds the first `#begunBytes` bytes of a frame that is not complete, its length included. */
  #begun = NOTHING
  #begunBytes = 0
  #isInvalid = false

  constructor({ maxBytes = MAX_FRAME_BYTES } = {}) {
    this.#maxBytes = maxBytes
  }

  /**
   * Returns a new list of the frames that this chunk completes, in order. An invalid length is its last item, and is
   * reported once. What is left over waits for the next chunk.
   *
   * @step 09.3
   */
  push(chunk: Uint8Array): (Frame | Invalid)[] {
    const decoded: (Frame | Invalid)[] = []
    for (let at = 0; at < chunk.length; ) {
      const next = this.next(chunk, at)
      if (next.kind !== 'incomplete') decoded.push(next)
      at = next.kind === 'frame' ? next.end : chunk.length
    }
    return decoded
  }

  /**
   * Takes the bytes from `from` on, up to the end of one frame, and returns that frame, as a view if all of it lies in
   * this chunk. If there are too few, keeps them and returns `'incomplete'`. An invalid length is reported once; from
   * then on, nothing is decoded.
   *
   * @step 09.3 09.4 09.5
   */
  next(chunk: Uint8Array, from: number): Decoded {
    if (this.#isInvalid) return INCOMPLETE
    if (this.#begunBytes > 0) return this.#finishBegun(chunk, from)
    const parsed = parseFrame(chunk, from, this.#maxBytes)
    if (parsed.kind === 'frame') {
      const end = from + LENGTH_BYTES + parsed.payload.length
      return { kind: 'frame', payload: parsed.payload, end }
    }
    if (parsed.kind === 'incomplete') {
      this.#keep(chunk.subarray(from), chunk.length - from + parsed.missingBytes)
      return INCOMPLETE
    }
    this.#isInvalid = true
    return parsed
  }

  /**
   * The peer will send no more. Inside a frame, that is invalid, and the reason says how many bytes are missing.
   *
   * @step 09.5
   */
  end(): Invalid | undefined {
    const parsed = this.#parseBegun()
    if (this.#begunBytes === 0 || parsed.kind !== 'incomplete') return undefined
    return { kind: 'invalid', reason: `the end came ${parsed.missingBytes} bytes too early` }
  }

  /**
   * Adds what is missing to the frame that has begun, from place `from` of the chunk on, but nothing that belongs to
   * the next frame. Once the frame is complete or invalid, returns it and forgets it.
   *
   * @step 09.4
   */
  #finishBegun(chunk: Uint8Array, from: number): Decoded {
    let end = from
    let parsed = this.#parseBegun()
    while (parsed.kind === 'incomplete' && end < chunk.length) {
      const piece = chunk.subarray(end, end + parsed.missingBytes)
      this.#keep(piece, this.#begunBytes + parsed.missingBytes)
      end += piece.length
      parsed = this.#parseBegun()
    }
    if (parsed.kind === 'incomplete') return INCOMPLETE
    this.#isInvalid = parsed.kind === 'invalid'
    this.#begun = NOTHING
    this.#begunBytes = 0
    return parsed.kind === 'frame' ? { kind: 'frame', payload: parsed.payload, end } : parsed
  }

  #parseBegun(): Parsed {
    return parseFrame(this.#begun.subarray(0, this.#begunBytes), 0, this.#maxBytes)
  }

  /**
   * Adds bytes to the frame that has begun, which will have `totalBytes` as far as is known. `#begun` has room for at
   * most twice what has arrived: what a peer announces costs nothing until it is sent. The room doubles when it is
   * full, so every byte is copied a few times at most, however small the pieces are.
   *
   * @step 09.4
   */
  #keep(bytes: Uint8Array, totalBytes: number): void {
    const size = this.#begunBytes + bytes.length
    if (size > this.#begun.length) {
      const roomier = new Uint8Array(Math.min(2 * size, totalBytes))
      roomier.set(this.#begun)
      this.#begun = roomier
    }
    this.#begun.set(bytes, this.#begunBytes)
    this.#begunBytes = size
  }
}
