/** Crowds that crash their threads, break the protocol and leave: the others notice nothing, and nothing is left. */

import { once } from 'node:events'
import { connect as connectTo } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import { serveInThreads } from '../../solutions/04-thread-per-connection/server.ts'
import { Client } from '../harness/client.ts'
import type { HostedServer } from '../harness/hosted-server.ts'
import { type Random, seededRandom } from '../harness/random.ts'
import { Story } from '../harness/story.ts'
import { dismissSpareHost, hostServer } from '../judge/host.ts'
import { SOLUTION } from '../judge/workbook.ts'

const CLIENTS = 200
const AT_ONCE = 8

/** What 200 clients may leave in the main thread's heap and buffers: some 5 KiB each. A crowd after that adds less. */
const KEPT_BYTES = 1024 * 1024

const reason = { because: 'Threads that crash have nothing to do with the others.' }

const started: HostedServer[] = []
afterAll(async () => {
  await Promise.all(started.map((server) => server.kill()))
  await dismissSpareHost()
})

test(`${CLIENTS} clients, and every second one crashes its thread`, async () => {
  const server = await hostServer(SOLUTION, '04-thread-per-connection')
  started.push(server)
  const random = seededRandom(4, 'crowd')
  await meetCrowd(server, random, AT_ONCE)
  await expectNoThread(server)
  const heldBefore = await server.heldBytes()

  await meetCrowd(server, random, CLIENTS)
  await expectNoThread(server)
  expect(await server.call('stats')).toEqual({ threads: 0 })
  expect((await server.heldBytes()) - heldBefore).toBeLessThan(KEPT_BYTES)
})

/** What the thread of such a client will never take: the socket is paused when its thread ends. */
const UNREAD = Buffer.alloc(300_000, 'x')

test.each([
  ['crash their threads', 'crash\n', 'error crashed: crashed on request'],
  ['send a line that is too long', '', 'error line too long'],
])('20 clients %s with much unread, and leave: no socket is left', async (_, first, answer) => {
  const server = await hostServer(SOLUTION, '04-thread-per-connection')
  started.push(server)
  const crowd = Array.from({ length: 20 }, async (_, number) => {
    const client = await connect(server, `client ${number}`)
    await client.sendGlued(first, UNREAD)
    await client.expectLine(answer, reason)
    await client.expectEnd(reason)
    await client.halfClose()
    return client
  })
  const clients = await Promise.all(crowd)
  await expectNoThread(server)
  await expectNoConnection(server)
  for (const client of clients) client.discard()
})

test.each([
  ['return', /^line 200\n$/],
  ['exit', /^line 200\n$/],
  ['throw text', /^error crashed: no Error\n$/],
  ['say FIN and throw', /^line 200\n$/],
] as const)(
  'what a thread says before its end is heard, if the main thread is busy: %s',
  async (then, last) => {
    const script = new URL('../chapters/threads/04-talkative.ts', import.meta.url)
    const server = await serveInThreads(script, { then }, { graceMs: 100 })
    for (let times = 0; times < 8; times++) {
      const client = connectTo({ port: server.port, host: '127.0.0.1' })
      let text = ''
      client.setEncoding('utf8').on('data', (piece) => {
        text += piece
      })
      const ended = once(client, 'end')
      while (server.stats().threads === 0) await turn()
      const busy = setInterval(() => blockFor(40), 1)
      await ended
      clearInterval(busy)
      expect(text).toContain('line 1\n')
      expect(text.split('\n').filter((line) => line.startsWith('line')).length).toBe(200)
      expect(`${text.split('\n').at(-2)}\n`).toMatch(last)
    }
    await server.close()
  },
)

test('a client for whom the system allows no thread is refused, and the others are served', async () => {
  let allows = false
  // Thrown where `new Worker()` throws: in startThread(), when the bridge is built.
  const data = {
    get isAllowed() {
      if (allows) return true
      throw Object.assign(new Error('EAGAIN'), { code: 'ERR_WORKER_INIT_FAILED' })
    },
  }
  const script = new URL('../chapters/threads/04-talkative.ts', import.meta.url)
  const server = await serveInThreads(script, data, { graceMs: 60_000 })
  expect(await hearAll(server.port, UNREAD)).toBe('busy\n')
  expect(server.stats()).toEqual({ threads: 0 })
  allows = true
  expect(await hearAll(server.port, '')).toContain('line 200\n')
  // Nothing is left that the grace would have to cut.
  await server.close()
}, 20_000)

/** What a client hears who says this and FIN. */
async function hearAll(port: number, says: string | Uint8Array): Promise<string> {
  const client = connectTo({ port, host: '127.0.0.1' })
  client.end(says)
  let text = ''
  for await (const piece of client.setEncoding('utf8')) text += piece
  return text
}

function blockFor(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}

/** So many clients, some at a time: each crashes its thread or talks to it, as chance has it, and leaves. */
async function meetCrowd(server: HostedServer, random: Random, count: number): Promise<void> {
  const crowd = Array.from({ length: count }, (_, number) => ({ number, crashes: random() < 0.5 }))
  const meetNext = async () => {
    for (let next = crowd.shift(); next; next = crowd.shift()) await meet(server, next)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, meetNext))
}

async function meet(
  server: HostedServer,
  { number, crashes }: { number: number; crashes: boolean },
): Promise<void> {
  const client = await connect(server, `${crashes ? 'crasher' : 'talker'} ${number}`)
  try {
    await client.send(crashes ? 'crash\n' : `echo I am ${number}\n`)
    if (!crashes) await client.halfClose()
    await client.expectLine(
      crashes ? 'error crashed: crashed on request' : `I am ${number}`,
      reason,
    )
    await client.expectEnd(reason)
  } finally {
    client.discard()
  }
}

function connect(server: HostedServer, name: string): Promise<Client> {
  return Client.connect(name, { server, story: new Story(), random: seededRandom(4, name) })
}

async function expectNoConnection(server: HostedServer): Promise<void> {
  const look = async () => {
    const connections = await server.connections()
    return { holds: connections === 0, received: `${connections}` }
  }
  await server.expectEventually('no connection to be left', look, reason)
}

async function expectNoThread(server: HostedServer): Promise<void> {
  const look = async () => {
    const threads = await server.workers()
    return { holds: threads === 0, received: `${threads}` }
  }
  await server.expectEventually('no thread to be left', look, reason)
}
