/** Rooms and read numbers, kept in the browser for each account. */

import type { Remembered } from './conversation.ts'

export class RememberedRooms {
  readonly #storage: Storage
  readonly #key: string

  constructor(storage: Storage, name: string) {
    this.#storage = storage
    this.#key = `chat.${name.toLowerCase()}`
  }

  /** `undefined` when nothing is stored, or nothing that we can read. */
  load(): Remembered | undefined {
    try {
      const kept = JSON.parse(this.#storage.getItem(this.#key) ?? '')
      return isRemembered(kept) ? kept : undefined
    } catch {
      return undefined
    }
  }

  save(remembered: Remembered): void {
    try {
      this.#storage.setItem(this.#key, JSON.stringify(remembered))
    } catch {
      // Storage is full or forbidden. The chat works without it.
    }
  }

  /** Another tab of the same account has saved. */
  onElsewhere(callback: (remembered: Remembered) => void): void {
    addEventListener('storage', ({ key }) => {
      const kept = key === this.#key ? this.load() : undefined
      if (kept) callback(kept)
    })
  }
}

function isRemembered(value: unknown): value is Remembered {
  const { server, rooms } = value as Remembered
  return (
    typeof server === 'string' &&
    Array.isArray(rooms) &&
    rooms.every(
      ({ name, readTo }) =>
        typeof name === 'string' && (readTo === undefined || Number.isSafeInteger(readTo)),
    )
  )
}
