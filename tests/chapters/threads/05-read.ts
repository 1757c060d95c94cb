import type * as GuestBookModule from '#code/05-shared-state/guest-book.ts'
import type { Scenario } from '../../harness/interleavings/scenario.ts'
import { scenario as sign } from './05-sign.ts'

/** The book is full: one thread signs entry 257 in the place of entry 1, which the other one reads meanwhile. */
export const scenario: Scenario = {
  threads: 2,
  words: sign.words,
  initial: {
    count: 256,
    'length of 1': 5,
    'text of 1, 1': wordOf('aaaa'),
    'text of 1, 2': wordOf('a'),
  },
  async prepare(code) {
    const { GuestBook }: typeof GuestBookModule = await import(
      `${code}/05-shared-state/guest-book.ts`
    )
    return (words, thread) => {
      const book = new GuestBook(words, 0, thread + 1)
      if (thread === 0) return book.sign('bbbbb')
      const text = book.read(1)
      // Only numbers leave a thread: how many letters of each entry it has seen.
      return text === undefined ? GONE : 10 * count(text, 'a') + count(text, 'b')
    }
  },
  check([state], [number, seen]) {
    if (state !== 0) return `both have left, and the lock’s state is ${state}, not 0`
    if (number !== 257) return `entry 257 got number ${number}`
    if (seen === GONE || seen === 50) return undefined
    const [a, b] = [Math.floor(seen! / 10), seen! % 10]
    return `read(1) answered ${JSON.stringify('b'.repeat(b) + 'a'.repeat(a))}, not "aaaaa" or nothing`
  },
}

const GONE = -1

function wordOf(text: string): number {
  return Buffer.from(text.padEnd(4, '\0')).readInt32LE()
}

function count(text: string, letter: string): number {
  return text.split(letter).length - 1
}
