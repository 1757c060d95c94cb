/** A process that is ended in the middle of something takes nobody along, whatever it has started and printed. */

import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { whenBusy, within } from '../harness/patience.ts'
import { RemoteError, WatchedProcess } from '../harness/watched-process.ts'

const HOST = join(import.meta.dirname, '..', 'harness', 'host-process.ts')
const SERVERS = join(import.meta.dirname, 'fixtures', 'servers')

test('of several questions at a time, each gets its own answer', async () => {
  const watched = await WatchedProcess.start(HOST)
  const [look, usage, threads] = await Promise.all([
    watched.look(),
    watched.usage(),
    watched.lookAtThreads(),
  ])
  expect(look).toHaveProperty('frames')
  expect(usage).toHaveProperty('cpuMs')
  expect(threads).toEqual([])
  await watched.kill()
})

describe.skipIf(process.platform === 'win32')('with signals and groups', () => {
  test('killed with a question unread, it resets the connection, and that is no error of ours', async () => {
    const watched = await WatchedProcess.start(HOST)
    await watched.usage()
    process.kill(watched.pid, 'SIGSTOP')
    // As soon as one is not answered, it has stopped, and that question lies unread.
    for (;;) {
      const asked = watched.usage()
      asked.catch(() => {})
      if ((await within(100, asked)) === 'too late') break
    }
    await watched.kill()
    expect(watched.ending).toMatchObject({ signal: 'SIGKILL' })
    // What nobody catches now ends this file.
    await turns(20)
  })

  test('what it has started ends with it', async () => {
    await using witness = await openWitness()
    const watched = await host('starts-a-child.ts', { port: witness.port })
    expect(await within(whenBusy(2_000), watched.kill())).not.toBe('too late')
    expect(await within(whenBusy(2_000), witness.hasGone)).toBe('gone')
  })

  test('it ends although a process in another group holds its pipes', async () => {
    await using witness = await openWitness()
    const watched = await host('starts-a-child.ts', { port: witness.port, detached: true })
    const pid = (await watched.request('call', 'childPid', [])) as number
    try {
      expect(await within(whenBusy(2_000), watched.kill())).not.toBe('too late')
    } finally {
      process.kill(pid, 'SIGKILL')
    }
  })

  test('it exits although a process holds its pipes, and its last words are heard', async () => {
    await using witness = await openWitness()
    const watched = await WatchedProcess.start(HOST)
    const options = { port: witness.port, exits: true }
    start(watched, 'starts-a-child.ts', options).catch(() => {})
    expect(await within(whenBusy(2_000), watched.ended)).toMatchObject({
      code: 7,
      lastWords: { kind: 'exited', code: 7 },
    })
    expect(await within(whenBusy(2_000), witness.hasGone)).toBe('gone')
  })
})

describe('what it prints', () => {
  test.each(['\x1e\n', '\x1e{"kind":', '\x1elast words: nonsense\n'])(
    '%j is not mistaken for its last words',
    async (text) => {
      const watched = await host('prints.ts', { text: `${text}\nand so on\n` })
      await watched.kill()
      expect(watched.output).toContain(`${text}\nand so on\n`)
    },
  )

  test('a line of 50 MB costs no more than the beginning of it', async () => {
    const before = process.memoryUsage().rss
    const watched = await host('prints.ts', { text: 'x'.repeat(1024), times: 50 * 1024 })
    const grownBy = process.memoryUsage().rss - before
    await watched.kill()
    expect(watched.output).toMatch(/^x+…\n$/)
    expect(watched.output.length).toBeLessThan(20_000)
    expect(grownBy).toBeLessThan(40 * 1024 * 1024)
  })

  test('a crash with 5 MB of words is a crash, and says where', async () => {
    const watched = await WatchedProcess.start(HOST)
    const started = start(watched, 'prints.ts', { text: 'no! ', times: 1_250_000, crashes: true })
    const error = (await started.catch((error) => error)) as RemoteError
    await watched.kill()
    expect(error).toBeInstanceOf(RemoteError)
    expect(error.thrown.message.length).toBeLessThan(5_000)
    expect(error.thrown.stack).toMatch(/at .*startServer .*prints\.ts:4/)
  })
})

async function host(file: string, options = {}): Promise<WatchedProcess> {
  const watched = await WatchedProcess.start(HOST)
  await start(watched, file, options)
  return watched
}

function start(watched: WatchedProcess, file: string, options: object): Promise<unknown> {
  return watched.request('start', { file: join(SERVERS, file), options, step: '01.1' })
}

/** Where a process connects that nobody else can watch: the kernel closes its connection when it is gone. */
async function openWitness() {
  const { promise: hasGone, resolve } = Promise.withResolvers<'gone'>()
  const server = createServer((socket) => {
    for (const event of ['error', 'close']) socket.on(event, () => resolve('gone'))
    socket.resume()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return { port, hasGone, [Symbol.asyncDispose]: async () => void server.close() }
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}
