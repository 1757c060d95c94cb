/** Pages of a room in a journal, compared with a model of twenty lines. */

import { isDeepStrictEqual } from 'node:util'
import type { Message } from '#code/13-rooms/journal.ts'
import { EMPTY_DISK, SimulatedDisk } from '../../harness/crash-points/disk.ts'
import type { Reason } from '../../harness/failure.ts'
import { randomInteger } from '../../harness/random.ts'
import type { Stage } from '../../judge/step.ts'
import { settle } from './disk.ts'
import { inRange, openJournal } from './history-journal.ts'

const READ_PAGE = 'log-journal.#readPage()'

/** So many messages are kept in memory of each room, unless it is said otherwise. */
const MAX_RECENT_MESSAGES = 50

/** So many reads more than a page has messages are no other messages: one of them says whether there are more. */
const FEW = 10

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
    'before a restart': first,
    'after a restart': await openJournal(stage, { disk, limits }),
  }
  for (const [when, { journal }] of Object.entries(opened)) {
    const range = journal.range('lobby')
    story.tell(
      'test',
      `has said 700 messages in "lobby"; ${range.first} to ${range.last} are left, ${when}`,
    )
    const there = said.filter(({ number }) => number >= range.first)
    const costly: { query: Query; reads: number }[] = []
    for (const query of queries(range, random)) {
      const readsBefore = disk.reads
      const what = `the page ${describeQuery(query)} to be read`
      const page = await inRange(stage, what, journal.page('lobby', query))
      const reads = disk.reads - readsBefore
      if (reads > (query.limit ?? 100) + FEW) costly.push({ query, reads })
      const expected = modelPage(there, query)
      stage.expectSame(
        `the page ${describeQuery(query)}`,
        numbersOf(page),
        numbersOf(expected),
        reasonFor(query, range, page),
      )
      story.lines.pop()
      stage.expectSame(`"more" of the page ${describeQuery(query)}`, page.more, expected.more, {
        because: '"more" is exact: a client that relies on it must not get an empty page.',
        likely: 'Read one message more than the page may have. `before` and `after` are exclusive.',
        look: READ_PAGE,
      })
      story.lines.pop()
      stage.expectSame('the messages of this page', page.messages, expected.messages, {
        because: 'What was told is what is read: number, name, text and time.',
        ...whoDiffers(page.messages, expected.messages),
      })
      story.lines.pop()
    }
    story.judge('test', 'expects every page to be exact', 'kept')
    const [worst] = costly
    stage.expect('each page to be read without the other messages', worst === undefined, {
      because: 'The index knows where each message is. A room may have millions.',
      likely: whyCostly(costly.map(({ query }) => query)),
      look: READ_PAGE,
      received: worst && `${worst.reads} reads for the page ${describeQuery(worst.query)}`,
    })
  }
  const { journal } = opened['after a restart']
  stage.expectSame(
    'a page of a room where nothing was said',
    await inRange(stage, 'a page of a room where nothing was said', journal.page('attic', {})),
    { messages: [], more: false },
    {
      because: 'An empty page is a page.',
      look: READ_PAGE,
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
    const what = `the page ${describeQuery(query)} to be read`
    const page = await inRange(stage, what, journal.page('lobby', query))
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
          '21 of these messages fit into 256 KiB, and the next page begins where this one ends.',
        likely:
          'RecentMessages limits the page. Give it all the messages that were read, and the query.',
        look: READ_PAGE,
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

/** Where to look, by what differs: what is read has the time of the record, whatever was told. */
function whoDiffers(read: Message[], told: Message[]): Pick<Reason, 'likely' | 'look'> {
  const isTimeOnly = read.every(({ at: _, ...rest }, index) => {
    const { at: __, ...expected } = told[index] ?? {}
    return isDeepStrictEqual(rest, expected)
  })
  if (!isTimeOnly || read.length !== told.length) return { look: READ_PAGE }
  return {
    likely: 'Only the times differ. Tell the message of the record: decodeMessage(entry.record).',
    look: ['log-journal.#keep()', READ_PAGE],
  }
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
  query: Query,
  { first, last }: { first: number; last: number },
  { messages }: { messages: Message[] },
): Reason {
  const { before, after } = query
  const likely = causeIn(query, messages, { first, last })
  if (after !== undefined)
    return {
      because: `The oldest messages above ${after}; ${first} to ${last} are there.`,
      likely:
        likely ??
        'If the message after `after` is gone, the page begins with the first that is there, and `to` counts from there.',
      look: READ_PAGE,
    }
  return {
    because: `The newest messages${before === undefined ? '' : ` below ${before}`}; ${first} to ${last} are there.`,
    likely:
      likely ??
      'If the room has not reached `before` yet, the page ends with the last message that was told.',
    look: READ_PAGE,
  }
}

/** What is probably wrong if these pages are read with too many others. */
function whyCostly(queries: Query[]): string | undefined {
  if (queries.every(({ after }) => after === 0))
    return '`after` may be 0, which is falsy: compare it with undefined.'
  if (queries.every(({ after }) => after !== undefined))
    return 'With `after`, stop one message behind the page: `to` counts up from `from`.'
  if (queries.every(({ after }) => after === undefined))
    return 'Without `after`, begin one message before the page: `from` counts back from `before`.'
  return undefined
}

/** What is probably wrong with a page, where that can be seen. */
function causeIn(
  query: Query,
  messages: Message[],
  { first, last }: { first: number; last: number },
): string | undefined {
  if (Object.keys(query).length === 0 && messages.length === 0)
    return 'A query may leave out everything, as here, and undefined counts as NaN: without `before` there is no bound, without `limit` it is MAX_PAGE_MESSAGES.'
  const { after, limit = 100 } = query
  if (messages.length > limit) return 'There are more than `limit`: give page() the whole query.'
  if (messages.length === MAX_RECENT_MESSAGES && limit > MAX_RECENT_MESSAGES)
    return `${MAX_RECENT_MESSAGES} messages are what RecentMessages keeps unless it is given other limits: UNBOUNDED.`
  const begin = messages[0]?.number ?? 0
  if (after === 0 && begin >= last - limit)
    return '`after` may be 0, which is falsy: compare it with undefined.'
  if (after !== undefined && begin === Math.max(first, after + 1) + 1)
    return 'One message is read beyond the page, and page() has to leave it out: give it the whole query.'
  return undefined
}
