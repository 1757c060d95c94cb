/**
 * What a connection has to send and its peer has not taken yet. It has a limit: memory has one, too.
 *
 * A stream takes what fits, and that may end anywhere, also in the middle of a length. What is left waits here, and
 * everything that is said later waits behind it. Nothing here knows the loop: whoever watches the stream calls `flush`.
 */

import type { ByteStream } from '../07-event-loop/byte-stream.ts'
import { PieceQueue } from './piece-queue.ts'

/** What became of bytes: the stream has all of them; they wait; or there is no room, and none of them was taken. */
export type Outcome = 'sent' | 'queued' | 'full'

export class Outbox {
  /** While it is corked, everything waits for `flush`, and goes out in few large writes instead of many small ones. */
  isCorked = false
  readonly #stream: ByteStream
  readonly #maxBytes: number
  readonly #waiting = new PieceQueue()
  #sentBytes = 0

  constructor(stream: ByteStream, maxBytes: number) {
    this.#stream = stream
    this.#maxBytes = maxBytes
  }

  /** How many bytes wait. */
  get queuedBytes(): number {
    return this.#waiting.bytes
  }

  /** How many bytes the stream has taken so far. */
  get sentBytes(): number {
    return this.#sentBytes
  }

  /**
   * Takes bytes, to be sent behind everything that was pushed before: now, as far as the stream takes them, unless the
   * outbox is corked; the rest waits. But if they and what waits already are more than `maxBytes` together, none of them
   * is taken: `'full'`.
   *
   * @step 10.1 10.3
   */
  push(bytes: Uint8Array): Outcome {
    // TODO 10.1
    throw new Error('TODO 10.1')
  }

  /** Puts bytes behind everything that waits, whatever the limit: last words, that nothing will follow. */
  append(bytes: Uint8Array): void {
    this.#waiting.add(bytes)
  }

  /**
   * Gives the stream what waits, oldest first, until nothing does or the stream takes less than it is offered. What it
   * has not taken goes on waiting, and `sentBytes` has counted what it has.
   *
   * @step 10.1
   */
  flush(): void {
    // TODO 10.1
    throw new Error('TODO 10.1')
  }
}
