/** WebSockets on the server of 17: `/echo` sends everything back, `/chat` is a second door to the chat of 16. */

import type { BoundedServer } from '../10-backpressure/server.ts'
import type { Chat } from '../13-rooms/chat-session.ts'
import { type HistoryServerOptions, openChat } from '../15-history/server.ts'
import { withKeys } from '../16-client/server.ts'
import { chatApi } from '../17-http/api.ts'
import { sessionCookieOf } from '../17-http/cookies.ts'
import type { HttpAnswer, HttpHandler, HttpRequest } from '../17-http/http-message.ts'
import { serveHttp } from '../17-http/http-service.ts'
import { memorySite } from '../17-http/memory-site.ts'
import { hasOrigin, originOf } from '../17-http/origin.ts'
import { acceptWebSocket } from './handshake.ts'
import { type WebSocketEvents, WebSocketProtocol } from './websocket.ts'
import { ChatWebSocket } from './websocket-peer.ts'

export interface WebSocketServerOptions extends HistoryServerOptions {
  /** How browsers reach the server. Without it, they use this machine's own addresses. */
  publicUrl?: string
  /** The longest message that `/echo` sends back. A peer that does not read costs that much memory. */
  maxEchoBytes?: number
}

const MEBIBYTE = 1024 * 1024

export async function startServer(options: WebSocketServerOptions = {}): Promise<BoundedServer> {
  const { publicUrl, maxEchoBytes = 16 * MEBIBYTE } = options
  // Throws for what is no URL: nothing may be open yet.
  const origins = publicUrl ? [originOf(publicUrl)] : []
  const { journal, services, close, ...open } = await openChat(options)
  const chat = withKeys(open.chat, journal)
  const isSecure = publicUrl?.startsWith('https:') ?? false
  const places: Record<string, HttpHandler> = {
    '/echo': (request) => acceptEcho(request, maxEchoBytes),
    '/chat': (request) => acceptChat(request, chat, origins, isSecure),
  }
  const api = chatApi(services, { origins, isSecure, trustedProxies: [] })
  const site = memorySite(new Map([['/', PAGE]]))
  const closeAll = () => services.close().finally(close)
  try {
    const server = await serveHttp(
      { maxQueuedBytes: maxEchoBytes + MEBIBYTE, ...options },
      (request) => {
        if (request.path.startsWith('/api/')) return api(request)
        return (places[request.path] ?? site)(request)
      },
    )
    // Only now is the port known.
    if (!publicUrl) origins.push(...LOCAL.map((host) => `http://${host}:${server.port}`))
    return { ...server, close: () => server.close().finally(closeAll) }
  } catch (error) {
    await closeAll()
    throw error
  }
}

/** Browsers may let a hidden page sleep for a minute or longer: we ping it before it counts as idle. */
const PING_MS = 30_000

const LOCAL = ['127.0.0.1', 'localhost']

const ECHO: WebSocketEvents = { onMessage: (message, socket) => socket.sendBack(message) }

/** Any page may connect: nothing here belongs to anybody. */
function acceptEcho(request: HttpRequest, maxBytes: number): HttpAnswer {
  return acceptWebSocket(request, {
    open: (connection) => new WebSocketProtocol(connection, ECHO, { maxBytes }),
  })
}

/** Of all pages, only our own may connect, and only with their requests does the cookie count. */
function acceptChat(
  request: HttpRequest,
  chat: Chat,
  origins: readonly string[],
  isSecure: boolean,
): HttpAnswer {
  const token = hasOrigin(request, origins) ? sessionCookieOf(request, isSecure) : undefined
  return acceptWebSocket(request, {
    protocols: ['chat.v1'],
    origins,
    open: (connection, timers) =>
      new ChatWebSocket(connection, chat, { token, heartbeat: { timers, everyMs: PING_MS } }),
  })
}

const PAGE = {
  type: 'text/html; charset=utf-8',
  bytes: Buffer.from(`<!doctype html>
<html lang="en">
<title>TCP Server Workbook</title>
<p>Open the console of your browser, and say:
<pre>socket = new WebSocket('/echo')
socket.onmessage = ({ data }) => console.log(data)
socket.send('hello')</pre>
</html>
`),
}
