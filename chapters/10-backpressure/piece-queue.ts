/**
 * Bytes that wait, oldest first, in the pieces in which they were added.
 *
 * A large piece is kept as it is and costs no copy, so a thousand connections can wait for the same bytes. Small ones
 * are joined: an object of its own for every 16 bytes would cost more than ten times what it holds, and so would a
 * write for each. Adding and dropping are O(1) per piece, however many wait.
 */

/** Joining pieces of 100 bytes halves their cost; from about 1 KiB on, the copy costs as much as the write it saves. */
const SMALL_BYTES = 1024

/** Small pieces are joined in a slab: twice as large as what has been joined so far, within these bounds. */
const MIN_SLAB_BYTES = 512
const MAX_SLAB_BYTES = 32 * 1024

const NOTHING = new Uint8Array()

/** Shared by all queues in which nothing waits; never changed. */
const NO_PIECES: Uint8Array[] = []

export class PieceQueue {
  /** The pieces that wait are those from `#head` on. */
  #pieces = NO_PIECES
  #head = 0
  #bytes = 0
  /** Whether the last piece lies in a slab, which is ours to write to; and how many bytes are free there after it. */
  #isInSlab = false
  #slabRoom = 0

  /** How many bytes wait. */
  get bytes(): number {
    return this.#bytes
  }

  /** The oldest piece; empty when nothing waits. */
  get first(): Uint8Array {
    return this.#pieces[this.#head] ?? NOTHING
  }

  /** Adds bytes behind all others. They must not change while they wait. */
  add(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    // Pushing onto an empty array makes room for seventeen.
    if (this.#bytes === 0) this.#pieces = [bytes]
    else if (bytes.length > SMALL_BYTES || !this.#join(bytes)) {
      this.#pieces.push(bytes)
      this.#isInSlab = false
    }
    this.#bytes += bytes.length
  }

  /** Drops `count` bytes at the front: no more than the first piece has. */
  drop(count: number): void {
    const { first } = this
    this.#bytes -= count
    if (count < first.length) this.#pieces[this.#head] = first.subarray(count)
    else this.#dropFirst()
  }

  #dropFirst(): void {
    if (this.#bytes === 0) {
      this.#pieces = NO_PIECES
      this.#head = 0
      this.#isInSlab = false
      return
    }
    this.#pieces[this.#head] = NOTHING
    this.#head += 1
    if (this.#head * 2 >= this.#pieces.length) {
      // Not on every drop: each one would move all the others.
      this.#pieces.splice(0, this.#head)
      this.#head = 0
    }
  }

  /** Puts bytes into the slab of the last piece, or both into a new one. Returns whether that was possible. */
  #join(bytes: Uint8Array): boolean {
    const place = this.#pieces.length - 1
    const last = this.#pieces[place]
    if (this.#isInSlab && bytes.length <= this.#slabRoom) {
      const start = last.byteOffset + last.length
      new Uint8Array(last.buffer, start, bytes.length).set(bytes)
      this.#pieces[place] = new Uint8Array(last.buffer, last.byteOffset, last.length + bytes.length)
      this.#slabRoom -= bytes.length
      return true
    }
    const size = last.length + bytes.length
    if (size > MAX_SLAB_BYTES || (!this.#isInSlab && last.length > SMALL_BYTES)) return false
    const slab = new Uint8Array(Math.min(MAX_SLAB_BYTES, Math.max(MIN_SLAB_BYTES, 2 * size)))
    slab.set(last)
    slab.set(bytes, last.length)
    this.#pieces[place] = slab.subarray(0, size)
    this.#isInSlab = true
    this.#slabRoom = slab.length - size
    return true
  }
}
