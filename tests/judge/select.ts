/** What a learner types to name a chapter or a step: `2`, `02`, `2.3`, `echo`, `02-echo`, a path. */

import { closest } from 'fastest-levenshtein'

export interface Selection {
  /** `'02-echo'` */
  chapter: string
  /** `'02.3'` when a step was named. */
  step?: string
}

/** The chapter or step that was meant; when there is none, a sentence that names the nearest. */
export function select(typed: string, chapters: string[]): Selection | { problem: string } {
  const word = typed
    .replaceAll('\\', '/')
    .replace(/^(\.\/)?chapters\//, '')
    .split('/')[0]
    .toLowerCase()
  const [, number, step] = /^(\d{1,2})(?:\.(\d{1,2}))?$/.exec(word) ?? []
  const chapter = chapters.find((name) =>
    number ? Number(name.slice(0, 2)) === Number(number) : name === word || name.slice(3) === word,
  )
  if (!chapter) return { problem: unknown(typed, word, chapters) }
  return step ? { chapter, step: `${chapter.slice(0, 2)}.${Number(step)}` } : { chapter }
}

/** The chapter whose folder contains `folder`: what `npm test` means when typed there. */
export function chapterAround(
  folder: string,
  root: string,
  chapters: string[],
): string | undefined {
  const inside = folder.startsWith(root)
    ? folder.slice(root.length).replaceAll('\\', '/').split('/')[1]
    : undefined
  return chapters.find((name) => name === inside)
}

function unknown(typed: string, word: string, chapters: string[]): string {
  const range = `There are chapters ${Number(chapters[0].slice(0, 2))} to ${Number(chapters.at(-1)!.slice(0, 2))}`
  if (/^\d/.test(word)) return `There is no chapter "${typed}". ${range}: ${chapters.join(', ')}.`
  const names = chapters.flatMap((name) => [name, name.slice(3)])
  return `There is no chapter "${typed}". Did you mean ${closest(word, names)}? ${range}.`
}
