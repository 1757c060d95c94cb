/**
 * Accounts over HTTP, for our own pages.
 *
 *     POST /api/accounts {name, email, password}   201 {name}
 *     POST /api/login    {name, password}          200 {name}, and the cookie
 *     POST /api/logout                             204, and the cookie is gone
 *     GET  /api/me                                 200 {name}, or 401
 *
 * Errors are answered with `{code, text, seconds?}`, in the codes of chapter 13. A browser may send the cookie along
 * whichever page makes the request. So a request that changes something has to come from a page of ours (`Origin`), as
 * JSON, which no form of another page can send.
 */

import { isUtf8 } from 'node:buffer'
import type { Code, Refusal } from '../13-rooms/codes.ts'
import type { Fields } from '../13-rooms/fields.ts'
import { parseObject } from '../13-rooms/protocol.ts'
import {
  ACCOUNT_REQUESTS,
  type LoginRequest,
  type RegisterRequest,
} from '../14-accounts/account-requests.ts'
import type { AccountServices } from '../14-accounts/account-services.ts'
import { BUSY, isBusy, logIn, register } from '../14-accounts/log-in.ts'
import { sessionIdOf } from '../14-accounts/sessions.ts'
import { clientAddress } from './client-address.ts'
import { clearSessionCookie, sessionCookieOf, setSessionCookie } from './cookies.ts'
import type { HttpAnswer, HttpHandler, HttpRequest } from './http-message.ts'
import { answerMethod } from './methods.ts'
import { hasOrigin } from './origin.ts'
import { SITE_HEADERS } from './site-headers.ts'

export interface ApiOptions {
  /** Where our pages come from: `'https://chat.example'`. */
  origins: readonly string[]
  /** Whether browsers reach us over TLS, be it our own or a proxy's. */
  isSecure: boolean
  /** Addresses of proxies whose `X-Forwarded-For` counts. */
  trustedProxies: readonly string[]
}

interface Call {
  request: HttpRequest
  services: AccountServices
  options: ApiOptions
  address: string
  body: Record<string, unknown>
}

interface Endpoint {
  method: 'GET' | 'POST'
  fields: Fields
  run(call: Call): Promise<HttpAnswer>
}

const { name, email, password } = ACCOUNT_REQUESTS.register

const ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  '/api/accounts': {
    method: 'POST',
    fields: { name, email, password },
    async run({ services, body, address }) {
      const outcome = await register(services, body as unknown as RegisterRequest, address)
      if (outcome.kind === 'refused') return refusal(outcome.refusal)
      return json(201, { name: outcome.account.name })
    },
  },
  '/api/login': {
    method: 'POST',
    fields: { name: ACCOUNT_REQUESTS.login.name, password: ACCOUNT_REQUESTS.login.password },
    async run({ services, body, address, options }) {
      const outcome = await logIn(services, body as unknown as LoginRequest, address)
      if (outcome.kind === 'refused') return refusal(outcome.refusal)
      const cookie = setSessionCookie(outcome.token, options.isSecure)
      return json(200, { name: outcome.account.name }, { 'Set-Cookie': cookie })
    },
  },
  '/api/logout': {
    method: 'POST',
    fields: {},
    async run({ request, services, options }) {
      const token = sessionCookieOf(request, options.isSecure)
      if (token) {
        const sessionId = sessionIdOf(token)
        await services.sessions.end(sessionId)
        services.live.end([sessionId])
      }
      const headers = { ...NOT_KEPT, 'Set-Cookie': clearSessionCookie(options.isSecure) }
      return { status: 204, headers }
    },
  },
  '/api/me': {
    method: 'GET',
    fields: {},
    async run({ request, services, options }) {
      const token = sessionCookieOf(request, options.isSecure)
      const session = token ? await services.sessions.use(sessionIdOf(token)) : undefined
      const account = session && (await services.accounts.get(session.accountId))
      if (!account) return refusal({ code: 'no-session', text: 'Nobody is logged in.' })
      return json(200, { name: account.name })
    },
  },
}

/** Answers everything below `/api/`. */
export function chatApi(services: AccountServices, options: ApiOptions): HttpHandler {
  return async (request) => {
    const endpoint = Object.hasOwn(ENDPOINTS, request.path) ? ENDPOINTS[request.path] : undefined
    if (!endpoint) return json(404, { code: 'unknown-type', text: 'There is no such thing.' })
    if (request.method !== endpoint.method) return answerMethod(request, [endpoint.method])
    const read = readBody(request, endpoint, options)
    if (read.kind === 'wrong') return read.answer
    const address = clientAddress(request, options.trustedProxies)
    try {
      return await endpoint.run({ request, services, options, address, body: read.body })
    } catch (error) {
      if (isBusy(error)) return refusal({ ...BUSY, seconds: 1 })
      throw error
    }
  }
}

type Read = { kind: 'body'; body: Record<string, unknown> } | { kind: 'wrong'; answer: HttpAnswer }

/** The fields of a request that changes something, if it comes from a page of ours and every field is right. */
function readBody(request: HttpRequest, { method, fields }: Endpoint, options: ApiOptions): Read {
  if (method === 'GET') return { kind: 'body', body: {} }
  if (!hasOrigin(request, options.origins)) return { kind: 'wrong', answer: OTHER_ORIGIN }
  const type = request.headers.get('content-type')?.split(';')[0].trim().toLowerCase()
  if (type !== 'application/json') return { kind: 'wrong', answer: NO_JSON }
  const body = isUtf8(request.body) ? parseObject(Buffer.from(request.body).toString()) : undefined
  if (!body) return { kind: 'wrong', answer: MALFORMED }
  for (const [field, rule] of Object.entries(fields)) {
    const wrong = rule(body[field], field)
    if (wrong) return { kind: 'wrong', answer: refusal(wrong) }
  }
  return { kind: 'body', body }
}

/** An answer may hold a name or a cookie, so no cache may keep it. */
const NOT_KEPT = { ...SITE_HEADERS, 'Cache-Control': 'no-store' }

const OTHER_ORIGIN = json(403, { code: 'bad-origin', text: 'This is for pages of this server.' })
const NO_JSON = json(415, { code: 'malformed', text: 'A request is application/json.' })
const MALFORMED = json(400, { code: 'malformed', text: 'A request is a JSON object.' })

const STATUSES: Partial<Record<Code, number>> = {
  'name-taken': 409,
  'email-taken': 409,
  'bad-login': 401,
  'no-session': 401,
  'try-later': 429,
  busy: 503,
}

function refusal({ code, text, seconds }: Refusal): HttpAnswer {
  const retry: Record<string, string> = seconds ? { 'Retry-After': String(seconds) } : {}
  return json(STATUSES[code] ?? 400, { code, text, seconds }, retry)
}

function json(status: number, value: object, headers: Record<string, string> = {}): HttpAnswer {
  const all = { ...NOT_KEPT, 'Content-Type': 'application/json', ...headers }
  return { status, headers: all, body: `${JSON.stringify(value)}\n` }
}
