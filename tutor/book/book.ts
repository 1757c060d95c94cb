/** The book: every chapter with its lesson and its files, read from the disk once. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { listChapters, listFiles, ROOT, SOLUTION } from '../../tests/judge/workbook.ts'
import { type Lesson, readLesson } from './lesson.ts'
import { makeStarter } from './starter.ts'

export interface Chapter {
  /** `'02-echo'` */
  name: string
  number: number
  lesson: Lesson
}

/** The lessons lie with the starters, but they are the workbook's own: a learner's home does not move them. */
export function lessonPath(chapter: string): string {
  return join(ROOT, 'chapters', chapter, 'README.md')
}

export function readBook(): Chapter[] {
  return listChapters().map((name) => ({
    name,
    number: Number(name.slice(0, 2)),
    lesson: readLessonOf(name),
  }))
}

function readLessonOf(chapter: string): Lesson {
  try {
    return readLesson(readFileSync(lessonPath(chapter), 'utf8'))
  } catch (error) {
    throw new Error(`chapters/${chapter}/README.md: ${(error as Error).message}`)
  }
}

/** A chapter's files by name, as the model answer has them. */
export function readSolution(chapter: string): Map<string, string> {
  const files = listFiles(SOLUTION, chapter)
  return new Map(
    files.map((file) => [file, readFileSync(join(SOLUTION.root, chapter, file), 'utf8')]),
  )
}

/** A chapter's starters by name; with `filledUpTo`, the answers up to and with that step are in them. */
export function makeStarters(chapter: string, filledUpTo?: string): Map<string, string> {
  const files = [...readSolution(chapter)]
  return new Map(files.map(([file, source]) => [file, makeStarter(source, filledUpTo)]))
}
