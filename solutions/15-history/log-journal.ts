/**
 * The journal of 13, on a log: messages are told when they survive, and can be read as long as their segment is there.
 *
 * The newest messages of rooms that somebody is in are in memory, loaded before the first member enters: joining is one
 * turn, and must not wait for a disk.
 */

import type { Clock } from '../08-timers/timer-queue.ts'
import { MAX_PAGE_MESSAGES } from '../13-rooms/fields.ts'
import type { Draft, History, Journal, Kept, Page, PageQuery } from '../13-rooms/journal.ts'
import { RecentMessages } from '../13-rooms/recent-messages.ts'
import type { Folder } from './folder.ts'
import type { Entry } from './groups.ts'
import { LoadedRooms } from './loaded-rooms.ts'
import { Log, LogClosed, type LogLimits, type Saved } from './log.ts'
import { decodeMessage, encodeMessage, type SavedMessage } from './records.ts'
import type { Cut } from './recovery.ts'
import { type Range, RoomIndex } from './room-index.ts'

/** A draft may have a key; see `SavedMessage`. */
export type KeyedDraft = Draft & { readonly key?: string }

export interface LogJournalOptions extends Partial<LogLimits> {
  /** It counts from 1970. */
  clock: Clock
  /** Identifies the data, if there are none yet. */
  origin: string
  /** Called once, when the disk has failed and nothing can be saved any more; not because of `close`. */
  onFailure?(error: Error): void
}

const UNBOUNDED = { maxMessages: Number.POSITIVE_INFINITY, maxBytes: Number.POSITIVE_INFINITY }

export class LogJournal implements Journal {
  onKept: (kept: readonly Kept[]) => void = () => {}
  readonly #clock: Clock
  #onFailure: LogJournalOptions['onFailure']
  readonly #index = new RoomIndex()
  #log!: Log
  /** What was appended and has not been reported yet, in that order, which is the order of the log. */
  readonly #drafts: Draft[] = []
  /** Resolves when all that was appended so far has been reported. */
  #reported: Promise<void> = Promise.resolve()
  #isClosed = false
  readonly #loaded = new LoadedRooms(this)

  private constructor({ clock, origin, onFailure }: LogJournalOptions) {
    this.#clock = clock
    this.#onFailure = onFailure
    this.#index.origin = origin
  }

  /** Opens the log of a folder, or begins one. */
  static async open(
    folder: Folder,
    options: LogJournalOptions,
  ): Promise<{ journal: LogJournal; cut: Cut | undefined }> {
    const journal = new LogJournal(options)
    const index = journal.#index
    const keeper = {
      onFound: (entry: Entry, segment: number) => index.add(entry, segment),
      onSynced: (saved: Saved[]) => journal.#keep(saved),
      marks: () => index.marks(),
      onRetired: (oldest: number) => index.forgetBefore(oldest),
    }
    const { log, cut } = await Log.open(folder, keeper, options)
    journal.#log = log
    return { journal, cut }
  }

  /** Identifies the data: the same after every restart. */
  get origin(): string {
    return this.#index.origin
  }

  /** Which messages of a room have been told and can still be read. */
  range(room: string): Range {
    return this.#index.range(room)
  }

  /** Whether anybody has said something in a room. */
  has(room: string): boolean {
    return this.#index.has(room)
  }

  /** How many rooms were created under a name: whoever says the first message creates a room for good. */
  roomsCreatedBy(name: string): number {
    return this.#index.roomsCreatedBy(name)
  }

  /** Why the disk saves nothing any more; `undefined` while all is well, and also once the journal is closed. */
  get failure(): Error | undefined {
    const { failure } = this.#log
    return failure instanceof LogClosed ? undefined : failure
  }

  append(draft: KeyedDraft): void {
    const { room, name, text, key } = draft
    const number = this.#index.reserve(room, name)
    this.#drafts.push(draft)
    // A clock may be set to any time, but a record cannot hold one before 1970.
    const message = { number, name, text, at: Math.max(0, this.#clock.now()) }
    const before = this.#reported
    const isTooLate = this.#isClosed
    this.#reported = this.#log
      .append(encodeMessage({ room, message, key }))
      .catch(async (error: Error) => {
        if (!isTooLate) this.#tellFailure(error)
        // What was appended before this draft may be saved later than this one is refused.
        await before
        this.#drafts.shift()
        this.onKept([{ draft, message: undefined }])
      })
  }

  #tellFailure(error: Error): void {
    this.#onFailure?.(error)
    this.#onFailure = undefined
  }

  /**
   * Takes records that would survive a crash now. Each is a message, the next of its room. It belongs to the oldest of
   * `#drafts`, and is added to the index, and to the history of its room if that is loaded. Then `onKept` is told of
   * all of them at once. All of this is one turn: the next turn may begin a segment, with the numbers of the index.
   *
   * @step 15.6
   */
  #keep(saved: Saved[]): void {
    const drafts = this.#drafts.splice(0, saved.length)
    const kept = saved.map((entry, index) => {
      this.#index.add(entry, entry.segment)
      const { room, message } = decodeMessage(entry.record)
      this.#loaded.get(room)?.add(message)
      return { draft: drafts[index], message }
    })
    this.onKept(kept)
  }

  /**
   * Resolves with a page of a room, read from the disk: the oldest messages above `after`, or else the newest, below
   * `before` if that is given. It has `limit` messages or fewer, up to `MAX_PAGE_BYTES`, but at least one if there is
   * one; `more` is exact.
   */
  async page(room: string, query: PageQuery): Promise<Page> {
    for (;;) {
      const { first } = this.#index.range(room)
      try {
        return await this.#readPage(room, query)
      } catch (error) {
        // That a segment was retired meanwhile is not an error: the page begins later now.
        if (this.#index.range(room).first === first) throw error
      }
    }
  }

  /**
   * Reads the page. `RecentMessages` decides what belongs in it and whether there are more, if it is given the messages
   * that are asked for and one more in the same direction. No others are read.
   *
   * @step 15.6
   */
  async #readPage(room: string, query: PageQuery): Promise<Page> {
    const { first, last } = this.#index.range(room)
    const { before = Number.POSITIVE_INFINITY, after, limit = MAX_PAGE_MESSAGES } = query
    const end = Math.min(before - 1, last)
    const from = Math.max(first, after === undefined ? end - limit : after + 1)
    const to = Math.min(end, from + limit)
    const messages = new RecentMessages(from - 1, UNBOUNDED)
    for (const { message } of await this.read(room, from, to)) messages.add(message)
    return messages.page(query)
  }

  /** Resolves with the messages `from` to `to` of a room, with their keys; all of them must be in its range. */
  read(room: string, from: number, to: number): Promise<SavedMessage[]> {
    const numbers = Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index)
    return Promise.all(
      numbers.map(async (number) => {
        const { segment, at, bytes } = this.#index.place(room, number)
        return decodeMessage(await this.#log.read(segment, at, bytes))
      }),
    )
  }

  /** Loads the newest messages of a room, and keeps them until `release` was called as often as `load` and `open`. */
  load(room: string): Promise<void> {
    return this.#loaded.load(room)
  }

  /** The history of a room that was loaded. */
  open(room: string): History {
    return this.#loaded.open(room)
  }

  release(room: string): void {
    this.#loaded.release(room)
  }

  /** Resolves with the page above `after` of a room that was loaded; with `undefined` if that page is in memory. */
  async pageAbove(room: string, after: number): Promise<Page | undefined> {
    if (after >= this.#loaded.get(room)!.firstInMemory - 1) return undefined
    return this.page(room, { after })
  }

  /** Saves what was appended; after this, nothing more can be appended. Rejects with `NotSaved` if the disk has failed. */
  close(): Promise<void> {
    this.#isClosed = true
    return this.#log.close()
  }
}
