/**
 * Judging the learner's own code: the judge, with a memory.
 *
 * Remembers what is green, says when something that was green has broken, judges finished chapters again when a file
 * that they are made of has changed, and when a chapter is red, the chapters that it stands on: the fault may be theirs.
 */

import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileIn } from '../harness/code-tree.ts'
import type { JudgeEvent } from './events.ts'
import { chaptersBeneath, filesOf } from './foundations.ts'
import { findEditedTests } from './integrity.ts'
import { type JudgeRequest, judge } from './judge.ts'
import { isGreen, type ProgressFile } from './progress.ts'
import { LEARNER, listFiles, SOLUTION } from './workbook.ts'

export type OwnWorkRequest = Pick<
  JudgeRequest,
  'chapter' | 'upTo' | 'only' | 'all' | 'seed' | 'signal'
>

export async function* judgeOwnWork(
  request: OwnWorkRequest,
  file: ProgressFile,
): AsyncGenerator<JudgeEvent, void> {
  const edited = findEditedTests()
  for (const chapter of chaptersBeneath(LEARNER, request.chapter)) {
    yield* judgeAgain(chapter, request, file)
  }
  const progress = file.read()
  const events = judge({
    ...request,
    tree: LEARNER,
    checkTypes: true,
    passedBefore: (step) => progress.steps[step] !== undefined,
  })
  let isRed = false
  for await (const event of remember(events, request, file)) {
    // The first card says it all, and a function that is not written yet is nobody's fault.
    if (event.kind === 'stepFailed' && !isRed && !event.card.openStep) {
      isRed = true
      yield* judgeBeneath(request, file)
    }
    yield event
  }
  yield* warnOfEdits((await edited) ?? [])
  for (const text of file.takeNotices()) yield { kind: 'notice', text }
}

function* warnOfEdits(files: string[]): Generator<JudgeEvent> {
  if (files.length === 0) return
  const more = files.length > 3 ? ` and ${files.length - 3} more` : ''
  yield {
    kind: 'notice',
    text: `Tests were edited, and the verdict is theirs: ${files.slice(0, 3).join(', ')}${more}\n  As they were shipped: git checkout tests`,
  }
}

/** A finished chapter is judged again when it is not what it was; only a failure is worth a word. */
async function* judgeAgain(
  chapter: string,
  { signal, seed }: OwnWorkRequest,
  file: ProgressFile,
): AsyncGenerator<JudgeEvent, void> {
  const finishedAs = file.read().finished[chapter]
  if (finishedAs === undefined || finishedAs === digest(chapter)) return
  const request = { chapter, seed, signal }
  for await (const event of remember(judge({ ...request, tree: LEARNER }), request, file)) {
    if (event.kind !== 'stepFailed') continue
    const number = Number(chapter.slice(0, 2))
    yield {
      kind: 'notice',
      text: `Step ${event.step.id} was green and is red now: ${event.card.headline}\nThis chapter stands on it. Its card: npm test ${number}`,
    }
  }
}

/** The first red step of the chapters beneath, as far as their files are the learner's own and not known to be green. */
async function* judgeBeneath(
  { chapter, signal, seed }: OwnWorkRequest,
  file: ProgressFile,
): AsyncGenerator<JudgeEvent, void> {
  for (const beneath of chaptersBeneath(LEARNER, chapter)) {
    const known = file.read().finished[beneath]
    // What was finished and has changed since has been judged before this chapter was.
    if (known !== undefined || isReference(beneath)) continue
    const notice = await firstRed({ chapter: beneath, signal, seed }, file)
    if (!notice) continue
    return yield { kind: 'notice', text: notice }
  }
}

/** What was red, or nothing, by digest: as long as no file there is changed, the verdict is the same. */
const verdicts = new Map<string, string | undefined>()

async function firstRed(request: OwnWorkRequest, file: ProgressFile): Promise<string | undefined> {
  const { chapter } = request
  const as = digest(chapter)
  if (verdicts.has(as)) return verdicts.get(as)
  verdicts.set(as, undefined)
  for await (const event of remember(judge({ ...request, tree: LEARNER }), request, file)) {
    if (event.kind !== 'stepFailed' || event.card.openStep) continue
    const { step, card } = event
    verdicts.set(
      as,
      `${chapter}, which this chapter stands on, is red itself, and that may be why: step ${step.id} ${step.title}. ${card.headline}\nMend that first: npm test ${Number(chapter.slice(0, 2))}`,
    )
  }
  // A run that was stopped has no verdict.
  if (request.signal?.aborted) verdicts.delete(as)
  return verdicts.get(as)
}

/** Whether the learner's files are the model answer's: `npm start catch-up` has put them there. */
function isReference(chapter: string): boolean {
  return listFiles(SOLUTION, chapter).every((name) => {
    const [own, reference] = [LEARNER, SOLUTION].map((tree) => fileIn(tree, chapter, name))
    return existsSync(own) && readFileSync(own).equals(readFileSync(reference))
  })
}

/** Writes every verdict down as it passes by. */
async function* remember(
  events: AsyncIterable<JudgeEvent>,
  { chapter, upTo, only }: OwnWorkRequest,
  file: ProgressFile,
): AsyncGenerator<JudgeEvent, void> {
  const judged = digest(chapter)
  for await (const event of events) {
    if (event.kind === 'stepPassed') {
      file.update(({ steps }) => {
        const passedAt = steps[event.step.id]?.passedAt ?? new Date().toISOString()
        steps[event.step.id] = { passedAt }
      })
    } else if (event.kind === 'stepFailed' && isGreen(file.read(), event.step.id)) {
      file.update(({ steps }) => {
        steps[event.step.id].brokenAt = new Date().toISOString()
      })
    } else if (event.kind === 'chapterDone' && !upTo && !only && event.passed === event.asked) {
      file.update(({ finished }) => {
        finished[chapter] = judged
      })
    }
    yield event
  }
}

/** One word for everything the chapter is made of, as it is on disk now. */
function digest(chapter: string): string {
  const hash = createHash('sha256')
  for (const file of filesOf(LEARNER, chapter))
    hash.update(file).update(readFileSync(join(LEARNER.root, file)))
  return hash.digest('hex').slice(0, 16)
}
