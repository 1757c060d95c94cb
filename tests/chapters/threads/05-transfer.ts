import type * as LedgerModule from '#code/05-shared-state/ledger.ts'
import type { Body, Scenario } from '../../harness/interleavings/scenario.ts'

const NAMES = ['lock', 'abandoned', 'balance', 'transfers']

/** Two accounts, and two threads that transfer between them, in opposite directions. */
export const scenario: Scenario = {
  threads: 2,
  words: ['A', 'B'].flatMap((account) => NAMES.map((name) => `${account}.${name}`)),
  initial: { 'A.balance': 10, 'B.balance': 10 },
  async prepare(code): Promise<Body> {
    const { Ledger }: typeof LedgerModule = await import(`${code}/05-shared-state/ledger.ts`)
    return (words, thread) => {
      const ledger = new Ledger(words, 0, thread + 1)
      return ledger.transfer(thread, 1 - thread, 1 + thread) ? 1 : 0
    }
  },
  check([lockA, , balanceA, transfersA, lockB, , balanceB, transfersB], [first, second]) {
    if (first !== 1 && second !== 1 && balanceA === 11 && balanceB === 9)
      return 'both transfers moved their money, and transfer() did not return true'
    if (first !== 1 || second !== 1) return 'a transfer that could be made was refused'
    if (balanceA + balanceB !== 20)
      return `money was made or lost: A has ${balanceA}, B has ${balanceB}`
    if (balanceA !== 11) return `A has ${balanceA} and B has ${balanceB}, not 11 and 9`
    if (transfersA !== 2 || transfersB !== 2)
      return `A counts ${transfersA} transfers and B ${transfersB}, not 2 each`
    return lockA === 0 && lockB === 0 ? undefined : 'a lock is still taken'
  },
}
