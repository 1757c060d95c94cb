/** A number that several threads increment: one word, changed in one access. */

import type { SharedWords } from './shared-words.ts'

/**
 * Adds one to the word and returns its new value: a different one to every caller, in every thread. (They are fewer
 * than 2³¹.)
 *
 * @step 05.1
 */
export function increment(words: SharedWords, index: number): number {
  // TODO 05.1
  throw new Error('TODO 05.1')
}
