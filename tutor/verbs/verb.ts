/** A verb does one thing and exits: `npm start status`. It works without a terminal. */

import type { ChalkInstance } from 'chalk'
import { chapterAround, type Selection, select } from '../../tests/judge/select.ts'
import { LEARNER, listChapters } from '../../tests/judge/workbook.ts'

export interface Verb {
  /** What to type: `hint 7.2`. */
  usage: string
  summary: string
  /** 0 done, 1 not done; throws `UsedWrongly` for 2. */
  run(call: Call): Promise<number>
}

export interface Call {
  words: string[]
  flags: Record<string, string | boolean | undefined>
  write(text: string): void
  columns: number
  chalk: ChalkInstance
}

/** The learner asked for something that does not exist; the message says what does. */
export class UsedWrongly extends Error {}

/** What to type next. Flags stand behind npm's `--`: without it, npm itself reads them. */
export function toType(words: (string | number)[], flags: Call['flags'] = {}): string {
  const given = Object.entries(flags)
    .filter(([, value]) => value !== undefined && value !== false)
    .map(([name, value]) => (value === true ? `--${name}` : `--${name} ${value}`))
  return ['npm start', ...words, ...(given.length > 0 ? ['--', ...given] : [])].join(' ')
}

/** The chapter or step that the first word names; without one, the chapter one stands in. */
export function chooseChapter({ words }: Call, usage: string): Selection {
  const chapters = listChapters()
  const typed = words[0] ?? chapterAround(process.env.INIT_CWD ?? '', LEARNER.root, chapters)
  if (typed === undefined) throw new UsedWrongly(`Which chapter?  npm start ${usage}`)
  const selection = select(typed, chapters)
  if ('problem' in selection) throw new UsedWrongly(selection.problem)
  return selection
}
