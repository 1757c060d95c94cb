/**
 * What the judge says while it judges. `npm test`, the guide and the workbook's own tests all read this stream.
 */

import type { FailureReport, Place } from '../harness/failure.ts'

export interface StepTitle {
  /** `'02.1'` */
  id: string
  title: string
}

/** A function that an earlier chapter still has to write. */
export interface OpenHole {
  step: string
  place: Place
}

export interface TypeProblem {
  place: Place
  message: string
}

export type JudgeEvent =
  | { kind: 'chapterStarted'; chapter: string; label: string; steps: StepTitle[]; seed: number }
  /** The chapter imports earlier ones that are not finished. */
  | { kind: 'standsOnUnfinished'; chapter: string; holes: OpenHole[] }
  | { kind: 'stepStarted'; step: StepTitle }
  | { kind: 'stepPassed'; step: StepTitle; ms: number }
  /** `passedBefore`: it was green once, so something broke it. */
  | { kind: 'stepFailed'; step: StepTitle; ms: number; card: Card; passedBefore: boolean }
  | { kind: 'stepNotReached'; step: StepTitle }
  /** TypeScript's view of the chapter; node strips types and never looks at them. */
  | { kind: 'typesChecked'; problems: TypeProblem[] }
  /** Files of the chapter that are not there; nothing can be judged. */
  | { kind: 'filesMissing'; chapter: string; files: string[] }
  | { kind: 'unknownStep'; step: string; steps: StepTitle[] }
  | { kind: 'notice'; text: string }
  | { kind: 'chapterDone'; passed: number; asked: number }

/** A failure with everything the judge knows about where to go from here. */
export interface Card extends FailureReport {
  step: StepTitle
  seed: number
  /** The functions that belong to the step, as they stand in the learner's files. */
  lookAt: StepHome[]
}

/** A function that belongs to a step, and what its doc comment asks of it. */
export interface StepHome extends Place {
  doc: string
  /** The expectation that failed names it. */
  isNamed?: true
}
