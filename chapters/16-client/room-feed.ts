/**
 * One room as a client sees it: every message once, in order, however often the connection is lost.
 *
 * A message reaches us in two ways: live, or on a page that we asked for. After a reconnection both come at the same time:
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

/** `last` is the room's newest message when we joined. Whatever is newer comes live. */
export interface Joined extends Page {
  last: number
}

export interface FeedEvents {
  onMessage(message: RoomMessage): void
  /** The server has not kept the messages from `from` to `to`, which we have never seen. */
  onMissed(from: number, to: number): void
  /** What was told so far is not what the server has: it counts anew. */
  onForgotten(): void
}

/** How many of a room's newest messages a client gets that knows none. */
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

  /** What to ask for when joining: the messages after this one. A live feed has a number. */
  get last(): number | undefined {
    return this.#last
  }

  get isLive(): boolean {
    return this.#isLive
  }

  /** The server has other data now: our numbers mean nothing any more. */
  forget(): void {
    if (this.#last === undefined) return
    this.#last = undefined
    this.#events.onForgotten()
  }

  /**
   * We have joined; what we asked for were the messages after `this.last`, and the first page of them is here. The result
   * is the number after which to ask for the next page; `undefined` when none is needed: then the feed is live.
   *
   * A room whose last number is below ours is not the one that we knew. Then we `forget`; `joined` brought no messages, and
   * the next page begins so that the newest `FIRST_LOOK` come. The gap ends at `joined.last`, as always.
   *
   * @step 16.4
   */
  onJoined(joined: Joined): number | undefined {
    // TODO 16.4
    throw new Error('TODO 16.4')
  }

  /**
   * The next page has come: its messages are told. Pages are needed until they reach the gap's end, or until one is empty:
   * then the rest of the gap is missed. The result is as for `onJoined`. When the feed goes live, the live messages that
   * waited are told first.
   *
   * @step 16.4
   */
  onPage({ messages }: Page): number | undefined {
    // TODO 16.4
    throw new Error('TODO 16.4')
  }

  /**
   * A live message has come: it is told, or it waits until the feed is live.
   *
   * @step 16.4
   */
  onLive(message: RoomMessage): void {
    // TODO 16.4
    throw new Error('TODO 16.4')
  }

  /**
   * The connection is lost. Live messages that still wait will be on a page after the next `join`.
   *
   * @step 16.4
   */
  onLost(): void {
    // TODO 16.4
    throw new Error('TODO 16.4')
  }

  /**
   * Tells a message, unless it was told before. If messages between the last one and this one never came, they are told
   * as missed first.
   *
   * @step 16.4
   */
  #tell(message: RoomMessage): void {
    // TODO 16.4
    throw new Error('TODO 16.4')
  }

  /** Whatever lies between the last number and this one is missed; nothing is, as long as no number is known. */
  #skipTo(number: number): void {
    const next = (this.#last ?? number - 1) + 1
    if (next < number) this.#events.onMissed(next, number - 1)
    this.#last = Math.max(this.#last ?? 0, number - 1)
  }
}
