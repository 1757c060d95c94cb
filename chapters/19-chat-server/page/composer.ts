/** Where somebody writes. Enter says it, Shift and Enter begin a new line. */

import { byId } from './elements.ts'
import type { OpenRoom } from './open-room.ts'

/** In UTF-16 units, as the server counts. */
const MAX_TEXT_UNITS = 4_000
/** So near to the limit, somebody wants to know what is left. */
const NEAR_LIMIT = 200

export class Composer {
  readonly #form = byId('composer', HTMLFormElement)
  readonly #text = byId('text', HTMLTextAreaElement)
  readonly #leftOver = byId('left-over', HTMLElement)
  #room: OpenRoom | undefined

  constructor(onSay: (room: OpenRoom, text: string) => void) {
    const say = () => {
      const text = this.#text.value.trim()
      if (!this.#room || text === '') return
      this.#set('')
      onSay(this.#room, text)
    }
    this.#text.addEventListener('input', () => this.#set(this.#text.value))
    this.#text.addEventListener('keydown', (event) => {
      // Whoever composes a character (Chinese, Japanese …) ends that with Enter, and says nothing yet.
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
      event.preventDefault()
      say()
    })
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault()
      say()
      this.#text.focus()
    })
  }

  open(room: OpenRoom): void {
    this.#room = room
    this.#set(room.draft)
    this.#text.placeholder = `Say something in ${room.name}`
    this.#text.setAttribute('aria-label', `Message to ${room.name}`)
    // On a phone a keyboard would slide over what somebody has come to read.
    if (matchMedia('(pointer: fine)').matches) this.#text.focus({ preventScroll: true })
  }

  #set(text: string): void {
    if (this.#text.value !== text) this.#text.value = text
    if (this.#room) this.#room.draft = text
    const left = MAX_TEXT_UNITS - text.length
    this.#leftOver.textContent = left < NEAR_LIMIT ? `${left} left` : ''
  }
}
