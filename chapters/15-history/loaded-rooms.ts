/** The newest messages of the rooms that somebody is in, or about to enter. */

import type { History, Message, Page, PageQuery } from '../13-rooms/journal.ts'
import { MAX_RECENT_MESSAGES, RecentMessages } from '../13-rooms/recent-messages.ts'
import type { Range } from './room-index.ts'

/** Where to read messages that are not in memory. */
interface Shelf {
  range(room: string): Range
  page(room: string, query: PageQuery): Promise<Page>
}

interface LoadedRoom {
  users: number
  loading?: Promise<void>
  history?: LoadedHistory
}

export class LoadedRooms {
  readonly #shelf: Shelf
  readonly #rooms = new Map<string, LoadedRoom>()

  constructor(shelf: Shelf) {
    this.#shelf = shelf
  }

  /** The history of a room that is loaded. */
  get(room: string): LoadedHistory | undefined {
    return this.#rooms.get(room)?.history
  }

  /** Loads a room, and keeps it in memory until `release` was called as often as `load` and `open`. */
  async load(room: string): Promise<void> {
    const loaded = this.#use(room)
    try {
      loaded.loading ??= this.#loadInto(loaded, room)
      await loaded.loading
    } catch (error) {
      loaded.loading = undefined
      this.release(room)
      throw error
    }
  }

  /** The history of a room that was loaded, for one more user. */
  open(room: string): LoadedHistory {
    return this.#use(room).history!
  }

  release(room: string): void {
    const loaded = this.#rooms.get(room)
    if (loaded && --loaded.users === 0) this.#rooms.delete(room)
  }

  #use(room: string): LoadedRoom {
    const loaded = this.#rooms.get(room) ?? { users: 0 }
    this.#rooms.set(room, loaded)
    loaded.users += 1
    return loaded
  }

  async #loadInto(loaded: LoadedRoom, room: string): Promise<void> {
    let page: Page
    let last: number
    // What is saved while we read belongs to it as well: then read again.
    do {
      last = this.#shelf.range(room).last
      page = await this.#shelf.page(room, { limit: MAX_RECENT_MESSAGES })
    } while (this.#shelf.range(room).last !== last)
    loaded.history = new LoadedHistory(last, page.messages, () => this.#shelf.range(room).first)
  }
}

/** What is in memory of a room, and how far back its messages go on the disk. */
class LoadedHistory implements History {
  readonly #recent: RecentMessages
  readonly #firstOnDisk: () => number

  constructor(last: number, messages: Message[], firstOnDisk: () => number) {
    this.#recent = new RecentMessages(last - messages.length)
    for (const message of messages) this.#recent.add(message)
    this.#firstOnDisk = firstOnDisk
  }

  get last(): number {
    return this.#recent.last
  }

  get first(): number {
    return this.#firstOnDisk()
  }

  get firstInMemory(): number {
    return this.#recent.first
  }

  add(message: Message): void {
    this.#recent.add(message)
  }

  page(query: PageQuery): Page {
    const { messages, more } = this.#recent.page(query)
    const oldest = messages[0]?.number ?? this.last + 1
    return { messages, more: more || (query.after === undefined && oldest > this.first) }
  }
}
