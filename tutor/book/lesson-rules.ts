/** What every lesson keeps to. Each rule answers with sentences about what is wrong; no sentence, no problem. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import stringWidth from 'string-width'
import { select } from '../../tests/judge/select.ts'
import { ROOT } from '../../tests/judge/workbook.ts'
import type { Chapter } from './book.ts'
import { findHoles } from './starter.ts'

const MAX_WORDS = 1_200
/** A terminal of 80 columns shows so many of a block: the guide keeps one free, and code stands two to the right. */
const MAX_BLOCK_COLUMNS = 77
const MAX_TITLE_CHARACTERS = 64
const HINTS = 3

/** What a lesson is held against. */
export interface Surroundings {
  markdown: string
  /** The chapter's solution files. */
  solution: ReadonlyMap<string, string>
  /** The steps that the chapter's tests declare. */
  tested: readonly { id: string; title: string }[]
  chapters: string[]
  verbs: string[]
}

export function findProblems(chapter: Chapter, around: Surroundings): string[] {
  return [
    ...sameSteps(chapter, around),
    ...sameTags(chapter, around),
    ...hints(chapter),
    ...length(around.markdown),
    ...pictures(around.markdown),
    ...wideBlocks(around.markdown),
    ...measurements(chapter),
    ...commands(around),
  ]
}

/** Lesson and tests name the same steps, in the same order and the same words. */
function sameSteps({ lesson }: Chapter, { tested }: Surroundings): string[] {
  const inLesson = lesson.steps.map(({ id, title }) => `${id} ${title}`)
  const inTests = tested.map(({ id, title }) => `${id} ${title}`)
  const long = inTests.filter((title) => title.length > MAX_TITLE_CHARACTERS + 5)
  return [
    ...inLesson
      .filter((step) => !inTests.includes(step))
      .map((step) => `the tests have no step "${step}"`),
    ...inTests
      .filter((step) => !inLesson.includes(step))
      .map((step) => `the lesson has no step "${step}"`),
    ...(inLesson.length === inTests.length &&
    inLesson.some((step, index) => step !== inTests[index])
      ? ['lesson and tests have the same steps in different orders']
      : []),
    ...long.map((title) => `"${title}" is longer than ${MAX_TITLE_CHARACTERS} characters`),
  ]
}

/** Every step has a home in the code, and every tag is a step. */
function sameTags({ lesson }: Chapter, { solution }: Surroundings): string[] {
  const ids = lesson.steps.map(({ id }) => id)
  const holes = [...solution.values()].flatMap(findHoles)
  const tagged = holes.flatMap(({ steps }) => steps)
  return [
    ...ids.filter((id) => !tagged.includes(id)).map((id) => `no function carries @step ${id}`),
    ...tagged
      .filter((id) => !ids.includes(id))
      .map((id) => `@step ${id} is no step of this lesson`),
    ...holes
      .filter(({ steps }) =>
        steps.some((id, index) => index > 0 && ids.indexOf(id) < ids.indexOf(steps[index - 1])),
      )
      .map(({ name, steps }) => `${name}() carries its steps out of order: ${steps.join(' ')}`),
  ]
}

function hints({ lesson }: Chapter): string[] {
  return lesson.steps
    .filter((step) => step.hints.length !== HINTS)
    .map((step) => `${step.id} has ${step.hints.length} hints, not ${HINTS}`)
}

/** Prose only: code, pictures and hints are looked at, not read. */
function length(markdown: string): string[] {
  const prose = markdown
    .replace(/^---[\s\S]*?\n---\n/, '')
    .replace(/^```[\s\S]*?^```$/gm, '')
    .replace(/<details>[\s\S]*?<\/details>/g, '')
  const words = prose.split(/\s+/).filter((word) => /\w/.test(word)).length
  return words > MAX_WORDS ? [`${words} words; ${MAX_WORDS} are enough`] : []
}

function pictures(markdown: string): string[] {
  return /^```text$/m.test(markdown) ? [] : ['there is no picture']
}

/** Code and pictures keep their shape: the screen would cut them. */
function wideBlocks(markdown: string): string[] {
  const blocks = [...markdown.matchAll(/^```.*\n([\s\S]*?)^```$/gm)]
  return blocks
    .flatMap(([, block]) => block.split('\n'))
    .filter((line) => stringWidth(line) > MAX_BLOCK_COLUMNS)
    .map((line) => `wider than ${MAX_BLOCK_COLUMNS} columns: ${line}`)
}

function measurements({ lesson }: Chapter): string[] {
  return [
    ...(lesson.predictions.length === 0 ? ['there is no Predict block'] : []),
    ...lesson.predictions
      .filter(({ measure }) => !existsSync(join(ROOT, 'tutor', 'lab', `${measure}.ts`)))
      .map(({ measure }) => `there is no measurement ${measure}`),
  ]
}

/** What is typed must work: the verb exists, and so does the chapter. */
function commands({ markdown, chapters, verbs }: Surroundings): string[] {
  return [...markdown.matchAll(/\bnpm (start|test) ([\w.-]+)(?: ([\w.-]+))?/g)].flatMap(
    ([command, script, first, second]) => {
      if (script === 'start' && !verbs.includes(first))
        return [`\`${command}\`: there is no ${first}`]
      const typed = script === 'test' ? first : first === 'measure' ? undefined : second
      if (typed === undefined || typed.startsWith('-')) return []
      const selection = select(typed, chapters)
      return 'problem' in selection ? [`\`${command}\`: ${selection.problem}`] : []
    },
  )
}
