/** The bytes of a body that comes in pieces. What a peer announces costs nothing until it sends it. */

const NOTHING = new Uint8Array()
const FIRST_ROOM = 1024

export class BodyBuffer {
  #room: Uint8Array = NOTHING
  #bytes = 0

  /** How many bytes have come. */
  get size(): number {
    return this.#bytes
  }

  /** Copies the bytes of `chunk` between two places. The room doubles when it is full. */
  add(chunk: Uint8Array, start: number, end: number): void {
    const size = this.#bytes + end - start
    if (size > this.#room.length) {
      const roomier = new Uint8Array(Math.max(FIRST_ROOM, 2 * this.#room.length, size))
      roomier.set(this.#room)
      this.#room = roomier
    }
    this.#room.set(chunk.subarray(start, end), this.#bytes)
    this.#bytes = size
  }

  /** All of them. */
  take(): Uint8Array {
    return this.#room.subarray(0, this.#bytes)
  }
}
