/** A crowd in which every second client crashes its thread: the others notice nothing, and nothing is left. */

import { afterAll, expect, test } from 'vitest'
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
  const client = await Client.connect(`${crashes ? 'crasher' : 'talker'} ${number}`, {
    server,
    story: new Story(),
    random: seededRandom(number, 'client'),
  })
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

async function expectNoThread(server: HostedServer): Promise<void> {
  const look = async () => {
    const threads = await server.workers()
    return { holds: threads === 0, received: `${threads}` }
  }
  await server.expectEventually('no thread to be left', look, reason)
}
