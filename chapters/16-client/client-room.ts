/**
 * A room that the client wants to be in: joins it again on every connection, fills the gap, says what is still unsaid.
 */

import type { ChatError } from './chat-error.ts'
import type { Message, RequestLink } from './request-link.ts'
import { type Joined, type Page, RoomFeed, type RoomMessage } from './room-feed.ts'
import { type Said, SayQueue } from './say-queue.ts'

/** What a room tells the application. */
export type RoomNotice =
  /** We are in the room, for the first time or again; `members` are in it now. */
  | { kind: 'joined'; room: string; members: string[] }
  /** The server does not let us in, and the client has left the room. */
  | { kind: 'refused'; room: string; error: ChatError }
  | { kind: 'message'; room: string; message: RoomMessage }
  /** Messages that we did not see and the server has not kept. */
  | { kind: 'missed'; room: string; from: number; to: number }
  /** The server has other data: what was told so far is not part of it. */
  | { kind: 'forgotten'; room: string }

/** Messages per page: as many as the server gives at once. */
const PAGE = 100

export class ClientRoom {
  readonly name: string
  readonly #onNotice: (notice: RoomNotice) => void
  readonly #feed: RoomFeed
  readonly #says: SayQueue
  /** The connection on which we are in the room, or about to be. There is one while the feed is live, until `end`. */
  #link: RequestLink | undefined
  #isOver = false

  constructor(name: string, newKey: () => string, onNotice: (notice: RoomNotice) => void) {
    this.name = name
    // The application may leave while a page is told: then nobody wants the rest of it.
    this.#onNotice = (notice) => {
      if (!this.#isOver) onNotice(notice)
    }
    this.#says = new SayQueue(newKey)
    this.#feed = new RoomFeed({
      onMessage: (message) => this.#onNotice({ kind: 'message', room: name, message }),
      onMissed: (from, to) => this.#onNotice({ kind: 'missed', room: name, from, to }),
      onForgotten: () => this.#onForgotten(),
    })
  }

  /** Joins the room on a new connection, once. */
  enter(link: RequestLink): void {
    if (link === this.#link) return
    this.#link = link
    const request = { type: 'join', room: this.name, after: this.#feed.last }
    link.ask(request, {
      onAnswer: (joined) => {
        if (link !== this.#link) return
        this.#onNotice({ kind: 'joined', room: this.name, members: joined.members })
        this.#fill(this.#feed.onJoined(joined as Message & Joined))
      },
      onError: (error) => {
        if (link === this.#link) this.#onNotice({ kind: 'refused', room: this.name, error })
      },
    })
  }

  say(text: string): Promise<Said> {
    const said = this.#says.add(text)
    this.#sayNext()
    return said
  }

  /** A live message. */
  onMessage(message: Message): void {
    this.#feed.onLive(message as Message & RoomMessage)
  }

  onLost(): void {
    this.#link = undefined
    this.#feed.onLost()
    this.#says.onLost()
  }

  /** Forgets our numbers: the server has other data than the one before. */
  forget(): void {
    this.#feed.forget()
  }

  /** Gives up what is still to be said, and tells nothing more: nobody wants to be in the room any more. */
  end(): void {
    this.#isOver = true
    this.#link = undefined
    this.#says.end()
  }

  #onForgotten(): void {
    if (this.#says.size > 0) this.#says.forget()
    this.#onNotice({ kind: 'forgotten', room: this.name })
  }

  /** Asks for the page after this number, and for those after it, until the room is live. */
  #fill(after: number | undefined): void {
    const link = this.#link
    if (after === undefined) {
      if (this.#says.size > 0) this.#sayNext()
      return
    }
    link?.ask(
      { type: 'history', room: this.name, after, limit: PAGE },
      {
        onAnswer: (page) => {
          if (link === this.#link) this.#fill(this.#feed.onPage(page as Message & Page))
        },
        onError: () => link.giveUp(),
      },
    )
  }

  /**
   * Sends the next request of the queue if the room is live and, when that is answered, the one after it. Tells the
   * queue of every answer.
   *
   * @step 16.6
   */
  #sayNext(): void {
    // TODO 16.6
    throw new Error('TODO 16.6')
  }
}
