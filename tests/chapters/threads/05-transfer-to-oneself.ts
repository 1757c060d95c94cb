import type * as LedgerModule from '#code/05-shared-state/ledger.ts'
import type { Body, Scenario } from '../../harness/interleavings/scenario.ts'

/** One account, and one thread that transfers from it to itself. */
export const scenario: Scenario = {
  threads: 1,
  words: ['A.lock', 'A.abandoned', 'A.balance', 'A.transfers'],
  initial: { 'A.balance': 10 },
  async prepare(code): Promise<Body> {
    const { Ledger }: typeof LedgerModule = await import(`${code}/05-shared-state/ledger.ts`)
    return (words, thread) => (new Ledger(words, 0, thread + 1).transfer(0, 0, 1) ? 1 : 0)
  },
  check([lock, , balance, transfers], [answer]) {
    if (answer !== 0) return 'a transfer from A to A was made'
    if (balance !== 10 || transfers !== 0)
      return `a refused transfer has changed A: balance ${balance}, transfers ${transfers}`
    return lock === 0 ? undefined : 'the lock is still taken'
  },
}
