/** `npm start <verb>` without a terminal. */

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, test, vi } from 'vitest'
import { howToTalk } from '../../tutor/verbs/serve.ts'
import { ROOT, SOLUTION } from '../judge/workbook.ts'
import { type Home, makeHome } from './home.ts'

const SERVER = 'chapters/01-hello/server.ts'
const NPM_START = ['--import', './tests/judge/runtime.js', '--import', 'tsx', 'tutor/main.tsx']

/** A server as that of chapter 19, as far as signals are concerned. On a lost terminal it would die of its own words. */
const RELOADING = `export async function startServer() {
  const timer = setInterval(() => {}, 1_000)
  console.log(\`pid \${process.pid}\`)
  return {
    port: 1,
    close: async () => clearInterval(timer),
    reload: async () => process.stdout.isTTY || console.log('reloaded'),
  }
}
`

describe.concurrent('npm start', () => {
  test('without a terminal prints where one is and what is next', async ({ expect }) => {
    const { code, stdout } = await makeHome('status').start()
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /Part I · A connection\n +01 Hello +○○○○○[\s\S]*Next {2}01\.1 listens on a free port[\s\S]*npm test 1/,
    )
  })

  test('status --json can be read by a machine', async ({ expect }) => {
    const home = makeHome('status-json')
    home.writeUpTo('01-hello', '01.1')
    await home.test('1')
    const { stdout } = await home.start('status', '--json')
    const status = JSON.parse(stdout)
    expect(status.next).toEqual({ chapter: '01-hello', step: '01.2' })
    expect(status.chapters[0]).toMatchObject({
      name: '01-hello',
      state: 'started',
      steps: [{ state: 'green' }, { state: 'open' }, {}, {}, {}],
    })
  })

  test('status --json tells who is stuck: where, since when, and after how many hints', async ({
    expect,
  }) => {
    const home = makeHome('status-stuck')
    const [passedAt, brokenAt] = ['2026-01-01T10:00:00.000Z', '2026-01-02T10:00:00.000Z']
    writeProgress(home, {
      version: 1,
      steps: { '01.1': { passedAt, brokenAt } },
      hints: { '01.2': 3 },
      place: '01.2',
    })
    const status = JSON.parse((await home.start('status', '--json')).stdout)
    expect(status.place).toBe('01.2')
    expect(status.chapters[0].steps.slice(0, 2)).toMatchObject([
      { state: 'broken', passedAt, brokenAt, hints: 0 },
      { state: 'open', passedAt: null, brokenAt: null, hints: 3 },
    ])
  })

  test('read: a lesson or a step, hints closed', async ({ expect }) => {
    const home = makeHome('read')
    const lesson = await home.start('read', '1')
    expect(lesson.stdout).toMatch(/01\.1 listens on a free port[\s\S]*How real servers do it/)
    const step = await home.start('read', '1.2')
    expect(step.stdout).toMatch(/^01\.2 greets everybody/)
    expect(step.stdout).not.toMatch(/<details>|Nearly the code/)
    expect(await home.start('read', '1.9')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/no step 01\.9/),
    })
  })

  test('hint: one more each time, then the way to the answer', async ({ expect }) => {
    const home = makeHome('hint')
    expect((await home.start('hint')).stdout).toMatch(/Hint 1 of 3/)
    expect((await home.start('hint', '1.1')).stdout).toMatch(/Hint 1 of 3[\s\S]*Hint 2 of 3/)
    expect((await home.start('hint', '1.1')).stdout).toMatch(
      /Hint 3 of 3[\s\S]*That was the last one/,
    )
  })

  test('reset keeps what was there, and restore brings it back', async ({ expect }) => {
    const home = makeHome('reset')
    const starter = home.read(SERVER)
    home.write(SERVER, '// mine\n')
    const reset = await home.start('reset', '1')
    expect(reset.stdout).toMatch(
      /Starter written: chapters\/01-hello\/server\.ts\nYours is kept in +\.workbook\/snapshots\/01-hello\//,
    )
    expect(home.read(SERVER)).toBe(starter)

    const restore = await home.start('restore', '1')
    expect(restore.stdout).toMatch(/before reset/)
    expect(home.read(SERVER)).toBe('// mine\n')
    expect((await home.start('restore', '1', '--list')).stdout).toMatch(
      /1 {2}\S+ before restore\n +2 {2}\S+ before reset/,
    )
    await home.start('restore', '1', '1')
    expect(home.read(SERVER)).toBe(starter)
  })

  test('reset twice changes nothing the second time', async ({ expect }) => {
    const home = makeHome('reset-twice')
    expect((await home.start('reset', '1')).stdout).toMatch(/already is the starter/)
  })

  test('catch-up puts the reference before a chapter, and keeps the learner’s own', async ({
    expect,
  }) => {
    const home = makeHome('catch-up')
    home.write(SERVER, '// mine\n')
    const { stdout } = await home.start('catch-up', '2')
    expect(stdout).toMatch(
      /Reference written: chapters\/01-hello\/server\.ts\nYours is kept in[\s\S]*02-echo can begin\. It stands on 01-hello/,
    )
    home.writeUpTo('02-echo', '02.3')
    const judged = await home.test('2')
    expect(judged.code, judged.stdout).toBe(0)
    await home.start('restore', '1')
    expect(home.read(SERVER)).toBe('// mine\n')
  })

  test('restore brings back one’s own work after a catch-up that wrote nothing', async ({
    expect,
  }) => {
    const home = makeHome('restore-own')
    home.write(SERVER, '// mine\n')
    await home.start('catch-up', '2')
    await home.start('catch-up', '2')
    expect((await home.start('restore', '1')).stdout).toMatch(
      /Snapshot "\S+ before catch-up" written/,
    )
    expect(home.read(SERVER)).toBe('// mine\n')
  })

  test('restore brings back what was overwritten last, although it is also a green copy', async ({
    expect,
  }) => {
    const home = makeHome('restore-green')
    home.write(SERVER, '// a first attempt\n')
    await home.start('reset', '1')
    home.write(SERVER, '// green\n')
    // As the guide keeps it.
    const name = `${new Date().toISOString().replaceAll(':', '-').replace('Z', '')} green`
    const copy = join(home.root, '.workbook', 'snapshots', '01-hello', name)
    cpSync(join(home.root, 'chapters', '01-hello'), copy, { recursive: true })
    await home.start('catch-up', '2')
    await home.start('restore', '1')
    expect(home.read(SERVER)).toBe('// green\n')
  })

  test('restore brings back every byte, whatever the encoding', async ({ expect }) => {
    const home = makeHome('restore-bytes')
    const latin1 = Buffer.from('// gr\u00fc\u00df\n', 'latin1')
    writeFileSync(join(home.root, SERVER), latin1)
    await home.start('reset', '1')
    await home.start('restore', '1')
    expect(readFileSync(join(home.root, SERVER))).toEqual(latin1)
  })

  test('after reset, nothing of the chapter is green any more', async ({ expect }) => {
    const home = makeHome('reset-green')
    home.writeUpTo('01-hello', '01.5')
    await home.test('1')
    expect((await home.start('status')).stdout).toMatch(/●●●●●/)
    await home.start('reset', '1')
    expect((await home.start('status')).stdout).toMatch(/✗✗✗✗✗/)
    await home.start('restore', '1')
    await home.test('1')
    expect((await home.start('status')).stdout).toMatch(/●●●●●/)
  })

  test('restore says how many snapshots there are', async ({ expect }) => {
    const home = makeHome('restore-count')
    home.write(SERVER, '// mine\n')
    await home.start('reset', '1')
    expect((await home.start('restore', '1', '7')).stderr).toMatch(/^There is one snapshot: /)
    await home.start('restore', '1')
    expect((await home.start('restore', '1', '7')).stderr).toMatch(/^There are 2 snapshots: /)
  })

  test('what cannot be copied is not overwritten, and a sentence says so', async ({ expect }) => {
    const home = makeHome('no-copies')
    home.write(SERVER, '// mine\n')
    home.write('.workbook', 'a file, where the folder belongs')
    for (const args of [
      ['reset', '1'],
      ['catch-up', '2'],
    ]) {
      expect(await home.start(...args)).toEqual({
        code: 1,
        stdout: '',
        stderr: expect.stringMatching(
          /^chapters\/01-hello stays as it is, because it could not be copied first: E.*\n$/,
        ),
      })
    }
    expect(home.read(SERVER)).toBe('// mine\n')
    expect((await home.start('hint', '1.1')).stderr).toMatch(/^! Progress cannot be saved/)
    expect((await home.start('doctor')).stdout).toMatch(
      /✗ \.workbook\/ cannot be written.*\n.*It is a file, and has to be a folder/,
    )
  })

  test('diff does not count how lines end', async ({ expect }) => {
    const home = makeHome('diff-crlf')
    const answer = readFileSync(join(SOLUTION.root, '01-hello', 'server.ts'), 'utf8')
    home.write(SERVER, answer.replaceAll('\n', '\r\n'))
    expect((await home.start('diff', '1')).stdout).toMatch(/to the letter/)
  })

  test('after catch-up, status, hint and the guide go on where one has caught up to', async ({
    expect,
  }) => {
    const home = makeHome('catch-up-place')
    await home.start('catch-up', '3')
    expect((await home.start('status')).stdout).toMatch(/Next {2}03\.1/)
    expect((await home.start('hint')).stdout).toMatch(/^03\.1/)
    const inside = home.withEnv({ INIT_CWD: join(home.root, 'chapters', '02-echo') })
    expect((await inside.start('hint')).stdout).toMatch(/^02\.1/)
    expect(JSON.parse(home.read('.workbook/progress.json')).place).toBe('03.1')
  })

  test('diff: against the answer, no further than a step when one is named', async ({ expect }) => {
    const home = makeHome('diff')
    const all = await home.start('diff', '1')
    expect(all.stdout).toMatch(/-\s+throw new Error\('TODO 01\.5'\)/)
    const one = await home.start('diff', '1.1')
    expect(one.stdout).toMatch(/\+\s+server\.listen\(/)
    expect(one.stdout).not.toMatch(/TODO 01\.2|socket\.end/)
    home.writeUpTo('01-hello', '01.5')
    expect((await home.start('diff', '1')).stdout).toMatch(/to the letter/)
  })

  test('serve says that a port is taken, in the learner’s own words', async ({ expect }) => {
    const home = makeHome('serve-taken')
    home.writeUpTo('01-hello', '01.5')
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    const { code, stdout } = await home.start('serve', '1', '--port', String(port))
    other.close()
    expect(stdout).toMatch(new RegExp(`Port ${port} is taken`))
    expect(code).toBe(1)
  })

  test('serve on a starter says which hole it fell into', async ({ expect }) => {
    const { code, stdout } = await makeHome('serve-starter').start('serve', '1', '--port', '0')
    expect(stdout).toMatch(
      /It fell into step 01\.1, which is still to be written \(chapters\/01-hello\/server\.ts:\d+, in listen\(\)\)/,
    )
    expect(stdout).toContain('npm start serve 1 -- --port 0 --solution\n')
    expect(code).toBe(1)
  })

  test('serve runs until it is told to stop, and talk talks to it', async ({ expect }) => {
    const home = makeHome('serve')
    home.writeUpTo('01-hello', '01.5')
    const server = spawn(
      process.execPath,
      [...NPM_START, 'serve', '1', '--port', '0'],
      inHome(home),
    )
    const [line] = await once(server.stdout, 'data')
    const port = /port (\d+)/.exec(String(line))![1]
    const talk = await home.start('talk', '1', '--port', port)
    expect(talk.stdout).toMatch(
      /connected to 127\.0\.0\.1[\s\S]*Hello! You reached a TCP server\.\nthe server ended the connection/,
    )
    server.kill('SIGINT')
    const [code] = await once(server, 'close')
    expect(code).toBe(0)
  })

  test('a server that can reload does so at SIGHUP when it has no terminal', async ({ expect }) => {
    const home = makeHome('serve-reload')
    home.write(SERVER, RELOADING)
    const serve = [...NPM_START, 'serve', '1', '--port', '0']
    const server = spawn(process.execPath, serve, inHome(home))
    try {
      await hear(server, /Ctrl-C/)
      server.kill('SIGHUP')
      await hear(server, /reloaded/)
      server.kill('SIGINT')
      expect(await once(server, 'close')).toEqual([0, null])
    } finally {
      server.kill('SIGKILL')
    }
  })

  test('serve tells how to talk to exactly this server', async ({ expect }) => {
    expect(howToTalk({}, { port: 4007 }, 7, 'bytes')).toMatch(/npm start talk 7$/)
    expect(howToTalk({}, { port: 5007 }, 7, 'bytes')).toMatch(/npm start talk 7 -- --port 5007$/)
    const chat = { port: 4019, webPort: 8019 }
    expect(howToTalk({}, chat, 19, 'frames')).toMatch(/npm start chat$/)
    expect(howToTalk({ solution: true }, { ...chat, port: 5019 }, 19, 'frames')).toMatch(
      /npm start chat 127\.0\.0\.1:5019 -- --solution$/,
    )
    const talk = await makeHome('talk-again').start('talk', '1', '--port', '1')
    expect(talk.stdout).toContain('npm start serve 1 -- --port 1\n')
  })

  test('the help fits into 80 columns', async ({ expect }) => {
    const { stdout } = await makeHome('help').start('help')
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([])
    expect(stdout).toMatch(/hint 7\.2 [^\n]*the last\n {29}is nearly the code\n/)
  })

  test.runIf(process.platform === 'linux')(
    'a server ends with its terminal, also one that can reload',
    async ({ expect }) => {
      const home = makeHome('serve-hangup')
      home.write(SERVER, RELOADING)
      const serve = [process.execPath, ...NPM_START, 'serve', '1', '--port', '0'].join(' ')
      const terminal = spawn('script', ['--quiet', '--command', serve, '/dev/null'], inHome(home))
      const pid = Number((await hear(terminal, /pid (\d+)[\s\S]*Ctrl-C/))[1])
      terminal.kill('SIGKILL')
      try {
        await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow(/ESRCH/), 5_000)
      } finally {
        if (existsSync(`/proc/${pid}`)) process.kill(pid, 'SIGKILL')
      }
    },
  )

  test('talk says so when nobody listens', async ({ expect }) => {
    const { code, stdout } = await makeHome('talk').start('talk', '1', '--port', '1')
    expect(stdout).toMatch(/Nobody listens on port 1\. Start it: {2}npm start serve 1/)
    expect(code).toBe(1)
  })

  test('measure answers a Predict block, for people and for machines', async ({ expect }) => {
    const home = makeHome('measure')
    const { stdout } = await home.start('measure', '2.backpressure', '--solution', '--json')
    const result = JSON.parse(stdout)
    expect(result).toMatchObject({
      id: '02.backpressure',
      code: 'solutions',
      answer: { unit: 'MiB' },
    })
    expect(result.answer.value).toBeGreaterThan(100)
    expect(result.rows.at(-1).value).toBeLessThan(8)
    expect(await home.start('measure', '2.nothing')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/02\.backpressure/),
    })
    const open = await home.start('measure', '2.backpressure')
    expect(open).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/could not be measured[\s\S]*--solution/),
    })
  })

  // On a server, on code in this process, and where the code throws while nobody waits for it.
  test.for(['07.echo', '08.timers', '15.reopen', '16.schedules', '19.latency'])(
    'measure %s on a starter says in a sentence that it is unfinished, and ends',
    async (id, { expect }) => {
      const { code, stdout, stderr } = await makeHome(`measure-${id}`).start('measure', id)
      expect(stdout).toMatch(/could not be measured[^\n]*\nFinish the chapter first/)
      expect(stderr).not.toContain('    at ')
      expect(code).toBe(1)
    },
  )

  test('measure names the step that is open, whatever else was thrown for it', async ({
    expect,
  }) => {
    const home = makeHome('measure-thrown-later')
    const groups = 'chapters/15-history/groups.ts'
    const thrown = 'new Error("left open")'
    home.write(
      groups,
      home.read(groups).replaceAll(/throw (new Error\('TODO .*)/g, `$1; throw ${thrown}`),
    )
    const { code, stdout, stderr } = await home.start('measure', '15.reopen')
    expect(stdout).toMatch(/step 15\.1 is still to be written\.\nFinish the chapter first/)
    expect(stderr).not.toContain('    at ')
    expect(code).toBe(1)
  })

  test('measure says in a sentence that the server has broken off', async ({ expect }) => {
    const home = makeHome('measure-broken-off')
    for (const chapter of ['01-hello', '06-worker-pool', '07-event-loop'])
      home.writeUpTo(chapter, `${chapter.slice(0, 2)}.9`)
    const { code, stdout, stderr } = await home.start('measure', '11.p99')
    expect(stdout).toMatch(/could not be measured\. It has ended a connection[^\n]*\nFinish the/)
    expect(stderr).not.toContain('    at ')
    expect(code).toBe(1)
  })

  test('a broken progress file costs nothing', async ({ expect }) => {
    const home = makeHome('broken-progress')
    writeProgress(home, '{ "version": 1, "st')
    const { code, stderr } = await home.start('status')
    expect(code).toBe(0)
    expect(stderr).toMatch(/progress\.json could not be read\. It is kept as/)
  })

  test('doctor', async ({ expect }) => {
    const { stdout } = await makeHome('doctor').start('doctor')
    expect(stdout).toMatch(
      /✓ Node 26[\s\S]*✓ can listen on 127\.0\.0\.1[\s\S]*✓ every chapter has its files/,
    )
  })

  test('doctor without git cannot tell whether tests were edited, and that is no fault', async ({
    expect,
  }) => {
    const { stdout } = await makeHome('doctor-no-git').withEnv({ PATH: '/nowhere' }).start('doctor')
    expect(stdout).toMatch(
      /^\? cannot tell whether the tests are as they were shipped\n {2}git gives no answer/m,
    )
    expect(stdout).not.toContain('✗')
  })

  test.for([
    [['statsu'], 2, /Did you mean status\?/],
    [['constructor'], 2, /There is no "constructor"/],
    [['diff', '7.99'], 2, /no step 07\.99/],
    [['measure'], 2, /^Which measurement\?.*07\.echo, 07\.idle/],
    [['measure', '7'], 2, /^Chapter 7 has more than one measurement: 07\.echo, 07\.idle\.$/m],
    [['measure', '20'], 2, /no measurement "20"/],
    [['reset'], 2, /Which chapter\?/],
    [['reset', '1.2'], 2, /whole chapter/],
    [['serve', '1', '--port', '99999'], 2, /0 to 65535/],
    [['restore', '1'], 1, /no snapshots/],
    [['catch-up', '1'], 0, /nothing before it/],
    [['help'], 0, /npm start catch-up 7/],
  ] as const)('%j exits with %i', async ([args, code, says], { expect }) => {
    const outcome = await makeHome(`start-${args.join('-').replace(/\W+/g, '-')}`).start(...args)
    expect(outcome.code).toBe(code)
    expect(outcome.stdout + outcome.stderr).toMatch(says)
  })
})

function writeProgress(home: Home, content: string | object): void {
  mkdirSync(join(home.root, '.workbook'))
  const text = typeof content === 'string' ? content : JSON.stringify(content)
  home.write('.workbook/progress.json', text)
}

/** For a process that is not to be waited for. */
function inHome({ root }: Home) {
  return { cwd: ROOT, env: { ...process.env, WORKBOOK_HOME: root } }
}

/** Resolves when it has written that. */
async function hear({ stdout }: ChildProcessWithoutNullStreams, text: RegExp) {
  let written = ''
  for (;;) {
    const found = text.exec(written)
    if (found) return found
    const [more] = await Promise.race([once(stdout, 'data'), once(stdout, 'end')])
    if (more === undefined) throw new Error(`the end, after ${JSON.stringify(written)}`)
    written += more
  }
}
