/** Bytes that a connection has to send and its stream has not taken yet. Chapter 10 puts a bounded queue in its place. */

import type { ByteStream } from './byte-stream.ts'

export interface SendQueue {
  /** How many bytes wait. */
  readonly bytes: number
  /** Whether so much waits that nothing is to be read until some of it is gone. */
  readonly isBacklogged: boolean
  /** Puts bytes behind all others; they must not change any more. `false`: there is no room, and none was taken. */
  push(bytes: Uint8Array): boolean
  /** The same whatever the limit: last words, which nothing follows. */
  append(bytes: Uint8Array): void
  /** Gives the stream what waits, oldest first, until nothing does or the stream takes less than it is offered. */
  flush(): void
}

/** More than this is enough for one round. */
const ROUND_BYTES = 64 * 1024

/** For every queue in which nothing waits. It is never changed. */
const NO_PIECES: Uint8Array[] = []

/** A queue without a limit: a client that does not take its answers is not read, so it cannot ask for more. */
export class UnsentBytes implements SendQueue {
  bytes = 0
  readonly #stream: ByteStream
  #pieces = NO_PIECES
  /** Whether the stream took less than it was offered the last time. */
  #isStuck = false

  constructor(stream: ByteStream) {
    this.#stream = stream
  }

  get isBacklogged(): boolean {
    return this.#isStuck || this.bytes > ROUND_BYTES
  }

  push(bytes: Uint8Array): boolean {
    this.append(bytes)
    return true
  }

  append(bytes: Uint8Array): void {
    // An array that grows from nothing makes room for seventeen.
    if (this.#pieces.length === 0) this.#pieces = [bytes]
    else this.#pieces.push(bytes)
    this.bytes += bytes.length
  }

  flush(): void {
    if (this.bytes === 0) return
    const all = this.#pieces.length === 1 ? this.#pieces[0] : Buffer.concat(this.#pieces)
    const taken = this.#stream.write(all)
    this.bytes = all.length - taken
    this.#isStuck = this.bytes > 0
    this.#pieces = this.#isStuck ? [all.subarray(taken)] : NO_PIECES
  }
}
