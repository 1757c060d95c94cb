/** A crash that broke a promise, as a failure: the writes in order, where the machine stopped, and what was left. */

import type { CodeTree } from '../code-tree.ts'
import { explainThrown } from '../diagnosis.ts'
import { Failure, type Reason } from '../failure.ts'
import { toThrownError } from '../last-words.ts'
import { openHole } from '../open-hole.ts'
import { Story } from '../story.ts'
import { type Crash, sizesIn } from './crashes.ts'
import type { Outcome } from './explore.ts'

/** Of each life the last that happened, so that a card shows all of it; the rest is counted. */
const MAX_EVENTS = { 1: 16, 2: 8, 3: 5 }

/** Why a promise was to be kept, or how that follows from what has gone wrong. */
export type CrashReason = Reason | ((finding: string) => Reason)

export function crashFailure(
  outcome: Extract<Outcome, { kind: 'broken' }>,
  tree: CodeTree,
  explained: CrashReason,
): Failure {
  const { lives, finding, error } = outcome
  const reason = typeof explained === 'function' ? explained(finding) : explained
  const thrown = toThrownError(error)
  if (error instanceof Failure || openHole(thrown)) throw error
  const story = new Story()
  for (const [index, { events, crash }] of lives.entries()) {
    const skipped = Math.max(0, events.length - MAX_EVENTS[lives.length as 1 | 2 | 3])
    const again = index === 0 ? '' : ' again'
    story.tell('log', `is opened${again}${skipped > 0 ? `; after ${skipped} things more …` : ''}`)
    for (const { who, text } of events.slice(skipped)) story.tell(who, text)
    if (crash) tellCrash(story, crash)
  }
  story.judge('test', 'expects every promise to be kept', 'broken')
  if (error === undefined) {
    const headline = `A crash can break what the log has promised: ${finding}.`
    return new Failure(story, { headline, ...reason })
  }
  const { finding: what, ...diagnosis } = explainThrown(thrown, tree, 'the log threw')
  const headline = lives.length === 1 ? what : `after a crash ${what}`
  return new Failure(story, {
    headline: `${headline[0].toUpperCase()}${headline.slice(1)}.`,
    ...diagnosis,
    because: reason.because,
    likely: diagnosis.likely ?? reason.likely,
  })
}

function tellCrash(story: Story, { kind, state, aftermath }: Crash): void {
  if (kind === 'kill') {
    story.tell('system', 'kills the process; what was written stays in memory, synced or not')
    return
  }
  story.tell('power', 'fails')
  for (const text of aftermath) story.tell('disk', text)
  if (aftermath.length === 0) story.tell('disk', `has ${sizesIn(state)}`)
}
