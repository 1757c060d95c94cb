/** What chapter 16 gives to its learners: a client's connection on Node. */

import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import type { Address } from '../../solutions/16-client/addresses.ts'
import { connectOverTcp } from '../../solutions/16-client/tcp-link.ts'
import { frame } from '../protocols/frames.ts'
import { uncaughtDuring } from '../worlds/uncaught-errors.ts'

const servers: Server[] = []

afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

/** A server on 127.0.0.1 alone, and what it has received. */
async function listen(onConnection: (socket: Socket) => void): Promise<number> {
  const server = createServer(onConnection)
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as { port: number }).port
}

/** Opens a link, and collects what it tells. */
function open(port: number, addresses: Address[]) {
  const told: string[] = []
  let onNews = () => {}
  const tell = (text: string) => {
    told.push(text)
    onNews()
  }
  const resolve = async () => addresses
  const link = connectOverTcp({ host: 'chat.example', port, resolve })({
    onOpen: () => tell('open'),
    onText: tell,
    onClose: () => tell('closed'),
  })
  const until = async (count: number) => {
    while (told.length < count) await new Promise<void>((done) => (onNews = done))
    return told
  }
  return { link, told, until }
}

const NOBODY: Address = { address: '::1', family: 6 }
const SERVER: Address = { address: '127.0.0.1', family: 4 }

test('the second address is used where nobody listens at the first, and texts go as frames', async () => {
  const port = await listen((socket) => {
    socket.once('data', (received: Buffer) => {
      const answer = Buffer.concat([frame('früh'), frame(received.subarray(4))])
      for (const byte of answer) socket.write(Uint8Array.of(byte))
      socket.end()
    })
  })
  const { link, until } = open(port, [NOBODY, SERVER])
  await until(1)
  link.send('hello')
  expect(await until(4)).toEqual(['open', 'früh', 'hello', 'closed'])
})

test('without an address that answers it is closed, once', async () => {
  const port = await listen(() => {})
  servers.pop()?.close()
  expect(await open(port, [SERVER]).until(1)).toEqual(['closed'])
  expect(await open(port, []).until(1)).toEqual(['closed'])
})

test('a link that was closed tells nothing more, at whatever moment that was', async () => {
  const gone = Promise.withResolvers<void>()
  const port = await listen((socket) => {
    socket.on('error', () => {})
    socket.on('close', () => gone.resolve())
    socket.write(frame('welcome'))
  })
  const early = open(port, [SERVER])
  early.link.close()
  const late = open(port, [SERVER])
  await late.until(1)
  late.link.close()
  await gone.promise
  expect([early.told, late.told]).toEqual([[], ['open']])
})

test('what the application throws when the link opens is thrown on, and is not a lost connection', async () => {
  const connected = Promise.withResolvers<Socket>()
  const port = await listen(connected.resolve)
  const bug = new Error('a bug of the application')
  const opened = Promise.withResolvers<void>()
  let isClosed = false
  const uncaught = await uncaughtDuring(async () => {
    const link = connectOverTcp({ host: 'chat.example', port, resolve: async () => [SERVER] })({
      onOpen() {
        opened.resolve()
        throw bug
      },
      onText() {},
      onClose: () => (isClosed = true),
    })
    await opened.promise
    const socket = await connected.promise
    link.close()
    await once(socket.resume(), 'end')
  })
  expect(uncaught).toEqual([bug])
  expect(isClosed).toBe(false)
})
