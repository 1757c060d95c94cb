/**
 * Where things are: the workbook's own folders, and the learner's.
 *
 * The learner's `chapters/` and `.workbook/` lie in the repository. `WORKBOOK_HOME` names another folder that
 * holds both, which is how the workbook tests itself without touching anybody's work.
 */

import { existsSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { CodeTree } from '../harness/code-tree.ts'

export const ROOT = resolve(import.meta.dirname, '../..')

export const HOME = resolve(process.env.WORKBOOK_HOME ?? ROOT)

/** Progress, snapshots, lab results: everything the workbook writes for a learner. */
export const STATE = join(HOME, '.workbook')

export const LEARNER: CodeTree = { root: join(HOME, 'chapters'), label: 'chapters' }
export const SOLUTION: CodeTree = { root: join(ROOT, 'solutions'), label: 'solutions' }

/** The chapters there are, in order: `['01-hello', '02-echo', …]`. */
export function listChapters(): string[] {
  return readdirSync(SOLUTION.root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && /^\d\d-/.test(entry.name))
    .map((entry) => entry.name)
    .sort()
}

export function testFileOf(chapter: string): string {
  return join(ROOT, 'tests', 'chapters', `${chapter}.test.ts`)
}

/** `'02-echo'` for `'02.3'`. */
export function chapterOfStep(step: string): string | undefined {
  return listChapters().find((chapter) => chapter.startsWith(`${step.slice(0, 2)}-`))
}

/** The `.ts` files of a chapter in that tree, in order; empty when the folder is missing. */
export function listFiles(tree: CodeTree, chapter: string): string[] {
  const folder = join(tree.root, chapter)
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => name.endsWith('.ts'))
    .sort()
}
