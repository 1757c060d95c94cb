/**
 * How the server ends: nothing that was acknowledged is lost, and nobody is kept waiting for long.
 *
 *   begin() ──▶ all doors close ──▶ data close ──▶ the lookout closes
 *                 └─ deadline, or cut(): what is still connected is cut off
 *
 * A door knows how to see its people out: it finishes what it has taken, says `stopping` after that, and waits until
 * they have gone. `Drain` knows the order. The data are closed after the last door, because messages may be on their
 * way to the disk until then. The lookout closes last, because it tells others that we are not ready any more.
 */

import type { Timers } from '../16-client/timers.ts'

export interface Closable {
  /** Resolves when it is closed; rejects, or throws, if that fails. */
  close(): Promise<void>
}

/** Something with connections: from `close` on, it lets nobody in, and it is closed when everybody has gone. */
export interface Drainable extends Closable {
  /** Closes the connections that are open now, without a word. Never throws. */
  cut(): void
}

export interface DrainOptions {
  /** What people talk through. */
  doors: readonly Drainable[]
  /** Saves what was said, and lets go of the files. */
  data: Closable
  /** Where metrics and health are asked for. */
  lookout?: Closable
  timers: Timers
  /** How long people have to go by themselves. */
  deadlineMs: number
}

export class Drain {
  readonly #options: DrainOptions
  #isReady = true
  #over: Promise<void> | undefined

  constructor(options: DrainOptions) {
    this.#options = options
  }

  /** Whether newcomers are welcome: until `begin`, and never again. */
  get isReady(): boolean {
    return this.#isReady
  }

  /**
   * Ends the server, which is not ready from now on. Closes all doors at the same time; when the last of them is
   * closed, the data; then the lookout. If the doors are not closed within `deadlineMs`, everybody is cut off. Whatever
   * goes wrong, the rest is closed all the same, and then the promise rejects with one of the errors: a door's, or else
   * that of the data, or else the lookout's. Further calls close nothing and start no deadline; they wait for the same
   * end, and settle in the same way, even if it was an error.
   *
   * @step 19.2
   */
  begin(): Promise<void> {
    this.#isReady = false
    // A moment later: if a door calls `begin` while it closes, there is a promise to return.
    this.#over ??= Promise.resolve().then(() => this.#run())
    return this.#over
  }

  /**
   * Cuts off everybody at every door, now, whether or not `begin` was called, and every time. This alone does not end
   * the server, and changes nothing about the deadline; the data are still closed in good order.
   *
   * @step 19.2
   */
  cut(): void {
    for (const door of this.#options.doors) door.cut()
  }

  /** @answer 19.2 */
  async #run(): Promise<void> {
    const { doors, data, lookout, timers, deadlineMs } = this.#options
    const deadline = timers.after(deadlineMs, () => this.cut())
    const outcomes = await Promise.allSettled(doors.map(async (door) => door.close()))
    timers.cancel(deadline)
    for (const each of [data, lookout]) {
      const closing = (async () => each?.close())()
      outcomes.push(...(await Promise.allSettled([closing])))
    }
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failed) throw failed.reason
  }
}
