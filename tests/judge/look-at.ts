/** Where a learner should look when a step is red: the guilty function first. */

import type { CodeTree } from '../harness/code-tree.ts'
import type { FailureReport, Place } from '../harness/failure.ts'
import type { StepHome } from './events.ts'
import { findHomeOfStep, findNamed, findOpenHoles } from './holes.ts'
import { chapterOfStep, listFiles } from './workbook.ts'

/** The functions that the failure has to do with; those of the step that failed stand behind those it names itself. */
export function findLookAt(
  tree: CodeTree,
  chapter: string,
  step: string,
  report: FailureReport,
): StepHome[] {
  if (report.openStep) return findUnwritten(tree, chapter, report.openStep, report.trace?.[0])
  const looks = [report.look ?? []].flat()
  const named = looks
    .flatMap((look) => findNamed(tree, chapter, look))
    .map((home): StepHome => ({ ...home, isNamed: true }))
  const others = findHomeOfStep(tree, chapter, step).filter(
    (home) => !named.some((each) => isSame(each, home)),
  )
  return [...named, ...others]
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

function isSame(a: Place, b: Place): boolean {
  return a.file === b.file && a.line === b.line
}
