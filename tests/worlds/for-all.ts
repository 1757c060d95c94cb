/**
 * A property that has to hold for everything that fast-check can think of; the smallest thing that breaks it becomes a
 * card like any other.
 */

import { setImmediate as turn } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { Failure } from '../harness/failure.ts'
import { randomInteger } from '../harness/random.ts'
import { Scene } from '../harness/scene.ts'
import type { Stage } from '../judge/step.ts'

/** What a property may use of a stage. What holds is not told: a card begins where it matters. */
export type QuietStage = Pick<Stage, 'expect' | 'expectSame' | 'story'>

const TREE = { root: '', label: '' }

/** `what` completes "test tries …". `check` throws when the property does not hold for that value. */
export async function forAll<T>(
  stage: Stage,
  what: string,
  values: fc.Arbitrary<T>,
  check: (stage: QuietStage, value: T) => Promise<void> | void,
  numRuns = 100,
): Promise<void> {
  stage.story.tell('test', `tries ${what}`)
  const seed = randomInteger(stage.random, 2 ** 31)
  const before = [...stage.story.lines]
  let last = new Scene({ step: '', tree: TREE, seed })
  const property = fc.asyncProperty(values, async (value) => {
    last = new Scene({ step: '', tree: TREE, seed })
    last.story.lines.push(...before)
    // The runner must not be taken for one that is stuck.
    await turn()
    await check(quietly(last), value)
  })
  const { failed, errorInstance, counterexample } = await fc.check(property, { seed, numRuns })
  if (!failed) return
  if (errorInstance instanceof Failure) throw errorInstance
  // What the code under test threw is explained best as it is, with the story of how it came to that.
  stage.story.lines.splice(0, Number.POSITIVE_INFINITY, ...last.story.lines)
  throw errorInstance ?? new Error(`it does not hold for ${fc.stringify(counterexample)}`)
}

/** What holds is not told: of many cases a card shows the one that does not. */
export function quietly(stage: QuietStage): QuietStage {
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
