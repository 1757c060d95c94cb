/** Whether the tests are those that were shipped: a verdict of edited tests is nobody's verdict. */

import { execFileSync } from 'node:child_process'
import { ROOT } from './workbook.ts'

/** Files under `tests/` that differ from what git has; none when there is no git to ask. */
export function editedTests(): string[] {
  try {
    const args = [
      'status',
      '--porcelain',
      '--no-renames',
      '--untracked-files=no',
      '--',
      'tests',
      'solutions',
    ]
    const status = execFileSync('git', args, {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return status
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.slice(3))
  } catch {
    return []
  }
}
