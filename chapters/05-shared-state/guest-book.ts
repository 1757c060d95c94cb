/**
 * A guest book that all threads write into: numbered entries of text, in shared memory.
 *
 * An entry is many words, so a reader could see half of one and half of another. With the lock, readers see only whole
 * entries, even if a thread dies while it writes.
 */

import { MUTEX_WORDS, Mutex } from './mutex.ts'
import type { SharedWords } from './shared-words.ts'

/** Longer texts are cut. */
export const MAX_TEXT_BYTES = 64

/** When there are more, the newest is written over the oldest. */
export const MAX_ENTRIES = 256

const ENTRY_WORDS = 1 + MAX_TEXT_BYTES / 4
export const GUEST_BOOK_WORDS = MUTEX_WORDS + 2 + MAX_ENTRIES * ENTRY_WORDS

/** In place of a length: the entry was overwritten in part, and cannot be read. */
const TORN = -1

export class GuestBook {
  readonly #words: SharedWords
  /** The words that hold how many entries have been written (fewer than 2³¹), and which number was begun last. */
  readonly #count: number
  readonly #begun: number
  readonly #mutex: Mutex

  constructor(words: SharedWords, first: number, me: number) {
    this.#words = words
    this.#mutex = new Mutex(words, first, me)
    this.#count = first + MUTEX_WORDS
    this.#begun = this.#count + 1
  }

  /**
   * Adds an entry and returns its number; the first is 1. Nobody ever reads part of an entry, or parts of two. The
   * count is stored last: an entry that is counted is whole.
   *
   * @step 05.5
   */
  sign(text: string): number {
    // TODO 05.5
    throw new Error('TODO 05.5')
  }

  /**
   * Returns the whole entry with that number, or `undefined` when there is none (any more).
   *
   * @step 05.5
   */
  read(number: number): string | undefined {
    // TODO 05.5
    throw new Error('TODO 05.5')
  }

  /** For the main thread to call after that thread has ended, perhaps while it wrote or read. */
  threadEnded(thread: number): void {
    this.#mutex.threadEnded(thread)
  }

  /** Runs `body` under the lock, on a book in which every entry is whole or marked as torn. */
  #withBook<T>(body: () => T): T {
    return this.#mutex.withLock(() => {
      if (this.#mutex.isAbandoned) this.#repair()
      return body()
    })
  }

  /**
   * Repairs the book after a thread has died with the lock. If that thread had begun an entry and not counted it, that
   * entry's place holds parts of two entries and is marked as `TORN`. Afterwards the lock is consistent.
   *
   * The repair itself may be cut short at any point; then the next owner repeats it.
   *
   * @step 05.6
   */
  #repair(): void {
    // TODO 05.6
    throw new Error('TODO 05.6')
  }

  /** Stores the number in `begun`, then the length in bytes, then the text, four bytes a word. */
  #writeText(number: number, text: string): void {
    const bytes = Buffer.alloc(MAX_TEXT_BYTES)
    const length = bytes.write(text)
    const word = this.#wordOf(number)
    this.#words.store(this.#begun, number)
    this.#words.store(word, length)
    for (let offset = 0; offset < length; offset += 4) {
      this.#words.store(word + 1 + offset / 4, bytes.readInt32LE(offset))
    }
  }

  /** Returns the entry's text, or `undefined` when the entry is torn. */
  #readText(number: number): string | undefined {
    const bytes = Buffer.alloc(MAX_TEXT_BYTES)
    const word = this.#wordOf(number)
    const length = this.#words.load(word)
    if (length === TORN) return undefined
    for (let offset = 0; offset < length; offset += 4) {
      bytes.writeInt32LE(this.#words.load(word + 1 + offset / 4), offset)
    }
    return bytes.toString('utf8', 0, length)
  }

  #wordOf(number: number): number {
    return this.#begun + 1 + (number % MAX_ENTRIES) * ENTRY_WORDS
  }
}
