import type * as GuestBookModule from '#code/05-shared-state/guest-book.ts'
import type { Scenario } from '../../harness/interleavings/scenario.ts'
import { scenario as sign } from './05-sign.ts'

/** The book is full: one thread signs entry 257 in the place of entry 1, which the other one reads meanwhile. */
export const scenario: Scenario = readWhileOverwritten(1)

/** Entry `oldest` gives way to the one that is 256 later, while it is read. */
export function readWhileOverwritten(oldest: number): Scenario {
  const newest = oldest + 256
  return {
    threads: 2,
    words: sign.words,
    initial: {
      count: newest - 1,
      begun: newest - 1,
      [`length of ${oldest}`]: 5,
      [`text of ${oldest}, 1`]: wordOf('aaaa'),
      [`text of ${oldest}, 2`]: wordOf('a'),
    },
    async prepare(code) {
      const { GuestBook }: typeof GuestBookModule = await import(
        `${code}/05-shared-state/guest-book.ts`
      )
      return (words, thread) => {
        const book = new GuestBook(words, 0, thread + 1)
        return thread === 0 ? book.sign('bbbbb') : lettersIn(book.read(oldest))
      }
    },
    check([lock], [number, seen]) {
      if (lock !== 0) return `both have left, and lock is ${lock}, not 0`
      if (number !== newest) return `entry ${newest} got number ${number}`
      return tornEntry(oldest, seen)
    },
  }
}

/** The reader found no entry. */
export const GONE = -1

/** Only numbers leave a thread: how many letters of each entry it has seen. */
export function lettersIn(text: string | undefined): number {
  return text === undefined ? GONE : 10 * count(text, 'a') + count(text, 'b')
}

/** What is wrong with the letters that a reader has seen of the old entry "aaaaa". */
export function tornEntry(number: number, letters: number | undefined): string | undefined {
  if (letters === GONE || letters === 50) return undefined
  const [a, b] = [Math.floor(letters! / 10), letters! % 10]
  const text = 'b'.repeat(b) + 'a'.repeat(a)
  return `read(${number}) returned ${JSON.stringify(text)}, not "aaaaa" or nothing`
}

function wordOf(text: string): number {
  return Buffer.from(text.padEnd(4, '\0')).readInt32LE()
}

function count(text: string, letter: string): number {
  return text.split(letter).length - 1
}
