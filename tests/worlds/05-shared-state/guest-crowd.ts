/** The guest book of chapter 05: filled by one thread, and by six clients at once. */

import type { Client } from '../../harness/client.ts'
import type { Stage } from '../../judge/step.ts'
import { ask } from '../../protocols/lines.ts'

const [COUNT, BEGUN, ENTRIES] = [2, 3, 4]

/** A thread may die between any two changes: the count is the last of them. */
export async function expectCountLast({ load, expectSame, story }: Stage): Promise<void> {
  const { GuestBook } = await load(() => import('#code/05-shared-state/guest-book.ts'))
  const { AtomicWords } = await load(() => import('#code/05-shared-state/shared-words.ts'))
  const memory = new SharedArrayBuffer(32 * 1024)
  const words = new AtomicWords(memory)
  words.store(COUNT, 256)
  words.store(BEGUN, 256)
  const changes: string[] = []
  const noting = new Proxy(words, {
    get(_, method: keyof typeof words) {
      return (...args: [number, number, number]) => {
        const before = words.load(args[0])
        const outcome = (words[method] as (...args: number[]) => unknown)(...args)
        const after = words.load(args[0])
        const isWrite = method === 'store' || method === 'add' || after !== before
        if (isWrite && args[0] >= COUNT) changes.push(nameOf(args[0], after))
        return outcome
      }
    },
  })
  new GuestBook(noting, 0, 1).sign('aaaa')
  story.tell('ada', `signs as the 257th, and changes ${changes.join(', ')}`)
  expectSame(
    'the first and the last change',
    [changes[0], changes.at(-1)],
    ['begun = 257', 'count = 257'],
    {
      because:
        'If this thread dies in between, these words must tell which entry it had begun, and that the entry is not whole.',
      likely:
        changes.at(-1) === 'count = 257'
          ? 'The number of entry 257 is 257, in `begun` as well. #writeText() finds its place by itself.'
          : 'Store the count after the text: an entry that is counted is whole.',
      look: 'guest-book.sign()',
    },
  )
  const book = new GuestBook(words, 0, 1)
  expectSame('what read() returns for an entry with an empty text', book.read(book.sign('')), '', {
    because: 'Signing with an empty text makes an entry, too.',
    likely: 'undefined means that there is no such entry. An empty text is a text.',
    look: 'guest-book.read()',
  })
}

/** A long text is cut, and makes an entry all the same. */
export async function expectLongTextsCut({ load, expectSame }: Stage): Promise<void> {
  const { GuestBook } = await load(() => import('#code/05-shared-state/guest-book.ts'))
  const { AtomicWords } = await load(() => import('#code/05-shared-state/shared-words.ts'))
  const book = new GuestBook(new AtomicWords(new SharedArrayBuffer(32 * 1024)), 0, 1)
  const signed = outcomeOf(() => {
    const number = book.sign('a'.repeat(70))
    return [number, book.read(number)]
  })
  expectSame('the number and the text of an entry of 70 letters', signed, [1, 'a'.repeat(64)], {
    because: 'An entry has room for 64 bytes, and a longer text is cut.',
    likely: '#writeText() cuts the text by itself: give it any text.',
    look: 'guest-book.sign()',
  })
  const read = outcomeOf(() => book.read(book.sign(' hm ')))
  expectSame('the text of an entry with a space at both ends', read, ' hm ', {
    because: 'Spaces are part of a text.',
    likely: 'Is the text trimmed, when it is written or when it is read? Leave it as it is.',
    look: ['guest-book.sign()', 'guest-book.read()'],
  })
}

function outcomeOf(act: () => unknown): unknown {
  try {
    return act()
  } catch (error) {
    return `an exception: ${error instanceof Error ? error.message : error}`
  }
}

function nameOf(word: number, value: number): string {
  if (word === COUNT) return `count = ${value}`
  if (word === BEGUN) return `begun = ${value}`
  return (word - ENTRIES) % 17 === 0 ? 'its length' : 'its text'
}

/** 256 entries are kept: the 257th takes the place of the first. */
export async function expectOldestGivesWay({ load, expectSame }: Stage): Promise<void> {
  const { GuestBook } = await load(() => import('#code/05-shared-state/guest-book.ts'))
  const { AtomicWords } = await load(() => import('#code/05-shared-state/shared-words.ts'))
  const words = new AtomicWords(new SharedArrayBuffer(32 * 1024))
  const [writer, book] = [new GuestBook(words, 0, 1), new GuestBook(words, 0, 2)]
  expectSame('entry 0 of an empty book', book.read(0) ?? undefined, undefined, {
    because: 'Numbers begin at 1.',
    likely: 'An entry is there only if its number is above 0.',
    look: 'guest-book.read()',
  })
  writer.sign('guest 1')
  expectSame('entry 1, which another thread has signed', book.read(1), 'guest 1', {
    because: 'All threads share one book.',
    look: 'guest-book.read()',
  })
  for (let number = 2; number <= 257; number++) writer.sign(`guest ${number}`)
  expectSame(
    'entries 1, 2, 257 and 258 of 257',
    [1, 2, 257, 258].map((number) => book.read(number) ?? undefined),
    [undefined, 'guest 2', 'guest 257', undefined],
    {
      because: 'The newest entry has taken the place of the oldest; the other 255 are still there.',
      likely:
        'Entries above the count are not there yet; those up to the count minus 256 are overwritten. Other threads sign, too: load the count at each read(), and do not cache what was read.',
      look: 'guest-book.read()',
    },
  )
}

/** Six clients on six threads visit, sign and read what the others have signed. */
export async function expectCrowdNumbered(stage: Stage): Promise<void> {
  const { serve, connect, expectSame } = stage
  const server = await serve('05-shared-state')
  const guests: Client[] = []
  for (let guest = 0; guest < 6; guest++) {
    const client = await connect(server)
    client.beQuiet('visits 20 times and signs 10 times')
    guests.push(client)
  }
  const visits = await Promise.all(
    guests.map((guest) => askTimes(guest, 20, 'visit', /^visitor (\d+)$/)),
  )
  expectSame('the visitors’ numbers', inOrder(visits.flat()), upTo(120), {
    because: 'The 120 visits on six threads get the numbers 1 to 120, each number once.',
    likely: 'All threads count in the memory that they get in workerData.',
    look: 'counter.increment()',
  })
  const entries = await Promise.all(
    guests.map((guest, index) =>
      askTimes(guest, 10, `sign ${'abcdef'[index].repeat(40)}`, /^entry (\d+)$/),
    ),
  )
  expectSame('the entries’ numbers', inOrder(entries.flat()), upTo(60), {
    because: 'The 60 entries get the numbers 1 to 60, each number once.',
    likely:
      'Other threads sign, too: load the count at each sign(), under the lock, and keep nothing from one call to the next.',
    look: 'guest-book.sign()',
  })
  for (const [index, numbers] of entries.entries()) {
    const reader = guests[(index + 1) % guests.length]
    for (const number of numbers) {
      await ask(reader, `read ${number}`, 'abcdef'[index].repeat(40), {
        because: 'What one thread has signed, another thread reads letter for letter.',
      })
    }
  }
  for (const number of ['61', '0', '-1', '1.5', '']) {
    await ask(guests[0], `read ${number}`, 'error no such entry', {
      because: 'There are 60 entries, numbered from 1 to 60.',
    })
  }
}

async function askTimes(
  client: Client,
  times: number,
  line: string,
  answer: RegExp,
): Promise<number[]> {
  const numbers: number[] = []
  for (let time = 0; time < times; time++) {
    const text = await ask(client, line, answer, { because: 'Every thread answers by itself.' })
    numbers.push(Number(answer.exec(text)?.[1]))
  }
  return numbers
}

function inOrder(numbers: number[]): number[] {
  return numbers.toSorted((a, b) => a - b)
}

function upTo(last: number): number[] {
  return Array.from({ length: last }, (_, index) => index + 1)
}
