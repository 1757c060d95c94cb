/**
 * A fixed number of threads for any number of jobs: first come, first served, and no more jobs waiting than was agreed.
 *
 * The pool does not know what a job is. A thread runs one job at a time, from start to end; the pool promises that
 * every job ends, with a result, an error or a refusal, whatever happens to its thread.
 */

import { type Transferable, Worker } from 'node:worker_threads'

export interface PoolOptions {
  /** What each thread runs: a script that calls `answerJobs`. */
  script: URL
  size: number
  /** How many jobs may wait for a thread; one more is refused. With 0, a job gets a free thread or is refused. */
  maxQueued: number
  /** How long a thread may go on with a job that was taken back, before the thread is replaced. */
  cancelGraceMs?: number
}

export interface RunOptions {
  /** Takes the job back when it aborts: out of the queue, or from the thread that runs it. */
  signal?: AbortSignal
  /** The parts of the job that move to the thread instead of being copied. */
  transfer?: Transferable[]
  /** Called when a thread starts the job, never inside `run()`. */
  onStart?: () => void
}

export interface PoolStats {
  threads: number
  busy: number
  queued: number
  /** How many jobs have been refused so far because the queue was full. */
  rejected: number
  /** How many threads have ended by themselves so far, with a job or without. */
  crashed: number
}

/** Every thread is busy and the queue is full: come back later. */
export class PoolBusy extends Error {
  constructor() {
    super('every thread is busy and the queue is full')
  }
}

/** The pool takes no more jobs. */
export class PoolClosed extends Error {
  constructor() {
    super('the pool is closed')
  }
}

/** From a thread: what became of its job. */
export type Answer<Result> = { result: Result } | { error: unknown }

interface Task<Job, Result> {
  job: Job
  options: RunOptions
  resolve(result: Result): void
  reject(error: unknown): void
}

export class WorkerPool<Job, Result> {
  readonly #script: URL
  readonly #size: number
  readonly #maxQueued: number
  readonly #cancelGraceMs: number
  /** Every thread of the pool, and the task it works on, if any. */
  readonly #threads = new Map<Worker, Task<Job, Result> | undefined>()
  /** The timers of threads whose job was taken back: when one fires, its thread is replaced. */
  readonly #graces = new Map<Worker, NodeJS.Timeout>()
  /** Every thread that has not ended yet, including those that were replaced and are about to end. */
  readonly #alive = new Set<Worker>()
  readonly #queue: Task<Job, Result>[] = []
  #rejected = 0
  #crashed = 0
  #isClosing = false
  /** Called once, when the last job has ended: `close()` waits for that. */
  readonly #onDrained: (() => void)[] = []

  constructor({ script, size, maxQueued, cancelGraceMs = 100 }: PoolOptions) {
    this.#script = script
    this.#size = size
    this.#maxQueued = maxQueued
    this.#cancelGraceMs = cancelGraceMs
    try {
      for (let thread = 0; thread < size; thread++) this.#addThread()
    } catch (error) {
      for (const thread of this.#threads.keys()) thread.terminate()
      throw error
    }
  }

  /**
   * Runs the job in the first thread that is free; jobs that wait are taken in order of arrival. Resolves with the
   * job's result, rejects with what the job threw.
   *
   * Rejects with `PoolBusy` when no thread is free and `maxQueued` jobs already wait, with `PoolClosed` after
   * `close()`, and with the signal's reason when the signal aborts or has already aborted. However the job ends, its
   * listener is then removed from the signal.
   *
   * @step 06.1 06.2 06.4 06.6
   */
  run(job: Job, options: RunOptions = {}): Promise<Result> {
    const { signal } = options
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
    return promise.finally(() => signal?.removeEventListener('abort', cancel))
  }

  stats(): PoolStats {
    const busy = [...this.#threads.values()].filter((task) => task !== undefined).length
    return {
      threads: this.#threads.size,
      busy,
      queued: this.#queue.length,
      rejected: this.#rejected,
      crashed: this.#crashed,
    }
  }

  /**
   * Takes no more jobs, lets those that run or wait come to their end, then ends the threads. Sleeps until `#onDrained`
   * is called: no timer looks again and again. If a job never ends, `close()` waits until its caller takes it back.
   *
   * Resolves when every thread has ended, including those that were replaced and are about to end. So does every
   * further call.
   *
   * @step 06.6
   */
  async close(): Promise<void> {
    this.#isClosing = true
    if (this.stats().busy > 0) {
      await new Promise<void>((resolve) => this.#onDrained.push(resolve))
    }
    this.#threads.clear()
    await Promise.all([...this.#alive].map((thread) => thread.terminate()))
  }

  /**
   * Gives the thread a task. Returns false when the job cannot be sent, or is wanted no more although its own listener
   * has not been called yet: then it is rejected, and the thread stays free.
   */
  #start(thread: Worker, task: Task<Job, Result>): boolean {
    const { signal, transfer, onStart } = task.options
    try {
      signal?.throwIfAborted()
      thread.postMessage(task.job, transfer)
    } catch (error) {
      task.reject(error)
      return false
    }
    this.#threads.set(thread, task)
    if (onStart) queueMicrotask(onStart)
    return true
  }

  #addThread(): Worker {
    const thread = new Worker(this.#script)
    this.#threads.set(thread, undefined)
    this.#alive.add(thread)
    thread.once('exit', () => this.#alive.delete(thread))
    let crash: unknown = new Error('its thread ended in the middle of it')
    thread.on('message', (answer: Answer<Result>) => this.#onAnswer(thread, answer))
    thread.on('messageerror', (error) => this.#onAnswer(thread, { error }))
    thread.on('error', (error) => {
      crash = error
    })
    thread.once('exit', () => this.#onExit(thread, crash))
    return thread
  }

  /**
   * Gives a thread's answer to the caller of its job, and the next job to the thread. An answer from a thread that was
   * replaced (it is no longer in `#threads`) is too late and changes nothing.
   *
   * @step 06.1 06.5
   */
  #onAnswer(thread: Worker, answer: Answer<Result>): void {
    const task = this.#threads.get(thread)
    if (!task) return
    if ('error' in answer) task.reject(answer.error)
    else task.resolve(answer.result)
    this.#free(thread)
  }

  /**
   * Handles a thread that has ended by itself, which none should: counts it, rejects its job with `crash`, and gives its
   * place and the next job to a new thread. A thread without a job is only counted and forgotten: `#freeThread()` starts
   * another when a job needs one, so a script that cannot even load is not started forever.
   *
   * @step 06.3
   */
  #onExit(thread: Worker, crash: unknown): void {
    // The pool itself has ended this thread: the job was taken back, or the pool is closed.
    if (!this.#threads.has(thread)) return
    this.#crashed += 1
    const task = this.#threads.get(thread)
    if (!task) return void this.#threads.delete(thread)
    task.reject(crash)
    this.#replace(thread)
  }

  /**
   * Takes the task back: rejects it with `reason` at once. A task that waits leaves the queue; a thread that works on
   * the task is replaced soon. A task that has ended stays as it is.
   *
   * @step 06.4 06.5
   */
  #cancel(task: Task<Job, Result>, reason: unknown): void {
    const place = this.#queue.indexOf(task)
    const thread = [...this.#threads.keys()].find((thread) => this.#threads.get(thread) === task)
    if (place >= 0) this.#queue.splice(place, 1)
    if (thread) this.#replaceSoon(thread)
    if (place >= 0 || thread) task.reject(reason)
  }

  /**
   * Replaces a thread whose job was taken back, unless the thread answers within `cancelGraceMs`: then it is as good as
   * before, and a new one would cost 8 MB and 10 ms. Nothing but replacing it stops a thread that computes.
   */
  #replaceSoon(thread: Worker): void {
    if (this.#cancelGraceMs === 0) return this.#replace(thread)
    this.#graces.set(
      thread,
      setTimeout(() => this.#replace(thread), this.#cancelGraceMs),
    )
  }

  #endGrace(thread: Worker): void {
    clearTimeout(this.#graces.get(thread))
    this.#graces.delete(thread)
  }

  /** Puts a new thread in the place of one that has crashed or that works on a job that was taken back. */
  #replace(thread: Worker): void {
    this.#endGrace(thread)
    this.#threads.delete(thread)
    thread.terminate()
    try {
      this.#free(this.#addThread())
    } catch (error) {
      this.#goOnWithout(error)
    }
  }

  /** The system allows no thread now: those that are left take the jobs that wait. Without any, nobody would. */
  #goOnWithout(error: unknown): void {
    if (this.#threads.size === 0) for (const task of this.#queue.splice(0)) task.reject(error)
    this.#noticeDrained()
  }

  /** Gives a thread that has nothing to do the job that has waited longest. */
  #free(thread: Worker): void {
    this.#endGrace(thread)
    this.#threads.set(thread, undefined)
    for (let next = this.#queue.shift(); next; next = this.#queue.shift())
      if (this.#start(thread, next)) return
    this.#noticeDrained()
  }

  #noticeDrained(): void {
    if (this.stats().busy === 0) for (const resolve of this.#onDrained.splice(0)) resolve()
  }

  #freeThread(): Worker | undefined {
    const free = [...this.#threads.keys()].find((thread) => this.#threads.get(thread) === undefined)
    if (free || this.#threads.size === this.#size) return free
    try {
      return this.#addThread()
    } catch (error) {
      // Not before the job that asks waits as well.
      queueMicrotask(() => this.#goOnWithout(error))
      return undefined
    }
  }

  #refuse(task: Task<Job, Result>): void {
    this.#rejected += 1
    task.reject(new PoolBusy())
  }
}
