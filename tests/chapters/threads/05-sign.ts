import type * as GuestBookModule from '#code/05-shared-state/guest-book.ts'
import type { Scenario } from '../../harness/interleavings/scenario.ts'

const [COUNT, ENTRIES, ENTRY_WORDS] = [2, 4, 17]

/** Two threads sign at the same time: whole entries, a number each. */
export const scenario: Scenario = {
  threads: 2,
  words: [
    'lock',
    'abandoned',
    'count',
    'begun',
    ...Array.from({ length: 3 * ENTRY_WORDS }, (_, word) => nameOf(word)),
  ],
  async prepare(code) {
    const { GuestBook }: typeof GuestBookModule = await import(
      `${code}/05-shared-state/guest-book.ts`
    )
    return (words, thread) => new GuestBook(words, 0, thread + 1).sign('ab'[thread].repeat(5))
  },
  check(memory, [first, second]) {
    if (memory[COUNT] !== 2) return `two guests have signed, and count is ${memory[COUNT]}`
    if (first === second) return `both guests got number ${first}`
    if (first! + second! !== 3) return `the guests got numbers ${first} and ${second}, not 1 and 2`
    const texts = [1, 2].map((number) => textOf(memory, number)).sort()
    const isWhole = texts.join() === 'aaaaa,bbbbb'
    return isWhole
      ? undefined
      : `the entries read ${texts.map((text) => JSON.stringify(text)).join(' and ')}`
  },
}

function nameOf(word: number): string {
  const [entry, part] = [Math.floor(word / ENTRY_WORDS), word % ENTRY_WORDS]
  return part === 0 ? `length of ${entry}` : `text of ${entry}, ${part}`
}

export function textOf(memory: readonly number[], entry: number): string {
  const start = ENTRIES + entry * ENTRY_WORDS
  const bytes = Buffer.from(Int32Array.from(memory.slice(start + 1, start + ENTRY_WORDS)).buffer)
  return bytes.toString('latin1', 0, Math.max(0, memory[start]))
}
