/**
 * Asks many sources at once who is ready. What `select`, `poll` and `epoll_wait` are in a kernel.
 *
 * Level-triggered: a source is reported for as long as it *is* ready, not only when it *becomes* ready. It works as
 * epoll does inside: a list of those that may be ready, which `wait` looks through, so that ten thousand idle
 * connections cost nothing. Nothing here knows about sockets.
 */

import type { Source } from './byte-stream.ts'

/** What to be told about. */
export interface Interest {
  readable: boolean
  writable: boolean
}

/** A source that is ready for at least one thing that somebody is interested in, or lost. */
export interface Ready<S> extends Interest {
  source: S
}

/** What an event loop needs; chapter 22 puts the kernel's epoll behind it. */
export interface Poller<S> {
  add(source: S, interest: Interest): void
  modify(source: S, interest: Interest): void
  remove(source: S): void
  /**
   * Everything that is ready now; when that is nothing, waits until something is, until `wake` is called, or for
   * `timeoutMs`. `Infinity` means for ever. An empty list means that the wait is over and nothing is ready.
   */
  wait(timeoutMs: number): Ready<S>[] | Promise<Ready<S>[]>
  /** Ends a `wait`, the present one or, when there is none, the next. */
  wake(): void
}

const ANYTHING = { readable: true, writable: true }

export class NetPoller implements Poller<Source> {
  readonly #interests = new Map<Source, Interest>()
  /** Sources that may be ready. Every source that is ready is in it. */
  readonly #hot = new Set<Source>()
  #isWoken = false
  /** Ends the wait that goes on, if one does. */
  #endWait: (() => void) | undefined

  add(source: Source, interest: Interest): void {
    if (this.#interests.has(source)) throw new Error('this source has been added before')
    source.onChange = () => this.#heat(source)
    this.modify(source, interest)
  }

  /** A new interest may be one that the source has been ready for all along. */
  modify(source: Source, interest: Interest): void {
    this.#interests.set(source, interest)
    this.#heat(source)
  }

  remove(source: Source): void {
    source.onChange = undefined
    this.#interests.delete(source)
    this.#hot.delete(source)
  }

  /**
   * See `Poller`.
   *
   * @step 07.3
   */
  async wait(timeoutMs: number): Promise<Ready<Source>[]> {
    // TODO 07.3
    throw new Error('TODO 07.3')
  }

  wake(): void {
    this.#isWoken = true
    this.#endWait?.()
  }

  /** The source may be ready: `wait` is to look at it. */
  #heat(source: Source): void {
    this.#hot.add(source)
    this.#endWait?.()
  }

  /**
   * Those of the hot sources that are ready for what is wanted of them; of a lost one, anything is wanted. Those that are
   * not ready cool down until something changes about them.
   *
   * @step 07.3
   */
  #collect(): Ready<Source>[] {
    // TODO 07.3
    throw new Error('TODO 07.3')
  }

  /**
   * Resolves after `ms`, or as soon as a source is heated or `wake` is called, but not before everything else that
   * came in the same turn of Node's loop has been told.
   */
  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer =
        Number.isFinite(ms) && ms > 0 ? setTimeout(() => this.#endWait?.(), ms) : undefined
      this.#endWait = () => {
        this.#endWait = undefined
        clearTimeout(timer)
        setImmediate(resolve)
      }
      if (ms <= 0) this.#endWait()
    })
  }
}
