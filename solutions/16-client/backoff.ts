/**
 * How long a client waits before it tries again.
 *
 * A server that restarts loses all its clients at the same moment. If they all came back at the same moment it would go
 * down again, so each waits for a random time, and for longer the more often it has failed. Randomness is passed in.
 */

export interface BackoffLimits {
  /** The bound of the first wait; every further one in a row has twice the bound of the one before … */
  firstMs: number
  /** … but no wait has a bound above this. */
  capMs: number
  /** A connection on which we were welcome for this long has proved itself. */
  provenMs: number
}

export class Backoff {
  readonly #limits: BackoffLimits
  readonly #random: () => number
  /** Waits since the last connection that proved itself. */
  #waits = 0

  /** `random` returns numbers in [0, 1). */
  constructor(limits: BackoffLimits, random: () => number) {
    this.#limits = limits
    this.#random = random
  }

  /**
   * Milliseconds to wait before the next attempt: anything from 0 up to a bound, all equally likely (*full jitter*).
   * The bound is `firstMs` at first, doubles with every further call, and once it has reached `capMs` stays there
   * forever.
   *
   * @step 16.1
   */
  nextDelayMs(): number {
    const { firstMs, capMs } = this.#limits
    const boundMs = Math.min(capMs, firstMs * 2 ** this.#waits)
    this.#waits += 1
    return this.#random() * boundMs
  }

  /**
   * Notes the end of a connection on which the server had welcomed us `welcomeMs` ago; 0 if it never did. If the
   * connection has proved itself, the next wait has the bound `firstMs` again. If not, the bounds go on growing.
   *
   * @step 16.1
   */
  connectionEnded(welcomeMs: number): void {
    if (welcomeMs >= this.#limits.provenMs) this.#waits = 0
  }
}
