/** Mutants that no test can notice, each with the reason: `tests/mutants/explained/NN-name.ts`. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Mutant } from './find-mutants.ts'

/** A mutant is known by its line's text, not by its number: lines move. */
export interface Explained extends Pick<Mutant, 'file' | 'function' | 'was' | 'now'> {
  /** Why it behaves like the model answer, or why nobody could tell. */
  because: string
}

export async function readExplained(chapter: string): Promise<Explained[]> {
  const path = join(import.meta.dirname, 'explained', `${chapter}.ts`)
  return existsSync(path) ? (await import(pathToFileURL(path).href)).explained : []
}

export function explains(explained: Explained, mutant: Mutant): boolean {
  return (['file', 'function', 'was', 'now'] as const).every(
    (key) => explained[key] === mutant[key],
  )
}
