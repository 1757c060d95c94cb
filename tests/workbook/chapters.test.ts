/**
 * The proof of every chapter: the solution passes, the starter fails where it should, a learner on the way
 * passes what is written, and every known mistake is caught by its step with a card that helps.
 */

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Chalk } from 'chalk'
import { describe, test } from 'vitest'
import { makeStarters, readBook } from '../../tutor/book/book.ts'
import { stepThatOpens } from '../../tutor/book/starter.ts'
import type { CodeTree } from '../harness/code-tree.ts'
import type { Evidence } from '../harness/failure.ts'
import { renderCard } from '../judge/card.ts'
import type { Card, JudgeEvent } from '../judge/events.ts'
import { type JudgeRequest, judge } from '../judge/judge.ts'
import { ROOT, SOLUTION } from '../judge/workbook.ts'
import { linkChaptersBeneath, type Mistake, makeMistake } from '../mistakes/mistake.ts'

/** Any run can be repeated; a proof always makes the same one. */
const SEED = 1

for (const { name: chapter, lesson } of readBook()) {
  const { mistakes } = (await import(`../mistakes/${chapter}.ts`)) as { mistakes: Mistake[] }

  describe.concurrent(chapter, () => {
    test('the solution passes', async ({ expect }) => {
      const events = await run({ chapter, tree: SOLUTION })
      expect(failureIn(events), describeFailure(events)).toBeUndefined()
      expect(events.at(-1)).toMatchObject({ kind: 'chapterDone', passed: lesson.steps.length })
    })

    test('the starter fails at its first step, and says what is to be written', async ({
      expect,
    }) => {
      const events = await run({ chapter, tree: makeLearner(chapter, 'starter') })
      expect(failureIn(events)).toMatchObject({
        step: { id: lesson.steps[0].id },
        openStep: lesson.steps[0].id,
      })
    })

    // Who has written up to the last step has the solution.
    test.for(lesson.steps.slice(0, -1))(
      'a learner who has written up to $id passes it',
      async ({ id }, { expect }) => {
        const events = await run({ chapter, tree: makeLearner(chapter, id), only: [id] })
        expect(failureIn(events), describeFailure(events)).toBeUndefined()
      },
    )

    test.for(mistakes)('$step catches "$name"', async (mistake, { expect }) => {
      const only = stepsThatCanFail(chapter, lesson.steps, mistake)
      const events = await run({ chapter, tree: makeMistake(chapter, mistake), only })
      const card = failureIn(events)
      expect(card, describeFailure(events)).toBeDefined()
      expect([mistake.step, mistake.orStep], describeFailure(events)).toContain(card?.step.id)
      for (const words of mistake.says) expect(unwrap(describeFailure(events))).toContain(words)
      const recording = join(ROOT, 'tests', 'mistakes', 'cards', chapter, `${mistake.name}.txt`)
      if ((mistake.cardVaries || mistake.orStep) && existsSync(recording)) return
      await expect(record(card!)).toMatchFileSnapshot(recording)
    })

    test.for(lesson.steps)('$id is guarded by two mistakes or more', ({ id }, { expect }) => {
      expect(mistakes.filter(({ step }) => step === id).length).toBeGreaterThanOrEqual(2)
    })
  })
}

async function run(request: Omit<JudgeRequest, 'seed'>): Promise<JudgeEvent[]> {
  return Array.fromAsync(judge({ ...request, seed: SEED }))
}

/**
 * The steps to judge a mistake by: up to the one that catches it, from the first that its edits can reach. Earlier ones
 * do not run what stands in that step's holes: the learner who has not written them passes, as is proved here, too.
 */
function stepsThatCanFail(chapter: string, steps: { id: string }[], mistake: Mistake): string[] {
  const reached = mistake.edits.map(({ file = 'server.ts', replace }) =>
    stepThatOpens(readFileSync(join(SOLUTION.root, chapter, file), 'utf8'), replace),
  )
  const first = reached.includes(undefined) ? steps[0].id : (reached as string[]).toSorted()[0]
  return steps.map(({ id }) => id).filter((id) => id >= first && id <= mistake.step)
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
function makeLearner(chapter: string, writtenUpTo: string): CodeTree {
  const root = join(ROOT, '.workbook', 'tmp', 'learners', `${chapter}.${writtenUpTo}`)
  rmSync(root, { recursive: true, force: true })
  mkdirSync(join(root, chapter), { recursive: true })
  linkChaptersBeneath(chapter, root)
  const upTo = writtenUpTo === 'starter' ? undefined : writtenUpTo
  for (const [file, source] of makeStarters(chapter, upTo))
    writeFileSync(join(root, chapter, file), source)
  return { root, label: 'chapters', linkedTo: SOLUTION.root }
}

/**
 * The card as text, without what no two runs share: what the server sent when, in how many pieces, on which port.
 */
function record(card: Card): string {
  const steady = {
    ...card,
    threads: undefined,
    story: card.story
      .filter(({ who, way }) => way !== 'fromServer' && who !== 'server')
      .map((line) => ({
        ...line,
        text: line.text.replace(/[\d.]+ MiB in [\d,]+/, '<n> MiB in <n>'),
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

/** What was measured differs from run to run. */
function withoutNumbers(evidence: Evidence | undefined): Evidence | undefined {
  if (!evidence || 'bytes' in evidence) return evidence
  return { text: evidence.text.replace(/\d[\d.,]*/g, '<n>') }
}

/** Words as they were before the card broke its lines. */
function unwrap(text: string): string {
  return text.replace(/\s+/g, ' ')
}
