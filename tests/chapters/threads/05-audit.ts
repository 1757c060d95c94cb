import type * as LedgerModule from '#code/05-shared-state/ledger.ts'
import type * as MutexModule from '#code/05-shared-state/mutex.ts'
import type { Body, Scenario } from '../../harness/interleavings/scenario.ts'

const NAMES = ['lock', 'abandoned', 'balance', 'transfers']

/** A balance has changed, and the number of transfers has not. */
const [UNCOUNTED, UNCHANGED] = [-1, -2]

/** One thread transfers; the other one adds both balances up, first with the lock of B, then with that of A. */
export const scenario: Scenario = {
  threads: 2,
  limits: { runs: 240, samples: 40 },
  words: ['A', 'B'].flatMap((account) => NAMES.map((name) => `${account}.${name}`)),
  initial: { 'A.balance': 10, 'B.balance': 10 },
  async prepare(code): Promise<Body> {
    const { Ledger }: typeof LedgerModule = await import(`${code}/05-shared-state/ledger.ts`)
    const { Mutex }: typeof MutexModule = await import(`${code}/05-shared-state/mutex.ts`)
    return (words, thread) => {
      if (thread === 0) return new Ledger(words, 0, 1).transfer(0, 1, 1) ? 1 : 0
      const sums = [4, 0].map((account) =>
        // One lock is enough to keep transfers out, for each of them takes both.
        new Mutex(words, account, 2).withLock(() => {
          const balances = [words.load(2), words.load(6)]
          const [a, b] = balances
          const hasChanged = balances[account / 4] !== 10
          const isCounted = words.load(account + 3) > 0
          if (a + b !== 20 || hasChanged === isCounted) return a + b
          return hasChanged ? UNCOUNTED : UNCHANGED
        }),
      )
      return sums.find((sum) => sum !== 20) ?? 20
    }
  },
  check(_memory, [transfer, sum]) {
    if (transfer !== 1) return 'a transfer that could be made was refused'
    if (sum === UNCOUNTED)
      return 'whoever holds the lock of an account finds its balance changed, and not the number of its transfers'
    if (sum === UNCHANGED)
      return 'whoever holds the lock of an account finds the number of its transfers changed, and not its balance'
    return sum === 20
      ? undefined
      : `whoever holds the lock of one account finds ${sum} in both, not 20: half a transfer`
  },
}
