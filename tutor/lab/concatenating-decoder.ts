/** The decoder that comes to mind first, and that chapter 09 is measured against: join, look, cut off, again. */

const LENGTH_BYTES = 4

export class ConcatenatingDecoder {
  #received = Buffer.alloc(0)

  push(chunk: Uint8Array): Uint8Array[] {
    this.#received = Buffer.concat([this.#received, chunk])
    const payloads: Uint8Array[] = []
    while (this.#received.length >= LENGTH_BYTES) {
      const end = LENGTH_BYTES + this.#received.readUInt32BE()
      if (this.#received.length < end) break
      payloads.push(this.#received.subarray(LENGTH_BYTES, end))
      this.#received = this.#received.subarray(end)
    }
    return payloads
  }
}
