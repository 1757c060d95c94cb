/**
 * `npm test [chapter[.step]]`: judges the learner's chapter, or without an argument proves the workbook itself.
 *
 * Exit codes: 0 passed, 1 not passed, 2 used wrongly.
 */

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { Chalk, supportsColor } from 'chalk'
import { endWithReader } from './judge/closed-pipe.ts'
import { type CommandLine, readCommandLine } from './judge/command-line.ts'
import type { JudgeEvent } from './judge/events.ts'
import { judge } from './judge/judge.ts'
import { judgeOwnWork } from './judge/own-work.ts'
import { ProgressFile } from './judge/progress.ts'
import { reportEvent } from './judge/report.ts'
import { chapterAround, type Selection, select } from './judge/select.ts'
import { LEARNER, listChapters, ROOT, SOLUTION } from './judge/workbook.ts'
import { ProvenFile } from './workbook/fingerprint.ts'

const USAGE = `npm test                 prove what has changed since the last proof
npm test -- --all        prove all: solutions, starters, wrong answers, guide
npm test 2               judge your chapter 2 (also: 02, echo, 02-echo)
npm test 2.3             judge it up to step 2.3
npm test                 inside chapters/02-echo/: judge that chapter

  --solution             judge the model answer instead
  --all                  with a chapter: go on after a failure
  --seed 4711            repeat a run: the same random choices
  help                   this text
`

endWithReader()
process.exitCode = await main()

async function main(): Promise<number> {
  let line: CommandLine
  try {
    const table = { solution: 'boolean', all: 'boolean', seed: 'string', help: 'boolean' } as const
    line = readCommandLine(process.argv.slice(2), table, process.env)
  } catch (error) {
    return usedWrongly((error as Error).message)
  }
  const { words, flags } = line
  if (flags.help || words[0] === 'help') {
    process.stdout.write(USAGE)
    return 0
  }
  const chapters = listChapters()
  const typed = words[0] ?? chapterAround(process.env.INIT_CWD ?? '', LEARNER.root, chapters)
  if (typed === undefined) return proveWorkbook(flags.all === true)
  if (words.length > 1)
    return usedWrongly(`One chapter at a time: ${words.join(', ')} is too much.`)

  const selection = select(typed, chapters)
  if ('problem' in selection) return usedWrongly(selection.problem)
  const seed = flags.seed === undefined ? undefined : Number(flags.seed)
  if (seed !== undefined && !Number.isSafeInteger(seed)) {
    return usedWrongly(`--seed takes a whole number, not "${flags.seed}".`)
  }
  return judgeChapter(selection, {
    isSolution: flags.solution === true,
    all: flags.all === true,
    seed,
  })
}

interface Choices {
  isSolution: boolean
  all: boolean
  seed: number | undefined
}

async function judgeChapter(
  { chapter, step }: Selection,
  { isSolution, all, seed }: Choices,
): Promise<number> {
  const request = { chapter, upTo: step, all, seed }
  const events = isSolution
    ? judge({ ...request, tree: SOLUTION })
    : judgeOwnWork(request, new ProgressFile())
  const style = {
    columns: Math.min(process.stdout.columns ?? 80, 100),
    chalk: new Chalk({ level: supportsColor ? supportsColor.level : 0 }),
  }
  let last: JudgeEvent | undefined
  for await (const event of events) {
    process.stdout.write(reportEvent(event, style))
    if (event.kind === 'unknownStep') return 2
    if (event.kind === 'chapterDone') last = event
  }
  return last?.kind === 'chapterDone' && last.passed === last.asked && last.asked > 0 ? 0 : 1
}

function proveWorkbook(all: boolean): Promise<number> {
  const proven = all ? [] : new ProvenFile().unchanged(listChapters())
  if (proven.length > 0) process.stdout.write(describeProven(proven))
  const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs')
  // A learner's own home must not be mistaken for the one under proof.
  const { WORKBOOK_HOME: _, ...inherited } = process.env
  const env = { ...inherited, WORKBOOK_PROVEN: proven.join(',') }
  const proof = spawn(process.execPath, [vitest, 'run'], { cwd: ROOT, stdio: 'inherit', env })
  // A signal from the keyboard reaches both of us; one that is meant for us alone is passed on.
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => proof.kill(signal))
  return new Promise((resolve) => proof.on('close', (code) => resolve(code === 0 ? 0 : 1)))
}

function describeProven(chapters: string[]): string {
  const numbers = chapters.map((chapter) => chapter.slice(0, 2)).join(', ')
  return `Not run again, because nothing has changed since they were proved: ${numbers}\n  everything: npm test -- --all\n`
}

function usedWrongly(problem: string): number {
  process.stderr.write(`${problem}\n\n${USAGE}`)
  return 2
}
