/**
 * WebSocket on a connection (RFC 6455): messages in, frames out, a closing handshake. It does not know what they mean.
 *
 *   peer's Close or FIN ──▶ events.onEnd ──▶ close(1000) ──▶ its code comes back, FIN
 *   a fault ─────────────▶ close(1002 …) ─┐
 *   stop('idle', …) ─────▶ close(1008 …) ─┴▶ Close, FIN; what the peer still sends is thrown away
 *
 * Our FIN follows our Close at once, and the peer's FIN has to follow in time: that deadline is chapter 08's.
 */

import type { Connection, Ending, Protocol } from '../07-event-loop/connection.ts'
import { Silence } from '../08-timers/silence.ts'
import type { TimerQueue } from '../08-timers/timer-queue.ts'
import { ENDINGS } from '../13-rooms/codes.ts'
import { encodeClose, FAULTS, type Fault, parseClose } from './close.ts'
import { type Incoming, type Message, MessageReader, type ReaderOptions } from './message-reader.ts'
import { BINARY, encodeFrame, frameInPlace, PING, PONG, TEXT } from './websocket-frames.ts'

/** What a service does with a peer's messages. The protocol is passed in, so that one object can serve many peers. */
export interface WebSocketEvents {
  onMessage(message: Message, socket: WebSocketProtocol): void
  /** The peer will say no more, with or without a Close, and still listens. If left out, the connection is closed. */
  onEnd?(socket: WebSocketProtocol): void
  /** Frames to be sent before our Close; none if left out. */
  lastWords?(why: Ending): Uint8Array | undefined
  onClose?(why: Ending, socket: WebSocketProtocol): void
}

export interface WebSocketOptions extends ReaderOptions {
  /**
   * A peer that says nothing for `everyMs` is sent a ping. Its pong is a sign of life: a browser answers even while its
   * page sleeps. If left out, nobody is asked.
   */
  heartbeat?: { timers: TimerQueue; everyMs: number }
}

const NO_PAYLOAD = new Uint8Array()

/** While more than this waits to be sent, not every ping is answered. */
const PROMPT_PONG_BYTES = 1024

export class WebSocketProtocol implements Protocol {
  readonly connection: Connection
  readonly #events: WebSocketEvents
  readonly #reader: MessageReader
  readonly #silence: Silence | undefined
  /** The payload of the newest ping that is not answered. */
  #duePong: Uint8Array | undefined
  /** The code of the peer's Close, which is sent back. */
  #peerCode: number | undefined
  /** Whether `close` has been called. */
  #isClosing = false

  constructor(connection: Connection, events: WebSocketEvents, options: WebSocketOptions = {}) {
    this.connection = connection
    this.#events = events
    this.#reader = new MessageReader(options)
    const { heartbeat } = options
    this.#silence =
      heartbeat && new Silence(heartbeat.timers, heartbeat.everyMs, () => this.#ping())
  }

  send({ isText, payload }: Message): void {
    this.connection.send(encodeFrame(isText ? TEXT : BINARY, payload))
  }

  /** Sends back a message that has just arrived and that nobody keeps: in place, if there is room for a header. */
  sendBack({ isText, payload, roomBefore = 0 }: Message): void {
    const opcode = isText ? TEXT : BINARY
    this.connection.send(frameInPlace(opcode, payload, roomBefore) ?? encodeFrame(opcode, payload))
  }

  /** See `Protocol`. Whatever follows the peer's Close is ignored. */
  onBytes(bytes: Uint8Array): number {
    let taken = 0
    while (taken < bytes.length && this.connection.isReading && this.#peerCode === undefined) {
      const incoming = this.#reader.next(bytes, taken)
      taken = 'end' in incoming ? incoming.end : bytes.length
      this.#hear(incoming)
    }
    this.#sendDuePong()
    return this.#peerCode === undefined ? taken : bytes.length
  }

  /** FIN without a Close. In the middle of a message that is a fault. */
  onEnd(): void {
    if (this.#peerCode !== undefined) return
    if (this.#reader.isBetweenMessages) this.#end()
    else this.#fail('cut-off')
  }

  onStop(why: Ending): void {
    this.close(why)
  }

  onClose(why: Ending): void {
    this.#silence?.stop()
    this.#events.onClose?.(why, this)
  }

  /**
   * Ends the connection, after everything that was sent: with the service's last words, if it has any, then a Close
   * frame. Pass both to `connection.end`, which always has room. Do not `send` them: if there is no room, `send` calls
   * `close` again. Only the first call counts (`#isClosing`), and `lastWords` is asked once, even if it calls `send` or
   * `close` itself. The Close carries `code` and `reason`. If the peer's Close has arrived, its code replaces `code`;
   * whether `reason` is sent as well is then up to you.
   *
   * @step 18.6
   */
  close(why: Ending, code: number = ENDINGS[why].closeCode, reason = ENDINGS[why].text): void {
    // TODO 18.6
    throw new Error('TODO 18.6')
  }

  #hear(incoming: Incoming): void {
    if (incoming.kind === 'incomplete') return
    if (incoming.kind === 'invalid') return this.#fail(incoming.fault)
    this.connection.heard()
    this.#silence?.heard()
    if (incoming.kind === 'message') this.#events.onMessage(incoming, this)
    else if (incoming.kind === 'ping') this.#hearPing(incoming.payload)
    else if (incoming.kind === 'close') this.#hearClose(incoming.payload)
  }

  /**
   * Answers a ping with a pong that has the same payload: at once, if no more than `PROMPT_PONG_BYTES` wait to be sent
   * when the ping arrives. Otherwise the pong is due, and replaces an earlier one that is due (RFC 6455 §5.5.3). A
   * Close in the same chunk may end the connection before it is sent.
   *
   * @step 18.6
   */
  #hearPing(payload: Uint8Array): void {
    // TODO 18.6
    throw new Error('TODO 18.6')
  }

  /** Answers the newest ping that has no answer yet, if there is one. */
  #sendDuePong(): void {
    const payload = this.#duePong
    if (!payload) return
    this.#duePong = undefined
    this.connection.send(encodeFrame(PONG, payload))
  }

  /**
   * The peer has sent a Close. From now on, nothing that it sends counts. A wrong Close is a fault; otherwise its code
   * is kept for the answer, and the peer has nothing more to say (`#end`).
   *
   * @step 18.6
   */
  #hearClose(payload: Uint8Array): void {
    // TODO 18.6
    throw new Error('TODO 18.6')
  }

  #ping(): void {
    this.connection.send(encodeFrame(PING, NO_PAYLOAD))
  }

  #end(): void {
    if (this.#events.onEnd) this.#events.onEnd(this)
    else this.close('finished')
  }

  /** The peer has broken the protocol: tells it how, and closes. */
  #fail(fault: Fault): void {
    const { code, text } = FAULTS[fault]
    this.close(fault === 'too-large' ? 'too-large' : 'invalid', code, text)
  }
}
