/** Pages of a room's newest messages, beside the longest page that may be. */

import fc from 'fast-check'
import type { Message } from '#code/13-rooms/journal.ts'
import type { RecentMessages } from '#code/13-rooms/recent-messages.ts'
import type { Reason } from '../../harness/failure.ts'
import type { Stage } from '../../judge/step.ts'
import { inShort } from '../../protocols/chat.ts'
import { forAll, type QuietStage } from '../for-all.ts'

/** Pages of a room's newest messages, with every limit. */
export async function expectPages(stage: Stage): Promise<void> {
  const { RecentMessages, sizeOf } = await stage.load(
    () => import('#code/13-rooms/recent-messages.ts'),
  )
  const make = (first: number, texts: string[], limits = {}): RecentMessages => {
    const recent = new RecentMessages(first - 1, limits)
    texts.forEach((text, place) => {
      recent.add(messageOf(first + place, text))
    })
    return recent
  }
  const expectPage = (
    { expectSame }: QuietStage,
    recent: RecentMessages,
    query: object,
    numbers: number[],
    more: boolean,
    reason: Reason,
  ) => {
    const page = recent.page(query)
    const received = { numbers: page.messages.map(({ number }) => number), more: page.more }
    const likely = whyOtherPage(query, { numbers, more }, received) ?? reason.likely
    expectSame(`page(${inShort(query)})`, received, { numbers, more }, { ...reason, likely })
  }
  stage.story.tell('test', 'takes pages of messages 11 to 15')
  const recent = make(11, ['a', 'b', 'c', 'd', 'e'])
  const all = [11, 12, 13, 14, 15]
  for (const [query, numbers, more, because] of [
    [{}, all, false, 'Without a bound, the newest: here, all of them.'],
    [{ limit: 5 }, all, false, 'Five are asked for, five are there, and nothing is left.'],
    [{ limit: 2 }, [14, 15], true, 'The newest two, ascending. Older ones are left.'],
    [{ before: 14 }, [11, 12, 13], false, 'All messages below 14.'],
    [{ before: 14, limit: 1 }, [13], true, 'The newest below 14. Older ones are left.'],
    [{ before: 14, limit: 3 }, [11, 12, 13], false, 'Three are below 14, and nothing is left.'],
    [{ before: 11 }, [], false, 'Nothing is below 11.'],
    [{ before: 99, limit: 1 }, [15], true, 'The newest below 99.'],
    [
      { after: 0, limit: 2 },
      [11, 12],
      true,
      'The oldest above 0: a client gets what it missed in order.',
    ],
    [{ after: 13 }, [14, 15], false, 'All messages above 13.'],
    [{ after: 13, limit: 1 }, [14], true, 'The oldest above 13. A newer one is left.'],
    [{ after: 13, limit: 2 }, [14, 15], false, 'Two are above 13, and nothing is left.'],
    [{ after: 15 }, [], false, 'Nothing is above 15.'],
    [{ after: 99 }, [], false, 'Nothing is above 99.'],
    [{ after: 8 }, all, false, 'All of them are above 8.'],
    [{ before: 9 }, [], false, 'None of them is below 9.'],
  ] as const) {
    expectPage(stage, recent, query, [...numbers], more, {
      because,
      look: 'recent-messages.page()',
    })
  }
  stage.expectSame(
    'page({ after: 13 }).messages',
    recent.page({ after: 13 }).messages,
    [messageOf(14, 'd'), messageOf(15, 'e')],
    { because: 'A page has whole messages.', look: 'recent-messages.page()' },
  )
  stage.story.tell('test', 'takes a page of all messages, then adds message 16')
  const { messages } = recent.page({})
  recent.add(messageOf(16, 'f'))
  const numbers = messages.map(({ number }) => number)
  stage.expectSame('the numbers in the page', numbers, all, {
    because: 'A page stays as it is, whatever is said afterwards.',
    likely: 'Give the page a list of its own, not that of the history.',
    look: 'recent-messages.page()',
  })
  const expected = { numbers: [...all, 16], more: false }
  const again = recent.page({})
  const received = { numbers: again.messages.map(({ number }) => number), more: again.more }
  stage.expectSame('page({})', received, expected, {
    because: 'Taking a page changes nothing in the history.',
    likely: 'Do not shift, pop, splice or reverse the list of the history.',
    look: 'recent-messages.page()',
  })

  const size = sizeOf(messageOf(1, '语'.repeat(100)))
  stage.story.tell(
    'test',
    `has five messages of ${size} bytes, and takes pages of at most ${2 * size}`,
  )
  const wide = make(1, Array(5).fill('语'.repeat(100)), { maxPageBytes: 2 * size })
  expectPage(stage, wide, {}, [4, 5], true, {
    because: 'Two messages have exactly as many bytes as a page may have.',
    likely:
      'The page ends before the message that would exceed maxPageBytes. sizeOf() counts bytes. A string’s length does not: 语 has three.',
    look: 'recent-messages.page()',
  })
  expectPage(stage, wide, { after: 1, limit: 2 }, [2, 3], true, {
    because: 'The same is true for a page above `after`.',
    look: 'recent-messages.page()',
  })
  stage.story.tell('test', `has the same, with pages of at most ${2 * size - 1} bytes`)
  const short = make(1, Array(5).fill('语'.repeat(100)), { maxPageBytes: 2 * size - 1 })
  expectPage(stage, short, {}, [5], true, {
    because: `Two messages have ${2 * size} bytes, one more than this page may have.`,
    likely:
      'The page ends before the message that would exceed maxPageBytes. #sizes has the bytes of each message.',
    look: 'recent-messages.page()',
  })
  stage.story.tell('test', 'has three messages, the second too long for a page by itself')
  const narrow = make(1, ['a', 'b'.repeat(300), 'c'], { maxPageBytes: 200 })
  expectPage(stage, narrow, { after: 1 }, [2], true, {
    because:
      'This message alone is too long for a page. If it were left out, nobody could ever get past it.',
    likely: 'The first message goes into the page, however long it is. The next one has to fit.',
    look: 'recent-messages.page()',
  })
  for (const [query, number] of [
    [{}, 3],
    [{ after: 0 }, 1],
  ] as const) {
    expectPage(stage, narrow, query, [number], true, {
      because:
        'Message 2 does not fit, so the page ends here. The client goes on from where it ends, and would never see a message that was skipped.',
      likely: 'A page has no gap: stop at the first message that does not fit.',
      look: 'recent-messages.page()',
    })
  }
  await forAll(stage, 'pages of any messages, with any bounds', anyPage, (quiet, request) => {
    const { first, texts, query, maxPageBytes } = request
    const list = texts.map((text, place) => messageOf(first + place, text))
    const { numbers, more } = pageByCounting(list, query, (each) => sizeOf(each), maxPageBytes)
    quiet.story.tell(
      'test',
      `has messages ${first} to ${first + texts.length - 1}, and pages of at most ${maxPageBytes} bytes`,
    )
    expectPage(quiet, make(first, texts, { maxPageBytes }), query, numbers, more, {
      because:
        'A page has as many messages as `limit` and maxPageBytes allow, at least one, and `more` is exact.',
      look: 'recent-messages.page()',
    })
  })
}

interface Taken {
  numbers: number[]
  more: boolean
}

/** What has gone wrong with a page, where that can be seen. */
function whyOtherPage(query: AnyQuery, expected: Taken, received: Taken): string | undefined {
  const { before = Infinity, after, limit = 100 } = query
  const { numbers } = received
  if (numbers.join() === expected.numbers.join()) {
    return received.more
      ? 'A full page is no proof that there are more: check whether any of those asked for are left.'
      : '`more` says whether any of those asked for are left, because of `limit` or of maxPageBytes.'
  }
  if (numbers.toSorted((a, b) => a - b).join() === expected.numbers.join())
    return 'A page is in ascending order, whichever end it is filled from.'
  if (numbers.some((number) => number >= before || number <= (after ?? -1)))
    return 'All numbers in a page are below `before` and above `after`.'
  if (numbers.length > limit) return 'A page has at most `limit` messages.'
  if (numbers.length === expected.numbers.length && numbers.length > 0)
    return 'With `after`, even if it is 0, a page begins with the oldest. Without it, a page ends with the newest.'
  if (numbers.length === 0 && after !== undefined && after + 1 < expected.numbers[0])
    return '`after` may lie below the oldest message that is still here: then the page begins with the oldest.'
  if (numbers.length < expected.numbers.length && expected.numbers.length === limit)
    return 'A page has as many messages as `limit` allows, and no fewer.'
  return undefined
}

export function messageOf(number: number, text: string): Message {
  return { number, name: 'ada', text, at: 0 }
}

const anyPage = fc.record({
  first: fc.constantFrom(1, 7, 1_000),
  texts: fc.array(fc.string({ minLength: 1, maxLength: 60, unit: 'grapheme' }), { maxLength: 12 }),
  query: fc.oneof(
    fc.record({ limit: fc.integer({ min: 1, max: 14 }) }, { requiredKeys: [] }),
    fc.record({ before: fc.nat({ max: 20 }), limit: fc.integer({ min: 1, max: 14 }) }),
    fc.record({ after: fc.nat({ max: 20 }), limit: fc.integer({ min: 1, max: 14 }) }),
  ),
  maxPageBytes: fc.constantFrom(1, 150, 300, 1_000_000),
})

interface AnyQuery {
  before?: number
  after?: number
  limit?: number
}

/** The longest page that may be: found by trying every length. */
function pageByCounting(
  list: Message[],
  { before, after, limit = 100 }: AnyQuery,
  sizeOf: (message: Message) => number,
  maxBytes: number,
): { numbers: number[]; more: boolean } {
  const asked = list.filter(({ number }) => number < (before ?? Infinity) && number > (after ?? 0))
  const cut = (length: number) =>
    after === undefined ? asked.slice(asked.length - length) : asked.slice(0, length)
  const bytesOf = (messages: Message[]) => messages.reduce((sum, each) => sum + sizeOf(each), 0)
  const lengths = asked.map((_, place) => place + 1).filter((length) => length <= limit)
  const length = lengths.findLast((length) => length === 1 || bytesOf(cut(length)) <= maxBytes) ?? 0
  return { numbers: cut(length).map(({ number }) => number), more: length < asked.length }
}
