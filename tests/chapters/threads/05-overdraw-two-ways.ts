import type * as LedgerModule from '#code/05-shared-state/ledger.ts'
import type { Body, Scenario } from '../../harness/interleavings/scenario.ts'

const NAMES = ['lock', 'abandoned', 'balance', 'transfers']

/** B has 10. One thread wants to transfer 7 of it to A, the other one 7 of it to C: two pairs of locks that share B's. */
export const scenario: Scenario = {
  threads: 2,
  words: ['A', 'B', 'C'].flatMap((account) => NAMES.map((name) => `${account}.${name}`)),
  initial: { 'B.balance': 10 },
  async prepare(code): Promise<Body> {
    const { Ledger }: typeof LedgerModule = await import(`${code}/05-shared-state/ledger.ts`)
    return (words, thread) => (new Ledger(words, 0, thread + 1).transfer(1, 2 * thread, 7) ? 1 : 0)
  },
  check(memory, [first, second]) {
    const [a, b, c] = [memory[2], memory[6], memory[10]]
    if (first! + second! !== 1)
      return `B had 10, and of 7 for A and 7 for C ${first! + second!} were made, not one: A has ${a}, B ${b}, C ${c}`
    const [paid, other] = first === 1 ? [a, c] : [c, a]
    if (b !== 3 || paid !== 7 || other !== 0)
      return `B had 10 and gave 7 to ${first === 1 ? 'A' : 'C'}: A has ${a}, B ${b}, C ${c}`
    return memory[0] === 0 && memory[4] === 0 && memory[8] === 0
      ? undefined
      : 'a lock is still taken'
  },
}
