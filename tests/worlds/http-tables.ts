/** Long tables of cases: how they are told, and how they are cut. */

import { isDeepStrictEqual } from 'node:util'
import { quote } from '../harness/bytes.ts'
import type { Stage } from '../judge/step.ts'
import type { QuietStage } from './for-all.ts'

/** What a lenient answer has done. */
export const STRANGE = 'What we let pass, the proxy before us may have read in another way.'

/** What holds is not told: of a long table a card shows the line that does not. */
export function quietly(stage: Stage): QuietStage {
  return {
    story: stage.story,
    expect(what, holds, reason) {
      if (!holds) stage.expect(what, holds, reason)
    },
    expectSame(what, received, expected, reason) {
      if (!isDeepStrictEqual(received, expected)) stage.expectSame(what, received, expected, reason)
    },
  }
}

export function shown(text: string): string {
  return quote(Buffer.from(text, 'latin1'), 48)
}

export function inPieces(pieces: readonly Uint8Array[]): string {
  return pieces.length === 1 ? 'one piece' : `${pieces.length} pieces`
}

export function cutEvery(bytes: Uint8Array, size: number): Uint8Array[] {
  const pieces: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size))
  return pieces
}
