/** Transfers of chapter 05 between two accounts, made by one thread alone. */

import type { Stage } from '../../judge/step.ts'

/** What is there can be moved to the last coin, and what is refused changes nothing. */
export async function expectBalancesKept({ load, expectSame }: Stage): Promise<void> {
  const { Ledger } = await load(() => import('#code/05-shared-state/ledger.ts'))
  const { AtomicWords } = await load(() => import('#code/05-shared-state/shared-words.ts'))
  const words = new AtomicWords(new SharedArrayBuffer(1024))
  const ledger = new Ledger(words, 0, 1)
  words.store(2, 10)
  const expectAccounts = (
    what: string,
    balances: number[],
    transfers: number,
    reason: { because: string; likely?: string },
  ) => {
    const expected = balances.map((balance) => ({ balance, transfers }))
    expectSame(what, [ledger.read(0), ledger.read(1)], expected, reason)
  }
  expectSame('a transfer of 4 out of 10', ledger.transfer(0, 1, 4), true, {
    because: 'The account has enough.',
  })
  expectSame('a transfer of 7 out of 6', ledger.transfer(0, 1, 7), false, {
    because: 'The account does not have enough, and no balance may go below 0.',
  })
  const isCounted = [0, 1].some((account) => ledger.read(account).transfers > 1)
  expectAccounts('the two accounts', [6, 4], 1, {
    because:
      'The refused transfer has changed nothing, and the one that was made is counted in both accounts.',
    likely: isCounted
      ? 'Count only after the balance was found to be enough, inside both locks.'
      : undefined,
  })
  expectSame('a transfer of 6 out of 6', ledger.transfer(0, 1, 6), true, {
    because: 'The account has just enough: its balance is 0 afterwards, and that is allowed.',
    likely: 'Refuse when the balance is less than the amount, not when they are equal.',
  })
  expectSame('a transfer of 11 out of 10 back', ledger.transfer(1, 0, 11), false, {
    because: 'The account does not have enough, whether `from` is the lower or the higher number.',
    likely:
      'Only the locks are taken in the order of the numbers. `from` stays the account that pays, so check its balance.',
    look: 'transfer()',
  })
  expectAccounts('the two accounts afterwards', [0, 10], 2, {
    because: 'The refused transfer has changed nothing.',
  })
}
