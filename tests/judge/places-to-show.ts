/** Which places a card shows, and an editor opens at. Pure. */

import type { Place } from '../harness/failure.ts'
import type { Card } from './events.ts'

/**
 * Where it broke, if that is known. When it broke in an earlier chapter, which has been green, then first what the test
 * names, or whose function was on the way there, or what the step is about.
 */
export function placesToShow({ trace = [], lookAt, step, openStep }: Card): Place[] {
  if (trace.length === 0) return lookAt.slice(0, 3)
  const isOwn = trace[0].file.split('/')[1]?.startsWith(`${step.id.slice(0, 2)}-`)
  if (openStep || isOwn) return [trace[0]]
  const named = lookAt.filter(({ isNamed }) => isNamed)
  const onTheWay = trace.filter(({ file }) => lookAt.some((home) => home.file === file))
  const [first = lookAt] = [named, onTheWay].filter((places) => places.length > 0)
  return [...first.slice(0, 2), trace[0]]
}
