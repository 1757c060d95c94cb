/** The harness says what is wrong with a server, whatever that is. */

import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { Client } from '../harness/client.ts'
import type { CodeTree } from '../harness/code-tree.ts'
import { Failure, type FailureReport } from '../harness/failure.ts'
import type { HostedServer } from '../harness/hosted-server.ts'
import { launch } from '../harness/launch.ts'
import { Deadline, PATIENCE_MS, whenBusy } from '../harness/patience.ts'
import { seededRandom } from '../harness/random.ts'
import { dismissSpareHost } from '../harness/spare-host.ts'
import { Story } from '../harness/story.ts'
import { ROOT } from '../judge/workbook.ts'

const servers: CodeTree = { root: join(import.meta.dirname, 'fixtures'), label: 'chapters' }
const scratch: CodeTree = { root: join(ROOT, '.workbook', 'tmp', 'harness'), label: 'chapters' }
const reason = { because: 'The test wants it so.' }

const started: HostedServer[] = []
afterAll(async () => {
  await Promise.all(started.map((server) => server.kill()))
  await dismissSpareHost()
})

describe.concurrent('a server that does not come up', () => {
  test.each([
    [
      'spins-at-start',
      /blocked: it spins at chapters\/servers\/spins-at-start\.ts:6, in waitForever\(\)/,
    ],
    [
      'sleeps-at-start',
      /blocked: it sleeps at chapters\/servers\/sleeps-at-start\.ts:2, in startServer\(\)/,
    ],
    ['never-listens', /nothing listens on any port/],
    ['exits', /called process\.exit\(3\) at chapters\/servers\/exits\.ts:3, in startServer\(\)/],
    [
      'throws',
      /it threw at chapters\/servers\/throws\.ts:3, in startServer\(\): TypeError: Cannot read/,
    ],
  ])('%s', async (name, headline) => {
    expect((await failureOf(() => serve(`${name}.ts`))).headline).toMatch(headline)
  })

  test.each([
    [
      'a missing bracket',
      'export function startServer() {\n  return foo(\n}\n',
      /SyntaxError/,
      /bracket/,
    ],
    [
      'an enum',
      'enum Colour { red }\nexport const startServer = () => Colour.red\n',
      /SyntaxError/,
      /strips types/,
    ],
    ['a lost export', 'export const start = 1\n', /startServer is not a function/, undefined],
    ['a missing import', "import './nowhere.ts'\n", /Cannot find module/, /not there/],
    [
      'a port that is no port',
      'export const startServer = async () => ({ port: 0 })\n',
      /without a usable port/,
      /null/,
    ],
  ])('%s', async (_name, source, headline, likely) => {
    const report = await failureOf(() => serve(write(source), {}, scratch))
    expect(report.headline).toMatch(headline)
    if (likely) expect(report.likely).toMatch(likely)
  })

  test('a hole that is still to be written is no crash', async () => {
    const source = "export function startServer() {\n  throw new Error('TODO 05.2')\n}\n"
    const report = await failureOf(() => serve(write(source), {}, scratch))
    expect(report.openStep).toBe('05.2')
    expect(report.trace?.[0]).toMatchObject({ line: 2, function: 'startServer' })
  })
})

describe.concurrent('a server that misbehaves when somebody connects', () => {
  test.each([
    [
      'crashes on connection',
      /crashed at chapters\/servers\/listens\.ts:\d+: TypeError: no such thing/,
    ],
    ['rejects on connection', /a promise was rejected and nobody caught it.*nobody cares/],
    ['exits on connection', /called process\.exit\(7\) at chapters\/servers\/listens\.ts/],
    ['spins on connection', /blocked: it spins at chapters\/servers\/listens\.ts:\d+/],
    ['sleeps on connection', /blocked: it sleeps at chapters\/servers\/listens\.ts:\d+/],
  ])('%s', async (flaw, headline) => {
    const startedAt = performance.now()
    const server = await serve('listens.ts', { flaw })
    const report = await failureOf(async () => {
      const ada = await connect(server)
      await ada.send('hello')
      await ada.expectBytes('hello', reason)
    })
    expect(report.headline).toMatch(headline)
    expect(performance.now() - startedAt).toBeLessThan(whenBusy(30_000))
  })

  test('listens elsewhere than it says', async () => {
    const server = await serve('listens.ts', { flaw: 'wrong port' })
    const report = await failureOf(() => connect(server))
    expect(report.likely).toMatch(/The server listens on 127\.0\.0\.1 port \d+/)
  })

  test('what it printed is part of the report, and its control characters do no harm there', async () => {
    const report = await failureOf(() => serve('exits.ts'))
    expect(report.output).toContain('goodbye')
  })
})

describe.concurrent('close()', () => {
  test.each([
    ['keeps a timer', /keeps a timer/],
    ['keeps a thread', /keeps .*thread/],
    ['keeps listening', /keeps a listening socket/],
    ['close never resolves', /close\(\) has not come to an end/],
    ['close throws', /close\(\) failed: it threw at .*cannot stop/],
  ])('%s', async (flaw, headline) => {
    const server = await serve('listens.ts', { flaw })
    const report = await failureOf(async () => {
      server.beginClose()
      await server.expectClosed(reason)
      await server.expectNothingLeft(reason)
    })
    expect(report.headline).toMatch(headline)
  })

  test('a server that ends in order leaves nothing', async () => {
    const server = await serve('listens.ts')
    server.beginClose()
    await server.expectClosed(reason)
    await server.expectNothingLeft(reason)
  })
})

describe.concurrent('a client', () => {
  test('sees the end, a reset and silence for what they are', async () => {
    const server = await serve('listens.ts')
    const [ada, bob] = [await connect(server), await connect(server)]
    await ada.expectSilence(() => server.roundTrip(), reason)
    await ada.halfClose()
    await ada.expectEnd(reason)
    expect((await failureOf(() => bob.expectEnd(reason))).headline).toMatch(
      /the connection is open/,
    )
  })

  test('says which bytes are missing, and which came instead', async () => {
    const server = await serve('listens.ts')
    const ada = await connect(server)
    await ada.send('abcdef')
    const different = await failureOf(() => ada.expectBytes('abcXef', reason))
    expect(different).toMatchObject({
      headline: expect.stringMatching(/from byte 3 on/),
      received: { place: 3 },
    })

    const bob = await connect(server)
    await bob.send('abc')
    const missing = await failureOf(() => bob.expectBytes('abcdef', reason))
    expect(missing.headline).toMatch(/received 3 of 6 bytes and still waits for 3 bytes/)
  })

  test('finds an idle server out long before patience ends', async () => {
    const server = await serve('listens.ts')
    const ada = await connect(server)
    const patience = new Deadline(PATIENCE_MS)
    await failureOf(() => ada.expectBytes('never sent', reason))
    expect(patience.isOver).toBe(false)
  })

  test.each(['socket.setTimeout', 'AbortSignal.timeout', 'unref', 'unref interval'])(
    'waits for a server that a timer will wake: %s',
    async (by) => {
      const server = await serve('speaks-late.ts', { by })
      const ada = await connect(server)
      await ada.expectBytes('bye', reason)
    },
  )

  test('does not wait for a timer that comes too late in any case', async () => {
    const server = await serve('speaks-late.ts', { by: 'unref', afterMs: 60_000 })
    const ada = await connect(server)
    const patience = new Deadline(PATIENCE_MS)
    await failureOf(() => ada.expectBytes('bye', reason))
    expect(patience.isOver).toBe(false)
  })

  test.each(['whole', 'byte by byte', 'at random'] as const)('sends %s', async (cut) => {
    const server = await serve('listens.ts')
    const ada = await connect(server)
    await ada.send('one message, many pieces', { cut })
    await ada.expectBytes('one message, many pieces', reason)
  })
})

async function serve(file: string, options: object = {}, tree = servers): Promise<HostedServer> {
  const chapter = tree === servers ? 'servers' : ''
  const server = await launch({ chapter, file, options, step: '01.1' }, tree, new Story())
  started.push(server)
  return server
}

function connect(server: HostedServer): Promise<Client> {
  return Client.connect('ada', { server, story: new Story(), random: seededRandom(1, 'test') })
}

async function failureOf(act: () => Promise<unknown>): Promise<FailureReport> {
  const outcome = await act().then(
    () => undefined,
    (error) => error,
  )
  if (outcome instanceof Failure) return outcome.report
  throw outcome ?? new Error('nothing failed')
}

let written = 0

/** A file of its own, which no module cache knows. */
function write(source: string): string {
  const name = `server-${++written}.ts`
  mkdirSync(scratch.root, { recursive: true })
  rmSync(join(scratch.root, name), { force: true })
  writeFileSync(join(scratch.root, name), source)
  return name
}
