import type { Chapter } from '../book/book.ts'
import { readBook } from '../book/book.ts'
import { loadMarkdown } from '../ui/markdown.ts'
import { chooseChapter, UsedWrongly, type Verb } from './verb.ts'

export const read: Verb = {
  usage: 'read 7 | 7.2',
  summary: 'the lesson of a chapter, or one step of it',
  async run(call) {
    const { chapter: name, step } = chooseChapter(call, 'read 1')
    const chapter = findChapter(name)
    const render = await loadMarkdown()
    const style = { columns: Math.min(call.columns, 90), level: call.chalk.level }
    call.write(`${render(step ? stepText(chapter, step) : lessonText(chapter), style)}\n`)
    if (step) call.write(`\n${call.chalk.dim(`Stuck? npm start hint ${step.replace(/^0/, '')}`)}\n`)
    return 0
  },
}

export function findChapter(name: string): Chapter {
  return readBook().find((chapter) => chapter.name === name)!
}

/** The whole lesson; hints stay closed. */
export function lessonText({ lesson }: Chapter): string {
  const steps = lesson.steps.map((step) => `## ${step.id} ${step.title}\n\n${step.text}`)
  return [lesson.introduction, ...steps, lesson.closing].join('\n\n')
}

function stepText(chapter: Chapter, id: string): string {
  const step = findStep(chapter, id)
  return `## ${step.id} ${step.title}\n\n${step.text}`
}

export function findStep({ name, lesson }: Chapter, id: string) {
  const step = lesson.steps.find((step) => step.id === id)
  if (step) return step
  throw new UsedWrongly(
    `There is no step ${id}. ${name} has ${lesson.steps.map((step) => step.id).join(', ')}.`,
  )
}
