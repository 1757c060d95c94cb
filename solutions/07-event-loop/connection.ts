/**
 * One peer on a loop: bytes in, bytes out, and an end in good order. It knows no messages.
 *
 * What the bytes mean is a protocol's business: lines here, frames in 09, HTTP in 17, which hands the connection over to
 * WebSocket in 18. What is sent goes out once, at the end of the round. A connection is over when its descriptor is free,
 * and not before: a FIN that is queued may wait behind bytes that the peer never takes.
 *
 *   open ── end() ──▶ ending ── nothing waits ──▶ finSent ── the peer's FIN ──▶ closed
 *     └────────────────────┴───── lost, or destroy() ─┴───────────────────────────▲
 */

import type { ByteStream, Peer, Source } from './byte-stream.ts'
import type { EventLoop, RoundTask } from './event-loop.ts'
import type { Ready } from './poller.ts'
import { type SendQueue, UnsentBytes } from './send-queue.ts'

/** Why a connection ended. A closed list, for a server counts its connections by it. */
export type Ending =
  | 'finished' // nothing was wrong: one of the two had nothing more to say
  | 'lost' // reset, timed out, pulled out: the stream's `lostWith` says how
  | 'invalid' // the peer broke the protocol
  | 'too-large' // the peer sent more in one piece than is accepted
  | 'failed' // an error of our own
  | 'idle' // nothing was heard for too long
  | 'slow-consumer' // the peer did not take what it was due
  | 'busy' // there was no room for it
  | 'no-session' // it may not be here, or not any more
  | 'stopping' // the server ends

/** Reasons not to read. Each is taken back by whoever gave it, and only by them. */
export type PauseReason = 'protocol' | 'rate' | 'owner'

/** What a connection speaks. */
export interface Protocol {
  /**
   * Bytes have come. Returns how many were taken: all of them, what is incomplete is the protocol's to keep; or those up
   * to the message after which `connection.isReading` became false. The rest is offered again, to it or its successor.
   */
  onBytes(bytes: Uint8Array): number
  /** The peer has said FIN and may still be listening: when everything is answered, call `end`. */
  onEnd(): void
  /** The server wants the connection to end: say why in your own words, and call `end`. Without it, FIN says enough. */
  onStop?(why: Ending): void
  /** Enough has been sent: there is room again. */
  onRoom?(): void
  /** The connection is over, once; its descriptor is free. */
  onClose?(why: Ending): void
}

/** Told about a connection, beside its protocol: by chapters 08 and 10, which set limits to any protocol. */
export interface ConnectionObserver {
  /** A whole message has come. */
  onHeard?(): void
  /** A round has ended, and this many bytes wait to be sent. */
  onRoundEnd?(queuedBytes: number): void
  /** Nothing more will be said. From now on the peer only costs. */
  onEnding?(): void
  onClose?(why: Ending): void
}

const NOTHING = new Uint8Array()

const NEITHER = { readable: false, writable: false }
const READING = { readable: true, writable: false }
const WRITING = { readable: false, writable: true }
const BOTH = { readable: true, writable: true }

/** The protocol of a connection that has not been given one. */
const DEAF: Protocol = { onBytes: (bytes) => bytes.length, onEnd() {} }

/** Pauses are a set, and a set of three is a number. */
const BIT_OF: Record<PauseReason, number> = { protocol: 1, rate: 2, owner: 4 }

export class Connection implements RoundTask {
  readonly #stream: ByteStream
  readonly #loop: EventLoop<Source>
  readonly #queue: SendQueue
  #protocol = DEAF
  #observer: ConnectionObserver | undefined
  #state: 'open' | 'ending' | 'finSent' | 'closed' = 'open'
  #why: Ending | undefined
  #interest = READING
  #pauses = 0
  /** What the protocol has not taken. Nothing is read while there is some. */
  #unread: Uint8Array = NOTHING
  #hasPeerEnded = false

  /** Speaks no protocol until `use` is called, which is to be done before the loop goes on. */
  constructor(
    stream: ByteStream,
    loop: EventLoop<Source>,
    queue: SendQueue = new UnsentBytes(stream),
  ) {
    this.#stream = stream
    this.#loop = loop
    this.#queue = queue
    loop.add(stream, this.#interest, (ready) => this.#takeTurn(ready))
  }

  get peer(): Peer {
    return this.#stream.peer
  }

  /** Bytes that were sent and that the stream has not taken. */
  get queuedBytes(): number {
    return this.#queue.bytes
  }

  /** Whether so much is queued that nothing more should be sent before the protocol's `onRoom`. */
  get isBacklogged(): boolean {
    return this.#queue.isBacklogged
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  /** Whether a protocol that has taken one message may take the next, and whether anything may be read. */
  get isReading(): boolean {
    return this.#state === 'open' && this.#pauses === 0 && !this.#queue.isBacklogged
  }

  /** Sends bytes, which must not change any more. A peer for which too much waits already is stopped instead. */
  send(bytes: Uint8Array): void {
    if (this.#state !== 'open') return
    if (this.#queue.push(bytes)) this.#loop.touch(this)
    else this.stop('slow-consumer')
  }

  /** Speaks this protocol from now on. In the middle of `onBytes`, what that has not taken goes to the new one. */
  use(protocol: Protocol): void {
    this.#protocol = protocol
    if (this.#unread.length > 0) this.#loop.touch(this)
  }

  /** Tells the observer what happens from now on. */
  observe(observer: ConnectionObserver): void {
    this.#observer = observer
  }

  /** For the protocol, to say that a whole message has come: bytes alone are no sign of life. */
  heard(): void {
    this.#observer?.onHeard?.()
  }

  /** Takes no more messages and reads no more until `resumeReading`; what is sent goes out all the same. */
  pauseReading(reason: PauseReason): void {
    this.#pauses |= BIT_OF[reason]
    // At once: the loop may have this connection's turn still before it.
    if (this.#state !== 'closed') this.#watch()
  }

  /** Goes on, if there is no other reason to pause: with what has come already, then with reading. */
  resumeReading(reason: PauseReason): void {
    this.#pauses &= ~BIT_OF[reason]
    this.#loop.touch(this)
  }

  /** Asks the protocol to say why, and to end. */
  stop(why: Ending): void {
    if (this.#state !== 'open') return
    if (this.#protocol.onStop) this.#protocol.onStop(why)
    else this.end(why)
  }

  /**
   * Says goodbye: FIN, behind everything that was sent and behind `lastWords`, for which there is always room. What the
   * peer sends from now on is read, up to its own FIN, and thrown away: to close over unread bytes would be a reset, and
   * the last words would be lost.
   */
  end(why: Ending, lastWords: Uint8Array = NOTHING): void {
    if (this.#state !== 'open') return
    this.#state = 'ending'
    this.#why = why
    this.#unread = NOTHING
    if (lastWords.length > 0) this.#queue.append(lastWords)
    this.#loop.touch(this)
    this.#observer?.onEnding?.()
  }

  /** Closes both directions now: what was sent and not taken is lost. */
  destroy(why: Ending): void {
    if (this.#state === 'closed') return
    // As if FIN were sent: only the free descriptor is waited for.
    this.#state = 'finSent'
    this.#why ??= why
    this.#unread = NOTHING
    this.#stream.destroy()
    this.#loop.touch(this)
  }

  /** For the loop: what was left to the end of the round. */
  onRoundEnd(): void {
    if (this.#state === 'closed') return
    if (this.#stream.isClosed) return this.#close()
    if (this.#unread.length > 0 && this.isReading) this.#offer(this.#unread)
    const wasBacklogged = this.#queue.isBacklogged
    this.#flush()
    if (wasBacklogged && !this.#queue.isBacklogged) this.#protocol.onRoom?.()
    this.#watch()
    // The rest of a chunk has its turn in the next round, for others are waiting for theirs.
    if (this.#unread.length > 0 && this.isReading) this.#loop.touch(this)
    this.#observer?.onRoundEnd?.(this.#queue.bytes)
  }

  #takeTurn({ readable, hungUp }: Ready<Source>): void {
    if (hungUp) return this.#close()
    if (readable) this.#receive()
    this.#loop.touch(this)
  }

  /**
   * One turn: reads once, and offers the protocol what it has read, bytes or the end. Once, and not until nothing comes any
   * more, for others are waiting for their turn. That it was reported is enough, even if the connection is backlogged by now:
   * what the protocol does not take waits in `#unread`, and while something is in there, `#watch()` asks for no turn to read.
   *
   * A turn that finds nothing to read is over. What comes when the connection is not open any more is thrown away. Why the
   * stream has ended is not asked here: a lost one is soon reported as hung up, which is when the connection is over.
   *
   * @step 07.5
   */
  #receive(): void {
    const bytes = this.#stream.read()
    if (bytes === 'would-block') return
    if (bytes === 'end') {
      this.#hasPeerEnded = true
      if (this.#state === 'open') this.#protocol.onEnd()
    } else if (this.#state === 'open') this.#offer(bytes)
  }

  #offer(bytes: Uint8Array): void {
    const taken = this.#protocol.onBytes(bytes)
    this.#unread = taken < bytes.length && this.#state === 'open' ? bytes.subarray(taken) : NOTHING
  }

  /**
   * Lets the queue send what the stream takes. When the connection is ending and nothing waits any more, FIN follows, once,
   * whatever is still to be read, and whatever the stream has room for. The stream frees the descriptor by itself when both
   * have said FIN: to destroy it would throw away what is on its way.
   *
   * @step 07.5
   */
  #flush(): void {
    this.#queue.flush()
    if (this.#state !== 'ending' || this.#queue.bytes > 0) return
    this.#state = 'finSent'
    this.#stream.end()
  }

  /**
   * Decides what to wait for next: to write while something is queued, be it little; to read while `isReading`, unless the
   * protocol has left something unread, and in any case once the connection is not open any more; never to read after the
   * peer's FIN.
   *
   * @step 07.5
   */
  #watch(): void {
    const wantsMore = this.#state !== 'open' || (this.isReading && this.#unread.length === 0)
    const reads = wantsMore && !this.#hasPeerEnded
    const writes = this.#queue.bytes > 0
    this.#setInterest(reads ? (writes ? BOTH : READING) : writes ? WRITING : NEITHER)
  }

  #setInterest(interest: typeof NEITHER): void {
    const { readable, writable } = this.#interest
    if (interest.readable === readable && interest.writable === writable) return
    this.#interest = interest
    this.#loop.modify(this.#stream, interest)
  }

  #close(): void {
    this.#state = 'closed'
    this.#unread = NOTHING
    this.#loop.remove(this.#stream)
    const why = this.#why ?? 'lost'
    this.#protocol.onClose?.(why)
    this.#observer?.onClose?.(why)
  }
}
