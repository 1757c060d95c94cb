/**
 * The third door, for programs that look after the server: how it is, and what it has counted.
 *
 *     /health/live     200 as long as we answer; a supervisor that restarts us asks
 *     /health/ready    200, or 503 and why not; a load balancer asks
 *     /metrics         for Prometheus
 *
 * It reveals a lot about us, so it listens on the loopback interface unless it is told otherwise. There it answers only
 * requests to an address or to `localhost`: a stranger's page whose name points to our address gets nothing (DNS
 * rebinding). Elsewhere it cannot know by which names it is asked: in a container that may be `http://chat:9019`.
 */

import { isIP } from 'node:net'
import type { HttpAnswer, HttpHandler } from '../17-http/http-message.ts'
import { formatMetrics, METRICS_TYPE, type Metric } from './text-format.ts'

export interface LookoutOptions {
  /** Where we listen. */
  host: string
  /** Why nobody should be sent to us now; `undefined` when all is well. */
  whyNotReady(): string | undefined
  metrics(): Metric[]
}

export function lookoutHandler({ host, whyNotReady, metrics }: LookoutOptions): HttpHandler {
  const isLocal = /^(127\.[\d.]+|::1|localhost)$/.test(host)
  const answers: Record<string, () => HttpAnswer> = {
    '/health/live': () => text(200, 'alive'),
    '/health/ready'() {
      const why = whyNotReady()
      return why === undefined ? text(200, 'ready') : text(503, why)
    },
    '/metrics': () => ({
      status: 200,
      headers: { 'Content-Type': METRICS_TYPE, 'Cache-Control': 'no-store' },
      body: formatMetrics(metrics()),
    }),
  }
  return ({ method, path, headers }) => {
    if (isLocal && !isTrusted(headers.get('host')))
      return text(421, 'The host has to be an address, or localhost.')
    if (!Object.hasOwn(answers, path))
      return text(404, 'There is /metrics, /health/live and /health/ready.')
    if (method !== 'GET' && method !== 'HEAD')
      return { ...text(405, 'GET it.'), headers: { Allow: 'GET, HEAD' } }
    return answers[path]()
  }
}

/** An address, or `localhost`: nobody can point those to us. A request in HTTP/1.0 may name no host. */
function isTrusted(host: string | undefined): boolean {
  if (host === undefined) return true
  const { hostname = '' } = URL.parse(`http://${host}`) ?? {}
  return hostname === 'localhost' || isIP(hostname.replace(/^\[|\]$/g, '')) !== 0
}

function text(status: number, sentence: string): HttpAnswer {
  const headers = { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store' }
  return { status, headers, body: `${sentence}\n` }
}
