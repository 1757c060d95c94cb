/** The book: every chapter with its lesson and its files, read from the disk once. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  listChapters,
  listFiles,
  listGivenFiles,
  ROOT,
  SOLUTION,
} from '../../tests/judge/workbook.ts'
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
  return readFiles(chapter, listFiles(SOLUTION, chapter))
}

/** What learners get as it is: the files in folders of the chapter. */
export function readGiven(chapter: string): Map<string, string> {
  return readFiles(chapter, listGivenFiles(SOLUTION, chapter))
}

/** A chapter's starters by name; with `filledUpTo`, the answers up to and with that step are in them. */
export function makeStarters(chapter: string, filledUpTo?: string): Map<string, string> {
  const starters = [...readSolution(chapter)].map(
    ([file, source]) => [file, makeStarter(source, filledUpTo)] as const,
  )
  return new Map([...starters, ...readGiven(chapter)])
}

function readFiles(chapter: string, files: string[]): Map<string, string> {
  return new Map(
    files.map((file) => [file, readFileSync(join(SOLUTION.root, chapter, file), 'utf8')]),
  )
}
