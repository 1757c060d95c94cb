/**
 * Decides which connections are let in and which are told that there is no room, and sees all of them out in the end.
 *
 * It knows every open connection, but not what it speaks.
 */

import type { RunningServer } from '../01-hello/server.ts'
import type { ByteStream, Source } from '../07-event-loop/byte-stream.ts'
import { Connection, type Ending, type Protocol } from '../07-event-loop/connection.ts'
import type { EventLoop } from '../07-event-loop/event-loop.ts'
import type { TimerQueue } from '../08-timers/timer-queue.ts'
import { Watch } from '../08-timers/watch.ts'
import { type BoundLimits, Bounds, type ConnectionKeeper } from './bounds.ts'
import { ConnectionCap, TokenBucket } from './limits.ts'
import { Outbox, type OutboxLimits } from './outbox.ts'

export interface AdmissionLimits extends BoundLimits, OutboxLimits {
  maxConnections: number
  /**
   * How many messages a connection may send a second in the long run, and how many at once after a pause; one more
   * overdraws the bucket.
   */
  messagesPerSecond: number
  burstMessages: number
}

/** What is served. */
export interface Service {
  /** Returns the protocol for a connection that is let in; `timers` are those of its loop. */
  open(connection: Connection, timers: TimerQueue): Protocol
  /** Returns the bytes to send, before FIN, to a connection that is not let in; none if left out. */
  refusal?(why: Ending): Uint8Array
  /** A connection that was let in is closed. */
  onClosed?(connection: Connection, why: Ending): void
}

export interface AdmissionStats {
  /** Connections that are open, or not quite closed yet: each has a descriptor. */
  connections: number
  /** Messages that were accepted, since the start. */
  messages: number
  /** Connections for which there was no room, since the start. */
  refused: number
  /** Connections that the kernel could not hand over, since the start. */
  acceptErrors: number
  /** Connections that were let in and are closed, by why they ended, since the start. */
  endings: Partial<Record<Ending, number>>
  /** Bytes that wait in the outboxes of all connections. */
  queuedBytes: number
}

/** At most this many refused connections are kept: each has a descriptor until its peer is gone. Others are cut off. */
const MAX_REFUSALS = 16

export class Admission implements ConnectionKeeper {
  readonly #timers: TimerQueue
  readonly #limits: AdmissionLimits
  readonly #service: Service
  readonly #cap: ConnectionCap
  readonly #open = new Set<Bounds>()
  readonly #refusals = new ConnectionCap(MAX_REFUSALS)
  readonly #counts = { messages: 0, refused: 0, acceptErrors: 0 }
  readonly #endings: Partial<Record<Ending, number>> = {}
  #isStopping = false

  constructor(timers: TimerQueue, limits: AdmissionLimits, service: Service) {
    this.#timers = timers
    const { highWaterBytes, lowWaterBytes } = limits
    // A high mark that is given alone may be below the usual low one.
    this.#limits = { ...limits, lowWaterBytes: Math.min(lowWaterBytes, highWaterBytes) }
    this.#service = service
    this.#cap = new ConnectionCap(limits.maxConnections)
  }

  stats(): AdmissionStats {
    let queuedBytes = 0
    for (const { connection } of this.#open) queuedBytes += connection.queuedBytes
    const connections = this.#cap.count
    return { ...this.#counts, connections, queuedBytes, endings: { ...this.#endings } }
  }

  /**
   * Lets in a peer that has connected, if the cap allows; otherwise counts it, and refuses it as `'busy'`. Once the
   * server is stopping, nobody is let in any more: a connection that waited to be accepted is refused as `'stopping'`,
   * and not counted: there was room for it.
   *
   * @step 10.4 10.6
   */
  admit(stream: ByteStream, loop: EventLoop<Source>): void {
    // TODO 10.4
    throw new Error('TODO 10.4')
  }

  /**
   * The kernel could not hand over a connection, for lack of descriptors or memory. Counts that, whatever its `code`.
   * Open connections are not affected, and the next one may be luckier.
   *
   * @step 10.5
   */
  onAcceptError(_error: Error): void {
    // TODO 10.5
    throw new Error('TODO 10.5')
  }

  onHeard(): void {
    this.#counts.messages += 1
  }

  /**
   * One of the open connections is closed: forgets it, counts its ending, and there is room for another.
   *
   * @step 10.4
   */
  onClose(bounds: Bounds, why: Ending): void {
    // TODO 10.4
    throw new Error('TODO 10.4')
  }

  /**
   * Sees everybody out. From now on, nobody is ever let in. Closes `server`: that alone stops accepting, waits until all
   * have gone, and cuts off those still there after `graceMs`. Stops every open connection at once, as `'stopping'`.
   * Resolves when `server` has closed, even if called a second time; rejects if that fails.
   *
   * @step 10.6
   */
  async close(server: RunningServer): Promise<void> {
    // TODO 10.6
    throw new Error('TODO 10.6')
  }

  #letIn(stream: ByteStream, loop: EventLoop<Source>): void {
    const { messagesPerSecond, burstMessages } = this.#limits
    const bucket = Number.isFinite(messagesPerSecond)
      ? new TokenBucket(this.#timers, messagesPerSecond, burstMessages)
      : undefined
    const outbox = new Outbox(stream, this.#limits)
    const connection = new Connection(stream, loop, outbox)
    const keeper = this.#keeperOf(connection)
    const bounds = new Bounds(connection, outbox, this.#timers, this.#limits, keeper, bucket)
    this.#open.add(bounds)
    connection.observe(bounds)
    connection.use(this.#service.open(connection, this.#timers))
  }

  /** Returns the keeper of a connection: this object, and the service if it wants to know. */
  #keeperOf(connection: Connection): ConnectionKeeper {
    if (!this.#service.onClosed) return this
    return {
      onHeard: () => this.onHeard(),
      onClose: (bounds, why) => {
        this.onClose(bounds, why)
        this.#service.onClosed?.(connection, why)
      },
    }
  }

  /** Tells the peer why it cannot stay, and ends the connection; beyond `MAX_REFUSALS`, cuts it off without a word. */
  #refuse(stream: ByteStream, loop: EventLoop<Source>, why: Ending): void {
    if (!this.#refusals.enter()) return stream.destroy()
    const connection = new Connection(stream, loop)
    const watch = new Watch(connection, this.#timers, this.#limits)
    connection.observe({
      onEnding: () => watch.onEnding(),
      onClose: () => {
        watch.onClose()
        this.#refusals.leave()
      },
    })
    connection.end(why, this.#service.refusal?.(why))
  }
}
