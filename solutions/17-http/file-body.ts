/** A part of a file as the body of an answer. */

import type { FileHandle } from 'node:fs/promises'
import type { BodySource } from './http-message.ts'

const PIECE_BYTES = 64 * 1024

export class FileBody implements BodySource {
  readonly length: number
  readonly #handle: FileHandle
  #at: number
  readonly #end: number

  /** The bytes from `start` up to `end`, without the one at `end`. From now on the body owns the handle. */
  constructor(handle: FileHandle, start: number, end: number) {
    this.#handle = handle
    this.#at = start
    this.#end = end
    this.length = end - start
  }

  /** Returns `undefined` at the end of a file that has shrunk, which ends the connection: its length was promised. */
  async read(): Promise<Uint8Array | undefined> {
    // Not from Node's pool, and not filled with zeros first.
    const piece = Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, this.#end - this.#at))
    const { bytesRead } = await this.#handle.read(piece, 0, piece.length, this.#at)
    this.#at += bytesRead
    return bytesRead === 0 ? undefined : piece.subarray(0, bytesRead)
  }

  close(): void {
    // Nothing was written, so a failed close loses nothing.
    this.#handle.close().catch(() => {})
  }
}
