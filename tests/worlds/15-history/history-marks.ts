/** Journals of many short segments, opened again: each segment begins with the numbers that were told before it. */

import { isDeepStrictEqual } from 'node:util'
import { EMPTY_DISK, SimulatedDisk } from '../../harness/crash-points/disk.ts'
import type { Stage } from '../../judge/step.ts'
import { settle } from './disk.ts'
import { openJournal } from './history-journal.ts'

/** Few messages fill a segment, and nothing is retired. */
const LIMITS = { maxSegmentBytes: 300 }

/** While some wait, a segment may be begun in the very turn in which onSynced has been told. */
export async function expectMarkedInTime(stage: Stage): Promise<void> {
  const disk = new SimulatedDisk(EMPTY_DISK)
  const { journal } = await openJournal(stage, { disk, limits: LIMITS })
  const told: string[] = []
  const tooEarly: string[] = []
  journal.onKept = (kept) => {
    for (const { draft, message } of kept) {
      told.push(`${draft.text} ${message ? 'saved' : 'not saved'}`)
      if (message && journal.range(draft.room).last < message.number) tooEarly.push(draft.text)
    }
  }
  const texts = Array.from({ length: 40 }, (_, index) => `message ${index + 1}`)
  stage.story.tell(
    'test',
    'says 40 messages in "lobby", 5 at a time, in segments of 300 bytes; then opens the folder again',
  )
  for (const [index, text] of texts.entries()) {
    journal.append({ room: 'lobby', name: 'ada', text, onKept() {} })
    if (index % 5 === 4) await settle()
  }
  const isWhole = isDeepStrictEqual(
    told,
    texts.map((text) => `${text} saved`),
  )
  stage.expect('all 40 of them to be told, in order', isWhole, {
    because: 'Each of them was saved.',
    likely: 'The oldest drafts belong to the records of this group, one each.',
    look: KEEP,
    received: told.join(', ') || 'nothing is told',
  })
  const outcome = await openJournal(stage, { disk, limits: LIMITS }).then(
    (again) => {
      const { first, last } = again.journal.range('lobby')
      return `messages ${first} to ${last}`
    },
    ({ name, message }: Error) => `${name}: ${message}`,
  )
  stage.expectSame('the range of "lobby" after a restart', outcome, 'messages 1 to 40', {
    because:
      'All of them were told. A segment begins with the last number of each room, which it takes from the index.',
    likely:
      '#keep() has returned before index.add(), and the next segment may begin at once, with old numbers. Await nothing in #keep().',
    look: KEEP,
  })
  stage.expect('each of them to be in the room’s range when it was told', tooEarly.length === 0, {
    because: 'Whoever is told of a message may ask for the page with it in the same turn.',
    likely: 'Index, memory, then everybody: index.add() comes before onKept.',
    look: KEEP,
    received: `${tooEarly.length} of them were not: ${tooEarly[0]} …`,
  })
}

const KEEP = 'log-journal.#keep()'
