/** The book of chapter 05, repaired as often as one of its threads dies with the lock. */

import type { Stage } from '../../judge/step.ts'
import { expectFree } from './lock-deaths.ts'

const [COUNT, BEGUN] = [2, 3]

/** What becomes of a torn entry shows in who looks at the mark, and who takes it away. */
export const IF_A_MARK_IS_MISSED = [
  {
    seen: /nobody can move[\s\S]*main: load abandoned → [1-9](?![\s\S]*main: (?:store lock|lock:))/,
    likely:
      'threadEnded() did not free the lock, because it was abandoned already. Free it and notify at the death of every owner.',
    look: 'mutex.threadEnded()',
  },
  {
    seen: /main: store abandoned = 0/,
    likely:
      'That thread did not have the lock, so its death says nothing about what is half changed. threadEnded() sets the mark, and never takes it away.',
    look: 'mutex.threadEnded()',
  },
  {
    seen: /read\(1\) returned(?:(?![\s\S]*dies)|[\s\S]*dies)(?![\s\S]*load abandoned)/,
    likely:
      'The code did not ask whether the lock is abandoned, so #repair() was not called: sign() and read() go through #withBook().',
    look: ['guest-book.read()', 'guest-book.sign()'],
  },
]

/** A book is repaired as often as an owner dies, and its numbers have no gap. */
export async function expectRepairsRepeated(stage: Stage): Promise<void> {
  const { load, expectSame, story } = stage
  const { Mutex } = await load(() => import('#code/05-shared-state/mutex.ts'))
  const { AtomicWords } = await load(() => import('#code/05-shared-state/shared-words.ts'))
  const { GuestBook } = await load(() => import('#code/05-shared-state/guest-book.ts'))
  const words = new AtomicWords(new SharedArrayBuffer(32 * 1024))
  const main = new Mutex(words, 0, 0)
  const dieWithLock = (thread: number) => {
    new Mutex(words, 0, thread).lock()
    main.threadEnded(thread)
    expectFree(stage, words)
  }
  const book = new GuestBook(words, 0, 3)
  for (let number = 1; number <= 256; number++) book.sign(`guest ${number}`)
  story.tell('ada', 'begins entry 257 in the place of entry 1, and dies with the lock')
  words.store(BEGUN, 257)
  dieWithLock(1)
  expectSame('entry 1', book.read(1) ?? undefined, undefined, {
    because: 'It was about to be overwritten.',
    likely: 'begun is 257 and the count is 256, so the place of entry 257 is torn.',
    look: 'guest-book.#repair()',
  })
  story.tell('bob', 'dies with the lock, too, and has written nothing')
  dieWithLock(2)
  const numbers = Array.from({ length: 255 }, (_, index) => index + 2)
  const lost = numbers.filter((number) => book.read(number) !== `guest ${number}`)
  expectSame('the entries that this second repair has torn', lost, [], {
    because:
      'A book that was repaired is repaired again when the next owner dies. That must harm no entry.',
    likely: `After the first repair, begun is ${words.load(BEGUN)} and the count is ${words.load(COUNT)}: the next repair takes begun for the number of an unfinished entry.`,
    look: 'guest-book.#repair()',
  })
  const signed = [book.sign('cyd was here'), book.sign('dee was here')]
  expectSame('the numbers of the next two entries', signed, [257, 258], {
    because:
      'Entry 257 was begun and never counted, so its number is the next one: there are no gaps.',
    likely: 'The next number is the count plus 1. What was only begun is not an entry yet.',
    look: 'guest-book.sign()',
  })
  expectSame('entry 257', book.read(257), 'cyd was here', {
    because: 'A torn place is whole again once another entry has been written over it.',
  })
  story.tell('gus', 'begins entry 259 in the place of entry 3, and dies with the lock')
  words.store(BEGUN, 259)
  dieWithLock(4)
  const around = [2, 3, 4, 258].map((number) => book.read(number) ?? undefined)
  expectSame('entries 2, 3, 4 and 258', around, [undefined, undefined, 'guest 4', 'dee was here'], {
    because: 'Entry 3 was about to be overwritten, and the book is repaired after each such death.',
    likely:
      'Repair the book each time an owner dies: now begun is 259 and the count is 258, so the place of entry 259 is torn.',
    look: 'guest-book.#repair()',
  })
}
