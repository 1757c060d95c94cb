/** Tells when a learner saves a file. Editors save in many ways: in place, or by writing a new file and renaming it. */

import { readFileSync } from 'node:fs'
import { basename, join, relative, sep } from 'node:path'
import { watch } from 'chokidar'
import { LEARNER, SOLUTION } from '../../tests/judge/workbook.ts'

export interface Save {
  chapter: string
  file: string
  /** The file is the model answer's now. */
  isReference: boolean
}

export interface Watcher {
  close(): Promise<void>
}

/** Where file events do not arrive (WSL on a Windows drive), CHOKIDAR_USEPOLLING=1 looks instead. */
export function watchChapters({
  onSave,
  onRemove,
}: {
  onSave(save: Save): void
  onRemove(chapter: string): void
}): Watcher {
  const watcher = watch(LEARNER.root, { ignoreInitial: true, ignored: isUninteresting })
  const ifCode = (tell: (chapter: string, path: string) => void) => (path: string) => {
    const [chapter] = relative(LEARNER.root, path).split(sep)
    if (path.endsWith('.ts')) tell(chapter, path)
  }
  const saved = ifCode((chapter, path) =>
    onSave({ chapter, file: basename(path), isReference: isReference(path) }),
  )
  return watcher.on('add', saved).on('change', saved).on('unlink', ifCode(onRemove))
}

/** Tells when a file is written, also one that is not there yet. */
export function watchFile(path: string, onWrite: () => void): Watcher {
  return watch(path, { ignoreInitial: true }).on('add', onWrite).on('change', onWrite)
}

function isUninteresting(path: string): boolean {
  return /(^|[/\\])(\.|node_modules)|~$/.test(relative(LEARNER.root, path))
}

function isReference(path: string): boolean {
  try {
    const reference = readFileSync(join(SOLUTION.root, relative(LEARNER.root, path)))
    return readFileSync(path).equals(reference)
  } catch {
    return false
  }
}
