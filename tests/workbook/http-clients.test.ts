/**
 * Chapter 17's server with clients that others have written: curl, undici, autocannon. Each of them goes without leaving
 * anything behind.
 */

import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { HostedServer } from '../harness/hosted-server.ts'
import { dismissSpareHost, hostServer } from '../judge/host.ts'
import { SOLUTION } from '../judge/workbook.ts'
import { hasPeer, requirePeer } from '../maintainers/peers.ts'
import { needsProgram } from '../maintainers/programs.ts'

const MEBIBYTE = 1024 * 1024
const MAX_BODY_BYTES = 4 * MEBIBYTE
const BIG = Buffer.alloc(3 * MEBIBYTE, 'a body over a mebibyte, ')

const LENGTH = 'Content-Length: 1'
const LONG = 'a'.repeat(20_000)

const folder = mkdtempSync(join(tmpdir(), 'workbook-http-clients-'))
const file = (name: string) => join(folder, name)

let server: HostedServer
let url: string

beforeAll(async () => {
  writeFileSync(file('big'), BIG)
  writeFileSync(file('too-big'), Buffer.alloc(MAX_BODY_BYTES + 1))
  server = await hostServer(SOLUTION, '17-http', {
    options: { maxBodyBytes: MAX_BODY_BYTES, passwordCost: { ln: 4, r: 8, p: 1 } },
  })
  url = `http://127.0.0.1:${server.port}`
})

afterEach(async () => {
  await server.expectEventually('no connection, no timer and no bytes to be left', lookForNobody, {
    because: 'The client has gone.',
  })
})

afterAll(async () => {
  server.beginClose()
  await server.expectClosed({ because: 'Nobody is there.' })
  await server.expectNothingLeft({ because: 'Nobody is there.' })
  await server.kill()
  await dismissSpareHost()
  rmSync(folder, { recursive: true })
})

describe('curl', () => {
  beforeEach((context) => needsProgram(context, 'curl'))

  test('keeps its connection for another URL, in 1.1 and, if it says so, in 1.0', async () => {
    const both = ['-o', file('second'), `${url}/`, `${url}/server.ts`]
    expect(await outcomes(both)).toBe('200 1 200 0 ')
    expect(await outcomes(['--http1.0', '-H', 'Connection: keep-alive', ...both])).toBe(
      '200 1 200 0 ',
    )
    expect(await outcomes(['--http1.0', ...both])).toBe('200 1 200 1 ')
    expect(readFileSync(file('second'), 'utf8')).toMatch(/^\/\*\* /)
  })

  test('gets a head alone, a part of a file, and nothing that it has already', async () => {
    const head = await curl(['-I', `${url}/`])
    expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(head).toMatch(/\r\nContent-Length: [1-9]\d*\r\n\r\n$/)
    expect(await curl(['-r', '0-2', `${url}/server.ts`])).toBe('/**')
    const tag = file('etag')
    expect(await outcomes(['--etag-save', tag, `${url}/server.ts`])).toBe('200 1 ')
    expect(await outcomes(['--etag-compare', tag, `${url}/server.ts`])).toBe('304 1 ')
    expect(await outcomes(['-X', 'OPTIONS', '--request-target', '*', url])).toBe('204 1 ')
    expect(await outcomes(['--request-target', `${url}/server.ts`, url])).toBe('200 1 ')
  })

  test.each([
    [404, 'what is not there', ['/nothing']],
    [404, 'a slash in disguise', ['/..%2fserver.ts']],
    [404, 'what lies above', ['--path-as-is', '/../server.ts']],
    [405, 'a method that is not for a page', ['-X', 'DELETE', '/']],
    [501, 'a method that nobody knows', ['-X', 'BREW', '/']],
    [400, 'a method that is no word', ['-X', 'B@D', '/']],
    [400, 'a field with a space in its name', ['-H', 'Bad Name: x', '/']],
    [400, 'a request without a host', ['-H', 'Host:', '/']],
    [
      400,
      'a body with two lengths',
      ['-H', 'Transfer-Encoding: chunked', '-H', LENGTH, '-d', 'x', '/'],
    ],
    [501, 'a coding', ['-H', 'Transfer-Encoding: gzip', '-H', 'Content-Length:', '-d', 'x', '/']],
    [417, 'an expectation', ['-H', 'Expect: more', '-d', 'x', '/']],
    [414, 'a long path', [`/${LONG}`]],
    [431, 'a long field', ['-H', `X: ${LONG}`, '/']],
  ])('is told %i: %s', async (status, _, args) => {
    const path = args.at(-1)
    expect(await outcomes([...args.slice(0, -1), `${url}${path}`])).toBe(`${status} 1 `)
  })

  test('is told what is wrong with bytes that are no request', async () => {
    const answer = run('curl', [...QUIETLY, `telnet://127.0.0.1:${server.port}`])
    answer.child.stdin!.end('HELLO\r\n\r\n')
    expect((await answer).stdout).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/)
  })

  test('sends 3 MiB when it is told to go on, and gets them back', async () => {
    const sent = ['-v', '--data-binary', `@${file('big')}`, '-o', file('back'), `${url}/`]
    const { stderr } = await run('curl', [...QUIETLY, ...sent])
    expect(stderr).toMatch(
      /> Expect: 100-continue.*< HTTP\/1\.1 100 Continue.*< HTTP\/1\.1 200 OK/s,
    )
    expect(readFileSync(file('back')).equals(BIG)).toBe(true)
  })

  test('sends 3 MiB in chunks, whose number it does not say, and gets them back', async () => {
    const post = ['-X', 'POST', '-T', '-', '-o', file('back'), `${url}/`]
    const sent = run('curl', [...QUIETLY, ...post])
    sent.child.stdin!.end(BIG)
    await sent
    expect(readFileSync(file('back')).equals(BIG)).toBe(true)
  })

  test.each([
    ['and does not send it', ['--data-binary', `@${file('too-big')}`]],
    ['while it sends it', ['-H', 'Expect:', '--data-binary', `@${file('too-big')}`]],
    [
      'while it sends it in chunks',
      ['-X', 'POST', '-H', 'Expect:', '-T', file('too-big'), '-H', 'Transfer-Encoding: chunked'],
    ],
  ])('reads that a body is too large, %s', async (_, args) => {
    const answer = await curl(['-w', ' %{http_code}', ...args, `${url}/`])
    expect(answer).toBe(`A body has ${MAX_BODY_BYTES} bytes at most.\n 413`)
  })
})

describe.skipIf(!hasPeer('undici'))('undici (npm run peers installs it)', () => {
  test('has ten requests under way, fast ones behind slow ones, and gets the answers in order', async () => {
    await withClient({ pipelining: 10 }, async (client) => {
      const answered: number[] = []
      let mostUnderWay = 0
      const ask = async (place: number) => {
        const [path, wanted] = PLACES[place % PLACES.length]
        const echo = { method: 'POST', body: `body ${place}`, idempotent: true }
        const request = { path, blocking: false, ...(wanted ? { method: 'GET' } : echo) }
        const response = await client.request(request)
        answered.push(place)
        mostUnderWay = Math.max(mostUnderWay, client.stats.running)
        expect(await response.body.text()).toContain(wanted ?? `body ${place}`)
      }
      await Promise.all(Array.from({ length: 1_000 }, (_, place) => ask(place)))
      expect(answered).toEqual(Array.from({ length: 1_000 }, (_, place) => place))
      expect(mostUnderWay).toBe(10)
    })
  })

  test('sends a body of which it does not know the length, while it is made', async () => {
    await withClient({}, async (client) => {
      const pieces = Array.from({ length: 200 }, (_, place) => `piece ${place} `.repeat(place))
      async function* made() {
        for (const piece of pieces) {
          if (piece === pieces[100]) await server.roundTrip()
          yield Buffer.from(piece)
        }
      }
      const response = await client.request({ path: '/', method: 'POST', body: made() })
      expect(await response.body.text()).toBe(pieces.join(''))
    })
  })

  test.each([
    ['in chunks', {}],
    ['of 5,000 bytes', { 'content-length': '5000' }],
  ])(
    'leaves in the middle of a body %s: no answer, and the next one is served',
    async (_, headers) => {
      const before = await stats()
      await withClient({}, async (client) => {
        const leaving = new AbortController()
        async function* half() {
          yield Buffer.alloc(1_000)
          await server.expectEventually('the deadline of a body', lookForBody, {
            because: 'The first half has come.',
          })
          leaving.abort()
        }
        const request = { path: '/', method: 'POST', headers, body: half(), signal: leaving.signal }
        await expect(client.request(request)).rejects.toThrow('aborted')
        const next = await client.request({ path: '/', method: 'GET' })
        expect([next.statusCode, await next.body.text()]).toEqual([
          200,
          expect.stringContaining('html'),
        ])
      })
      expect((await stats()).messages - before.messages).toBe(1)
    },
  )
})

describe.skipIf(!hasPeer('autocannon'))('autocannon (npm run peers installs it)', () => {
  test('asks 10,000 times on 50 connections, ten at a time, and leaves with answers under way', async () => {
    const [amount, connections, pipelining] = [10_000, 50, 10]
    const before = await stats()
    const result = await requirePeer('autocannon')({
      url,
      amount,
      connections,
      pipelining,
      timeout: 60,
    })
    const { errors, timeouts, mismatches, resets, non2xx, requests } = result
    expect({ errors, timeouts, mismatches, resets, non2xx }).toEqual({
      errors: 0,
      timeouts: 0,
      mismatches: 0,
      resets: 0,
      non2xx: 0,
    })
    expect(requests.sent).toBe(amount)
    // It ends a connection when the last request is sent, with up to nine answers under way.
    expect(result['2xx']).toBeGreaterThanOrEqual(amount - connections * (pipelining - 1))
    expect((await stats()).messages - before.messages).toBeGreaterThanOrEqual(result['2xx'])
  })
})

/** Answered at once, from a file, and by a promise; each with something that only its answer has. */
const PLACES: [path: string, wanted?: string][] = [
  ['/'],
  ['/server.ts', 'startServer'],
  ['/api/me', 'no-session'],
  ['/', 'html'],
]

/** What undici's `Client` is for these tests. */
interface UndiciClient {
  readonly stats: { running: number }
  request(what: object): Promise<{ statusCode: number; body: { text(): Promise<string> } }>
  destroy(): Promise<void>
}

async function withClient(
  options: object,
  body: (client: UndiciClient) => Promise<void>,
): Promise<void> {
  const client = new (requirePeer('undici').Client)(url, options)
  try {
    await body(client)
  } finally {
    await client.destroy()
  }
}

const run = promisify(execFile)

const QUIETLY = ['-sS', '--max-time', '60']

/** Resolves with what curl prints. */
async function curl(args: string[]): Promise<string> {
  return (await run('curl', [...QUIETLY, ...args])).stdout
}

/** The status of each answer that curl gets, and how many connections it has opened for it. */
function outcomes(args: string[]): Promise<string> {
  return curl(['-o', file('first'), '-w', '%{http_code} %{num_connects} ', ...args])
}

interface Stats {
  connections: number
  timers: number
  queuedBytes: number
  messages: number
}

function stats(): Promise<Stats> {
  return server.call<Stats>('stats')
}

async function lookForNobody() {
  const { connections, timers, queuedBytes } = await stats()
  const received = `${connections} connections, ${timers} timers, ${queuedBytes} bytes`
  return { holds: connections + timers + queuedBytes === 0, received }
}

/** Between two requests it would be the 60 seconds of silence. */
async function lookForBody() {
  const nextMs = await server.msToNextTimer()
  return { holds: nextMs <= 30_000, received: `the next timer in ${nextMs} ms` }
}
