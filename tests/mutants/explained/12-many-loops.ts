import type { Explained } from '../explained.ts'

export const explained: Explained[] = [
  {
    file: 'choose.ts',
    function: 'leastBusy',
    was: 'return loops.reduce((best, loop) => (loop.connections < best.connections ? loop : best))',
    now: 'return loops.reduce((best, loop) => (loop.connections <= best.connections ? loop : best))',
    because:
      'Of loops with equally few connections any one is right: here the last, there the first.',
  },
]
