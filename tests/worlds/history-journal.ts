/** What a journal tells, and which pages it reads. */

import type { Message } from '#code/13-rooms/journal.ts'
import { EMPTY_DISK, SimulatedDisk } from '../harness/crash-points/disk.ts'
import type { Reason } from '../harness/failure.ts'
import { randomInteger } from '../harness/random.ts'
import type { Stage } from '../judge/step.ts'
import { failing, fillable, settle } from './disk.ts'

/** A journal on a simulated disk, and what it tells. */
async function openJournal(
  stage: Stage,
  options: {
    disk?: SimulatedDisk
    folder?: SimulatedDisk
    limits?: object
    clock?: { now(): number }
  } = {},
) {
  const { LogJournal } = await stage.load(() => import('#code/15-history/log-journal.ts'))
  const { disk = new SimulatedDisk(EMPTY_DISK), folder = disk, limits = {} } = options
  const { clock = { now: () => 1_000 } } = options
  const { journal } = await LogJournal.open(folder, { clock, origin: 'here', ...limits })
  return { journal, disk }
}

/** Nobody is told before the disk has it, and everybody in the order of the log. */
export async function expectToldInOrder(stage: Stage): Promise<void> {
  const { journal, disk } = await openJournal(stage)
  const told: string[] = []
  const groups: string[][] = []
  const early: string[] = []
  const wrongInMemory: string[] = []
  const untold = new Set<number>()
  let lastTold = 0
  const isSafe = (text: string) =>
    disk.state.files.some(({ durable }) => durable.includes(Buffer.from(text)))
  await journal.load('lobby')
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
    because: 'What was saved is told in the order of the log. Each room counts for itself.',
  })
  stage.expect('onKept to be called once for a group', groups.length <= 2, {
    because: 'What was saved together is told together, in the same turn.',
    likely: 'One call of onKept for all records of a call of onSynced.',
    received: groups.map((group) => group.join(', ')).join('; '),
  })
  const expected = [
    'ada: lobby 1 first',
    'bob: lobby 2 second',
    'ada: garden 1 third',
    'ada: lobby 3 fourth',
  ]
  stage.expectSame('who is answered what', told, expected, {
    because:
      'Each draft gets its own message: the log keeps the order of append(), and so does #drafts.',
    likely:
      'The oldest drafts belong to the records of this group, one each. Take as many off as there are records.',
  })
  stage.expectSame('what was told before the disk had it', early.join(', '), '', {
    because: 'Nobody may see what a crash could take back.',
    likely: 'onKept is called when onSynced is, not when append() is.',
  })
  stage.expectSame('the wrong last numbers in memory, while others were told', wrongInMemory, [], {
    because: 'A member who joins now is given what has been told, and is told what comes next.',
    likely: 'The message belongs into the loaded history of its room before onKept is called.',
  })
  stage.expectSame('the numbers that were in memory before they were told', [...untold], [], {
    because: 'Somebody who joins in between is given the message, and is told it once more.',
    likely: 'The same turn that adds it to the history calls onKept: nothing is awaited.',
  })
  stage.expectSame(
    'the range of "lobby"',
    journal.range('lobby'),
    { first: 1, last: 3 },
    {
      because: 'Pages are read by the index.',
      likely: 'index.add() of every record that was saved.',
    },
  )
  const page = lobby.page({})
  stage.expectSame(
    'the page that whoever joins is given',
    page.messages.map(({ text }) => text),
    ['first', 'second', 'fourth'],
    {
      because: 'The newest messages of a room that is loaded are in memory.',
    },
  )
  stage.expectSame(
    'one of its messages',
    page.messages[0],
    { number: 1, name: 'ada', text: 'first', at: 1_000 },
    {
      because: 'Number, name, text and time are what everybody is told.',
    },
  )
  say('lobby', 'cyd', 'fifth')
  await settle()
  stage.expectSame('who is answered what then', told.slice(4), ['cyd: lobby 4 fifth'], {
    because: 'What was answered is answered no more.',
    likely: 'Drafts that were answered have to leave #drafts.',
  })
}

/** Pages of a room, compared with a model of twenty lines. */
export async function expectExactPages(stage: Stage): Promise<void> {
  const { random, story } = stage
  const limits = { maxSegmentBytes: 6_000, maxTotalBytes: 30_000 }
  const disk = new SimulatedDisk(EMPTY_DISK)
  // Nothing is ordered by this one.
  const clock = { now: () => randomInteger(random, 2_000_000_000_000) - 1_000_000 }
  const first = await openJournal(stage, { disk, limits, clock })
  const said: Message[] = []
  first.journal.onKept = (kept) => {
    for (const { draft, message } of kept) if (draft.room === 'lobby') said.push(message!)
  }
  const onKept = () => {}
  for (let index = 0; index < 700; index++) {
    const text = 'x'.repeat(randomInteger(random, 60))
    first.journal.append({ room: 'lobby', name: 'ada', text, onKept })
    first.journal.append({ room: 'garden', name: 'bob', text, onKept })
    if (index % 7 === 0) await settle()
  }
  await settle()
  const opened = {
    'as it was written': first,
    'after a restart': await openJournal(stage, { disk, limits }),
  }
  for (const [when, { journal }] of Object.entries(opened)) {
    const range = journal.range('lobby')
    story.tell(
      'test',
      `has said 700 messages in "lobby"; ${range.first} to ${range.last} are left, ${when}`,
    )
    const there = said.filter(({ number }) => number >= range.first)
    for (const query of queries(range, random)) {
      const page = await journal.page('lobby', query)
      const expected = modelPage(there, query)
      stage.expectSame(
        `the page ${describeQuery(query)}`,
        numbersOf(page),
        numbersOf(expected),
        reasonFor(query, range),
      )
      story.lines.pop()
      stage.expectSame(`"more" of the page ${describeQuery(query)}`, page.more, expected.more, {
        because: '"more" is exact: a client that believes it must not get an empty page.',
        likely: 'Read one message more than the page may have; `before` and `after` do not count.',
      })
      story.lines.pop()
      stage.expectSame('its messages', page.messages, expected.messages, {
        because: 'What was said is what is read.',
      })
      story.lines.pop()
    }
    story.judge('test', 'expects every page to be exact', 'kept')
  }
  const { journal } = opened['after a restart']
  const middle = journal.range('lobby').last - 100
  for (const query of [
    { before: middle, limit: 5 },
    { after: middle, limit: 5 },
  ]) {
    const readsBefore = disk.reads
    await journal.page('lobby', query)
    const reads = disk.reads - readsBefore
    stage.expect('a page of 5 messages to be read without the others', reads <= 20, {
      because: 'The index knows where each message is. A room may have millions.',
      received: `${reads} reads`,
    })
  }
  stage.expectSame(
    'a page of a room where nothing was said',
    await journal.page('attic', {}),
    { messages: [], more: false },
    {
      because: 'An empty page is a page.',
    },
  )
  await expectPagesThatFit(stage)
}

/** A page has room for so many bytes. */
async function expectPagesThatFit(stage: Stage): Promise<void> {
  const { journal } = await openJournal(stage)
  stage.story.tell('test', 'says 100 messages of 4,000 Chinese characters each')
  for (let index = 0; index < 100; index++)
    journal.append({ room: 'lobby', name: 'ada', text: '\u6f22'.repeat(4_000), onKept() {} })
  await settle()
  for (const [query, from, to] of [
    [{ before: 101 }, 80, 100],
    [{ after: 0 }, 1, 21],
    [{ after: 90 }, 91, 100],
  ] as const) {
    const page = await journal.page('lobby', query)
    const received = {
      from: page.messages[0]?.number,
      to: page.messages.at(-1)?.number,
      more: page.more,
    }
    stage.expectSame(
      `the page ${describeQuery(query)}`,
      received,
      { from, to, more: to - from === 20 },
      {
        because:
          '21 of these messages fit into 256 KiB, and whoever pages goes on where the page ends.',
        likely: 'RecentMessages cuts a page; it has to be given all that were read, and the query.',
      },
    )
  }
}

interface Query {
  before?: number
  after?: number
  limit?: number
}

function* queries(
  { first, last }: { first: number; last: number },
  random: () => number,
): Generator<Query> {
  const edges = [
    0,
    1,
    first - 1,
    first,
    first + 1,
    first + 99,
    first + 100,
    last - 100,
    last - 99,
    last,
    last + 1,
    last + 50,
  ]
  yield {}
  yield { limit: 1 }
  for (const edge of edges) {
    for (const limit of [undefined, 1, 99, 100]) {
      yield { before: Math.max(1, edge), limit }
      yield { after: edge, limit }
    }
  }
  for (let times = 0; times < 40; times++) {
    const edge = randomInteger(random, last + 10) + 1
    const limit = 1 + randomInteger(random, 100)
    yield times % 2 === 0 ? { before: edge, limit } : { after: edge, limit }
  }
}

function modelPage(there: Message[], { before = Infinity, after, limit = 100 }: Query) {
  if (after !== undefined) {
    const newer = there.filter(({ number }) => number > after)
    return { messages: newer.slice(0, limit), more: newer.length > limit }
  }
  const older = there.filter(({ number }) => number < before)
  return { messages: older.slice(-limit), more: older.length > limit }
}

function numbersOf({ messages }: { messages: Message[] }): string {
  if (messages.length === 0) return 'no messages'
  const numbers = messages.map(({ number }) => number)
  const isWhole = numbers.every((number, index) => number === numbers[0] + index)
  return isWhole ? `messages ${numbers[0]} to ${numbers.at(-1)}` : `messages ${numbers.join(', ')}`
}

function describeQuery({ before, after, limit }: Query): string {
  const from =
    after !== undefined
      ? `after ${after}`
      : before !== undefined
        ? `before ${before}`
        : 'of the newest'
  return `${from}, limit ${limit ?? 100}`
}

function reasonFor(
  { before, after }: Query,
  { first, last }: { first: number; last: number },
): Reason {
  if (after !== undefined)
    return {
      because: `The oldest messages above ${after}; ${first} to ${last} are there.`,
      likely: 'Above a number that is gone the page begins with the first that is there.',
    }
  return {
    because: `The newest messages${before === undefined ? '' : ` below ${before}`}; ${first} to ${last} are there.`,
    likely: 'Below a number that was not reached yet the page ends with the last that was told.',
  }
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
    await loading
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
      'the messages in memory to have no gap and no double',
      isWhole && numbers.at(-1) === told,
      {
        because: 'What is saved while the room is loaded belongs to it, too.',
        received: numbers.join(', '),
      },
    )
    for (let times = 0; times < 3; times++) journal.release('lobby')
  }
}

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
    because: 'Everybody gets an answer, in order; "not saved" is one.',
  })
  const { messages } = await journal.page('lobby', {})
  stage.expectSame(
    'what is there',
    messages.map(({ text }) => text),
    ['before'],
    {
      because: 'Reading goes on, and shows what was saved.',
    },
  )
  const again = await openJournal(stage, { disk })
  stage.expectSame(
    'what is there after a restart',
    again.journal.range('lobby'),
    { first: 1, last: 1 },
    {
      because: 'Nothing that was acknowledged is lost.',
    },
  )
}

/** A page that cannot be read is no empty page. */
export async function expectFailedRead(stage: Stage): Promise<void> {
  stage.story.tell(
    'test',
    'opens another journal, says 3 messages in "lobby", and has the disk fail',
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
  stage.expectSame('what page() comes to', outcome, 'EIO: i/o error', {
    because: 'There are three messages, and the disk cannot read them: that is no empty room.',
    likely: 'Let errors out. page() knows which of them are no fault.',
    look: 'log-journal.#readPage()',
  })
}
