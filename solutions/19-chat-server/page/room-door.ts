/** Where somebody opens a room: by its name, or one that others are in. */

import type { Conversation } from './conversation.ts'
import { byId, element } from './elements.ts'

export class RoomDoor {
  readonly #conversation: Conversation
  readonly #problem = byId('open-room-problem', HTMLElement)
  /** Rooms that somebody was in when we looked. */
  #known: { room: string; members: number }[] = []
  #drawn = ''

  constructor(conversation: Conversation, onOpen: (name: string) => void) {
    this.#conversation = conversation
    const name = byId('open-room-name', HTMLInputElement)
    name.addEventListener('focus', () => this.lookAround())
    byId('open-room', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault()
      this.#problem.textContent = ''
      onOpen(name.value.trim().toLowerCase())
      name.value = ''
    })
  }

  /** That room could not be opened. */
  refuse(name: string, problem: string): void {
    this.#problem.textContent = `${name}: ${problem}`
  }

  /** Asks for the rooms that somebody is in. */
  async lookAround(): Promise<void> {
    const { client } = this.#conversation
    const answer = await client.request({ type: 'rooms' }).catch(() => undefined)
    if (answer) this.#known = answer.rooms
    this.show()
  }

  /** Lists the known rooms that are not open here. */
  show(): void {
    const others = this.#known.filter(({ room }) => !this.#conversation.roomCalled(room))
    if (this.#drawn === JSON.stringify(others)) return
    this.#drawn = JSON.stringify(others)
    byId('elsewhere', HTMLElement).hidden = others.length === 0
    byId('other-rooms', HTMLUListElement).replaceChildren(...others.map(itemOf))
  }
}

function itemOf({ room, members }: { room: string; members: number }): HTMLLIElement {
  const count = members === 1 ? '1 person' : `${members} people`
  const name = element('span', { class: 'room-name' }, room)
  const link = element('a', { href: `#${room}` }, name, element('span', { class: 'quiet' }, count))
  return element('li', {}, link)
}
