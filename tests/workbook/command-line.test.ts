/** What a learner types first must work. */

import { describe, expect, test } from 'vitest'
import { readCommandLine } from '../judge/command-line.ts'
import { chapterAround, select } from '../judge/select.ts'

const CHAPTERS = ['01-hello', '02-echo', '07-event-loop', '12-many-loops']

describe('chapters and steps', () => {
  test.each([
    ['2', { chapter: '02-echo' }],
    ['02', { chapter: '02-echo' }],
    ['2.3', { chapter: '02-echo', step: '02.3' }],
    ['02.3', { chapter: '02-echo', step: '02.3' }],
    ['echo', { chapter: '02-echo' }],
    ['ECHO', { chapter: '02-echo' }],
    ['02-echo', { chapter: '02-echo' }],
    ['chapters/02-echo', { chapter: '02-echo' }],
    ['./chapters/02-echo/server.ts', { chapter: '02-echo' }],
    ['chapters\\02-echo', { chapter: '02-echo' }],
    ['12.1', { chapter: '12-many-loops', step: '12.1' }],
  ])('%s', (typed, selection) => {
    expect(select(typed, CHAPTERS)).toEqual(selection)
  })

  test.each([
    ['ehco', /Did you mean echo\?/],
    ['event-lop', /Did you mean event-loop\?/],
    ['99', /There is no chapter "99"\. There are chapters 1 to 12/],
    ['', /There is no chapter ""/],
  ])('"%s" is told with the nearest', (typed, problem) => {
    expect(select(typed, CHAPTERS)).toEqual({ problem: expect.stringMatching(problem) })
  })

  test('the folder one stands in', () => {
    expect(chapterAround('/w/chapters/02-echo', '/w/chapters', CHAPTERS)).toBe('02-echo')
    expect(chapterAround('/w/chapters/02-echo/deep', '/w/chapters', CHAPTERS)).toBe('02-echo')
    expect(chapterAround('/w', '/w/chapters', CHAPTERS)).toBeUndefined()
    expect(chapterAround('/w/chapters', '/w/chapters', CHAPTERS)).toBeUndefined()
  })
})

describe('flags, with and without the extra --', () => {
  const table = { solution: 'boolean', seed: 'string', all: 'boolean' } as const

  test('behind --', () => {
    const line = readCommandLine(['2', '--solution', '--seed', '7'], table, {})
    expect(line).toEqual({ words: ['2'], flags: { solution: true, seed: '7' } })
  })

  test('kept by npm, and told in the environment', () => {
    const env = { npm_config_solution: 'true', npm_config_all: 'true', npm_config_seed: '7' }
    expect(readCommandLine(['2'], table, env).flags).toEqual({
      solution: true,
      all: true,
      seed: '7',
    })
  })

  test('`--seed 7`, whose value npm leaves among the words', () => {
    const line = readCommandLine(['2', '7'], table, { npm_config_seed: 'true' })
    expect(line).toEqual({ words: ['2'], flags: { seed: '7' } })
  })

  test('an unknown one is one sentence', () => {
    expect(() => readCommandLine(['--nope'], table, {})).toThrow(/^Unknown option '--nope'$/)
  })
})
