/**
 * Asks many sources at once which of them are ready, as `select`, `poll` and `epoll_wait` do in a kernel.
 *
 * Level-triggered: a source is reported for as long as it *is* ready, not only when it *becomes* ready. Inside, it
 * works as epoll does: `wait` looks through a list of the sources that may be ready, so ten thousand idle connections
 * cost nothing. Nothing here knows about sockets.
 */

import type { Source } from './byte-stream.ts'

/** What to report about a source. */
export interface Interest {
  readable: boolean
  writable: boolean
}

/** A source that is closed, or ready for something wanted. `readable` and `writable` are `true` only if wanted. */
export interface Ready<S> extends Interest {
  source: S
  /** Its descriptor is free. Reported whatever is wanted, until the source is removed; epoll calls it `EPOLLHUP`. */
  hungUp: boolean
}

/** What an event loop needs; chapter 22 puts the kernel's epoll behind it. */
export interface Poller<S> {
  add(source: S, interest: Interest): void
  modify(source: S, interest: Interest): void
  remove(source: S): void
  /**
   * Returns everything that is ready when it returns. When nothing is, it waits first: until something may be ready,
   * until `wake` is called, or for `timeoutMs` (`Infinity`: forever), whichever comes first. An empty list means only
   * that the wait is over.
   */
  wait(timeoutMs: number): Ready<S>[] | Promise<Ready<S>[]>
  /** Ends one `wait`: the present one or, when there is none, the next. */
  wake(): void
}

/** The longest delay that `setTimeout` takes, 24.8 days; it turns a longer one into 1 ms. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1

export class NetPoller implements Poller<Source> {
  readonly #interests = new Map<Source, Interest>()
  /** Sources that may be ready. Every source that is ready is among them. */
  #hot = new Set<Source>()
  #isWoken = false
  /** One function for all sources: there may be ten thousand. */
  readonly #onChange = (source: Source) => this.#heat(source)
  /** Ends the present wait, if there is one. */
  #endWait: (() => void) | undefined

  add(source: Source, interest: Interest): void {
    if (this.#interests.has(source)) throw new Error('this source has been added before')
    source.onChange = this.#onChange
    this.modify(source, interest)
  }

  /** The source may have been ready for the new interest all along: `wait` will look at it. */
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
   * See `Poller`. It sleeps between two looks at the sources, and never polls.
   *
   * @step 07.3
   */
  async wait(timeoutMs: number): Promise<Ready<Source>[]> {
    // Node's own loop must have a turn each time: only it brings new bytes to sources that are not hot yet.
    const patience = this.#isWoken || this.#collect().length > 0 ? 0 : timeoutMs
    await this.#sleep(patience)
    this.#isWoken = false
    return this.#collect()
  }

  wake(): void {
    this.#isWoken = true
    this.#endWait?.()
  }

  /** Notes that the source may be ready: `wait` will look at it. */
  #heat(source: Source): void {
    // A set that is used again and again keeps its earlier tables alive until V8's next full collection.
    if (this.#hot.size === 0) this.#hot = new Set()
    this.#hot.add(source)
    this.#endWait?.()
  }

  /**
   * Returns the hot sources that are ready for what is wanted of them, and the closed ones. Takes the others out of
   * `#hot` until something changes about them.
   *
   * @step 07.3
   */
  #collect(): Ready<Source>[] {
    const ready: Ready<Source>[] = []
    for (const source of this.#hot) {
      const wanted = this.#interests.get(source)!
      const readable = wanted.readable && source.isReadable
      const writable = wanted.writable && source.isWritable
      const hungUp = source.isClosed
      if (readable || writable || hungUp) ready.push({ source, readable, writable, hungUp })
      else this.#hot.delete(source)
    }
    return ready
  }

  /**
   * Resolves after `ms`, or as soon as a source is heated or `wake` is called, but not before Node has reported
   * everything else that arrived in the same turn of its loop. `#sleep(0)` is one turn of Node's loop.
   */
  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      // `setTimeout` drops a fraction of a millisecond: the loop would wake before its deadline.
      const timer =
        Number.isFinite(ms) && ms > 0
          ? setTimeout(() => this.#endWait?.(), Math.min(Math.ceil(ms), MAX_TIMEOUT_MS))
          : undefined
      this.#endWait = () => {
        this.#endWait = undefined
        clearTimeout(timer)
        setImmediate(resolve)
      }
      if (ms <= 0) this.#endWait()
    })
  }
}
