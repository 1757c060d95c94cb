import { type Progress, ProgressFile } from '../../tests/judge/progress.ts'
import { readBook } from '../book/book.ts'
import { type ChapterOutlook, type Outlook, seeOutlook } from '../state/outlook.ts'
import type { Call, Verb } from './verb.ts'

export const status: Verb = {
  usage: 'status [--json]',
  summary: 'where you are, and the next thing to do',
  async run(call) {
    const file = new ProgressFile()
    const progress = file.read()
    const outlook = seeOutlook(readBook(), progress)
    call.write(
      call.flags.json
        ? `${JSON.stringify(toJson(outlook, progress), null, 2)}\n`
        : toText(outlook, call),
    )
    for (const notice of file.takeNotices()) process.stderr.write(`! ${notice}\n`)
    return 0
  },
}

/** For scripts: every field is always there, and `null` says that there is nothing to tell. */
function toJson({ chapters, next }: Outlook, { steps: known, hints, place }: Progress) {
  return {
    chapters: chapters.map(({ chapter, steps, state }) => ({
      name: chapter.name,
      title: chapter.lesson.title,
      part: chapter.lesson.part,
      minutes: chapter.lesson.minutes,
      state,
      steps: steps.map(({ step, state }) => ({
        id: step.id,
        title: step.title,
        state,
        passedAt: known[step.id]?.passedAt ?? null,
        brokenAt: known[step.id]?.brokenAt ?? null,
        hints: hints[step.id] ?? 0,
      })),
    })),
    next: next ? { chapter: next.chapter.name, step: next.step.id } : null,
    place: place ?? null,
  }
}

function toText({ chapters, next }: Outlook, { chalk }: Call): string {
  const parts = Map.groupBy(chapters, ({ chapter }) => chapter.lesson.part)
  const lines = [...parts].flatMap(([part, chapters]) => [
    chalk.bold(`Part ${part}`),
    ...chapters.map((chapter) => chapterLine(chapter, chalk)),
    '',
  ])
  if (!next) return [...lines, 'All steps are green.', ''].join('\n')
  const short = next.step.id.replace(/^0/, '')
  return [
    ...lines,
    `Next  ${chalk.bold(next.step.id)} ${next.step.title}`,
    `      npm start            the guide, in a terminal`,
    `      ${`npm start read ${short}`.padEnd(20)} read the step`,
    `      ${`npm test ${next.chapter.number}`.padEnd(20)} judge the chapter`,
    '',
  ].join('\n')
}

function chapterLine({ chapter, steps, state }: ChapterOutlook, chalk: Call['chalk']): string {
  const dots = steps.map(({ state }) =>
    state === 'green' ? chalk.green('●') : state === 'broken' ? chalk.red('✗') : chalk.dim('○'),
  )
  const mark = state === 'done' ? chalk.green('✓') : ' '
  const padding = ' '.repeat(Math.max(1, 8 - steps.length))
  const name = `${chapter.name.slice(0, 2)} ${chapter.lesson.title}`
  return ` ${mark} ${name.padEnd(30)}${dots.join('')}${padding}${chalk.dim(`${chapter.lesson.minutes} min`)}`
}
