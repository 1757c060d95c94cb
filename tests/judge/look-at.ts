/** Where a learner should look when a step is red: the guilty function first. */

import type { CodeTree } from '../harness/code-tree.ts'
import type { FailureReport, Place } from '../harness/failure.ts'
import { isLater } from '../harness/open-hole.ts'
import type { StepHome } from './events.ts'
import { findHomeOfStep, findNamed, findOpenHoles } from './holes.ts'
import { chapterOfStep, listFiles } from './workbook.ts'

/**
 * The functions that the failure has to do with: those that the expectation names, then those of the step that the card's
 * own sentences speak of, then the rest of the step's.
 */
export function findLookAt(
  tree: CodeTree,
  chapter: string,
  step: string,
  report: FailureReport,
): StepHome[] {
  if (report.openStep) return findUnwritten(tree, chapter, report.openStep, report.trace?.[0])
  const looks = [report.look ?? []].flat()
  const own = findHomeOfStep(tree, chapter, step)
  const unwritten = looks.length > 0 ? findLaterHoles(tree, chapter, step) : []
  const isGuiltless = (home: Place) =>
    unwritten.some((hole) => isSame(hole, home)) && !own.some((each) => isSame(each, home))
  const named = looks
    .flatMap((look) => findNamed(tree, chapter, look))
    .filter((home) => !isGuiltless(home))
    .map((home): StepHome => ({ ...home, isNamed: true }))
  const others = own.filter((home) => !named.some((each) => isSame(each, home)))
  const { spokenOf = [], rest = [] } = Object.groupBy(others, (home) =>
    speaksOf(report, home.function) ? 'spokenOf' : 'rest',
  )
  return [...named, ...spokenOf, ...rest]
}

/** Whether a sentence of the card has the name as its own code would, `save()` or `#save(…)`; `socket.save()` is another's. */
function speaksOf({ headline, likely = '', because = '' }: FailureReport, name: string): boolean {
  const call = new RegExp(`(?<![\\w$.])#?${RegExp.escape(name.replace('#', ''))}\\(`)
  return [headline, likely, because].some((sentence) => call.test(sentence))
}

/** The functions of a step that is still to be written: first the one that was reached, then others that are empty. */
function findUnwritten(
  tree: CodeTree,
  chapter: string,
  step: string,
  reachedAt: Place | undefined,
): StepHome[] {
  const own = chapterOfStep(step) ?? chapter
  const homes = findHomeOfStep(tree, own, step)
  const around = ({ file, line }: Place): StepHome | undefined =>
    homes.findLast((home) => home.file === file && home.line <= line)
  const empty = findOpenHoles(tree, own, listFiles(tree, own))
    .filter((hole) => hole.step === step)
    .map(({ place }) => around(place))
  const first = [reachedAt && around(reachedAt), ...empty].filter((home) => home !== undefined)
  return [...new Set([...first, ...homes])]
}

/** Functions of later steps that nobody has written yet: they cannot be guilty. */
function findLaterHoles(tree: CodeTree, chapter: string, step: string): Place[] {
  return findOpenHoles(tree, chapter, listFiles(tree, chapter))
    .filter((hole) => isLater(hole.step, step))
    .flatMap(({ step: later, place: { file, line } }) => {
      const homes = findHomeOfStep(tree, chapter, later)
      return homes.findLast((home) => home.file === file && home.line <= line) ?? []
    })
}

function isSame(a: Place, b: Place): boolean {
  return a.file === b.file && a.line === b.line
}
