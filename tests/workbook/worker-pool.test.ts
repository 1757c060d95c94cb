/** Chapter 06 where its steps do not look: what cannot be sent back, a grace that is over, and a crash in the middle. */

import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { type PoolOptions, WorkerPool } from '../../solutions/06-worker-pool/worker-pool.ts'
import { Client } from '../harness/client.ts'
import type { HostedServer } from '../harness/hosted-server.ts'
import { seededRandom } from '../harness/random.ts'
import { Story } from '../harness/story.ts'
import { dismissSpareHost, hostServer } from '../judge/host.ts'
import { SOLUTION } from '../judge/workbook.ts'
import { ask } from '../protocols/lines.ts'
import type { AnswerJob } from './fixtures/answers.ts'

const SCRIPT = new URL('./fixtures/answers.ts', import.meta.url)

const because = { because: 'A pool keeps its threads, and every job ends.' }

const servers: HostedServer[] = []
const pools: WorkerPool<AnswerJob, unknown>[] = []
afterEach(() => Promise.all(pools.splice(0).map((pool) => pool.close())))
afterAll(async () => {
  await Promise.all(servers.map((server) => server.kill()))
  await dismissSpareHost()
})

test('an answer that cannot be sent rejects its job alone', async () => {
  const pool = makePool({})
  for (const kind of ['function', 'throws a function'] as const)
    await expect(pool.run({ kind })).rejects.toThrow('the answer cannot be sent')
  await expect(pool.run({ kind: 'echo', value: 7 })).resolves.toBe(7)
  expect(pool.stats()).toMatchObject({ threads: 1, busy: 0, crashed: 0 })
})

test('a whole queue that cannot be sent is rejected, however long it is', async () => {
  const pool = makePool({ maxQueued: 20_000 })
  const first = pool.run({ kind: 'echo', value: 'first' })
  const unsendable = Array.from({ length: 20_000 }, () => pool.run({ kind: 'echo', value: test }))
  const outcomes = await Promise.allSettled(unsendable)
  expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true)
  expect(await first).toBe('first')
  expect(pool.stats()).toMatchObject({ busy: 0, queued: 0 })
})

test('a thread that ended in its grace is not replaced later on', async () => {
  const pool = makePool({ cancelGraceMs: 150 })
  await pool.run({ kind: 'echo', value: 'the thread has started' })
  const controller = new AbortController()
  const cancelled = pool.run({ kind: 'sleep', ms: 20 }, { signal: controller.signal })
  controller.abort()
  await expect(cancelled).rejects.toThrow('aborted')
  // Longer than the grace: a timer that was left behind would end this one.
  await expect(pool.run({ kind: 'sleep', ms: 400 })).resolves.toBe('slept')
})

test('close() in the grace waits no longer than for its end', async () => {
  const pool = makePool({ cancelGraceMs: 50 })
  const controller = new AbortController()
  const cancelled = pool.run({ kind: 'sleep', ms: 60_000 }, { signal: controller.signal })
  controller.abort()
  await expect(cancelled).rejects.toThrow('aborted')
  await pool.close()
  expect(pool.stats()).toMatchObject({ threads: 0, busy: 0, crashed: 0 })
})

describe('when the system allows no thread', () => {
  // `new Worker()` throws for such a URL.
  const NONE = 'http://127.0.0.1/'

  test('its jobs go to the threads that are left, and one is added when there is leave again', async () => {
    const script = new URL(SCRIPT)
    const pool = makePool({ script, size: 2 })
    await pool.run({ kind: 'echo', value: 'the threads run' })
    script.href = NONE
    const asleep = pool.run({ kind: 'sleep', ms: 20 })
    const crashed = pool.run({ kind: 'end' })
    const waiting = pool.run({ kind: 'echo', value: 'taken by the other thread' })
    await expect(crashed).rejects.toThrow('its thread ended in the middle of it')
    expect(pool.stats()).toMatchObject({ threads: 1, crashed: 1 })
    expect(await Promise.all([asleep, waiting])).toEqual(['slept', 'taken by the other thread'])
    script.href = SCRIPT.href
    await Promise.all([pool.run({ kind: 'sleep', ms: 1 }), pool.run({ kind: 'sleep', ms: 1 })])
    expect(pool.stats()).toMatchObject({ threads: 2, busy: 0 })
  })

  test('and none is left, every job is rejected, and close() comes to its end', async () => {
    const script = new URL(SCRIPT)
    const pool = makePool({ script })
    await pool.run({ kind: 'echo', value: 'the thread runs' })
    script.href = NONE
    const jobs = [pool.run({ kind: 'end' }), pool.run({ kind: 'echo', value: 'it waits' })]
    await expect(jobs[0]).rejects.toThrow('its thread ended in the middle of it')
    await expect(jobs[1]).rejects.toThrow('scheme file')
    await expect(pool.run({ kind: 'echo', value: 'nor later' })).rejects.toThrow('scheme file')
    expect(pool.stats()).toMatchObject({ threads: 0, busy: 0, queued: 0 })
    await pool.close()
  })

  test('from the start, there is no pool, and the threads that it has started end', async () => {
    const script = new URL(SCRIPT)
    const { promise: ended, resolve } = Promise.withResolvers<void>()
    process.once('worker', (thread) => thread.once('exit', () => resolve()))
    let asked = 0
    const size = {
      // Asked before each thread: there is leave for the first.
      valueOf() {
        if (asked > 0) script.href = NONE
        asked += 1
        return 2
      },
    }
    expect(() => makePool({ script, size: size as never })).toThrow('scheme file')
    await ended
  })
})

test('what a thread said before it crashed is said first', async () => {
  const ada = await connect(await serve({ threads: 1 }), 'ada')
  await ada.send(`${'echo a\n'.repeat(200)}crash\necho b\n`)
  for (let answer = 1; answer <= 200; answer++) await ada.expectLine('a', because)
  await ada.expectLine('error crashed: crashed on request', because)
  await ada.expectEnd(because)
})

test('a client that resets leaves its thread to the next', async () => {
  const server = await serve({ threads: 1, cancelGraceMs: 60_000 })
  const ada = await connect(server, 'ada')
  const id = await ask(ada, 'whoami', /^\d+$/, because)
  ada.reset()
  for (let round = 1; round <= 3; round++) {
    const bob = await connect(server, `bob ${round}`)
    await ask(bob, 'whoami', id, because)
    bob.reset()
  }
})

test('a refused client who talks and leaves keeps no socket', async () => {
  const server = await serve({ threads: 1, maxWaiting: 0 })
  const ada = await connect(server, 'ada')
  await ask(ada, 'echo served', 'served', because)
  for (let number = 1; number <= 5; number++) {
    const bob = await connect(server, `bob ${number}`)
    await bob.send('x'.repeat(300_000))
    await bob.expectLine('busy', because)
    await bob.expectEnd(because)
    await bob.halfClose()
  }
  const look = async () => {
    const connections = await server.connections()
    return { holds: connections === 1, received: `${connections}` }
  }
  await server.expectEventually('only ada’s connection to be left', look, because)
})

function makePool(options: Partial<PoolOptions>) {
  const pool = new WorkerPool<AnswerJob, unknown>({
    script: SCRIPT,
    size: 1,
    maxQueued: 100,
    ...options,
  })
  pools.push(pool)
  return pool
}

async function serve(options: object): Promise<HostedServer> {
  const server = await hostServer(SOLUTION, '06-worker-pool', { options })
  servers.push(server)
  return server
}

function connect(server: HostedServer, name: string): Promise<Client> {
  return Client.connect(name, { server, story: new Story(), random: seededRandom(6, name) })
}
