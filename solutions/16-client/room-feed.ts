/**
 * One room as a client sees it: every message once, in order, however often the connection is lost.
 *
 * A message reaches us in two ways: live, or on a page that we asked for. After a reconnection both arrive together:
 * live messages, and pages with what was said while we were away. Live ones wait until the pages have filled the gap.
 */

export interface RoomMessage {
  /** 1, 2, 3, … within a room. */
  number: number
  name: string
  text: string
  at: number
}

/** Messages, ascending, as the server sends them; no more of them than fit into one answer. */
export interface Page {
  messages: RoomMessage[]
}

/** `last` is the room's newest message when we joined. Whatever is newer arrives live. */
export interface Joined extends Page {
  last: number
}

export interface FeedEvents {
  onMessage(message: RoomMessage): void
  /** The server has not kept the messages from `from` to `to`, which we have never seen. */
  onMissed(from: number, to: number): void
  /** What was told so far is not what the server has: numbers begin again. */
  onForgotten(): void
}

/** How many of a room's newest messages a client gets if it knows none. */
const FIRST_LOOK = 50

export class RoomFeed {
  readonly #events: FeedEvents
  /** The number of the last message that was told; `undefined` as long as no number is known. */
  #last: number | undefined
  /** The pages have to reach this number. */
  #gapEnd = 0
  /** Whether live messages go straight through. */
  #isLive = false
  /** Live messages that wait. */
  readonly #waiting: RoomMessage[] = []

  constructor(events: FeedEvents) {
    this.#events = events
  }

  /** The number after which to ask for messages when joining. A live feed has one. */
  get last(): number | undefined {
    return this.#last
  }

  get isLive(): boolean {
    return this.#isLive
  }

  /** Forgets our numbers: the server has other data now, and they mean nothing any more. */
  forget(): void {
    if (this.#last === undefined) return
    this.#last = undefined
    this.#events.onForgotten()
  }

  /**
   * Takes the answer to a join that asked for the messages after `this.last`: the first page of them. Returns the
   * number after which to ask for the next page; `undefined` when none is needed: then the feed is live.
   *
   * A room whose last number is below ours is not the one that we knew. Then we `forget`. `joined` brought no messages,
   * so this returns `joined.last - FIRST_LOOK`, but at least 0: the next page brings the newest ones, or none if the room
   * is empty. The gap ends at `joined.last`, as always.
   *
   * @step 16.4
   */
  onJoined(joined: Joined): number | undefined {
    this.#gapEnd = joined.last
    if (this.#last === undefined || this.#last <= joined.last) return this.onPage(joined)
    this.forget()
    return Math.max(0, joined.last - FIRST_LOOK)
  }

  /**
   * Takes the next page, and tells its messages. Pages are needed until they reach the gap's end, or until one is
   * empty: then the rest of the gap is missed. Returns the same as `onJoined`. When the feed goes live, the live
   * messages that waited are told, in order, before any later one.
   *
   * @step 16.4
   */
  onPage({ messages }: Page): number | undefined {
    for (const message of messages) this.#tell(message)
    const reached = messages.at(-1)?.number ?? this.#gapEnd
    if (reached < this.#gapEnd) return reached
    this.#skipTo(this.#gapEnd + 1)
    this.#isLive = true
    for (const message of this.#waiting.splice(0)) this.#tell(message)
    return undefined
  }

  /**
   * Tells a live message, or keeps it until the feed is live.
   *
   * @step 16.4
   */
  onLive(message: RoomMessage): void {
    if (this.#isLive) this.#tell(message)
    else this.#waiting.push(message)
  }

  /**
   * Ends the live feed: the connection is lost. Forgets the live messages that still wait: those that the server has
   * kept will be on a page after the next `join`.
   *
   * @step 16.4
   */
  onLost(): void {
    this.#isLive = false
    this.#waiting.length = 0
  }

  /**
   * Tells a message, unless it was told before. If messages between the last one and this one never arrived, they are
   * told as missed first.
   *
   * @step 16.4
   */
  #tell(message: RoomMessage): void {
    if (message.number <= (this.#last ?? 0)) return
    this.#skipTo(message.number)
    this.#last = message.number
    this.#events.onMessage(message)
  }

  /** Tells as missed whatever lies between the last number and this one; nothing, as long as no number is known. */
  #skipTo(number: number): void {
    const next = (this.#last ?? number - 1) + 1
    if (next < number) this.#events.onMissed(next, number - 1)
    this.#last = Math.max(this.#last ?? 0, number - 1)
  }
}
