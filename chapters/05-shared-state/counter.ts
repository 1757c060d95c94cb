/** A number that several threads count up: one word, changed in one access. */

import type { SharedWords } from './shared-words.ts'

/**
 * Counts the word up by one and returns its new value: a different one to every caller, in every thread.
 *
 * @step 05.1
 */
export function increment(words: SharedWords, index: number): number {
  // TODO 05.1
  throw new Error('TODO 05.1')
}
