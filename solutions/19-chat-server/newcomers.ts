/**
 * Who is connected and has not said hello in time.
 *
 * An idle limit does not find such a peer: it may ping, and a browser answers our pings all by itself. Without this, a
 * place at a door would cost nothing but a handshake, and last for ever.
 */

import type { ChatSession } from '../13-rooms/chat-session.ts'
import type { Timers } from '../16-client/timers.ts'

export class Newcomers {
  readonly #timers: Timers
  readonly #limitMs: number
  /** When each came, oldest first. Whoever is welcomed stays here until the limit is over. */
  readonly #since = new Map<ChatSession, number>()
  /** One for all, armed for the oldest; it may fire early, because that one has gone. */
  #timer: unknown

  constructor(timers: Timers, limitMs: number) {
    this.#timers = timers
    this.#limitMs = limitMs
  }

  /** From now on, the session has `limitMs` for its welcome. If there is none by then, it ends as `'idle'`. */
  enter(session: ChatSession): void {
    this.#since.set(session, this.#timers.now())
    if (this.#since.size === 1) this.#lookIn(this.#limitMs)
  }

  /** Its connection is closed. */
  leave(session: ChatSession): void {
    this.#since.delete(session)
    if (this.#since.size === 0) this.#timers.cancel(this.#timer)
  }

  #lookIn(delayMs: number): void {
    this.#timers.cancel(this.#timer)
    this.#timer = this.#timers.after(delayMs, () => this.#look())
  }

  #look(): void {
    for (const [session, sinceMs] of this.#since) {
      const leftMs = sinceMs + this.#limitMs - this.#timers.now()
      if (leftMs > 0) return this.#lookIn(leftMs)
      this.#since.delete(session)
      if (!session.person && !session.isOver) session.close('idle')
    }
  }
}
