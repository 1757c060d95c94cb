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
]
