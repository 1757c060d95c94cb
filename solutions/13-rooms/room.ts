/**
 * Who is in a room, and how all of them are told the same.
 *
 * A broadcast is made in one turn: one member after the other gets the same bytes, and nothing else happens in between.
 * That is the whole reason why everybody sees one order. A broadcast waits for nobody: a member that cannot be told is
 * dropped afterwards.
 *
 * Membership belongs to a connection, presence to a name: several connections of one person are `here` once.
 */

import { Announcements } from './announcements.ts'
import type { Refusal } from './codes.ts'
import type { History } from './journal.ts'
import { Outgoing } from './peer.ts'

/** A connection, as rooms see it. */
export interface Member {
  readonly name: string
  /** Returns `false` when it can be told nothing more. */
  send(message: Outgoing): boolean
  /** Leaves all its rooms; its connection is over or will be. */
  drop(): void
}

export class Room {
  readonly name: string
  readonly history: History
  readonly members = new Set<Member>()
  /** Those who are here, by their name in lower case. */
  readonly #present = new Map<string, { name: string; connections: number }>()
  readonly #announcements: Announcements

  /** The rooms of a hub share their announcements: a member that is lost in one of them may be in others. */
  constructor(name: string, history: History, announcements = new Announcements()) {
    this.name = name
    this.history = history
    this.#announcements = announcements
  }

  /** Everybody who is here, once each, in the order in which they came. */
  get names(): string[] {
    return Array.from(this.#present.values(), ({ name }) => name)
  }

  /**
   * Adds a member. The others are told that this name is `here`, if it was not.
   *
   * @step 13.2
   */
  enter(member: Member): void {
    this.members.add(member)
    if (this.#count(member, 1) === 1) this.#announce(member, 'here')
  }

  /**
   * Removes a member. The others are told that this name is `gone`, unless another connection of it is still here.
   *
   * @step 13.2
   */
  exit(member: Member): void {
    this.members.delete(member)
    if (this.#count(member, -1) === 0) this.#announce(member, 'gone')
  }

  /**
   * Sends a message to all members, or to all but one. When everybody has been told, drops those that could not be
   * (`send` returned `false`).
   *
   * @step 13.2
   */
  tell(message: Outgoing, except?: Member): void {
    const lost: Member[] = []
    for (const member of this.members) {
      if (member !== except && !member.send(message)) lost.push(member)
    }
    for (const member of lost) member.drop()
  }

  /** Counts connections of a name: adds 1 or -1, and returns how many there are now. */
  #count({ name }: Member, change: 1 | -1): number {
    const key = name.toLowerCase()
    const present = this.#present.get(key) ?? { name, connections: 0 }
    present.connections += change
    if (present.connections > 0) this.#present.set(key, present)
    else this.#present.delete(key)
    return present.connections
  }

  /** Tells all members but this one. If something is being announced already, that reaches everybody first. */
  #announce(member: Member, is: 'here' | 'gone'): void {
    const notice = new Outgoing({ type: 'member', room: this.name, name: member.name, is })
    this.#announcements.add(() => this.tell(notice, member))
  }
}

export function notAMember(room: string): Refusal {
  return { code: 'not-a-member', text: `You are not in the room "${room}".` }
}
