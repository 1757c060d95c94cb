import type { RightAnswer } from './right-answer.ts'

const file = 'worker-pool.ts'

export const rightAnswers: RightAnswer[] = [
  {
    name: 'third-hints',
    style: 'What the third hints spell out, and no more.',
    edits: [
      {
        file,
        hole: 'run',
        by: `    const { signal } = options
    if (this.#isClosing) return Promise.reject(new PoolClosed())
    if (signal?.aborted) return Promise.reject(signal.reason)
    const { promise, resolve, reject } = Promise.withResolvers<Result>()
    const task = { job, options, resolve, reject }
    const free = this.#freeThread()
    if (free) this.#start(free, task)
    else if (this.#queue.length < this.#maxQueued) this.#queue.push(task)
    else this.#refuse(task)
    const cancel = () => this.#cancel(task, signal?.reason)
    signal?.addEventListener('abort', cancel)
    return promise.finally(() => signal?.removeEventListener('abort', cancel))`,
      },
      {
        file,
        hole: '#onAnswer',
        by: `    const task = this.#threads.get(thread)
    if (!task) return
    const settle = 'error' in answer ? () => task.reject(answer.error) : () => task.resolve(answer.result)
    settle()
    this.#free(thread)`,
      },
      {
        file,
        hole: '#onExit',
        by: `    if (!this.#threads.has(thread)) return
    this.#crashed += 1
    const task = this.#threads.get(thread)
    if (task) {
      task.reject(crash)
      this.#replace(thread)
    } else this.#threads.delete(thread)`,
      },
      {
        file,
        hole: 'close',
        by: `    this.#isClosing = true
    const isBusy = [...this.#threads.values()].some((task) => task !== undefined)
    if (isBusy) await new Promise<void>((resolve) => this.#onDrained.push(resolve))
    const threads = [...this.#alive]
    this.#threads.clear()
    await Promise.all(threads.map((thread) => thread.terminate()))`,
      },
      {
        hole: 'limitIdleness',
        by: `  socket.setTimeout(idleMs)
  socket.on('timeout', () => {
    if (socket.writableLength > 0) {
      socket.destroy()
      return
    }
    if (owesAnswer()) return void socket.setTimeout(idleMs)
    socket.write('idle\\n')
    socket.destroySoon()
  })`,
      },
    ],
  },
  {
    name: 'async-and-promises',
    style:
      'run() is async and awaits its job; the listener is an object; close() awaits every job by name.',
    edits: [
      {
        file,
        hole: 'run',
        by: `    return this.#runJob(job, options)
  }

  async #runJob(job: Job, options: RunOptions): Promise<Result> {
    if (this.#isClosing) throw new PoolClosed()
    options.signal?.throwIfAborted()
    let task: Task<Job, Result> | undefined
    const done = new Promise<Result>((resolve, reject) => {
      task = { job, options, resolve, reject }
    })
    const cancel = { handleEvent: () => this.#cancel(task!, options.signal!.reason) }
    options.signal?.addEventListener('abort', cancel, { once: true })
    try {
      const free = this.#freeThread()
      if (free !== undefined) this.#start(free, task!)
      else if (this.#queue.length >= this.#maxQueued) this.#refuse(task!)
      else this.#queue.push(task!)
      return await done
    } finally {
      options.signal?.removeEventListener('abort', cancel)
    }`,
      },
      {
        file,
        hole: '#cancel',
        by: `    for (const [thread, works] of this.#threads) {
      if (works !== task) continue
      task.reject(reason)
      this.#replaceSoon(thread)
      return
    }
    const place = this.#queue.findIndex((queued) => queued === task)
    if (place === -1) return
    this.#queue.splice(place, 1)
    task.reject(reason)`,
      },
      {
        hole: 'limitIdleness',
        by: `  let [moved, since] = [-1, process.hrtime.bigint()]
  const look = setInterval(() => {
    const now = process.hrtime.bigint()
    const isStuck = socket.writableLength > 0
    const bytes = socket.bytesRead + socket.bytesWritten - socket.writableLength
    if (bytes !== moved || (!isStuck && owesAnswer())) [moved, since] = [bytes, now]
    if (now - since < BigInt(idleMs) * 1_000_000n) return
    clearInterval(look)
    if (isStuck) return void socket.destroy()
    if (socket.writable) socket.write('idle\\n')
    socket.destroySoon()
  }, idleMs / 20)
  socket.once('close', () => clearInterval(look))`,
      },
    ],
  },
  {
    name: 'wrapped-callbacks',
    style:
      'The listener comes off inside resolve() and reject(); end() and a flush instead of destroySoon().',
    edits: [
      {
        file,
        hole: 'run',
        by: `    return new Promise<Result>((resolve, reject) => {
      if (this.#isClosing) return reject(new PoolClosed())
      const { signal } = options
      if (signal?.aborted) return reject(signal.reason)
      const cancel = () => this.#cancel(task, signal?.reason)
      const task: Task<Job, Result> = {
        job,
        options,
        resolve(result) {
          signal?.removeEventListener('abort', cancel)
          resolve(result)
        },
        reject(error) {
          signal?.removeEventListener('abort', cancel)
          reject(error)
        },
      }
      signal?.addEventListener('abort', cancel)
      const free = this.#freeThread()
      if (free) return void this.#start(free, task)
      if (this.#queue.length === this.#maxQueued) return void this.#refuse(task)
      this.#queue.push(task)
    })`,
      },
      {
        file,
        hole: '#onAnswer',
        by: `    const task = this.#threads.get(thread)
    if (task === undefined) return
    this.#free(thread)
    if ('error' in answer) task.reject(answer.error)
    else task.resolve(answer.result)`,
      },
      {
        file,
        hole: 'close',
        by: `    this.#isClosing = true
    const { promise, resolve } = Promise.withResolvers<void>()
    if (this.stats().busy + this.stats().queued === 0) resolve()
    else this.#onDrained.push(resolve)
    await promise
    this.#threads.clear()
    for (const thread of this.#alive) await thread.terminate()`,
      },
      {
        hole: 'limitIdleness',
        by: `  const silence = () => {
    if (socket.writableLength > 0) return socket.destroy()
    if (owesAnswer()) return socket.setTimeout(idleMs, silence)
    return socket.end('idle\\n', () => socket.destroy())
  }
  socket.setTimeout(idleMs, silence)`,
      },
    ],
  },
  {
    name: 'waits-for-promises',
    style:
      'A set of running promises that close() awaits; #onExit() by cases; a timeout that an answer starts anew by itself.',
    edits: [
      {
        file,
        hole: 'run',
        by: `    if (this.#isClosing) return Promise.reject(new PoolClosed())
    if (options.signal?.aborted) return Promise.reject(options.signal.reason)
    return new Promise<Result>((resolve, reject) => {
      const listening = new AbortController()
      const settle =
        <T>(settled: (value: T) => void) =>
        (value: T) => {
          listening.abort()
          settled(value)
        }
      const task = { job, options, resolve: settle<Result>(resolve as never), reject: settle(reject) }
      const take = () => this.#cancel(task, options.signal?.reason)
      options.signal?.addEventListener('abort', take, { once: true, signal: listening.signal })
      const thread = this.#freeThread()
      if (thread) this.#start(thread, task)
      else if (this.#queue.length < this.#maxQueued) this.#queue.push(task)
      else this.#refuse(task)
    })`,
      },
      {
        file,
        hole: '#onExit',
        by: `    const isKnown = this.#threads.has(thread)
    const task = this.#threads.get(thread)
    if (isKnown) this.#crashed++
    if (task) {
      this.#replace(thread)
      task.reject(crash)
    }
    if (isKnown && !task) this.#threads.delete(thread)`,
      },
      {
        file,
        hole: 'close',
        by: `    this.#isClosing = true
    const isDone = () => this.stats().busy === 0
    if (!isDone()) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#onDrained.push(resolve)
      await promise
    }
    for (const thread of [...this.#threads.keys()]) this.#threads.delete(thread)
    await Promise.allSettled(Array.from(this.#alive, (thread) => thread.terminate()))`,
      },
      {
        hole: 'limitIdleness',
        by: `  socket.on('timeout', () => {
    if (socket.writableLength > 0) return void socket.destroy()
    if (owesAnswer()) return void socket.setTimeout(idleMs)
    if (socket.writable) socket.write('idle\\n', () => socket.destroySoon())
    else socket.destroySoon()
  })
  socket.setTimeout(idleMs)`,
      },
    ],
  },
  {
    name: 'queue-first',
    style:
      'Every job goes through the queue; close() ends idle threads before it waits; limitIdleness() begins anew as a whole.',
    edits: [
      {
        file,
        hole: 'run',
        by: `    if (this.#isClosing) return Promise.reject(new PoolClosed())
    const { signal } = options
    if (signal?.aborted) return Promise.reject(signal.reason)
    const { promise, resolve, reject } = Promise.withResolvers<Result>()
    const task = { job, options, resolve, reject }
    const take = () => this.#cancel(task, signal!.reason)
    signal?.addEventListener('abort', take)
    const stop = () => signal?.removeEventListener('abort', take)
    promise.then(stop, stop)
    this.#queue.push(task)
    const free = this.#freeThread()
    if (free) this.#free(free)
    else if (this.#queue.length > this.#maxQueued) this.#refuse(this.#queue.pop()!)
    return promise`,
      },
      {
        file,
        hole: '#onExit',
        by: `    const isOurs = this.#threads.has(thread)
    const task = this.#threads.get(thread)
    task?.reject(crash)
    if (isOurs) this.#crashed++
    if (task) this.#replace(thread)
    else this.#threads.delete(thread)`,
      },
      {
        file,
        hole: '#cancel',
        by: `    this.#queue.splice(0, Infinity, ...this.#queue.filter((other) => other !== task))
    for (const [thread, other] of this.#threads) if (other === task) this.#replaceSoon(thread)
    task.reject(reason)`,
      },
      {
        file,
        hole: 'close',
        by: `    this.#isClosing = true
    for (const [thread, task] of this.#threads) {
      if (task) continue
      this.#threads.delete(thread)
      thread.terminate()
    }
    if (this.#threads.size > 0) await new Promise<void>((resolve) => this.#onDrained.push(resolve))
    this.#threads.clear()
    while (this.#alive.size > 0)
      await Promise.all([...this.#alive].map((thread) => thread.terminate()))`,
      },
      {
        hole: 'limitIdleness',
        by: `  socket.setTimeout(idleMs)
  socket.once('timeout', () => {
    if (socket.writableLength > 0) return void socket.destroy()
    if (owesAnswer()) return limitIdleness(socket, idleMs, owesAnswer)
    socket.end('idle\\n')
    socket.destroySoon()
  })`,
      },
    ],
  },
  {
    name: 'listens-first-and-stops-in-finally',
    style: 'run() is async: it listens before it looks, and every way out passes one finally.',
    edits: [
      {
        file: 'worker-pool.ts',
        replace: '  run(job: Job, options: RunOptions = {}): Promise<Result> {',
        by: '  async run(job: Job, options: RunOptions = {}): Promise<Result> {',
      },
      {
        file: 'worker-pool.ts',
        hole: 'run',
        by: `    const { promise, resolve, reject } = Promise.withResolvers<Result>()
    const task = { job, options, resolve, reject }
    const { signal } = options
    const abort = () => this.#cancel(task, signal?.reason)
    signal?.addEventListener('abort', abort)
    try {
      if (this.#isClosing) throw new PoolClosed()
      signal?.throwIfAborted()
      const idle = this.#freeThread()
      if (idle !== undefined) this.#start(idle, task)
      else if (this.#queue.length < this.#maxQueued) this.#queue.push(task)
      else this.#refuse(task)
      return await promise
    } finally {
      signal?.removeEventListener('abort', abort)
    }`,
      },
    ],
  },
]
