/**
 * What a client has to say in one room: one message after the other, each until it is known what became of it.
 *
 * An answer can be lost after the message was said. Then only the server knows, so the message is sent again, marked as
 * the same one: `key` names it, and `since` is a number below the one that it got, if it was said. One message is in
 * flight at a time, so that a repeat never arrives after its successor.
 */

import { ChatError } from './chat-error.ts'

export interface Said {
  number: number
  /** By the server's clock. */
  at: number
}

/** What `say` sends, besides the room. */
export interface SayRequest {
  text: string
  key: string
  since: number
}

interface Saying {
  text: string
  key: string
  /** Undefined until it is sent for the first time. */
  since: number | undefined
  timesSent: number
  result: PromiseWithResolvers<Said>
}

export class SayQueue {
  readonly #newKey: () => string
  /** The first one may be in flight. */
  readonly #sayings: Saying[] = []
  #isInFlight = false

  /** Every new key has to differ from all others of the same account. */
  constructor(newKey: () => string) {
    this.#newKey = newKey
  }

  get size(): number {
    return this.#sayings.length
  }

  /** Queues a message. Resolves when it was said; rejects with a `ChatError` when it was not, or nobody can know. */
  add(text: string): Promise<Said> {
    const result = Promise.withResolvers<Said>()
    this.#sayings.push({ text, key: this.#newKey(), since: undefined, timesSent: 0, result })
    return result.promise
  }

  /**
   * The request to send now; `undefined` when nothing waits or one is in flight. When a message is sent for the first
   * time, its `since` is `last`: the number of the last message that was told. When it is sent again, it keeps its key
   * and that `since`.
   *
   * @step 16.6
   */
  next(last: number): SayRequest | undefined {
    // TODO 16.6
    throw new Error('TODO 16.6')
  }

  /**
   * Resolves the message in flight: it was said.
   *
   * @step 16.6
   */
  onSaid(said: Said): void {
    // TODO 16.6
    throw new Error('TODO 16.6')
  }

  /**
   * Takes the error that answers the message in flight: the message was not said, and is rejected with that error. But:
   *
   * - `not-saved`, about a repeat as well, leaves open whether it was. The server saves nothing more until it is
   *   restarted, so the message stays in flight until the connection is lost.
   * - `internal` leaves it open as well, and so does any other error about a repeat: only this request has failed, and
   *   nobody knows about the one before. These messages are rejected as `unknown`.
   *
   * @step 16.6
   */
  onError(error: ChatError): void {
    // TODO 16.6
    throw new Error('TODO 16.6')
  }

  /** The connection is lost: nothing is in flight any more. */
  onLost(): void {
    this.#isInFlight = false
  }

  /**
   * Rejects a message that was sent as `unknown`: the server has other data now, and cannot know what it was sent
   * before. Messages that were never sent go on waiting.
   *
   * @step 16.6
   */
  forget(): void {
    // TODO 16.6
    throw new Error('TODO 16.6')
  }

  /**
   * Ends the queue: nothing more is sent. A message that was sent is rejected as `unknown`, the rest as `not-sent`. The
   * one in flight stays where it is: its answer may still arrive.
   */
  end(): void {
    for (const { timesSent, result } of this.#sayings) {
      result.reject(new ChatError(timesSent > 0 ? 'unknown' : 'not-sent'))
    }
    this.#sayings.length = this.#isInFlight ? 1 : 0
  }

  #reject(error: ChatError): void {
    this.#isInFlight = false
    this.#sayings.shift()!.result.reject(error)
  }
}
