/**
 * One peer on a loop: bytes in, bytes out, and an orderly end. It knows nothing about messages.
 *
 * Only a protocol knows what the bytes mean: lines here, frames in 09, HTTP in 17, which hands the connection over to
 * WebSocket in 18. Everything that is sent in a round leaves at its end. A connection is over when its descriptor is
 * free, and not before: a queued FIN may wait behind bytes that the peer never takes.
 *
 *   open ── end() ──▶ ending ── nothing waits ──▶ finSent ── the peer's FIN ──▶ closed
 *     └────────────────────┴───── lost, or destroy() ─┴───────────────────────────▲
 */

import type { ByteStream, Peer, Source } from './byte-stream.ts'
import type { EventLoop, RoundTask } from './event-loop.ts'
import type { Interest, Ready } from './poller.ts'
import { type SendQueue, UnsentBytes } from './send-queue.ts'

/** Why a connection ended. A closed list, because a server counts its connections by reason. */
export type Ending =
  | 'finished' // nothing was wrong: one of the two had nothing more to say
  | 'lost' // reset, timed out, unplugged: the stream's `lostWith` says how
  | 'invalid' // the peer broke the protocol
  | 'too-large' // the peer sent more in one piece than is accepted
  | 'failed' // an error of our own
  | 'idle' // nothing was heard for too long
  | 'slow-consumer' // the peer did not take what it was due
  | 'busy' // there was no room for it
  | 'no-session' // it is not allowed here, or no longer is
  | 'stopping' // the server is shutting down

/** Reasons not to read. Whoever gave a reason takes it back, and nobody else does. */
export type PauseReason = 'protocol' | 'rate' | 'owner'

/** What a connection speaks. */
export interface Protocol {
  /**
   * Takes bytes that have arrived, and returns how many it took: all of them (the protocol keeps an incomplete
   * message), or those up to the message after which `connection.isReading` became false. The rest is offered again, to
   * it or its successor.
   */
  onBytes(bytes: Uint8Array): number
  /** The peer has sent FIN and may still be listening: when everything is answered, call `end`. */
  onEnd(): void
  /** Called to end the connection: say why in your own words, and call `end`. If left out, only FIN is sent. */
  onStop?(why: Ending): void
  /** Enough has been sent: there is room again. */
  onRoom?(): void
  /** The connection is over, and its descriptor is free. Called once. */
  onClose?(why: Ending): void
}

/** Told what happens on a connection; chapters 08 and 10 use it to set limits, whatever the protocol. */
export interface ConnectionObserver {
  /** A whole message has arrived. */
  onHeard?(): void
  /** A round has ended, and this many bytes wait to be sent. */
  onRoundEnd?(queuedBytes: number): void
  /** We have said our last word (`end`). From now on, the peer is only a cost. */
  onEnding?(): void
  onClose?(why: Ending): void
}

const NOTHING = new Uint8Array()

/** What a connection can wait for. All connections share these four, so nobody may change them. */
const NEITHER: Readonly<Interest> = Object.freeze({ readable: false, writable: false })
const READING: Readonly<Interest> = Object.freeze({ readable: true, writable: false })
const WRITING: Readonly<Interest> = Object.freeze({ readable: false, writable: true })
const BOTH: Readonly<Interest> = Object.freeze({ readable: true, writable: true })

/** The protocol of a connection that has not been given one. */
const DEAF: Protocol = { onBytes: (bytes) => bytes.length, onEnd() {} }

/** The set of pauses is one number: each reason is a bit of it. */
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
  /** Bytes that the protocol has not taken. While there are any, nothing is read. */
  #unread: Uint8Array = NOTHING
  #hasPeerEnded = false
  /** Whether the queue was backlogged and the protocol has not been told of room since. */
  #owesRoom = false

  /** Speaks no protocol until `use` is called: call it before the loop goes on. */
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

  /** How many bytes were sent that the stream has not taken yet. */
  get queuedBytes(): number {
    return this.#queue.bytes
  }

  /** Whether so much is queued that nothing more should be sent before the protocol's `onRoom`, which then follows. */
  get isBacklogged(): boolean {
    this.#owesRoom ||= this.#queue.isBacklogged
    return this.#queue.isBacklogged
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  /** Whether a protocol that has taken one message may take the next, and whether anything may be read. */
  get isReading(): boolean {
    return this.#state === 'open' && this.#pauses === 0 && !this.#queue.isBacklogged
  }

  /** Sends bytes, which must not change any more. If too much is already waiting, stops the connection instead. */
  send(bytes: Uint8Array): void {
    if (this.#state !== 'open') return
    if (this.#queue.push(bytes)) this.#loop.touch(this)
    else this.stop('slow-consumer')
  }

  /** Speaks this protocol from now on. Inside `onBytes`, what the old one does not take goes to the new one. */
  use(protocol: Protocol): void {
    this.#protocol = protocol
    if (this.#unread.length > 0) this.#loop.touch(this)
  }

  /** Tells the observer what happens from now on. */
  observe(observer: ConnectionObserver): void {
    this.#observer = observer
  }

  /** Called by the protocol when a whole message has arrived: bytes alone are no sign of life. */
  heard(): void {
    this.#observer?.onHeard?.()
  }

  /** Takes no more messages and reads no more until `resumeReading`; what is sent goes out all the same. */
  pauseReading(reason: PauseReason): void {
    this.#pauses |= BIT_OF[reason]
    // At once: this connection's turn may still come in this round.
    if (this.#state !== 'closed') this.#watch()
  }

  /** Resumes, if there is no other reason to pause: first with what has arrived already, then with reading. */
  resumeReading(reason: PauseReason): void {
    this.#pauses &= ~BIT_OF[reason]
    this.#loop.touch(this)
  }

  /** Asks the protocol to tell the peer why, and to end the connection. */
  stop(why: Ending): void {
    if (this.#state !== 'open') return
    if (this.#protocol.onStop) this.#protocol.onStop(why)
    else this.end(why)
  }

  /**
   * Says goodbye: sends FIN after everything that was sent and after `lastWords`, for which there is always room. From
   * now on, reads what the peer sends, up to its own FIN, and discards it: closing over unread bytes would send a
   * reset, and the last words would be lost.
   */
  end(why: Ending, lastWords: Uint8Array = NOTHING): void {
    if (this.#state !== 'open') return
    this.#state = 'ending'
    // The end of a lost stream may be read before its descriptor is free.
    this.#why = why === 'finished' && this.#stream.lostWith ? 'lost' : why
    this.#unread = NOTHING
    if (lastWords.length > 0) this.#queue.append(lastWords)
    this.#loop.touch(this)
    this.#observer?.onEnding?.()
  }

  /** Closes both directions now: what was sent but not taken is lost. */
  destroy(why: Ending): void {
    if (this.#state === 'closed') return
    // As if FIN had been sent: all that is left is to wait for the free descriptor.
    this.#state = 'finSent'
    this.#why ??= why
    this.#unread = NOTHING
    this.#stream.destroy()
    this.#loop.touch(this)
  }

  /** Called by the loop: does what was left to the end of the round. */
  onRoundEnd(): void {
    if (this.#state === 'closed') return
    if (this.#stream.isClosed) return this.#close()
    if (this.#unread.length > 0 && this.isReading) this.#offer(this.#unread)
    this.#owesRoom ||= this.#queue.isBacklogged
    this.#flush()
    if (this.#owesRoom && !this.#queue.isBacklogged) this.#tellRoom()
    this.#watch()
    // The rest of a chunk waits for the next round: others are waiting for their turn.
    if (this.#unread.length > 0 && this.isReading) this.#loop.touch(this)
    this.#observer?.onRoundEnd?.(this.#queue.bytes)
  }

  #takeTurn({ readable, hungUp }: Ready<Source>): void {
    if (hungUp) return this.#close()
    if (readable) this.#receive()
    this.#loop.touch(this)
  }

  /**
   * Takes one turn: reads once, and offers the protocol what was read, bytes or the end. It reads only once, not until
   * nothing is left, because others are waiting for their turn. It may read even if the connection is backlogged by
   * now, because the stream was reported: what the protocol does not take waits in `#unread`, and while something is in
   * there, `#watch()` asks for no turn to read.
   *
   * A turn that finds nothing to read is over. What arrives when the connection is no longer open is discarded. It does
   * not matter here why the stream has ended: `end()` looks at that. A lost stream is soon reported as hung up, and then
   * the connection is over.
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
   * Lets the queue send what the stream takes. When the connection is ending and nothing is queued any more, sends FIN,
   * once, whatever is still to be read and however much room the stream has. The stream frees the descriptor by itself
   * when both sides have sent FIN: destroying it would discard what is on its way.
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
   * Decides what to wait for next: until that happens, the loop may sleep. Waits to write while anything is queued,
   * however little. Waits to read while `isReading`, unless the protocol has left something unread, and always once the
   * connection is no longer open; but never after the peer's FIN.
   *
   * @step 07.5
   */
  #watch(): void {
    const wantsMore = this.#state !== 'open' || (this.isReading && this.#unread.length === 0)
    const reads = wantsMore && !this.#hasPeerEnded
    const writes = this.#queue.bytes > 0
    this.#setInterest(reads ? (writes ? BOTH : READING) : writes ? WRITING : NEITHER)
  }

  #tellRoom(): void {
    this.#owesRoom = false
    this.#protocol.onRoom?.()
  }

  #setInterest(interest: Readonly<Interest>): void {
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
