import type { Explained } from '../explained.ts'

export const explained: Explained[] = [
  {
    file: 'live-sessions.ts',
    function: 'end',
    was: 'this.#peers.delete(sessionId)',
    now: '',
    because:
      'Every peer that is closed leaves, and the last one takes the set along. Here it only happens sooner.',
  },
  {
    file: 'passwords.ts',
    function: 'parseHash',
    was: 'const [ln, r, p] = found.slice(1, 4).map(Number)',
    now: 'const [ln, r, p] = found.slice(1, 5).map(Number)',
    because: 'Three names take the first three of the four.',
  },
]
