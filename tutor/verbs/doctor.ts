import { accessSync, constants, existsSync, mkdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { findEditedTests } from '../../tests/judge/integrity.ts'
import { ProgressFile } from '../../tests/judge/progress.ts'
import {
  HOME,
  LEARNER,
  listChapters,
  listFiles,
  ROOT,
  SOLUTION,
  STATE,
} from '../../tests/judge/workbook.ts'
import type { Verb } from './verb.ts'

interface Finding {
  /** `undefined`: there is no telling. */
  isFine: boolean | undefined
  what: string
  /** What to do, or why, when it is not fine. */
  advice?: string
}

export const doctor: Verb = {
  usage: 'doctor',
  summary: 'is everything in place? what to do when not',
  async run({ write, chalk }) {
    const findings = [
      runtime(),
      packages(),
      await loopback(),
      stateFolder(),
      progress(),
      starters(),
      await tests(),
    ]
    for (const { isFine, what, advice } of findings) {
      const mark = isFine === undefined ? '?' : isFine ? chalk.green('✓') : chalk.red('✗')
      write(`${mark} ${what}\n`)
      if (!isFine && advice) write(`  ${advice}\n`)
    }
    return findings.some(({ isFine }) => isFine === false) ? 1 : 0
  },
}

function runtime(): Finding {
  const brought = process.execPath.startsWith(join(ROOT, 'node_modules'))
  const origin = brought ? 'brought by the workbook' : `the system's own, ${process.execPath}`
  return {
    isFine: Number(process.versions.node.split('.')[0]) >= 26,
    what: `Node ${process.versions.node} (${origin}) on ${process.platform} ${process.arch}`,
    advice: 'npm ci brings Node 26.',
  }
}

function packages(): Finding {
  const names = ['tsx', 'vitest', 'ink', 'chalk', 'typescript']
  const missing = names.filter((name) => !existsSync(join(ROOT, 'node_modules', name)))
  const what =
    missing.length === 0 ? 'packages are installed' : `packages are missing: ${missing.join(', ')}`
  return { isFine: missing.length === 0, what, advice: 'npm ci' }
}

function loopback(): Promise<Finding> {
  return new Promise((resolve) => {
    const server = createServer()
    const advice =
      'A firewall or sandbox keeps programs on this machine from talking to each other.'
    server.once('error', (error) =>
      resolve({ isFine: false, what: `cannot listen on 127.0.0.1: ${error.message}`, advice }),
    )
    server.listen(0, '127.0.0.1', () => {
      server.close()
      resolve({ isFine: true, what: 'can listen on 127.0.0.1' })
    })
  })
}

function stateFolder(): Finding {
  try {
    mkdirSync(STATE, { recursive: true })
    accessSync(STATE, constants.W_OK)
    return { isFine: true, what: '.workbook/ can be written' }
  } catch (error) {
    return {
      isFine: false,
      what: `.workbook/ cannot be written: ${(error as Error).message}`,
      advice: `Nothing is remembered until it can${howToMakeItWritable((error as NodeJS.ErrnoException).code)}`,
    }
  }
}

function howToMakeItWritable(code: string | undefined): string {
  if (code === 'EEXIST')
    return '. It is a file, and has to be a folder: give that file another name.'
  if (code !== 'EACCES' && code !== 'EPERM') return '.'
  return `: chmod u+w "${existsSync(STATE) ? STATE : HOME}"`
}

function progress(): Finding {
  const file = new ProgressFile()
  file.read()
  const [notice] = file.takeNotices()
  return { isFine: notice === undefined, what: notice ?? 'progress can be read' }
}

function starters(): Finding {
  const missing = listChapters().flatMap((chapter) => {
    const own = listFiles(LEARNER, chapter)
    return listFiles(SOLUTION, chapter)
      .filter((file) => !own.includes(file))
      .map((file) => `chapters/${chapter}/${file}`)
  })
  return {
    isFine: missing.length === 0,
    what: missing.length === 0 ? 'every chapter has its files' : `missing: ${missing.join(', ')}`,
    advice: 'npm start reset N puts the starter of chapter N back, and keeps what is there.',
  }
}

async function tests(): Promise<Finding> {
  const edited = await findEditedTests()
  if (edited === undefined)
    return {
      isFine: undefined,
      what: 'cannot tell whether the tests are as they were shipped',
      advice: 'git gives no answer: it is not installed, or this is no clone of yours.',
    }
  return {
    isFine: edited.length === 0,
    what:
      edited.length === 0 ? 'the tests are as they were shipped' : `edited: ${edited.join(', ')}`,
    advice: `git checkout ${edited.join(' ')}`,
  }
}
