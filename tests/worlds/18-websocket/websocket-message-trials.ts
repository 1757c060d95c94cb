/** What the trials of messages of chapter 18 have in common: a reader that checks no text, and what a client says to it. */

import type { Reason } from '../../harness/failure.ts'
import type { Stage } from '../../judge/step.ts'
import { quietly } from '../for-all.ts'
import {
  ANY_TEXT,
  byteByByte,
  cutAt,
  expectFed,
  fragment,
  lastFragment,
  loadReader,
  type Said,
} from './websocket-reader.ts'
import { causeOf, keepsKind } from './websocket-reader-causes.ts'

export type MessageTrials = Awaited<ReturnType<typeof messageTrials>>

/** The longest message that `newReader()` of the trials lets pass. */
export const MAX_BYTES = 100_000

/** `check` expects what a client says to yield what it has to, `twice` also when it comes byte by byte. */
export async function messageTrials(stage: Stage) {
  const reader = await loadReader(stage)
  const { MessageReader } = reader
  const { story } = stage
  const newReader = (maxBytes = MAX_BYTES) => new MessageReader({ maxBytes, textCheck: ANY_TEXT })
  const withCause =
    (reason: Reason) =>
    (received: readonly string[], expected: readonly string[]): Reason => ({
      ...reason,
      ...causeOf(received, expected, () => keepsKind(reader)),
    })
  const check = (said: Said[], reason: Reason, cut = cutAt(said, [])) => {
    story.tell('test', `sends ${said.length === 1 ? 'one frame' : `${said.length} frames`}`)
    expectFed(quietly(stage), newReader(), cut, withCause(reason))
    story.judge('test', 'expects the reader to yield what is complete', 'kept')
  }
  const twice = (said: Said[], reason: Reason) => {
    check(said, reason)
    check(
      said,
      { ...reason, because: `${reason.because} The same holds for pieces of one byte.` },
      byteByByte(said),
    )
  }
  const hello = [
    fragment('binary', 'hel'),
    fragment('continuation', 'l'),
    lastFragment('o', 'binary', 'hello'),
  ]
  return { check, hello, newReader, twice, withCause }
}
