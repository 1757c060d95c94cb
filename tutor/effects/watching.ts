/** Tells when a learner saves a file. Editors save in many ways: in place, or by writing a new file and renaming it. */

import { basename, relative, sep } from 'node:path'
import { watch } from 'chokidar'
import { LEARNER } from '../../tests/judge/workbook.ts'

export interface Save {
  chapter: string
  file: string
}

/** Where file events do not arrive (WSL on a Windows drive), CHOKIDAR_USEPOLLING=1 looks instead. */
export function watchChapters(onSave: (save: Save) => void): { close(): Promise<void> } {
  const watcher = watch(LEARNER.root, { ignoreInitial: true, ignored: isUninteresting })
  const report = (path: string): void => {
    const [chapter] = relative(LEARNER.root, path).split(sep)
    if (path.endsWith('.ts')) onSave({ chapter, file: basename(path) })
  }
  watcher.on('add', report).on('change', report)
  return watcher
}

function isUninteresting(path: string): boolean {
  return /(^|[/\\])(\.|node_modules)|~$/.test(relative(LEARNER.root, path))
}
