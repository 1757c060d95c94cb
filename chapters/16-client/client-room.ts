/**
 * A room that the client wants to be in: joins it again on every connection, fills the gap, says what is still unsaid.
 */

import type { Backoff } from './backoff.ts'
import type { ChatError } from './chat-error.ts'
import type { Message, RequestLink } from './request-link.ts'
import { type Joined, type Page, RoomFeed, type RoomMessage } from './room-feed.ts'
import { type Said, SayQueue } from './say-queue.ts'
import type { Timers } from './timers.ts'

export interface RoomOptions {
  newKey: () => string
  timers: Timers
  /** For each connection: when to ask again to be let in. */
  newBackoff: () => Backoff
  onNotice(notice: RoomNotice): void
}

/** What a room tells the application. */
export type RoomNotice =
  /** We are in the room, for the first time or again; `members` are in it now. */
  | { kind: 'joined'; room: string; members: string[] }
  /** The server does not let us in, and the client has left the room. Not told if we were in it and it may pass. */
  | { kind: 'refused'; room: string; error: ChatError }
  | { kind: 'message'; room: string; message: RoomMessage }
  /** Messages that we did not see and the server has not kept. */
  | { kind: 'missed'; room: string; from: number; to: number }
  /** The server has other data: what was told so far is not part of it. */
  | { kind: 'forgotten'; room: string }

/** Messages per page: as many as the server gives at once. */
const PAGE = 100

/** Errors that pass. A room may be full because the server still counts the connection that we have lost. */
const PASSING = ['room-full', 'busy', 'internal']

export class ClientRoom {
  readonly name: string
  readonly #options: RoomOptions
  readonly #onNotice: (notice: RoomNotice) => void
  readonly #feed: RoomFeed
  readonly #says: SayQueue
  /** The connection on which we are in the room, or about to be. There is one while the feed is live, until `end`. */
  #link: RequestLink | undefined
  #wasIn = false
  #isOver = false
  /** The timer of the next attempt to get in again, if there is one. */
  #retry: unknown

  constructor(name: string, options: RoomOptions) {
    this.name = name
    this.#options = options
    // The application may leave while a page is told: then nobody wants the rest of it.
    this.#onNotice = (notice) => {
      if (!this.#isOver) options.onNotice(notice)
    }
    this.#says = new SayQueue(options.newKey)
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
    this.#join(link, this.#options.newBackoff())
  }

  say(text: string): Promise<Said> {
    const said = this.#says.add(text)
    this.#sayNext()
    return said
  }

  /** A live message. */
  onMessage(message: Message): void {
    if (isRoomMessage(message)) this.#feed.onLive(message)
    else this.#link?.giveUp()
  }

  onLost(): void {
    this.#link = undefined
    this.#options.timers.cancel(this.#retry)
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
    this.#options.timers.cancel(this.#retry)
    this.#says.end()
  }

  #join(link: RequestLink, backoff: Backoff): void {
    const request = { type: 'join', room: this.name, after: this.#feed.last }
    link.ask(request, {
      onAnswer: (joined) => {
        if (link !== this.#link) return
        if (!isJoined(joined)) return link.giveUp()
        this.#wasIn = true
        this.#onNotice({ kind: 'joined', room: this.name, members: joined.members })
        this.#fill(this.#feed.onJoined(joined))
      },
      onError: (error) => {
        if (link !== this.#link) return
        if (this.#wasIn && PASSING.includes(error.code)) this.#joinLater(link, backoff)
        else this.#onNotice({ kind: 'refused', room: this.name, error })
      },
    })
  }

  /** The connection stays: other rooms live on it. */
  #joinLater(link: RequestLink, backoff: Backoff): void {
    const { timers } = this.#options
    this.#retry = timers.after(backoff.nextDelayMs(), () => this.#join(link, backoff))
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
          if (link !== this.#link) return
          if (isPage(page)) this.#fill(this.#feed.onPage(page))
          else link.giveUp()
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

function isJoined(answer: Message): answer is Message & Joined & { members: string[] } {
  return Number.isSafeInteger(answer.last) && Array.isArray(answer.members) && isPage(answer)
}

function isPage(answer: Message): answer is Message & Page {
  return Array.isArray(answer.messages) && answer.messages.every(isRoomMessage)
}

function isRoomMessage<T>(message: T): message is T & RoomMessage {
  const { number, name, text, at } = (message ?? {}) as Partial<RoomMessage>
  const isText = typeof name === 'string' && typeof text === 'string'
  return isText && Number.isSafeInteger(number) && typeof at === 'number'
}
