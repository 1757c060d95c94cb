/** Where a learner stands: the book held against what is green. */

import { isGreen, type Progress } from '../../tests/judge/progress.ts'
import type { Chapter } from '../book/book.ts'
import type { LessonStep } from '../book/lesson.ts'

export interface Outlook {
  chapters: ChapterOutlook[]
  /** What to do next: where the learner was, else the first thing that is not green; `undefined` when all is done. */
  next: { chapter: Chapter; step: LessonStep } | undefined
}

export interface ChapterOutlook {
  chapter: Chapter
  steps: { step: LessonStep; state: StepState }[]
  state: 'done' | 'started' | 'untouched'
}

/** `broken`: it was green once. */
export type StepState = 'green' | 'broken' | 'open'

export function seeOutlook(book: Chapter[], progress: Progress): Outlook {
  const chapters = book.map((chapter) => seeChapter(chapter, progress))
  const place = progress.place?.slice(0, 2)
  const here = Math.max(
    0,
    chapters.findIndex(({ chapter }) => chapter.name.slice(0, 2) === place),
  )
  // Chapters may have been skipped: what is started comes first, then what is untouched, from the learner's place on.
  const onward = [...chapters.slice(here), ...chapters.slice(0, here)]
  const isHere = place !== undefined && chapters[here].state !== 'done'
  const current = isHere
    ? chapters[here]
    : (onward.find(({ state }) => state === 'started') ??
      onward.find(({ state }) => state === 'untouched'))
  const open = current?.steps.find(({ state }) => state !== 'green')
  return { chapters, next: current && open && { chapter: current.chapter, step: open.step } }
}

/** Where to begin in that chapter; `undefined` when all of it is green. */
export function firstOpenStep(
  book: Chapter[],
  progress: Progress,
  name: string,
): string | undefined {
  const found = seeOutlook(book, progress).chapters.find(({ chapter }) => chapter.name === name)
  return found?.steps.find(({ state }) => state !== 'green')?.step.id
}

function seeChapter(chapter: Chapter, progress: Progress): ChapterOutlook {
  const steps = chapter.lesson.steps.map((step) => ({ step, state: stateOf(step.id, progress) }))
  const isDone = steps.every(({ state }) => state === 'green')
  const isUntouched = steps.every(({ state }) => state === 'open')
  return { chapter, steps, state: isDone ? 'done' : isUntouched ? 'untouched' : 'started' }
}

function stateOf(step: string, progress: Progress): StepState {
  if (isGreen(progress, step)) return 'green'
  return progress.steps[step] ? 'broken' : 'open'
}
