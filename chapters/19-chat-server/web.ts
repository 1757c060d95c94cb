/**
 * What is behind the web door: the page, the API of accounts, and the chat over WebSocket.
 *
 *     HttpConnection ── path ──┬── /chat      ─▶ 101, and then ChatWebSocket
 *                              ├── /api/…     ─▶ accounts (17)
 *                              └── all others ─▶ the page
 */

import type { TimerQueue } from '../08-timers/timer-queue.ts'
import type { Service } from '../10-backpressure/admission.ts'
import type { Chat } from '../13-rooms/chat-session.ts'
import type { HttpHandler, HttpRequest } from '../17-http/http-message.ts'
import { httpService } from '../17-http/http-service.ts'
import { onlyFor } from '../17-http/only-for.ts'
import { acceptWebSocket } from '../18-websocket/handshake.ts'
import { ChatWebSocket, type ChatWebSocketOptions } from '../18-websocket/websocket-peer.ts'

/** What a page asks for when it opens its WebSocket. */
export const SUBPROTOCOL = 'chat.v1'

export interface WebOptions {
  /** Answers for accounts. */
  api: HttpHandler
  /** Answers with the page, and with 404. */
  page: HttpHandler
  /** How browsers reach us; requests for another host are refused. If left out, any host will do. */
  publicUrl?: string
  /**
   * The origins of our own page, as browsers write them: `https://chat.example`. The list may still be empty when the
   * handler is made: it is filled when the port is known.
   */
  origins: readonly string[]
  /**
   * Who asks for a WebSocket, and how we look after them: the token of a session, the client's address in front of the
   * proxies, and a heartbeat on the timers of the connection's loop.
   */
  whoAsks(request: HttpRequest, timers: TimerQueue): ChatWebSocketOptions
}

/**
 * Answers requests at the web door by their path, whatever their method. `/chat` is the chat: a WebSocket that speaks
 * `chat.v1`, for our own page and for programs. Its connection is a `ChatWebSocket` on this chat, with all that
 * `whoAsks` returns. Everything below `/api/` goes to the API, everything else to the page: what they return is the
 * answer, and what they throw is thrown on.
 *
 * @step 19.1
 */
export function webHandler(chat: Chat, { api, page, origins, whoAsks }: WebOptions): HttpHandler {
  // TODO 19.1
  throw new Error('TODO 19.1')
}

/** The web door; `onBug` is told what a handler throws. */
export function serveWeb(
  chat: Chat,
  options: WebOptions,
  onBug: (error: unknown) => void,
): Service {
  return httpService(onlyFor(options.publicUrl, webHandler(chat, options)), { onBug })
}
