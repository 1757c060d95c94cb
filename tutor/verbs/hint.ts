import { ProgressFile } from '../../tests/judge/progress.ts'
import { chapterAround } from '../../tests/judge/select.ts'
import { LEARNER, listChapters } from '../../tests/judge/workbook.ts'
import { readBook } from '../book/book.ts'
import { firstOpenStep, seeOutlook } from '../state/outlook.ts'
import { loadMarkdown } from '../ui/markdown.ts'
import { findChapter, findStep } from './read.ts'
import { chooseChapter, type Verb } from './verb.ts'

export const hint: Verb = {
  usage: 'hint 7.2',
  summary: 'one more hint for a step; the first asks, the last is nearly the code',
  async run(call) {
    const file = new ProgressFile()
    const around = chapterAround(process.env.INIT_CWD ?? '', LEARNER.root, listChapters())
    const { chapter: name, step: id } =
      call.words[0] || around ? chooseChapter(call, 'hint 1.1') : nextStep(file)
    const chapter = findChapter(name)
    const step = findStep(
      chapter,
      id ?? firstOpenStep(readBook(), file.read(), name) ?? chapter.lesson.steps[0].id,
    )
    const taken = Math.min((file.read().hints[step.id] ?? 0) + 1, step.hints.length)
    file.update(({ hints }) => {
      hints[step.id] = taken
    })
    call.write(`${call.chalk.bold(`${step.id} ${step.title}`)}\n\n`)
    const render = await loadMarkdown()
    const style = { columns: Math.min(call.columns, 90), level: call.chalk.level }
    for (const [index, { summary, text }] of step.hints.slice(0, taken).entries()) {
      const shown = render(text, style)
      call.write(
        `${call.chalk.cyan(`Hint ${index + 1} of ${step.hints.length}: ${summary}`)}\n\n${shown}\n\n`,
      )
    }
    const short = step.id.replace(/^0/, '')
    const more =
      taken < step.hints.length
        ? `One more: npm start hint ${short}`
        : `That was the last one. The model answer: npm start diff ${chapter.number}`
    call.write(`${call.chalk.dim(more)}\n`)
    for (const notice of file.takeNotices()) process.stderr.write(`! ${notice}\n`)
    return 0
  },
}

function nextStep(file: ProgressFile): { chapter: string; step?: string } {
  const { next } = seeOutlook(readBook(), file.read())
  return next ? { chapter: next.chapter.name, step: next.step.id } : { chapter: readBook()[0].name }
}
