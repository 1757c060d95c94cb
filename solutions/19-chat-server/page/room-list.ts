/**
 * The rooms that are open, which of them is shown, and how much is unread in the others.
 *
 * Items are updated in place: replacing a link between press and release would lose the click.
 */

import { byId, element } from './elements.ts'
import type { OpenRoom } from './open-room.ts'

/** Larger counts are shown as `99+`. */
const MAX_COUNT = 99

/** A room is a link: the address of the page says which one is shown. */
interface Item {
  item: HTMLLIElement
  link: HTMLAnchorElement
  badge: HTMLElement
  /** The same for screen readers. */
  count: HTMLElement
}

export class RoomList {
  readonly #list = byId('rooms', HTMLUListElement)
  readonly #items = new Map<OpenRoom, Item>()

  show(rooms: readonly OpenRoom[], shown: OpenRoom | undefined): void {
    for (const [room, { item }] of this.#items) {
      if (rooms.includes(room)) continue
      this.#items.delete(room)
      item.remove()
    }
    for (const room of rooms) this.#show(room, room === shown)
  }

  #show(room: OpenRoom, isShown: boolean): void {
    const { link, badge, count } = this.#items.get(room) ?? this.#add(room)
    const { unread, problem } = room
    if (isShown) link.setAttribute('aria-current', 'page')
    else link.removeAttribute('aria-current')
    link.classList.toggle('has-unread', unread > 0)
    badge.hidden = unread === 0 && problem === undefined
    badge.classList.toggle('bad', problem !== undefined)
    badge.textContent = problem === undefined ? countOf(unread) : '!'
    count.textContent = problem ?? (unread > 0 ? `, ${unread} unread` : '')
  }

  #add(room: OpenRoom): Item {
    const name = element('span', { class: 'room-name' }, room.name)
    const badge = element('span', { class: 'badge', 'aria-hidden': 'true' })
    const count = element('span', { class: 'for-ears' })
    const link = element('a', { href: `#${room.name}` }, name, badge, count)
    const made = { item: element('li', {}, link), link, badge, count }
    this.#items.set(room, made)
    this.#list.append(made.item)
    return made
  }
}

function countOf(unread: number): string {
  return unread > MAX_COUNT ? `${MAX_COUNT}+` : String(unread)
}
