/** The chat's first door: one message per frame. It knows a session and a connection, but not what is said. */

import { isUtf8 } from 'node:buffer'
import type { Connection, Ending } from '../07-event-loop/connection.ts'
import { type FrameEvents, FrameProtocol } from '../09-framing/frame-protocol.ts'
import { encodeFrame } from '../09-framing/frames.ts'
import { type Chat, ChatSession } from './chat-session.ts'
import { lastWords, type Outgoing, type Peer } from './peer.ts'

/** The largest message that a client may send. */
export const MAX_REQUEST_BYTES = 64 * 1024

/** The protocol of a connection that takes part in a chat. */
export class ChatFrames extends FrameProtocol {
  readonly #peer: FramePeer

  constructor(connection: Connection, chat: Chat) {
    const peer = new FramePeer(connection, chat)
    super(connection, peer, { maxFrameBytes: MAX_REQUEST_BYTES })
    this.#peer = peer
  }

  /** When the server stops, the peer gets the answers that are due; otherwise it is at fault, and is ended now. */
  override onStop(why: Ending): void {
    if (why === 'stopping') this.#peer.stop()
    else super.onStop(why)
  }
}

class FramePeer implements Peer, FrameEvents {
  readonly #connection: Connection
  readonly #session: ChatSession
  readonly #newcomers: Chat['newcomers']
  /** True during `send`: its caller learns from the result that the peer is lost, and in no other way before that. */
  #isSending = false

  constructor(connection: Connection, chat: Chat) {
    this.#connection = connection
    this.#session = new ChatSession(this, chat)
    this.#newcomers = chat.newcomers
    this.#newcomers?.enter(this.#session)
  }

  get address(): string {
    return this.#connection.peer.address
  }

  send(message: Outgoing): boolean {
    this.#isSending = true
    this.#connection.send(message.encodedBy(encodeText))
    this.#isSending = false
    return this.#connection.isOpen
  }

  close(why: Ending): void {
    const words = lastWords(why)
    this.#connection.end(why, words && encodeText(words.text))
  }

  pause(): void {
    this.#connection.pauseReading('protocol')
  }

  resume(): void {
    this.#connection.resumeReading('protocol')
  }

  stop(): void {
    this.#connection.pauseReading('owner')
    this.#session.end('stopping')
  }

  onFrame(payload: Uint8Array): void {
    if (!isUtf8(payload)) return this.#session.close('invalid')
    const { buffer, byteOffset, length } = payload
    this.#session.receive(Buffer.from(buffer, byteOffset, length).toString())
  }

  onEnd(): void {
    this.#session.end('finished')
  }

  /** The connection is ending for a reason of its own. The rooms do not wait until it is closed. */
  lastWords(why: Ending): Uint8Array {
    if (!this.#isSending) this.#session.drop()
    return Buffer.from(lastWords(why)?.text ?? '')
  }

  onClose(): void {
    this.#session.drop()
    this.#newcomers?.leave(this.#session)
  }
}

/** One function for all peers: that is how a broadcast is encoded once. */
export function encodeText(text: string): Uint8Array {
  return encodeFrame(Buffer.from(text))
}
