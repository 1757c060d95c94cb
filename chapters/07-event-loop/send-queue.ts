/** Bytes that a connection has to send and its stream has not taken yet. Chapter 10 makes the queue bounded. */

import type { ByteStream } from './byte-stream.ts'

export interface SendQueue {
  /** How many bytes wait. */
  readonly bytes: number
  /** Whether so much waits that nothing should be read until some of it is gone. */
  readonly isBacklogged: boolean
  /** Adds bytes behind all others; they must not change any more. `false`: no room, and none was taken. */
  push(bytes: Uint8Array): boolean
  /** Does the same, whatever the limit: for last words, which nothing follows. */
  append(bytes: Uint8Array): void
  /** Gives the stream what waits, oldest first, until nothing is left or the stream takes less than it is offered. */
  flush(): void
}

/** A queue of more bytes than this is backlogged, even before the stream was offered any of them. */
const ROUND_BYTES = 64 * 1024

/** Shared by all queues in which nothing waits; never changed. */
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
    // Pushing onto an empty array makes room for seventeen.
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
