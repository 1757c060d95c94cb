/**
 * What the proof of a chapter has read, as one number: as long as it is the same, the proof would say the same again.
 *
 * Rather too much is counted than too little. The harness, the judge and the installed packages belong to every chapter;
 * so does each file that a chapter's files name, in an import or as the script of a thread.
 */

import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { filesOf } from '../judge/foundations.ts'
import { ROOT, SOLUTION, testFileOf } from '../judge/workbook.ts'

/** Read by the proof of every chapter. */
const FLOOR = [
  'package-lock.json',
  'tests/harness',
  'tests/judge',
  'tests/mistakes/mistake.ts',
  'tests/right-answers/right-answer.ts',
  'tests/workbook/chapters.test.ts',
  'tests/workbook/edited-solution.ts',
  'tutor/book',
  'vitest.config.ts',
]

/** A path in quotation marks that begins where the file lies, or among the learner's chapters. */
const NAMED_FILE = /['"`]((?:\.{1,2}|#code)\/[\w./-]+\.(?:ts|tsx|js))['"`]/g

/** The fingerprint of each chapter, by its name. */
export function fingerprintsOf(chapters: string[]): Map<string, string> {
  const texts = new Map<string, Buffer>()
  return new Map(chapters.map((chapter) => [chapter, fingerprintOf(chapter, texts)]))
}

/** Every file that the proof of this chapter depends on, relative to the workbook's folder. */
export function filesReadFor(chapter: string): string[] {
  const own = [
    ...listAll(join(ROOT, 'chapters', chapter)),
    ...listAll(join(SOLUTION.root, chapter)),
    ...listAll(join(ROOT, 'tests', 'mistakes', 'cards', chapter)),
    ...filesOf(SOLUTION, chapter).map((file) => join(SOLUTION.root, file)),
    join(ROOT, 'tests', 'mistakes', `${chapter}.ts`),
    join(ROOT, 'tests', 'right-answers', `${chapter}.ts`),
    testFileOf(chapter),
    // The scripts of a chapter's threads are named by their number.
    ...listAll(join(ROOT, 'tests', 'chapters')).filter((file) =>
      basename(file).startsWith(chapter.slice(0, 3)),
    ),
  ]
  const read = new Set(FLOOR.flatMap((path) => listAll(join(ROOT, path))))
  for (const file of own) addWithNamedFiles(file, read)
  return [...read].map((file) => relative(ROOT, file)).sort()
}

/** Which chapters were proved as they are now. */
export class ProvenFile {
  readonly #path: string

  constructor(path = join(ROOT, '.workbook', 'proven.json')) {
    this.#path = path
  }

  unchanged(chapters: string[]): string[] {
    const proven = this.#read()
    const now = fingerprintsOf(chapters)
    return chapters.filter((chapter) => proven[chapter] === now.get(chapter))
  }

  add(fingerprints: Iterable<readonly [chapter: string, fingerprint: string]>): void {
    mkdirSync(dirname(this.#path), { recursive: true })
    const proven = { ...this.#read(), ...Object.fromEntries(fingerprints) }
    writeFileSync(this.#path, `${JSON.stringify(proven, undefined, 2)}\n`)
  }

  /** A file that cannot be read proves nothing. */
  #read(): Record<string, string> {
    try {
      return JSON.parse(readFileSync(this.#path, 'utf8'))
    } catch {
      return {}
    }
  }
}

function fingerprintOf(chapter: string, texts: Map<string, Buffer>): string {
  const hash = createHash('sha256').update(`${process.version} ${process.platform} ${process.arch}`)
  for (const file of filesReadFor(chapter)) {
    const text = texts.get(file) ?? readFileSync(join(ROOT, file))
    texts.set(file, text)
    hash.update(`\0${file}\0${text.length}\0`).update(text)
  }
  return hash.digest('hex')
}

function addWithNamedFiles(file: string, read: Set<string>): void {
  if (read.has(file) || !existsSync(file)) return
  read.add(file)
  if (!/\.(ts|tsx|js)$/.test(file)) return
  for (const [, named] of readFileSync(file, 'utf8').matchAll(NAMED_FILE)) {
    const isCode = named.startsWith('#code/')
    const path = isCode ? join(SOLUTION.root, named.slice(6)) : join(dirname(file), named)
    addWithNamedFiles(path, read)
  }
}

/** The files in a folder and in those inside it, or the file itself; nothing when there is none. */
function listAll(path: string): string[] {
  if (!existsSync(path)) return []
  if (!statSync(path).isDirectory()) return [path]
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}
