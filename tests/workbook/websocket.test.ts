/** Chapter 18 with clients that others have written, and with thousands of them. */

import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import type { Connection } from '../../solutions/07-event-loop/connection.ts'
import { TimerQueue } from '../../solutions/08-timers/timer-queue.ts'
import { WebSocketProtocol } from '../../solutions/18-websocket/websocket.ts'
import { dialMany } from '../harness/crowd.ts'
import type { HostedServer } from '../harness/hosted-server.ts'
import { dismissSpareHost, hostServer } from '../judge/host.ts'
import { SOLUTION } from '../judge/workbook.ts'
import { hasPeer, requirePeer } from '../maintainers/peers.ts'
import {
  clientFrame,
  clientText,
  describeFrame,
  type Fields,
  parseServerFrames,
  upgradeRequest,
} from '../protocols/websocket.ts'

const CHAPTER = '18-websocket'
const MEBIBYTE = 1024 * 1024

afterAll(dismissSpareHost)

/** What `ws` and undici have of a browser's WebSocket. */
interface Client {
  binaryType: string
  onopen: (() => void) | null
  onerror: ((event: unknown) => void) | null
  onmessage: ((event: { data: string | ArrayBuffer }) => void) | null
  onclose: ((event: { code: number; wasClean: boolean }) => void) | null
  readonly protocol: string
  readonly extensions: string
  send(data: string | Uint8Array): void
  close(code?: number, reason?: string): void
}

type ClientClass = new (url: string, protocols?: string) => Client

const CLIENTS: [string, () => ClientClass][] = [
  ['ws', () => requirePeer('ws').WebSocket],
  ['undici', () => requirePeer('undici').WebSocket],
]

for (const [name, load] of CLIENTS) {
  test.skipIf(!hasPeer(name))(
    `${name} gets its messages back, whatever they are, and a clean close (npm run peers installs it)`,
    async () => {
      await withServer(async (server) => {
        const client = new (load())(`ws://127.0.0.1:${server.port}/echo`)
        client.binaryType = 'arraybuffer'
        const heard: string[] = []
        const { promise: closed, resolve } = Promise.withResolvers<object>()
        client.onclose = ({ code, wasClean }) => resolve({ code, wasClean })
        await opened(client)
        expect(client.extensions).toBe('')
        const said = ['', 'hello', 'é🍰'.repeat(40_000), 'x'.repeat(125), 'y'.repeat(126)]
        const { promise: all, resolve: haveAll } = Promise.withResolvers<void>()
        client.onmessage = ({ data }) => {
          heard.push(typeof data === 'string' ? data : `${data.byteLength} bytes`)
          if (heard.length === said.length + 2) haveAll()
        }
        for (const text of said) client.send(text)
        client.send(new Uint8Array(0))
        client.send(new Uint8Array(3 * MEBIBYTE))
        await all
        expect(heard).toEqual([...said, '0 bytes', `${3 * MEBIBYTE} bytes`])
        client.close(3001, 'enough')
        expect(await closed).toEqual({ code: 3001, wasClean: true })
      })
    },
  )

  test.skipIf(!hasPeer(name))(
    `${name} agrees on chat.v1, and hears why a server ends (npm run peers installs it)`,
    async () => {
      await withServer(async (server) => {
        const client = new (load())(`ws://127.0.0.1:${server.port}/chat`, 'chat.v1')
        const { promise: closed, resolve } = Promise.withResolvers<object>()
        client.onclose = ({ code, wasClean }) => resolve({ code, wasClean })
        await opened(client)
        expect(client.protocol).toBe('chat.v1')
        server.beginClose()
        expect(await closed).toEqual({ code: 1001, wasClean: true })
        await server.expectClosed({ because: 'It was asked to.' })
      })
    },
  )
}

test('a WebSocket that says nothing is asked whether it is there, and leaves no timer behind', () => {
  const clock = { nowMs: 0, now: () => clock.nowMs }
  const timers = new TimerQueue(clock)
  const sent: string[] = []
  const connection = {
    isOpen: true,
    isReading: true,
    queuedBytes: 0,
    heard() {},
    send: (bytes: Uint8Array) => sent.push(...parseServerFrames(bytes).frames.map(describeFrame)),
  }
  const socket = new WebSocketProtocol(
    connection as unknown as Connection,
    { onMessage() {} },
    { heartbeat: { timers, everyMs: 1_000 } },
  )
  const pass = (ms: number) => {
    clock.nowMs += ms
    timers.runDue()
    return sent.splice(0)
  }
  expect(pass(999)).toEqual([])
  expect(pass(1)).toEqual(['ping ""'])
  socket.onBytes(clientFrame('pong'))
  expect(pass(900)).toEqual([])
  socket.onBytes(clientText('here'))
  expect(pass(900)).toEqual([])
  expect(pass(100)).toEqual(['ping ""'])
  expect(pass(1_000)).toEqual(['ping ""'])
  socket.onClose('lost')
  expect(timers.size).toBe(0)
})

test('the cookie of a handshake logs in, from our own page and from no other', async () => {
  await withServer(async (server) => {
    const ours = `http://127.0.0.1:${server.port}`
    const ask = (path: string, body: object) =>
      fetch(`${ours}${path}`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Origin: ours },
        body: JSON.stringify(body),
      })
    const account = { name: 'ada', email: 'ada@example.org', password: 'correct horse battery' }
    expect((await ask('/api/accounts', account)).status).toBe(201)
    const login = await ask('/api/login', account)
    const [Cookie] = login.headers.getSetCookie()[0].split(';')
    const hello = (fields: Fields) => sayHello(server.port, fields)
    expect(await hello({ Cookie, Origin: ours })).toMatchObject({ type: 'welcome', name: 'ada' })
    expect(await hello({ Cookie })).toMatchObject({ code: 'no-session' })
    expect(await hello({ Origin: ours })).toMatchObject({ code: 'no-session' })
    expect(await hello({ Cookie, Origin: 'https://evil.example' })).toContain('HTTP/1.1 403')
  })
})

test('5,000 WebSockets are held while 50 talk, and those who never read cost little', async () => {
  await withServer(async (server) => {
    const crowd: Socket[] = []
    try {
      crowd.push(...(await openMany(server.port, 5_000)))
      const before = await server.heldBytes()
      const deaf = crowd.slice(0, 20)
      for (const socket of deaf) socket.pause()
      const large = clientFrame('binary', new Uint8Array(MEBIBYTE))
      for (const socket of deaf) for (let time = 0; time < 20; time++) socket.write(large)
      const talkers = await openMany(server.port, 50)
      crowd.push(...talkers)
      await Promise.all(talkers.map((socket, place) => talk(socket, `talker ${place}`, 50)))
      const grownBytes = (await server.heldBytes()) - before
      // For each of the deaf: what it has begun to send, and the echo that it does not take.
      expect(grownBytes / MEBIBYTE).toBeLessThan(20 * 4)
      expect(await server.connections()).toBe(5_050)
    } finally {
      for (const socket of crowd) socket.resetAndDestroy()
    }
    for (let look = 0; (await server.connections()) > 0; look++) {
      expect(look).toBeLessThan(200)
      await sleep(10)
    }
    server.beginClose()
    await server.expectClosed({ because: 'All have gone.' })
    await server.expectNothingLeft({ because: 'All have gone.' })
  })
})

async function withServer(body: (server: HostedServer) => Promise<void>): Promise<void> {
  const server = await hostServer(SOLUTION, CHAPTER, {
    options: { graceMs: 500, passwordCost: { ln: 4, r: 8, p: 1 } },
  })
  try {
    await body(server)
  } finally {
    await server.kill()
  }
}

/** Says hello on /chat. Resolves with the answer, or with the head that refuses the handshake. */
async function sayHello(port: number, fields: Fields): Promise<unknown> {
  const [socket] = await dialMany(port, 1)
  try {
    socket.write(upgradeRequest('/chat', port, fields))
    socket.write(clientText(JSON.stringify({ id: 1, type: 'hello', version: 1 })))
    let received = Buffer.alloc(0)
    for await (const chunk of socket) {
      received = Buffer.concat([received, chunk as Buffer])
      const end = received.indexOf('\r\n\r\n') + 4
      if (end < 4) continue
      if (!received.toString().startsWith('HTTP/1.1 101')) return received.toString()
      const [frame] = parseServerFrames(received.subarray(end)).frames
      if (frame) return JSON.parse(frame.payload.toString())
    }
    throw new Error('the connection has ended')
  } finally {
    socket.destroy()
  }
}

function opened(client: Client): Promise<void> {
  return new Promise((resolve, reject) => {
    client.onopen = () => resolve()
    client.onerror = () => reject(new Error('the handshake has failed'))
  })
}

/** WebSockets on /echo, a hundred at a time. */
async function openMany(port: number, count: number): Promise<Socket[]> {
  const sockets = await dialMany(port, count)
  await Promise.all(
    sockets.map(
      (socket) =>
        new Promise((resolve, reject) => {
          socket.once('data', resolve)
          socket.once('close', () => reject(new Error('lost')))
          socket.write(upgradeRequest('/echo', port))
        }),
    ),
  )
  return sockets
}

/** So many round trips. */
function talk(socket: Socket, text: string, count: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let rest: Uint8Array = new Uint8Array()
    let heard = 0
    socket.on('data', (chunk: Buffer) => {
      const parsed = parseServerFrames(Buffer.concat([rest, chunk]))
      rest = parsed.rest
      for (const frame of parsed.frames) {
        heard += 1
        if (describeFrame(frame) !== `text "${text}"`) reject(new Error(describeFrame(frame)))
      }
      if (heard === count) resolve()
      else if (parsed.frames.length > 0) socket.write(clientText(text))
    })
    socket.once('close', () => reject(new Error('lost')))
    socket.write(clientText(text))
  })
}
