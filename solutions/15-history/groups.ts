/**
 * Groups: what the log writes at once. A group holds any number of records, and is there as a whole or not at all.
 *
 *     magic FF 4C 4F 47   length of the payload   CRC-32 of everything else   payload: length, record, length, record, …
 *
 * The magic begins with a byte that no UTF-8 text contains. Numbers have 4 bytes, big-endian. Nothing here knows files.
 */

import { crc32 } from 'node:zlib'

export const MAGIC = Buffer.from('\xffLOG', 'latin1')
export const GROUP_HEADER_BYTES = 12
const LENGTH_BYTES = 4

/** A record, and where it begins in the bytes that were decoded. */
export interface Entry {
  record: Uint8Array
  at: number
}

/** What is found at a place in a segment. */
export type Decoded =
  | { kind: 'group'; entries: Entry[]; end: number }
  /** The bytes are over. */
  | { kind: 'end' }
  /** A group begins here, and the bytes are over before it is. */
  | { kind: 'cut' }
  /** From here on there is nothing but zeros: the size of something whose bytes were never written. */
  | { kind: 'zeros' }
  /** No group, or one that is not as it was written. */
  | { kind: 'damaged' }

/**
 * Returns the group of these records, in order; there may be none, or thousands. Each costs as much as it would alone.
 *
 * @step 15.1
 */
export function encodeGroup(records: Uint8Array[]): Buffer {
  const payload = records.flatMap((record) => [uint32(record.length), record])
  const group = Buffer.concat([Buffer.alloc(GROUP_HEADER_BYTES), ...payload])
  group.set(MAGIC)
  group.writeUInt32BE(group.length - GROUP_HEADER_BYTES, 4)
  group.writeUInt32BE(checksum(group), 8)
  return group
}

/**
 * Looks at what begins at byte `at`. The records of a group may be parts of `bytes`, which is not changed. Whatever the
 * bytes are, this returns one of the kinds of `Decoded`, and does not throw: a payload that is not a list of records is
 * damaged, whatever its checksum. What follows a group does not matter, and costs nothing.
 *
 * @step 15.1
 */
export function decodeGroup(bytes: Buffer, at: number): Decoded {
  if (at === bytes.length) return { kind: 'end' }
  const rest = bytes.subarray(at)
  if (isZeros(rest)) return { kind: 'zeros' }
  const magic = rest.subarray(0, MAGIC.length)
  if (!magic.equals(MAGIC.subarray(0, magic.length))) return { kind: 'damaged' }
  if (rest.length < GROUP_HEADER_BYTES) return { kind: 'cut' }
  const length = GROUP_HEADER_BYTES + rest.readUInt32BE(4)
  if (length > rest.length) return { kind: 'cut' }
  const group = rest.subarray(0, length)
  if (checksum(group) !== group.readUInt32BE(8)) return { kind: 'damaged' }
  const entries = entriesOf(group, at)
  if (!entries) return { kind: 'damaged' }
  return { kind: 'group', entries, end: at + length }
}

/**
 * The CRC-32 of a whole group, without the four bytes that hold it.
 *
 * @step 15.1
 */
function checksum(group: Buffer): number {
  return crc32(group.subarray(GROUP_HEADER_BYTES), crc32(group.subarray(0, 8)))
}

/** The records of a group; `undefined` if its payload is not a list of records. */
function entriesOf(group: Buffer, start: number): Entry[] | undefined {
  const entries: Entry[] = []
  for (let at = GROUP_HEADER_BYTES; at < group.length; ) {
    const begin = at + LENGTH_BYTES
    if (begin > group.length) return undefined
    at = begin + group.readUInt32BE(at)
    if (at > group.length) return undefined
    entries.push({ record: group.subarray(begin, at), at: start + begin })
  }
  return entries
}

function isZeros(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0)
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
