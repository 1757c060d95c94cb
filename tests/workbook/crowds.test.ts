/** Many connections at once, on the servers of chapters 07 and 10: held, cut, flooded, and seen out. */

import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { dialMany } from '../harness/crowd.ts'
import type { HostedServer } from '../harness/hosted-server.ts'
import { median } from '../harness/numbers.ts'
import { whenBusy } from '../harness/patience.ts'
import { dismissSpareHost, hostServer } from '../judge/host.ts'
import { ROOT, SOLUTION } from '../judge/workbook.ts'
import { frame } from '../protocols/frames.ts'

const MEBIBYTE = 1024 * 1024

afterAll(dismissSpareHost)

/** Our end of the crowd needs a descriptor for each, and the server's end another, in a process of its own. */
const DESCRIPTORS = descriptorLimit()

const PROTOCOLS = [
  { chapter: '07-event-loop', request: 'echo hello\n', answer: 'hello\n' },
  { chapter: '10-backpressure', request: frame('hello'), answer: frame('hello') },
]

test.skipIf(DESCRIPTORS < 5_500).each(PROTOCOLS)(
  `$chapter holds 5,000 connections while 50 talk, and 1,000 that are cut at once leave nothing behind (needs 5,500 descriptors, has ${DESCRIPTORS})`,
  async ({ chapter, request, answer }) => {
    const server = await hostServer(SOLUTION, chapter, { options: { graceMs: 50 } })
    const crowd: Socket[] = []
    try {
      crowd.push(...(await dialMany(server.port, 5_000)))
      const talkers = await dialMany(server.port, 50)
      crowd.push(...talkers)
      const talks = talkers.map((socket) => talk(socket, request, answer, 20))
      for (const socket of crowd.splice(0, 1_000)) socket.resetAndDestroy()
      await Promise.all(talks)
      await eventually(server, async () => (await server.connections()) === 4_050)
      server.beginClose()
      await server.expectClosed({ because: 'All are gone or cut.' })
      await server.expectNothingLeft({ because: 'All are gone.' })
    } finally {
      for (const socket of crowd) socket.destroy()
      await server.kill()
    }
  },
)

test('a hundred who never read and a hundred who never stop sending cost little, and an honest client is served', async () => {
  const server = await hostServer(SOLUTION, '10-backpressure')
  const [honest] = await dialMany(server.port, 1)
  await talk(honest, frame('hello'), frame('hello'), 100)
  const before = await server.heldBytes()
  const stats = () => server.call<{ turns: number; messages: number; connections: number }>('stats')
  // In a process of its own: ours is to see how long the server makes the honest one wait.
  const crowd = fork(join(ROOT, 'tests/workbook/fixtures/rude-crowd.ts'), [`${server.port}`])
  try {
    await once(crowd, 'message')
    await eventually(server, async () => (await stats()).connections === 201)
    const turnsForOne: number[] = []
    for (let trip = 0; trip < 7; trip++) {
      const { turns } = await stats()
      await talk(honest, frame('hello'), frame('hello'), 1)
      turnsForOne.push((await stats()).turns - turns)
    }
    expect((await stats()).messages).toBeGreaterThan(2_000)
    expect(((await server.heldBytes()) - before) / MEBIBYTE).toBeLessThan(80)
    // Counted in turns, for a busy machine is no fault of the server: a round is at most 201, and an echo takes few.
    expect(median(turnsForOne)).toBeLessThan(10 * 201)
  } finally {
    crowd.kill('SIGKILL')
    honest.destroy()
    await server.kill()
  }
})

test('close() under load ends the process by itself, with exit code 0', async () => {
  const server = join(ROOT, 'solutions', '10-backpressure', 'server.ts')
  // Clients that had no core for so long would be cut before they have read their goodbye.
  const graceMs = whenBusy(500)
  const script = `
    const { startServer } = await import(${JSON.stringify(server)})
    const server = await startServer({ graceMs: ${graceMs} })
    process.once('SIGTERM', () => server.close())
    console.log(server.port)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const port = Number(line)
  const sockets = await dialMany(port, 50)
  const deaf = await dialMany(port, 5)
  try {
    for (const socket of deaf) void write(socket, Buffer.alloc(8 * MEBIBYTE))
    const say = (count: number) =>
      sockets.map((each) => talk(each, frame('hi'), frame('hi'), count))
    // All are let in now. A connection that still waits to be accepted may be cut off without a word.
    await Promise.all(say(10))
    const talks = say(1e9)
    const startedAt = performance.now()
    child.kill('SIGTERM')
    const last = await Promise.all(talks.map((done) => done.catch((error: Error) => error.message)))
    expect(new Set(last)).toEqual(new Set([`ended with ${frame('goodbye').toString('hex')}`]))
    expect(await ended).toEqual([0, null])
    expect(performance.now() - startedAt).toBeLessThan(graceMs + whenBusy(2_000))
  } finally {
    for (const socket of [...sockets, ...deaf]) socket.destroy()
    child.kill('SIGKILL')
  }
})

function descriptorLimit(): number {
  const { userLimits } = process.report.getReport() as unknown as {
    userLimits?: { open_files: { soft: unknown } }
  }
  const soft = userLimits?.open_files.soft
  return typeof soft === 'number' ? soft : Number.POSITIVE_INFINITY
}

function write(socket: Socket, bytes: Uint8Array): Promise<unknown> {
  return new Promise((resolve) => socket.write(bytes, resolve))
}

/** So many round trips, and how long each took. Rejects when the connection ends, with what came last. */
async function talk(
  socket: Socket,
  request: string | Uint8Array,
  answer: string | Uint8Array,
  count: number,
): Promise<number[]> {
  const expected = Buffer.from(answer)
  const latenciesMs: number[] = []
  let received = Buffer.alloc(0)
  const { promise, resolve, reject } = Promise.withResolvers<number[]>()
  let askedAt = performance.now()
  const onData = (chunk: Buffer) => {
    received = Buffer.concat([received, chunk])
    if (!received.subarray(0, expected.length).equals(expected)) return
    received = received.subarray(expected.length)
    latenciesMs.push(performance.now() - askedAt)
    if (latenciesMs.length === count) return resolve(latenciesMs)
    askedAt = performance.now()
    socket.write(request)
  }
  socket.on('data', onData)
  socket.once('end', () => reject(new Error(`ended with ${received.toString('hex')}`)))
  socket.once('close', () => reject(new Error('lost')))
  socket.write(request)
  try {
    return await promise
  } finally {
    socket.off('data', onData)
  }
}

async function eventually(server: HostedServer, holds: () => Promise<boolean>): Promise<void> {
  for (let look = 0; !(await holds()); look++) {
    if (look > 1_000) throw new Error('it has not come to that')
    await server.roundTrip()
  }
}
