/**
 * A tree of code made of the solution and a few edits: a known wrong answer, or a right one in another style.
 *
 * The same edits get the same folder every time, and chapters beneath are links, so that unchanged code is compiled once.
 */

import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fillHole, findHoles, stepThatOpens } from '../../tutor/book/starter.ts'
import type { CodeTree } from '../harness/code-tree.ts'
import { chaptersBeneath } from '../judge/foundations.ts'
import { ROOT, SOLUTION } from '../judge/workbook.ts'

/** Another text in place of one that stands exactly once in the solution, or another body for a hole. */
export type Edit = EditOfText | EditOfHole

interface EditOfText {
  /** Defaults to `server.ts`. */
  file?: string
  /** Text that occurs exactly once in the file, as the edits before this one have left it. */
  replace: string
  by: string
}

interface EditOfHole {
  /** Defaults to `server.ts`. */
  file?: string
  /** The name of a function or method with an `@step`, as it is declared: `'runDue'`, `'#flush'`. */
  hole: string
  /** Its new body, without the outer braces. */
  by: string
}

export interface EditedSolution {
  /** A folder of its own beside others of its kind. */
  name: string
  edits?: Edit[]
  /** Whole files in place of the solution's, by name. */
  files?: Record<string, string>
}

/** `kind` is a folder for everything alike: `'mistakes'`. */
export function editSolution(kind: string, chapter: string, edited: EditedSolution): CodeTree {
  const { name, edits = [], files = {} } = edited
  const root = makeFolder(kind, `${chapter}.${name}`)
  linkChaptersBeneath(chapter, root)
  cpSync(join(SOLUTION.root, chapter), join(root, chapter), { recursive: true })
  for (const [file, source] of Object.entries(files))
    writeFileSync(join(root, chapter, file), source)
  for (const edit of edits) {
    const path = join(root, chapter, edit.file ?? 'server.ts')
    writeFileSync(path, apply(edit, readFileSync(path, 'utf8'), `${name}, ${path}`))
  }
  return treeAt(root)
}

/** A learner's chapters: everything beneath this one is finished, and these are its files. */
export function makeLearnerTree(name: string, chapter: string, files: Map<string, string>) {
  const root = makeFolder('learners', name)
  linkChaptersBeneath(chapter, root)
  for (const [file, source] of files) {
    const path = join(root, chapter, file)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, source)
  }
  return treeAt(root)
}

/** The first step of the chapter that can tell these edits from the solution. */
export function firstStepReached(
  chapter: string,
  steps: { id: string }[],
  { edits = [], files }: Omit<EditedSolution, 'name'>,
): string {
  const reached = edits.map((edit) => {
    const source = readFileSync(join(SOLUTION.root, chapter, edit.file ?? 'server.ts'), 'utf8')
    if ('replace' in edit) return stepThatOpens(source, edit.replace)
    return findHoles(source).find(({ name }) => name === edit.hole)?.steps[0]
  })
  const isAnywhere = files !== undefined || reached.includes(undefined)
  return isAnywhere ? steps[0].id : (reached as string[]).toSorted()[0]
}

function apply(edit: Edit, source: string, where: string): string {
  if ('hole' in edit) return fillHole(source, edit.hole, edit.by)
  const places = source.split(edit.replace).length - 1
  if (places !== 1) throw new Error(`${where}: "${edit.replace}" occurs ${places} times, not once`)
  return source.replace(edit.replace, () => edit.by)
}

function makeFolder(kind: string, name: string): string {
  const root = join(ROOT, '.workbook', 'tmp', kind, name)
  rmSync(root, { recursive: true, force: true })
  mkdirSync(root, { recursive: true })
  return root
}

function linkChaptersBeneath(chapter: string, root: string): void {
  for (const other of chaptersBeneath(SOLUTION, chapter)) {
    symlinkSync(join(SOLUTION.root, other), join(root, other), 'junction')
  }
}

function treeAt(root: string): CodeTree {
  return { root, label: 'chapters', linkedTo: SOLUTION.root }
}
