import type * as Counter from '#code/05-shared-state/counter.ts'
import type { Scenario } from '../../harness/interleavings/scenario.ts'

/** Two threads count the same word up, twice each: each may be overtaken twice. */
export const scenario: Scenario = {
  threads: 2,
  words: ['visitors'],
  async prepare(code) {
    const { increment }: typeof Counter = await import(`${code}/05-shared-state/counter.ts`)
    return (words) => 10 * increment(words, 0) + increment(words, 0)
  },
  check([visitors], results) {
    if (visitors !== 4) return `four visitors came, and visitors is ${visitors}: an update was lost`
    const numbers = results.map((pair) => [Math.floor(pair! / 10), pair! % 10])
    return numbers.flat().toSorted().join() === '1,2,3,4'
      ? undefined
      : `the visitors got the numbers ${numbers.map((pair) => pair.join(', ')).join(' and ')}`
  },
}
