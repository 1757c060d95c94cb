/** Chapter 19's chat server as a program: its command line, its signals, its doors as other programs see them. */

import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Duplex } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Draft, Kept } from '../../solutions/13-rooms/journal.ts'
import type { Connect } from '../../solutions/16-client/request-link.ts'
import { clientAddress } from '../../solutions/17-http/client-address.ts'
import { HeaderFields, type HttpAnswer } from '../../solutions/17-http/http-message.ts'
import { DEFAULTS, readConfig } from '../../solutions/19-chat-server/config.ts'
import { connectionsPerDoor } from '../../solutions/19-chat-server/descriptors.ts'
import { Logs } from '../../solutions/19-chat-server/logs.ts'
import { lookoutHandler } from '../../solutions/19-chat-server/lookout.ts'
import { Measures } from '../../solutions/19-chat-server/measures.ts'
import { startServer } from '../../solutions/19-chat-server/server.ts'
import { logLimits } from '../../solutions/19-chat-server/services.ts'
import { formatMetrics } from '../../solutions/19-chat-server/text-format.ts'
import { WebSite } from '../../solutions/19-chat-server/web-site.ts'
import { overTcp, overWebSocket } from '../../tutor/lab/chat-people.ts'
import { runChatServer } from '../../tutor/lab/chat-program.ts'
import { restartUnderLoad } from '../../tutor/lab/chat-restart.ts'
import { Program } from '../harness/program.ts'
import { VirtualTimers } from '../harness/virtual-timers.ts'
import { SOLUTION } from '../judge/workbook.ts'
import { needsProgram } from '../maintainers/programs.ts'
import { ONE, TWO } from '../worlds/19-chat-server/certificates.ts'
import { Talker } from '../worlds/chat-talker.ts'

const MAIN = join(SOLUTION.root, '19-chat-server', 'main.ts')

const run = promisify(execFile)

/** Limits are set by a shell, and descriptors counted in a folder of the system. */
const SHELL = { skip: process.platform === 'win32' }
const LINUX = { skip: process.platform !== 'linux' }

let folder = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'workbook-chat-server-'))
})

afterEach(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }))

test('a flag counts more than the environment, and that more than the default', () => {
  const environment = { CHAT_PORT: '5000', CHAT_WEB_PORT: '5001', PATH: '/bin' }
  expect(readConfig(['--port', '6000', '--trusted-proxy', '10.0.0.1, ::1'], environment)).toEqual({
    kind: 'config',
    config: { ...DEFAULTS, port: 6000, webPort: 5001, trustedProxies: ['10.0.0.1', '::1'] },
  })
  expect(readConfig([], {})).toEqual({ kind: 'config', config: DEFAULTS })
  expect(readConfig(['--metrics-port', 'off'], {})).toMatchObject({
    config: { metricsPort: 'off' },
  })
  expect(readConfig(['--public-url', 'https://Chat.example/'], {})).toMatchObject({
    config: { publicUrl: 'https://chat.example' },
  })
})

test.each([
  [['--port', 'many'], '--port has to be a whole number from 0 to 65535, not "many".'],
  [['--port=-1'], '--port has to be a whole number from 0 to 65535, not "-1".'],
  [['--port', '65536'], '--port has to be a whole number from 0 to 65535, not "65536".'],
  [
    ['--drain-seconds', '1e3'],
    '--drain-seconds has to be a whole number from 0 to 3600, not "1e3".',
  ],
  [['--data', ''], '--data needs a value, not "".'],
  [['--log-level', 'loud'], '--log-level has to be one of debug, info, warn, error, not "loud".'],
  [
    ['--public-url', 'https://chat.example/path'],
    '--public-url has to be like https://chat.example, without a path, not "https://chat.example/path".',
  ],
  [
    ['--public-url', 'ftp://x'],
    '--public-url has to be like https://chat.example, without a path, not "ftp://x".',
  ],
  ...['127.0.0.0/8', 'localhost', '10.0.0.1,', 'proxy:80'].map((proxy): [string[], string] => [
    ['--trusted-proxy', proxy],
    `--trusted-proxy has to be IP addresses, like 127.0.0.1,::1, not "${proxy}".`,
  ]),
  [
    ['--tls-key', 'key.pem', '--tls-cert', 'cert.pem', '--public-url', 'http://chat.example'],
    'With --tls-key and --tls-cert, --public-url has to begin with https://.',
  ],
  [['--tls-key', 'key.pem'], '--tls-key and --tls-cert belong together: give both, or none.'],
  [['--prot', '1'], "Unknown option '--prot'; see --help."],
  [['--port'], "Option '--port <value>' argument missing; see --help."],
  [['data'], "Unexpected argument 'data'; see --help."],
])('%j is refused in one sentence', (args, sentence) => {
  const read = readConfig(args, {})
  expect(read).toMatchObject({ kind: 'invalid' })
  expect((read as { problems: string[] }).problems).toEqual([sentence])
})

test('a proxy may end TLS, so that the doors need none', () => {
  for (const url of ['https://chat.example', 'http://chat.example'])
    expect(readConfig(['--public-url', url], {})).toMatchObject({ config: { publicUrl: url } })
})

test('a trusted proxy is found however its address is spelt', () => {
  const given = '::FFFF:127.0.0.1, 0:0:0:0:0:0:0:1, ::ffff:a00:1, 2001:DB8::0:1, FE80::1%eth0'
  const read = readConfig(['--trusted-proxy', given], {})
  expect(read).toMatchObject({
    config: { trustedProxies: ['127.0.0.1', '::1', '10.0.0.1', '2001:db8::1', 'fe80::1%eth0'] },
  })
  const { trustedProxies } = (read as Extract<typeof read, { kind: 'config' }>).config
  const headers = HeaderFields.from({ 'X-Forwarded-For': '192.0.2.7' })
  for (const address of ['127.0.0.1', '::ffff:127.0.0.1', '::1', '10.0.0.1', '2001:db8::1'])
    expect(clientAddress({ headers, peer: { address } } as never, trustedProxies)).toBe('192.0.2.7')
})

test('everything that is wrong is said at once, and where it was said', () => {
  const read = readConfig(['--port', 'x'], { CHAT_WEB_PORT: 'y', CHAT_LOG_LEVEL: 'z' })
  expect(read).toEqual({
    kind: 'invalid',
    problems: [
      '--port has to be a whole number from 0 to 65535, not "x".',
      'CHAT_WEB_PORT has to be a whole number from 0 to 65535, not "y".',
      'CHAT_LOG_LEVEL has to be one of debug, info, warn, error, not "z".',
    ],
  })
})

test('--help names every setting, and a wrong one ends with 2', async () => {
  const help = spawnSync(process.execPath, [MAIN, '--help'], { encoding: 'utf8' })
  expect(help.status).toBe(0)
  for (const flag of ['--data', '--web-port', '--trusted-proxy', '--tls-key', '--drain-seconds'])
    expect(help.stdout).toContain(flag)
  expect(Math.max(...help.stdout.split('\n').map(({ length }) => length))).toBeLessThan(100)
  const wrong = spawnSync(process.execPath, [MAIN, '--port', 'x'], { encoding: 'utf8' })
  expect(wrong.status).toBe(2)
  expect(wrong.stderr).toBe('--port has to be a whole number from 0 to 65535, not "x".\n')
})

test('a start that fails is one sentence, and nothing is left behind', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  onTestFinished(() => void other.close())
  const { port } = other.address() as { port: number }
  for (const flag of ['--port', '--web-port', '--metrics-port']) {
    const ports = { '--port': '0', '--web-port': '0', '--metrics-port': '0', [flag]: String(port) }
    const program = Program.run(MAIN, ['--data', folder, ...Object.entries(ports).flat()])
    expect(await program.ending()).toBe(1)
    expect(program.output).toContain(`Port ${port} is taken: another program listens there.\n`)
    expect(program.output).not.toContain('    at ')
  }
  const { program } = await start()
  const second = Program.run(MAIN, ['--data', folder, '--port', '0', '--web-port', '0'])
  expect(await second.ending()).toBe(1)
  expect(second.output).toContain('in use by another server')
  program.signal('SIGINT')
  expect(await program.ending()).toBe(0)
})

test('a start that fails says why and closes all that is open, even if one of them does not close', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  onTestFinished(() => void other.close())
  const { port: metricsPort } = other.address() as { port: number }
  const closed: string[] = []
  const rejects = async () => {
    closed.push('frames')
    throw new Error('frames does not close')
  }
  const throws = () => {
    closed.push('web')
    throw new Error('web does not close')
  }
  vi.doMock(import('../../solutions/19-chat-server/doors.ts'), async (load) => ({
    ...(await load()),
    openDoors: async () => [{ close: rejects }, { port: 1, close: throws }] as never,
  }))
  vi.resetModules()
  onTestFinished(() => {
    vi.doUnmock('../../solutions/19-chat-server/doors.ts')
    vi.resetModules()
  })
  const { startServer } = await import('../../solutions/19-chat-server/server.ts')
  // The second time, the folder is free again.
  for (let starts = 0; starts < 2; starts++) {
    const starting = startServer({ data: folder, metricsPort, write() {} })
    await expect(starting).rejects.toThrow(`Port ${metricsPort} is taken`)
  }
  expect(closed).toEqual(['frames', 'web', 'frames', 'web'])
})

test('SIGTERM: not ready, then nobody new, then whoever does not go is cut off, then 0', async () => {
  const { program, ports } = await start(['--drain-seconds', '4'])
  const stays = connect({ port: ports.frames, host: '127.0.0.1', allowHalfOpen: true })
  stays.on('error', () => {}).resume()
  await once(stays, 'connect')
  expect(await health(ports.metrics!, 'ready')).toEqual([200, 'ready\n'])
  expect(await health(ports.metrics!, 'live')).toEqual([200, 'alive\n'])
  await untilCounted(ports.metrics!, 'chat_connections{door="frames"} 1')
  program.signal('SIGTERM')
  await program.logged(({ event }) => event === 'stopping')
  expect(await health(ports.metrics!, 'ready')).toEqual([503, 'The server is stopping.\n'])
  expect(await health(ports.metrics!, 'live')).toEqual([200, 'alive\n'])
  const late = connect({ port: ports.web, host: '127.0.0.1' })
  const [error] = await once(late, 'error')
  expect(error).toMatchObject({ code: 'ECONNREFUSED' })
  expect(await program.ending()).toBe(0)
  expect(program.log.at(-1)).toMatchObject({ event: 'stopped' })
})

test('a second SIGTERM cuts', async () => {
  const { program, ports } = await start(['--drain-seconds', '3600'])
  const stays = connect({ port: ports.frames, host: '127.0.0.1', allowHalfOpen: true })
  stays.on('error', () => {}).resume()
  await untilCounted(ports.metrics!, 'chat_connections{door="frames"} 1')
  program.signal('SIGTERM')
  await program.logged(({ event }) => event === 'stopping')
  program.signal('SIGTERM')
  expect(await program.ending()).toBe(0)
  stays.destroy()
})

test(
  'a disk that has failed: the server ends in good order, says so, and exits with 1',
  SHELL,
  async () => {
    // So many blocks, and no file grows any further.
    const { program, ports } = await start([], '-f 200')
    const ada = await Talker.connect(ports.frames)
    await ada.register('ada')
    await ada.logIn('ada')
    await ada.ask({ type: 'join', room: 'hall' })
    const text = '字'.repeat(4_000)
    let answer = await ada.ask({ type: 'say', room: 'hall', text })
    while (answer.type === 'said') answer = await ada.ask({ type: 'say', room: 'hall', text })
    expect(answer).toMatchObject({ type: 'error', code: 'not-saved' })
    program.signal('SIGTERM')
    expect(await program.ending()).toBe(1)
    expect(program.output).toContain('\nnot everything was saved: EFBIG: file too large, write\n')
    expect(program.log.at(-1)).toMatchObject({ event: 'stopped' })
  },
)

test('as many connections as leave descriptors for the log, the lookout, and those who are refused', () => {
  const limits = logLimits(1_024)
  const perDoor = (descriptors: number, maxConnections = 10_000) =>
    connectionsPerDoor({ ...limits, maxConnections }, descriptors)
  // 64 for everything else, 32 lookouts, 3 × 16 who are refused, 16 segments and 2 at a roll-over.
  expect(perDoor(20_162)).toBe(10_000)
  expect(perDoor(20_161)).toBe(9_999)
  expect(perDoor(1_024)).toBe(431)
  expect(perDoor(1_024, 400)).toBe(400)
  expect(perDoor(100)).toBe(1)
  expect(perDoor(Number.POSITIVE_INFINITY)).toBe(10_000)
})

test('strangers at all ports leave the descriptors that a new segment needs', LINUX, async () => {
  const { program, ports } = await start(['--max-log-megabytes', '1'], '-n 174')
  const ada = await Talker.connect(ports.frames)
  await ada.register('ada')
  await ada.logIn('ada')
  await ada.ask({ type: 'join', room: 'hall' })
  expect(program.log.filter(({ level }) => level === 'warn')).toMatchObject([
    { event: 'too few descriptors for --max-connections', asked: 10_000, atEachDoor: 10 },
  ])
  const openFiles = () => readdirSync(`/proc/${program.pid}/fd`).length
  const idle = openFiles() - 1
  for (let index = 0; index < 60; index++)
    for (const port of [ports.frames, ports.web, ports.metrics!]) {
      const stranger = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
      stranger.on('error', () => {}).resume()
      onTestFinished(() => void stranger.destroy())
    }
  while (openFiles() < idle + 2 * 10 + 32) await turn()
  // 12 kB each: more than a segment.
  const text = '字'.repeat(4_000)
  for (let index = 0; index < 12; index++)
    expect(await ada.ask({ type: 'say', room: 'hall', text })).toMatchObject({ type: 'said' })
  expect(readdirSync(folder)).toContain('00000002.log')
})

test.each([
  [1, 128],
  [64, 8 * 1_024],
  [512, 64 * 1_024],
  [1_000_000, 64 * 1_024],
])('of %i MB that are kept, the oldest go %i KiB at a time', (megabytes, kibibytes) => {
  expect(logLimits(megabytes)).toEqual({
    maxTotalBytes: megabytes * 1_024 * 1_024,
    maxSegmentBytes: kibibytes * 1_024,
  })
})

test('cut() closes the connections of the lookout, too', async () => {
  const server = await startServer({ data: folder, write() {} })
  onTestFinished(() => server.close())
  const asks = connect({ port: server.metricsPort!, host: '127.0.0.1' })
  onTestFinished(() => void asks.destroy())
  asks.on('error', () => {})
  const closed = once(asks, 'close')
  asks.write('GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await once(asks, 'data')
  server.cut()
  await closed
})

test('when nobody reads its output any more, the chat goes on', async () => {
  const run = (...args: string[]) => {
    const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    onTestFinished(() => void child.kill('SIGKILL'))
    const leave = () => [child.stdout, child.stderr].map((stream) => stream.destroy())
    return { child, leave }
  }
  const anyPort = ['--port', '0', '--web-port', '0', '--metrics-port', '0']
  const { child, leave } = run('--data', folder, ...anyPort, '--log-level', 'debug')
  let log = ''
  for await (const text of child.stdout.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    log += text
    if (log.includes('"the page"')) break
  }
  const opened = log.split('\n').find((line) => line.includes('"open"'))
  const { frames, metrics } = JSON.parse(opened!)
  leave()
  const ada = connect({ port: frames, host: '127.0.0.1' })
  ada.on('error', () => {}).resume()
  // By then, it has tried to log that she came.
  await untilCounted(metrics, 'chat_connections{door="frames"} 1')
  expect(await health(metrics, 'ready')).toEqual([200, 'ready\n'])
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([0, null])
  for (const [args, code] of [
    [['--help'], 0],
    [['--port', 'x', '--web-port', 'y'], 2],
  ] as const) {
    const short = run(...args)
    short.leave()
    expect(await once(short.child, 'exit')).toEqual([code, null])
  }
})

/** Starts the program, and resolves when it waits for its key. */
async function startSlowly() {
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  writeFileSync(cert, ONE.cert)
  expect(spawnSync('mkfifo', [key]).status).toBe(0)
  const flags = ['--port', '0', '--web-port', '0', '--metrics-port', '0', '--data', folder]
  const program = Program.run(MAIN, [...flags, '--tls-key', key, '--tls-cert', cert])
  onTestFinished(() => program.kill())
  // Resolves when somebody opens it to read.
  const pipe = await open(key, 'w')
  return {
    program,
    async giveKey() {
      rmSync(key)
      writeFileSync(key, ONE.key)
      await pipe.writeFile(ONE.key)
      await pipe.close()
    },
  }
}

describe.skipIf(process.platform === 'win32')('before the server is up', () => {
  test('SIGHUP waits until it is', async () => {
    const { program, giveKey } = await startSlowly()
    program.signal('SIGHUP')
    await giveKey()
    await program.logged(({ event }) => event === 'the certificate was replaced')
    program.signal('SIGTERM')
    expect(await program.ending()).toBe(0)
  })

  test('SIGTERM waits until it is', async () => {
    const { program, giveKey } = await startSlowly()
    program.signal('SIGTERM')
    await giveKey()
    expect(await program.ending()).toBe(0)
    // Before these, there may be a warning that this machine allows few descriptors.
    const events = program.log.map(({ event }) => event)
    expect(events.slice(-4)).toEqual(['open', 'the page', 'stopping', 'stopped'])
  })
})

test('a restart under load loses and doubles nothing, through both doors', async () => {
  const plan = { people: 8, restarts: 2, everyMs: 40, betweenMs: 400 }
  const outcome = await restartUnderLoad(SOLUTION, { ...plan, signal: 'SIGTERM' })
  expect(outcome).toMatchObject({
    lost: 0,
    doubled: 0,
    rejected: 0,
    isWhole: true,
    endings: [0, 0],
  })
  expect(outcome.acknowledged).toBeGreaterThan(50)
  for (const ms of outcome.endedMs) expect(ms).toBeLessThan(10_000)
})

test('SIGHUP puts another certificate in place; a bad one changes nothing', async () => {
  const { program, ports } = await startSecurely()
  expect(await certificateAt(ports.frames)).toBe('one.example')
  const reload = async (event: string) => {
    program.signal('SIGHUP')
    return program.logged((line) => line.event === event)
  }
  writeFileSync(join(folder, 'cert.pem'), ONE.cert.slice(0, 200))
  expect(await reload('the certificate was not replaced')).toMatchObject({ level: 'error' })
  expect(await certificateAt(ports.web)).toBe('one.example')
  writeFileSync(join(folder, 'cert.pem'), TWO.cert)
  writeFileSync(join(folder, 'key.pem'), TWO.key)
  await reload('the certificate was replaced')
  expect(await certificateAt(ports.frames)).toBe('two.example')
  expect(await certificateAt(ports.web)).toBe('two.example')
})

test('nothing older than TLS 1.2 is spoken', async () => {
  const { ports } = await startSecurely()
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
  const socket = connectTls({
    port: ports.web,
    host: '127.0.0.1',
    rejectUnauthorized: false,
    ...old,
  })
  const [error] = await once(socket, 'error')
  expect(error.code).toMatch(/PROTOCOL/)
})

test('a client of TLS 1.2 gets one handshake for each connection', async () => {
  const { ports } = await startSecurely()
  const client = connectTls({
    port: ports.frames,
    host: '127.0.0.1',
    rejectUnauthorized: false,
    maxVersion: 'TLSv1.2',
  })
  await once(client, 'secureConnect')
  const outcome = await new Promise<string | undefined>((resolve) => {
    client.on('error', ({ code }: NodeJS.ErrnoException) => resolve(code))
    client.renegotiate({}, () => resolve('a second handshake'))
  })
  client.destroy()
  expect(outcome).toBe('ERR_SSL_NO_RENEGOTIATION')
})

test('a damaged record ends its connection, though its peer stays and says nothing', async () => {
  const { ports } = await startSecurely()
  const socket = connect({ port: ports.frames, host: '127.0.0.1', allowHalfOpen: true })
  onTestFinished(() => void socket.destroy())
  const wire = new Duplex({
    read() {},
    write(bytes, _encoding, done) {
      socket.write(bytes, done)
    },
  })
  socket.on('data', (bytes) => wire.push(bytes)).on('error', () => {})
  const client = connectTls({ socket: wire, rejectUnauthorized: false }).on('error', () => {})
  await once(client, 'secureConnect')
  await untilCounted(ports.metrics!, 'chat_connections{door="frames"} 1')
  // A record of application data: 32 bytes that nobody has encrypted.
  socket.write(Buffer.concat([Buffer.of(23, 3, 3, 0, 32), Buffer.alloc(32)]))
  await untilCounted(ports.metrics!, 'chat_endings_total{door="frames",reason="lost"} 1')
  await untilCounted(ports.metrics!, 'chat_connections{door="frames"} 0')
})

test('curl gets the page over TLS', async (context) => {
  needsProgram(context, 'curl')
  const { ports } = await startSecurely()
  const url = `https://localhost:${ports.web}`
  const curl = (...args: string[]) =>
    run('curl', ['-sS', '--cacert', join(folder, 'cert.pem'), '--max-time', '20', ...args])
  const page = await curl('-i', `${url}/`)
  expect(page.stdout).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
  expect(page.stdout).toContain('<!doctype html>')
  const account = JSON.stringify({
    name: 'ada',
    email: 'ada@example.org',
    password: 'correct horse',
  })
  const json = ['-H', 'Content-Type: application/json', '-H', `Origin: ${url}`]
  const made = await curl('-i', ...json, '-d', account, `${url}/api/accounts`)
  expect(made.stdout).toMatch(/^HTTP\/1\.1 201 /)
  const login = JSON.stringify({ name: 'ada', password: 'correct horse' })
  const entered = await curl('-i', ...json, '-d', login, `${url}/api/login`)
  expect(entered.stdout).toMatch(/set-cookie: __Host-session=[^;]+; .*Secure/i)
})

test('openssl shakes hands at both doors, and says goodbye', async (context) => {
  needsProgram(context, 'openssl')
  const { ports } = await startSecurely()
  for (const port of [ports.frames, ports.web]) {
    const { stdout, stderr } = spawnSync(
      'openssl',
      [
        's_client',
        '-connect',
        `localhost:${port}`,
        '-CAfile',
        join(folder, 'cert.pem'),
        '-verify_return_error',
      ],
      { input: '', encoding: 'utf8', timeout: 20_000 },
    )
    expect(`${stdout}${stderr}`).toContain('Verification: OK')
    expect(stdout).toMatch(/New, TLSv1\.3, Cipher is/)
  }
})

test('promtool finds nothing wrong with the metrics', async (context) => {
  needsProgram(context, 'promtool', 'prometheus')
  const { program, ports } = await start()
  const tokens = await talk(ports.frames)
  expect(tokens).toHaveLength(1)
  const text = await metricsAt(ports.metrics!)
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input: text,
    encoding: 'utf8',
  })
  expect(`${stdout}${stderr}`).toBe('')
  expect(status).toBe(0)
  program.signal('SIGTERM')
  await program.ending()
})

test('the metrics say what has happened', async () => {
  const { ports } = await start()
  await talk(ports.frames)
  await untilCounted(ports.metrics!, 'chat_endings_total{door="frames",reason="finished"} 1')
  const text = await metricsAt(ports.metrics!)
  for (const line of [
    'chat_connections{door="frames"} 0',
    'chat_connections{door="web"} 0',
    'chat_messages_total 1',
    'chat_requests_total{door="frames"} 4',
    'chat_queue_bytes{door="frames"} 0',
    'chat_broadcast_seconds_count 1',
    'chat_hashes_running 0',
    'chat_log_failed 0',
  ]) {
    expect(text).toContain(`\n${line}\n`)
  }
  expect(text).toMatch(/\nchat_sync_seconds_count [1-9]/)
  expect(text).toMatch(/\nchat_loop_delay_seconds_count \d/)
})

test('whoever breaks a rule is counted by it', async () => {
  const { ports } = await startSecurely()
  const say = (socket: Socket, bytes: Uint8Array) =>
    new Promise<void>((resolve) => {
      socket
        .on('error', () => {})
        .on('close', () => resolve())
        .resume()
      socket.write(bytes)
    })
  const secure = (port: number) =>
    connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
  await say(secure(ports.frames), Buffer.of(0x7f, 0xff, 0xff, 0xff, 0x7b))
  await say(secure(ports.frames), Buffer.of(0, 0, 0, 2, 0xc3, 0x28))
  await say(secure(ports.web), Buffer.from('GET / HTTP/1.1\r\nHost : x\r\n\r\n'))
  await say(secure(ports.web), Buffer.from(`GET /${'x'.repeat(100_000)} HTTP/1.1\r\n\r\n`))
  await say(connect({ port: ports.web, host: '127.0.0.1' }), Buffer.from('no handshake\r\n\r\n'))
  for (const line of [
    'chat_endings_total{door="frames",reason="too-large"} 1',
    'chat_endings_total{door="frames",reason="invalid"} 1',
    'chat_endings_total{door="web",reason="invalid"} 1',
    'chat_endings_total{door="web",reason="too-large"} 1',
    'chat_handshakes_total{result="failed"} 1',
    'chat_handshakes_total{result="done"} 4',
    'chat_connections{door="web"} 0',
  ]) {
    await untilCounted(ports.metrics!, line)
  }
})

test.each([
  // The handshake of a WebSocket is a request, too.
  { door: 'frames', handshakes: 0 },
  { door: 'web', handshakes: 1 },
] as const)(
  'whoever asks too fast at the door "$door" is read more slowly; others are not, and nobody is refused',
  async ({ door, handshakes }) => {
    let nowMs = 0
    const server = await startServer({ clock: { now: () => nowMs }, drainSeconds: 0, write() {} })
    onTestFinished(() => server.close())
    const ports = { frames: server.port, web: server.webPort }
    const connect = door === 'web' ? overWebSocket(ports) : await overTcp(SOLUTION, ports)
    const [eve, bob] = [await Pinger.open(connect), await Pinger.open(connect)]
    eve.ping(1_000)
    await eve.hears(501 - handshakes)
    bob.ping(1)
    await bob.hears(1)
    expect(server.stats()[door].messages).toBe(501 + 1 + handshakes)
    // 50 a second, and 5 that an account may say.
    nowMs += 1_000
    await eve.hears(501 + 55 - handshakes)
    nowMs += 20_000
    await eve.hears(1_000)
    // 500 again, of which the rest of hers has taken 444. She waits, and nothing of that is left when she is cut off.
    eve.ping(1_000)
    await eve.hears(1_057 - handshakes)
    server.cut()
    await vi.waitFor(() => {
      expect(server.stats()[door]).toMatchObject({ connections: 0, timers: 0 })
    }, PATIENT)
  },
)

test('whoever only pings, and never says hello, gives the place back; somebody who is welcome stays', async () => {
  const timers = new VirtualTimers()
  const server = await startServer({ timers, drainSeconds: 0, write() {} })
  onTestFinished(() => server.close())
  const ports = { frames: server.port, web: server.webPort }
  const atBothDoors = [await overTcp(SOLUTION, ports), overWebSocket(ports)]
  const ada = await Talker.connect(server.port)
  await ada.register('ada')
  await ada.logIn('ada')
  const strangers = [await Pinger.open(atBothDoors[0]), await Pinger.open(atBothDoors[1])]
  await timers.advance(60_000)
  const later = await Pinger.open(atBothDoors[0])
  const goOn = async (each: Pinger, pongs: number) => {
    each.ping(1)
    await each.hears(pongs)
  }
  for (const each of [...strangers, later]) await goOn(each, 1)
  await timers.advance(59_999)
  for (const each of [...strangers, later]) await goOn(each, 2)
  await timers.advance(1)
  await Promise.all(strangers.map(({ closed }) => closed))
  await goOn(later, 3)
  expect(await ada.ask({ type: 'join', room: 'hall' })).toMatchObject({ type: 'joined' })
  await timers.advance(60_000)
  await later.closed
  expect(await ada.ask({ type: 'leave', room: 'hall' })).toMatchObject({ type: 'left' })
  await vi.waitFor(() => {
    expect(server.stats().frames).toMatchObject({ connections: 1, endings: { idle: 2 } })
    expect(server.stats().web).toMatchObject({ connections: 0, endings: { idle: 1 } })
  }, PATIENT)
  // That of the loop's delay: nobody is new any more.
  expect(timers.size).toBe(1)
})

test('somebody who is gone costs no timer', async () => {
  const timers = new VirtualTimers()
  const server = await startServer({ timers, drainSeconds: 0, write() {}, metricsPort: 'off' })
  onTestFinished(() => server.close())
  const bob = await Pinger.open(await overTcp(SOLUTION, { frames: server.port, web: 0 }))
  await vi.waitFor(() => expect(timers.size).toBe(1), PATIENT)
  bob.hangUp()
  await vi.waitFor(() => expect(timers.size).toBe(0), PATIENT)
})

test('a request for somebody else’s host is refused where the public URL is known', async () => {
  const { ports } = await start(['--public-url', 'https://chat.example'])
  const statusFor = async (host: string) => {
    const socket = connect({ port: ports.web, host: '127.0.0.1' })
    socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
    let answer = ''
    for await (const chunk of socket.setEncoding('utf8')) answer += chunk
    return Number(answer.slice(9, 12))
  }
  expect(await statusFor('chat.example')).toBe(200)
  expect(await statusFor('evil.example')).toBe(421)
})

test.each([
  ['127.0.0.1', 80, 'http:', ['http://127.0.0.1', 'http://localhost']],
  ['127.0.0.1', 443, 'https:', ['https://127.0.0.1', 'https://localhost']],
  ['0.0.0.0', 8019, 'http:', ['http://127.0.0.1:8019', 'http://localhost:8019']],
  ['::', 8019, 'http:', ['http://127.0.0.1:8019', 'http://localhost:8019']],
  ['::1', 8019, 'http:', ['http://[::1]:8019', 'http://localhost:8019']],
  ['localhost', 8019, 'http:', ['http://localhost:8019', 'http://127.0.0.1:8019']],
  ['127.0.0.2', 8019, 'http:', ['http://127.0.0.2:8019']],
  ['2001:DB8::0:1', 8019, 'https:', ['https://[2001:db8::1]:8019']],
  ['Chat.example', 80, 'http:', ['http://chat.example']],
  ['fe80::1%eth0', 80, 'http:', ['http://127.0.0.1', 'http://localhost']],
])('who listens on %s, port %i, with %s is found at %j', async (host, port, scheme, origins) => {
  const config = { host, publicUrl: undefined, trustedProxies: [] }
  const site = await WebSite.open(config, { accounts: {} } as never, scheme === 'https:')
  site.foundAt(port)
  expect(site.origins).toEqual(origins)
  expect(site.url).toBe(`${origins[0]}/`)
})

test('on the loopback interface, the lookout answers to addresses and to localhost', () => {
  const ask = (where: string, host?: string) => {
    const reports = { whyNotReady: () => undefined, metrics: () => [] }
    const headers = HeaderFields.from(host === undefined ? {} : { host })
    const request = { method: 'GET', path: '/metrics', headers }
    return (lookoutHandler({ host: where, ...reports })(request as never) as HttpAnswer).status
  }
  for (const where of ['127.0.0.1', '127.0.0.2', '::1', 'localhost']) {
    for (const host of ['127.0.0.1:9019', 'localhost', 'LocalHost:9019', '[::1]:9019', undefined])
      expect(ask(where, host)).toBe(200)
    for (const host of ['evil.example:9019', 'localhost.evil.example', '127.0.0.1.nip.example', ''])
      expect(ask(where, host)).toBe(421)
  }
  for (const where of ['0.0.0.0', '::', '10.0.0.1', '127.example'])
    expect(ask(where, 'chat:9019')).toBe(200)
})

test('a page, a handshake and a ping are no requests of the chat', async () => {
  const server = await startServer({ data: folder, write() {} })
  onTestFinished(() => server.close())
  await fetch(`http://127.0.0.1:${server.webPort}/`)
  const socket = new WebSocket(`ws://127.0.0.1:${server.webPort}/chat`, 'chat.v1')
  const answers: unknown[] = []
  await once(socket, 'open')
  socket.send('{"id":1,"type":"ping"}')
  socket.send('{"id":2,"type":"login","version":1,"name":"ada","password":"correct horse"}')
  while (answers.length < 2) answers.push(JSON.parse((await once(socket, 'message'))[0].data))
  expect(answers).toMatchObject([{ type: 'pong' }, { code: 'bad-login' }])
  socket.close()
  const metrics = await metricsAt(server.metricsPort!)
  expect(metrics).toContain('\nchat_requests_total{door="web"} 1\n')
  expect(metrics).toContain('\nchat_requests_total{door="frames"} 0\n')
})

test('only what was told is counted as told', async () => {
  const measures = new Measures({ now: () => 0, after() {}, cancel() {} })
  const journal = { append(_draft: Draft) {}, onKept(_kept: readonly Kept[]) {} }
  measures.watchJournal(journal as never)
  const drafts = ['one', 'two', 'three'].map((text) => ({ text }) as Draft)
  for (const draft of drafts) journal.append(draft)
  const [first, second, third] = drafts
  journal.onKept([{ draft: first, message: {} } as Kept])
  journal.onKept([{ draft: second, message: undefined }])
  journal.onKept([{ draft: third, message: {} } as Kept])
  await Promise.resolve()
  const metrics = formatMetrics([measures.broadcast])
  expect(metrics).toContain('\nchat_broadcast_seconds_count 2\n')
})

test('values of labels are escaped', () => {
  const samples = () => [
    { labels: [['said', 'a "b"\\\n']] as const, value: Number.POSITIVE_INFINITY },
  ]
  expect(formatMetrics([{ name: 'x', help: 'X.', type: 'gauge', samples }])).toBe(
    '# HELP x X.\n# TYPE x gauge\nx{said="a \\"b\\"\\\\\\n"} +Inf\n',
  )
})

test('no text, password, token, name or address of a mailbox is ever logged', async () => {
  const { program, ports } = await start(['--log-level', 'debug'])
  const [token] = await talk(ports.frames)
  const web = `http://127.0.0.1:${ports.web}`
  const headers = { 'Content-Type': 'application/json', Origin: web }
  for (const body of [
    '{"name":"Grace","email":"grace@example.org","password":"open sesame!"}',
    '{"secret',
  ])
    await fetch(`${web}/api/accounts`, { method: 'POST', headers, body })
  await fetch(`${web}/api/login?token=hidden-in-a-query`, { headers: { Cookie: 'session=stolen' } })
  const rude = connect({ port: ports.frames, host: '127.0.0.1' })
  rude.write(Buffer.concat([Buffer.of(0, 0, 0, 9), Buffer.from('{"mystery')]))
  rude.end()
  await once(rude.resume(), 'close')
  program.signal('SIGTERM')
  expect(await program.ending()).toBe(0)
  expect(program.log.length).toBeGreaterThan(5)
  for (const secret of [token, ...SECRETS]) expect(program.output).not.toContain(secret)
})

test('an error in the log has a name and a place, and not its message', () => {
  const lines: string[] = []
  const logs = new Logs({ level: 'warn', write: (line) => lines.push(line), now: () => 0 })
  logs.info('nobody sees this')
  logs.bug(new TypeError('cannot read "my secret"'))
  logs.bug('my secret')
  const [first, second] = lines.map((line) => JSON.parse(line))
  expect(lines).toHaveLength(2)
  expect(first).toMatchObject({
    time: '1970-01-01T00:00:00.000Z',
    level: 'error',
    event: 'bug',
    error: 'TypeError',
  })
  expect(first.at).toContain('chat-server.test.ts')
  expect(second).toMatchObject({ error: 'string' })
  expect(lines.join('')).not.toContain('secret')
})

const SECRETS = [
  'the text of a message',
  'correct horse battery',
  'ada@example.org',
  'open sesame',
  'grace',
  'hidden-in-a-query',
  'stolen',
  'mystery',
]

/** Looks often, and gives up late: the machine may be busy. */
const PATIENT = { interval: 5, timeout: 10_000 }

/** A client that asks for nothing but pongs. */
class Pinger {
  readonly #closed = Promise.withResolvers<void>()
  #link!: ReturnType<Connect>
  #pongs = 0

  get closed(): Promise<void> {
    return this.#closed.promise
  }

  static async open(connect: Connect): Promise<Pinger> {
    const pinger = new Pinger()
    await new Promise<void>((onOpen) => {
      pinger.#link = connect({
        onOpen,
        // A message is the answer to a ping, or the last one.
        onText: (text) => {
          if (text.includes('pong')) pinger.#pongs += 1
        },
        onClose: pinger.#closed.resolve,
      })
    })
    return pinger
  }

  ping(times: number): void {
    for (let id = 1; id <= times; id++) this.#link.send(`{"id":${id},"type":"ping"}`)
  }

  hangUp(): void {
    this.#link.close()
  }

  /** Resolves when it has heard as many pongs since it is there, and not more. */
  hears(pongs: number): Promise<void> {
    return vi.waitFor(() => expect(this.#pongs).toBe(pongs), PATIENT)
  }
}

/** ada logs in, says one thing, and goes. Resolves with her token. */
async function talk(port: number): Promise<string[]> {
  const ada = await Talker.connect(port)
  await ada.register('ada')
  const { token } = await ada.logIn('ada')
  await ada.ask({ type: 'join', room: 'hall' })
  await ada.ask({ type: 'say', room: 'hall', text: 'the text of a message' })
  ada.destroy()
  return [token as string]
}

async function start(flags: string[] = [], ulimit?: string) {
  const started = await runChatServer(SOLUTION, folder, undefined, flags, ulimit)
  onTestFinished(() => started.program.kill())
  return started
}

async function startSecurely() {
  writeFileSync(join(folder, 'cert.pem'), ONE.cert)
  writeFileSync(join(folder, 'key.pem'), ONE.key)
  return start([
    ...['--tls-key', join(folder, 'key.pem'), '--tls-cert', join(folder, 'cert.pem')],
    ...[],
  ])
}

async function certificateAt(port: number): Promise<string> {
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const { subject } = socket.getPeerCertificate()
  socket.destroy()
  return String(subject.CN)
}

async function health(port: number, what: string): Promise<[number, string]> {
  const answer = await fetch(`http://127.0.0.1:${port}/health/${what}`)
  return [answer.status, await answer.text()]
}

async function metricsAt(port: number): Promise<string> {
  return (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
}

/** Asks until the metrics say so. */
async function untilCounted(port: number, line: string): Promise<void> {
  while (!(await metricsAt(port)).includes(`\n${line}\n`));
}
