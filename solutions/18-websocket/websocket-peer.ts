/** The chat's second door: each message is one WebSocket text, the same bytes as at the first door in another frame. */

import type { Connection, Ending } from '../07-event-loop/connection.ts'
import { type Chat, ChatSession, type Handler } from '../13-rooms/chat-session.ts'
import { MAX_REQUEST_BYTES } from '../13-rooms/frame-peer.ts'
import { lastWords, type Outgoing, type Peer } from '../13-rooms/peer.ts'
import type { Message } from './message-reader.ts'
import { type WebSocketEvents, type WebSocketOptions, WebSocketProtocol } from './websocket.ts'
import { encodeText } from './websocket-frames.ts'

export interface ChatWebSocketOptions {
  /** The session's token from the cookie of the handshake: `hello` uses it when it brings none of its own. */
  token?: string
  /** See `WebSocketOptions`. */
  heartbeat?: WebSocketOptions['heartbeat']
  /** The client's own address, if a proxy stands between us. */
  address?: string
}

/** RFC 6455 §7.4.1. */
const UNSUPPORTED_DATA = 1003

/** The protocol of a WebSocket that takes part in a chat. */
export class ChatWebSocket extends WebSocketProtocol {
  readonly #peer: WebSocketPeer

  constructor(connection: Connection, chat: Chat, options: ChatWebSocketOptions = {}) {
    const peer = new WebSocketPeer(connection, chat, options)
    super(connection, peer, { maxBytes: MAX_REQUEST_BYTES, heartbeat: options.heartbeat })
    this.#peer = peer
    peer.socket = this
  }

  /**
   * A stopping server still sends the answers that are due; otherwise the peer is at fault, and its connection ends.
   */
  override onStop(why: Ending): void {
    if (why === 'stopping') this.#peer.stop()
    else super.onStop(why)
  }
}

class WebSocketPeer implements Peer, WebSocketEvents {
  readonly address: string
  socket!: WebSocketProtocol
  readonly #connection: Connection
  readonly #session: ChatSession
  readonly #newcomers: Chat['newcomers']
  /** Whether `send` is running: it reports a lost peer itself, and its caller must not learn of it before that. */
  #isSending = false

  constructor(connection: Connection, chat: Chat, { token, address }: ChatWebSocketOptions) {
    this.#connection = connection
    this.address = address ?? connection.peer.address
    this.#session = new ChatSession(this, token === undefined ? chat : withToken(chat, token))
    this.#newcomers = chat.newcomers
    this.#newcomers?.enter(this.#session)
  }

  send(message: Outgoing): boolean {
    this.#isSending = true
    this.#connection.send(message.encodedBy(encodeText))
    this.#isSending = false
    return this.#connection.isOpen
  }

  close(why: Ending): void {
    this.socket.close(why)
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

  onMessage({ isText, payload }: Message): void {
    if (!isText) return this.socket.close('invalid', UNSUPPORTED_DATA, 'The chat is text.')
    const { buffer, byteOffset, length } = payload
    this.#session.receive(Buffer.from(buffer, byteOffset, length).toString())
  }

  onEnd(): void {
    this.#session.end('finished')
  }

  /** The connection is ending. The rooms do not wait until it is closed. */
  lastWords(why: Ending): Uint8Array | undefined {
    if (!this.#isSending) this.#session.drop()
    const words = lastWords(why)
    return words && encodeText(words.text)
  }

  onClose(): void {
    this.#session.drop()
    this.#newcomers?.leave(this.#session)
  }
}

/** The chat for somebody with a cookie: `hello` knows the token. */
function withToken(chat: Chat, token: string): Chat {
  const { hello } = chat.handlers
  const helloWithToken: Handler = (session, request: object) =>
    hello(session, { token, ...request } as never)
  return { ...chat, handlers: { ...chat.handlers, hello: helloWithToken } }
}
