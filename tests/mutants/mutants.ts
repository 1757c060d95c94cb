/**
 * `npm run mutants <chapter[.step]> [file]`: which small changes to the model answer does no test notice?
 *
 * Exit codes: 0 every survivor is explained, 1 some are not, 2 it could not be asked.
 */

import { readSolution } from '../../tutor/book/book.ts'
import { type CommandLine, readCommandLine } from '../judge/command-line.ts'
import { select } from '../judge/select.ts'
import { declaredSteps } from '../judge/step.ts'
import { listChapters, SOLUTION, testFileOf } from '../judge/workbook.ts'
import { hasPeer, installPeers } from '../maintainers/peers.ts'
import { editSolution } from '../workbook/edited-solution.ts'
import { readExplained } from './explained.ts'
import { findMutants, type Mutant } from './find-mutants.ts'
import { hunt, stepThatNotices, type Verdict } from './hunt.ts'
import { memoryOf } from './memory.ts'
import { summarize } from './summary.ts'

const USAGE = `npm run mutants 6                  change the model answer of chapter 6 in its holes: who notices?
npm run mutants 6.3                only in the holes of step 6.3
npm run mutants 6 worker-pool.ts   only in that file

  --fresh                          judge mutants again that were killed before
`

process.env.WORKBOOK_SPARE_HOST ??= 'no'
// A mutant that fills memory in an endless loop ends early, and takes no other process along.
process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ''} --max-old-space-size=1024`
process.exitCode = await main()

async function main(): Promise<number> {
  const startedAt = performance.now()
  let line: CommandLine
  try {
    line = readCommandLine(process.argv.slice(2), { fresh: 'boolean' }, process.env)
  } catch (error) {
    return unasked((error as Error).message)
  }
  const { words, flags } = line
  if (words.length === 0) return unasked(USAGE)
  const selection = select(words[0], listChapters())
  if ('problem' in selection) return unasked(selection.problem)
  const { chapter, step } = selection
  if (!hasPeer('@stryker-mutator/instrumenter') && !installPeers())
    return unasked('StrykerJS could not be installed: npm run peers')

  await import(testFileOf(chapter))
  const steps = declaredSteps().map(({ id }) => id)
  const red = await stepThatNotices(steps, SOLUTION, { chapter })
  if (red)
    return unasked(`The model answer itself does not pass ${red}: npm test ${red} --solution`)

  const all = await mutantsOf(chapter)
  const asked = all.filter(
    ({ steps: owners, file }) =>
      (step === undefined || owners.includes(step)) && (words[1] ?? file) === file,
  )
  if (asked.length === 0) return unasked(`There is nothing to change in ${words.join(' ')}.`)
  const verdicts = await judgeAll(chapter, steps, all, asked, flags.fresh === true)
  const isWhole = asked.length === all.length
  const { text, unexplained } = summarize(chapter, verdicts, await readExplained(chapter), {
    isWhole,
  })
  const minutes = (performance.now() - startedAt) / 60_000
  process.stdout.write(`${text}${minutes.toFixed(1)} minutes.\n`)
  return unexplained.length > 0 ? 1 : 0
}

async function mutantsOf(chapter: string): Promise<Mutant[]> {
  const files = [...readSolution(chapter)].map(([file, source]) => findMutants(file, source))
  return (await Promise.all(files)).flat()
}

/** The verdicts in the order of the mutants, whoever was judged first. */
async function judgeAll(
  chapter: string,
  steps: string[],
  all: Mutant[],
  asked: Mutant[],
  fresh: boolean,
): Promise<Map<Mutant, Verdict>> {
  const memory = memoryOf(chapter, { fresh })
  memory.keepOnly(all)
  const verdicts = new Map(asked.map((mutant) => [mutant, memory.recall(mutant)]))
  const open = asked.filter((mutant) => !verdicts.get(mutant))
  process.stderr.write(`${asked.length} mutants, ${open.length} of them to judge.\n`)
  let judged = 0
  await hunt(open, {
    chapter,
    steps,
    makeTree: ({ file, source }, worker) =>
      editSolution('mutants', chapter, { name: `${worker}`, files: { [file]: source } }),
    onVerdict(mutant, verdict) {
      verdicts.set(mutant, verdict)
      memory.remember(mutant, verdict)
      judged += 1
      if (judged % 20 === 0) process.stderr.write(`${judged} judged\n`)
    },
  })
  return verdicts as Map<Mutant, Verdict>
}

function unasked(sentence: string): number {
  process.stderr.write(`${sentence}\n`)
  return 2
}
