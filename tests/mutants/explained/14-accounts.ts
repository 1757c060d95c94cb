import type { Explained } from '../explained.ts'

export const explained: Explained[] = [
  {
    file: 'passwords.ts',
    function: 'parseHash',
    was: 'const [ln, r, p] = found.slice(1, 4).map(Number)',
    now: 'const [ln, r, p] = found.slice(1, 5).map(Number)',
    because: 'Three names take the first three of the four.',
  },
]
