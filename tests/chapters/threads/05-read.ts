import type * as GuestBookModule from '#code/05-shared-state/guest-book.ts'
import type { Scenario } from '../../harness/interleavings/scenario.ts'
import { scenario as sign } from './05-sign.ts'

/** The book is full: one thread signs entry 257 in the place of entry 1, which the other one reads meanwhile. */
export const scenario: Scenario = readWhileOverwritten(1)

/** Entry `oldest` gives way to the one that is 256 later, while one of the two is read. */
export function readWhileOverwritten(oldest: number, reads: 'old' | 'new' = 'old'): Scenario {
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
        if (thread === 0) return book.sign('bbbbb')
        return lettersIn(book.read(reads === 'old' ? oldest : newest))
      }
    },
    check([lock], [number, seen]) {
      if (lock !== 0) return `both have left, and lock is ${lock}, not 0`
      if (number !== newest) return `entry ${newest} got number ${number}`
      if (reads === 'old') return tornEntry(oldest, seen)
      const isWhole = seen === GONE || seen === 5
      return isWhole
        ? undefined
        : `read(${newest}) returned ${lettersOf(seen!)}, not "bbbbb" or nothing`
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
  return `read(${number}) returned ${lettersOf(letters!)}, not "aaaaa" or nothing`
}

function lettersOf(letters: number): string {
  return JSON.stringify('b'.repeat(letters % 10) + 'a'.repeat(Math.floor(letters / 10)))
}

function wordOf(text: string): number {
  return Buffer.from(text.padEnd(4, '\0')).readInt32LE()
}

function count(text: string, letter: string): number {
  return text.split(letter).length - 1
}
