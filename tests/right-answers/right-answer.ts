/**
 * A right answer in another style than the solution's: it must pass every step of its chapter.
 *
 * Whoever refuses a right answer has tested how something is done instead of what it does.
 */

import type { EditedSolution } from '../workbook/edited-solution.ts'

export interface RightAnswer extends EditedSolution {
  /** The style, as a file name: `'async-iterator'`. */
  name: string
  /** The style in one sentence, and why it is right where that is not plain. */
  style: string
}
