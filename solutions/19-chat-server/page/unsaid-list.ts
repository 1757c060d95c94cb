/** Beside the log-in: what was not said when the session ended. The page forgets it after the next log-in. */

import type { NotSaid } from './conversation.ts'
import { byId, element } from './elements.ts'

export function showUnsaid(all: NotSaid[]): void {
  byId('unsaid', HTMLElement).hidden = all.length === 0
  byId('unsaid-texts', HTMLUListElement).replaceChildren(...all.map(itemOf))
}

function itemOf({ room, saying }: NotSaid): HTMLLIElement {
  return element(
    'li',
    { class: 'not-said' },
    element('p', { class: 'said', dir: 'auto' }, saying.text),
    element('p', { class: 'fate' }, `In ${room.name}. ${saying.problem}`),
  )
}
