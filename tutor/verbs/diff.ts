import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createTwoFilesPatch } from 'diff'
import { printable } from '../../tests/harness/bytes.ts'
import { LEARNER } from '../../tests/judge/workbook.ts'
import { makeStarters, readSolution } from '../book/book.ts'
import { findChapter, findStep } from './read.ts'
import { type Call, chooseChapter, type Verb } from './verb.ts'

export const diff: Verb = {
  usage: 'diff 7 | 7.2',
  summary: 'your chapter against the model answer; with a step, no further than that step',
  async run(call) {
    const { chapter, step } = chooseChapter(call, 'diff 1')
    if (step) findStep(findChapter(chapter), step)
    const reference = step ? makeStarters(chapter, step) : readSolution(chapter)
    const patches = [...reference].flatMap(([file, source]) => {
      const path = join(LEARNER.root, chapter, file)
      const own = existsSync(path) ? withPlainEnds(readFileSync(path, 'utf8')) : ''
      const answer = withPlainEnds(source)
      if (own === answer) return []
      return createTwoFilesPatch(
        `chapters/${chapter}/${file}`,
        `solutions/${chapter}/${file}`,
        own,
        answer,
        '',
        '',
        {
          context: 3,
        },
      )
    })
    if (patches.length === 0)
      call.write(`Yours is the model answer, to the letter${step ? ` (up to ${step})` : ''}.\n`)
    for (const patch of patches) call.write(paint(patch, call))
    return 0
  },
}

/** How an editor or git ends lines is no difference. */
function withPlainEnds(text: string): string {
  return text.replaceAll('\r\n', '\n')
}

function paint(patch: string, { chalk }: Call): string {
  const lines = printable(patch).split('\n').slice(1)
  return lines
    .map((line) => {
      if (line.startsWith('+')) return chalk.green(line)
      if (line.startsWith('-')) return chalk.red(line)
      return line.startsWith('@@') ? chalk.cyan(line) : line
    })
    .join('\n')
}
