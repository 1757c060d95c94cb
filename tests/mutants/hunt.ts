/**
 * Judges mutants, two at a time: each by the steps that own its hole, and one that they let pass by the chapter's other
 * steps as well. The first red step ends it. A mutant that hangs is ended by the judge's own deadlines.
 */

import type { CodeTree } from '../harness/code-tree.ts'
import { judge } from '../judge/judge.ts'
import type { Mutant } from './find-mutants.ts'

/** `late`: only a step that does not own the hole noticed. */
export type Verdict = { kind: 'killed' | 'late'; by: string } | { kind: 'survived' }

export interface Hunt {
  chapter: string
  /** All steps of the chapter. */
  steps: string[]
  /** Defaults to the chapter's own. */
  testFile?: string
  /** The model answer with this mutant in it. Each worker has one tree at a time. */
  makeTree(mutant: Mutant, worker: number): CodeTree
  onVerdict(mutant: Mutant, verdict: Verdict): void
}

const WORKERS = 2
/** Any verdict can be repeated. */
const SEED = 1

export async function hunt(mutants: Mutant[], hunted: Hunt): Promise<void> {
  const left = mutants.values()
  const work = async (worker: number): Promise<void> => {
    for (const mutant of left) {
      const tree = hunted.makeTree(mutant, worker)
      hunted.onVerdict(mutant, await judgeMutant(mutant.steps, tree, hunted))
    }
  }
  await Promise.all(Array.from({ length: WORKERS }, (_, worker) => work(worker)))
}

async function judgeMutant(owners: string[], tree: CodeTree, hunted: Hunt): Promise<Verdict> {
  const by = await stepThatNotices(owners, tree, hunted)
  if (by) return { kind: 'killed', by }
  const others = hunted.steps.filter((step) => !owners.includes(step))
  const late = others.length > 0 && (await stepThatNotices(others, tree, hunted))
  return late ? { kind: 'late', by: late } : { kind: 'survived' }
}

/** The first of these steps that is not green; `undefined` when all of them are. */
export async function stepThatNotices(
  only: string[],
  tree: CodeTree,
  { chapter, testFile }: Pick<Hunt, 'chapter' | 'testFile'>,
): Promise<string | undefined> {
  for await (const event of judge({ chapter, tree, testFile, only, seed: SEED })) {
    if (event.kind === 'stepFailed') return event.step.id
    if (event.kind === 'chapterDone' && event.passed === only.length) return undefined
  }
  return 'loading'
}
