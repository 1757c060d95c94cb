/**
 * Mutants: one small change each to code that a learner writes. A test that passes all the same has a gap, or the
 * change means nothing.
 *
 * StrykerJS proposes changes of operators, conditions, literals and blocks; `slips.ts` adds what somebody forgot, and
 * numbers off by one. Only what lies in a hole, or belongs to its answer, is changed.
 */

import { parse } from '@babel/parser'
import { type Exercise, findExercises } from '../../tutor/book/starter.ts'
import { requirePeer } from '../maintainers/peers.ts'
import { findSlips } from './slips.ts'

export interface Mutant {
  file: string
  /** The function that it is in. */
  function: string
  /** The steps that the function belongs to. */
  steps: string[]
  /** 1-based. */
  line: number
  /** What kind of change: Stryker's name for it, or ours. */
  kind: string
  /** The line as it stands, without its indentation. */
  was: string
  /** The same line changed; empty when it is left out. */
  now: string
  /** The whole file with the change in it. */
  source: string
}

/** A change of the text between two offsets. */
export interface Change {
  kind: string
  start: number
  end: number
  text: string
}

/** All mutants of a solution file, in order. Throws when StrykerJS is not installed. */
export async function findMutants(file: string, source: string): Promise<Mutant[]> {
  const exercises = findExercises(source)
  if (exercises.length === 0) return []
  const changes = [...(await strykerChanges(file, source)), ...findSlips(source)]
  const mutants = changes
    .toSorted((a, b) => a.start - b.start)
    .flatMap((change) => {
      const exercise = exercises.find(
        ({ start, end }) => start <= change.start && change.end <= end,
      )
      return exercise ? [toMutant(file, source, exercise, change)] : []
    })
  const different = new Map(mutants.map((mutant) => [mutant.source, mutant]))
  different.delete(source)
  return [...different.values()].filter(isProgram)
}

interface StrykerMutant {
  mutatorName: string
  replacement: string
  /** Lines and columns begin at 0. */
  location: Record<'start' | 'end', { line: number; column: number }>
}

async function strykerChanges(file: string, source: string): Promise<Change[]> {
  const { Instrumenter } = requirePeer('@stryker-mutator/instrumenter')
  const instrumenter = new Instrumenter({ debug() {}, info() {}, isDebugEnabled: () => false })
  const { mutants } = await instrumenter.instrument(
    [{ name: file, mutate: true, content: source }],
    {
      excludedMutations: [],
      ignorers: [],
      plugins: null,
    },
  )
  const lineStarts = [0, ...[...source.matchAll(/\n/g)].map(({ index }) => index + 1)]
  return (mutants as StrykerMutant[]).map(({ mutatorName, replacement, location }) => {
    const [start, end] = [location.start, location.end].map(
      ({ line, column }) => lineStarts[line] + column,
    )
    return { kind: mutatorName, start, end, text: inPlace(source, start, end, replacement) }
  })
}

/** Another operator can bind less tightly than the one it replaces: among its like it needs parentheses. */
function inPlace(source: string, start: number, end: number, replacement: string): string {
  const isLogical = /&&|\|\||\?\?/.test(replacement)
  const stands = /[&|?]\s*$/.test(source.slice(0, start)) || /^\s*[&|?]/.test(source.slice(end))
  return isLogical && stands ? `(${replacement})` : replacement
}

function toMutant(file: string, source: string, exercise: Exercise, change: Change): Mutant {
  const { start, end, text, kind } = change
  const lineStart = source.lastIndexOf('\n', start - 1) + 1
  const lineEnd = source.indexOf('\n', end)
  const before = source.slice(lineStart, start)
  return {
    file,
    function: exercise.name,
    steps: exercise.steps,
    line: source.slice(0, start).split('\n').length,
    kind,
    was: source.slice(lineStart).split('\n', 1)[0].trim(),
    now: `${before}${text}${source.slice(end, lineEnd)}`
      .replace(/\s+/g, ' ')
      .trim()
      .replace(/^;$/, ''),
    source: source.slice(0, start) + text + source.slice(end),
  }
}

function isProgram({ source }: Mutant): boolean {
  try {
    parse(source, { sourceType: 'module', plugins: ['typescript'] })
    return true
  } catch {
    return false
  }
}
