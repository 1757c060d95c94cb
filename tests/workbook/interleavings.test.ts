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
function allEnds([first, second]: Step[][], memory = [0, 0]): Set<string> {
  if (first.length + second.length === 0) return new Set([JSON.stringify(memory)])
  const ends = new Set<string>()
  for (const [mine, other] of [
    [first, second],
    [second, first],
  ]) {
    if (mine.length === 0) continue
    for (const end of allEnds([mine.slice(1), other], after(mine[0], memory))) ends.add(end)
  }
  return ends
}

function after([method, word, a, b]: Step, memory: number[]): number[] {
  const next = [...memory]
  if (method === 'store') next[word] = a
  if (method === 'add') next[word] += a
  if (method === 'compareExchange' && memory[word] === a) next[word] = b
  return next
}

function runProgram(programs: Step[][], end: string): Promise<Outcome> {
  const script = scriptOf('program')
  script.search = new URLSearchParams({ programs: JSON.stringify(programs), end }).toString()
  return explore({ script, tree: SOLUTION, seed: 1 })
}

function run(name: string): Promise<Outcome> {
  return explore({ script: scriptOf(name), tree: SOLUTION, seed: 1 })
}

function scriptOf(name: string): URL {
  return pathToFileURL(join(import.meta.dirname, 'fixtures', 'interleavings', `${name}.ts`))
}
