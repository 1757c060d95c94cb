import type * as LedgerModule from '#code/05-shared-state/ledger.ts'
import type { Body, Scenario } from '../../harness/interleavings/scenario.ts'
import { scenario as transfer } from './05-transfer.ts'

/** A has 10, and two threads want to transfer 7 of it to B. */
export const scenario: Scenario = {
  threads: 2,
  words: transfer.words,
  initial: { 'A.balance': 10 },
  async prepare(code): Promise<Body> {
    const { Ledger }: typeof LedgerModule = await import(`${code}/05-shared-state/ledger.ts`)
    return (words, thread) => (new Ledger(words, 0, thread + 1).transfer(0, 1, 7) ? 1 : 0)
  },
  check([lockA, , balanceA, , lockB, , balanceB], [first, second]) {
    if (balanceA < 0) return `two transfers of 7 out of 10 were made: A has ${balanceA}`
    if (first! + second! !== 1)
      return `of two transfers of 7 out of 10, ${first! + second!} were made, not one`
    if (balanceA !== 3 || balanceB !== 7)
      return `one transfer of 7 was made: A has ${balanceA} and B ${balanceB}, not 3 and 7`
    return lockA === 0 && lockB === 0 ? undefined : 'a lock is still taken'
  },
}
