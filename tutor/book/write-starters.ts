/**
 * `npm run starters` writes the starters from the solutions; `--check` fails when the committed ones drift.
 *
 * What is compared is what git has, never the files on disk: those belong to whoever learns here.
 */

import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { listChapters, ROOT } from '../../tests/judge/workbook.ts'
import { makeStarters } from './book.ts'

if (process.argv.includes('--check')) checkStarters()
else writeStarters()

function writeStarters(): void {
  for (const { chapter, file, source } of listStarters()) {
    const path = join(ROOT, 'chapters', chapter, file)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, source)
  }
}

function checkStarters(): void {
  const drifted = listStarters().filter(
    ({ chapter, file, source }) => committed(`chapters/${chapter}/${file}`) !== source,
  )
  if (drifted.length === 0) return
  for (const { chapter, file } of drifted) {
    console.error(
      `chapters/${chapter}/${file} is not what solutions/${chapter}/${file} makes of it.`,
    )
  }
  console.error('Write them with `npm run starters`, then `git add chapters`.')
  process.exitCode = 1
}

function listStarters(): { chapter: string; file: string; source: string }[] {
  return listChapters().flatMap((chapter) =>
    [...makeStarters(chapter)].map(([file, source]) => ({ chapter, file, source })),
  )
}

/** The file as git's index has it. */
function committed(path: string): string | undefined {
  try {
    return execFileSync('git', ['show', `:${path}`], { cwd: ROOT, encoding: 'utf8', stdio: 'pipe' })
  } catch {
    return undefined
  }
}
