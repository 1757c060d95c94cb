/** Where somebody writes. Enter says it, Shift+Enter begins a new line. */

import { byId } from './elements.ts'
import type { OpenRoom } from './open-room.ts'

/** In UTF-16 units, as the server counts. */
const MAX_TEXT_UNITS = 4_000
/** From here on the page shows how many units are left. */
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
      // An input method (Chinese, Japanese …) ends a character with Enter: that sends nothing yet.
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
    // On a phone, focus opens the keyboard, which hides the messages.
    if (matchMedia('(pointer: fine)').matches) this.#text.focus({ preventScroll: true })
  }

  #set(text: string): void {
    if (this.#text.value !== text) this.#text.value = text
    if (this.#room) this.#room.draft = text
    const left = MAX_TEXT_UNITS - text.length
    this.#leftOver.textContent = left < NEAR_LIMIT ? `${left} left` : ''
  }
}
