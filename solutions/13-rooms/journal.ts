/**
 * Where messages get their numbers and are kept. In this chapter that is memory, and at once; in chapter 15 a log on the
 * disk, and later. Nobody above can tell the difference, because everybody waits for `onKept`.
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
  /** By which chapter 16 knows a message that is said again. */
  readonly key?: string
  /** Told just before everybody else: the message, or `undefined` when it could not be kept. Does not throw. */
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
  /** The number of the oldest message that can still be had; `last + 1` when there is none. */
  readonly first: number
  page(query: PageQuery): Page
}

/** The newest messages unless it says below or above which number. */
export interface PageQuery {
  before?: number
  after?: number
  /** 100 unless it says fewer. */
  limit?: number
}

export interface Page {
  /** Ascending. */
  messages: Message[]
  /** Whether there are more that way: newer ones after `after`, otherwise older ones. */
  more: boolean
}

export interface Journal {
  /** The hub listens here: drafts of `append`, in that order, in one turn when they were kept together. */
  onKept: (kept: readonly Kept[]) => void
  /** Gives the draft the next number of its room, and reports it to `onKept` when it is kept: now or later. */
  append(draft: Draft): void
  /** A room that somebody enters. What it answers follows the room until `release`. */
  open(room: string): History
  /** The last member has left the room. */
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
   * See `Journal`. The message is the newest of its room's history, and has been kept with that.
   *
   * @step 13.3
   */
  append(draft: Draft): void {
    const { room, name, text } = draft
    const history = this.#rooms.get(room)!
    const message = { number: history.last + 1, name, text, at: this.#clock.now() }
    history.add(message)
    this.onKept([{ draft, message }])
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
