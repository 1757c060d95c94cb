/** `npm run lessons` fills the code that lessons quote; `--check` holds every lesson to the rules as well. */

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { declaredSteps } from '../../tests/judge/step.ts'
import { listChapters, ROOT, testFileOf } from '../../tests/judge/workbook.ts'
import { VERBS } from '../verbs/table.ts'
import { lessonPath, readBook, readSolution } from './book.ts'
import { findProblems } from './lesson-rules.ts'
import { fillQuotes } from './quotes.ts'

if (process.argv.includes('--check')) await checkLessons()
else for (const chapter of listChapters()) writeFileSync(lessonPath(chapter), filled(chapter))

async function checkLessons(): Promise<void> {
  for (const chapter of readBook()) {
    const markdown = readFileSync(lessonPath(chapter.name), 'utf8')
    await import(pathToFileURL(testFileOf(chapter.name)).href)
    const problems = findProblems(chapter, {
      markdown,
      solution: readSolution(chapter.name),
      tested: declaredSteps().filter(({ id }) => id.startsWith(chapter.name.slice(0, 2))),
      chapters: listChapters(),
      verbs: Object.keys(VERBS),
    })
    if (filled(chapter.name) !== markdown)
      problems.push('quoted code is not current: npm run lessons')
    for (const problem of problems) console.error(`chapters/${chapter.name}/README.md: ${problem}`)
    if (problems.length > 0) process.exitCode = 1
  }
}

function filled(chapter: string): string {
  const markdown = readFileSync(lessonPath(chapter), 'utf8')
  return fillQuotes(markdown, (path) => readFileSync(join(ROOT, path), 'utf8'))
}
