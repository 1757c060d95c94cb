/**
 * Sees to it that a connection is heard from, and that it goes when it has said goodbye. For any protocol: a sign of
 * life is a whole message, for a peer that sends a byte a second could keep its connection forever.
 */

import type { Connection, ConnectionObserver } from '../07-event-loop/connection.ts'
import { Silence } from './silence.ts'
import type { Timer, TimerQueue } from './timer-queue.ts'

export interface WatchLimits {
  /** A peer that has not said anything for so long is stopped, as `'idle'`. May be `Infinity`. */
  idleMs: number
  /** From our goodbye on, a peer has so long to take the last words and to say FIN itself. */
  goodbyeMs: number
}

export interface Heartbeat {
  /** So often a peer that says nothing is asked whether it is there. */
  everyMs: number
  ask(): void
}

export class Watch implements ConnectionObserver {
  readonly #connection: Connection
  readonly #timers: TimerQueue
  readonly #goodbyeMs: number
  readonly #idle: Silence | undefined
  #heartbeat: Silence | undefined
  #goodbye: Timer | undefined

  /** Begins to watch now; the connection is to tell it what happens (`observe`). */
  constructor(
    connection: Connection,
    timers: TimerQueue,
    { idleMs, goodbyeMs }: WatchLimits,
    heartbeat?: Heartbeat,
  ) {
    this.#connection = connection
    this.#timers = timers
    this.#goodbyeMs = goodbyeMs
    if (Number.isFinite(idleMs)) {
      this.#idle = new Silence(timers, idleMs, () => connection.stop('idle'))
    }
    if (heartbeat) this.#startHeartbeat(heartbeat)
  }

  /**
   * A whole message has come. That is a sign of life, whatever it says. No timer is armed for it.
   *
   * @step 08.6 08.7
   */
  onHeard(): void {
    this.#idle?.heard()
    this.#heartbeat?.heard()
  }

  /**
   * Nothing more will be said: the peer need not be heard from any more, but has to go. One that has not gone in
   * `goodbyeMs` is cut off, whatever it has taken or sent meanwhile: its plug may have been pulled long ago, and FIN will
   * never come.
   *
   * @step 08.6 08.7
   */
  onEnding(): void {
    this.#idle?.stop()
    this.#heartbeat?.stop()
    this.#goodbye = this.#timers.after(this.#goodbyeMs, () => this.#connection.destroy('lost'))
  }

  /**
   * The connection is over: no timer is armed for it any more.
   *
   * @step 08.6 08.7
   */
  onClose(): void {
    this.#idle?.stop()
    this.#heartbeat?.stop()
    if (this.#goodbye) this.#timers.cancel(this.#goodbye)
  }

  /**
   * From now on the peer is asked whenever it has said nothing for `everyMs`, and again after every further `everyMs`.
   *
   * @step 08.7
   */
  #startHeartbeat({ everyMs, ask }: Heartbeat): void {
    this.#heartbeat = new Silence(this.#timers, everyMs, ask)
  }
}
