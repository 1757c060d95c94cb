/** HTTP on a listening socket: what chapter 10 serves, or refuses. */

import type { Service } from '../10-backpressure/admission.ts'
import { type BoundedOptions, type BoundedServer, serveBounded } from '../10-backpressure/server.ts'
import { DateText, encodeHead } from './answer-head.ts'
import { HttpConnection, type HttpOptions } from './http-connection.ts'
import type { HttpAnswer, HttpHandler } from './http-message.ts'

/** Options for the connections of a service; the timers are the loop's. */
export type HttpServiceOptions = Partial<Omit<HttpOptions, 'timers'>>

export interface HttpServerOptions extends BoundedOptions, HttpServiceOptions {}

/** How long a connection may be idle between two requests. */
const IDLE_MS = 60_000

/** How long a peer has for its last answer, of which much may wait on the way. */
const GOODBYE_MS = 30_000

const BUSY: HttpAnswer = { status: 503, headers: { 'Retry-After': '1' } }

/** Answers each request with what `handler` returns. */
export function httpService(handler: HttpHandler, options: HttpServiceOptions = {}): Service {
  const { date = new DateText() } = options
  return {
    open: (connection, timers) =>
      new HttpConnection(connection, handler, { ...options, date, timers }),
    refusal: () => Buffer.from(encodeHead(BUSY, date.get(), 0, 'close')),
  }
}

/** Listens for requests. */
export function serveHttp(
  { date, maxBodyBytes, headMs, bodyMs, onBug, ...bounds }: HttpServerOptions,
  handler: HttpHandler,
): Promise<BoundedServer> {
  const service = httpService(handler, { date, maxBodyBytes, headMs, bodyMs, onBug })
  return serveBounded({ idleMs: IDLE_MS, goodbyeMs: GOODBYE_MS, ...bounds }, service)
}
