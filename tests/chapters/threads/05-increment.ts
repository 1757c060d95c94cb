import type * as Counter from '#code/05-shared-state/counter.ts'
import type { Scenario } from '../../harness/interleavings/scenario.ts'

/** Two threads count the same word up, once each. */
export const scenario: Scenario = {
  threads: 2,
  words: ['visitors'],
  async prepare(code) {
    const { increment }: typeof Counter = await import(`${code}/05-shared-state/counter.ts`)
    return (words) => increment(words, 0)
  },
  check([visitors], results) {
    const [first, second] = results
    if (visitors !== 2) return `two visitors came, and visitors is ${visitors}: an update was lost`
    if (first === second) return `both visitors are number ${first}`
    const numbers = results.toSorted().join(' and ')
    return numbers === '1 and 2'
      ? undefined
      : `the visitors got the numbers ${numbers}, not 1 and 2`
  },
}
