/**
 * Stops a connection that is not heard from, and cuts off one that stays after our goodbye. Works for any protocol: a
 * sign of life is a whole message. If it were a byte, a peer that sends one a second could keep its connection forever.
 */

import type { Connection, ConnectionObserver } from '../07-event-loop/connection.ts'
import { Silence } from './silence.ts'
import type { Timer, TimerQueue } from './timer-queue.ts'

export interface WatchLimits {
  /** A peer that has said nothing for this long is stopped, as `'idle'`. May be `Infinity`. */
  idleMs: number
  /** How long a peer has, from our goodbye on, to take the last words and to send its own FIN. */
  goodbyeMs: number
}

export interface Heartbeat {
  /** How often a peer that says nothing is asked whether it is there. */
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

  /**
   * Begins to watch now. Give it to the connection's `observe()`, which tells it what happens. `onSilence` decides about a
   * peer that has said nothing for `idleMs`; if it is let off, `onSilence` is asked again after another `idleMs`.
   */
  constructor(
    connection: Connection,
    timers: TimerQueue,
    { idleMs, goodbyeMs }: WatchLimits,
    heartbeat?: Heartbeat,
    onSilence = () => connection.stop('idle'),
  ) {
    this.#connection = connection
    this.#timers = timers
    this.#goodbyeMs = goodbyeMs
    if (Number.isFinite(idleMs)) this.#idle = new Silence(timers, idleMs, onSilence)
    if (heartbeat) this.#startHeartbeat(heartbeat)
  }

  /**
   * A whole message has arrived: a sign of life, whatever it says. No timer is armed for it.
   *
   * @step 08.6 08.7
   */
  onHeard(): void {
    // TODO 08.6
    throw new Error('TODO 08.6')
  }

  /**
   * We will say nothing more: the peer need not be heard from any more, but has to leave. One that has not left after
   * `goodbyeMs` is cut off, whatever it has taken or sent meanwhile: its cable may have been pulled long ago, and its
   * FIN will never arrive.
   *
   * @step 08.6 08.7
   */
  onEnding(): void {
    // TODO 08.6
    throw new Error('TODO 08.6')
  }

  /**
   * The connection is over: no timer of it stays armed.
   *
   * @step 08.6 08.7
   */
  onClose(): void {
    // TODO 08.6
    throw new Error('TODO 08.6')
  }

  /**
   * From now on, asks the peer whenever it has said nothing for `everyMs`, and again after every further `everyMs`.
   *
   * @step 08.7
   */
  #startHeartbeat({ everyMs, ask }: Heartbeat): void {
    // TODO 08.7
    throw new Error('TODO 08.7')
  }
}
