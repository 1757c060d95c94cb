/** The judge: what it says in which order, and that no code under test can take it along. */

import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Card, JudgeEvent } from '../judge/events.ts'
import { type JudgeRequest, judge } from '../judge/judge.ts'
import { ROOT, SOLUTION } from '../judge/workbook.ts'

const DOUBLE = 'export const double = (value: number) => value * 2\n'

describe.concurrent('the order of events', () => {
  test('steps in order, and how many passed', async ({ expect }) => {
    const events = await run('in-order', 'export const behave = () => {}')
    expect(kinds(events)).toEqual([
      'chapterStarted',
      'stepStarted 77.1',
      'stepPassed 77.1',
      'stepStarted 77.2',
      'stepPassed 77.2',
      'stepStarted 77.3',
      'stepPassed 77.3',
      'chapterDone',
    ])
    expect(events.at(-1)).toMatchObject({ passed: 3, asked: 3 })
  })

  test('one red step at a time; the rest is not reached', async ({ expect }) => {
    const events = await run('one-red', "export const behave = () => { throw new Error('no') }")
    expect(kinds(events).slice(-4)).toEqual([
      'stepStarted 77.2',
      'stepFailed 77.2',
      'stepNotReached 77.3',
      'chapterDone',
    ])
    expect(events.at(-1)).toMatchObject({ passed: 1, asked: 3 })
  })

  test('--all goes on', async ({ expect }) => {
    const events = await run('all', "export const behave = () => { throw new Error('no') }", {
      all: true,
    })
    expect(kinds(events)).toContain('stepPassed 77.3')
  })

  test('up to a step, or just some', async ({ expect }) => {
    const upTo = await run('up-to', 'export const behave = () => {}', { upTo: '77.2' })
    expect(upTo.at(-1)).toMatchObject({ passed: 2, asked: 2 })
    const only = await run('only', 'export const behave = () => {}', { only: ['77.3'] })
    expect(kinds(only)).toEqual([
      'chapterStarted',
      'stepStarted 77.3',
      'stepPassed 77.3',
      'chapterDone',
    ])
  })

  test('a step that does not exist', async ({ expect }) => {
    const events = await run('unknown', 'export const behave = () => {}', { upTo: '77.9' })
    expect(events[0]).toMatchObject({
      kind: 'unknownStep',
      step: '77.9',
      steps: [{ id: '77.1' }, {}, {}],
    })
  })

  test('a red step that was green before is a regression', async ({ expect }) => {
    const code = "export const behave = () => { throw new Error('no') }"
    const events = await run('regression', code, { passedBefore: (step) => step === '77.2' })
    expect(events.find((event) => event.kind === 'stepFailed')).toMatchObject({
      passedBefore: true,
    })
  })

  test('an aborted run ends without a verdict, and soon', async ({ expect }) => {
    const controller = new AbortController()
    const kindsSeen: string[] = []
    const startedAt = performance.now()
    const code = 'export const behave = () => new Promise(() => setTimeout(() => {}, 60_000))'
    for await (const event of judge({ ...request('aborted', code), signal: controller.signal })) {
      kindsSeen.push(event.kind)
      if (event.kind === 'stepStarted' && event.step.id === '77.2') controller.abort()
    }
    expect(kindsSeen).not.toContain('chapterDone')
    expect(performance.now() - startedAt).toBeLessThan(5_000)
  })
})

describe.concurrent('pure code that misbehaves', () => {
  test('an endless loop is found, with its line and the story so far', async ({ expect }) => {
    const card = await cardOf('spins', 'export function behave() {\n  for (;;) {}\n}')
    expect(card.headline).toMatch(
      /does not return: the main thread is blocked: it spins at chapters\/77-pure\/part\.ts:3, in behave\(\)/,
    )
    expect(card.story.at(-1)).toMatchObject({ who: 'behave', text: 'is called' })
  })

  test('an exception names its line', async ({ expect }) => {
    const card = await cardOf(
      'throws',
      "export function behave() {\n  throw new RangeError('out of range')\n}",
    )
    expect(card.headline).toMatch(
      /threw at chapters\/77-pure\/part\.ts:3, in behave\(\): RangeError: out of range/,
    )
  })

  test('process.exit() ends the runner, not the judge', async ({ expect }) => {
    const card = await cardOf('exits', 'export function behave() {\n  process.exit(0)\n}')
    expect(card.headline).toMatch(/called process\.exit\(0\) at chapters\/77-pure\/part\.ts:3/)
  })

  test('what a test was not made for is said to be both: an answer to look at, and a fault of the workbook', async ({
    expect,
  }) => {
    const card = await cardOf('answers-otherwise', 'export const behave = () => 7')
    expect(card.headline).toBe('The test could not go on: next is not a function')
    expect(card.likely).toContain('Your code returned or did something')
    expect(card.note).toMatch(
      /so this is a fault of the workbook, too\. It stopped at tests\/workbook\/fixtures\/pure\.steps\.ts:\d+\.$/,
    )
    expect(card.output).toBeUndefined()
  })

  test('an error from a timer is a crash', async ({ expect }) => {
    const card = await cardOf(
      'crashes-later',
      "export function behave() {\n  setTimeout(() => { throw new Error('later') }, 1)\n  return new Promise(() => setTimeout(() => {}, 60_000))\n}",
    )
    expect(card.headline).toMatch(/crashed at chapters\/77-pure\/part\.ts:3: Error: later/)
  })

  test('a hole is no mistake', async ({ expect }) => {
    const card = await cardOf(
      'hole',
      "export function behave() {\n  throw new Error('TODO 77.2')\n}",
    )
    expect(card.openStep).toBe('77.2')
  })

  test('a file that does not load says where', async ({ expect }) => {
    const events = await Array.fromAsync(judge(request('broken', 'export const behave = (', '')))
    const card = failureIn(events)
    expect(card?.step.id).toBe('77.1')
    expect(card?.headline).toMatch(
      /does not load: there is an error at chapters\/77-pure\/part\.ts:\d+: SyntaxError/,
    )
  })
})

describe.concurrent('what does not come to an end is given up', () => {
  const stepMs = 1_500

  test('a step', async ({ expect }) => {
    const events = await run('endless', 'export const behave = () => new Promise(() => {})', {
      stepMs,
    })
    expect(failureIn(events)?.headline).toBe('The step did not end within 1.5 s.')
  })

  test('clearing up behind a step', async ({ expect }) => {
    const testFile = join(import.meta.dirname, 'fixtures', 'endless-clearing.steps.ts')
    const events = await run('endless-clearing', 'export const startServer = () => ({ port: 1 })', {
      stepMs,
      testFile,
    })
    expect(failureIn(events)?.headline).toBe('The step did not end within 1.5 s.')
  })

  test('loading the tests', async ({ expect }) => {
    const testFile = join(import.meta.dirname, 'fixtures', 'endless-loading.steps.ts')
    const events = await run('endless-loading', '', { stepMs, testFile })
    expect(events).toContainEqual({
      kind: 'notice',
      text: expect.stringContaining('Loading them did not end within 1.5 s.'),
    })
    expect(events.at(-1)).toMatchObject({ kind: 'chapterDone', passed: 0 })
  })
})

describe.concurrent('a timer of Node’s own in virtual time', () => {
  test.for([
    ['global', '', 'setTimeout(done, 60_000)'],
    ['interval', '', 'setInterval(done, 60_000)'],
    ['by name', "import { setTimeout as later } from 'node:timers'\n", 'later(done, 60_000)'],
    [
      'promised',
      "import { setTimeout as pause } from 'node:timers/promises'\n",
      'pause(60_000).then(done)',
    ],
    [
      'promisified',
      "import { promisify } from 'node:util'\n",
      'promisify(setTimeout)(60_000).then(done)',
    ],
    ['a signal', '', "AbortSignal.timeout(60_000).addEventListener('abort', done)"],
  ])('is named on the card: %s', async ([name, imports, call], { expect }) => {
    const testFile = join(import.meta.dirname, 'fixtures', 'virtual.steps.ts')
    const code = `${imports}export function callBack(done: () => void) {\n  ${call}\n}\n`
    const folder = `virtual-${name.replaceAll(' ', '-')}`
    const events = await Array.fromAsync(judge({ ...request(folder, code, ''), testFile }))
    expect(failureIn(events)).toMatchObject({
      because: 'A minute is over.',
      likely: 'Count again.',
      note: expect.stringMatching(
        /One of Node's own timers is set at chapters\/77-pure\/part\.ts:\d, in callBack\(\)/,
      ),
    })
  })

  test('is not named where there is none', async ({ expect }) => {
    const testFile = join(import.meta.dirname, 'fixtures', 'virtual.steps.ts')
    const events = await Array.fromAsync(
      judge({ ...request('virtual-none', 'export const callBack = () => {}\n', ''), testFile }),
    )
    expect(failureIn(events)?.note).toBeUndefined()
  })
})

test('the same seed makes the same random choices', async () => {
  const stories = await Promise.all(
    [7, 7, 8].map(async (seed) => {
      const events = await Array.fromAsync(
        judge({ chapter: '02-echo', tree: SOLUTION, only: ['02.1'], seed }),
      )
      expect(events[0]).toMatchObject({ kind: 'chapterStarted', seed })
      return events.length
    }),
  )
  expect(stories).toEqual([4, 4, 4])
})

function request(name: string, code: string, before = DOUBLE): JudgeRequest {
  const root = join(ROOT, '.workbook', 'tmp', 'judge', name)
  rmSync(root, { recursive: true, force: true })
  mkdirSync(join(root, '77-pure'), { recursive: true })
  writeFileSync(join(root, '77-pure', 'part.ts'), before + code)
  const testFile = join(import.meta.dirname, 'fixtures', 'pure.steps.ts')
  return { chapter: '77-pure', tree: { root, label: 'chapters' }, testFile, seed: 1 }
}

function run(name: string, code: string, more: Partial<JudgeRequest> = {}): Promise<JudgeEvent[]> {
  return Array.fromAsync(judge({ ...request(name, code), ...more }))
}

async function cardOf(name: string, code: string): Promise<Card> {
  const events = await run(name, code)
  return failureIn(events)!
}

function failureIn(events: JudgeEvent[]): Card | undefined {
  return events.find((event) => event.kind === 'stepFailed')?.card
}

function kinds(events: JudgeEvent[]): string[] {
  return events.map((event) =>
    'step' in event && typeof event.step === 'object'
      ? `${event.kind} ${event.step.id}`
      : event.kind,
  )
}
