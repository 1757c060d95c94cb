/**
 * One peer that speaks in frames, on a loop: a stream, a decoder, an outbox and a few timers.
 *
 * A peer can do us harm in two ways: it sends more than we can answer, or it takes less than we have to say. Both end
 * here. What waits for it is bounded; while much waits it is not listened to; and if it will not take what it is due it
 * is let go, with the reason. It does not know what the frames mean.
 */

import type { ByteStream, Source } from '../07-event-loop/byte-stream.ts'
import type { EventLoop } from '../07-event-loop/event-loop.ts'
import type { Ready } from '../07-event-loop/poller.ts'
import type { Timer, TimerQueue } from '../08-timers/timer-queue.ts'
import { encodeFrame, FrameDecoder } from '../09-framing/frames.ts'
import type { TokenBucket } from './limits.ts'
import { Outbox, type Outcome } from './outbox.ts'

/** What happens on a connection. The connection is handed over, so that one such object can serve many. */
export interface FrameEvents {
  /** A whole frame. Its payload may lie in a larger chunk: whoever stores it copies it. */
  onFrame(payload: Uint8Array, connection: FrameConnection): void
  /** The connection is over, once; what is sent from now on is lost. */
  onClose?(reason: string, connection: FrameConnection): void
  /** The payload of the last frame for a peer that is let go; `error ` and the reason unless it says otherwise. */
  lastWords?(reason: string): Uint8Array
}

/** Times may be `Infinity`. */
export interface FrameLimits {
  /** When more bytes than this wait to be sent, reading stops … */
  highWaterBytes: number
  /** … until no more than this wait. */
  lowWaterBytes: number
  /** More than this never waits: a peer for which there is more to say is let go. */
  maxQueuedBytes: number
  /** A peer for which something waits and that takes nothing for so long is let go. */
  stallMs: number
  /** From `close` on, a peer has so long to take what waits for it and to say FIN itself. */
  lingerMs: number
  /** The largest payload that a peer may announce. */
  maxFrameBytes: number
}

/** Where a connection lives. */
export interface Home {
  loop: EventLoop<Source>
  timers: TimerQueue
  /** Told before anybody else that a connection is over. */
  onLeave?(connection: FrameConnection, reason: string): void
}

export const SLOW_CONSUMER = 'slow consumer'
const PEER_ENDED = 'the peer has ended it'

const NEITHER = { readable: false, writable: false }
const READING = { readable: true, writable: false }
const WRITING = { readable: false, writable: true }
const BOTH = { readable: true, writable: true }

export class FrameConnection {
  readonly #stream: ByteStream
  readonly #home: Home
  readonly #events: FrameEvents
  readonly #limits: FrameLimits
  readonly #bucket: TokenBucket | undefined
  readonly #decoder: FrameDecoder
  readonly #outbox: Outbox
  #interest = READING
  #frames = 0
  /** Too much waits to be sent: nothing is read. */
  #isHeldBack = false
  /** Armed while the peer is over its rate: nothing is read. */
  #pause: Timer | undefined
  /** Armed while something waits: will look whether the peer takes it. */
  #stall: Timer | undefined
  /** Armed from `close` on: the peer has had its time. */
  #linger: Timer | undefined
  /** Why nothing more is to be said, since `close`. */
  #closing: string | undefined
  #isFinSent = false
  #isFinReceived = false
  #isOver = false

  /** With a bucket, a peer takes one token of it with every frame. */
  constructor(
    stream: ByteStream,
    home: Home,
    events: FrameEvents,
    limits: FrameLimits,
    bucket?: TokenBucket,
  ) {
    this.#stream = stream
    this.#home = home
    this.#events = events
    this.#limits = limits
    this.#bucket = bucket
    this.#decoder = new FrameDecoder({ maxBytes: limits.maxFrameBytes })
    this.#outbox = new Outbox(stream, limits.maxQueuedBytes)
    home.loop.add(stream, this.#interest, (ready) => this.#takeTurn(ready))
  }

  /** How many bytes wait for the peer. */
  get queuedBytes(): number {
    return this.#outbox.queuedBytes
  }

  /** How many frames have been accepted from the peer. */
  get frames(): number {
    return this.#frames
  }

  /** Sends a frame; see `sendEncoded`. */
  send(payload: Uint8Array): Outcome {
    return this.sendEncoded(encodeFrame(payload))
  }

  /**
   * Sends a frame that is encoded already: what goes to a thousand peers is encoded once. For one that is `'full'` the
   * peer is let go. After `close` everything is `'full'`.
   */
  sendEncoded(frame: Uint8Array): Outcome {
    if (this.#closing !== undefined) return 'full'
    const outcome = this.#outbox.push(frame)
    if (outcome === 'full') this.#dropSlowConsumer()
    else if (outcome === 'queued' && !this.#outbox.isCorked) this.#proceed()
    return outcome
  }

  /**
   * Ends the connection in good order: `lastWords`, if there are any, as a last frame behind what waits, then FIN. What
   * the peer sends from now on is thrown away. When it has not taken everything and said FIN in `lingerMs`, it is cut.
   */
  close(reason: string, lastWords?: Uint8Array): void {
    if (this.#closing !== undefined) return
    this.#closing = reason
    if (lastWords) this.#outbox.append(encodeFrame(lastWords))
    if (Number.isFinite(this.#limits.lingerMs)) this.#startLinger()
    if (this.#outbox.isCorked) return
    this.#outbox.flush()
    this.#proceed()
    // The loop may be asleep, and must be told that there is a new timer.
    if (!this.#isOver) this.#home.loop.modify(this.#stream, this.#interest)
  }

  /** Ends the connection in good order, and tells the peer why in a last frame. */
  letGo(reason: string): void {
    this.close(reason, this.#events.lastWords?.(reason) ?? Buffer.from(`error ${reason}`))
  }

  /** Cuts the connection: what waits is lost. */
  cut(reason: string): void {
    this.#closing ??= reason
    this.#stream.destroy()
    this.#finish()
  }

  /**
   * Sends what waits; then reads once. What is said in answer to that goes out together. From a lost peer nothing is
   * read: it may have been held back, and the end of a loss is no FIN.
   */
  #takeTurn({ readable, writable }: Ready<Source>): void {
    if (writable) this.#outbox.flush()
    if (readable && !this.#stream.isLost) {
      this.#outbox.isCorked = true
      this.#receive()
      this.#outbox.isCorked = false
      this.#outbox.flush()
    }
    this.#proceed()
  }

  #receive(): void {
    const bytes = this.#stream.read()
    if (bytes === 'would-block') return
    if (bytes === 'end') return this.#receiveEnd()
    // Closing over bytes that nobody has read would reset the connection, and the last words would be lost.
    if (this.#closing !== undefined) return
    const framesBefore = this.#frames
    for (const decoded of this.#decoder.push(bytes)) {
      if (this.#closing !== undefined) return
      if (decoded.kind === 'invalid') return this.letGo(decoded.reason)
      this.#frames += 1
      this.#events.onFrame(decoded.payload, this)
    }
    if (this.#bucket) this.#payFor(this.#frames - framesBefore, this.#bucket)
  }

  #receiveEnd(): void {
    this.#isFinReceived = true
    const invalid = this.#decoder.end()
    if (invalid) this.letGo(invalid.reason)
    else this.close(PEER_ENDED)
  }

  /** After every turn: FIN behind the last byte, the end after both FINs or a loss, or what to wait for next. */
  #proceed(): void {
    if (this.#closing !== undefined && !this.#isFinSent && this.#outbox.queuedBytes === 0) {
      this.#isFinSent = true
      this.#stream.end()
    }
    if (this.#stream.lostWith || (this.#isFinSent && this.#isFinReceived)) this.#finish()
    else {
      this.#watch()
      const mayStall = this.#outbox.queuedBytes > 0 && Number.isFinite(this.#limits.stallMs)
      if (mayStall && !this.#stall) this.#watchForStall()
    }
  }

  /**
   * Decides what to wait for: to write while something is queued; to read unless the peer has said FIN, is over its
   * rate (`#pause`), or is held back. It is held back from when more than `highWaterBytes` are queued until no more than
   * `lowWaterBytes` are.
   *
   * @step 10.2
   */
  #watch(): void {
    // TODO 10.2
    throw new Error('TODO 10.2')
  }

  #setInterest(interest: typeof NEITHER): void {
    if (interest === this.#interest) return
    this.#interest = interest
    this.#home.loop.modify(this.#stream, interest)
  }

  /**
   * There is more to say to the peer than it takes: it is let go, as `SLOW_CONSUMER`.
   *
   * @step 10.3
   */
  #dropSlowConsumer(): void {
    // TODO 10.3
    throw new Error('TODO 10.3')
  }

  /**
   * Looks again in `stallMs`. If something waits then and the peer has taken nothing meanwhile, it is let go as
   * `SLOW_CONSUMER`; if it has taken some of it, we look again after as long. No more than one look is planned (`#stall`).
   *
   * @step 10.3
   */
  #watchForStall(): void {
    // TODO 10.3
    throw new Error('TODO 10.3')
  }

  /**
   * The peer has `lingerMs` from now. Then it is cut, whether it does not take what waits or does not say FIN.
   *
   * @step 10.3
   */
  #startLinger(): void {
    // TODO 10.3
    throw new Error('TODO 10.3')
  }

  /**
   * The peer has sent so many frames. When the bucket says to wait, nothing is read until then.
   *
   * @step 10.4
   */
  #payFor(frames: number, bucket: TokenBucket): void {
    // TODO 10.4
    throw new Error('TODO 10.4')
  }

  #finish(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#closing ??= `lost (${this.#stream.lostWith})`
    this.#home.loop.remove(this.#stream)
    for (const timer of [this.#pause, this.#stall, this.#linger]) {
      if (timer) this.#home.timers.cancel(timer)
    }
    this.#home.onLeave?.(this, this.#closing)
    this.#events.onClose?.(this.#closing, this)
  }
}
