/** The model checker accuses every broken algorithm, every time, and never a right one. */

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, test } from 'vitest'
import { explore } from '../harness/interleavings/explore.ts'
import type { Outcome } from '../harness/interleavings/scenario.ts'
import { type Random, randomInteger, seededRandom } from '../harness/random.ts'
import { SOLUTION } from '../judge/workbook.ts'
import type { Step } from './fixtures/interleavings/program.ts'

describe.concurrent('right algorithms hold', () => {
  test.for([
    ['add', true],
    ['compare-exchange', true],
    ['futex-lock', true],
    ['three-threads', false],
    ['peterson', false],
    ['robust-lock', true],
    ['robust-lock-two-deaths', false],
  ] as const)('%s', async ([name, isComplete], { expect }) => {
    expect(await run(name)).toMatchObject({ kind: 'held', isComplete })
  })
})

describe.concurrent('broken ones are found, and how', () => {
  test.for([
    ['load-then-store', /count is 1 after two threads counted to 1 each/, 4],
    ['flag-lock', /count is 1/, 12],
    ['lost-wake-up', /nobody can move any more: thread 2 sleeps on lock/, 7],
    ['opposite-orders', /thread 1 sleeps on second, thread 2 sleeps on first/, 6],
    ['spin-lock', /goes round in circles/, 60],
    ['peterson-wrong', /count is 1/, 20],
    ['throws', /threw RangeError: second/, 2],
    ['not-freed-on-death', /nobody can move any more: thread 2 sleeps on lock/, 8],
    ['owner-written-too-late', /nobody can move any more: thread 2 sleeps on lock/, 10],
    ['freed-whoever-died', /two counted at the same time/, 20],
    ['death-takes-the-wake-up-along', /thread 2 sleeps on lock/, 12],
  ] as const)('%s', async ([name, finding, maxTurns], { expect }) => {
    const outcome = await run(name)
    expect(outcome).toMatchObject({ kind: 'broken', finding: expect.stringMatching(finding) })
    expect(outcome.kind === 'broken' && outcome.turns.length).toBeLessThanOrEqual(maxTurns)
  })

  test('a thread that never comes back', async ({ expect }) => {
    expect(await run('never-comes-back')).toMatchObject({ kind: 'stuck', thread: 1 })
  })

  test('the same run every time, whatever the machine does meanwhile', async ({ expect }) => {
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => run('flag-lock')))
    for (const outcome of outcomes) expect(outcome).toEqual(outcomes[0])
  })

  test('the losing interleaving can be read, one thread beside the other', async ({ expect }) => {
    const outcome = await run('load-then-store')
    expect(outcome.kind === 'broken' && outcome.turns).toEqual([
      { thread: 0, text: 'load count → 0' },
      { thread: 1, text: 'load count → 0' },
      { thread: 1, text: 'store count = 1' },
      { thread: 0, text: 'store count = 1' },
    ])
  })
})

describe.concurrent('nothing is left out', () => {
  test.for(Array.from({ length: 12 }, (_, seed) => seed))(
    'random programs whose threads die, seed %i',
    async (seed, { expect }) => {
      const random = seededRandom(seed, 'mortal programs')
      const programs = [makeProgram(random), makeProgram(random)]
      const deaths = 1 + randomInteger(random, 2)
      const ends = [...allEnds(programs, { deaths })]
      const reachable = ends[randomInteger(random, ends.length)]
      expect(await runProgram(programs, reachable, deaths)).toMatchObject({ kind: 'broken' })
      const unreachable = JSON.stringify([777, 777])
      expect(await runProgram(programs, unreachable, deaths)).toMatchObject({
        kind: 'held',
        isComplete: true,
      })
    },
  )

  test.for(Array.from({ length: 12 }, (_, seed) => seed))(
    'random programs, seed %i',
    async (seed, { expect }) => {
      const random = seededRandom(seed, 'programs')
      const programs = [makeProgram(random), makeProgram(random)]
      const ends = [...allEnds(programs)]
      const reachable = ends[randomInteger(random, ends.length)]
      expect(await runProgram(programs, reachable)).toMatchObject({ kind: 'broken' })
      const unreachable = JSON.stringify([777, 777])
      expect(await runProgram(programs, unreachable)).toMatchObject({
        kind: 'held',
        isComplete: true,
      })
    },
  )
})

function makeProgram(random: Random): Step[] {
  return Array.from({ length: 2 + randomInteger(random, 3) }, (): Step => {
    const [word, a, b] = [
      randomInteger(random, 2),
      randomInteger(random, 3),
      randomInteger(random, 3),
    ]
    const steps: Step[] = [
      ['load', word],
      ['store', word, a],
      ['add', word, 1 + a],
      ['compareExchange', word, a, b],
    ]
    return steps[randomInteger(random, steps.length)]
  })
}

/** Every end of every order, without any cleverness. */
function allEnds(
  programs: Step[][],
  { memory = [0, 0], deaths = 0, dead = [] as number[] } = {},
): Set<string> {
  if (programs.every((program) => program.length === 0)) return new Set([JSON.stringify(memory)])
  const ends = new Set<string>()
  for (const [thread, program] of programs.entries()) {
    if (program.length === 0) continue
    const rest = programs.with(thread, program.slice(1))
    const next = { memory: after(program[0], memory), deaths, dead }
    for (const end of allEnds(rest, next)) ends.add(end)
    if (deaths === 0 || dead.includes(thread)) continue
    const bereft = programs.with(thread, AFTER_DEATH)
    const later = { memory, deaths: deaths - 1, dead: [...dead, thread] }
    for (const end of allEnds(bereft, later)) ends.add(end)
  }
  return ends
}

/** What the main thread does in `program.ts` when a thread has died. */
const AFTER_DEATH: Step[] = [['add', 0, 100]]

function after([method, word, a, b]: Step, memory: number[]): number[] {
  const next = [...memory]
  if (method === 'store') next[word] = a
  if (method === 'add') next[word] += a
  if (method === 'compareExchange' && memory[word] === a) next[word] = b
  return next
}

function runProgram(programs: Step[][], end: string, deaths = 0): Promise<Outcome> {
  const script = scriptOf('program')
  const parameters = { programs: JSON.stringify(programs), end, deaths: String(deaths) }
  script.search = new URLSearchParams(parameters).toString()
  return explore({ script, tree: SOLUTION, seed: 1 })
}

function run(name: string): Promise<Outcome> {
  return explore({ script: scriptOf(name), tree: SOLUTION, seed: 1 })
}

function scriptOf(name: string): URL {
  return pathToFileURL(join(import.meta.dirname, 'fixtures', 'interleavings', `${name}.ts`))
}
