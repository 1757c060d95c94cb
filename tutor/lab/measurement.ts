/** What a measurement is: one file each in this folder, found by its name, printed in one way. */

import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { CodeTree } from '../../tests/harness/code-tree.ts'
import { Failure } from '../../tests/harness/failure.ts'
import { Story } from '../../tests/harness/story.ts'

export interface Measurement {
  /** What the Predict block asks for: `'greetings in a second'`. */
  asks: string
  /** How the numbers came about, in a sentence or two. */
  how: string
  /** Why the answer is what it is, in two or three sentences: printed below it, so that nobody reads it before they guess. */
  why?: string
  /** `say` tells what goes on, for those who wait. */
  run(tree: CodeTree, say: (text: string) => void): Promise<Result>
}

export interface Result {
  /** The value asked for. */
  answer: Quantity
  /** What it is compared with, or how it came about. */
  rows: Row[]
}

export interface Quantity {
  value: number
  unit: string
}

export interface Row extends Quantity {
  label: string
}

/** To be thrown when the code that is measured does something else: `why` is a sentence. */
export function notMeasurable(why: string): Failure {
  return new Failure(new Story(), { headline: why })
}

/** The ids of all measurements: `'01.greetings'`, `'02.backpressure'`, … */
export function listMeasurements(): string[] {
  return readdirSync(import.meta.dirname)
    .filter((name) => /^\d\d\./.test(name))
    .map((name) => name.replace(/\.ts$/, ''))
    .sort()
}

/** The measurement called `'02.backpressure'`; `undefined` when there is none. */
export async function findMeasurement(id: string): Promise<Measurement | undefined> {
  const file = join(import.meta.dirname, `${id}.ts`)
  if (!/^\d\d\.[\w-]+$/.test(id) || !existsSync(file)) return undefined
  return ((await import(pathToFileURL(file).href)) as { measurement: Measurement }).measurement
}
