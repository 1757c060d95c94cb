/**
 * The proof of every chapter: the solution passes, a learner on the way passes what is written and is told what to
 * write next, every known mistake is caught by its step with a card that helps, and no right answer is refused.
 */

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Chalk } from 'chalk'
import { describe, test } from 'vitest'
import { makeStarters, readBook } from '../../tutor/book/book.ts'
import type { CodeTree } from '../harness/code-tree.ts'
import type { Evidence, Place } from '../harness/failure.ts'
import { renderCard } from '../judge/card.ts'
import type { Card, JudgeEvent } from '../judge/events.ts'
import { findOpenHoles } from '../judge/holes.ts'
import { type JudgeRequest, judge } from '../judge/judge.ts'
import { listFiles, ROOT, SOLUTION } from '../judge/workbook.ts'
import type { Mistake } from '../mistakes/mistake.ts'
import type { RightAnswer } from '../right-answers/right-answer.ts'
import {
  type EditedSolution,
  editSolution,
  firstStepReached,
  makeLearnerTree,
} from './edited-solution.ts'
import { Turns } from './turns.ts'

/** Any run can be repeated; a proof always makes the same one. */
const SEED = 1

/** Chapters are judged beside each other; a card that came out otherwise than recorded is drawn again alone. */
const turns = new Turns()

/** What has not changed since it was proved. */
const PROVEN = new Set(process.env.WORKBOOK_PROVEN?.split(','))

const chapters = await Promise.all(
  readBook().map(async ({ name: chapter, lesson }) => ({
    chapter,
    steps: lesson.steps,
    mistakes: await mistakesOf(chapter),
    rightAnswers: await rightAnswersOf(chapter),
  })),
)

// What says most in the least time comes first.
describe('right', () => {
  for (const { chapter, steps, rightAnswers } of chapters) {
    describe.concurrent(chapter, { skip: PROVEN.has(chapter) }, () => {
      test('the solution passes', async ({ expect }) => {
        const events = await runBeside({ chapter, tree: SOLUTION })
        expect(failureIn(events), describeFailure(events)).toBeUndefined()
        expect(events.at(-1)).toMatchObject({ kind: 'chapterDone', passed: steps.length })
      })

      test.for(rightAnswers)('"$name" is right, too', async (answer, { expect }) => {
        const only = stepsThatCanFail(chapter, steps, answer)
        const tree = editSolution('right-answers', chapter, answer)
        const events = await runBeside({ chapter, tree, only })
        expect(failureIn(events), describeFailure(events)).toBeUndefined()
        expect(events.at(-1)).toMatchObject({ kind: 'chapterDone', passed: only.length })
      })

      test('there are three right answers or more in other styles', ({ expect }) => {
        expect(new Set(rightAnswers.map(({ name }) => name)).size).toBeGreaterThanOrEqual(3)
      })
    })
  }
})

describe('on the way', () => {
  for (const { chapter, steps } of chapters) {
    describe.concurrent(chapter, { skip: PROVEN.has(chapter) }, () => {
      // Who has written up to the last step has the solution.
      test.for(steps.slice(0, -1))(
        'a learner who has written up to $id passes it',
        async ({ id }, { expect }) => {
          const events = await runBeside({ chapter, tree: makeLearner(chapter, id), only: [id] })
          expect(failureIn(events), describeFailure(events)).toBeUndefined()
        },
      )

      test.for(steps)(
        'a learner who has not written $id yet is told to, and where',
        async ({ id }, { expect }) => {
          const before = steps.findLast((step) => step.id < id)?.id
          const tree = makeLearner(chapter, before ?? 'starter', `before-${id}`)
          // A step may ask more of a function that is written already.
          const open = findOpenHoles(tree, chapter, listFiles(tree, chapter))
          if (!open.some(({ step }) => step === id)) return
          const card = failureIn(await runBeside({ chapter, tree, only: [id] }))
          expect(card).toMatchObject({ step: { id }, openStep: id })
          expect(beginningOf(card!.lookAt[0], tree)).toContain(`TODO ${id}`)
        },
      )
    })
  }
})

describe('wrong', () => {
  for (const { chapter, steps, mistakes } of chapters) {
    describe.concurrent(chapter, { skip: PROVEN.has(chapter) }, () => {
      test.for(mistakes)('$step catches "$name"', async (mistake, { expect }) => {
        const only = stepsThatCanFail(chapter, steps, mistake, mistake.step)
        const tree = editSolution('mistakes', chapter, mistake)
        const recording = join(ROOT, 'tests', 'mistakes', 'cards', chapter, `${mistake.name}.txt`)
        const isRecorded = existsSync(recording)
        const mayDiffer = isRecorded && (mistake.cardVaries || mistake.orStep)
        const catchIt = async (inTurn = runBeside) => {
          const events = await inTurn({ chapter, tree, only })
          const text = unwrap(describeFailure(events))
          const card = failureIn(events)
          expect(card, text).toBeDefined()
          expect([mistake.step, mistake.orStep], text).toContain(card?.step.id)
          expect(text).not.toContain('The test could not go on')
          return { text, card: record(card!) }
        }
        const isAsRecorded = ({ text, card }: { text: string; card: string }) =>
          mistake.says.every((words) => text.includes(words)) &&
          (!isRecorded || mayDiffer || card === readFileSync(recording, 'utf8'))
        let caught = await catchIt()
        // It is caught every time. Which expectation is the first to see it may be a race, which others that run beside it
        // decide: the card is asked for again with nothing beside it.
        for (let again = 0; again < 2 && !isAsRecorded(caught); again++) {
          caught = await catchIt(runAlone)
        }
        for (const words of mistake.says) expect(caught.text).toContain(words)
        if (!mayDiffer) await expect(caught.card).toMatchFileSnapshot(recording)
      })

      test.for(steps)('$id is guarded by two mistakes or more', ({ id }, { expect }) => {
        expect(mistakes.filter(({ step }) => step === id).length).toBeGreaterThanOrEqual(2)
      })
    })
  }
})

async function mistakesOf(chapter: string): Promise<Mistake[]> {
  return (await import(`../mistakes/${chapter}.ts`)).mistakes
}

async function rightAnswersOf(chapter: string): Promise<RightAnswer[]> {
  return (await import(`../right-answers/${chapter}.ts`)).rightAnswers
}

type Request = Omit<JudgeRequest, 'seed'>

function runBeside(request: Request): Promise<JudgeEvent[]> {
  return turns.beside(() => run(request))
}

function runAlone(request: Request): Promise<JudgeEvent[]> {
  return turns.alone(() => run(request))
}

async function run(request: Request): Promise<JudgeEvent[]> {
  return Array.fromAsync(judge({ ...request, seed: SEED }))
}

/**
 * The steps to judge edits by: from the first that they can reach, up to the one that must catch them. Earlier ones
 * do not run what stands in that step's holes: the learner who has not written them passes, as is proved here, too.
 */
function stepsThatCanFail(
  chapter: string,
  steps: { id: string }[],
  edited: EditedSolution,
  last = steps.at(-1)!.id,
): string[] {
  const first = firstStepReached(chapter, steps, edited)
  return steps.map(({ id }) => id).filter((id) => id >= first && id <= last)
}

function failureIn(events: JudgeEvent[]): Card | undefined {
  return events.find((event) => event.kind === 'stepFailed')?.card
}

function describeFailure(events: JudgeEvent[]): string {
  const card = failureIn(events)
  return card
    ? renderCard(card, { columns: 100, chalk: new Chalk({ level: 0 }) })
    : JSON.stringify(events.at(-1))
}

/** A learner's chapters: finished before this one, and in it written up to that step. */
function makeLearner(chapter: string, writtenUpTo: string, name = writtenUpTo): CodeTree {
  const upTo = writtenUpTo === 'starter' ? undefined : writtenUpTo
  return makeLearnerTree(`${chapter}.${name}`, chapter, makeStarters(chapter, upTo))
}

/** The function that a card shows, up to its first closing brace. */
function beginningOf({ file, line }: Place, tree: CodeTree): string {
  const lines = readFileSync(file.replace(tree.label, tree.root), 'utf8').split('\n')
  const end = lines.findIndex((text, index) => index >= line && /^\s*\}/.test(text))
  return lines.slice(line - 1, end).join('\n')
}

/**
 * The card as text, without what no two runs share: what the server sent when, in how many pieces, on which port.
 */
function record(card: Card): string {
  const steady = {
    ...card,
    threads: undefined,
    output: card.output?.replace(/\(node:\d+\)/g, '(node:<pid>)'),
    story: card.story
      .filter(({ who, way }) => way !== 'fromServer' && who !== 'server')
      .map((line) => ({
        ...line,
        text: line.text
          .replace(/[\d.]+ MiB in [\d,]+/, '<n> MiB in <n>')
          .replace(/has waited \d+ ms/, 'has waited <n> ms'),
      })),
    expected: steadyEvidence(card.expected),
    received: withoutNumbers(steadyEvidence(card.received)),
  }
  const text = renderCard(steady, { columns: 80, chalk: new Chalk({ level: 0 }) })
  return `${text
    .replace(/\.ts:\d+/g, '.ts:<line>')
    .replace(/\bport(:?) \d{4,5}\b/gi, 'port$1 <port>')
    .replace(/127\.0\.0\.1:\d{4,5}/g, '127.0.0.1:<port>')
    .replace(/\b(read|write) (ECONNRESET|EPIPE)/g, 'write ECONNRESET')
    .replace(/[\d.]+ MiB/g, '<n> MiB')
    .replace(/[\d.]+ of <n>/g, '<n> of <n>')
    .replace(/waits for [\d,]+ bytes/, 'waits for <n> MiB')
    .replace(/\bbyte \d+,[\d,]+/g, 'byte <n>')}\n`
}

/** A place deep in a stream depends on how much the kernel had buffered. */
function steadyEvidence(evidence: Evidence | undefined): Evidence | undefined {
  if (!evidence) return undefined
  if ('bytes' in evidence) return evidence.place < 10_000 ? evidence : { text: '<bytes>' }
  return evidence
}

/** What was measured differs from run to run, and so does where the workbook lies, which a stack tells. */
function withoutNumbers(evidence: Evidence | undefined): Evidence | undefined {
  if (!evidence || 'bytes' in evidence) return evidence
  const text = evidence.text
    .replace(/(\n\s+at [^\n]*)+/g, '\n    at <places>')
    .replace(/Date: \w{3}, [^\\"…]*/g, 'Date: <date>')
  return { text: text.replace(/\d[\d.,]*/g, '<n>') }
}

/** Words as they were before the card broke its lines. */
function unwrap(text: string): string {
  return text.replace(/\s+/g, ' ')
}
