/**
 * The chat on the screen: it puts the parts together, and decides which room is shown.
 *
 * The part of the address after `#` names the room, so a room can be linked to, and "back" goes back. Changes of the
 * conversation are drawn once per frame, however many there are.
 */

import { ChatClient } from '../../16-client/chat-client.ts'
import type { RoomMessage } from '../../16-client/room-feed.ts'
import { SYSTEM_TIMERS } from '../../16-client/timers.ts'
import { Composer } from './composer.ts'
import { ConnectionLine } from './connection-line.ts'
import { type Change, Conversation } from './conversation.ts'
import { byId } from './elements.ts'
import { MemberList } from './member-list.ts'
import { MessageList } from './message-list.ts'
import { News } from './news.ts'
import type { OpenRoom } from './open-room.ts'
import { RememberedRooms } from './remembered-rooms.ts'
import { goTo, roomInAddress } from './room-address.ts'
import { RoomDoor } from './room-door.ts'
import { RoomList } from './room-list.ts'
import { SayingList } from './saying-list.ts'
import { showUnsaid } from './unsaid-list.ts'
import { connectOverWebSocket } from './websocket-link.ts'

const LOSE = 'Some of your texts have not been sent yet. Leave the room and lose them?'

export class ChatScreen {
  readonly conversation: Conversation
  readonly #memory: RememberedRooms
  readonly #onEnded: () => void
  readonly #screen = byId('chat', HTMLElement)
  readonly #connection: ConnectionLine
  readonly #rooms = new RoomList()
  readonly #members = new MemberList()
  readonly #messages: MessageList
  readonly #composer: Composer
  readonly #door: RoomDoor
  readonly #news = new News()
  #shown: OpenRoom | undefined
  #isDrawing = false

  /** Connects, and shows the rooms that were open when the account of that name was last here. */
  constructor(url: string, name: string, onEnded: () => void) {
    this.#memory = new RememberedRooms(localStorage, name)
    this.#onEnded = onEnded
    const talk = new Conversation({
      makeClient: (onNotice) =>
        new ChatClient({
          connect: connectOverWebSocket(url),
          timers: SYSTEM_TIMERS,
          random: Math.random,
          hello: () => ({}),
          onNotice,
          name,
        }),
      remembered: this.#memory.load(),
      onChange: (change) => this.#onChange(change),
    })
    this.conversation = talk
    this.#door = new RoomDoor(talk, goTo)
    this.#connection = new ConnectionLine(talk.client, SYSTEM_TIMERS.now)
    const sayings = new SayingList({
      onAgain: (room, saying) => {
        talk.discard(room, saying)
        talk.say(room, saying.text)
      },
      onDiscard: (room, saying) => talk.discard(room, saying),
    })
    this.#messages = new MessageList(sayings, {
      onSeen: (room) => talk.read(room),
      onBeginning: (room) => talk.showEarlier(room),
    })
    this.#composer = new Composer((room, text) => {
      talk.say(room, text)
      this.#messages.goToEnd()
    })
    this.#listen()
    this.#screen.hidden = false
    this.#choose()
    talk.client.start()
  }

  hide(): void {
    this.#screen.hidden = true
  }

  #listen(): void {
    const { conversation } = this
    addEventListener('hashchange', () => this.#choose())
    addEventListener('keydown', (event) => this.#onKey(event))
    addEventListener('beforeunload', (event) => conversation.unsaid > 0 && event.preventDefault())
    document.addEventListener('visibilitychange', () => {
      if (document.hidden) this.#messages.beginAbsence()
      else this.#comeBack()
      this.#draw()
    })
    this.#memory.onElsewhere(({ rooms }) => {
      for (const { name, readTo } of rooms)
        if (readTo !== undefined) conversation.roomCalled(name)?.readElsewhere(readTo)
      this.#drawSoon()
    })
    byId('show-rooms', HTMLButtonElement).addEventListener('click', () => goTo(''))
    byId('leave-room', HTMLButtonElement).addEventListener('click', () => {
      if (this.#shown) this.#leave(this.#shown)
    })
  }

  #leave(room: OpenRoom): void {
    if (room.unsaid > 0 && !confirm(LOSE)) return
    this.conversation.leave(room)
    goTo('')
  }

  /** The page is visible again. */
  #comeBack(): void {
    this.conversation.client.tryNow()
    this.#door.lookAround()
    this.#messages.endAbsence()
  }

  /** Shows the room that the address names, or the first one. */
  #choose(): void {
    const name = roomInAddress()
    const room = name ? this.conversation.open(name) : this.conversation.rooms.at(0)
    this.#screen.dataset.shows = name ? 'room' : 'rooms'
    this.#show(room)
  }

  #show(room: OpenRoom | undefined): void {
    const isOther = room !== this.#shown
    this.#shown = room
    if (room && isOther) {
      this.#messages.open(room)
      this.#composer.open(room)
    }
    this.#draw()
  }

  /** Alt and an arrow key go to the next room, up or down. */
  #onKey(event: KeyboardEvent): void {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key]
    const { rooms } = this.conversation
    if (!event.altKey || step === undefined || rooms.length === 0) return
    event.preventDefault()
    const place = this.#shown ? rooms.indexOf(this.#shown) : 0
    goTo(rooms[(place + step + rooms.length) % rooms.length].name)
  }

  #onChange(change: Change): void {
    const { client } = this.conversation
    if (change.kind === 'state' && client.state.kind === 'ended') this.#onEnded()
    if (change.kind === 'message') this.#tellNews(change)
    if (change.kind === 'refused') {
      this.#door.refuse(change.name, change.problem)
      if (roomInAddress() === change.name) goTo('')
    }
    if (change.kind === 'state' && client.state.kind === 'online') this.#door.lookAround()
    if (change.kind === 'rooms') this.#remember()
    this.#drawSoon()
  }

  #tellNews({ room, message }: { room: OpenRoom; message: RoomMessage }): void {
    const isMine = message.name === this.conversation.name
    if (room === this.#shown && !isMine) this.#news.tell(message)
  }

  #remember(): void {
    const { remembered } = this.conversation
    if (remembered) this.#memory.save(remembered)
  }

  #drawSoon(): void {
    if (this.#isDrawing) return
    this.#isDrawing = true
    const draw = () => this.#isDrawing && this.#draw()
    // A hidden page gets no animation frames, but its title is visible.
    if (document.hidden) queueMicrotask(draw)
    else requestAnimationFrame(draw)
  }

  #draw(): void {
    this.#isDrawing = false
    const { conversation } = this
    const { rooms, name } = conversation
    if (this.#shown && !rooms.includes(this.#shown)) return this.#show(rooms.at(0))
    const room = this.#shown
    this.#connection.show()
    byId('my-name', HTMLElement).textContent = name
    byId('no-room', HTMLElement).hidden = room !== undefined
    for (const id of ['room-head', 'log', 'composer', 'members-panel'])
      byId(id, HTMLElement).hidden = room === undefined
    byId('room-title', HTMLElement).textContent = room?.name ?? ''
    byId('room-problem', HTMLElement).textContent = room?.problem ?? ''
    if (room) {
      this.#messages.update()
      this.#members.show(room, name)
    }
    this.#rooms.show(rooms, room)
    this.#door.show()
    if (conversation.client.state.kind === 'ended') showUnsaid(conversation.notSaid)
    const unread = rooms.reduce((sum, each) => sum + each.unread, 0)
    document.title = `${unread > 0 ? `(${unread}) ` : ''}${room?.name ?? 'Chat'}`
  }
}
