import { chaptersBeneath } from '../../tests/judge/foundations.ts'
import { ProgressFile } from '../../tests/judge/progress.ts'
import { listChapters, SOLUTION } from '../../tests/judge/workbook.ts'
import { readBook, readGiven, readSolution } from '../book/book.ts'
import { replaceChapter } from '../effects/snapshots.ts'
import { firstOpenStep } from '../state/outlook.ts'
import { tellReplaced } from './reset.ts'
import { chooseChapter, type Verb } from './verb.ts'

export const catchUp: Verb = {
  usage: 'catch-up 7',
  summary: 'put the reference in place of every chapter before that one; yours is kept',
  async run(call) {
    const { chapter } = chooseChapter(call, 'catch-up 2')
    const earlier = listChapters().filter((other) => other < chapter)
    if (earlier.length === 0) {
      call.write(
        `Chapter ${Number(chapter.slice(0, 2))} is the first: there is nothing before it.\n`,
      )
      return 0
    }
    for (const other of earlier) {
      const reference = new Map([...readSolution(other), ...readGiven(other)])
      const { kept, written } = replaceChapter(other, reference, 'before catch-up')
      tellReplaced(call, other, written, kept, 'reference')
    }
    const file = new ProgressFile()
    file.update((progress) => {
      progress.place = firstOpenStep(readBook(), progress, chapter) ?? progress.place
    })
    const beneath = chaptersBeneath(SOLUTION, chapter)
    const stands =
      beneath.length > 0 ? `It stands on ${beneath.join(', ')}.` : 'It stands on none of them.'
    const others =
      beneath.length < earlier.length
        ? ' The others are written as well, so that everything before it is whole.'
        : ''
    call.write(
      `\n${chapter} can begin. ${stands}${others}  npm test ${Number(chapter.slice(0, 2))}\n`,
    )
    for (const notice of file.takeNotices()) process.stderr.write(`! ${notice}\n`)
    return 0
  },
}
