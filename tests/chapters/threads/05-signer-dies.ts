import type * as GuestBookModule from '#code/05-shared-state/guest-book.ts'
import type { Body, Scenario } from '../../harness/interleavings/scenario.ts'
import { lettersIn, scenario as read, tornEntry } from './05-read.ts'
import { textOf } from './05-sign.ts'

/** The book is full. One thread signs entry 257 in the place of entry 1, which the other one reads; one of them may die. */
export const scenario: Scenario = {
  threads: 2,
  deaths: 1,
  limits: { runs: 480, samples: 60 },
  words: read.words,
  initial: read.initial,
  async prepare(code): Promise<Body> {
    const { GuestBook }: typeof GuestBookModule = await import(
      `${code}/05-shared-state/guest-book.ts`
    )
    return (words, thread) => {
      const book = new GuestBook(words, 0, thread + 1)
      return thread === 0 ? book.sign('bbbbb') : lettersIn(book.read(1))
    }
  },
  async prepareExitHandler(code): Promise<Body> {
    const { GuestBook }: typeof GuestBookModule = await import(
      `${code}/05-shared-state/guest-book.ts`
    )
    return (words, thread) => {
      new GuestBook(words, 0, 0).threadEnded(thread + 1)
      return undefined
    }
  },
  check(memory, [, letters], dead) {
    const [lock, , count] = memory
    if (lock !== 0) return `everybody has left or died, and lock is ${lock}, not 0`
    const finding = dead.includes(1) ? undefined : tornEntry(1, letters)
    if (finding) return finding
    const text = count === 257 ? textOf(memory, 1) : 'bbbbb'
    return text === 'bbbbb' ? undefined : `entry 257 was written, and reads ${JSON.stringify(text)}`
  },
}
