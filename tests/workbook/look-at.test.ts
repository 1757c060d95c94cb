/** A card shows the function that is guilty, as far as anybody can know. */

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { CodeTree } from '../harness/code-tree.ts'
import type { FailureReport } from '../harness/failure.ts'
import type { Card } from '../judge/events.ts'
import { findNamed, LOOK } from '../judge/holes.ts'
import { judge } from '../judge/judge.ts'
import { findLookAt } from '../judge/look-at.ts'
import { placesToShow } from '../judge/places-to-show.ts'
import { ROOT, SOLUTION } from '../judge/workbook.ts'

const PARTS = {
  'first.ts': `/** @step 77.1 */
export function one() {}

/** @step 77.1 77.2 */
export function two() {
  throw new Error('TODO 77.2')
}

export function given() {
  push(1)
}
`,
  'second.ts': `export class Second {
  /**
   * Pushes.
   *
   * @step 77.1
   */
  push(
    what: number,
  ): void {}

  /** @step 77.2 */
  async #pull(): Promise<void> {
    throw new Error('TODO 77.2')
  }
}

export const later = async () => {}
`,
}

describe('where to look', () => {
  const tree = write('look', PARTS)
  const look = (report: Partial<FailureReport>, step = '77.1') =>
    findLookAt(tree, '77-pure', step, { headline: '', story: [], ...report }).map(
      ({ file, line, function: name }) =>
        `${file.replace('chapters/77-pure/', '')}:${line} ${name}`,
    )

  test('all functions of the step, in order', () => {
    expect(look({})).toEqual(['first.ts:2 one', 'first.ts:5 two', 'second.ts:7 push'])
  })

  test('first those that the expectation names', () => {
    expect(look({ look: 'second.push()' })).toEqual([
      'second.ts:7 push',
      'first.ts:2 one',
      'first.ts:5 two',
    ])
    expect(look({ look: ['#pull()', 'given()', 'later()'] }, '77.2').slice(0, 3)).toEqual([
      'second.ts:12 #pull',
      'first.ts:9 given',
      'second.ts:17 later',
    ])
  })

  test('then those that a sentence of the card speaks of', () => {
    const likely = 'Is push() called once for each?'
    expect(look({ likely })[0]).toBe('second.ts:7 push')
    expect(look({ look: 'two()', likely })).toEqual([
      'first.ts:5 two',
      'second.ts:7 push',
      'first.ts:2 one',
    ])
    expect(
      look({ likely: 'socket.push() and repush() are not it, and a push is no name.' })[0],
    ).toBe('first.ts:2 one')
  })

  test('none that is of a later step and still to be written', () => {
    expect(look({ look: ['#pull()', 'two()', 'given()'] })).toEqual([
      'first.ts:5 two',
      'first.ts:9 given',
      'first.ts:2 one',
      'second.ts:7 push',
    ])
  })

  test('a name that the learner has changed costs nothing', () => {
    expect(look({ look: 'second.shove()' })).toHaveLength(3)
  })

  test('first the hole that was reached, then others that are open, then what is written', () => {
    const file = 'chapters/77-pure/second.ts'
    const trace = [{ file, line: 13, function: 'Second.#pull' }]
    expect(look({ openStep: '77.2', trace })).toEqual(['second.ts:12 #pull', 'first.ts:5 two'])
    expect(look({ openStep: '77.2' })).toEqual(['first.ts:5 two', 'second.ts:12 #pull'])
  })
})

describe('which places a card shows', () => {
  const file = 'chapters/77-pure/frames.ts'
  const [push, parse, keep] = ['push', 'parse', 'keep'].map((name, index) => ({
    file,
    line: 10 * index + 10,
    function: name,
    doc: '',
  }))
  const at = (where: string, line: number) => ({ file, line, function: where })
  const show = (trace: Card['trace'], lookAt = [push, keep]) =>
    placesToShow({ step: { id: '77.2', title: '' }, lookAt, trace } as Card).map(
      ({ function: name }) => name,
    )

  test('where it broke, when that is a function of the step', () => {
    expect(show([at('Decoder.push', 12), at('', 40)])).toEqual(['Decoder.push'])
  })

  test('first the function of the step that called one which has been green', () => {
    expect(show([at('parse', 22), at('Decoder.push', 12)])).toEqual(['Decoder.push', 'parse'])
  })

  test('where it broke and what the step is about, when no function of the step was on the way', () => {
    expect(show([at('parse', 22), at('Server.fail', 40)])).toEqual(['parse', 'push'])
    expect(show([at('parse', 20)], [parse])).toEqual(['parse'])
  })
})

describe.concurrent('a hole that was reached comes first, whatever became of its error', () => {
  test.for([
    ['caught by the code around it', `try { answer(socket) } catch {}`, 'answer'],
    [
      'a rejection that is caught',
      `Promise.reject().catch(() => answer(socket)).catch(() => {})`,
      'answer',
    ],
    [
      'thrown in a worker thread that somebody listens to',
      `new Worker("throw new Error('TODO 77.2')", { eval: true }).on('error', () => socket.end())`,
      'answer',
    ],
  ])('%s', async ([name, handler], { expect }) => {
    const card = await cardOf(name.replaceAll(' ', '-'), serverWith(handler))
    expect(card).toMatchObject({ openStep: '77.2', lookAt: [{ function: 'answer' }] })
    expect(card.headline).toContain('still to be written')
  })

  test('unless it belongs to a later step', async ({ expect }) => {
    const source = serverWith('try { answer(socket) } catch {}').replaceAll('77.2', '77.3')
    const card = await cardOf('a-later-hole', source)
    expect(card.openStep).toBeUndefined()
    expect(card.headline).toContain('ada received nothing')
  })
})

describe.concurrent('a thread that crashed is told, whatever its listener makes of the error', () => {
  const crashing = (thrown: string) =>
    serverWith(
      `new Worker("throw Error('${thrown}')", { eval: true }).on('error', () => socket.pause())`,
    )

  test('with its error', async ({ expect }) => {
    const card = await cardOf('a-thread-crashed', crashing('no port'))
    expect(card.openStep).toBeUndefined()
    expect(card.headline).toContain('a thread crashed: Error: no port')
  })

  test('unless the test has asked for it', async ({ expect }) => {
    const card = await cardOf('a-thread-crashed-on-request', crashing('crashed on request'))
    expect(card.headline).toContain('ada received nothing')
    expect(card.headline).not.toContain('crashed')
  })
})

test('every function that a test names is one of the model answer', () => {
  const folder = join(ROOT, 'tests', 'chapters')
  const files = readdirSync(folder).filter((name) => name.endsWith('.test.ts'))
  const wrong = files.flatMap((file) =>
    looksIn(join(folder, file))
      .filter((look) => !LOOK.test(look) || !isInSolution(file.replace('.test.ts', ''), look))
      .map((look) => `${file}: ${look}`),
  )
  expect(wrong).toEqual([])
})

test('and so is every function that a world names, of its own chapter if it has one', () => {
  const folder = join(ROOT, 'tests', 'worlds')
  const chapters = readdirSync(join(ROOT, 'solutions'))
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  const wrong = files
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => {
      const its = chapters.filter((chapter) => dirname(file) === '.' || dirname(file) === chapter)
      return looksIn(join(folder, file))
        .filter((look) => !LOOK.test(look) || !its.some((each) => isInSolution(each, look)))
        .map((look) => `${file}: ${look}`)
    })
  expect(files.length).toBeGreaterThan(chapters.length)
  expect(wrong).toEqual([])
})

function looksIn(file: string): string[] {
  return [...readFileSync(file, 'utf8').matchAll(/\blook: (\[[^\]]*\]|'[^']*')/g)].flatMap(
    ([, looks]) => [...looks.matchAll(/'([^']*)'/g)].map(([, look]) => look),
  )
}

function isInSolution(chapter: string, look: string): boolean {
  return findNamed(SOLUTION, chapter, look).length > 0
}

function serverWith(handler: string): string {
  return `import { createServer, type AddressInfo, type Socket } from 'node:net'
import { Worker } from 'node:worker_threads'

export async function startServer() {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', () => { ${handler} })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { port: (server.address() as AddressInfo).port, close: async () => {}, Worker }
}

/** @step 77.2 */
function answer(socket: Socket): void {
  throw new Error('TODO 77.2')
}
`
}

async function cardOf(name: string, source: string): Promise<Card> {
  const tree = write(name, { 'part.ts': source })
  const testFile = join(import.meta.dirname, 'fixtures', 'server.steps.ts')
  const events = await Array.fromAsync(judge({ chapter: '77-pure', tree, testFile, seed: 1 }))
  return events.find((event) => event.kind === 'stepFailed')!.card
}

function write(name: string, files: Record<string, string>): CodeTree {
  const root = join(ROOT, '.workbook', 'tmp', 'look-at', name)
  rmSync(root, { recursive: true, force: true })
  mkdirSync(join(root, '77-pure'), { recursive: true })
  for (const [file, source] of Object.entries(files))
    writeFileSync(join(root, '77-pure', file), source)
  return { root, label: 'chapters' }
}
