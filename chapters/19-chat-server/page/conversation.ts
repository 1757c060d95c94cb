/**
 * Everything a person does in the chat, beneath whatever shows it: the page here, the terminal of `npm start chat`.
 *
 *     ChatClient (16) ── onNotice ──▶ Conversation ── onChange ──▶ a screen
 *            ◀── join, leave, say ──      │      ◀── open, say, showEarlier ──
 *                                      OpenRoom (one each)
 */

import type { ChatClient, Notice } from '../../16-client/chat-client.ts'
import type { ChatError } from '../../16-client/chat-error.ts'
import type { Message } from '../../16-client/request-link.ts'
import type { RoomMessage } from '../../16-client/room-feed.ts'
import { OpenRoom, type Saying } from './open-room.ts'
import { textOfProblem } from './problems.ts'

/** Kept when the page closes. */
export interface Remembered {
  /** Names the data that the numbers belong to. */
  server: string
  rooms: { name: string; readTo?: number }[]
}

export type Change =
  /** The state of the connection. */
  | { kind: 'state' }
  /** Which rooms are open, or what is unread in them. */
  | { kind: 'rooms' }
  /** What is in a room. */
  | { kind: 'room'; room: OpenRoom }
  /** A new message: it was said after we first joined, and is not read yet. */
  | { kind: 'message'; room: OpenRoom; message: RoomMessage }
  /** A room could not be opened. */
  | { kind: 'refused'; name: string; problem: string }

export interface NotSaid {
  room: OpenRoom
  saying: Saying
}

export interface ConversationOptions {
  makeClient(onNotice: (notice: Notice) => void): ChatClient
  remembered?: Remembered
  onChange(change: Change): void
}

/** Messages in one page of the past. */
const PAGE = 50

export class Conversation {
  readonly client: ChatClient
  readonly #onChange: (change: Change) => void
  readonly #rooms = new Map<string, OpenRoom>()
  /** Rooms for whose past we have asked. */
  readonly #asking = new Set<OpenRoom>()
  #name = ''
  #otherPerson: string | undefined
  #server: string | undefined

  constructor({ makeClient, remembered, onChange }: ConversationOptions) {
    this.#onChange = onChange
    this.#server = remembered?.server
    this.client = makeClient((notice) => this.#onNotice(notice))
    for (const { name, readTo } of remembered?.rooms ?? []) this.#enter(new OpenRoom(name, readTo))
  }

  /** Mine, as the server writes it. */
  get name(): string {
    return this.#name
  }

  /** Whoever has logged in instead of me, which has ended the client. */
  get otherPerson(): string | undefined {
    return this.#otherPerson
  }

  /** In the order in which they were opened. */
  get rooms(): OpenRoom[] {
    return [...this.#rooms.values()]
  }

  /** What to pass to the next conversation, if the server was reached. */
  get remembered(): Remembered | undefined {
    const rooms = this.rooms.map(({ name, readTo }) => ({ name, readTo }))
    return this.#server === undefined ? undefined : { server: this.#server, rooms }
  }

  roomCalled(name: string): OpenRoom | undefined {
    return this.#rooms.get(name.toLowerCase())
  }

  /** The room of that name, which is entered unless it is open already. */
  open(name: string): OpenRoom {
    const open = this.roomCalled(name)
    if (open?.problem !== undefined) this.client.join(open.name)
    if (open) return open
    const room = this.#enter(new OpenRoom(name.toLowerCase()))
    this.#onChange({ kind: 'rooms' })
    return room
  }

  leave(room: OpenRoom): void {
    this.client.leave(room.name)
    this.#remove(room)
  }

  /** Shows the text as being sent, until it is said or cannot be. */
  async say(room: OpenRoom, text: string): Promise<void> {
    const saying = room.beginSaying(text)
    this.#onChange({ kind: 'room', room })
    try {
      const { number } = await this.client.say(room.name, text)
      room.onSaid(saying, number)
    } catch (error) {
      room.onNotSaid(saying, error as ChatError)
    }
    this.#onChange({ kind: 'room', room })
  }

  /** Forgets a text that was not said. */
  discard(room: OpenRoom, saying: Saying): void {
    room.forgetSaying(saying)
    this.#onChange({ kind: 'room', room })
  }

  /** How many texts may still be said. */
  get unsaid(): number {
    return this.rooms.reduce((sum, { unsaid }) => sum + unsaid, 0)
  }

  /** What was not said, or may not have been; each with its room. */
  get notSaid(): NotSaid[] {
    const all = this.rooms.flatMap((room) => room.sayings.map((saying) => ({ room, saying })))
    return all.filter(({ saying }) => saying.problem !== undefined)
  }

  /** Everything in this room has been read, if we have ever been in it. */
  read(room: OpenRoom): void {
    const before = room.readTo
    if (before !== undefined) room.read()
    if (room.readTo !== before) this.#onChange({ kind: 'rooms' })
  }

  /** Requests the page of messages before the first one here; not twice at a time, and not when there is none. */
  async showEarlier(room: OpenRoom): Promise<void> {
    const first = room.messages.at(0)?.number
    if (first === undefined || room.hasEarlier === false || this.#asking.has(room)) return
    if (first === 1) return this.#onEarlier(room, [], false)
    this.#asking.add(room)
    const request = { type: 'history', room: room.name, before: first, limit: PAGE }
    const page = await this.client.request(request).catch(() => undefined)
    this.#asking.delete(room)
    const isStillFirst = room.messages.at(0)?.number === first
    if (page && isStillFirst) this.#onEarlier(room, page.messages, page.more)
  }

  #onEarlier(room: OpenRoom, messages: Message['messages'], hasEarlier: boolean): void {
    room.onEarlier(messages, hasEarlier)
    this.#onChange({ kind: 'room', room })
  }

  #onNotice(notice: Notice): void {
    if (notice.kind === 'state') return this.#onChange({ kind: 'state' })
    if (notice.kind === 'welcome') return this.#onWelcome(notice.welcome)
    if (notice.kind === 'otherPerson') {
      this.#otherPerson = notice.name
      return
    }
    if (notice.kind === 'told') return this.#onTold(notice.message)
    const room = this.roomCalled(notice.room)
    if (!room) return
    if (notice.kind === 'refused') return this.#onRefused(room, notice.error)
    if (notice.kind === 'joined') this.#onJoined(room, notice.members)
    if (notice.kind === 'forgotten') room.onForgotten()
    if (notice.kind === 'missed') room.onMissed(notice.to)
    if (notice.kind === 'message') this.#onMessage(room, notice.message)
    this.#onChange({ kind: 'room', room })
    this.#onChange({ kind: 'rooms' })
  }

  #onJoined(room: OpenRoom, members: string[]): void {
    const isFirstTime = room.messages.length === 0
    room.onJoined(members)
    if (isFirstTime) this.#beginReading(room)
  }

  /**
   * A room that was forgotten after we had joined again gets its first messages later, in a turn of their own. If it has
   * none, the next one that somebody says is taken for them.
   */
  #onMessage(room: OpenRoom, message: RoomMessage): void {
    const { readTo } = room
    room.onMessage(message)
    if (readTo === undefined) this.#beginReading(room)
    else if (message.number > readTo) this.#onChange({ kind: 'message', room, message })
  }

  /** The first messages arrive in one turn, and they are the newest that the server has. */
  #beginReading(room: OpenRoom): void {
    queueMicrotask(() => room.beginReading())
  }

  #onWelcome({ name, server }: Message): void {
    this.#name = name
    const isOther = this.#server !== undefined && this.#server !== server
    if (isOther) for (const room of this.rooms) room.onForgotten()
    this.#server = server
    this.#onChange({ kind: 'rooms' })
  }

  #onTold({ type, room: name, name: who, is }: Message): void {
    const room = type === 'member' ? this.roomCalled(name) : undefined
    room?.onMember(who, is === 'here')
    if (room) this.#onChange({ kind: 'room', room })
  }

  /** A room that we have been in stays in the list, and can be tried again. */
  #onRefused(room: OpenRoom, error: ChatError): void {
    const problem = textOfProblem(error)
    if (room.readTo === undefined) {
      this.#remove(room)
      return this.#onChange({ kind: 'refused', name: room.name, problem })
    }
    room.problem = problem
    this.#onChange({ kind: 'room', room })
  }

  #enter(room: OpenRoom): OpenRoom {
    this.#rooms.set(room.name, room)
    this.client.join(room.name)
    return room
  }

  #remove(room: OpenRoom): void {
    this.#rooms.delete(room.name)
    this.#onChange({ kind: 'rooms' })
  }
}
