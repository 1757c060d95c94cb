/**
 * Where each message is: for every room the places of its messages, in order. It is never saved, because it can be made
 * from the log, a million messages in less than a second. It takes 16 bytes per message, and about 21 with what its
 * arrays keep free to grow; in rooms of ten messages each, 31 with all that a room needs.
 */

import type { Entry } from './groups.ts'
import { decodeHead, decodeName, encodeOrigin, encodeRoom } from './records.ts'
import { DamagedLog } from './recovery.ts'

export interface Place {
  segment: number
  at: number
  bytes: number
}

/** Which messages of a room are there: `first` to `last`; none if `last` is `first - 1`. */
export interface Range {
  first: number
  last: number
}

/** Message `first + i` is at `places[i]` and has `sizes[i]` bytes. */
interface RoomEntry extends Range {
  /** Who said the first message. */
  creator: string
  /** The last number that was given to a message, saved or not. */
  reserved: number
  /** The segment times `SEGMENT`, plus the byte in it: one number takes less memory than an object. */
  places: number[]
  sizes: number[]
}

/**
 * No segment has this many bytes. Places are exact below segment 2²¹: what was ever written is 128 TiB then if a segment
 * has 64 MiB, and 256 GiB if it has 128 KiB.
 */
const SEGMENT = 2 ** 32

const NOTHING: Range = { first: 1, last: 0 }

export class RoomIndex {
  readonly #rooms = new Map<string, RoomEntry>()
  /** By name in lower case. */
  readonly #created = new Map<string, number>()
  /** Identifies the data; `''` while that is not known. */
  origin = ''

  /** Takes the next number of a room, for somebody of this name. Whoever gets number 1 has created the room. */
  reserve(room: string, name: string): number {
    const entry = this.#rooms.get(room) ?? this.#begin(room, 0, name)
    entry.reserved += 1
    return entry.reserved
  }

  /** How many rooms were created under a name. */
  roomsCreatedBy(name: string): number {
    return this.#created.get(name.toLowerCase()) ?? 0
  }

  /** Whether anything was ever said in a room, saved or not. */
  has(room: string): boolean {
    return this.#rooms.has(room)
  }

  range(room: string): Range {
    const { first, last } = this.#rooms.get(room) ?? NOTHING
    return { first, last }
  }

  /** The place of a message that is in the room's range. */
  place(room: string, number: number): Place {
    const { first, last } = this.range(room)
    if (!(number >= first && number <= last))
      throw new RangeError(`number ${number} of room "${room}" is not in ${first} … ${last}`)
    const { places, sizes } = this.#rooms.get(room)!
    const place = places[number - first]
    const bytes = sizes[number - first]
    return { segment: Math.floor(place / SEGMENT), at: place % SEGMENT, bytes }
  }

  /** Adds a record that was saved, or that has been found in the log. */
  add({ record, at }: Entry, segment: number): void {
    const head = decodeHead(record)
    if (head.kind === 'origin') {
      this.origin = head.origin
      return
    }
    if (head.kind === 'unknown') throw new DamagedLog(segment, at, 'a record of an unknown kind')
    const { kind, room, number } = head
    const entry =
      this.#rooms.get(room) ?? this.#begin(room, kind === 'room' ? number : 0, decodeName(record))
    const expected = kind === 'room' ? entry.last : entry.last + 1
    if (number !== expected)
      throw new DamagedLog(segment, at, `number ${number} of room "${room}" follows ${entry.last}`)
    if (kind === 'room') return
    entry.last = number
    entry.reserved = Math.max(entry.reserved, number)
    entry.places.push(segment * SEGMENT + at)
    entry.sizes.push(record.length)
  }

  /** The records that a segment begins with. */
  marks(): Buffer[] {
    const rooms = Array.from(this.#rooms, ([room, { last, creator }]) =>
      encodeRoom(room, last, creator),
    )
    return [encodeOrigin(this.origin), ...rooms]
  }

  /** Forgets the messages in the segments before this one, which are given up. */
  forgetBefore(segment: number): void {
    for (const entry of this.#rooms.values()) {
      const kept = entry.places.findIndex((place) => place >= segment * SEGMENT)
      const gone = kept < 0 ? entry.places.length : kept
      entry.places.splice(0, gone)
      entry.sizes.splice(0, gone)
      entry.first += gone
    }
  }

  #begin(room: string, last: number, creator: string): RoomEntry {
    const entry = { first: last + 1, last, reserved: last, creator, places: [], sizes: [] }
    this.#rooms.set(room, entry)
    this.#created.set(creator.toLowerCase(), this.roomsCreatedBy(creator) + 1)
    return entry
  }
}
