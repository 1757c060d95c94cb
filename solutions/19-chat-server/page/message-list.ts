/**
 * The messages of one room on the screen. It adds at both ends and changes nothing between.
 *
 * A reader at the end stays at the end when messages are added; a reader further up keeps their place. Only when the
 * room has let go of its oldest messages, the list begins again, at the line for new ones if there are any.
 */

import type { RoomMessage } from '../../16-client/room-feed.ts'
import { byId } from './elements.ts'
import { itemsOf } from './message-items.ts'
import type { OpenRoom } from './open-room.ts'
import type { SayingList } from './saying-list.ts'

/** Closer to the end than this counts as the end. */
const NEAR_PX = 48
/** Closer to the beginning than this, the page before it is requested. */
const EARLY_PX = 240

export interface MessageListEvents {
  /** Somebody can see the newest message. */
  onSeen(room: OpenRoom): void
  /** Somebody has scrolled near the oldest message that is here. */
  onBeginning(room: OpenRoom): void
}

export class MessageList {
  readonly #log = byId('log', HTMLElement)
  readonly #list = byId('messages', HTMLOListElement)
  readonly #toNewest = byId('to-newest', HTMLButtonElement)
  readonly #showEarlier = byId('show-earlier', HTMLButtonElement)
  readonly #beginning = byId('beginning', HTMLElement)
  readonly #sayings: SayingList
  readonly #events: MessageListEvents
  #room: OpenRoom | undefined
  /** What is on the screen. */
  #shown: RoomMessage[] = []
  /** The line for new messages stands after the message with this number. */
  #readTo: number | undefined
  #isAtEnd = true

  constructor(sayings: SayingList, events: MessageListEvents) {
    this.#sayings = sayings
    this.#events = events
    this.#log.addEventListener('scroll', () => this.#onMoved(), { passive: true })
    this.#toNewest.addEventListener('click', () => {
      this.#goToEnd()
      this.#log.focus()
    })
    this.#showEarlier.addEventListener('click', () => {
      if (this.#room) this.#events.onBeginning(this.#room)
    })
    // A keyboard that slides in on a phone takes room from the log.
    new ResizeObserver(() => this.#isAtEnd && this.#goToEnd()).observe(this.#log)
  }

  /** Shows another room, beginning where its reader left it. */
  open(room: OpenRoom): void {
    this.#room = room
    this.#clear()
    const isAwaited = room.members.length === 0
    this.#readTo = room.unread > 0 || isAwaited ? room.readTo : undefined
    this.update()
  }

  /** The page is hidden: messages from now on will stand after the line for new ones. */
  beginAbsence(): void {
    this.#list.querySelector('.unread-line')?.remove()
    this.#readTo = this.#room?.last
  }

  /** The page is visible again. If nothing is unread, no line is needed. */
  endAbsence(): void {
    if (this.#room?.unread === 0) this.#readTo = undefined
  }

  /** Shows what has changed in the room. */
  update(): void {
    const room = this.#room
    if (!room) return
    const { messages } = room
    if (this.#shown.length > 0 && !messages.includes(this.#shown[0])) {
      this.#readTo = this.#isAtEnd && !document.hidden ? undefined : room.readTo
      this.#clear()
    }
    const isFirstTime = this.#shown.length === 0
    this.#addBefore(messages)
    this.#addBehind(messages)
    this.#sayings.show(room)
    this.#showEarlier.hidden = room.hasEarlier === false || messages.length === 0
    this.#beginning.textContent = beginningOf(room)
    const line = isFirstTime && this.#list.querySelector('.unread-line')
    if (line) line.scrollIntoView({ block: 'start' })
    else if (this.#isAtEnd) this.#goToEnd()
    this.#onMoved()
  }

  goToEnd(): void {
    this.#goToEnd()
  }

  #clear(): void {
    this.#shown = []
    this.#list.replaceChildren()
    this.#isAtEnd = true
  }

  /** Adds messages at the beginning. The old first one is drawn again, because it has a predecessor now. */
  #addBefore(messages: readonly RoomMessage[]): void {
    const [first] = this.#shown
    const place = first ? messages.indexOf(first) : 0
    if (place === 0) return
    const end = this.#log.scrollHeight - this.#log.scrollTop
    for (let isDone = false; !isDone; ) {
      const item = this.#list.firstElementChild as HTMLElement
      isDone = item.dataset.number !== undefined
      item.remove()
    }
    this.#list.prepend(...this.#itemsOf(messages.slice(0, place + 1), undefined))
    this.#shown.unshift(...messages.slice(0, place))
    this.#log.scrollTop = this.#log.scrollHeight - end
  }

  #addBehind(messages: readonly RoomMessage[]): void {
    const added = messages.slice(this.#shown.length)
    this.#list.append(...this.#itemsOf(added, this.#shown.at(-1)))
    this.#shown.push(...added)
  }

  #itemsOf(messages: readonly RoomMessage[], before: RoomMessage | undefined): HTMLLIElement[] {
    const now = Date.now()
    const read = this.#readTo
    return messages.flatMap((message, place) => {
      const previous = place === 0 ? before : messages[place - 1]
      const isFirstUnread =
        read !== undefined && message.number > read && (previous?.number ?? 0) <= read
      return itemsOf(message, { message: previous, isFirstUnread }, now)
    })
  }

  #goToEnd(): void {
    this.#log.scrollTop = this.#log.scrollHeight
  }

  #onMoved(): void {
    const room = this.#room
    const { scrollHeight, scrollTop, clientHeight } = this.#log
    if (!room || clientHeight === 0) return
    this.#isAtEnd = scrollHeight - scrollTop - clientHeight < NEAR_PX
    // Messages that are not drawn yet have not been seen.
    const isDrawn = this.#shown.length > 0 && this.#shown.length === room.messages.length
    if (this.#isAtEnd && isDrawn && !document.hidden) this.#events.onSeen(room)
    if (scrollTop < EARLY_PX && isDrawn) this.#events.onBeginning(room)
    this.#toNewest.hidden = this.#isAtEnd
    const { unread } = room
    this.#toNewest.textContent = unread > 0 ? `↓ ${unread} new` : '↓ Newest'
  }
}

function beginningOf({ name, messages, hasEarlier }: OpenRoom): string {
  if (messages.length === 0) return `Nobody has said anything in ${name} yet.`
  if (hasEarlier !== false) return ''
  return messages[0].number === 1
    ? `This is where ${name} begins.`
    : 'What was said before is not kept any more.'
}
