/**
 * Who comes and who goes, announced one after the other: one queue for all rooms of a hub.
 *
 * An announcement may find members that can be told nothing more. They leave their rooms at once, but that is announced
 * only when the announcement before it has reached everybody. Made inside each other instead, the announcements of a
 * thousand members lost at once would overflow the stack, and each member would hear of those lost before it.
 */
export class Announcements {
  readonly #waiting = new Set<() => void>()
  #isTelling = false

  /**
   * Calls `tell`, then everything that was added meanwhile. If this is called while another `tell` is running, `tell`
   * waits for its turn instead.
   */
  add(tell: () => void): void {
    this.#waiting.add(tell)
    if (this.#isTelling) return
    this.#isTelling = true
    try {
      for (const next of this.#waiting) {
        this.#waiting.delete(next)
        next()
      }
    } finally {
      this.#isTelling = false
    }
  }
}
