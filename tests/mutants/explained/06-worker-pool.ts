import type { Explained } from '../explained.ts'

export const explained: Explained[] = [
  {
    file: 'worker-pool.ts',
    function: 'run',
    was: 'const cancel = () => this.#cancel(task, signal?.reason)',
    now: 'const cancel = () => this.#cancel(task, signal.reason)',
    because:
      'Only the signal calls it, so there is one. The `?` is for TypeScript, which cannot know.',
  },
  {
    file: 'worker-pool.ts',
    function: '#cancel',
    was: 'if (place >= 0 || thread) task.reject(reason)',
    now: 'if (true) task.reject(reason)',
    because:
      'A task that neither waits nor runs has settled, and rejecting it again changes nothing.',
  },
]
