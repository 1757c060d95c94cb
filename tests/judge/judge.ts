/**
 * The judge: runs a chapter's steps against a tree of code and tells what happens, as it happens.
 *
 * One red test at a time: it stops at the first failure, and the steps behind it are "not reached". It knows
 * nothing of terminals and writes no file.
 */

import { EventEmitter, on } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type CodeTree, fileIn } from '../harness/code-tree.ts'
import { explainEnding, explainLook } from '../harness/diagnosis.ts'
import type { FailureReport } from '../harness/failure.ts'
import { Deadline, patience, whenBusy, within } from '../harness/patience.ts'
import type { StoryLine } from '../harness/story.ts'
import type { Look } from '../harness/watchdog.ts'
import { ProcessEnded, RemoteError, WatchedProcess } from '../harness/watched-process.ts'
import type { JudgeEvent, StepTitle } from './events.ts'
import { openHolesBeneath } from './foundations.ts'
import { findLookAt } from './look-at.ts'
import type { RunnerEvent, RunRequest } from './runner.ts'
import { findTypeProblems } from './type-problems.ts'
import { listFiles, SOLUTION, testFileOf } from './workbook.ts'

export interface JudgeRequest {
  /** `'02-echo'` */
  chapter: string
  tree: CodeTree
  /** Defaults to the chapter's own. */
  testFile?: string
  /** The last step to judge; all of them when left out. */
  upTo?: string
  /** Judge just these steps. */
  only?: string[]
  /** Go on after a failure. */
  all?: boolean
  /** Every random choice of the run follows from it. */
  seed?: number
  /** Ask TypeScript about the chapter as well. */
  checkTypes?: boolean
  /** Whether the step has been green before. */
  passedBefore?: (step: string) => boolean
  /** Ends the run early; the stream then simply ends. */
  signal?: AbortSignal
  /** Between two signs of progress; a step that takes longer is given up. */
  stepMs?: number
}

/** By far the slowest honest step needs a few seconds. */
const STEP_MS = 30_000

/** A runner that has not answered for so long, though it had a core, runs code that never returns. */
const BLOCKED_MS = 1_500

export async function* judge(request: JudgeRequest): AsyncGenerator<JudgeEvent, void> {
  const stream = new EventEmitter()
  const events = on(stream, 'event', { close: ['end'] }) as AsyncIterable<[JudgeEvent]>
  const stop = new AbortController()
  const signal = request.signal ? AbortSignal.any([request.signal, stop.signal]) : stop.signal
  const run = new Run(request, (event) => stream.emit('event', event), signal)
  const done = run.run().finally(() => stream.emit('end'))
  try {
    for await (const [event] of events) yield event
    await done
  } finally {
    stop.abort()
    await done.catch(() => {})
  }
}

class Run {
  readonly #request: JudgeRequest
  readonly #seed: number
  readonly #emit: (event: JudgeEvent) => void
  readonly #signal: AbortSignal
  #steps: StepTitle[] = []
  /** The step that runs now, and since when. */
  #current: { step: StepTitle; startedAt: number } | undefined
  /** How often the runner has begun or ended something: loading the tests, a step. */
  #progress = 0
  /** Until when the next of these is waited for. */
  #deadline: Deadline | undefined
  #passed = 0

  constructor(request: JudgeRequest, emit: (event: JudgeEvent) => void, signal: AbortSignal) {
    this.#request = request
    this.#seed = request.seed ?? newSeed()
    this.#emit = emit
    this.#signal = signal
  }

  async run(): Promise<void> {
    const { chapter, tree } = this.#request
    const missing = listFiles(SOLUTION, chapter).filter(
      (file) => !existsSync(fileIn(tree, chapter, file)),
    )
    if (missing.length > 0) {
      const files = missing.map((file) => `${tree.label}/${chapter}/${file}`)
      return this.#emit({ kind: 'filesMissing', chapter, files })
    }
    const holes = openHolesBeneath(tree, chapter)
    if (holes.length > 0) this.#emit({ kind: 'standsOnUnfinished', chapter, holes })

    const types = this.#request.checkTypes
      ? findTypeProblems(tree, chapter, this.#signal)
      : undefined
    await this.#runSteps()
    if (this.#signal.aborted) return
    if (types) this.#emit({ kind: 'typesChecked', problems: await types })
    this.#emit({ kind: 'chapterDone', passed: this.#passed, asked: this.#steps.length })
  }

  async #runSteps(): Promise<void> {
    const runner = await WatchedProcess.start(RUNNER_SCRIPT)
    const abort = (): void => void runner.kill()
    this.#signal.addEventListener('abort', abort)
    runner.onEvent((event) => this.#follow(event as RunnerEvent))
    try {
      const finished = runner.request('run', this.#runRequest())
      const outcome = await Promise.race([finished.then(() => undefined), this.#watch(runner)])
      if (outcome) this.#giveUp(outcome)
    } catch (error) {
      if (this.#signal.aborted) return
      this.#giveUp(await explainRunner(error, runner, this.#request.tree))
    } finally {
      this.#signal.removeEventListener('abort', abort)
      await runner.kill()
    }
  }

  #runRequest(): RunRequest {
    const { chapter, testFile = testFileOf(chapter), tree, upTo, only, all = false } = this.#request
    return { testFile, tree, seed: this.#seed, upTo, only, all }
  }

  #follow(event: RunnerEvent): void {
    this.#progress += 1
    this.#deadline = undefined
    switch (event.kind) {
      case 'declared': {
        const { chapter, tree, upTo } = this.#request
        this.#steps = event.steps
        if (event.steps.length === 0)
          this.#emit({ kind: 'unknownStep', step: upTo ?? '', steps: event.all })
        this.#emit({
          kind: 'chapterStarted',
          chapter,
          label: tree.label,
          steps: event.steps,
          seed: this.#seed,
        })
        break
      }
      case 'started':
        this.#current = { step: event.step, startedAt: performance.now() }
        this.#emit({ kind: 'stepStarted', step: event.step })
        break
      case 'passed':
        this.#current = undefined
        this.#passed += 1
        this.#emit({ kind: 'stepPassed', step: event.step, ms: event.ms })
        break
      case 'failed':
        this.#current = undefined
        this.#fail(event.step, event.ms, event.report)
        break
      case 'notReached':
        this.#emit({ kind: 'stepNotReached', step: event.step })
    }
  }

  /** Resolves only when the runner hangs: with what can be said about that. */
  async #watch(runner: WatchedProcess): Promise<FailureReport | undefined> {
    for (;;) {
      const answer = await within(
        patience(BLOCKED_MS),
        runner.request('ping').then(
          () => 'alive' as const,
          () => 'gone' as const,
        ),
        runner.pid,
      )
      if (answer === 'gone') return new Promise(() => {})
      if (answer === 'too late') {
        const report = await explainSilence(runner, this.#request.tree)
        if (report) return report
      }
      const overdue = await this.#explainOverdue(runner)
      if (overdue) return overdue
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }

  /** What takes too long, if anything does. */
  async #explainOverdue(runner: WatchedProcess): Promise<FailureReport | undefined> {
    const { stepMs = STEP_MS } = this.#request
    const [progress, current] = [this.#progress, this.#current]
    // Threads that take turns lose more than any one of them: each waits for a core in turn.
    this.#deadline ??= new Deadline(whenBusy(stepMs), runner.pid)
    if (!this.#deadline.isOver) return undefined
    const look = await runner.look()
    if (this.#progress !== progress) return undefined
    const what = current ? 'The step' : this.#steps.length > 0 ? 'The run' : 'Loading them'
    return { headline: `${what} did not end within ${stepMs / 1000} s.`, story: storyOf(look) }
  }

  /** The runner cannot go on: what it was doing has failed, and nothing behind it was reached. */
  #giveUp(report: FailureReport): void {
    const current = this.#current
    if (!current) {
      this.#emit({
        kind: 'notice',
        text: `The tests could not be run. ${report.headline}\n${report.output ?? ''}`,
      })
      return
    }
    this.#fail(current.step, Math.round(performance.now() - current.startedAt), report)
    const index = this.#steps.findIndex((step) => step.id === current.step.id)
    for (const step of this.#steps.slice(index + 1)) this.#emit({ kind: 'stepNotReached', step })
  }

  #fail(step: StepTitle, ms: number, report: FailureReport): void {
    const { tree, chapter, passedBefore } = this.#request
    const lookAt = findLookAt(tree, chapter, step.id, report)
    this.#emit({
      kind: 'stepFailed',
      step,
      ms,
      card: { ...report, step, seed: this.#seed, lookAt },
      passedBefore: passedBefore?.(step.id) ?? false,
    })
  }
}

const RUNNER_SCRIPT = join(import.meta.dirname, 'runner.ts')

/** Small enough to type again. */
function newSeed(): number {
  return Math.floor(Math.random() * 100_000)
}

/** The runner hangs: what can be said about that, if it hangs in the code under test. */
async function explainSilence(
  runner: WatchedProcess,
  tree: CodeTree,
): Promise<FailureReport | undefined> {
  const look = await runner.look()
  const diagnosis = look && explainLook(look, tree)
  if (!diagnosis) return undefined
  const { finding, ...rest } = diagnosis
  return {
    headline: `The code under test does not return: ${finding}.`,
    story: storyOf(look),
    ...rest,
  }
}

/** The runner ended, or could not even begin. */
async function explainRunner(
  error: unknown,
  runner: WatchedProcess,
  tree: CodeTree,
): Promise<FailureReport> {
  if (error instanceof RemoteError) {
    return { headline: 'The test file does not load.', story: [], output: error.thrown.stack }
  }
  if (!(error instanceof ProcessEnded)) throw error
  const { finding, ...rest } = explainEnding(
    await runner.ended,
    runner.output,
    tree,
    'the code under test',
  )
  return {
    headline: `The conversation broke off: ${finding}.`,
    story: [],
    output: runner.output,
    ...rest,
  }
}

function storyOf(look: Look | undefined): StoryLine[] {
  return look?.story ? JSON.parse(look.story) : []
}
