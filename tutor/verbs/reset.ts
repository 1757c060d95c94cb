import { isGreen, ProgressFile } from '../../tests/judge/progress.ts'
import { makeStarters } from '../book/book.ts'
import { replaceChapter, type Snapshot } from '../effects/snapshots.ts'
import { type Call, chooseChapter, UsedWrongly, type Verb } from './verb.ts'

export const reset: Verb = {
  usage: 'reset 7',
  summary: 'put the starter of a chapter back; what was there is kept',
  async run(call) {
    const { chapter, step } = chooseChapter(call, 'reset 1')
    if (step)
      throw new UsedWrongly(
        `reset works on a whole chapter:  npm start reset ${Number(chapter.slice(0, 2))}`,
      )
    const { kept, written } = replaceChapter(chapter, makeStarters(chapter), 'before reset')
    if (written.length > 0) forgetGreen(chapter)
    tellReplaced(call, chapter, written, kept, 'starter')
    return 0
  },
}

/** What was green in this chapter is not any more, until it is judged again. */
function forgetGreen(chapter: string): void {
  new ProgressFile().update((progress) => {
    const ofChapter = Object.keys(progress.steps).filter((id) => id.startsWith(chapter.slice(0, 2)))
    for (const id of ofChapter)
      if (isGreen(progress, id)) progress.steps[id].brokenAt = new Date().toISOString()
  })
}

/** What was written, and where the learner's own files are now. */
export function tellReplaced(
  { write }: Call,
  chapter: string,
  written: string[],
  kept: Snapshot | undefined,
  what: string,
): void {
  if (written.length === 0)
    return write(`chapters/${chapter} already is the ${what}. Nothing was changed.\n`)
  write(
    `${what[0].toUpperCase()}${what.slice(1)} written: ${written.map((file) => `chapters/${chapter}/${file}`).join(', ')}\n`,
  )
  if (!kept) return
  const number = Number(chapter.slice(0, 2))
  write(`Yours is kept in  ${kept.path}\n`)
  write(`Back to it:       npm start restore ${number}\n`)
}
