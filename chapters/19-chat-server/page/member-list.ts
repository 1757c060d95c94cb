/** Who is in the room that is shown. */

import { byId, element } from './elements.ts'
import { initialOf } from './message-items.ts'
import type { OpenRoom } from './open-room.ts'

export class MemberList {
  readonly #list = byId('members', HTMLUListElement)
  readonly #panel = byId('members-panel', HTMLElement)
  readonly #toggle = byId('show-members', HTMLButtonElement)
  #drawn = ''

  constructor() {
    const turn = (isOpen: boolean) => {
      this.#panel.classList.toggle('is-open', isOpen)
      this.#toggle.setAttribute('aria-expanded', String(isOpen))
      const focused = isOpen ? byId('hide-members', HTMLButtonElement) : this.#toggle
      focused.focus()
    }
    this.#toggle.addEventListener('click', () => turn(!this.#panel.classList.contains('is-open')))
    byId('hide-members', HTMLButtonElement).addEventListener('click', () => turn(false))
    this.#panel.addEventListener('keydown', ({ key }) => key === 'Escape' && turn(false))
  }

  show({ members }: OpenRoom, me: string): void {
    if (this.#drawn === [me, ...members].join()) return
    this.#drawn = [me, ...members].join()
    const count = members.length === 1 ? '1 person' : `${members.length} people`
    this.#toggle.textContent = count
    this.#list.replaceChildren(...members.map((name) => itemOf(name, name === me)))
  }
}

function itemOf(name: string, isMe: boolean): HTMLLIElement {
  const item = element('li', {}, initialOf(name), element('span', { class: 'member' }, name))
  if (isMe) item.append(element('span', { class: 'quiet' }, 'you'))
  return item
}
