/** `npm test …` as a learner types it, in a home of the test's own. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, test } from 'vitest'
import { ROOT } from '../judge/workbook.ts'
import { makeHome } from './home.ts'

describe.concurrent('npm test', () => {
  test('on the untouched starter says what to write where', async ({ expect }) => {
    const { code, stdout } = await makeHome('untouched').test('1')
    expect(code).toBe(1)
    expect(stdout).toMatch(
      /✗ 01\.1 {2}listens on a free port[\s\S]*Yours to write: chapters\/01-hello\/server\.ts:\d+, in listen\(\)/,
    )
    expect(stdout).toMatch(/· 01\.2 .*not reached/)
    expect(stdout).toMatch(/0 of 5 steps are green/)
  })

  test('a step at a time: green, remembered, and red again when it breaks', async ({ expect }) => {
    const home = makeHome('steps')
    home.writeUpTo('01-hello', '01.2')
    const first = await home.test('1')
    expect(first.stdout).toMatch(/✓ 01\.1[\s\S]*✓ 01\.2[\s\S]*✗ 01\.3/)
    expect(JSON.parse(home.read('.workbook/progress.json')).steps).toMatchObject({
      '01.1': {},
      '01.2': {},
    })

    home.writeUpTo('01-hello', '01.1')
    const second = await home.test('1')
    expect(second.stdout).toMatch(/! 01\.2 was green before/)
    expect(JSON.parse(home.read('.workbook/progress.json')).steps['01.2']).toHaveProperty(
      'brokenAt',
    )
  })

  test('a finished chapter exits with 0, and one step of it, too', async ({ expect }) => {
    const home = makeHome('finished')
    home.writeUpTo('01-hello', '01.5')
    expect(await home.test('1')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/5 of 5 steps are green/),
    })
    expect(await home.test('1.2')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/2 of 2 steps are green/),
    })
  })

  test('a chapter on an unfinished one says so first', async ({ expect }) => {
    const home = makeHome('unfinished')
    home.writeUpTo('02-echo', '02.3')
    const { code, stdout } = await home.test('2')
    expect(code).toBe(1)
    expect(stdout).toMatch(
      /^! This chapter stands on an earlier one[\s\S]*01-hello: 01\.1, 01\.2[\s\S]*catch-up/,
    )
    expect(stdout).toMatch(
      /It stands on step 01\.1, which is not written yet: chapters\/01-hello\/server\.ts/,
    )
  })

  test('a finished chapter that broke is named when a later one is judged', async ({ expect }) => {
    const home = makeHome('broke')
    home.writeUpTo('01-hello', '01.5')
    expect(await home.test('1')).toMatchObject({ code: 0 })
    home.write(
      'chapters/01-hello/server.ts',
      home
        .read('chapters/01-hello/server.ts')
        .replace('socket.end(greeting)', 'socket.write(greeting)'),
    )
    const { stdout } = await home.test('2')
    expect(stdout).toMatch(/! Step 01\.2 was green and is red now: .*\n.*Its card: npm test 1/)
  })

  test('a red chapter says so first when one that it stands on is red itself', async ({
    expect,
  }) => {
    const home = makeHome('red-beneath')
    home.writeUpTo('01-hello', '01.5')
    home.writeUpTo('02-echo', '02.3')
    home.write(
      'chapters/01-hello/server.ts',
      home
        .read('chapters/01-hello/server.ts')
        .replace("socket.on('error', () => {})", "socket.on('data', () => socket.destroy())"),
    )
    const { stdout } = await home.test('2')
    expect(stdout).toMatch(
      /! 01-hello, which this chapter stands on, is red itself, and that may be why: step 01\.\d .*\n(.*\n)?Mend that first: npm test 1\n[\s\S]*✗ 02\.\d/,
    )
  })

  test('the reference beneath a red chapter is not judged, nor is anything beneath a green one', async ({
    expect,
  }) => {
    const home = makeHome('sound-beneath')
    home.writeUpTo('01-hello', '01.5')
    home.writeUpTo('02-echo', '02.3')
    const server = home.read('chapters/02-echo/server.ts')
    home.write('chapters/02-echo/server.ts', server.replace('socket.pause()', 'socket.destroy()'))
    expect((await home.test('2')).stdout).toMatch(/✗ 02\.2/)
    expect(Object.keys(JSON.parse(home.read('.workbook/progress.json')).steps)).toEqual(['02.1'])

    home.write('chapters/01-hello/server.ts', `${home.read('chapters/01-hello/server.ts')}\n`)
    home.write('chapters/02-echo/server.ts', server)
    expect((await home.test('2')).code).toBe(0)
    expect(JSON.parse(home.read('.workbook/progress.json')).steps).not.toHaveProperty('01.1')
  })

  test('TypeScript is asked, and what it says is shown', async ({ expect }) => {
    const home = makeHome('types')
    home.writeUpTo('01-hello', '01.5')
    home.write(
      'chapters/01-hello/server.ts',
      `${home.read('chapters/01-hello/server.ts')}\nexport const wrong: number = 'text'\n`,
    )
    const { code, stdout } = await home.test('1')
    expect(stdout).toMatch(
      /TypeScript has something to say[\s\S]*chapters\/01-hello\/server\.ts:\d+ {2}Type 'string' is not assignable/,
    )
    expect(code).toBe(0)
  })

  test('in a home without a package.json it says what it says elsewhere', async ({ expect }) => {
    const parent = mkdtempSync(join(tmpdir(), 'workbook-'))
    try {
      const home = makeHome('bare', parent)
      home.writeUpTo('01-hello', '01.5')
      const server = home.read('chapters/01-hello/server.ts')
      expect((await home.test('1.1')).stdout).not.toContain('TypeScript')
      home.write('chapters/01-hello/server.ts', `${server}\nexport const wrong: number = 'text'\n`)
      expect((await home.test('1.1')).stdout).toMatch(
        /TypeScript has something to say.*\n {2}chapters\/01-hello\/server\.ts:\d+ {2}Type 'string' is not assignable to type 'number'\.\n\n/,
      )
    } finally {
      rmSync(parent, { recursive: true, force: true })
    }
  })

  test('a syntax error names file and line', async ({ expect }) => {
    const home = makeHome('syntax')
    home.write('chapters/01-hello/server.ts', 'export function startServer() {\n  return foo(\n}\n')
    const { code, stdout } = await home.test('1')
    expect(code).toBe(1)
    expect(stdout).toMatch(/it threw at chapters\/01-hello\/server\.ts:3:\s+SyntaxError/)
  })

  test('a missing file says how to get it back', async ({ expect }) => {
    const home = makeHome('missing')
    rmSync(join(home.root, 'chapters/01-hello/server.ts'))
    const { code, stdout } = await home.test('1')
    expect(code).toBe(1)
    expect(stdout).toMatch(/Missing: chapters\/01-hello\/server\.ts\.\n {2}npm start reset 1/)
  })

  test('ends quietly when its reader has seen enough', async ({ expect }) => {
    const args = ['--import', './tests/judge/runtime.js', 'tests/run.ts', '5', '--solution']
    const judging = spawn(process.execPath, args, { cwd: ROOT })
    judging.stdout.once('data', () => judging.stdout.destroy())
    const complaints = text(judging.stderr)
    const [code] = await once(judging, 'close')
    expect({ code, complaints: await complaints }).toEqual({ code: 141, complaints: '' })
  })

  test('inside a chapter it means that chapter', async ({ expect }) => {
    const home = makeHome('inside')
    const inside = home.withEnv({ INIT_CWD: join(home.root, 'chapters', '01-hello') })
    expect((await inside.test()).stdout).toMatch(/^01-hello {2}your code/)
  })

  test('flags that npm keeps to itself are found in the environment', async ({ expect }) => {
    const home = makeHome('flags').withEnv({ npm_config_solution: 'true', npm_config_seed: '11' })
    const { code, stdout } = await home.test('1.1')
    expect(stdout).toMatch(/the code in solutions\/01-hello/)
    expect(code).toBe(0)
  })

  test.for([
    [['hallo'], 2, /Did you mean hello\?/],
    [['99'], 2, /There is no chapter "99"/],
    [['1', '2'], 2, /One chapter at a time/],
    [['1', '--seed', 'x'], 2, /--seed takes a whole number/],
    [['1', '--nope'], 2, /Unknown option '--nope'/],
    [['1.9'], 2, /There is no step 01\.9\. The chapter has 01\.1, 01\.2/],
    [['help'], 0, /npm test 2\.3/],
  ] as const)('%j exits with %i', async ([args, code, says], { expect }) => {
    const outcome = await makeHome(`words-${args.join('-').replace(/\W+/g, '-')}`).test(...args)
    expect(outcome.code).toBe(code)
    expect(outcome.stdout + outcome.stderr).toMatch(says)
  })
})
