/**
 * Messages that may be said twice: the server's half of "exactly once".
 *
 * A client that got no answer says the same again, with the same key. To the server both look alike, and either may
 * arrive first: a connection that the client has given up can still deliver. So the first to arrive claims the key,
 * before anything is looked up, and all others get what became of that one. The history itself holds the keys, so they
 * survive a restart.
 */

import type { Refusal } from '../13-rooms/codes.ts'
import type { Message } from '../13-rooms/journal.ts'

/** What somebody says, and how to recognise it. */
export interface KeyedSay {
  /** The account's name, in lower case. A key means something only within an account and a room. */
  account: string
  /** In lower case as well. */
  room: string
  text: string
  key: string
  /** If it was said before, its number is above this. */
  since: number
}

/** What a claim needs of the history. The journal of 15 has it. */
export interface KeyedHistory {
  /** The numbers of the messages that are kept; none if `last` is `first - 1`. */
  range(room: string): { first: number; last: number }
  /** The messages with these numbers, ascending, each with its key. Rejects if one of them is no longer kept. */
  read(room: string, from: number, to: number): Promise<{ message: Message; key?: string }[]>
}

/** The message that a `say` became, or why it became none. */
export type SayOutcome = Message | Refusal

export type Claim =
  /** It is new. The caller appends it, and settles the claim with what became of it. */
  | { kind: 'first'; settle(outcome: SayOutcome): void }
  /** It is known, or cannot be said. */
  | { kind: 'repeat'; outcome: SayOutcome }

/** A search goes through this many messages at most: the client says how many it is, and the disk pays. */
export const MAX_SEARCH = 2_000

/** This many of them are read at a time. */
const READ_AT_ONCE = 100

export class SayKeys {
  readonly #history: KeyedHistory
  /** What was claimed and is not settled yet. */
  readonly #pending = new Map<string, { text: string; outcome: Promise<SayOutcome> }>()

  constructor(history: KeyedHistory) {
    this.#history = history
  }

  /** How many claims are not settled. */
  get size(): number {
    return this.#pending.size
  }

  /**
   * Claims a key, so that of all who say the same only the first is appended. From this call on until `settle`, and not
   * only after the history has been searched, everybody else with this key and text is a repeat, and gets what the
   * first appended, or what the first itself was told.
   *
   * What was said before, and is claimed no longer, is found in the history, above `since`. If that cannot be known, the
   * outcome is `STALE_KEY`: some of those messages are no longer kept, or there are more than `MAX_SEARCH`. The same key
   * with another text is `OTHER_TEXT`, whether the first is settled or not.
   *
   * If the search fails, nothing stays claimed. If messages above `since` were removed during the search, the outcome is
   * `STALE_KEY`, here and for the repeats that wait. Otherwise the history cannot be read: this rejects, and the repeats
   * that wait get `UNREADABLE`.
   *
   * @step 16.5
   */
  async claim(say: KeyedSay): Promise<Claim> {
    const scope = JSON.stringify([say.account, say.room, say.key])
    const pending = this.#pending.get(scope)
    if (pending) return repeat(pending.text === say.text ? await pending.outcome : OTHER_TEXT)
    if (this.#isStale(say)) return repeat(STALE_KEY)
    const { promise, resolve } = Promise.withResolvers<SayOutcome>()
    this.#pending.set(scope, { text: say.text, outcome: promise })
    const settle = (outcome: SayOutcome) => {
      this.#pending.delete(scope)
      resolve(outcome)
    }
    try {
      const known = await this.#find(say)
      if (!known) return { kind: 'first', settle }
      const outcome = known.text === say.text ? known : OTHER_TEXT
      settle(outcome)
      return repeat(outcome)
    } catch (error) {
      const isStaleNow = this.#isStale(say)
      settle(isStaleNow ? STALE_KEY : UNREADABLE)
      if (isStaleNow) return repeat(STALE_KEY)
      throw error
    }
  }

  /** Whether the messages above `since` cannot be searched. */
  #isStale({ room, since }: KeyedSay): boolean {
    const { first, last } = this.#history.range(room)
    return since + 1 < first || last - since > MAX_SEARCH
  }

  /**
   * Resolves with the message above `since` that this account has said with this key. Reads at most `READ_AT_ONCE`
   * messages at a time, and does not read at all if there are none.
   *
   * @step 16.5
   */
  async #find({ account, room, key, since }: KeyedSay): Promise<Message | undefined> {
    const { last } = this.#history.range(room)
    for (let from = since + 1; from <= last; from += READ_AT_ONCE) {
      const to = Math.min(last, from + READ_AT_ONCE - 1)
      const saved = await this.#history.read(room, from, to)
      const known = saved.find(
        ({ message, ...other }) => other.key === key && message.name.toLowerCase() === account,
      )
      if (known) return known.message
    }
    return undefined
  }
}

function repeat(outcome: SayOutcome): Claim {
  return { kind: 'repeat', outcome }
}

export const OTHER_TEXT: Refusal = {
  code: 'bad-request',
  text: 'This key was used for another text.',
}

export const STALE_KEY: Refusal = {
  code: 'stale-key',
  text: 'It is too long ago to know whether this was said.',
}

const UNREADABLE: Refusal = { code: 'internal', text: 'The history cannot be read.' }
