/**
 * What a connection has to send and its peer has not taken yet. It has a limit: memory has one, too.
 *
 * A stream takes what fits, and that may end anywhere, also in the middle of a length. What is left waits here, and
 * everything that is sent later waits behind it. Nothing here knows the loop: the connection calls `flush`.
 */

import type { ByteStream } from '../07-event-loop/byte-stream.ts'
import type { SendQueue } from '../07-event-loop/send-queue.ts'
import { PieceQueue } from './piece-queue.ts'

export interface OutboxLimits {
  /** When more bytes than this wait to be sent, reading stops … */
  highWaterBytes: number
  /** … until no more than this wait. */
  lowWaterBytes: number
  /** More than this never waits. */
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
   * Whether so much waits that nothing is to be read: from when more than `highWaterBytes` wait until no more than
   * `lowWaterBytes` do, as often as that happens. The connection asks after each message and after each flush; to ask sends
   * nothing.
   *
   * @step 10.2
   */
  get isBacklogged(): boolean {
    // TODO 10.2
    throw new Error('TODO 10.2')
  }

  /**
   * Takes bytes, to be sent behind everything that was pushed before. When they and what waits already are more than
   * `maxQueuedBytes` together, the stream is offered what waits first; if they still are, none of them is taken, and the
   * answer is `false`.
   *
   * @step 10.1 10.3
   */
  push(bytes: Uint8Array): boolean {
    // TODO 10.1
    throw new Error('TODO 10.1')
  }

  append(bytes: Uint8Array): void {
    this.#waiting.add(bytes)
  }

  /**
   * Gives the stream what waits, oldest first, until nothing does or the stream takes less than it is offered. What it
   * has not taken goes on waiting, and `sentBytes` has counted what it has. Pieces go out as they are: copying what waits
   * would cost more, the more waits.
   *
   * @step 10.1
   */
  flush(): void {
    // TODO 10.1
    throw new Error('TODO 10.1')
  }
}
