/**
 * Bytes that belong together and arrive in pieces.
 *
 * What arrives in one piece is not copied. Otherwise there is room for at most twice what has arrived: what a peer
 * announces costs nothing until it sends it, and a byte is copied only a few times on average, however small the pieces
 * are. (Keeping the pieces themselves would keep the chunks alive that they lie in, perhaps a thousand times as large.)
 */

const NOTHING = new Uint8Array()

export class Gathered {
  #bytes: Uint8Array = NOTHING
  #length = 0

  get length(): number {
    return this.#length
  }

  /** Adds a piece; `missing` bytes are still to come, as far as is known: 0 says that this piece is the last one. */
  add(piece: Uint8Array, missing = Number.POSITIVE_INFINITY): void {
    const length = this.#length + piece.length
    if (this.#length === 0 && missing === 0) this.#bytes = piece
    else {
      if (length > this.#bytes.length) this.#grow(Math.min(2 * length, length + missing))
      this.#bytes.set(piece, this.#length)
    }
    this.#length = length
  }

  /** Returns all the bytes, and forgets them. */
  take(): Uint8Array {
    const isExact = this.#bytes.length === this.#length
    const all = isExact ? this.#bytes : this.#bytes.subarray(0, this.#length)
    this.#bytes = NOTHING
    this.#length = 0
    return all
  }

  #grow(size: number): void {
    const roomier = new Uint8Array(size)
    roomier.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = roomier
  }
}
