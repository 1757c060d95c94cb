/** Who sessions speak for. In this chapter a name belongs to whoever says it first, while the connection lasts. */

import type { TokenBucket } from '../10-backpressure/limits.ts'
import type { ChatSession } from './chat-session.ts'

export interface Person {
  /** As the person writes it. Names that differ only in case belong to the same person. */
  readonly name: string
  /** How fast this person may talk, if there is a limit. */
  readonly bucket?: TokenBucket
  /** Called when one of the person's sessions is over. */
  left(session: ChatSession): void
}

/** The names that are taken. The bucket of a name goes with it: whoever wants a full one could take another name. */
export class Names {
  readonly #taken = new Set<string>()
  readonly #makeBucket: () => TokenBucket | undefined

  constructor(makeBucket: () => TokenBucket | undefined = () => undefined) {
    this.#makeBucket = makeBucket
  }

  /** Returns a person who has this name until `left`; `undefined` when somebody has it already. */
  take(name: string): Person | undefined {
    const key = name.toLowerCase()
    if (this.#taken.has(key)) return undefined
    this.#taken.add(key)
    return { name, bucket: this.#makeBucket(), left: () => this.#taken.delete(key) }
  }
}
