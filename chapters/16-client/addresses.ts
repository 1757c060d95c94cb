/**
 * One name, several addresses: which of them to connect to (RFC 8305, "Happy Eyeballs").
 *
 * An address may be dead without saying so, and a connection attempt to it takes minutes to fail. Trying one after the
 * other is too slow, trying all at once is rude. So attempts are staggered: the next begins when any has failed, or
 * 250 ms after the last one, and the first that connects wins. This file does not know what a connection is.
 */

import type { Timers } from './timers.ts'

export interface Address {
  address: string
  family: 4 | 6
}

/** RFC 8305 §5 recommends this delay. */
export const ATTEMPT_DELAY_MS = 250

const UNREACHABLE = 'no address could be connected to'

export interface Closable {
  close(): void
}

/**
 * Begins to connect to one address; rejects when that fails. Once `signal` aborts, nobody wants the connection any
 * more, and a connection that is there already is ended. The abort may come too late: then the promise resolves all the
 * same.
 */
export type Dial<C> = (address: Address, signal: AbortSignal) => Promise<C>

/**
 * The same addresses, in the order in which to try them: the two families take turns, beginning with that of the first
 * address; within a family the order stays. When one family is used up, the rest of the other follows (RFC 8305 §4).
 *
 * @step 16.2
 */
export function interleave(addresses: readonly Address[]): Address[] {
  // TODO 16.2
  throw new Error('TODO 16.2')
}

/** Connects to one of the addresses, once. */
export class AddressRace<C extends Closable> {
  readonly #dial: Dial<C>
  readonly #timers: Timers
  /** Those that have not been tried yet, in order. */
  readonly #untried: Address[]
  /** One for each attempt that has neither connected nor failed. */
  readonly #attempts = new Set<AbortController>()
  readonly #errors: unknown[] = []
  readonly #result = Promise.withResolvers<C>()
  #isOver = false
  /** Armed while an untried address waits for its turn. */
  #turn: unknown

  constructor(addresses: readonly Address[], dial: Dial<C>, timers: Timers) {
    this.#untried = interleave(addresses)
    this.#dial = dial
    this.#timers = timers
  }

  /** The first connection. Rejects with an `AggregateError` when no address is left to try and all attempts failed. */
  run(): Promise<C> {
    if (this.#untried.length > 0) this.#tryNext()
    else this.#result.reject(new AggregateError([], 'there is no address'))
    return this.#result.promise
  }

  /** Ends the race, because nobody wants the connection any more: `run` rejects, and nothing stays open. */
  cancel(): void {
    this.#end()
    this.#result.reject(new Error('cancelled'))
  }

  /**
   * Dials the next untried address. If any is left after it, that one gets its turn `ATTEMPT_DELAY_MS` later.
   *
   * @step 16.2
   */
  #tryNext(): void {
    // TODO 16.2
    throw new Error('TODO 16.2')
  }

  /**
   * Takes the connection of an attempt. The first one is the result, and the race is over (`#end`); its own signal is
   * left alone. If the race was over before, closes the connection, which nobody wants.
   *
   * @step 16.2
   */
  #connected(connection: C, attempt: AbortController): void {
    // TODO 16.2
    throw new Error('TODO 16.2')
  }

  /**
   * Takes the error of a failed attempt. The next address is tried at once, and no longer waits for its turn. If none
   * is left and no attempt is under way, `run` rejects with all the errors, in the order in which they occurred. A
   * failure after the race is over changes nothing.
   *
   * @step 16.2
   */
  #failed(error: unknown, attempt: AbortController): void {
    // TODO 16.2
    throw new Error('TODO 16.2')
  }

  /** Ends the race: no other address gets its turn, and the attempts that are still under way are aborted. */
  #end(): void {
    this.#isOver = true
    this.#timers.cancel(this.#turn)
    for (const attempt of this.#attempts) attempt.abort()
  }
}
