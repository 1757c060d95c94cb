/**
 * A known wrong answer: a small edit of the solution, the step that must catch it, and words its card must say.
 *
 * The whole card is recorded in `tests/mistakes/cards/`, so that a change of wording is seen in review.
 */

import type { EditedSolution } from '../workbook/edited-solution.ts'

export interface Mistake extends EditedSolution {
  /** What is wrong, as a file name: `'closes-at-fin'`. */
  name: string
  /** The step that catches it; the steps before it must pass. */
  step: string
  /** A race: an earlier step may find it first. Its card is not compared then. */
  orStep?: string
  /** What the card must tell the learner. */
  says: string[]
  /** The expectation that finds it depends on timing: its card is recorded once and not compared. */
  cardVaries?: true
}
