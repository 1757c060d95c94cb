/**
 * Verdicts of earlier runs, in `.workbook/mutants/`.
 *
 * A killed mutant stays killed while the model answer is the same: tests that were changed since are taken to have
 * become no weaker. One that lived is judged again as soon as anything that judges it has changed.
 */

import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { filesOf } from '../judge/foundations.ts'
import { ROOT, SOLUTION, testFileOf } from '../judge/workbook.ts'
import type { Mutant } from './find-mutants.ts'
import type { Verdict } from './hunt.ts'

interface Remembered {
  verdict: Verdict
  /** What judged it. */
  judges: string
}

/** What a verdict was passed on, and by whom. */
export interface Trial {
  /** Files of the model answer. */
  answer: string[]
  /** Files that the tests are made of. */
  judges: string[]
}

export class Memory {
  readonly #path: string
  readonly #answer: string
  readonly #judges: string
  readonly #known = new Map<string, Remembered>()

  /** `fresh`: as if there had been no earlier run. */
  constructor(path: string, { answer, judges }: Trial, { fresh = false } = {}) {
    this.#path = path
    this.#answer = digest(answer)
    this.#judges = digest(judges)
    if (!fresh && existsSync(path)) this.#known = new Map(JSON.parse(readFileSync(path, 'utf8')))
  }

  recall(mutant: Mutant): Verdict | undefined {
    const known = this.#known.get(this.#keyOf(mutant))
    const holds = known && (known.verdict.kind === 'killed' || known.judges === this.#judges)
    return holds ? known.verdict : undefined
  }

  remember(mutant: Mutant, verdict: Verdict): void {
    this.#known.set(this.#keyOf(mutant), { verdict, judges: this.#judges })
    this.#save()
  }

  /** Forgets mutants that there are no longer. */
  keepOnly(mutants: Mutant[]): void {
    const keys = new Set(mutants.map((mutant) => this.#keyOf(mutant)))
    for (const key of this.#known.keys()) if (!keys.has(key)) this.#known.delete(key)
    this.#save()
  }

  #keyOf({ file, source }: Mutant): string {
    return hash([this.#answer, file, source])
  }

  #save(): void {
    mkdirSync(dirname(this.#path), { recursive: true })
    writeFileSync(this.#path, JSON.stringify([...this.#known], null, 1))
  }
}

export function memoryOf(chapter: string, { fresh }: { fresh: boolean }): Memory {
  const answer = filesOf(SOLUTION, chapter).map((file) => join(SOLUTION.root, file))
  const path = join(ROOT, '.workbook', 'mutants', `${chapter}.json`)
  return new Memory(path, { answer, judges: judgesOf(chapter) }, { fresh })
}

/** The chapter's test, and everything that it may be made of. */
function judgesOf(chapter: string): string[] {
  const tests = join(ROOT, 'tests')
  const folders = ['chapters', 'harness', 'judge', 'protocols', 'worlds']
  return folders
    .map((folder) => join(tests, folder))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)),
    )
    .filter((file) => file.endsWith('.ts'))
    .filter(
      (file) => !file.endsWith('.test.ts') || basename(file) === basename(testFileOf(chapter)),
    )
    .sort()
}

function digest(files: string[]): string {
  return hash(files.map((file) => readFileSync(file, 'utf8')))
}

function hash(parts: string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url')
}
