/**
 * A room as a person sees it: messages, who is there, what is unread, and what is still on its way.
 *
 * Nothing here knows a page, a terminal or a connection. Messages are held in the order of their numbers; where two
 * neighbours are not consecutive, the server has not kept what was between.
 */

import type { RoomMessage } from '../../16-client/room-feed.ts'
import { type Problem, textOfProblem } from './problems.ts'

/** With more than MAX_KEPT messages here, a reader at the end keeps the newest KEPT of them. */
const MAX_KEPT = 2_000
const KEPT = 1_000

/** With more than this, only the newest KEPT stay, though unread: a room must not grow because nobody reads it. */
const MAX_UNREAD_KEPT = 5_000

/** Something that I said, until it comes back as a message. */
export interface Saying {
  readonly text: string
  /** Known between the answer and the message. */
  number?: number
  /** Why it was not said, or may not have been. */
  problem?: string
}

export class OpenRoom {
  /** In lower case. */
  readonly name: string
  /** What I am about to say. */
  draft = ''
  /** Why we are not in this room, though we want to be. */
  problem: string | undefined
  /** Whether the server has messages before the first of ours; `undefined` until we know. */
  hasEarlier: boolean | undefined
  /** Names by their lower case. */
  readonly #members = new Map<string, string>()
  #messages: RoomMessage[] = []
  #sayings: Saying[] = []
  #readTo: number | undefined

  /** `readTo` is the number of the last message that was read, if the room was open before. */
  constructor(name: string, readTo?: number) {
    this.name = name
    this.#readTo = readTo
  }

  get messages(): readonly RoomMessage[] {
    return this.#messages
  }

  get sayings(): readonly Saying[] {
    return this.#sayings
  }

  /** In alphabetical order. */
  get members(): string[] {
    return [...this.#members.values()].sort((a, b) => a.localeCompare(b))
  }

  /** The number of the newest message; 0 if there is none. */
  get last(): number {
    return this.#messages.at(-1)?.number ?? 0
  }

  get readTo(): number | undefined {
    return this.#readTo
  }

  /** Numbers have no gaps, so this is exact, whatever part of the messages is here. */
  get unread(): number {
    return this.#readTo === undefined ? 0 : Math.max(0, this.last - this.#readTo)
  }

  /** How many texts may still be said. */
  get unsaid(): number {
    return this.#sayings.filter(({ problem }) => problem === undefined).length
  }

  /**
   * The newest messages are here. On the first visit they were said before we came, so they are not unread. A read
   * number beyond them is of no use any more: the server was restored from a backup.
   */
  beginReading(): void {
    const isBeyond = this.#messages.length > 0 && this.unread === 0
    if (this.#readTo === undefined || isBeyond) this.#readTo = this.last
  }

  /** Everything here has been read. The oldest messages may go: `showEarlier` can fetch them again. */
  read(): void {
    this.#readTo = Math.max(this.last, this.#readTo ?? 0)
    this.#trim(MAX_KEPT)
  }

  /** It was read elsewhere, up to this number. */
  readElsewhere(number: number): void {
    if (this.#readTo === undefined || this.#readTo < number) this.#readTo = number
  }

  onJoined(members: readonly string[]): void {
    this.problem = undefined
    this.#members.clear()
    for (const name of members) this.onMember(name, true)
  }

  onMember(name: string, isHere: boolean): void {
    if (isHere) this.#members.set(name.toLowerCase(), name)
    else this.#members.delete(name.toLowerCase())
  }

  onMessage(message: RoomMessage): void {
    this.#messages.push(message)
    this.#forgetSaid(message.number)
    this.#trim(MAX_UNREAD_KEPT)
  }

  /** The server has not kept the messages up to this number that we have not seen. */
  onMissed(to: number): void {
    this.#forgetSaid(to)
  }

  /** A page of messages that come before the first of ours. */
  onEarlier(messages: readonly RoomMessage[], hasEarlier: boolean): void {
    const first = this.#messages.at(0)?.number ?? Number.POSITIVE_INFINITY
    this.#messages.unshift(...messages.filter(({ number }) => number < first))
    this.hasEarlier = hasEarlier
  }

  /** The server has other data: nothing that we know of the room is true any more. */
  onForgotten(): void {
    this.#messages = []
    this.#forgetSaid(Number.POSITIVE_INFINITY)
    this.hasEarlier = undefined
    this.#readTo = undefined
  }

  beginSaying(text: string): Saying {
    const saying: Saying = { text }
    this.#sayings.push(saying)
    return saying
  }

  onSaid(saying: Saying, number: number): void {
    saying.number = number
    if (this.last >= number) this.forgetSaying(saying)
  }

  onNotSaid(saying: Saying, problem: Problem): void {
    saying.problem = textOfProblem(problem)
  }

  forgetSaying(saying: Saying): void {
    this.#sayings = this.#sayings.filter((other) => other !== saying)
  }

  /** Messages come in order, so what was said up to this number has come, or will not come any more. */
  #forgetSaid(upTo: number): void {
    this.#sayings = this.#sayings.filter(({ number }) => number === undefined || number > upTo)
  }

  #trim(maxKept: number): void {
    if (this.#messages.length <= maxKept) return
    this.#messages = this.#messages.slice(-KEPT)
    this.hasEarlier = true
  }
}
