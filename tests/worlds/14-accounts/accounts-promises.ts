/** Promises that only the test can settle: what has not happened after a few turns of the loop waits for the test. */

import { setImmediate as turn } from 'node:timers/promises'
import { Failure, type Reason } from '../../harness/failure.ts'
import { PATIENCE_MS, within } from '../../harness/patience.ts'
import type { Story } from '../../harness/story.ts'

const TURNS = 8

type Seen<T> = { kind: 'resolved'; value: T } | { kind: 'rejected'; error: unknown }

const staged = new WeakSet<Error>()

/** An error that the test throws on purpose: code that lets it out where it should not is told so. */
export function stagedError(error: Error): Error {
  staged.add(error)
  return error
}

/** Lets everything happen that can happen without the test. */
export async function settle(): Promise<void> {
  for (let turns = 0; turns < TURNS; turns++) await turn()
}

/**
 * Expects the promise to resolve, and resolves with its value. What the code under test rejects with comes out as it is:
 * the place where it was thrown says more than we can.
 */
export async function resolves<T>(
  story: Story,
  what: string,
  promise: Promise<T>,
  reason: Reason,
): Promise<T> {
  const seen = await look(promise)
  if (seen !== 'too late') {
    if (seen.kind === 'resolved') return seen.value
    if (!staged.has(seen.error as Error)) throw seen.error
  }
  story.judge('test', `expects ${what} to resolve`, 'broken')
  throw new Failure(story, {
    headline: `The test expected ${what} to resolve.`,
    expected: { text: 'it resolves' },
    received: {
      text:
        seen === 'too late' ? 'nothing: the promise is still pending' : `it rejects: ${seen.error}`,
    },
    ...reason,
  })
}

/** Expects the promise to reject, and resolves with what it rejects with. */
export async function rejects(
  story: Story,
  what: string,
  promise: Promise<unknown>,
  reason: Reason,
): Promise<unknown> {
  const seen = await look(promise)
  const isKept = seen !== 'too late' && seen.kind === 'rejected'
  story.judge('test', `expects a rejection from ${what}`, isKept ? 'kept' : 'broken')
  if (isKept) return seen.error
  throw new Failure(story, {
    headline: `The test expected a rejection from ${what}.`,
    expected: { text: 'a rejection' },
    received: {
      text: seen === 'too late' ? 'nothing: the promise is still pending' : 'it resolved',
    },
    ...reason,
  })
}

function look<T>(promise: Promise<T>): Promise<Seen<T> | 'too late'> {
  const seen = promise.then(
    (value): Seen<T> => ({ kind: 'resolved', value }),
    (error: unknown): Seen<T> => ({ kind: 'rejected', error }),
  )
  return within(PATIENCE_MS, seen)
}
