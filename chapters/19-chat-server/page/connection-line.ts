/** Shows the state of the connection, and when the next attempt begins. */

import type { ChatClient } from '../../16-client/chat-client.ts'
import type { ClientState } from '../../16-client/client-state.ts'
import { byId } from './elements.ts'

const COUNT_MS = 250

export class ConnectionLine {
  readonly #client: ChatClient
  readonly #now: () => number
  readonly #text = byId('connection', HTMLElement)
  /** The same in the head of a room: on a phone, the line is not on the screen there. */
  readonly #here = byId('connection-here', HTMLButtonElement)
  readonly #countdown = byId('countdown', HTMLElement)
  readonly #tryNow = byId('try-now', HTMLButtonElement)
  #counting: ReturnType<typeof setInterval> | undefined

  /** `now` is the clock of the client's timers. */
  constructor(client: ChatClient, now: () => number) {
    this.#client = client
    this.#now = now
    for (const tryNow of [this.#tryNow, this.#here])
      tryNow.addEventListener('click', () => client.tryNow())
    addEventListener('online', () => client.tryNow())
  }

  show(): void {
    const { state } = this.#client
    const text = textOf(state)
    document.body.dataset.connection = state.kind
    // Setting the same text again would make screen readers announce it again.
    if (this.#text.textContent !== text) this.#text.textContent = text
    this.#here.hidden = state.kind === 'online'
    this.#here.textContent = text
    this.#tryNow.hidden = state.kind !== 'waiting'
    clearInterval(this.#counting)
    this.#count()
    if (state.kind === 'waiting') this.#counting = setInterval(() => this.#count(), COUNT_MS)
  }

  #count(): void {
    const { nextTryMs } = this.#client
    const seconds = nextTryMs === undefined ? 0 : Math.ceil((nextTryMs - this.#now()) / 1_000)
    this.#countdown.textContent = seconds > 0 ? `next try in ${seconds} s` : ''
  }
}

function textOf(state: ClientState): string {
  switch (state.kind) {
    case 'online':
      return 'connected'
    case 'waiting':
      return 'connection lost'
    case 'ended':
      return state.code === 'unsupported-version' ? 'load this page anew' : 'logged out'
    default:
      return 'connecting …'
  }
}
