/**
 * Verdicts of earlier runs, in `.workbook/mutants/`.
 *
 * A killed mutant stays killed while its file is the same: whatever else was changed since is taken to have made the tests
 * no weaker. One that lived is judged again as soon as anything has changed that it was judged with.
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
  /** What it was judged with. */
  trial: string
}

export class Memory {
  readonly #path: string
  readonly #trial: string
  readonly #known = new Map<string, Remembered>()

  /** `trial`: the files of the model answer and of the tests. `fresh`: as if there had been no earlier run. */
  constructor(path: string, trial: string[], { fresh = false } = {}) {
    this.#path = path
    this.#trial = hash(trial.map((file) => readFileSync(file, 'utf8')))
    if (!fresh && existsSync(path)) this.#known = new Map(JSON.parse(readFileSync(path, 'utf8')))
  }

  recall(mutant: Mutant): Verdict | undefined {
    const known = this.#known.get(keyOf(mutant))
    const holds = known && (known.verdict.kind === 'killed' || known.trial === this.#trial)
    return holds ? known.verdict : undefined
  }

  remember(mutant: Mutant, verdict: Verdict): void {
    this.#known.set(keyOf(mutant), { verdict, trial: this.#trial })
    this.#save()
  }

  /** Forgets mutants that there are no longer. */
  keepOnly(mutants: Mutant[]): void {
    const keys = new Set(mutants.map((mutant) => keyOf(mutant)))
    for (const key of this.#known.keys()) if (!keys.has(key)) this.#known.delete(key)
    this.#save()
  }

  #save(): void {
    mkdirSync(dirname(this.#path), { recursive: true })
    writeFileSync(this.#path, JSON.stringify([...this.#known], null, 1))
  }
}

export function memoryOf(chapter: string, { fresh }: { fresh: boolean }): Memory {
  const answer = filesOf(SOLUTION, chapter).map((file) => join(SOLUTION.root, file))
  const path = join(ROOT, '.workbook', 'mutants', `${chapter}.json`)
  return new Memory(path, [...answer, ...judgesOf(chapter)], { fresh })
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

function keyOf({ file, source }: Mutant): string {
  return hash([file, source])
}

function hash(parts: string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url')
}
