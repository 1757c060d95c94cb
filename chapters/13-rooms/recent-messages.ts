/**
 * The newest messages of one room, in memory: at most 50 of them, at most 64 KiB.
 *
 * Numbers have no gaps, so a number says at which place its message is.
 */

import { MAX_PAGE_MESSAGES } from './fields.ts'
import type { History, Message, Page, PageQuery } from './journal.ts'

export const MAX_RECENT_MESSAGES = 50
export const MAX_RECENT_BYTES = 64 * 1024

/** A page has no more bytes than this, unless its first message alone is larger. */
export const MAX_PAGE_BYTES = 256 * 1024

interface Limits {
  maxMessages: number
  maxBytes: number
  maxPageBytes: number
}

const LIMITS: Limits = {
  maxMessages: MAX_RECENT_MESSAGES,
  maxBytes: MAX_RECENT_BYTES,
  maxPageBytes: MAX_PAGE_BYTES,
}

export class RecentMessages implements History {
  readonly #limits: Limits
  /** Oldest first, and how many bytes each of them takes in a page. */
  readonly #messages: Message[] = []
  readonly #sizes: number[] = []
  #bytes = 0
  #last: number

  /** `last` is the number of the newest message that was told before those that will be added. */
  constructor(last = 0, limits: Partial<Limits> = {}) {
    this.#last = last
    this.#limits = { ...LIMITS, ...limits }
  }

  get last(): number {
    return this.#last
  }

  get first(): number {
    return this.#last - this.#messages.length + 1
  }

  /** Adds the next message, and forgets the oldest while there are too many, or too many bytes; never the newest. */
  add(message: Message): void {
    const size = sizeOf(message)
    this.#messages.push(message)
    this.#sizes.push(size)
    this.#bytes += size
    this.#last = message.number
    const { maxMessages, maxBytes } = this.#limits
    while (
      this.#messages.length > maxMessages ||
      (this.#bytes > maxBytes && this.#messages.length > 1)
    ) {
      this.#messages.shift()
      this.#bytes -= this.#sizes.shift()!
    }
  }

  /**
   * Returns the messages that are asked for and are still here: with `after`, the oldest above it; without, the newest,
   * below `before` if that is given. Nobody gives both. There are as many as `limit` and `maxPageBytes` allow, at least
   * one, without a gap; `more` is exact in both directions. The page does not change when messages are added.
   *
   * @step 13.5
   */
  page({ before = Number.POSITIVE_INFINITY, after, limit = MAX_PAGE_MESSAGES }: PageQuery): Page {
    // TODO 13.5
    throw new Error('TODO 13.5')
  }
}

/** The bytes that a message takes in a page, as JSON. */
export function sizeOf(message: Message): number {
  return Buffer.byteLength(JSON.stringify(message)) + 1
}
