/** Mutants: which changes are made, who notices them, and what is said about those that nobody notices. */

import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readSolution } from '../../tutor/book/book.ts'
import { findExercises } from '../../tutor/book/starter.ts'
import { ROOT } from '../judge/workbook.ts'
import { hasPeer } from '../maintainers/peers.ts'
import { type Explained, explains, readExplained } from '../mutants/explained.ts'
import { findMutants, type Mutant } from '../mutants/find-mutants.ts'
import { hunt, type Verdict } from '../mutants/hunt.ts'
import { Memory } from '../mutants/memory.ts'
import { summarize } from '../mutants/summary.ts'

const SOURCE = `/** The number that everything starts from. */
export const START = 1 + 1

/**
 * Twice the value.
 *
 * @step 77.1
 */
export function double(value: number): number {
  if (value === 0) return 0
  return value * 2
}

/** @answer 77.1 */
const HALF = 1 / 2

/** @step 77.2 */
export async function behave(): Promise<void> {
  const isOdd = START > 1 && HALF < 1 || START < 0
  if (isOdd) await Promise.resolve(HALF)
  await Promise.resolve(isOdd)
}
`

const STRYKER = '@stryker-mutator/instrumenter'
/** In `.ci/run` they are installed, and nothing is skipped. */
const lacksPeers = !hasPeer(STRYKER) && !process.env.CI
const NEEDS_PEERS = lacksPeers ? ' (needs: npm run peers)' : ''

describe.skipIf(lacksPeers)(`the changes that are made${NEEDS_PEERS}`, () => {
  test('stay inside holes and what belongs to the answer', async () => {
    const mutants = await findMutants('part.ts', SOURCE)
    expect(new Set(mutants.map((mutant) => mutant.function))).toEqual(
      new Set(['double', 'HALF', 'behave']),
    )
    const untouched = (source: string) => source.slice(0, source.indexOf('/**\n * Twice'))
    for (const { source } of mutants) expect(untouched(source)).toBe(untouched(SOURCE))
  })

  test('know their line, their step and what they change', async () => {
    const mutants = await findMutants('part.ts', SOURCE)
    expect(mutants.find(({ kind }) => kind === 'ArithmeticOperator')).toMatchObject({
      function: 'double',
      steps: ['77.1'],
      line: 11,
      was: 'return value * 2',
      now: 'return value / 2',
    })
  })

  test('another operator keeps what belonged together, together', async () => {
    const lines = (await findMutants('part.ts', SOURCE)).map(({ now }) => now)
    expect(lines).toContain('const isOdd = (START > 1 || HALF < 1) || START < 0')
    expect(lines).toContain('const isOdd = START > 1 && HALF < 1 && START < 0')
  })

  test('leave out a statement or an await, miss a number by one, and change nothing twice', async () => {
    const mutants = await findMutants('part.ts', SOURCE)
    expect(mutants.filter(({ kind }) => kind === 'LeftOut')).toMatchObject([
      { was: 'await Promise.resolve(isOdd)', now: '' },
    ])
    expect(mutants.filter(({ kind }) => kind === 'AwaitLeftOut')).toHaveLength(2)
    const numbers = mutants.filter(({ kind }) => kind === 'OffByOne').map(({ now }) => now)
    expect(numbers).toContain('return value * 3')
    expect(new Set(mutants.map(({ source }) => source)).size).toBe(mutants.length)
  })

  const explainedChapters = readdirSync(join(ROOT, 'tests', 'mutants', 'explained')).map((file) =>
    file.slice(0, -'.ts'.length),
  )
  test.each(explainedChapters)('%s: every explanation is of a mutant', async (chapter) => {
    const files = [...readSolution(chapter)]
    const found = await Promise.all(files.map(([file, source]) => findMutants(file, source)))
    const of = (entry: Explained) => found.flat().some((mutant) => explains(entry, mutant))
    expect((await readExplained(chapter)).filter((entry) => !of(entry))).toEqual([])
  })
})

test('what a learner writes is the bodies of holes, and what belongs to the answer', () => {
  expect(
    findExercises(SOURCE).map(({ name, steps, start, end }) => [
      name,
      steps,
      SOURCE.slice(start, end).split('\n')[0],
    ]),
  ).toEqual([
    ['double', ['77.1'], '{'],
    ['HALF', ['77.1'], 'const HALF = 1 / 2'],
    ['behave', ['77.2'], '{'],
  ])
})

test('a mutant is noticed by the step that owns its hole, by a later one, or by none', async () => {
  const verdicts = await judgeMutants({
    halves: SOURCE.replace('value * 2', 'value / 2'),
    spins: SOURCE.replace('return value * 2', 'for (;;) {}'),
    'does not load': SOURCE.replace('return value * 2', 'return ]'),
    late: `${SOURCE.replace('return 0', 'return 1')}\nif (double(0)) Object.assign(globalThis, { behave: 1 })\n`.replace(
      'await Promise.resolve(isOdd)',
      "if ('behave' in globalThis) throw new Error('no')",
    ),
    survives: SOURCE.replace('value === 0', 'false'),
  })
  expect(verdicts).toEqual({
    halves: { kind: 'killed', by: '77.1' },
    spins: { kind: 'killed', by: '77.1' },
    'does not load': { kind: 'killed', by: '77.1' },
    late: { kind: 'late', by: '77.2' },
    survives: { kind: 'survived' },
  })
})

describe('the summary', () => {
  const [killed, late, explained, survivor] = ['killed', 'late', 'explained', 'survivor'].map(
    mutantOf,
  )
  const verdicts = new Map<Mutant, Verdict>([
    [killed, { kind: 'killed', by: '77.1' }],
    [late, { kind: 'late', by: '77.2' }],
    [explained, { kind: 'survived' }],
    [survivor, { kind: 'survived' }],
  ])
  const because = 'Nothing times two is nothing.'

  test('counts, and lists what is left to explain with its place', () => {
    const { text, unexplained } = summarize('77-pure', verdicts, [{ ...explained, because }], {
      isWhole: true,
    })
    expect(unexplained).toEqual([survivor])
    expect(text).toContain('4 mutants, 2 killed (1 of them late), 1 explained, 1 unexplained.')
    expect(text).toContain(
      'solutions/77-pure/part.ts:9 in double   77.1, EqualityOperator\n  - survivor',
    )
    expect(text).toContain('noticed by 77.2')
    expect(text).not.toContain('  - explained')
  })

  test('says which explanations have become stale, but not when only a part was judged', () => {
    const stale = [{ ...killed, because }]
    const textOf = (isWhole: boolean) => summarize('77-pure', verdicts, stale, { isWhole }).text
    expect(textOf(true)).toMatch(/explanations of no survivor[\s\S]*- killed/)
    expect(textOf(false)).not.toContain('explanations of no survivor')
  })

  test('an explanation is of one function and one change, wherever its line stands', () => {
    const entry = { ...explained, because }
    expect(explains(entry, { ...explained, line: 99 })).toBe(true)
    expect(explains(entry, { ...explained, function: 'behave' })).toBe(false)
    expect(explains(entry, { ...explained, now: 'something else' })).toBe(false)
  })
})

test('verdicts are kept: of the killed while their file stays, of others while nothing changes', () => {
  const folder = makeFolder('memory')
  const [killed, survivor] = ['killed', 'survivor'].map(mutantOf)
  const open = ({ fresh = false } = {}) =>
    new Memory(join(folder, 'memory.json'), [join(folder, 'test.ts')], { fresh })
  const recalled = (memory: Memory) =>
    [killed, survivor].map((mutant) => memory.recall(mutant)?.kind)
  writeFileSync(join(folder, 'test.ts'), 'the tests')

  const memory = open()
  memory.remember(killed, { kind: 'killed', by: '77.1' })
  memory.remember(survivor, { kind: 'survived' })
  expect(recalled(open())).toEqual(['killed', 'survived'])
  expect(recalled(open({ fresh: true }))).toEqual([undefined, undefined])
  writeFileSync(join(folder, 'test.ts'), 'stricter tests')
  expect(recalled(open())).toEqual(['killed', undefined])
  expect(open().recall({ ...killed, source: 'another file' })).toBeUndefined()
})

test('a learner installs nothing that only maintainers need, and no maintainer runs an install script', () => {
  const read = (path: string) => JSON.parse(readFileSync(join(ROOT, path), 'utf8'))
  const peers: Record<string, string> = read('tests/maintainers/package.json').devDependencies
  for (const version of Object.values(peers)) expect(version).toMatch(/^\d+\.\d+\.\d+$/)
  const { dependencies, devDependencies } = read('package.json')
  expect(
    Object.keys(peers).filter((name) => name in { ...dependencies, ...devDependencies }),
  ).toEqual([])
  const { packages } = read('tests/maintainers/package-lock.json')
  expect(Object.keys(packages).filter((path) => packages[path].hasInstallScript)).toEqual([])
})

test.each([
  [[], 'npm run mutants 6 '],
  [['99'], 'There is no chapter "99".'],
  [['6', '--frseh'], "Unknown option '--frseh'"],
])('npm run mutants %j says how it is used', (words, sentence) => {
  const args = ['--import', './tests/judge/runtime.js', 'tests/mutants/mutants.ts', ...words]
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' })
  expect(stderr).toContain(sentence)
  expect(status).toBe(2)
})

/** The verdict on each of these sources, by name. */
async function judgeMutants(sources: Record<string, string>): Promise<Record<string, Verdict>> {
  const verdicts: Record<string, Verdict> = {}
  const mutants = Object.entries(sources).map(([name, source]) => ({ ...mutantOf(name), source }))
  await hunt(mutants, {
    chapter: '77-pure',
    steps: ['77.1', '77.2'],
    testFile: join(import.meta.dirname, 'fixtures', 'pure.steps.ts'),
    makeTree({ source }, worker) {
      const root = makeFolder(`${worker}`)
      mkdirSync(join(root, '77-pure'))
      writeFileSync(join(root, '77-pure', 'part.ts'), source)
      return { root, label: 'chapters' }
    },
    onVerdict(mutant, verdict) {
      verdicts[mutant.was] = verdict
    },
  })
  return verdicts
}

function mutantOf(name: string): Mutant {
  const kind = 'EqualityOperator'
  return {
    file: 'part.ts',
    function: 'double',
    steps: ['77.1'],
    line: 9,
    kind,
    was: name,
    now: '',
    source: name,
  }
}

function makeFolder(name: string): string {
  const root = join(ROOT, '.workbook', 'tmp', 'mutants-test', name)
  rmSync(root, { recursive: true, force: true })
  mkdirSync(root, { recursive: true })
  return root
}
