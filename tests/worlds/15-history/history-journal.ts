/** What a journal tells, and whom it has told when somebody joins. */

import type { Message } from '#code/13-rooms/journal.ts'
import { EMPTY_DISK, SimulatedDisk } from '../../harness/crash-points/disk.ts'
import type { Stage } from '../../judge/step.ts'
import { settle } from './disk.ts'
import { inTime } from './held-log.ts'

/** A journal on a simulated disk, and what it tells. */
export async function openJournal(
  stage: Stage,
  options: {
    disk?: SimulatedDisk
    folder?: SimulatedDisk
    limits?: object
    clock?: { now(): number }
    onFailure?(error: Error): void
  } = {},
) {
  const { LogJournal } = await stage.load(() => import('#code/15-history/log-journal.ts'))
  const { disk = new SimulatedDisk(EMPTY_DISK), folder = disk, limits = {} } = options
  const { clock = { now: () => 1_000 }, onFailure } = options
  const { journal } = await LogJournal.open(folder, { clock, origin: 'here', onFailure, ...limits })
  return { journal, disk }
}

/** What is read of a room; `what` completes "expects …". A message that is not there has a number beyond the range. */
export async function inRange<T>(stage: Stage, what: string, reading: Promise<T>): Promise<T> {
  try {
    return await reading
  } catch (error) {
    const { name, message } = error as Error
    if (name !== 'RangeError' || !message.includes('is not in')) throw error
    stage.expect(what, false, {
      because: 'The messages from `first` to `last` are there, and no others can be read.',
      likely: 'Go neither below `first` nor above `last`.',
      look: 'log-journal.#readPage()',
      received: message,
    })
    throw error
  }
}

/** Nobody is told before the disk has it, and everybody in the order of the log. */
export async function expectToldInOrder(stage: Stage): Promise<void> {
  let now = 1_000
  const { journal, disk } = await openJournal(stage, { clock: { now: () => now++ } })
  const told: string[] = []
  const groups: string[][] = []
  const early: string[] = []
  const wrongInMemory: string[] = []
  const untold = new Set<number>()
  let lastTold = 0
  const isSafe = (text: string) =>
    disk.state.files.some(({ durable }) => durable.includes(Buffer.from(text)))
  const loaded = 'the newest messages of "lobby" to be loaded'
  await inTime(stage, loaded, inRange(stage, loaded, journal.load('lobby')), {
    because: 'Nobody has said anything there, so its page has no messages.',
    likely: 'A promise is never resolved: an empty page is a page, too.',
    look: 'log-journal.#readPage()',
  })
  const lobby = journal.open('lobby')
  // What is wrong here is judged outside: the caller would take what this throws for a fault of its own.
  journal.onKept = (kept) => {
    groups.push(kept.map(({ message }) => `${message?.number} ${message?.text}`))
    for (const { draft, message } of kept) {
      if (message && !isSafe(message.text)) early.push(message.text)
      draft.onKept(message)
    }
    const last = kept.findLast(({ draft }) => draft.room === 'lobby')?.message?.number
    lastTold = last ?? lastTold
    if (last !== undefined && lobby.last !== last)
      wrongInMemory.push(`${lobby.last} instead of ${last}`)
  }
  // Somebody may join in any turn between two others.
  const lookOn = async () => {
    for (let turns = 0; turns < 500; turns++) {
      await undefined
      if (lobby.last !== lastTold) untold.add(lobby.last)
    }
  }
  const say = (room: string, name: string, text: string) => {
    stage.story.tell(name, `says "${text}" in "${room}"`)
    const onKept = (message?: Message) =>
      void told.push(`${name}: ${room} ${message?.number} ${message?.text}`)
    journal.append({ room, name, text, onKept })
  }
  say('lobby', 'ada', 'first')
  say('lobby', 'bob', 'second')
  say('garden', 'ada', 'third')
  say('lobby', 'ada', 'fourth')
  await lookOn()
  await settle()
  const inOrder = ['1 first', '2 second', '1 third', '3 fourth']
  stage.expectSame('what onKept is told', groups.flat(), inOrder, {
    because: 'What was saved is told in the order of the log. Each room has its own numbers.',
  })
  stage.expect('onKept to be called once for a group', groups.length <= 2, {
    because: 'What was saved together is told together, in the same turn.',
    likely: 'Call onKept once for all the records of one onSynced call.',
    received: groups.map((group) => group.join(', ')).join('; '),
  })
  const expected = [
    'ada: lobby 1 first',
    'bob: lobby 2 second',
    'ada: garden 1 third',
    'ada: lobby 3 fourth',
  ]
  stage.expectSame('the answers', told, expected, {
    because:
      'Each draft gets its own message: the log keeps the order of append(), and so does #drafts.',
    likely:
      'The oldest drafts belong to the records of this group, one each. Take off as many as there are records.',
  })
  stage.expectSame('what was told before the disk had it', early.join(', '), '', {
    because: 'Nobody may see what a crash could take back.',
    likely: 'onKept is called when onSynced is, not when append() is.',
  })
  stage.expectSame('the wrong last numbers in memory while onKept was called', wrongInMemory, [], {
    because: 'A member who joins now is given what has been told, and is told what comes next.',
    likely: 'Add the message to the loaded history of its room before onKept is called.',
  })
  stage.expectSame('the numbers that were in memory before they were told', [...untold], [], {
    because:
      'Somebody who joins in between is given the message on joining, and is told it once more.',
    likely: 'Call onKept in the same turn that adds the message to the history: await nothing.',
  })
  stage.expectSame(
    'the range of "lobby"',
    journal.range('lobby'),
    { first: 1, last: 3 },
    {
      because: 'Pages are found through the index.',
      likely: 'Call index.add() for every record that was saved.',
    },
  )
  const page = lobby.page({})
  stage.expectSame(
    'the page that a new member is given',
    page.messages.map(({ text }) => text),
    ['first', 'second', 'fourth'],
    {
      because: 'The newest messages of a room that is loaded are in memory.',
    },
  )
  stage.expectSame(
    'the first message of that page',
    page.messages[0],
    { number: 1, name: 'ada', text: 'first', at: 1_000 },
    {
      because:
        'Everybody is told number, name, text and time. The time is when the message was said.',
      likely: 'Pass on the message of the record, decodeMessage(entry.record), as it is.',
    },
  )
  say('lobby', 'cyd', 'fifth')
  await settle()
  stage.expectSame('the answers after that', told.slice(4), ['cyd: lobby 4 fifth'], {
    because: 'A draft that was answered is not answered again.',
    likely: 'Remove drafts from #drafts when they are answered.',
  })
}

/** Joining is given the newest messages; those that are told meanwhile are neither missing nor double. */
export async function expectLoadedWhileOthersTalk(stage: Stage): Promise<void> {
  const { journal } = await openJournal(stage)
  let told = 0
  journal.onKept = (kept) => {
    told += kept.length
  }
  const say = () => journal.append({ room: 'lobby', name: 'ada', text: 'hello', onKept() {} })
  for (let times = 0; times < 70; times++) say()
  await settle()
  stage.story.tell('test', 'loads "lobby" while ada talks on')
  for (let round = 0; round < 8; round++) {
    const loading = journal.load('lobby')
    for (let times = 0; times <= round; times++) say()
    await inRange(stage, 'the newest messages of "lobby" to be loaded', loading)
    const { last } = journal.open('lobby')
    const before = { last, told }
    await settle()
    const history = journal.open('lobby')
    stage.expectSame('the last number in memory', before.last, before.told, {
      because: 'What has been told is in memory, and what has not been told is not.',
    })
    const { messages } = history.page({})
    const numbers = messages.map(({ number }) => number)
    const isWhole = numbers.every((number, index) => number === numbers[0] + index)
    stage.expect(
      'the messages in memory to have no gap and no duplicate',
      isWhole && numbers.at(-1) === told,
      {
        because: 'What is saved while the room is being loaded belongs to it, too.',
        received: numbers.join(', '),
      },
    )
    for (let times = 0; times < 3; times++) journal.release('lobby')
  }
}
