/**
 * Reads a lesson. The lesson is the manifest: title, part and minutes in its front matter, a step for each
 * heading `## 02.1 …`, three hints inside each step. Nothing else in the workbook repeats that list.
 */

import { parse as parseYaml } from 'yaml'

const TALKS = ['bytes', 'frames', 'browser'] as const

export type Talk = (typeof TALKS)[number]

export interface Lesson {
  title: string
  /** `'I · A connection'` */
  part: string
  minutes: number
  /** What `npm start talk` makes of a line that is typed: bytes as they are, or a frame. A browser needs no keyboard of ours. */
  talk: Talk
  /** What comes before the first step: the problem, the idea, the picture. */
  introduction: string
  steps: LessonStep[]
  /** What comes after the last step: run it by hand, how real servers do it. */
  closing: string
  predictions: Prediction[]
}

export interface LessonStep {
  /** `'02.1'` */
  id: string
  title: string
  /** The step's text without its hints. */
  text: string
  /** A question, a pointer, nearly the code. */
  hints: Hint[]
}

export interface Hint {
  summary: string
  text: string
}

/** A number to guess before it is measured. */
export interface Prediction {
  question: string
  /** `'02.backpressure'`: what `npm start measure` is given. */
  measure: string
}

/** Throws an `Error` that says what is wrong with the lesson. */
export function readLesson(markdown: string): Lesson {
  const [, frontMatter, body] = /^---\n([\s\S]*?)\n---\n([\s\S]*)$/.exec(markdown) ?? []
  if (body === undefined) throw new Error('the lesson has no front matter')
  const { title, part, minutes, talk = 'bytes' } = parseYaml(frontMatter)
  if (typeof title !== 'string' || typeof part !== 'string' || typeof minutes !== 'number') {
    throw new Error('the front matter needs title, part and minutes')
  }
  if (!TALKS.includes(talk)) throw new Error(`nobody can talk "${talk}"`)
  const sections = splitSections(body)
  const steps = sections.flatMap(({ heading, text }) => readStep(heading, text))
  const firstStep = sections.findIndex(({ heading }) => isStep(heading))
  const lastStep = sections.findLastIndex(({ heading }) => isStep(heading))
  if (firstStep < 0) throw new Error('the lesson has no steps')
  return {
    title,
    part,
    minutes,
    talk,
    introduction: join(sections.slice(0, firstStep)),
    steps,
    closing: join(sections.slice(lastStep + 1)),
    predictions: readPredictions(body),
  }
}

interface Section {
  /** Without the marks; empty for what comes before the first heading. */
  heading: string
  text: string
}

/** Cuts at level-two headings, which code blocks may contain without meaning it. */
function splitSections(body: string): Section[] {
  const sections: Section[] = [{ heading: '', text: '' }]
  let isInCode = false
  for (const line of body.split('\n')) {
    if (line.startsWith('```')) isInCode = !isInCode
    if (!isInCode && line.startsWith('## '))
      sections.push({ heading: line.slice(3).trim(), text: '' })
    else sections.at(-1)!.text += `${line}\n`
  }
  return sections
}

const STEP_HEADING = /^(\d\d\.\d+) (.+)$/

function isStep(heading: string): boolean {
  return STEP_HEADING.test(heading)
}

function readStep(heading: string, text: string): LessonStep[] {
  const [, id, title] = STEP_HEADING.exec(heading) ?? []
  if (!id) return []
  const hints = [...text.matchAll(HINT)].map(([, summary, hint]) => ({
    summary: summary.trim(),
    text: hint.trim(),
  }))
  return [
    {
      id,
      title,
      text: text
        .replace(HINT, '')
        .replace(/\n{3,}/g, '\n\n')
        .trim(),
      hints,
    },
  ]
}

const HINT = /<details><summary>Hint: ([^<]*)<\/summary>\n([\s\S]*?)<\/details>\n?/g

function readPredictions(body: string): Prediction[] {
  return [...body.matchAll(/(?:^> .*\n|^>\n)+/gm)].flatMap(([quote]) => {
    const text = quote.replace(/^> ?/gm, '').trim()
    if (!text.startsWith('**Predict.**')) return []
    const measure = /`npm start measure ([\w.-]+)`$/.exec(text)?.[1]
    if (!measure) throw new Error('a Predict block must end with its `npm start measure …` command')
    const question = text
      .slice('**Predict.**'.length, text.lastIndexOf('`npm start measure'))
      .trim()
    return [{ question, measure }]
  })
}

function join(sections: Section[]): string {
  return sections
    .map(({ heading, text }) => (heading ? `## ${heading}\n${text}` : text))
    .join('')
    .trim()
}
