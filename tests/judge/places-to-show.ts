/** Which places a card shows, and an editor opens at. Pure. */

import type { Place } from '../harness/failure.ts'
import type { Card } from './events.ts'

/**
 * Where it broke, if that is known. A function that is not the step's has been green: when it broke there, the step's
 * function that called it comes first. When it broke in an earlier chapter, then first what the test names, or whose
 * file was on the way there, or what the step is about.
 */
export function placesToShow({ trace = [], lookAt, step, openStep }: Card): Place[] {
  if (trace.length === 0) return lookAt.slice(0, 3)
  if (openStep) return [trace[0]]
  if (trace[0].file.split('/')[1]?.startsWith(`${step.id.slice(0, 2)}-`)) {
    const caller = trace.find((place) => lookAt.some((home) => isIn(home, place)))
    if (caller) return [...new Set([caller, trace[0]])]
    return [trace[0], ...lookAt.filter((home) => !isSame(home, trace[0])).slice(0, 1)]
  }
  const named = lookAt.filter(({ isNamed }) => isNamed)
  const onTheWay = trace.filter(({ file }) => lookAt.some((home) => home.file === file))
  const [first = lookAt] = [named, onTheWay].filter((places) => places.length > 0)
  return [...first.slice(0, 2), trace[0]]
}

function isSame(one: Place, other: Place): boolean {
  return one.file === other.file && one.line === other.line
}

/** A stack says `Outbox.push` where the code says `push`. */
function isIn(home: Place, place: Place): boolean {
  return home.file === place.file && home.function === place.function.split('.').at(-1)
}
