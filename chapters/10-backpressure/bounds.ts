/**
 * What a connection may cost us, in time and in requests, whatever it speaks.
 *
 * A peer can harm us in two ways: it sends more than we can answer, or it takes less than we have to say. The outbox
 * bounds the bytes; this bounds the waiting. A peer that takes nothing is stopped; one that asks too fast is not read
 * for a while; one that says nothing or does not leave is left to chapter 08's `Watch`, but for the time in which we do
 * not read.
 */

import type { Connection, ConnectionObserver, Ending } from '../07-event-loop/connection.ts'
import type { Timer, TimerQueue } from '../08-timers/timer-queue.ts'
import { Watch, type WatchLimits } from '../08-timers/watch.ts'
import type { TokenBucket } from './limits.ts'
import type { Outbox } from './outbox.ts'

/** Times may be `Infinity`. */
export interface BoundLimits extends WatchLimits {
  /** A peer that has said nothing for this long is stopped, as `'idle'`. Time in which we do not read is not counted. */
  idleMs: number
  /**
   * A peer that takes nothing for this long, while something waits for it, is stopped, as `'slow-consumer'`. We look once
   * in `stallMs`, so it may have up to twice as long.
   */
  stallMs: number
}

/** Told what happens on the connections of a server. */
export interface ConnectionKeeper {
  onHeard(): void
  onClose(bounds: Bounds, why: Ending): void
}

export class Bounds implements ConnectionObserver {
  readonly connection: Connection
  readonly #outbox: Outbox
  readonly #timers: TimerQueue
  readonly #stallMs: number
  readonly #watch: Watch
  readonly #keeper: ConnectionKeeper
  readonly #bucket: TokenBucket | undefined
  /** Armed while the peer is over its rate. */
  #pause: Timer | undefined
  /** Armed while something waits to be sent: checks whether the peer takes it. */
  #stall: Timer | undefined
  /** Whether the connection was not read when its last round ended, or when it was last found silent. */
  #wasHeld = false

  /** With a bucket, every message of the peer takes one token from it. */
  constructor(
    connection: Connection,
    outbox: Outbox,
    timers: TimerQueue,
    limits: BoundLimits,
    keeper: ConnectionKeeper,
    bucket?: TokenBucket,
  ) {
    this.connection = connection
    this.#outbox = outbox
    this.#timers = timers
    this.#stallMs = limits.stallMs
    this.#watch = new Watch(connection, timers, limits, undefined, () => this.#onSilence())
    this.#keeper = keeper
    this.#bucket = bucket
  }

  onHeard(): void {
    this.#watch.onHeard()
    this.#keeper.onHeard()
    if (this.#bucket) this.#pay(this.#bucket)
  }

  onRoundEnd(queuedBytes: number): void {
    // Reading has gone on, or still may not: either way, its silence has not begun before this moment.
    if (this.#wasHeld) this.#watch.onHeard()
    this.#wasHeld = !this.connection.isReading
    if (queuedBytes > 0 && !this.#stall && Number.isFinite(this.#stallMs)) this.#watchForStall()
  }

  onEnding(): void {
    this.#watch.onEnding()
  }

  onClose(why: Ending): void {
    this.#watch.onClose()
    for (const timer of [this.#pause, this.#stall]) if (timer) this.#timers.cancel(timer)
    this.#keeper.onClose(this, why)
  }

  /**
   * Nothing was heard for `idleMs`. What a peer says while we do not read waits unheard: that is no silence of its own.
   */
  #onSilence(): void {
    this.#wasHeld ||= !this.connection.isReading
    if (!this.#wasHeld) this.connection.stop('idle')
  }

  /**
   * Looks again in `stallMs`. If something waits then and the peer has taken nothing meanwhile, stops it as a
   * `'slow-consumer'`; if it has taken some, looks again after another `stallMs`, however much was added. At most one
   * look is planned (`#stall`); one that finds nothing waiting plans no other.
   *
   * @step 10.3
   */
  #watchForStall(): void {
    // TODO 10.3
    throw new Error('TODO 10.3')
  }

  /**
   * The peer has sent a message. If the bucket says to wait, pauses the connection for that long, for the reason
   * `'rate'`. The connection may also be paused for other reasons: those are not ours to take back. `#pause` is the
   * timer, for `onClose` to cancel.
   *
   * @step 10.4
   */
  #pay(bucket: TokenBucket): void {
    // TODO 10.4
    throw new Error('TODO 10.4')
  }
}
