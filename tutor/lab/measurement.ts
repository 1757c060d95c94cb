/** What a measurement is: one file each in this folder, found by its name, printed in one way. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { CodeTree } from '../../tests/harness/code-tree.ts'

export interface Measurement {
  /** What the Predict block asks for: `'greetings in a second'`. */
  asks: string
  /** How the numbers came about, in a sentence or two. */
  how: string
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

/** The measurement called `'02.backpressure'`; `undefined` when there is none. */
export async function findMeasurement(id: string): Promise<Measurement | undefined> {
  const file = join(import.meta.dirname, `${id}.ts`)
  if (!/^\d\d\.[\w-]+$/.test(id) || !existsSync(file)) return undefined
  return ((await import(pathToFileURL(file).href)) as { measurement: Measurement }).measurement
}
