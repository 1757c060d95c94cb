/**
 * Who is let in, who is told that there is no room, and how everybody is seen out in the end.
 *
 * It knows everybody who is inside. It does not know what they talk about.
 */

import type { RunningServer } from '../01-hello/server.ts'
import type { ByteStream, Source } from '../07-event-loop/byte-stream.ts'
import type { EventLoop } from '../07-event-loop/event-loop.ts'
import type { TimerQueue } from '../08-timers/timer-queue.ts'
import {
  FrameConnection,
  type FrameEvents,
  type FrameLimits,
  type Home,
  SLOW_CONSUMER,
} from './frame-connection.ts'
import { ConnectionCap, TokenBucket } from './limits.ts'

export interface ReceptionLimits extends FrameLimits {
  maxConnections: number
  /** How many frames a connection may send a second in the long run, and how many at once after a pause. */
  framesPerSecond: number
  burstFrames: number
}

export interface ReceptionStats {
  /** Connections now. */
  connections: number
  /** Frames that were accepted, since the start. */
  frames: number
  /** Newcomers for whom there was no room, since the start. */
  refused: number
  /** Connections that were let go because they did not take what they were due, since the start. */
  slowConsumers: number
  /** Connections that the kernel could not hand over, since the start. */
  acceptErrors: number
}

export const BUSY = 'busy'
export const GOODBYE = 'goodbye'

/** Those who are refused hold a descriptor, too, until they have gone; so many at a time, and the next are cut. */
const MAX_REFUSALS = 16

export class Reception {
  readonly #timers: TimerQueue
  readonly #limits: ReceptionLimits
  readonly #eventsFor: () => FrameEvents
  readonly #cap: ConnectionCap
  readonly #inside = new Set<FrameConnection>()
  readonly #refused = new ConnectionCap(MAX_REFUSALS)
  /** The same for everybody inside: an object less for each. */
  #sharedHome: Home | undefined
  readonly #counts = { frames: 0, refused: 0, slowConsumers: 0, acceptErrors: 0 }
  #isStopping = false

  constructor(timers: TimerQueue, limits: ReceptionLimits, eventsFor: () => FrameEvents) {
    this.#timers = timers
    this.#limits = limits
    this.#eventsFor = eventsFor
    this.#cap = new ConnectionCap(limits.maxConnections)
  }

  stats(): ReceptionStats {
    let { frames } = this.#counts
    for (const connection of this.#inside) frames += connection.frames
    return { ...this.#counts, connections: this.#cap.count, frames }
  }

  /**
   * Somebody has connected. It is let in if the cap allows; otherwise it is counted, and refused as `BUSY`. Once the
   * server is stopping nobody is let in any more: whoever was waiting to be accepted is refused with `GOODBYE`.
   *
   * @step 10.4 10.6
   */
  admit(stream: ByteStream, loop: EventLoop<Source>): void {
    if (this.#isStopping) return this.#refuse(stream, loop, GOODBYE)
    if (this.#cap.enter()) return this.#letIn(stream, loop)
    this.#counts.refused += 1
    this.#refuse(stream, loop, BUSY)
  }

  /**
   * The kernel could not hand over a connection, for want of descriptors or memory. That is counted. Those who are inside
   * are not concerned, and the next newcomer may be luckier.
   *
   * @step 10.5
   */
  onAcceptError(_error: Error): void {
    this.#counts.acceptErrors += 1
  }

  /**
   * Sees everybody out. From this moment nobody is let in, and `server` is being closed: it accepts no more, waits until
   * all have gone, and cuts who has not after its own `graceMs`. Everybody inside is let go with `GOODBYE`, behind what
   * waits for them. Resolves when `server` has closed.
   *
   * @step 10.6
   */
  async close(server: RunningServer): Promise<void> {
    this.#isStopping = true
    const closed = server.close()
    for (const connection of this.#inside) connection.letGo(GOODBYE)
    await closed
  }

  #letIn(stream: ByteStream, loop: EventLoop<Source>): void {
    const { framesPerSecond, burstFrames } = this.#limits
    const bucket = Number.isFinite(framesPerSecond)
      ? new TokenBucket(this.#timers, framesPerSecond, burstFrames)
      : undefined
    this.#inside.add(
      new FrameConnection(stream, this.#home(loop), this.#eventsFor(), this.#limits, bucket),
    )
  }

  /**
   * One of those inside has gone: there is room for another, and what it did is in the counts.
   *
   * @step 10.4
   */
  #hasLeft(connection: FrameConnection, reason: string): void {
    this.#inside.delete(connection)
    this.#cap.leave()
    this.#counts.frames += connection.frames
    if (reason === SLOW_CONSUMER) this.#counts.slowConsumers += 1
  }

  /** Tells a newcomer why it cannot stay, and lets it go; one too many of them is cut without a word. */
  #refuse(stream: ByteStream, loop: EventLoop<Source>, reason: string): void {
    if (!this.#refused.enter()) return stream.destroy()
    const home = { loop, timers: this.#timers, onLeave: () => this.#refused.leave() }
    new FrameConnection(stream, home, this.#eventsFor(), this.#limits).letGo(reason)
  }

  #home(loop: EventLoop<Source>): Home {
    this.#sharedHome ??= {
      loop,
      timers: this.#timers,
      onLeave: (connection, reason) => this.#hasLeft(connection, reason),
    }
    return this.#sharedHome
  }
}
