/**
 * What a connection has to send and its peer has not taken yet. It has a limit, because memory has one.
 *
 * A stream takes what fits, and that may end anywhere, even in the middle of a length. The rest waits here, and
 * everything that is sent later waits behind it. Nothing here knows about the loop: the connection calls `flush`.
 */

import type { ByteStream } from '../07-event-loop/byte-stream.ts'
import type { SendQueue } from '../07-event-loop/send-queue.ts'
import { PieceQueue } from './piece-queue.ts'

export interface OutboxLimits {
  /** When more bytes than this wait to be sent, reading stops … */
  highWaterBytes: number
  /** … until no more than this wait: at most `highWaterBytes`. */
  lowWaterBytes: number
  /** More than this never waits, apart from last words. */
  maxQueuedBytes: number
}

export class Outbox implements SendQueue {
  readonly #stream: ByteStream
  readonly #limits: OutboxLimits
  readonly #waiting = new PieceQueue()
  #isBacklogged = false
  #sentBytes = 0

  constructor(stream: ByteStream, limits: OutboxLimits) {
    this.#stream = stream
    this.#limits = limits
  }

  get bytes(): number {
    return this.#waiting.bytes
  }

  /** How many bytes the stream has taken so far. */
  get sentBytes(): number {
    return this.#sentBytes
  }

  /**
   * Whether so much waits that nothing should be read: from when more than `highWaterBytes` wait until no more than
   * `lowWaterBytes` do, as often as that happens, as seen when asked: nobody needs to notice what comes and goes between
   * two questions. Last words, which only `append` adds, need not be noticed either: nothing is read by then. The
   * connection asks after each message and after each flush; asking sends nothing.
   *
   * @step 10.2
   */
  get isBacklogged(): boolean {
    if (this.bytes > this.#limits.highWaterBytes) this.#isBacklogged = true
    if (this.bytes <= this.#limits.lowWaterBytes) this.#isBacklogged = false
    return this.#isBacklogged
  }

  /**
   * Takes bytes, to be sent after everything that was pushed before. If they and what already waits are more than
   * `maxQueuedBytes` together, first offers the stream what waits; if they still are, takes none of them and returns
   * `false`.
   *
   * @step 10.1 10.3
   */
  push(bytes: Uint8Array): boolean {
    if (this.bytes + bytes.length > this.#limits.maxQueuedBytes) this.flush()
    if (this.bytes + bytes.length > this.#limits.maxQueuedBytes) return false
    this.append(bytes)
    return true
  }

  append(bytes: Uint8Array): void {
    this.#waiting.add(bytes)
  }

  /**
   * Gives the stream what waits, oldest first, until nothing is left or the stream takes less than it is offered. What
   * the stream has not taken keeps waiting; `sentBytes` counts what it has taken. Pieces go out as they are: joining
   * all that waits would copy it again at every flush.
   *
   * @step 10.1
   */
  flush(): void {
    while (this.bytes > 0) {
      const { first } = this.#waiting
      const taken = this.#stream.write(first)
      this.#sentBytes += taken
      this.#waiting.drop(taken)
      if (taken < first.length) return
    }
  }
}
