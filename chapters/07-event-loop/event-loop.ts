/**
 * The loop: wait until sources are ready, give each of them a turn, wait again. One thread for all of them.
 *
 * A handler runs to its end and must not block: while it runs, nothing else does. Work that can be done once for a
 * whole round, such as sending everything that was said in it, is left to the round's end.
 */

import type { Interest, Poller, Ready } from './poller.ts'

export type Handler<S> = (ready: Ready<S>) => void

/** Tells the loop how long it may sleep: chapter 08's timers. */
export interface TimerSource {
  /** How many milliseconds the loop may sleep at most: until something is due; `Infinity` when nothing is. */
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
  /** Tasks for the end of this round, or of the next. */
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

  /** From now on, calls `handler` whenever the source is ready for what is wanted of it, but never inside this call. */
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

  /** Calls `task.onRoundEnd()` once, at the end of the round, however often it is touched. Wakes a sleeping loop. */
  touch(task: RoundTask): void {
    this.#touched.add(task)
    this.#wakeUp()
  }

  /**
   * Runs until `stop` is called, which may have happened before this call. Each round waits for sources or timers,
   * gives each ready source one turn, runs the timers and ends the round. Remembers how long the turns, the timers and
   * the end of the longest round took together. Once told to stop, it may leave at once, even between two turns, or end
   * the round first: whoever calls `stop` has nothing left to send. An error thrown in a round ends the loop: the
   * promise rejects.
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

  /** Waits for ready sources, `timeoutMs` at most. Does not sleep while a task waits for the end of a round. */
  async #wait(timeoutMs: number): Promise<Ready<S>[]> {
    this.#isAsleep = true
    const ready = await this.#poller.wait(this.#touched.size > 0 ? 0 : timeoutMs)
    this.#isAsleep = false
    return ready
  }

  /**
   * Gives a source its turn, if there is still a reason to: an earlier turn of the same round may have removed the
   * source, or changed what is wanted of it.
   *
   * @step 07.4
   */
  #giveTurn(ready: Ready<S>): void {
    // TODO 07.4
    throw new Error('TODO 07.4')
  }

  /** Does what was left to the end of the round. Tasks touched meanwhile are left to the end of the next one. */
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
