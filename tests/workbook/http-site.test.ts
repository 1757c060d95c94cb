/** What chapter 17 gives to its learners: files, ranges, cookies, proxies, the API of accounts. */

import { once } from 'node:events'
import { mkdtempSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { Agent, request as ask, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { COST } from '../../solutions/14-accounts/passwords.ts'
import { DateText, encodeHead } from '../../solutions/17-http/answer-head.ts'
import { clientAddress } from '../../solutions/17-http/client-address.ts'
import { checkConditions, partOf } from '../../solutions/17-http/conditions.ts'
import { sessionCookieOf, setSessionCookie } from '../../solutions/17-http/cookies.ts'
import { HeaderFields, type HttpRequest } from '../../solutions/17-http/http-message.ts'
import { onlyFor } from '../../solutions/17-http/only-for.ts'
import { hasOrigin, originOf } from '../../solutions/17-http/origin.ts'
import { type SiteOptions, startServer } from '../../solutions/17-http/server.ts'
import { startServer as startWebSocketServer } from '../../solutions/18-websocket/server.ts'
import { readAnswers } from '../protocols/http.ts'

const folder = mkdtempSync(join(tmpdir(), 'workbook-http-'))
const PUBLIC = 'https://chat.example'
const OPTIONS: SiteOptions = {
  site: folder,
  passwordCost: { ...COST, ln: 4 },
  throttle: { firstDelayMs: 0 },
  trustedProxies: ['127.0.0.1'],
}
const BIG = Buffer.alloc(3_000_000, 'big file ')
let server: Awaited<ReturnType<typeof startServer>>
let secure: Awaited<ReturnType<typeof startServer>>

beforeAll(async () => {
  writeFileSync(join(folder, 'a.txt'), '0123456789')
  writeFileSync(join(folder, 'big.bin'), BIG)
  writeFileSync(join(folder, 'shrinks.bin'), BIG)
  server = await startServer(OPTIONS)
  secure = await startServer({ ...OPTIONS, publicUrl: PUBLIC })
})

afterAll(async () => {
  await Promise.all([server.close(), secure.close()])
  rmSync(folder, { recursive: true })
})

const url = (path: string) => `http://127.0.0.1:${server.port}${path}`

function requestOf(fields: Record<string, string | string[]>, address = '192.0.2.1'): HttpRequest {
  return {
    method: 'GET',
    target: '/',
    path: '/',
    query: '',
    version: '1.1',
    headers: HeaderFields.from(fields),
    body: new Uint8Array(),
    peer: { address, isSecure: false },
  }
}

test('a file has a type, a version, and comes whole', async () => {
  const response = await fetch(url('/a.txt'))
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8')
  expect(response.headers.get('x-content-type-options')).toBe('nosniff')
  expect(response.headers.get('content-security-policy')).not.toContain('unsafe')
  expect(await response.text()).toBe('0123456789')
  const etag = response.headers.get('etag')!
  const again = await fetch(url('/a.txt'), { headers: { 'If-None-Match': etag } })
  expect([again.status, await again.text()]).toEqual([304, ''])
  const big = await fetch(url('/big.bin'))
  expect(Buffer.from(await big.arrayBuffer()).equals(BIG)).toBe(true)
})

test.each([
  ['bytes=0-3', 206, '0123', 'bytes 0-3/10'],
  ['bytes=8-', 206, '89', 'bytes 8-9/10'],
  ['bytes=-2', 206, '89', 'bytes 8-9/10'],
  ['bytes=-20', 206, '0123456789', 'bytes 0-9/10'],
  ['bytes=5-500', 206, '56789', 'bytes 5-9/10'],
  ['bytes=10-', 416, '', 'bytes */10'],
  ['bytes=-0', 416, '', 'bytes */10'],
  ['bytes=3-2', 200, '0123456789', null],
  ['bytes=0-1,3-4', 200, '0123456789', null],
  ['bytes=-', 200, '0123456789', null],
  ['lines=0-3', 200, '0123456789', null],
])('Range: %s is answered with %i', async (range, status, body, part) => {
  const response = await fetch(url('/a.txt'), { headers: { Range: range } })
  expect([response.status, await response.text()]).toEqual([status, body])
  expect(response.headers.get('content-range')).toBe(part)
})

test('conditions are those of RFC 9110', () => {
  const version = { etag: '"v"', modifiedMs: Date.UTC(2026, 0, 1) + 500 }
  const check = (fields: Record<string, string>) =>
    checkConditions(HeaderFields.from(fields), version)
  const before = 'Wed, 31 Dec 2025 00:00:00 GMT'
  const same = 'Thu, 01 Jan 2026 00:00:00 GMT'
  expect(check({})).toBe(200)
  expect(check({ 'if-none-match': '"x", W/"v"' })).toBe(304)
  expect(check({ 'if-none-match': '*' })).toBe(304)
  expect(check({ 'if-none-match': '"x"', 'if-modified-since': same })).toBe(200)
  expect(check({ 'if-modified-since': same })).toBe(304)
  expect(check({ 'if-modified-since': before })).toBe(200)
  expect(check({ 'if-modified-since': 'yesterday' })).toBe(200)
  expect(check({ 'if-modified-since': '2027 GMT' })).toBe(200)
  expect(check({ 'if-modified-since': 'Thursday, 01-Jan-26 00:00:00 GMT' })).toBe(304)
  expect(check({ 'if-modified-since': 'Thu Jan  1 00:00:00 2026' })).toBe(304)
  expect(check({ 'if-modified-since': 'Wed Dec 31 23:59:59 2025' })).toBe(200)
  expect(check({ 'if-match': '"x"' })).toBe(412)
  expect(check({ 'if-match': '"x", "v"' })).toBe(200)
  expect(check({ 'if-match': 'W/"v"' })).toBe(412)
  expect(check({ 'if-unmodified-since': before })).toBe(412)
  expect(check({ 'if-unmodified-since': 'Wed Dec 31 23:59:59 2025' })).toBe(412)
  const range = { range: 'bytes=0-0', 'if-range': '"old"' }
  expect(partOf(HeaderFields.from(range), 10, version)).toBe('all')
})

test('a file from the future was modified no later than its answer is made', async () => {
  const future = new Date(Date.now() + 365 * 24 * 60 * 60 * 1_000)
  writeFileSync(join(folder, 'future.txt'), 'x')
  utimesSync(join(folder, 'future.txt'), future, future)
  const { headers } = await fetch(url('/future.txt'))
  const [modified, made] = ['last-modified', 'date'].map((name) => Date.parse(headers.get(name)!))
  expect(modified).toBeLessThanOrEqual(made)
})

test('a file that shrinks while it is sent ends the connection', async () => {
  const socket = connect(server.port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write('GET /shrinks.bin HTTP/1.1\r\nHost: a\r\n\r\nGET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n')
  let bytes = 0
  let text = ''
  for await (const chunk of socket) {
    if (bytes === 0) truncateSync(join(folder, 'shrinks.bin'), 1_000_000)
    bytes += (chunk as Buffer).length
    text = (chunk as Buffer).toString('latin1')
  }
  expect(bytes).toBeLessThan(BIG.length)
  expect(text).not.toContain('0123456789')
})

test.each([
  [417, 'Expect: x\r\n\r\n'],
  [413, 'Content-Length: 999999\r\n\r\n'],
  [400, 'Content-Length: 5\r\n\r\nhalf'],
  [400, 'Transfer-Encoding: chunked\r\n\r\nnonsense\r\n'],
])('HEAD gets no body with a %i either', async (status, rest) => {
  const socket = connect(server.port, '127.0.0.1')
  socket.end(`HEAD / HTTP/1.1\r\nHost: a\r\n${rest}`)
  let text = ''
  for await (const chunk of socket) text += chunk
  expect(text).toContain(`HTTP/1.1 ${status} `)
  expect(text.slice(text.indexOf('\r\n\r\n'))).toBe('\r\n\r\n')
})

test('methods that nobody knows, and those that are not for files', async () => {
  const statusOf = async (method: string) => (await fetch(url('/a.txt'), { method })).status
  expect(await statusOf('PUT')).toBe(405)
  expect(await statusOf('POST')).toBe(404)
  expect(await statusOf('BREW')).toBe(501)
  const options = await fetch(url('/a.txt'), { method: 'OPTIONS' })
  expect([options.status, options.headers.get('allow')]).toEqual([204, 'GET, HEAD, OPTIONS'])
})

test('Node’s own client keeps its connections, sends chunks, and waits for 100', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 2 })
  const post = (body: string, headers: Record<string, string>) =>
    new Promise<string>((resolve, reject) => {
      const sent = ask(
        url('/'),
        { agent, method: 'POST', headers },
        async (response: IncomingMessage) => {
          response.setEncoding('utf8')
          let text = ''
          for await (const chunk of response) text += chunk
          resolve(`${response.statusCode} ${text}`)
        },
      )
      sent.on('error', reject)
      if (!headers.Expect) return void sent.end(body)
      sent.on('continue', () => sent.end(body))
      sent.flushHeaders()
    })
  const before = server.stats().messages
  const chunked = { 'Transfer-Encoding': 'chunked' }
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, count) => post(`body ${count}`, count % 2 ? chunked : {})),
  )
  expect(answers).toEqual(Array.from({ length: 20 }, (_, count) => `200 body ${count}`))
  expect(await post('late', { Expect: '100-continue', 'Content-Length': '4' })).toBe('200 late')
  expect(server.stats().messages - before).toBe(21)
  expect(server.stats().connections).toBeLessThanOrEqual(6)
  agent.destroy()
})

test('whoever is one too many is told 503', async () => {
  const small = await startServer({ ...OPTIONS, maxConnections: 1 })
  const first = connect(small.port, '127.0.0.1')
  await once(first, 'connect')
  const second = connect(small.port, '127.0.0.1')
  let text = ''
  for await (const chunk of second) text += chunk
  expect(readAnswers(text).answers.map(({ status }) => status)).toEqual([503])
  first.destroy()
  await small.close()
})

test('a client has half a minute for its last answer, and no longer', async () => {
  let nowMs = 0
  const small = await startServer({ ...OPTIONS, clock: { now: () => nowMs } })
  const { port } = small
  const steady = connect({ port, host: '127.0.0.1' })
  // With each answer, the loop sees what the time is.
  const pass = async () => {
    steady.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await once(steady, 'data')
  }
  await pass()
  const late = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => {})
  late.write('GET /a.txt HTTP/1.0\r\n\r\n')
  await once(late.resume(), 'end')
  nowMs = 29_000
  for (let times = 0; times < 5; times++) await pass()
  expect(small.stats().connections).toBe(2)
  nowMs = 30_000
  await pass()
  await vi.waitFor(() => expect(small.stats().connections).toBe(1), { timeout: 10_000 })
  steady.end()
  await small.close()
})

test('accounts: register, log in, be somebody, log out', async () => {
  const origin = `http://127.0.0.1:${server.port}`
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    fetch(url(path), {
      method: 'POST',
      headers: { Origin: origin, 'Content-Type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
  const ada = { name: 'Ada', email: 'ada@example.org', password: 'correct horse' }
  const outcome = async (response: Response) => [
    response.status,
    ((await response.json()) as { code: string }).code,
  ]
  const made = await post('/api/accounts', ada)
  expect([made.status, await made.json()]).toEqual([201, { name: 'Ada' }])
  expect(await outcome(await post('/api/accounts', { ...ada, email: 'c@d' }))).toEqual([
    409,
    'name-taken',
  ])
  expect(await outcome(await post('/api/accounts', { ...ada, name: '!' }))).toEqual([
    400,
    'bad-name',
  ])
  expect(await outcome(await post('/api/accounts', '['))).toEqual([400, 'malformed'])
  expect(await outcome(await post('/api/login', { name: 'ada', password: 'wrong' }))).toEqual([
    401,
    'bad-login',
  ])
  const { name, password } = ada
  expect(
    await outcome(await post('/api/login', { name, password }, { Origin: 'http://evil.example' })),
  ).toEqual([403, 'bad-origin'])
  expect(
    await outcome(await post('/api/login', { name, password }, { 'Content-Type': 'text/plain' })),
  ).toEqual([415, 'malformed'])

  const login = await post('/api/login', { name, password })
  expect(login.status).toBe(200)
  expect(login.headers.get('cache-control')).toBe('no-store')
  const cookie = login.headers.get('set-cookie')!
  expect(cookie).toMatch(/^session=[\w-]{43}; HttpOnly; SameSite=Strict; Path=\/; Max-Age=\d+$/)
  const Cookie = cookie.split(';')[0]
  const me = await fetch(url('/api/me'), { headers: { Cookie } })
  expect(await me.json()).toEqual({ name: 'Ada' })
  const out = await post('/api/logout', {}, { Cookie })
  expect([out.status, out.headers.get('set-cookie')]).toEqual([
    204,
    expect.stringContaining('Max-Age=0'),
  ])
  expect(await outcome(await fetch(url('/api/me'), { headers: { Cookie } }))).toEqual([
    401,
    'no-session',
  ])
  expect((await fetch(url('/api/me'), { method: 'DELETE' })).status).toBe(405)
  expect((await fetch(url('/api/nothing'))).status).toBe(404)
})

test('with a public URL, only that host is served, and cookies are for TLS alone', async () => {
  const headers = { Host: 'chat.example', Origin: PUBLIC, 'Content-Type': 'application/json' }
  const say = async (
    method: string,
    path: string,
    body: string,
    fields: Record<string, string> = headers,
  ) => {
    const socket = connect(secure.port, '127.0.0.1')
    const lines = Object.entries(fields)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('')
    socket.write(
      `${method} ${path} HTTP/1.1\r\n${lines}Connection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    )
    let text = ''
    for await (const chunk of socket) text += chunk
    return readAnswers(text).answers[0]
  }
  expect((await say('GET', '/a.txt', '', { Host: 'evil.example' })).status).toBe(421)
  expect((await say('GET', '/a.txt', '', { Host: 'CHAT.example' })).status).toBe(200)
  const account = JSON.stringify({ name: 'bob', email: 'b@b', password: 'correct horse' })
  expect((await say('POST', '/api/accounts', account)).status).toBe(201)
  const login = await say('POST', '/api/login', account)
  expect(login.headers.get('set-cookie')).toMatch(/^__Host-session=.*; Secure$/)
})

test.each([
  [PUBLIC, { host: 'chat.example:443' }, '/', 200],
  [PUBLIC, { host: 'chat.example:80' }, '/', 421],
  ['http://chat.example', { host: 'chat.example:80' }, '/', 200],
  ['https://chat.example:8443', { host: 'chat.example:8443' }, '/', 200],
  ['https://chat.example:8443', { host: 'chat.example' }, '/', 421],
  [PUBLIC, {}, 'http://evil.example/', 421],
  [PUBLIC, {}, 'https://CHAT.example/', 200],
  [PUBLIC, {}, '/', 200],
])(
  'a server at %s that is asked for %o and %s says %i',
  async (publicUrl, fields, target, status) => {
    const handler = onlyFor(publicUrl, () => ({ status: 200 }))
    const answer = await handler({ ...requestOf({ ...fields }), version: '1.0', target })
    expect(answer.status).toBe(status)
  },
)

test.each([
  [17, startServer],
  [18, startWebSocketServer],
])('a server of %i with a wrong public URL leaves nothing open', async (_, start) => {
  const data = mkdtempSync(join(folder, 'data-'))
  const portsOpen = () =>
    process.getActiveResourcesInfo().filter((each) => each === 'MessagePort').length
  const before = portsOpen()
  await expect(start({ data, publicUrl: 'chat.example' })).rejects.toThrow('Invalid URL')
  expect(portsOpen()).toBe(before)
  const right = await start({ data })
  await right.close()
})

test('cookies and origins', () => {
  expect(sessionCookieOf(requestOf({ cookie: 'a=b; session=x=y; c=d' }))).toBe('x=y')
  expect(sessionCookieOf(requestOf({ cookie: ['a=b', 'session=x'] }))).toBe('x')
  expect(sessionCookieOf(requestOf({ cookie: 'notsession=x' }))).toBeUndefined()
  expect(sessionCookieOf(requestOf({ cookie: 'session=x' }), true)).toBeUndefined()
  expect(sessionCookieOf(requestOf({ cookie: '__Host-session=x' }), true)).toBe('x')
  expect(setSessionCookie('t', true)).toContain('; Secure')
  expect(originOf('https://a.example:443/path')).toBe('https://a.example')
  expect(hasOrigin(requestOf({ origin: 'https://a.example' }), ['https://a.example'])).toBe(true)
  expect(hasOrigin(requestOf({ origin: 'https://a.example.evil' }), ['https://a.example'])).toBe(
    false,
  )
  expect(hasOrigin(requestOf({ origin: 'null' }), ['https://a.example'])).toBe(false)
  expect(hasOrigin(requestOf({}), ['https://a.example'])).toBe(false)
})

test.each([
  ['192.0.2.1', undefined, '192.0.2.1'],
  ['192.0.2.1', '198.51.100.7', '192.0.2.1'],
  ['10.0.0.1', '198.51.100.7', '198.51.100.7'],
  ['::ffff:10.0.0.1', '198.51.100.7', '198.51.100.7'],
  ['10.0.0.1', '203.0.113.9, 198.51.100.7', '198.51.100.7'],
  ['10.0.0.1', '203.0.113.9, 198.51.100.7, 10.0.0.2', '198.51.100.7'],
  ['10.0.0.1', '10.0.0.2', '10.0.0.2'],
  ['10.0.0.1', 'nonsense', '10.0.0.1'],
  ['10.0.0.1', '', '10.0.0.1'],
  ['10.0.0.1', '2001:db8::1', '2001:db8::1'],
])('from %s, with X-Forwarded-For: %s, it is %s', (address, forwarded, client) => {
  const request = requestOf(
    forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
    address,
  )
  expect(clientAddress(request, ['10.0.0.1', '10.0.0.2'])).toBe(client)
})

test('an answer cannot be split, and the date is made once a second', () => {
  expect(() => encodeHead({ status: 200, headers: { X: 'a\r\nB: c' } }, '', 0, 'keep')).toThrow(
    TypeError,
  )
  let now = 0
  const date = new DateText(() => now)
  expect(date.get()).toBe('Thu, 01 Jan 1970 00:00:00 GMT')
  now = 999
  expect(date.get()).toBe('Thu, 01 Jan 1970 00:00:00 GMT')
  now = 1_000
  expect(date.get()).toBe('Thu, 01 Jan 1970 00:00:01 GMT')
})
