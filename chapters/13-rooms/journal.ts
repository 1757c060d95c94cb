/**
 * Where messages get their numbers and are kept. In this chapter they are kept in memory, at once; in chapter 15 in a
 * log on the disk, later. The code above cannot tell the difference, because it waits for `onKept`.
 */

import type { Clock } from '../08-timers/timer-queue.ts'
import { RecentMessages } from './recent-messages.ts'

/** A message as everybody in the room sees it. */
export interface Message {
  /** 1, 2, 3 … within its room, without a gap. */
  readonly number: number
  readonly name: string
  readonly text: string
  /** Milliseconds since 1970. For people: nothing is ordered by it. */
  readonly at: number
}

/** What somebody has said and the journal has not kept yet. */
export interface Draft {
  readonly room: string
  readonly name: string
  readonly text: string
  /** By this key chapter 16 recognises a message that is said again. */
  readonly key?: string
  /** Called just before others are told: with the message, or `undefined` if it could not be kept. Does not throw. */
  onKept(message: Message | undefined): void
}

export interface Kept {
  readonly draft: Draft
  readonly message: Message | undefined
}

/** What has been told in a room, as far as it is in memory. */
export interface History {
  /** The number of the newest message that has been told; 0 when there is none. */
  readonly last: number
  /** The number of the oldest message that can still be read; `last + 1` when there is none. */
  readonly first: number
  page(query: PageQuery): Page
}

/** Asks for the newest messages, unless it says below or above which number. */
export interface PageQuery {
  before?: number
  after?: number
  /** 100 if left out. Nobody asks for more. */
  limit?: number
}

export interface Page {
  /** Ascending. */
  messages: Message[]
  /** Whether there are more in the same direction: newer ones if `after` was given, otherwise older ones. */
  more: boolean
}

export interface Journal {
  /** Set by the hub. Gets the drafts in the order of `append`; those that were kept together, in one turn. */
  onKept: (kept: readonly Kept[]) => void
  /** Gives the draft the next number of its room, and reports it to `onKept` when it is kept: now or later. */
  append(draft: Draft): void
  /** Opens a room that somebody enters. The history that it returns follows the room until `release`. */
  open(room: string): History
  /** Releases a room that its last member has left. */
  release(room: string): void
}

/** Keeps the newest messages of the rooms that somebody is in, and nothing else. */
export class MemoryJournal implements Journal {
  onKept: (kept: readonly Kept[]) => void = () => {}
  readonly #clock: Clock
  readonly #rooms = new Map<string, RecentMessages>()

  /** The clock counts from 1970. */
  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * See `Journal`. Adds the message to its room's history as the newest: with that, it has been kept. The name and the
   * text stay exactly as they are in the draft.
   *
   * @step 13.3
   */
  append(draft: Draft): void {
    // TODO 13.3
    throw new Error('TODO 13.3')
  }

  open(room: string): History {
    const history = new RecentMessages()
    this.#rooms.set(room, history)
    return history
  }

  release(room: string): void {
    this.#rooms.delete(room)
  }
}
