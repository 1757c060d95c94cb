/**
 * Time as the client needs it. Node and a browser page have it in `setTimeout`; a test has its own, which stands still
 * until the test moves it.
 */

export interface Timers {
  /** Milliseconds since any fixed moment; never goes back. */
  now(): number
  /** Calls back once, after `delayMs`, never inside this call. The value identifies the timer for `cancel`. */
  after(delayMs: number, callback: () => void): unknown
  /** Cancels a timer. Nothing happens when it has fired already, or when there is none (`undefined`). */
  cancel(timer: unknown): void
}

/** The timers of the runtime. They keep a process alive as long as one is armed. */
export const SYSTEM_TIMERS: Timers = {
  now: () => performance.now(),
  after: (delayMs, callback) => setTimeout(callback, delayMs),
  cancel: (timer) => clearTimeout(timer as number | undefined),
}
