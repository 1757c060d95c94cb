/** Rooms and read numbers, kept in the browser for each account, whose tabs share them. */

import type { Remembered } from './conversation.ts'

export class RememberedRooms {
  readonly #storage: Storage
  readonly #key: string
  /** Names of the rooms that this tab had when it loaded or saved last: what it has no longer, it has left. */
  #mine = new Set<string>()

  constructor(storage: Storage, name: string) {
    this.#storage = storage
    this.#key = `chat.${name.toLowerCase()}`
  }

  /** `undefined` when nothing is stored, or nothing that we can read. */
  load(): Remembered | undefined {
    const kept = this.#read()
    this.#mine = namesOf(kept?.rooms ?? [])
    return kept
  }

  /** Keeps the rooms that other tabs have opened meanwhile. Writes nothing when nothing is new. */
  save({ server, rooms }: Remembered): void {
    const mine = namesOf(rooms)
    const known = mine.union(this.#mine)
    this.#mine = mine
    const kept = this.#read()
    const stored = kept?.server === server ? kept.rooms : []
    const elsewhere = stored.filter(({ name }) => !known.has(name))
    const text = JSON.stringify({ server, rooms: [...rooms, ...elsewhere] })
    try {
      if (text !== this.#storage.getItem(this.#key)) this.#storage.setItem(this.#key, text)
    } catch {
      // Storage is full or forbidden. The chat works without it.
    }
  }

  #read(): Remembered | undefined {
    try {
      const kept = JSON.parse(this.#storage.getItem(this.#key) ?? '')
      return isRemembered(kept) ? kept : undefined
    } catch {
      return undefined
    }
  }

  /** Another tab of the same account has saved. */
  onElsewhere(callback: (remembered: Remembered) => void): void {
    addEventListener('storage', ({ key }) => {
      const kept = key === this.#key ? this.#read() : undefined
      if (kept) callback(kept)
    })
  }
}

function namesOf(rooms: Remembered['rooms']): Set<string> {
  return new Set(rooms.map(({ name }) => name))
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
