/** New messages for screen readers: an invisible live region. */

import type { RoomMessage } from '../../16-client/room-feed.ts'
import { byId, element } from './elements.ts'

const MAX_NEWS = 20

export class News {
  readonly #region = byId('news', HTMLElement)

  tell({ name, text }: RoomMessage): void {
    this.#region.append(element('p', {}, `${name}: ${text}`))
    while (this.#region.childElementCount > MAX_NEWS) this.#region.firstElementChild?.remove()
  }
}
