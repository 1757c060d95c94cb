/** What a hunt has found, as text. */

import { type Explained, explains } from './explained.ts'
import type { Mutant } from './find-mutants.ts'
import type { Verdict } from './hunt.ts'

export interface Summary {
  text: string
  /** Survivors that nobody has explained. */
  unexplained: Mutant[]
}

/** `stale` explanations are looked for only when every mutant of the chapter was judged. */
export function summarize(
  chapter: string,
  verdicts: Map<Mutant, Verdict>,
  explained: Explained[],
  { isWhole }: { isWhole: boolean },
): Summary {
  const all = [...verdicts]
  const late = all.filter(([, { kind }]) => kind === 'late')
  const survivors = all.filter(([, { kind }]) => kind === 'survived').map(([mutant]) => mutant)
  const reasonFor = (mutant: Mutant) => explained.find((entry) => explains(entry, mutant))
  const unexplained = survivors.filter((mutant) => !reasonFor(mutant))
  const stale = isWhole
    ? explained.filter((entry) => !survivors.some((mutant) => explains(entry, mutant)))
    : []

  const count = {
    mutants: all.length,
    killed: all.length - survivors.length,
    late: late.length,
    explained: survivors.length - unexplained.length,
    unexplained: unexplained.length,
  }
  const text = [
    ...section('noticed only by a step that does not own the function', late, ([mutant, verdict]) =>
      describe(chapter, mutant, `noticed by ${'by' in verdict ? verdict.by : ''}`),
    ),
    ...section('explanations of no survivor, which can go', stale, (entry) =>
      describe(chapter, { ...entry, line: 0 }, entry.because),
    ),
    ...section('survivors without an explanation', unexplained, (mutant) =>
      describe(chapter, mutant, `${mutant.steps.join(' ')}, ${mutant.kind}`),
    ),
    `${chapter}: ${count.mutants} mutants, ${count.killed} killed (${count.late} of them late), ` +
      `${count.explained} explained, ${count.unexplained} unexplained.`,
  ].join('\n')
  return { text: `${text}\n`, unexplained }
}

function section<T>(title: string, entries: T[], describeEntry: (entry: T) => string): string[] {
  return entries.length === 0 ? [] : [`${title}:\n`, ...entries.map(describeEntry)]
}

type Shown = Pick<Mutant, 'file' | 'function' | 'was' | 'now' | 'line'>

function describe(chapter: string, { file, line, ...mutant }: Shown, note: string): string {
  const place = `solutions/${chapter}/${file}${line ? `:${line}` : ''}`
  return [
    `${place} in ${mutant.function}   ${note}`,
    `  - ${mutant.was}`,
    `  + ${mutant.now || '(left out)'}`,
    '',
  ].join('\n')
}
