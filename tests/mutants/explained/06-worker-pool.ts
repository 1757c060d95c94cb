import type { Explained } from '../explained.ts'

export const explained: Explained[] = [
  {
    file: 'worker-pool.ts',
    function: '#cancel',
    was: 'if (place >= 0 || thread) task.reject(reason)',
    now: 'if (true) task.reject(reason)',
    because:
      'A task that neither waits nor runs has settled, and rejecting it again changes nothing.',
  },
]
