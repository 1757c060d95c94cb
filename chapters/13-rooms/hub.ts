/**
 * Which rooms there are, who is in which, and what is said there.
 *
 * It knows nothing about transports, requests, or where messages are kept: a `Journal` gives them their numbers, and
 * the hub tells what the journal reports to `onKept`, in that order. A room exists as long as somebody is in it.
 */

import { Announcements } from './announcements.ts'
import type { Refusal } from './codes.ts'
import type { Draft, Journal, Kept } from './journal.ts'
import { Outgoing } from './peer.ts'
import { type Member, notAMember, Room } from './room.ts'

export interface HubLimits {
  membersPerRoom: number
  roomsPerMember: number
}

export const HUB_LIMITS: HubLimits = { membersPerRoom: 500, roomsPerMember: 50 }

export class Hub {
  readonly #journal: Journal
  readonly #limits: HubLimits
  readonly #rooms = new Map<string, Room>()
  readonly #announcements = new Announcements()
  /** Forgets members by itself: nobody has to remove one that is gone for good. */
  readonly #roomsOf = new WeakMap<Member, Set<Room>>()

  constructor(journal: Journal, limits: Partial<HubLimits> = {}) {
    this.#journal = journal
    this.#limits = { ...HUB_LIMITS, ...limits }
    journal.onKept = (kept) => this.#tell(kept)
  }

  /** The rooms that somebody is in. */
  get rooms(): MapIterator<Room> {
    return this.#rooms.values()
  }

  /** The room, if this member is in it. */
  roomOf(member: Member, name: string): Room | undefined {
    const room = this.#rooms.get(name)
    return room?.members.has(member) ? room : undefined
  }

  /**
   * Makes somebody a member. Joining again changes nothing, and neither does what `#whyNot` refuses. The first member
   * of a room opens it. A member may be dropped while it enters: then it leaves this room as well.
   *
   * @step 13.2
   */
  join(member: Member, name: string): Room | Refusal {
    // TODO 13.2
    throw new Error('TODO 13.2')
  }

  /**
   * Ends a membership; the last member to leave closes the room. Somebody who is not in it is refused with
   * `notAMember`.
   *
   * @step 13.2
   */
  leave(member: Member, name: string): Refusal | undefined {
    // TODO 13.2
    throw new Error('TODO 13.2')
  }

  /**
   * Gives what a member says to the journal. Somebody who is not in the room is refused as `not-a-member`. What the
   * journal throws is a bug, and is not caught.
   *
   * @step 13.3
   */
  say(member: Member, draft: Draft): Refusal | undefined {
    // TODO 13.3
    throw new Error('TODO 13.3')
  }

  /**
   * Ends all memberships of a member. Goes through the rooms of this member only, however many others there are.
   *
   * @step 13.6
   */
  leaveAll(member: Member): void {
    // TODO 13.6
    throw new Error('TODO 13.6')
  }

  /**
   * Tells what the journal has kept, in its order. Each draft is told first to its sender, then to everybody who is
   * still in the room, with type `message`, the room, and the fields of the `Message`.
   *
   * @step 13.3
   */
  #tell(kept: readonly Kept[]): void {
    // TODO 13.3
    throw new Error('TODO 13.3')
  }

  /** The rooms that this member is in. */
  #roomsBy(member: Member): Set<Room> {
    return this.#roomsOf.get(member) ?? new Set()
  }

  /** Why a member may not enter a room; `undefined` if it may. `room` is `undefined` while nobody is in it. */
  #whyNot(member: Member, room: Room | undefined): Refusal | undefined {
    const { roomsPerMember, membersPerRoom } = this.#limits
    if (this.#roomsBy(member).size >= roomsPerMember) {
      return { code: 'too-many-rooms', text: `A connection is in ${roomsPerMember} rooms at most.` }
    }
    if (room && room.members.size >= membersPerRoom) {
      return { code: 'room-full', text: `A room has ${membersPerRoom} members at most.` }
    }
    return undefined
  }

  #open(name: string): Room {
    const room = new Room(name, this.#journal.open(name), this.#announcements)
    this.#rooms.set(name, room)
    return room
  }

  /** Closes a room that nobody is in any more. */
  #close(room: Room): void {
    // The last member may have been dropped while it was told `gone`: then the room is closed already.
    if (this.#rooms.get(room.name) !== room) return
    this.#rooms.delete(room.name)
    this.#journal.release(room.name)
  }
}
