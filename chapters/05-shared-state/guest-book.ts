/**
 * A guest book that all threads write into: numbered entries of text, in shared memory.
 *
 * An entry is many words, so a reader could see half of one and half of another. The lock is what makes them whole.
 */

import { MUTEX_WORDS, Mutex } from './mutex.ts'
import type { SharedWords } from './shared-words.ts'

/** A longer text is cut. */
export const MAX_TEXT_BYTES = 64

/** The oldest entry gives way when there are more. */
export const MAX_ENTRIES = 256

const ENTRY_WORDS = 1 + MAX_TEXT_BYTES / 4
export const GUEST_BOOK_WORDS = MUTEX_WORDS + 1 + MAX_ENTRIES * ENTRY_WORDS

export class GuestBook {
  readonly #words: SharedWords
  readonly #count: number
  readonly #mutex: Mutex

  constructor(words: SharedWords, first: number, me: number) {
    this.#words = words
    this.#mutex = new Mutex(words, first, me)
    this.#count = first + MUTEX_WORDS
  }

  /**
   * Adds an entry and returns its number, from 1. Whole: nobody ever reads a part of it, or of two.
   *
   * @step 05.5
   */
  sign(text: string): number {
    // TODO 05.5
    throw new Error('TODO 05.5')
  }

  /**
   * The entry with that number, whole; `undefined` when there is none (any more).
   *
   * @step 05.5
   */
  read(number: number): string | undefined {
    // TODO 05.5
    throw new Error('TODO 05.5')
  }

  /** Its length in bytes, then four bytes a word. */
  #writeText(number: number, text: string): void {
    const bytes = Buffer.alloc(MAX_TEXT_BYTES)
    const length = bytes.write(text)
    const word = this.#wordOf(number)
    this.#words.store(word, length)
    for (let offset = 0; offset < length; offset += 4) {
      this.#words.store(word + 1 + offset / 4, bytes.readInt32LE(offset))
    }
  }

  #readText(number: number): string {
    const bytes = Buffer.alloc(MAX_TEXT_BYTES)
    const word = this.#wordOf(number)
    const length = this.#words.load(word)
    for (let offset = 0; offset < length; offset += 4) {
      bytes.writeInt32LE(this.#words.load(word + 1 + offset / 4), offset)
    }
    return bytes.toString('utf8', 0, length)
  }

  #wordOf(number: number): number {
    return this.#count + 1 + (number % MAX_ENTRIES) * ENTRY_WORDS
  }
}
