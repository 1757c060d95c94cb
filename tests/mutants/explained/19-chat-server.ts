import type { Explained } from '../explained.ts'

export const explained: Explained[] = [
  {
    file: 'tls.ts',
    function: 'reload',
    was: 'this.#newest += 1',
    now: 'this.#newest += 2',
    because: 'The numbers of reloads are only compared: whatever rises will do.',
  },
  {
    file: 'tls.ts',
    function: 'reload',
    was: 'if (number > this.#current) {',
    now: 'if (number >= this.#current) {',
    because: 'No two reloads have the same number.',
  },
]
