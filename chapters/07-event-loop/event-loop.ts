/**
 * The loop: wait for those who are ready, let each of them have its turn, wait again. One thread for all of them.
 *
 * A handler runs to its end and must not block: as long as it runs, nobody else does.
 */

import type { Interest, Poller, Ready } from './poller.ts'

export type Handler<S> = (ready: Ready<S>) => void

/** Who knows when the loop has to be back although no source is ready: chapter 08's timers. */
export interface TimerSource {
  /** Milliseconds until something is due, at most; `Infinity` when nothing is. */
  nextDelay(): number
  /** Runs what is due. */
  runDue(): void
}

export interface LoopStats {
  /** Who can have a turn. */
  sources: number
  /** Times that somebody had one. */
  turns: number
  /** The longest that the others have had to wait for one round of turns, in milliseconds. */
  longestRoundMs: number
}

const NO_TIMERS: TimerSource = { nextDelay: () => Number.POSITIVE_INFINITY, runDue() {} }

export class EventLoop<S> {
  readonly #poller: Poller<S>
  readonly #timers: TimerSource
  readonly #handlers = new Map<S, Handler<S>>()
  #isStopping = false
  #turns = 0
  #longestRoundMs = 0

  constructor(poller: Poller<S>, timers = NO_TIMERS) {
    this.#poller = poller
    this.#timers = timers
  }

  /** From now on `handler` is called whenever the source is ready for what it is interested in; never from in here. */
  add(source: S, interest: Interest, handler: Handler<S>): void {
    this.#poller.add(source, interest)
    this.#handlers.set(source, handler)
  }

  modify(source: S, interest: Interest): void {
    this.#poller.modify(source, interest)
  }

  /** The handler is not called again, not even in the round of turns that goes on. */
  remove(source: S): void {
    this.#handlers.delete(source)
    this.#poller.remove(source)
  }

  /**
   * Runs until `stop` is called: waits for sources or timers, then gives everybody who is ready one turn, and
   * remembers how long the longest such round has taken. What a handler throws ends the loop and rejects.
   *
   * @step 07.4 07.6
   */
  async run(): Promise<void> {
    // TODO 07.4
    throw new Error('TODO 07.4')
  }

  stop(): void {
    this.#isStopping = true
    this.#poller.wake()
  }

  stats(): LoopStats {
    return {
      sources: this.#handlers.size,
      turns: this.#turns,
      longestRoundMs: this.#longestRoundMs,
    }
  }

  /**
   * One turn, for a source that has not been removed since it was reported.
   *
   * @step 07.4
   */
  #giveTurn(ready: Ready<S>): void {
    // TODO 07.4
    throw new Error('TODO 07.4')
  }
}
