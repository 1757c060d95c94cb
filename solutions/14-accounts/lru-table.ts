/**
 * A table with a bound, for keys that strangers choose: whoever sends a million names must not fill our memory. The
 * bound is a number of entries, so callers see to it that keys are short.
 *
 * A `Map` remembers the order of insertion. Every use puts its key at the end, so the first key is the one that was
 * used least recently. Each use is O(1).
 */
export class LruTable<Value> {
  readonly #maxEntries: number
  readonly #make: () => Value
  readonly #entries = new Map<string, Value>()

  /** `make` makes the value of a key that is not there. */
  constructor(maxEntries: number, make: () => Value) {
    this.#maxEntries = maxEntries
    this.#make = make
  }

  get size(): number {
    return this.#entries.size
  }

  /** Whether the key is there. Asking does not count as a use. */
  has(key: string): boolean {
    return this.#entries.has(key)
  }

  /** The value of a key, made now if there is none. When there are too many, removes the least recently used one. */
  use(key: string): Value {
    const value = this.#entries.get(key) ?? this.#make()
    this.#entries.delete(key)
    this.#entries.set(key, value)
    if (this.#entries.size > this.#maxEntries) {
      const [oldest] = this.#entries.keys()
      this.#entries.delete(oldest)
    }
    return value
  }
}
