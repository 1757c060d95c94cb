/** A journal whose disk is full, or cannot be read. */

import { EMPTY_DISK, SimulatedDisk } from '../../harness/crash-points/disk.ts'
import type { Stage } from '../../judge/step.ts'
import { failing, fillable, settle } from './disk.ts'
import { openJournal } from './history-journal.ts'

/** A disk that is full: everybody is told so, nothing is lost, and reading goes on. */
export async function expectNotSaved(stage: Stage): Promise<void> {
  const disk = new SimulatedDisk(EMPTY_DISK)
  const { folder, fill } = fillable(disk)
  const { journal } = await openJournal(stage, { disk, folder })
  const told: string[] = []
  journal.onKept = (kept) => {
    for (const { draft, message } of kept)
      told.push(`${draft.text} ${message ? 'saved' : 'not saved'}`)
  }
  const say = (text: string) => journal.append({ room: 'lobby', name: 'ada', text, onKept() {} })
  say('before')
  await settle()
  stage.story.tell('disk', 'is full from now on')
  fill()
  for (const text of ['one', 'two', 'three']) say(text)
  await settle()
  say('four')
  await settle()
  const expected = [
    'before saved',
    ...['one', 'two', 'three', 'four'].map((text) => `${text} not saved`),
  ]
  stage.expectSame('what onKept is told', told, expected, {
    because: 'Everybody gets an answer, in order, and "not saved" is an answer, too.',
  })
  const { messages } = await journal.page('lobby', {})
  stage.expectSame(
    'the texts on the page',
    messages.map(({ text }) => text),
    ['before'],
    {
      because: 'Reading goes on, and shows what was saved.',
    },
  )
  const again = await openJournal(stage, { disk })
  stage.expectSame(
    'the range of "lobby" after a restart',
    again.journal.range('lobby'),
    { first: 1, last: 1 },
    {
      because: 'Nothing that was acknowledged is lost.',
    },
  )
}

/** Whoever comes too late is told so, and after those who came in time. */
export async function expectToldWhileClosing(stage: Stage): Promise<void> {
  for (const { what, first, failures } of [
    { what: 'a good disk', first: 'one: saved as one', failures: 0 },
    { what: 'a disk that cannot sync', first: 'one: not saved', failures: 1 },
  ]) {
    stage.story.tell('test', `opens another journal, on ${what}`)
    const { folder, fail } = failing(new SimulatedDisk(EMPTY_DISK))
    let reported = 0
    const onFailure = () => {
      reported += 1
    }
    const { journal } = await openJournal(stage, { folder, onFailure })
    if (failures > 0) fail('file.sync')
    const told: string[] = []
    journal.onKept = (kept) => {
      for (const { draft, message } of kept)
        told.push(`${draft.text}: ${message ? `saved as ${message.text}` : 'not saved'}`)
    }
    const say = (text: string) => journal.append({ room: 'lobby', name: 'ada', text, onKept() {} })
    stage.story.tell('test', 'says "one", closes the journal, and says "two" and "three"')
    say('one')
    // On a disk that fails it may reject: not everything was saved.
    const closing = journal.close().catch(() => {})
    say('two')
    say('three')
    await closing
    await settle()
    const expected = [first, 'two: not saved', 'three: not saved']
    stage.expectSame('what onKept is told', told, expected, {
      because:
        '"one" was appended before close(), and the others after it. Each gets its own answer, in order.',
      look: ['log-journal.append()', 'log-journal.#keep()'],
    })
    stage.expectSame('the number of failures that are reported', reported, failures, {
      because: 'A disk that fails is reported once. That a journal is closed is no failure.',
    })
  }
}

/** A page that cannot be read is no empty page. */
export async function expectFailedRead(stage: Stage): Promise<void> {
  stage.story.tell(
    'test',
    'opens another journal, says 3 messages in "lobby", and makes the disk fail',
  )
  const { folder, fail } = failing(new SimulatedDisk(EMPTY_DISK))
  const { journal } = await openJournal(stage, { folder })
  for (const text of ['one', 'two', 'three'])
    await new Promise<void>((resolve) => {
      journal.onKept = () => resolve()
      journal.append({ room: 'lobby', name: 'ada', text, onKept() {} })
    })
  fail('file.read')
  const outcome = await journal.page('lobby', {}).then(
    ({ messages }) => `a page with ${messages.length} messages`,
    (error: Error) => error.message,
  )
  stage.expectSame('the outcome of page()', outcome, 'EIO: i/o error', {
    because: 'There are three messages, and the disk cannot read them: that is no empty room.',
    likely: 'Let errors through. page() decides which of them are harmless.',
    look: 'log-journal.#readPage()',
  })
}
