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
  {
    file: 'server.ts',
    function: 'limitIdleness',
    was: 'if (socket.writableLength > 0) return void socket.destroy()',
    now: 'if (socket.writableLength > 1) return void socket.destroy()',
    because:
      'Node counts a reply whole until the kernel has taken it. Exactly one byte waits only when an empty reply meets a send buffer that the replies before it have filled to the last byte; no client can choose that.',
  },
  {
    file: 'server.ts',
    function: 'limitIdleness',
    was: "if (!socket.writableEnded) socket.write('idle\\n')",
    now: "if (true) socket.write('idle\\n')",
    because:
      'Node sends nothing behind a FIN: it reports an error, to a thread that has ended by then, and destroys the socket, as the next line does.',
  },
]
