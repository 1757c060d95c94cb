/**
 * A fixed number of loops, one thread each, as the main thread sees them.
 *
 * The connections of a loop are counted here, because a busy loop does not answer questions. The counts are right as
 * long as every connection is counted up once, when it moves, and down once, when it or its loop is gone.
 */

import type { Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import { canMove, moveSocket } from './acceptor.ts'
import type { Choose, Load } from './choose.ts'
import type { Report } from './loop-thread.ts'

export interface GroupOptions {
  /** What each thread runs: a script that calls `runLoop`. */
  script: URL
  size: number
  choose: Choose
}

export interface LoopStats {
  threadId: number
  /** Connections that it has now. */
  connections: number
  /** Connections that it has had since it was started. */
  total: number
}

export interface GroupStats {
  loops: LoopStats[]
  /** How many loops have died so far for which a replacement was started. */
  replaced: number
}

class Loop implements Load {
  readonly thread: Worker
  readonly threadId: number
  connections = 0
  total = 0
  /** When each socket that the loop has not taken up yet was moved, oldest first. */
  readonly movedAtMs: number[] = []

  constructor(script: URL) {
    this.thread = new Worker(script)
    // Kept here: a thread that has ended no longer has an id.
    this.threadId = this.thread.threadId
  }

  get waitingSinceMs(): number | undefined {
    return this.movedAtMs[0]
  }
}

export class LoopGroup {
  readonly #script: URL
  readonly #choose: Choose
  /** Every loop that can be chosen. */
  readonly #loops: Loop[] = []
  #replaced = 0
  #isClosing = false
  /** To be called when the last connection has gone. */
  readonly #onIdle: (() => void)[] = []

  private constructor({ script, choose }: GroupOptions) {
    this.#script = script
    this.#choose = choose
  }

  /** Starts the loops and resolves once all of them run. Rejects with what the script throws when it cannot be run. */
  static async start(options: GroupOptions): Promise<LoopGroup> {
    const group = new LoopGroup(options)
    try {
      await Promise.all(Array.from({ length: options.size }, () => group.#addLoop()))
      return group
    } catch (error) {
      await group.terminate()
      throw error
    }
  }

  /** Gives the connection to a loop, or closes it if that is not possible. */
  serve(socket: Socket): void {
    // Loops are replaced; none is left only when their script cannot be run any more.
    if (this.#loops.length === 0 || !canMove()) return void socket.destroy()
    const loop = this.#choose(this.#loops)
    loop.movedAtMs.push(performance.now())
    this.#give(loop, socket)
  }

  stats(): GroupStats {
    return {
      loops: this.#loops.map(({ threadId, connections, total }) => ({
        threadId,
        connections,
        total,
      })),
      replaced: this.#replaced,
    }
  }

  /**
   * Waits for the remaining connections to end, for `graceMs` at most, then ends every thread, and with it whatever
   * connections it still has. Resolves when no thread is left, and leaves behind no timer that keeps the process alive.
   * If nobody is connected, does not wait. A loop that ends meanwhile is not replaced. `graceMs` is less than 24.8 days,
   * the longest time for `setTimeout`.
   *
   * @step 12.4
   */
  async close(graceMs: number): Promise<void> {
    // TODO 12.4
    throw new Error('TODO 12.4')
  }

  /** Ends every thread now, in the middle of whatever it does. Resolves when none is left. */
  async terminate(): Promise<void> {
    this.#isClosing = true
    await Promise.all(this.#loops.map(({ thread }) => thread.terminate()))
  }

  /** Starts one more loop, and resolves once it runs. Rejects, and never throws, even if there is no thread to be had. */
  async #addLoop(): Promise<void> {
    const loop = new Loop(this.#script)
    this.#loops.push(loop)
    await new Promise<void>((resolve, reject) => {
      let isReady = false
      loop.thread.on('message', (report: Report) => {
        switch (report) {
          case 'ready':
            isReady = true
            return resolve()
          case 'taken':
            return void loop.movedAtMs.shift()
          case 'closed':
            this.#onClosed(loop)
            this.#noticeIdle()
        }
      })
      loop.thread.on('error', (error: Error | null | undefined) => {
        reject(error)
        // Whatever was thrown: `throw null` is legal.
        if (isReady) console.error(`Loop ${loop.threadId} has died: ${error?.message ?? error}`)
      })
      loop.thread.once('exit', () => {
        reject(new Error('a loop has ended before it was ready'))
        // A loop that cannot start would otherwise be started again and again.
        if (isReady) this.#onExit(loop)
        else this.#loops.splice(this.#loops.indexOf(loop), 1)
        this.#noticeIdle()
      })
    })
  }

  /**
   * Moves the socket to the loop's thread, and counts it: one more that the loop has now (`connections`) and one more
   * that it has ever had (`total`).
   *
   * @step 12.1 12.2
   */
  #give(loop: Loop, socket: Socket): void {
    // TODO 12.1
    throw new Error('TODO 12.1')
  }

  /**
   * The loop has reported that one of its connections is gone.
   *
   * @step 12.2
   */
  #onClosed(loop: Loop): void {
    // TODO 12.2
    throw new Error('TODO 12.2')
  }

  /**
   * The loop's thread has ended, and its connections with it: the loop is no longer chosen or counted. Another loop
   * takes its place, even if no loop is left. Count it as a replacement, either now or once it runs. One that cannot
   * start is not tried again, but the next loop that dies is replaced all the same. While the group is closing, nothing
   * is started, and nothing is counted as a replacement.
   *
   * @step 12.3 12.4
   */
  #onExit(loop: Loop): void {
    // TODO 12.3
    throw new Error('TODO 12.3')
  }

  /** Resolves when no loop has a connection. */
  #whenIdle(): Promise<void> {
    return new Promise((resolve) => {
      this.#onIdle.push(resolve)
      this.#noticeIdle()
    })
  }

  #noticeIdle(): void {
    if (this.#loops.some(({ connections }) => connections > 0)) return
    for (const resolve of this.#onIdle.splice(0)) resolve()
  }
}
