/** Whether the tests are those that were shipped: a verdict of edited tests is nobody's verdict. */

import { execFile } from 'node:child_process'
import { ROOT } from './workbook.ts'

/** Files under `tests/` that differ from what git has; `undefined` when there is no git to ask, or no clone. */
export function findEditedTests(): Promise<string[] | undefined> {
  const args = ['status', '--porcelain', '--no-renames', '--untracked-files=no', '--', 'tests']
  return new Promise((resolve) => {
    execFile('git', args, { cwd: ROOT }, (error, status) => {
      if (error) return resolve(undefined)
      const lines = status.split('\n').filter((line) => line !== '')
      resolve(lines.map((line) => line.slice(3)))
    })
  })
}
