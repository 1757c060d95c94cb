/** The counter one writes first, and what measurement 05 compares with. */

import type { SharedWords } from '../../solutions/05-shared-state/shared-words.ts'

export function increment(words: SharedWords, index: number): number {
  const value = words.load(index) + 1
  words.store(index, value)
  return value
}
