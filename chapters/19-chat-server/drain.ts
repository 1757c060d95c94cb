/**
 * How the server ends: nothing that was acknowledged is lost, and nobody is kept waiting for long.
 *
 *   begin() ──▶ all doors close ──▶ data close ──▶ the lookout closes
 *                 └─ deadline, or cut(): what is still connected is cut off
 *
 * A door knows how to see its people out: it finishes what it has taken, says `stopping` behind that, and waits until they
 * have gone. This knows the order. Data close behind the last door, because messages may be on their way to the disk until
 * then. The lookout closes last: it tells others that we are not ready any more.
 */

import type { Timers } from '../16-client/timers.ts'

export interface Closable {
  /** Resolves when it is closed; rejects, or throws, if that goes wrong. */
  close(): Promise<void>
}

/** Something with connections: from `close` on nobody is let in, and it is closed when all have gone. */
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
  /** So long people have to go by themselves. */
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
   * Ends the server. It is not ready from now on. All doors are closed at the same time; when the last of them is closed,
   * the data; then the lookout. If the doors are not closed in `deadlineMs`, everybody is cut off. Whatever goes wrong, the
   * rest is closed all the same, and then the promise rejects with the first error: a door's before that of the data, and
   * that before the lookout's. Further calls close nothing, wait for the same end, and hear how it was.
   *
   * @step 19.2
   */
  begin(): Promise<void> {
    // TODO 19.2
    throw new Error('TODO 19.2')
  }

  /**
   * Cuts off everybody at every door, now: whether or not `begin` was called, and each time. It ends nothing by itself, and
   * the data are closed in good order all the same.
   *
   * @step 19.2
   */
  cut(): void {
    // TODO 19.2
    throw new Error('TODO 19.2')
  }
}
