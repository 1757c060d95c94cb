/**
 * A known wrong answer: a small edit of the solution, the step that must catch it, and words its card must say.
 *
 * The whole card is recorded in `tests/mistakes/cards/`, so that a change of wording is seen in review.
 */

import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CodeTree } from '../harness/code-tree.ts'
import { chaptersBeneath } from '../judge/foundations.ts'
import { ROOT, SOLUTION } from '../judge/workbook.ts'

export interface Mistake {
  /** What is wrong, as a file name: `'closes-at-fin'`. */
  name: string
  /** The step that catches it; the steps before it must pass. */
  step: string
  /** A race: an earlier step may find it first. Its card is not compared then. */
  orStep?: string
  /** What the card must tell the learner. */
  says: string[]
  edits: Edit[]
  /** The expectation that finds it depends on timing: its card is recorded once and not compared. */
  cardVaries?: true
}

export interface Edit {
  /** Defaults to `server.ts`. */
  file?: string
  /** Text that occurs exactly once in the solution. */
  replace: string
  by: string
}

/**
 * Puts the reference for everything that the chapter stands on into a tree of code. Links, not copies: code that is
 * the same everywhere is compiled once.
 */
export function linkChaptersBeneath(chapter: string, root: string): void {
  for (const other of chaptersBeneath(SOLUTION, chapter)) {
    symlinkSync(join(SOLUTION.root, other), join(root, other), 'junction')
  }
}

const COPIES = join(ROOT, '.workbook', 'tmp', 'mistakes')

/** A copy of the solution with the mistake in it. The same mistake gets the same folder every time. */
export function makeMistake(chapter: string, { name, edits }: Mistake): CodeTree {
  const root = join(COPIES, `${chapter}.${name}`)
  rmSync(root, { recursive: true, force: true })
  mkdirSync(root, { recursive: true })
  linkChaptersBeneath(chapter, root)
  cpSync(join(SOLUTION.root, chapter), join(root, chapter), { recursive: true })
  for (const { file = 'server.ts', replace, by } of edits) {
    const path = join(root, chapter, file)
    const source = readFileSync(path, 'utf8')
    const places = source.split(replace).length - 1
    if (places !== 1)
      throw new Error(
        `${name}: "${replace}" occurs ${places} times in ${chapter}/${file}, not once`,
      )
    writeFileSync(
      path,
      source.replace(replace, () => by),
    )
  }
  return { root, label: 'chapters', linkedTo: SOLUTION.root }
}
