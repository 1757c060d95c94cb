/** What the guide knows, what can happen to it, and what it can ask for: plain data, all of it. */

import type { Card, JudgeEvent, OpenHole, TypeProblem } from '../../tests/judge/events.ts'
import { isGreen, type Progress } from '../../tests/judge/progress.ts'
import type { Chapter } from '../book/book.ts'

export interface TutorState {
  book: Chapter[]
  progress: Progress
  screen: Screen
  /** The screen that the keys were asked for on. */
  behindKeys: Screen
  /** Where the screen's text is scrolled to, in lines. */
  scroll: number
  /** Index of the chapter that is open, or marked on the map. */
  chapter: number
  /** Index of the step at hand within it. */
  step: number
  verdicts: Record<string, Verdict>
  /** The judge's run whose events count; older ones are ignored. */
  run: number
  isJudging: boolean
  /** How long the last run took, from save to verdict. */
  lastRunMs: number | undefined
  /** What the judge said about the chapter as a whole. */
  remarks: Remarks
  /** The file that was saved last, and when (`HH:MM:SS`). */
  lastSave: { file: string; at: string } | undefined
  /** Something the learner should know; shown until the next key or save. */
  notice: string | undefined
}

/** `step`: the task, the verdict and the hints of the step at hand. */
export type Screen = 'map' | 'step' | 'card' | 'lesson' | 'keys'

export type Verdict =
  | { kind: 'running' }
  | { kind: 'green'; ms: number }
  | { kind: 'red'; card: Card; wasGreen: boolean }

export interface Remarks {
  holes: OpenHole[]
  types: TypeProblem[]
  missing: string[]
}

export type TutorEvent =
  | { kind: 'opened' }
  /** `page`: lines that fit the screen; `maxScroll`: how far its text can be scrolled. */
  | { kind: 'key'; key: string; page: number; maxScroll: number }
  /** `isReference`: the file is the model answer's now, so `npm start catch-up` is likely to have written it. */
  | { kind: 'saved'; chapter: string; file: string; at: string; isReference?: boolean }
  | { kind: 'removed'; chapter: string }
  | { kind: 'judge'; run: number; event: JudgeEvent }
  | { kind: 'judged'; run: number; ms: number }
  /** Another process, such as `npm test`, has written progress. */
  | { kind: 'progressRead'; progress: Progress }
  | { kind: 'noticed'; text: string }

export type Effect =
  | { kind: 'judge'; run: number; chapter: string; upTo: string }
  | { kind: 'rememberPlace'; place: string }
  | { kind: 'rememberHint'; step: string; taken: number }
  | { kind: 'edit'; file: string; line: number }
  | { kind: 'quit' }

export interface Next {
  state: TutorState
  effects: Effect[]
}

export function currentChapter({ book, chapter }: TutorState): Chapter {
  return book[chapter]
}

/** Green, as far as there is anything that can be judged. */
export function isGreenNow({ progress, remarks }: TutorState, step: string): boolean {
  return isGreen(progress, step) && remarks.missing.length === 0
}

export function currentStep(state: TutorState) {
  return currentChapter(state).lesson.steps[state.step]
}
