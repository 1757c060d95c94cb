/**
 * A client of the line protocol who has to be heard from: one that says nothing is asked, and then let go.
 *
 * A sign of life is a complete line. Bytes are not: who sends one a second and never ends the line would keep its
 * connection for ever, and so would a thousand of its kind.
 */

import type { ByteStream, Source } from '../07-event-loop/byte-stream.ts'
import type { EventLoop } from '../07-event-loop/event-loop.ts'
import { LineConnection, type LineEvents } from '../07-event-loop/line-connection.ts'
import { COMMANDS } from '../07-event-loop/server.ts'
import { Silence } from './silence.ts'
import type { Timer, TimerQueue } from './timer-queue.ts'

export interface ClientLimits {
  /** A client that has not said a line for so long is let go. */
  idleMs: number
  /** So often a client that says nothing is sent `ping`; never when left out. */
  heartbeatMs?: number
}

/** What we say to see whether somebody is there, and the answer to it, which gets none. */
export const PING = 'ping'
export const PONG = 'pong'

/** From our FIN on, a client has so long to take the last words and to say FIN itself. */
export const GOODBYE_MS = 5_000

export class WatchedClient implements LineEvents {
  readonly #connection: LineConnection
  readonly #timers: TimerQueue
  readonly #idle: Silence
  #heartbeat: Silence | undefined
  #goodbye: Timer | undefined

  constructor(
    stream: ByteStream,
    loop: EventLoop<Source>,
    timers: TimerQueue,
    { idleMs, heartbeatMs }: ClientLimits,
  ) {
    this.#timers = timers
    this.#connection = new LineConnection(stream, loop, this)
    this.#idle = new Silence(timers, idleMs, () => this.#letGo())
    if (heartbeatMs) this.#startHeartbeat(heartbeatMs)
  }

  /**
   * A line is a sign of life, whatever it says. It is a command as well, unless it only answers our ping.
   *
   * @step 08.5 08.6
   */
  onLine(line: string): void {
    // TODO 08.5
    throw new Error('TODO 08.5')
  }

  onEnd(): void {
    this.#connection.end()
  }

  /**
   * Nothing of this client is left behind: no timer is armed for it any more.
   *
   * @step 08.5 08.6
   */
  onClose(): void {
    // TODO 08.5
    throw new Error('TODO 08.5')
  }

  /**
   * Says `idle`, then FIN. A client that has not gone by `GOODBYE_MS` later is cut: it may have pulled its plug long
   * ago, and nobody will ever say FIN.
   *
   * @step 08.5
   */
  #letGo(): void {
    // TODO 08.5
    throw new Error('TODO 08.5')
  }

  /**
   * From now on `ping` is said whenever the client has said nothing for `heartbeatMs`, and again after every further
   * `heartbeatMs`.
   *
   * @step 08.6
   */
  #startHeartbeat(heartbeatMs: number): void {
    // TODO 08.6
    throw new Error('TODO 08.6')
  }
}
