/** A learner's home of its own, and the two commands typed in it. */

import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { makeStarters } from '../../tutor/book/book.ts'
import { listChapters, ROOT } from '../judge/workbook.ts'

export interface Home {
  root: string
  /** `npm test …`, as npm would run it. */
  test(...args: string[]): Promise<Outcome>
  /** `npm start …` without a terminal. */
  start(...args: string[]): Promise<Outcome>
  /** The same with more in the environment. */
  withEnv(env: NodeJS.ProcessEnv): Home
  read(path: string): string
  write(path: string, content: string): void
  exists(path: string): boolean
  /** Writes a chapter as a learner has it who is past that step. */
  writeUpTo(chapter: string, step: string): void
}

export interface Outcome {
  code: number
  stdout: string
  stderr: string
}

/** Starters of every chapter, nothing done yet. */
export function makeHome(name: string, parent = join(ROOT, '.workbook', 'tmp', 'homes')): Home {
  const root = join(parent, name)
  rmSync(root, { recursive: true, force: true })
  for (const chapter of listChapters()) writeChapter(root, chapter)
  return homeAt(root, {})
}

function homeAt(root: string, env: NodeJS.ProcessEnv): Home {
  const runtime = ['--import', './tests/judge/runtime.js']
  return {
    root,
    test: (...args) => run([...runtime, 'tests/run.ts', ...args], root, env),
    start: (...args) => run([...runtime, '--import', 'tsx', 'tutor/main.tsx', ...args], root, env),
    withEnv: (more) => homeAt(root, { ...env, ...more }),
    read: (path) => readFileSync(join(root, path), 'utf8'),
    write: (path, content) => writeFileSync(join(root, path), content),
    exists: (path) => existsSync(join(root, path)),
    writeUpTo: (chapter, step) => writeChapter(root, chapter, step),
  }
}

function writeChapter(root: string, chapter: string, step?: string): void {
  for (const [file, source] of makeStarters(chapter, step)) {
    const path = join(root, 'chapters', chapter, file)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, source)
  }
}

function run(args: string[], root: string, env: NodeJS.ProcessEnv): Promise<Outcome> {
  // Learners have a spare host.
  const { INIT_CWD: _, WORKBOOK_SPARE_HOST: __, ...inherited } = process.env
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      args,
      {
        cwd: ROOT,
        env: { ...inherited, WORKBOOK_HOME: root, NO_COLOR: '1', FORCE_COLOR: undefined, ...env },
      },
      (error, stdout, stderr) => resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    )
    child.stdin?.end()
  })
}
