/**
 * The process that runs a chapter's steps. It imports the test file and, for pure code, the code under test;
 * both may misbehave, so it is watched like a server, and the judge outlives it.
 */

import { flushCompileCache, registerHooks } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { answerRequests, startWatchdog } from '../harness/child.ts'
import type { CodeTree } from '../harness/code-tree.ts'
import { describePlace, explainThrown } from '../harness/diagnosis.ts'
import { Failure, type FailureReport } from '../harness/failure.ts'
import { reportLastWords, toThrownError } from '../harness/last-words.ts'
import { isLater, openHole, watchHoles } from '../harness/open-hole.ts'
import { findRealTimer, forgetRealTimers } from '../harness/real-timers.ts'
import { Scene } from '../harness/scene.ts'
import { prepareHost } from '../harness/spare-host.ts'
import type { Story } from '../harness/story.ts'
import type { StepTitle } from './events.ts'
import { declaredSteps, type Step, stageOf } from './step.ts'

export interface RunRequest {
  testFile: string
  tree: CodeTree
  seed: number
  /** The last step to judge; all of them when left out. */
  upTo?: string
  /** Judge just these. */
  only?: string[]
  /** Go on after a failure. */
  all: boolean
}

export type RunnerEvent =
  /** `all`: every step of the chapter, `steps`: those to be judged. */
  | { kind: 'declared'; all: StepTitle[]; steps: StepTitle[] }
  | { kind: 'started'; step: StepTitle }
  | { kind: 'passed'; step: StepTitle; ms: number }
  | { kind: 'failed'; step: StepTitle; ms: number; report: FailureReport }
  | { kind: 'notReached'; step: StepTitle }

let scene: Scene | undefined

reportLastWords()
startWatchdog()
prepareHost()
watchHoles((thrown) => scene?.story.holes.push(toThrownError(thrown)))
// Read by the watchdog when this thread cannot answer any more.
Object.assign(globalThis, { workbookStory: () => JSON.stringify(scene?.story.lines ?? []) })

answerRequests({ run, ping: () => 'pong' })

async function run(request: RunRequest): Promise<void> {
  resolveCodeUnderTest(request.tree)
  await import(pathToFileURL(request.testFile).href)
  const steps = selectSteps(request)
  flushCompileCache()
  tell({ kind: 'declared', all: declaredSteps().map(titleOf), steps: steps.map(titleOf) })

  let hasFailed = false
  for (const step of steps) {
    if (hasFailed && !request.all) tell({ kind: 'notReached', step: titleOf(step) })
    else if (!(await runStep(step, request))) hasFailed = true
  }
}

async function runStep(step: Step, { tree, seed }: RunRequest): Promise<boolean> {
  tell({ kind: 'started', step: titleOf(step) })
  const startedAt = performance.now()
  const verdict = await perform(step, { tree, seed })
  const ms = Math.round(performance.now() - startedAt)
  // Clearing up belongs to the step: it, too, may not come to an end.
  await scene?.clear()
  tell({ ...verdict, step: titleOf(step), ms })
  return verdict.kind === 'passed'
}

type Verdict = { kind: 'passed' } | { kind: 'failed'; report: FailureReport }

async function perform(
  step: Step,
  { tree, seed }: Pick<RunRequest, 'tree' | 'seed'>,
): Promise<Verdict> {
  scene = new Scene({ step: step.id, tree, seed })
  forgetRealTimers()
  try {
    await step.body(stageOf(scene))
    await scene.expectAllAlive()
    return { kind: 'passed' }
  } catch (error) {
    const report = explainHole(toReport(error, scene.story, tree), scene.story, tree, step.id)
    return { kind: 'failed', report: explainRealTimer(report, tree, step.id) }
  }
}

function selectSteps({ upTo, only }: RunRequest): Step[] {
  const steps = declaredSteps()
  if (only) return steps.filter((step) => only.includes(step.id))
  if (!upTo) return [...steps]
  return steps.slice(0, steps.findIndex((step) => step.id === upTo) + 1)
}

/** `#code/…` in the tests means the tree that is being judged. */
function resolveCodeUnderTest(tree: CodeTree): void {
  registerHooks({
    resolve(specifier, context, next) {
      if (!specifier.startsWith('#code/')) return next(specifier, context)
      return next(pathToFileURL(join(tree.root, specifier.slice('#code/'.length))).href, context)
    },
  })
}

/** Not every failure is a `Failure`: the code under test may simply throw, and so may a test. */
function toReport(error: unknown, story: Story, tree: CodeTree): FailureReport {
  if (error instanceof Failure) return error.report
  const thrown = toThrownError(error)
  const { finding, ...rest } = explainThrown(thrown, tree, 'the code under test threw')
  if (rest.trace && rest.trace.length > 0) {
    return {
      headline: `${finding[0].toUpperCase()}${finding.slice(1)}.`,
      story: story.lines,
      ...rest,
    }
  }
  return {
    headline: `The test could not go on: ${thrown.message}`,
    story: story.lines,
    likely:
      'Your code returned or did something that the test was not made for. The end of the story shows what came last.',
    note: `A test should say it in better words, so this is a fault of the workbook, too. ${whereInTests(thrown.stack)}`,
  }
}

function whereInTests(stack = ''): string {
  const [place] = /tests\/\S+?:\d+/.exec(stack) ?? []
  return place ? `It stopped at ${place}.` : stack
}

/** Code that is still to be written comes before anything else that was seen: it may all have come of that. */
function explainHole(
  report: FailureReport,
  { holes }: Story,
  tree: CodeTree,
  step: string,
): FailureReport {
  const reached = holes.find((thrown) => !isLater(openHole(thrown)!, step))
  if (report.openStep || !reached) return report
  const { finding, ...diagnosis } = explainThrown(reached, tree, 'it threw')
  return { ...report, headline: `${report.headline.replace(/\.$/, '')}: ${finding}.`, ...diagnosis }
}

/** A timer of Node's own never fires in a test's own time: what fails then, may fail because of it. */
function explainRealTimer(report: FailureReport, tree: CodeTree, step: string): FailureReport {
  const place = findRealTimer(tree, step)
  if (!place || report.openStep) return report
  const note = `One of Node's own timers is set at ${describePlace(place)}.`
  const needsNone = /no timer|not to poll/.test(report.headline)
  return { ...report, note: needsNone ? note : `${note} ${IN_REAL_TIME}` }
}

const IN_REAL_TIME =
  "It counts real time, and this test moves the loop's clock instead: there only the loop's timers fire (timers.after(), timers.every())."

function titleOf({ id, title }: Step): StepTitle {
  return { id, title }
}

function tell(event: RunnerEvent): void {
  process.send?.(event)
}
