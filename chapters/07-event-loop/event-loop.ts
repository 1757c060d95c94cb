/**
 * The loop: wait until sources are ready, give each of them a turn, wait again. One thread for all of them.
 *
 * A handler runs to its end and must not block: as long as it runs, nothing else does. What can be done for a whole round
 * at once, such as sending everything that was said in it, is left to the round's end.
 */

import type { Interest, Poller, Ready } from './poller.ts'

export type Handler<S> = (ready: Ready<S>) => void

/** Tells the loop how long it may sleep: chapter 08's timers. */
export interface TimerSource {
  /** Milliseconds until something is due, at most; `Infinity` when nothing is. */
  nextDelay(): number
  /** Runs what is due. */
  runDue(): void
  /** Called when something has become due earlier than `nextDelay` said; set by the loop. */
  onEarlier?: (() => void) | undefined
}

/** Something to be done at the end of a round. */
export interface RoundTask {
  onRoundEnd(): void
}

export interface LoopStats {
  /** Sources that can have a turn. */
  sources: number
  /** Turns that sources have had. */
  turns: number
  /** How long the longest round took, in milliseconds; whole ones will do. Everybody else had to wait for it. */
  longestRoundMs: number
}

export class EventLoop<S> {
  readonly #poller: Poller<S>
  readonly #timers: TimerSource
  readonly #sources = new Map<S, { interest: Interest; handler: Handler<S> }>()
  /** What is to be done at the end of this round, or of the next. */
  #touched = new Set<RoundTask>()
  #isAsleep = false
  #isStopping = false
  #turns = 0
  #longestRoundMs = 0

  constructor(poller: Poller<S>, timers: TimerSource = noTimers()) {
    this.#poller = poller
    this.#timers = timers
    timers.onEarlier = () => this.#wakeUp()
  }

  /** From now on `handler` is called whenever the source is ready for what is wanted of it; never inside this call. */
  add(source: S, interest: Interest, handler: Handler<S>): void {
    this.#poller.add(source, interest)
    this.#sources.set(source, { interest, handler })
  }

  modify(source: S, interest: Interest): void {
    this.#poller.modify(source, interest)
    this.#sources.get(source)!.interest = interest
  }

  /** The handler is not called again, not even in the present round. */
  remove(source: S): void {
    this.#sources.delete(source)
    this.#poller.remove(source)
  }

  /** Calls `task.onRoundEnd()` once, at the end of the round, however often it was touched. A sleeping loop wakes up. */
  touch(task: RoundTask): void {
    this.#touched.add(task)
    this.#wakeUp()
  }

  /**
   * Runs until `stop` is called, which may have been before: waits for sources or timers, gives each source that is ready one
   * turn, runs the timers, ends the round; and remembers how long the longest round took, all of that together. Once it is
   * told to stop it may leave at once or end a round first. What is thrown in it ends the loop: the promise rejects.
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
      sources: this.#sources.size,
      turns: this.#turns,
      longestRoundMs: this.#longestRoundMs,
    }
  }

  /** Asks the poller, for `timeoutMs` at most; without sleeping while something is left to be done at a round's end. */
  async #wait(timeoutMs: number): Promise<Ready<S>[]> {
    this.#isAsleep = true
    const ready = await this.#poller.wait(this.#touched.size > 0 ? 0 : timeoutMs)
    this.#isAsleep = false
    return ready
  }

  /**
   * One turn for a source, if there is still a reason for it: an earlier turn of the same round may have removed the
   * source, or changed what is wanted of it.
   *
   * @step 07.4
   */
  #giveTurn(ready: Ready<S>): void {
    // TODO 07.4
    throw new Error('TODO 07.4')
  }

  /** Does what was left to the end of the round. What is touched meanwhile is left to the next one. */
  #endRound(): void {
    if (this.#touched.size === 0) return
    const touched = this.#touched
    this.#touched = new Set()
    for (const task of touched) task.onRoundEnd()
  }

  #wakeUp(): void {
    if (this.#isAsleep) this.#poller.wake()
  }
}

function noTimers(): TimerSource {
  return { nextDelay: () => Number.POSITIVE_INFINITY, runDue() {} }
}
