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
    says: ['"second" to be answered', 'Settle the task that #threads has'],
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
    says: ['onStart', 'from the wrong end'],
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
    says: ['no promise: run() threw', 'so is the signal in them'],
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
    says: ['"one too many 1" to be rejected', '#refuse(task)'],
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
    says: ['queued: 2', 'rejected: 1'],
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
    says: ['nothing, so far', 'Reject the task of the thread that has ended'],
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
    says: ['no thread to be left', 'delete the thread'],
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
    step: '06.5',
    says: ['"running" to be rejected', 'find the thread that works on this task'],
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
    step: '06.5',
    says: ['"waiting" to be answered', 'It still waits'],
    edits: [{ file, replace: 'if (thread) this.#replaceSoon(thread)\n', by: '' }],
  },
  {
    name: 'leaves-it-in-the-queue',
    step: '06.4',
    says: ['queued: 4', 'no more and no less'],
    edits: [{ file, replace: 'if (place >= 0) this.#queue.splice(place, 1)\n', by: '' }],
  },
  {
    name: 'counts-a-cancelled-thread-as-a-crash',
    step: '06.5',
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
    says: ['the number of listeners on the signal', 'remove the very function'],
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
    step: '06.5',
    says: ['"waiting" to be answered', 'takes the last one'],
    edits: [{ file, replace: 'if (place >= 0) this.#queue.splice', by: 'this.#queue.splice' }],
  },
  {
    name: 'takes-back-whatever-its-thread-does-now',
    step: '06.4',
    says: ['the number of listeners on the signal'],
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
    step: '06.5',
    says: ['"final" to be answered', 'not in #threads any more'],
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
    step: '06.6',
    says: ['"running" to be answered', 'A job that runs is not cut off'],
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
    step: '06.6',
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
    step: '06.6',
    says: ['every call of close() to resolve', 'Each call of close() puts its own resolve there'],
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
    step: '06.6',
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
    step: '06.6',
    says: ['"last" to be answered', 'any thread is busy'],
    edits: [
      { file, replace: 'if (this.stats().busy > 0) {', by: 'if (this.stats().queued > 0) {' },
    ],
  },
  {
    name: 'close-waits-for-what-has-been',
    step: '06.6',
    says: ['to resolve', 'wait for that only while a thread is busy'],
    edits: [{ file, replace: '    if (this.stats().busy > 0) {', by: '    {' }],
  },
  {
    name: 'close-does-not-wait-for-its-threads',
    step: '06.6',
    says: ['the threads left as each call', 'terminate() returns a promise'],
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
    step: '06.6',
    says: ['has not crashed'],
    edits: [{ file, replace: '    this.#threads.clear()\n', by: '' }],
  },
  {
    name: 'a-second-close-returns-at-once',
    step: '06.6',
    says: ['the second call', 'even the second one'],
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
    says: ['"empty" to be answered', 'says whether the job threw'],
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
    says: ['"vain" to be rejected', 'says whether the job threw'],
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
    says: ['"a function" to be rejected', 'throws nothing itself'],
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
    step: '06.5',
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
    step: '06.5',
    says: ['queued: 1', '#replaceSoon() gives the thread its grace'],
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
    step: '06.7',
    says: ['within idleMs', 'none', 'sets a timer'],
    edits: [{ hole: 'limitIdleness', by: 'void [socket, idleMs, owesAnswer]' }],
  },
  {
    name: 'counts-only-what-comes-in',
    step: '06.7',
    says: ['since his answer', 'with every byte, in or out'],
    edits: [
      {
        hole: 'limitIdleness',
        by: `const timer = setTimeout(() => {
    if (socket.writableLength > 0) return void socket.destroy()
    if (owesAnswer()) return void timer.refresh()
    if (!socket.writableEnded) socket.write('idle\\n')
    socket.destroySoon()
  }, idleMs)
  socket.on('data', () => timer.refresh())
  socket.once('close', () => clearTimeout(timer))`,
      },
    ],
  },
  {
    name: 'close-clears-the-graces',
    step: '06.6',
    says: ['close() to resolve', 'go on while the pool closes'],
    edits: [
      {
        file,
        replace: '    this.#isClosing = true\n',
        by: '    this.#isClosing = true\n    for (const timer of this.#graces.values()) clearTimeout(timer)\n',
      },
    ],
  },
  {
    name: 'no-grace-while-it-closes',
    step: '06.6',
    says: ['close() to resolve', 'go on while the pool closes'],
    edits: [
      {
        file,
        replace: '    if (thread) this.#replaceSoon(thread)\n',
        by: '    if (thread && !this.#isClosing) this.#replaceSoon(thread)\n',
      },
    ],
  },
  {
    name: 'waits-for-the-fin-of-who-says-nothing',
    step: '06.7',
    says: ['closes both directions'],
    edits: [{ replace: '    socket.destroySoon()\n', by: '    socket.end()\n' }],
  },
  {
    name: 'limits-the-visit',
    step: '06.7',
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
    step: '06.7',
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
    step: '06.7',
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
    step: '06.7',
    says: ['hal', 'must not stop forever'],
    edits: [
      {
        replace: '    if (owesAnswer()) return void socket.setTimeout(idleMs)\n',
        by: '    if (owesAnswer()) return void socket.setTimeout(0)\n',
      },
    ],
  },
  {
    name: 'waits-until-all-is-written',
    step: '06.7',
    says: ['ida has stopped reading', 'is cut off'],
    edits: [
      {
        replace: '    if (socket.writableLength > 0) return void socket.destroy()\n',
        by: '',
      },
    ],
  },
  {
    name: 'leaves-a-timer-for-each-client',
    step: '06.7',
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
  {
    name: 'forgets-the-options',
    step: '06.1',
    says: ['onStart', 'carries the options'],
    edits: [
      {
        file,
        replace: 'const task = { job, options, resolve, reject }',
        by: 'const task = { job, options: {}, resolve, reject }',
      },
    ],
  },
  {
    name: 'queues-what-was-rejected',
    step: '06.1',
    says: ['queued: 0', 'do not queue it'],
    edits: [
      {
        file,
        replace: 'if (free) this.#start(free, task)',
        by: 'if (free && this.#start(free, task)) return promise',
      },
    ],
  },
  {
    name: 'wraps-what-a-job-throws',
    step: '06.1',
    says: ['"no" to be rejected', 'answer.error itself'],
    edits: [
      {
        file,
        replace: 'task.reject(answer.error)',
        by: 'task.reject(new Error(String(answer.error)))',
      },
    ],
  },
  {
    name: 'starts-a-new-thread-behind-each-job',
    step: '06.1',
    says: ['the two threads to have done all the jobs'],
    edits: [{ file, replace: '    this.#free(thread)\n  }', by: '    this.#replace(thread)\n  }' }],
  },
  {
    name: 'looks-at-the-queue-before-the-threads',
    step: '06.2',
    says: ['"served 1" to be answered', 'Look for a free thread first'],
    edits: [
      {
        file,
        replace: 'if (free) this.#start(free, task)',
        by: 'if (this.#queue.length >= this.#maxQueued) this.#refuse(task)\n    else if (free) this.#start(free, task)',
      },
    ],
  },
  {
    name: 'once-full-always-full',
    step: '06.2',
    says: ['rejected: 2'],
    edits: [
      {
        file,
        replace: 'else if (this.#queue.length < this.#maxQueued) this.#queue.push(task)',
        by: "else if (!('isFull' in this) && this.#queue.length < this.#maxQueued) this.#queue.push(task)",
      },
      {
        file,
        replace: 'else this.#refuse(task)',
        by: 'else {\n      Object.assign(this, { isFull: true })\n      this.#refuse(task)\n    }',
      },
    ],
  },
  {
    name: 'counts-what-runs-as-waiting',
    step: '06.2',
    says: ['queued: 2, rejected: 1'],
    edits: [
      {
        file,
        replace: 'this.#queue.length < this.#maxQueued',
        by: 'this.#queue.length + this.stats().busy <= this.#maxQueued',
      },
    ],
  },
  {
    name: 'throws-when-it-is-full',
    step: '06.2',
    says: ['no promise: run() threw', 'throws nothing itself'],
    edits: [
      {
        file,
        replace: 'else this.#refuse(task)',
        by: 'else {\n      this.#rejected += 1\n      throw new PoolBusy()\n    }\n    void this.#refuse',
      },
    ],
  },
  {
    name: 'refuses-the-one-that-waits-longest',
    step: '06.2',
    says: ['"one too many 1" to be rejected', 'Another job was refused in its place'],
    edits: [
      {
        file,
        replace: 'else this.#refuse(task)',
        by: 'else {\n      this.#refuse(this.#queue.shift()!)\n      this.#queue.push(task)\n    }',
      },
    ],
  },
  {
    name: 'remembers-a-dead-thread',
    step: '06.3',
    says: ['no thread to be left', 'delete the thread from #threads'],
    edits: [
      {
        file,
        hole: '#onExit',
        by: `    const task = this.#threads.get(thread)
    if (!task) return
    this.#crashed += 1
    task.reject(crash)
    this.#replace(thread)`,
      },
    ],
  },
  {
    name: 'a-crash-costs-the-whole-queue',
    step: '06.3',
    says: ['"next 1" to be answered', 'this one was waiting'],
    edits: [
      {
        file,
        hole: '#onExit',
        by: `    if (!this.#threads.has(thread)) return
    this.#crashed += 1
    const task = this.#threads.get(thread)
    if (!task) return void this.#threads.delete(thread)
    for (const lost of [task, ...this.#queue.splice(0)]) lost.reject(crash)
    this.#replace(thread)`,
      },
    ],
  },
  {
    name: 'a-crash-costs-every-job-that-runs',
    step: '06.3',
    says: ['"steady" to be answered', 'only its task'],
    edits: [
      {
        file,
        hole: '#onExit',
        by: `    if (!this.#threads.has(thread)) return
    this.#crashed += 1
    const task = this.#threads.get(thread)
    if (!task) return void this.#threads.delete(thread)
    for (const lost of this.#threads.values()) lost?.reject(crash)
    this.#replace(thread)`,
      },
    ],
  },
  {
    name: 'tries-the-job-again',
    step: '06.3',
    says: ['"crash 1" to be rejected', 'Reject the task'],
    edits: [
      {
        file,
        hole: '#onExit',
        by: `    if (!this.#threads.has(thread)) return
    this.#crashed += 1
    const task = this.#threads.get(thread)
    if (!task) return void this.#threads.delete(thread)
    void crash
    this.#queue.unshift(task)
    this.#replace(thread)`,
      },
    ],
  },
  {
    name: 'says-what-it-thinks',
    step: '06.3',
    says: ['Reject with `crash` itself'],
    edits: [
      {
        file,
        hole: '#onExit',
        by: `    if (!this.#threads.has(thread)) return
    this.#crashed += 1
    const task = this.#threads.get(thread)
    if (!task) return void this.#threads.delete(thread)
    const isLoaded = String(crash).includes('in the middle')
    task.reject(isLoaded ? crash : new Error('a thread ended'))
    this.#replace(thread)`,
      },
    ],
  },
  {
    name: 'takes-out-whoever-is-first',
    step: '06.4',
    says: ['"front" to be answered', 'neither the first nor the last'],
    edits: [{ file, replace: 'this.#queue.splice(place, 1)', by: 'this.#queue.shift()' }],
  },
  {
    name: 'takes-out-all-behind-it',
    step: '06.4',
    says: ['queued: 4', 'splice(place, 1)'],
    edits: [{ file, replace: 'this.#queue.splice(place, 1)', by: 'this.#queue.splice(place)' }],
  },
  {
    name: 'puts-the-last-in-its-place',
    step: '06.4',
    says: ['order in which they ended', 'leaves the others'],
    edits: [
      {
        file,
        replace: 'if (place >= 0) this.#queue.splice(place, 1)',
        by: 'if (place >= 0) this.#queue.splice(place, 1, ...this.#queue.splice(-1))',
      },
    ],
  },
  {
    name: 'has-a-reason-of-its-own',
    step: '06.4',
    says: ['"inside" to be rejected', 'signal.reason'],
    edits: [
      {
        file,
        replace: 'this.#cancel(task, signal?.reason)',
        by: "this.#cancel(task, new DOMException('aborted', 'AbortError'))",
      },
    ],
  },
  {
    name: 'stops-listening-only-after-success',
    step: '06.4',
    says: ['has thrown', 'finally(), not then()'],
    edits: [
      {
        file,
        replace: "return promise.finally(() => signal?.removeEventListener('abort', cancel))",
        by: "return promise.then((result) => {\n      signal?.removeEventListener('abort', cancel)\n      return result\n    })",
      },
    ],
  },
  {
    name: 'one-listener-for-each-signal',
    step: '06.4',
    says: ['"first" to be rejected', 'signal.onabort has room for one'],
    edits: [
      {
        file,
        replace: "signal?.addEventListener('abort', cancel)",
        by: 'if (signal) signal.onabort = cancel',
      },
      {
        file,
        replace: "return promise.finally(() => signal?.removeEventListener('abort', cancel))",
        by: 'return promise.finally(() => {\n      if (signal?.onabort === cancel) signal.onabort = null\n    })',
      },
    ],
  },
  {
    name: 'waits-for-an-event-that-has-been',
    step: '06.4',
    says: ['"unborn" to be rejected', 'look at signal.aborted first'],
    edits: [
      { file, replace: 'if (signal?.aborted) return Promise.reject(signal.reason)\n', by: '' },
    ],
  },
  {
    name: 'takes-any-thread-that-is-busy',
    step: '06.5',
    says: ['"steady" to be answered', 'this very task'],
    edits: [
      {
        file,
        replace: 'find((thread) => this.#threads.get(thread) === task)',
        by: 'find((thread) => place < 0 && this.#threads.get(thread))',
      },
    ],
  },
  {
    name: 'a-timer-is-left-for-its-next-job',
    step: '06.5',
    says: ['no timer to be left', 'which clears it'],
    edits: [
      {
        file,
        replace: 'if (thread) this.#replaceSoon(thread)',
        by: 'if (thread && this.#cancelGraceMs === 0) this.#replace(thread)\n    else if (thread) setTimeout(() => this.#replace(thread), this.#cancelGraceMs)',
      },
    ],
  },
  {
    name: 'frees-a-thread-that-works',
    step: '06.5',
    says: ['busy: 1', 'when it has answered'],
    edits: [
      {
        file,
        replace: 'if (thread) this.#replaceSoon(thread)',
        by: 'if (thread && this.#cancelGraceMs > 0) this.#free(thread)\n    else if (thread) this.#replace(thread)',
      },
    ],
  },
  {
    name: 'waits-for-the-end-in-any-case',
    step: '06.5',
    says: ['"next" to be answered', 'whatever the grace is'],
    edits: [
      {
        file,
        replace: 'if (thread) this.#replaceSoon(thread)',
        by: 'if (thread && this.#cancelGraceMs === 0) this.#replace(thread)',
      },
    ],
  },
  {
    name: 'a-second-close-waits-for-no-thread',
    step: '06.6',
    says: ['the threads left as each call', 'even a late one'],
    edits: [
      {
        file,
        hole: 'close',
        by: `    if (this.#isClosing) {
      if (this.stats().busy > 0) await new Promise<void>((resolve) => this.#onDrained.push(resolve))
      return
    }
    this.#isClosing = true
    if (this.stats().busy > 0) await new Promise<void>((resolve) => this.#onDrained.push(resolve))
    this.#threads.clear()
    await Promise.all([...this.#alive].map((thread) => thread.terminate()))`,
      },
    ],
  },
  {
    name: 'ends-only-threads-it-knows',
    step: '06.6',
    says: ['the threads left as each call', 'each thread in #alive'],
    edits: [
      {
        file,
        hole: 'close',
        by: `    this.#isClosing = true
    if (this.stats().busy > 0) await new Promise<void>((resolve) => this.#onDrained.push(resolve))
    const threads = [...this.#threads.keys()]
    this.#threads.clear()
    await Promise.all(threads.map((thread) => thread.terminate()))`,
      },
    ],
  },
  {
    name: 'forgets-whoever-was-replaced',
    step: '06.6',
    says: ['the threads left when close() resolved', '#alive holds every thread'],
    edits: [
      {
        file,
        hole: 'close',
        by: `    this.#isClosing = true
    if (this.stats().busy > 0) await new Promise<void>((resolve) => this.#onDrained.push(resolve))
    const threads = [...this.#threads.keys()]
    this.#threads.clear()
    const ending = Promise.all(threads.map((thread) => thread.terminate()))
    if (threads.length > 0) Object.assign(this, { ending })
    await (this as never as { ending: Promise<unknown> }).ending`,
      },
    ],
  },
  {
    name: 'looks-for-its-threads-too-early',
    step: '06.6',
    says: ['the threads that are left', 'not earlier'],
    edits: [
      {
        file,
        hole: 'close',
        by: `    this.#isClosing = true
    const threads = [...this.#alive]
    if (this.stats().busy > 0) await new Promise<void>((resolve) => this.#onDrained.push(resolve))
    this.#threads.clear()
    await Promise.all(threads.map((thread) => thread.terminate()))`,
      },
    ],
  },
  {
    name: 'asks-again-and-again',
    step: '06.6',
    says: ['close() to wait without polling', '#onDrained'],
    edits: [
      {
        file,
        hole: 'close',
        by: `    this.#isClosing = true
    while (this.stats().busy > 0) await new Promise((resolve) => setTimeout(resolve, 5))
    this.#threads.clear()
    await Promise.all([...this.#alive].map((thread) => thread.terminate()))`,
      },
    ],
  },
  {
    name: 'opens-again-in-the-end',
    step: '06.6',
    says: ['"far too late" to be rejected'],
    edits: [
      {
        file,
        hole: 'close',
        by: `    this.#isClosing = true
    if (this.stats().busy > 0) await new Promise<void>((resolve) => this.#onDrained.push(resolve))
    this.#threads.clear()
    await Promise.all([...this.#alive].map((thread) => thread.terminate()))
    this.#isClosing = false`,
      },
    ],
  },
  {
    name: 'a-second-close-throws',
    step: '06.6',
    says: ['the second call rejects', 'is not an error'],
    edits: [
      {
        file,
        hole: 'close',
        by: `    if (this.#isClosing) throw new PoolClosed()
    this.#isClosing = true
    if (this.stats().busy > 0) await new Promise<void>((resolve) => this.#onDrained.push(resolve))
    this.#threads.clear()
    await Promise.all([...this.#alive].map((thread) => thread.terminate()))`,
      },
    ],
  },
  {
    name: 'throws-when-it-is-closed',
    step: '06.6',
    says: ['no promise: run() threw'],
    edits: [
      {
        file,
        replace: 'if (this.#isClosing) return Promise.reject(new PoolClosed())',
        by: 'if (this.#isClosing) throw new PoolClosed()',
      },
    ],
  },
  {
    name: 'asks-what-is-owed-before-all-else',
    step: '06.7',
    says: ['ida has stopped reading', 'before all else'],
    edits: [
      {
        hole: 'limitIdleness',
        by: `  socket.setTimeout(idleMs)
  socket.on('timeout', () => {
    if (owesAnswer()) return void socket.setTimeout(idleMs)
    if (socket.writableLength > 0) return void socket.destroy()
    if (!socket.writableEnded) socket.write('idle\\n')
    socket.destroySoon()
  })`,
      },
    ],
  },
  {
    name: 'listens-once',
    step: '06.7',
    says: ['hal', 'must not stop forever'],
    edits: [
      {
        hole: 'limitIdleness',
        by: `  socket.setTimeout(idleMs)
  socket.once('timeout', () => {
    if (socket.writableLength > 0) return void socket.destroy()
    if (owesAnswer()) return void socket.setTimeout(idleMs)
    if (!socket.writableEnded) socket.write('idle\\n')
    socket.destroySoon()
  })`,
      },
    ],
  },
  {
    name: 'half-the-limit',
    step: '06.7',
    says: ['dee to have had 300 ms', 'as it was given'],
    edits: [
      {
        hole: 'limitIdleness',
        by: `  socket.setTimeout(idleMs / 2)
  socket.on('timeout', () => {
    if (socket.writableLength > 0) return void socket.destroy()
    if (owesAnswer()) return void socket.setTimeout(idleMs)
    if (!socket.writableEnded) socket.write('idle\\n')
    socket.destroySoon()
  })`,
      },
    ],
  },
  {
    name: 'twice-the-limit',
    step: '06.7',
    says: ['within idleMs', 'no more than that'],
    edits: [
      {
        hole: 'limitIdleness',
        by: `  socket.setTimeout(idleMs * 2)
  socket.on('timeout', () => {
    if (socket.writableLength > 0) return void socket.destroy()
    if (owesAnswer()) return void socket.setTimeout(idleMs)
    if (!socket.writableEnded) socket.write('idle\\n')
    socket.destroySoon()
  })`,
      },
    ],
  },
  {
    name: 'says-nothing-at-the-end',
    step: '06.7',
    says: ['dee', 'Write the line before'],
    edits: [
      {
        hole: 'limitIdleness',
        by: `  socket.setTimeout(idleMs)
  socket.on('timeout', () => {
    if (socket.writableLength > 0) return void socket.destroy()
    if (owesAnswer()) return void socket.setTimeout(idleMs)
    socket.destroySoon()
  })`,
      },
    ],
  },
  {
    name: 'ends-one-direction-again-and-again',
    step: '06.7',
    says: ['dee', 'closes both directions'],
    edits: [
      {
        hole: 'limitIdleness',
        by: `  socket.setTimeout(idleMs)
  socket.on('timeout', () => {
    if (socket.writableLength > 0) return void socket.destroy()
    if (owesAnswer()) return void socket.setTimeout(idleMs)
    socket.end('idle\\n')
  })`,
      },
    ],
  },
  {
    name: 'hears-only-itself',
    step: '06.7',
    says: ['fay', 'in or out'],
    edits: [
      {
        hole: 'limitIdleness',
        by: `  let [sent, since] = [-1, performance.now()]
  const look = setInterval(() => {
    const isStuck = socket.writableLength > 0
    const bytes = socket.bytesWritten - socket.writableLength
    if (bytes !== sent || (!isStuck && owesAnswer())) [sent, since] = [bytes, performance.now()]
    if (performance.now() - since < idleMs) return
    clearInterval(look)
    if (isStuck) return void socket.destroy()
    socket.write('idle\\n')
    socket.destroySoon()
  }, idleMs / 20)
  socket.once('close', () => clearInterval(look))`,
      },
    ],
  },
  {
    name: 'replaces-the-thread-of-a-job-that-has-none',
    step: '06.4',
    says: ['no timer to be left', 'A task that waits has none'],
    edits: [
      {
        file: 'worker-pool.ts',
        replace: 'if (thread) this.#replaceSoon(thread)',
        by: 'this.#replaceSoon(thread!)',
      },
    ],
  },
  {
    name: 'a-new-thread-for-each-error',
    step: '06.1',
    says: ['the number of threads started', 'is freed, not replaced'],
    edits: [
      {
        file,
        replace: "    if ('error' in answer) task.reject(answer.error)\n",
        by: `    if ('error' in answer) {
      task.reject(answer.error)
      return this.#replace(thread)
    }
`,
      },
      {
        file,
        replace: '    else task.resolve(answer.result)\n',
        by: '    task.resolve(answer.result)\n',
      },
    ],
  },
  {
    name: 'a-new-thread-only-if-somebody-waits',
    step: '06.3',
    says: ['although no job waits', 'whether or not the queue is empty'],
    edits: [
      {
        file,
        replace: '    task.reject(crash)\n    this.#replace(thread)\n',
        by: `    task.reject(crash)
    if (this.#queue.length > 0) this.#replace(thread)
    else this.#threads.delete(thread)
`,
      },
    ],
  },
  {
    name: 'listens-to-a-signal-that-is-over',
    step: '06.4',
    says: ['had already aborted', 'before you listen'],
    edits: [
      {
        file,
        replace: '    if (signal?.aborted) return Promise.reject(signal.reason)\n',
        by: '',
      },
      {
        file,
        replace: '    const free = this.#freeThread()\n    if (free) this.#start(free, task)\n',
        by: `    const cancel = () => this.#cancel(task, signal?.reason)
    signal?.addEventListener('abort', cancel)
    if (signal?.aborted) return Promise.reject(signal.reason)
    const free = this.#freeThread()
    if (free) this.#start(free, task)
`,
      },
      {
        file,
        replace: `    else this.#refuse(task)
    const cancel = () => this.#cancel(task, signal?.reason)
    signal?.addEventListener('abort', cancel)
`,
        by: '    else this.#refuse(task)\n',
      },
    ],
  },
  {
    name: 'refuses-in-a-while',
    step: '06.2',
    says: ['refused at once', 'A timer delays the bad news'],
    edits: [
      {
        file,
        replace: 'else this.#refuse(task)',
        by: 'else setTimeout(() => this.#refuse(task), 50)',
      },
    ],
  },
  {
    name: 'counts-only-crashes-with-a-job',
    step: '06.3',
    says: ['crashed: 1', 'with a job or without'],
    edits: [
      {
        file,
        replace: `    this.#crashed += 1
    const task = this.#threads.get(thread)
    if (!task) return void this.#threads.delete(thread)
`,
        by: `    const task = this.#threads.get(thread)
    if (!task) return void this.#threads.delete(thread)
    this.#crashed += 1
`,
      },
    ],
  },
  {
    name: 'an-error-of-its-own-for-a-crash',
    step: '06.3',
    says: ['"hopeless 1" to be rejected', 'Reject with `crash` itself'],
    edits: [
      {
        file,
        replace: 'task.reject(crash)',
        by: 'task.reject(new Error((crash as Error).message))',
      },
    ],
  },
  {
    name: 'takes-back-a-job-like-it',
    step: '06.4',
    says: ['what became of the two', 'Two tasks may have the same job'],
    edits: [
      {
        file,
        replace: '    const place = this.#queue.indexOf(task)\n',
        by: '    const place = this.#queue.findIndex(({ job }) => job === task.job)\n    if (place >= 0) return this.#queue.splice(place, 1)[0]!.reject(reason)\n',
      },
    ],
  },
  {
    name: 'counts-what-was-taken-back-as-refused',
    step: '06.4',
    says: ['rejected: 0', 'reject it and count nothing'],
    edits: [
      {
        file,
        replace: 'if (place >= 0) this.#queue.splice(place, 1)',
        by: 'if (place >= 0) this.#rejected += this.#queue.splice(place, 1).length',
      },
    ],
  },
  {
    name: 'counts-what-came-too-late-as-refused',
    step: '06.6',
    says: ['rejected: 0', '#refuse() is for a full queue'],
    edits: [
      {
        file,
        replace: '    if (this.#isClosing) return Promise.reject(new PoolClosed())\n',
        by: `    if (this.#isClosing) {
      this.#rejected += 1
      return Promise.reject(new PoolClosed())
    }
`,
      },
    ],
  },
  {
    name: 'loses-the-first-of-two-alike',
    step: '06.4',
    says: ['in the end', 'indexOf(task), not for its job'],
    edits: [
      {
        file,
        replace: 'this.#queue.indexOf(task)',
        by: 'this.#queue.findIndex(({ job }) => job === task.job)',
      },
    ],
  },
  {
    name: 'ends-the-thread-of-a-job-like-it',
    step: '06.5',
    says: ['in the end', 'not on a job like it'],
    edits: [
      {
        file,
        replace: 'find((thread) => this.#threads.get(thread) === task)\n    if (place',
        by: 'find((thread) => this.#threads.get(thread)?.job === task.job)\n    if (place',
      },
    ],
  },
  {
    name: 'stops-the-clock-when-it-owes',
    step: '06.7',
    says: ['kim', 'nothing else restarts the timer'],
    edits: [
      {
        hole: 'limitIdleness',
        by: `  socket.setTimeout(idleMs)
  socket.on('timeout', () => {
    if (socket.writableLength > 0) return void socket.destroy()
    if (owesAnswer()) return
    if (!socket.writableEnded) socket.write('idle\\n')
    socket.destroySoon()
  })`,
      },
    ],
  },
  {
    name: 'notes-the-thread-before-it-sends',
    step: '06.1',
    says: ['busy: 0, queued: 0', 'only once the job is sent'],
    edits: [
      {
        file,
        replace: 'if (free) this.#start(free, task)\n',
        by: `if (free) {
      this.#threads.set(free, task)
      this.#start(free, task)
    }
`,
      },
    ],
  },
  {
    name: 'looks-the-task-up-when-its-thread-is-gone',
    step: '06.3',
    says: ['"crash 1" to be rejected', 'Look it up before #replace()'],
    edits: [
      {
        file,
        replace: '    task.reject(crash)\n    this.#replace(thread)\n',
        by: '    this.#replace(thread)\n    this.#threads.get(thread)?.reject(crash)\n',
      },
    ],
  },
  {
    name: 'place-0-is-no-place',
    step: '06.4',
    says: ['"first" to be rejected', '0 is a valid place'],
    edits: [
      { file, replace: 'if (place >= 0) this', by: 'if (place > 0) this' },
      { file, replace: 'if (place >= 0 || thread)', by: 'if (place > 0 || thread)' },
    ],
  },
  {
    name: 'frees-a-thread-that-computes',
    step: '06.5',
    says: ['"waiting" to be answered', 'went to a thread that still computes'],
    edits: [
      {
        file,
        replace: 'if (thread) this.#replaceSoon(thread)',
        by: 'if (thread) this.#free(thread)',
      },
    ],
  },
  {
    name: 'frees-its-thread-a-turn-later',
    step: '06.1',
    says: ['busy: 0', 'not in a later turn'],
    edits: [
      {
        file,
        replace: '    this.#free(thread)\n  }',
        by: '    setImmediate(() => this.#free(thread))\n  }',
      },
    ],
  },
  {
    name: 'tries-one-job-behind-a-crash',
    step: '06.3',
    says: ['"after" to be answered', 'stands idle'],
    edits: [
      {
        file,
        replace: '    task.reject(crash)\n    this.#replace(thread)\n',
        by: `    task.reject(crash)
    this.#threads.delete(thread)
    const fresh = this.#addThread()
    const next = this.#queue.shift()
    if (next) this.#start(fresh, next)
`,
      },
    ],
  },
  {
    name: 'replaces-a-dead-thread-soon',
    step: '06.3',
    says: ['busy: 2', 'still counts as busy'],
    edits: [
      {
        file,
        replace: 'task.reject(crash)\n    this.#replace(thread)',
        by: 'task.reject(crash)\n    this.#replaceSoon(thread)',
      },
    ],
  },
  {
    name: 'no-reason-is-no-abort',
    step: '06.4',
    says: ['"unfounded" to be rejected', 'The value of the reason does not'],
    edits: [{ file, replace: 'if (signal?.aborted) return', by: 'if (signal?.reason) return' }],
  },
  {
    name: 'finds-a-reason-where-none-is-given',
    step: '06.4',
    says: ['"waiting" to be rejected', 'whatever it is'],
    edits: [
      {
        file,
        replace: 'this.#cancel(task, signal?.reason)',
        by: "this.#cancel(task, signal?.reason || new Error('taken back'))",
      },
    ],
  },
  {
    name: 'stops-listening-at-the-answer',
    step: '06.4',
    says: ['has lost its thread', 'remove the very function'],
    edits: [
      {
        file,
        hole: 'run',
        by: `    const { signal } = options
    if (this.#isClosing) return Promise.reject(new PoolClosed())
    if (signal?.aborted) return Promise.reject(signal.reason)
    const { promise, resolve, reject } = Promise.withResolvers<Result>()
    const cancel = () => this.#cancel(task, signal?.reason)
    const forget = () => signal?.removeEventListener('abort', cancel)
    const task = { job, options, resolve, reject, forget }
    signal?.addEventListener('abort', cancel, { once: true })
    const free = this.#freeThread()
    if (free) {
      if (!this.#start(free, task)) forget()
    } else if (this.#queue.length < this.#maxQueued) this.#queue.push(task)
    else {
      this.#refuse(task)
      forget()
    }
    return promise`,
      },
      {
        file,
        replace: '    if (!task) return\n    if',
        by: '    if (!task) return\n    ;(task as never as { forget(): void }).forget()\n    if',
      },
    ],
  },
  {
    name: 'still-listens-when-it-was-taken-back',
    step: '06.4',
    says: ['was taken back', 'remove the very function'],
    edits: [
      {
        file,
        replace: "return promise.finally(() => signal?.removeEventListener('abort', cancel))",
        by: `return promise.finally(() => {
      if (!signal?.aborted) signal?.removeEventListener('abort', cancel)
    })`,
      },
    ],
  },
  {
    name: 'looks-where-it-is-when-it-comes',
    step: '06.5',
    says: ['"lost" to be rejected', 'not when the job arrives'],
    edits: [
      {
        file,
        replace: `    const free = this.#freeThread()
    if (free) this.#start(free, task)
    else if (this.#queue.length < this.#maxQueued) this.#queue.push(task)
    else this.#refuse(task)
    const cancel = () => this.#cancel(task, signal?.reason)
`,
        by: `    const free = this.#freeThread()
    if (free) this.#start(free, task)
    else if (this.#queue.length < this.#maxQueued) this.#queue.push(task)
    else this.#refuse(task)
    const cancel = () => {
      if (free || this.#queue.includes(task)) this.#cancel(task, signal?.reason)
    }
`,
      },
    ],
  },
  {
    name: 'replaces-a-thread-only-for-those-who-wait',
    step: '06.5',
    says: ['"next" to be answered', 'one may arrive'],
    edits: [
      {
        file,
        replace: 'if (thread) this.#replaceSoon(thread)',
        by: 'if (thread && (this.#queue.length > 0 || this.#cancelGraceMs === 0)) this.#replaceSoon(thread)',
      },
    ],
  },
  {
    name: 'clears-the-timer-only-for-those-who-wait',
    step: '06.5',
    says: ['no timer to be left', 'whether or not another job waits'],
    edits: [
      {
        file,
        replace: '    this.#free(thread)\n  }',
        by: `    if (this.#queue.length > 0) this.#free(thread)
    else this.#threads.set(thread, undefined)
  }`,
      },
    ],
  },
  {
    name: 'a-timer-is-left-for-a-thread-that-has-crashed',
    step: '06.5',
    says: ['no timer to be left', '#replace() clears it'],
    edits: [
      {
        file,
        replace: 'task.reject(crash)\n    this.#replace(thread)',
        by: 'task.reject(crash)\n    this.#threads.delete(thread)\n    this.#free(this.#addThread())',
      },
    ],
  },
  {
    name: 'gives-a-dead-thread-its-grace',
    step: '06.5',
    says: ['"next" to be answered', 'is replaced at once'],
    edits: [
      {
        file,
        replace: '    if (!this.#threads.has(thread)) return\n',
        by: '    if (!this.#threads.has(thread) || this.#graces.has(thread)) return\n',
      },
    ],
  },
  {
    name: 'no-crash-if-nobody-wants-the-answer',
    step: '06.5',
    says: ['crashed: 1', 'that #threads still knows'],
    edits: [
      {
        file,
        replace: '    this.#crashed += 1\n',
        by: '    if (!this.#graces.has(thread)) this.#crashed += 1\n',
      },
    ],
  },
  {
    name: 'takes-it-back-a-turn-later',
    step: '06.5',
    says: ['"crossed" to be rejected', 'not in a later turn'],
    edits: [
      {
        file,
        replace: 'const cancel = () => this.#cancel(task, signal?.reason)',
        by: 'const cancel = () => void setImmediate(() => this.#cancel(task, signal?.reason))',
      },
    ],
  },
  {
    name: 'nobody-hears-that-the-last-one-crashed',
    step: '06.6',
    says: ['close() to resolve', 'Only #free() calls'],
    edits: [
      {
        file,
        replace: '    task.reject(crash)\n    this.#replace(thread)\n',
        by: `    task.reject(crash)
    if (this.#queue.length > 0) return this.#replace(thread)
    this.#threads.delete(thread)
    this.#addThread()
`,
      },
    ],
  },
  {
    name: 'replaces-no-thread-while-it-closes',
    step: '06.6',
    says: ['close() to resolve', 'Only #free() calls'],
    edits: [
      {
        file,
        replace: '    task.reject(crash)\n    this.#replace(thread)\n',
        by: `    task.reject(crash)
    if (!this.#isClosing || this.#queue.length > 0) return this.#replace(thread)
    this.#threads.delete(thread)
`,
      },
    ],
  },
  {
    name: 'leaves-the-threads-of-a-pool-that-does-nothing',
    step: '06.6',
    says: ['the threads that are left', 'when there was nothing to wait for'],
    edits: [
      {
        file,
        hole: 'close',
        by: `    const isFirst = !this.#isClosing
    this.#isClosing = true
    if (isFirst && this.stats().busy === 0) return
    if (this.stats().busy > 0) await new Promise<void>((resolve) => this.#onDrained.push(resolve))
    this.#threads.clear()
    await Promise.all([...this.#alive].map((thread) => thread.terminate()))`,
      },
    ],
  },
  {
    name: 'a-listener-for-each-time-it-owes',
    step: '06.7',
    says: ['no more than two listeners', 'adds another listener'],
    cardVaries: true,
    edits: [
      {
        replace: 'if (owesAnswer()) return void socket.setTimeout(idleMs)',
        by: 'if (owesAnswer()) return limitIdleness(socket, idleMs, owesAnswer)',
      },
    ],
  },
  {
    name: 'destroys-behind-the-line',
    step: '06.7',
    says: ['nan to receive the line', 'throws away what is not written'],
    edits: [{ replace: '    socket.destroySoon()\n', by: '    socket.destroy()\n' }],
  },
  {
    name: 'cuts-off-whoever-is-slow',
    step: '06.7',
    says: ['nan to receive every answer', 'only when nothing has moved'],
    cardVaries: true,
    edits: [
      {
        hole: 'limitIdleness',
        by: `let before = -1
  const look = setInterval(() => {
    if (socket.writableLength > 0) return void socket.destroy()
    const moved = socket.bytesRead + socket.bytesWritten
    const isIdle = moved === before && !owesAnswer()
    before = socket.bytesRead + socket.bytesWritten
    if (!isIdle) return
    socket.write('idle\\n')
    socket.destroySoon()
  }, idleMs)
  socket.once('close', () => clearInterval(look))`,
      },
    ],
  },
  {
    name: 'cuts-off-only-when-much-is-left',
    step: '06.7',
    says: ['oli to be cut off', 'however little is left'],
    edits: [{ replace: 'if (socket.writableLength > 0)', by: 'if (socket.writableNeedDrain)' }],
  },
  {
    name: 'cuts-off-only-while-it-owes',
    step: '06.7',
    says: ['oli to be cut off', 'before all else'],
    edits: [
      {
        hole: 'limitIdleness',
        by: `  socket.setTimeout(idleMs)
  socket.on('timeout', () => {
    if (owesAnswer()) {
      if (socket.writableLength > 0) socket.destroy()
      else socket.setTimeout(idleMs)
      return
    }
    if (!socket.writableEnded) socket.write('idle\\n')
    socket.destroySoon()
  })`,
      },
    ],
  },
  {
    name: 'swaps-it-with-the-first',
    step: '06.4',
    says: ['order in which they ended', 'leaves the others'],
    edits: [
      {
        file,
        replace: 'if (place >= 0) this.#queue.splice(place, 1)',
        by: `if (place >= 0) {
      this.#queue[place] = this.#queue[0]
      this.#queue.shift()
    }`,
      },
    ],
  },
  {
    name: 'ends-who-is-idle-before-it-forgets-them',
    step: '06.6',
    says: ['crashed: 0', 'Forget a thread before you terminate it'],
    edits: [
      {
        file,
        replace: '    this.#isClosing = true\n',
        by: `    this.#isClosing = true
    for (const [thread, task] of this.#threads) if (!task) void thread.terminate()
`,
      },
    ],
  },
  {
    name: 'twice-the-limit-behind-an-answer',
    step: '06.7',
    says: ['the timeout of the socket', 'as it was given'],
    edits: [
      {
        replace: 'return void socket.setTimeout(idleMs)',
        by: 'return void socket.setTimeout(idleMs * 2)',
      },
    ],
  },
  {
    name: 'says-nothing-more-behind-its-fin',
    step: '06.7',
    says: ['the connection of quy', 'even when our FIN has already been sent'],
    edits: [
      {
        replace: "if (!socket.writableEnded) socket.write('idle\\n')",
        by: "if (socket.writableEnded) return\n    socket.write('idle\\n')",
      },
    ],
  },
  {
    name: 'an-error-is-a-crash',
    step: '06.1',
    says: ['An error is an answer like any other'],
    edits: [
      {
        file,
        replace: "    if ('error' in answer) task.reject(answer.error)\n",
        by: "    if ('error' in answer) this.#crashed += 1\n    if ('error' in answer) task.reject(answer.error)\n",
      },
    ],
  },
  {
    name: 'an-error-is-a-refusal',
    step: '06.1',
    says: ['An error is an answer like any other'],
    edits: [
      {
        file,
        replace: "    if ('error' in answer) task.reject(answer.error)\n",
        by: "    if ('error' in answer) this.#rejected += 1\n    if ('error' in answer) task.reject(answer.error)\n",
      },
    ],
  },
  {
    name: 'forgets-what-moves',
    step: '06.1',
    says: ['Here, nothing of it is left'],
    edits: [
      {
        file,
        replace: 'const task = { job, options, resolve, reject }',
        by: 'const task = { job, options: { ...options, transfer: [] }, resolve, reject }',
      },
    ],
  },
  {
    name: 'a-place-among-the-busy',
    step: '06.5',
    says: ['is not a place among all'],
    edits: [
      {
        file,
        replace: '[...this.#threads.keys()].find((thread) => this.#threads.get(thread) === task)',
        by: '[...this.#threads.keys()][[...this.#threads.values()].filter((each) => each).indexOf(task)]',
      },
    ],
  },
  {
    name: 'any-thread-without-another-task',
    step: '06.5',
    says: ['is not a place among all'],
    edits: [
      {
        file,
        replace: '[...this.#threads.keys()].find((thread) => this.#threads.get(thread) === task)',
        by: '[...this.#threads].find(([, each]) => !each || each === task)?.[0]',
      },
    ],
  },
  {
    name: 'takes-nothing-back-while-it-closes',
    step: '06.6',
    says: ['#cancel() works as before'],
    edits: [
      {
        file,
        replace: 'const place = this.#queue.indexOf(task)',
        by: 'const place = this.#isClosing ? -1 : this.#queue.indexOf(task)',
      },
    ],
  },
  {
    name: 'resets-behind-the-line',
    step: '06.7',
    says: ['nan to receive every answer', 'A reset (RST) throws it away'],
    cardVaries: true,
    edits: [
      {
        replace:
          "    if (!socket.writableEnded) socket.write('idle\\n')\n    socket.destroySoon()\n",
        by: "    socket.end('idle\\n', () => socket.resetAndDestroy())\n",
      },
    ],
  },
  {
    name: 'owes-an-answer-three-times-at-most',
    step: '06.7',
    says: ['pia not to be idle', 'however often'],
    cardVaries: true,
    edits: [
      {
        replace: '  socket.setTimeout(idleMs)\n',
        by: '  let owed = 0\n  socket.setTimeout(idleMs)\n',
      },
      {
        replace: '    if (owesAnswer()) return',
        by: '    if (owesAnswer() && ++owed <= 3) return',
      },
    ],
  },
  {
    name: 'gives-up-its-turn-first',
    step: '06.1',
    says: ['busy: 2, queued: 3', 'not behind an await'],
    edits: [
      {
        file,
        replace: '  run(job: Job, options: RunOptions = {}): Promise<Result> {\n',
        by: '  async run(job: Job, options: RunOptions = {}): Promise<Result> {\n    await undefined\n',
      },
    ],
  },
  {
    name: 'listens-to-a-signal-of-its-own',
    step: '06.4',
    says: ['no job that has ended', 'AbortSignal.any()'],
    cardVaries: true,
    edits: [
      {
        file,
        replace:
          "    signal?.addEventListener('abort', cancel)\n    return promise.finally(() => signal?.removeEventListener('abort', cancel))\n",
        by: `    const wanted = signal && AbortSignal.any([signal])
    wanted?.addEventListener('abort', cancel, { once: true })
    return promise
`,
      },
    ],
  },
  {
    name: 'takes-the-next-job-by-itself',
    step: '06.1',
    says: ['"after" to be answered', 'goes on until one is started'],
    edits: [
      {
        file,
        replace: '    this.#free(thread)\n  }\n\n  /**\n   * Handles',
        by: `    const next = this.#queue.shift()
    if (next) this.#start(thread, next)
    else this.#threads.set(thread, undefined)
  }

  /**
   * Handles`,
      },
    ],
  },
  {
    name: 'listens-before-it-looks-whether-it-is-closing',
    step: '06.6',
    says: ['listeners on the signal', 'before you listen'],
    edits: [
      {
        file,
        replace: '    if (this.#isClosing) return Promise.reject(new PoolClosed())\n',
        by: '',
      },
      {
        file,
        replace: DISPATCH,
        by: `    const cancel = () => this.#cancel(task, signal?.reason)
    signal?.addEventListener('abort', cancel)
    if (this.#isClosing) return Promise.reject(new PoolClosed())
${DISPATCH}`,
      },
      {
        file,
        replace: `    const cancel = () => this.#cancel(task, signal?.reason)
    signal?.addEventListener('abort', cancel)
    return`,
        by: '    return',
      },
    ],
  },
  {
    name: 'close-waits-ten-seconds-at-most',
    step: '06.6',
    says: ['close() to have set no timer', 'ends the wait after a while'],
    edits: [
      {
        file,
        replace: 'await new Promise<void>((resolve) => this.#onDrained.push(resolve))',
        by: `await new Promise<void>((resolve) => {
        this.#onDrained.push(resolve)
        setTimeout(resolve, 10_000).unref()
      })`,
      },
    ],
  },
]
