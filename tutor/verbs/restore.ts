import {
  isBeforeOverwrite,
  listSnapshots,
  readSnapshot,
  replaceChapter,
} from '../effects/snapshots.ts'
import { tellReplaced } from './reset.ts'
import { chooseChapter, UsedWrongly, type Verb } from './verb.ts'

export const restore: Verb = {
  usage: 'restore 7 [3 | --list]',
  summary: 'bring back what a chapter was before it was overwritten',
  async run(call) {
    const { chapter } = chooseChapter(call, 'restore 1')
    const snapshots = listSnapshots(chapter).toReversed()
    const number = Number(chapter.slice(0, 2))
    if (snapshots.length === 0) {
      call.write(
        `There are no snapshots of ${chapter} yet. They are made before reset, catch-up and restore, and when a step turns green.\n`,
      )
      return 1
    }
    if (call.flags.list) {
      call.write(
        `${snapshots.map(({ name }, index) => `${String(index + 1).padStart(3)}  ${name}`).join('\n')}\n`,
      )
      call.write(`\nBring one back: npm start restore ${number} <its number>\n`)
      return 0
    }
    // The newest copy that was made before an overwrite is what one wants back; green copies can be asked for.
    const overwritten = snapshots.find(isBeforeOverwrite) ?? snapshots[0]
    const chosen = call.words[1] === undefined ? overwritten : snapshots[Number(call.words[1]) - 1]
    if (!chosen) {
      const count = snapshots.length === 1 ? 'is one snapshot' : `are ${snapshots.length} snapshots`
      throw new UsedWrongly(`There ${count}:  npm start restore ${number} --list`)
    }
    const { kept, written } = replaceChapter(chapter, readSnapshot(chosen), 'before restore')
    tellReplaced(call, chapter, written, kept, `snapshot "${chosen.name}"`)
    return 0
  },
}
