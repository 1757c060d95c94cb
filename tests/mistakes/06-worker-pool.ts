import type { Mistake } from './mistake.ts'

const file = 'worker-pool.ts'

const DISPATCH = `    const free = this.#freeThread()
    if (free) this.#start(free, task)
    else if (this.#queue.length < this.#maxQueued) this.#queue.push(task)
    else this.#refuse(task)`

export const mistakes: Mistake[] = [
  {
    name: 'a-thread-for-each-job',
    step: '06.1',
    says: ['threads: 2, busy: 2, queued: 3'],
    edits: [
      {
        file,
        replace: DISPATCH,
        by: '    this.#start(this.#addThread(), task)\n    void this.#refuse',
      },
    ],
  },
  {
    name: 'answers-whoever-came-first',
    step: '06.1',
    says: ['"second" to be answered', 'Remember which task each thread works at'],
    edits: [
      {
        file,
        replace: '    const task = this.#threads.get(thread)\n    if (!task) return\n',
        by: '    const task = [...this.#threads.values()].find((other) => other !== undefined)\n    if (!task) return\n',
      },
    ],
  },
  {
    name: 'last-come-first-served',
    step: '06.1',
    says: ['"third" to be answered'],
    edits: [
      {
        file,
        replace: 'for (let next = this.#queue.shift(); next; next = this.#queue.shift())',
        by: 'for (let next = this.#queue.pop(); next; next = this.#queue.pop())',
      },
    ],
  },
  {
    name: 'an-error-keeps-its-thread',
    step: '06.1',
    says: ['"after" to be answered', 'is free, too'],
    edits: [
      {
        file,
        replace:
          "if ('error' in answer) task.reject(answer.error)\n    else task.resolve(answer.result)",
        by: "if ('error' in answer) return task.reject(answer.error)\n    task.resolve(answer.result)",
      },
    ],
  },
  {
    name: 'needs-a-signal',
    step: '06.1',
    says: ['threw', 'addEventListener'],
    edits: [
      {
        file,
        replace: "signal?.addEventListener('abort', cancel)",
        by: "signal!.addEventListener('abort', cancel)",
      },
    ],
  },
  {
    name: 'a-queue-without-an-end',
    step: '06.2',
    says: ['"one too many" to be rejected', 'maxQueued'],
    edits: [
      {
        file,
        replace:
          'else if (this.#queue.length < this.#maxQueued) this.#queue.push(task)\n    else this.#refuse(task)',
        by: 'else this.#queue.push(task)\n      void [this.#maxQueued, this.#refuse]',
      },
    ],
  },
  {
    name: 'one-place-too-few',
    step: '06.2',
    says: ['"one too many"', 'rejected: 1'],
    edits: [
      {
        file,
        replace: 'this.#queue.length < this.#maxQueued',
        by: 'this.#queue.length + 1 < this.#maxQueued',
      },
    ],
  },
  {
    name: 'refuses-with-any-error',
    step: '06.2',
    says: ['Reject with PoolBusy'],
    edits: [{ file, replace: 'task.reject(new PoolBusy())', by: "task.reject(new Error('busy'))" }],
  },
  {
    name: 'a-crash-leaves-its-caller-waiting',
    step: '06.3',
    says: ['nothing, so far', 'Reject the task that it worked at'],
    edits: [{ file, replace: 'task.reject(crash)\n', by: '' }],
  },
  {
    name: 'the-pool-shrinks-by-one-at-each-crash',
    step: '06.3',
    says: ['06.3'],
    edits: [
      {
        file,
        replace: 'task.reject(crash)\n    this.#replace(thread)',
        by: 'task.reject(crash)\n    this.#threads.delete(thread)',
      },
    ],
  },
  {
    name: 'the-new-thread-stands-idle',
    step: '06.3',
    says: ['The new thread must take the next job'],
    edits: [{ file, replace: '    this.#free(this.#addThread())', by: '    this.#addThread()' }],
  },
  {
    name: 'every-thread-has-a-task',
    step: '06.3',
    says: ["Cannot read properties of undefined (reading 'reject')"],
    edits: [
      {
        file,
        replace: '    if (!task) return void this.#threads.delete(thread)\n    task.reject',
        by: '    task!.reject',
      },
    ],
  },
  {
    name: 'starts-a-hopeless-script-for-ever',
    step: '06.3',
    says: ['no thread to be left', 'started for ever'],
    edits: [
      {
        file,
        replace: '    if (!task) return void this.#threads.delete(thread)\n    task.reject',
        by: '    task?.reject',
      },
    ],
  },
  {
    name: 'cancels-only-what-waits',
    step: '06.4',
    says: ['"running" to be rejected', 'Reject it at once'],
    edits: [
      {
        file,
        replace: 'if (thread) this.#replaceSoon(thread)\n    if (place >= 0 || thread)',
        by: 'if (place >= 0)',
      },
    ],
  },
  {
    name: 'rejects-and-lets-it-run',
    step: '06.4',
    says: ['"waiting" to be answered'],
    edits: [{ file, replace: 'if (thread) this.#replaceSoon(thread)\n', by: '' }],
  },
  {
    name: 'leaves-it-in-the-queue',
    step: '06.4',
    says: ['queued: 1', 'Only `waiting` waits'],
    edits: [{ file, replace: 'if (place >= 0) this.#queue.splice(place, 1)\n', by: '' }],
  },
  {
    name: 'counts-a-cancelled-thread-as-a-crash',
    step: '06.4',
    says: ['no crash'],
    edits: [
      {
        file,
        replace: 'if (thread) this.#replaceSoon(thread)\n    if',
        by: 'if (thread) thread.terminate()\n    if',
      },
    ],
  },
  {
    name: 'the-signal-remembers-every-job',
    step: '06.4',
    says: ['what listens to its signal to be 0', 'takes its listener off'],
    edits: [
      {
        file,
        replace: "return promise.finally(() => signal?.removeEventListener('abort', cancel))",
        by: 'return promise',
      },
    ],
  },
  {
    name: 'splices-at-minus-one',
    step: '06.4',
    says: ['"waiting" to be answered', 'takes the last one'],
    edits: [{ file, replace: 'if (place >= 0) this.#queue.splice', by: 'this.#queue.splice' }],
  },
  {
    name: 'takes-back-whatever-its-thread-does-now',
    step: '06.4',
    says: ['"after" to be answered', 'works at this very task'],
    edits: [
      {
        file,
        replace: 'const cancel = () => this.#cancel(task, signal?.reason)',
        by: 'const cancel = () => (free && this.#threads.has(free) ? (reject(signal?.reason), this.#replace(free)) : this.#cancel(task, signal?.reason))',
      },
      {
        file,
        replace: "return promise.finally(() => signal?.removeEventListener('abort', cancel))",
        by: 'return promise',
      },
    ],
  },
  {
    name: 'frees-a-thread-that-was-let-go',
    step: '06.4',
    says: ['"last" to be answered', 'not in #threads any more'],
    edits: [
      {
        file,
        replace: '    if (!task) return\n',
        by: '    if (!task) return this.#free(thread)\n',
      },
    ],
  },
  {
    name: 'close-cuts-what-runs',
    step: '06.5',
    says: ['"running" to be answered', 'What runs is not cut off'],
    edits: [
      {
        file,
        replace: '    if (this.stats().busy > 0) {\n      await',
        by: '    if (this.stats().busy < 0) {\n      await',
      },
    ],
  },
  {
    name: 'close-forgets-what-waits',
    step: '06.5',
    says: ['"waiting" to be answered'],
    edits: [
      {
        file,
        replace: '    this.#isClosing = true\n',
        by: '    this.#isClosing = true\n    this.#queue.length = 0\n',
      },
    ],
  },
  {
    name: 'only-the-last-caller-of-close-hears-of-it',
    step: '06.5',
    says: ['close() to resolve', 'Each caller of close() must hear it'],
    edits: [
      {
        file,
        replace: 'for (const resolve of this.#onDrained.splice(0)) resolve()',
        by: 'this.#onDrained.pop()?.()',
      },
    ],
  },
  {
    name: 'takes-jobs-while-it-closes',
    step: '06.5',
    says: ['"too late" to be rejected'],
    edits: [
      {
        file,
        replace: 'if (this.#isClosing) return Promise.reject(new PoolClosed())',
        by: 'void PoolClosed',
      },
    ],
  },
  {
    name: 'close-waits-for-the-queue-only',
    step: '06.5',
    says: ['"last" to be answered', 'any thread is busy'],
    edits: [
      { file, replace: 'if (this.stats().busy > 0) {', by: 'if (this.stats().queued > 0) {' },
    ],
  },
  {
    name: 'close-waits-for-what-has-been',
    step: '06.5',
    says: ['close() of a closed pool to resolve', 'wait only when a thread is busy'],
    edits: [{ file, replace: '    if (this.stats().busy > 0) {', by: '    {' }],
  },
  {
    name: 'close-does-not-wait-for-its-threads',
    step: '06.5',
    says: ['its thread to have ended by then', 'terminate() answers with a promise'],
    edits: [
      {
        file,
        replace: '    await Promise.all([...this.#alive].map((thread) => thread.terminate()))\n',
        by: '    for (const thread of this.#alive) thread.terminate()\n',
      },
    ],
  },
  {
    name: 'close-counts-its-threads-as-crashed',
    step: '06.5',
    says: ['has not crashed'],
    edits: [{ file, replace: '    this.#threads.clear()\n', by: '' }],
  },
  {
    name: 'a-second-close-returns-at-once',
    step: '06.5',
    says: ['the second call', 'also the second one'],
    edits: [
      {
        file,
        replace: '    this.#isClosing = true\n',
        by: '    if (this.#isClosing) return\n    this.#isClosing = true\n',
      },
    ],
  },
  {
    name: 'takes-nothing-for-an-error',
    step: '06.1',
    says: ['"empty" to be answered', 'not by its result'],
    edits: [
      {
        file,
        replace:
          "if ('error' in answer) task.reject(answer.error)\n    else task.resolve(answer.result)",
        by: "if ('result' in answer && answer.result !== undefined) task.resolve(answer.result)\n    else task.reject((answer as { error: unknown }).error)",
      },
    ],
  },
  {
    name: 'takes-an-error-that-is-nothing-for-a-result',
    step: '06.1',
    says: ['"vain" to be rejected', 'not by the value of the error'],
    edits: [
      {
        file,
        replace:
          "if ('error' in answer) task.reject(answer.error)\n    else task.resolve(answer.result)",
        by: 'const { result, error } = answer as { result: Result; error: unknown }\n    if (error) task.reject(error)\n    else task.resolve(result)',
      },
    ],
  },
  {
    name: 'run-throws-what-cannot-be-sent',
    step: '06.1',
    says: ['"a function" to be rejected', 'never throws'],
    edits: [
      {
        file,
        replace: '      task.reject(error)\n      return false\n',
        by: '      throw error\n',
      },
    ],
  },
  {
    name: 'sleeps-beside-what-cannot-be-sent',
    step: '06.1',
    says: ['"after" to be answered', 'it takes the next one'],
    edits: [
      {
        file,
        replace: '      if (this.#start(thread, next)) return\n',
        by: '      return void this.#start(thread, next)\n',
      },
    ],
  },
  {
    name: 'waits-for-the-thread-before-it-rejects',
    step: '06.4',
    says: ['"ended" to be rejected', 'do not wait for the thread'],
    edits: [
      {
        file,
        replace: '    if (place >= 0 || thread) task.reject(reason)',
        by: '    if (place >= 0 || (thread && this.#cancelGraceMs === 0)) task.reject(reason)',
      },
    ],
  },
  {
    name: 'replaces-its-thread-at-once',
    step: '06.4',
    says: ['the number of threads started', '#replaceSoon() waits'],
    edits: [
      {
        file,
        replace: 'if (thread) this.#replaceSoon(thread)',
        by: 'if (thread) this.#replace(thread)',
      },
    ],
  },
  {
    name: 'no-idle-limit',
    step: '06.6',
    says: ['Who has said nothing for 300 ms', 'socket.setTimeout'],
    edits: [{ hole: 'limitIdleness', by: 'void [socket, idleMs, owesAnswer]' }],
  },
  {
    name: 'waits-for-the-fin-of-who-says-nothing',
    step: '06.6',
    says: ['Close both directions'],
    edits: [{ replace: '    socket.destroySoon()\n', by: '    socket.end()\n' }],
  },
  {
    name: 'limits-the-visit',
    step: '06.6',
    says: ['idle'],
    cardVaries: true,
    edits: [
      {
        hole: 'limitIdleness',
        by: `setTimeout(() => {
    if (owesAnswer()) return
    socket.write('idle\\n')
    socket.destroySoon()
  }, idleMs)`,
      },
    ],
  },
  {
    name: 'limits-the-first-silence-only',
    step: '06.6',
    says: ['gus', 'not just for the first'],
    edits: [
      {
        replace: '  socket.setTimeout(idleMs)\n',
        by: "  socket.setTimeout(idleMs)\n  socket.once('data', () => socket.setTimeout(0))\n",
      },
    ],
  },
  {
    name: 'calls-idle-who-waits-for-us',
    step: '06.6',
    says: ['his thread keeps him waiting', 'Ask owesAnswer()'],
    edits: [
      {
        replace: '    if (owesAnswer()) return void socket.setTimeout(idleMs)\n',
        by: '    void owesAnswer\n',
      },
    ],
  },
  {
    name: 'stops-the-clock-when-an-answer-is-owed',
    step: '06.6',
    says: ['hal', 'must not stop for good'],
    edits: [
      {
        replace: '    if (owesAnswer()) return void socket.setTimeout(idleMs)\n',
        by: '    if (owesAnswer()) return void socket.setTimeout(0)\n',
      },
    ],
  },
  {
    name: 'waits-until-all-is-written',
    step: '06.6',
    says: ['ida takes no byte any more', 'is cut off'],
    edits: [
      {
        replace: '    if (socket.writableLength > 0) return void socket.destroy()\n',
        by: '',
      },
    ],
  },
  {
    name: 'leaves-a-timer-for-each-client',
    step: '06.6',
    says: ['keeps', 'cleared when its socket has closed'],
    edits: [
      {
        hole: 'limitIdleness',
        by: `let before = -1
  setInterval(() => {
    const moved = socket.bytesRead + socket.bytesWritten
    if (moved !== before) {
      before = moved
      return
    }
    if (socket.destroyed || (owesAnswer() && socket.writableLength === 0)) return
    if (socket.writableLength > 0) return void socket.destroy()
    socket.write('idle\\n')
    socket.destroySoon()
  }, idleMs)`,
      },
    ],
  },
]
