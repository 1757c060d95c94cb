/**
 * Where things are: the workbook's own folders, and the learner's.
 *
 * The learner's `chapters/` and `.workbook/` lie in the repository. `WORKBOOK_HOME` names another folder that
 * holds both, which is how the workbook tests itself without touching anybody's work.
 */

import { existsSync, readdirSync } from 'node:fs'
import { join, relative, resolve, sep } from 'node:path'
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

/**
 * The `.ts` files of a chapter in that tree, in order; empty when the folder is missing. What lies in folders of the
 * chapter is not among them: see `listGivenFiles`.
 */
export function listFiles(tree: CodeTree, chapter: string): string[] {
  const folder = join(tree.root, chapter)
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => name.endsWith('.ts'))
    .sort()
}

/** The files in folders of a chapter: `page/style.css`. They have no holes, and learners get them as they are. */
export function listGivenFiles(tree: CodeTree, chapter: string): string[] {
  const folder = join(tree.root, chapter)
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.parentPath !== folder)
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort()
}
