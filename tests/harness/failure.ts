/**
 * A step that did not hold, as data: everything the card will print.
 *
 * The runner makes it, the judge adds where to look, the card turns it into lines.
 */

import type { Turn } from './interleavings/scenario.ts'
import type { Story, StoryLine } from './story.ts'

/** A line of code. `file` is absolute until the judge makes it relative to the code under test. */
export interface Place {
  file: string
  line: number
  /** The function's name, `''` at the top of a module. */
  function: string
}

/** What was expected or received: bytes are shown as text and hex, a text as it is. */
export type Evidence = ByteEvidence | { text: string }

/** The bytes around the place where it went wrong. */
export interface ByteEvidence {
  bytes: Uint8Array
  /** Where in the whole they begin. */
  start: number
  /** Where in the whole it went wrong. */
  place: number
  /** Length of the whole. */
  total: number
}

export interface FailureReport {
  /** One sentence: what did not hold. */
  headline: string
  story: StoryLine[]
  expected?: Evidence
  received?: Evidence
  /** Why the test asks for it. */
  because?: string
  /** The one most likely cause. */
  likely?: string
  /** The functions to look at first, as `Reason` names them. */
  look?: string | string[]
  /** What else was seen that may explain it. */
  note?: string
  /** Where it went wrong, innermost first, when that is known. */
  trace?: Place[]
  /** The order of turns in which threads failed, as an exploration found it. */
  interleaving?: { turns: Turn[]; finding: string; runs: number }
  /** Where the server's worker threads were, when that may explain it. */
  threads?: { threadId: number; at: Place }[]
  /** What the server under test printed. */
  output?: string
  /** Set when code that is still to be written was reached: `'02.1'`. */
  openStep?: string
}

export class Failure extends Error {
  readonly report: FailureReport

  constructor(story: Story, report: Omit<FailureReport, 'story'>) {
    super(report.headline)
    this.name = 'Failure'
    this.report = { ...report, story: [...story.lines] }
  }
}

/**
 * What was seen where something else was expected. `'silent'`: the client still waits; `'part'`: the first bytes came, and
 * then it waits, or the connection has ended; `'crashed'`: a thread of the server ended with an error;
 * `'rejected'`: its process ended, because a promise rejected and nobody caught it.
 */
export type Seen = 'silent' | 'part' | 'ended' | 'reset' | 'other bytes' | 'crashed' | 'rejected'

/** The most likely cause, or that and the functions to look at first. */
export type Cause = string | Pick<Reason, 'likely' | 'look'>

/** What an expectation tells a learner when it does not hold. */
export interface Reason {
  /** Why the test asks for it: one sentence. */
  because: string
  /** The one most likely cause, when the harness itself sees nothing better. */
  likely?: string
  /** Other causes, where something was seen that tells them apart. */
  seen?: Partial<Record<Seen, Cause>>
  /**
   * The functions that this expectation is about, where they are not all of the step's: `'outbox.push()'` is `push` in the
   * chapter's `outbox.ts`, `'push()'` that of any of its files. They are the first of those that the card shows.
   */
  look?: string | string[]
}

/** The reason with the cause that fits what was seen. */
export function likeliest<T extends Partial<Reason>>(reason: T, seen: Seen): T {
  const cause = reason.seen?.[seen]
  return { ...reason, ...(typeof cause === 'string' ? { likely: cause } : cause) }
}
