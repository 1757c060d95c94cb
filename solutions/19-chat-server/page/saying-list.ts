/** What I have said and the server has not answered yet, and what was not said in the end. */

import { button, byId, element } from './elements.ts'
import type { OpenRoom, Saying } from './open-room.ts'

export interface SayingListEvents {
  onAgain(room: OpenRoom, saying: Saying): void
  onDiscard(room: OpenRoom, saying: Saying): void
}

export class SayingList {
  readonly #list = byId('sayings', HTMLOListElement)
  readonly #events: SayingListEvents
  #drawn = ''

  constructor(events: SayingListEvents) {
    this.#events = events
  }

  /** Draws only changes: replacing a button between press and release would lose the click. */
  show(room: OpenRoom): void {
    const drawn = JSON.stringify([room.name, room.sayings])
    if (this.#drawn === drawn) return
    this.#drawn = drawn
    this.#list.hidden = room.sayings.length === 0
    this.#list.replaceChildren(...room.sayings.map((saying) => this.#item(room, saying)))
  }

  #item(room: OpenRoom, saying: Saying): HTMLLIElement {
    const said = element('p', { class: 'said', dir: 'auto' }, saying.text)
    if (saying.problem === undefined) {
      const state = element('span', { class: 'fate' }, 'on its way …')
      return element('li', { class: 'message on-its-way' }, said, state)
    }
    const problem = element('span', { role: 'alert' }, saying.problem)
    const again = () => this.#events.onAgain(room, saying)
    const discard = () => this.#events.onDiscard(room, saying)
    const fate = element(
      'span',
      { class: 'fate' },
      problem,
      button({ class: 'link-button' }, again, 'Say it again'),
      button({ class: 'link-button' }, discard, 'Discard'),
    )
    return element('li', { class: 'message not-said' }, said, fate)
  }
}
