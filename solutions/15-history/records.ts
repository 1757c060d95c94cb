/**
 * Records: what a group holds. A record is a message, or one of the marks that a segment begins with: whose data this
 * is, and the last number of each room.
 *
 *     kind 1   lengths of room, name, key 1 each   number 6   at 6   room   name   key   text
 *
 * When the server starts, it reads a million of them and needs only room and number, which are found without decoding
 * the rest.
 */

import type { Message } from '../13-rooms/journal.ts'

/** A message as it is saved. */
export interface SavedMessage {
  readonly room: string
  readonly message: Message
  /** Chosen by the sender, who may have to repeat the message: at most 255 bytes. Chapter 16 uses it. */
  readonly key?: string
}

/** The part of a record that an index needs. */
export type RecordHead =
  | { kind: 'message'; room: string; number: number }
  /** The numbers of the room continue after this one. */
  | { kind: 'room'; room: string; number: number }
  /** Identifies the data in this folder. */
  | { kind: 'origin'; origin: string }
  /** Written by a later version of this server. */
  | { kind: 'unknown' }

const MESSAGE = 1
const ROOM = 2
const ORIGIN = 3
const HEAD_BYTES = 16

export function encodeMessage({ room, message, key = '' }: SavedMessage): Buffer {
  const { number, name, text, at } = message
  return encode(MESSAGE, number, at, [room, name, key, text])
}

export function encodeRoom(room: string, last: number, creator: string): Buffer {
  return encode(ROOM, last, 0, [room, creator, '', ''])
}

export function encodeOrigin(origin: string): Buffer {
  return encode(ORIGIN, 0, 0, ['', '', '', origin])
}

export function decodeHead(record: Uint8Array): RecordHead {
  const bytes = asBuffer(record)
  if (bytes[0] > ORIGIN) return { kind: 'unknown' }
  if (bytes[0] === ORIGIN) return { kind: 'origin', origin: bytes.toString('utf8', HEAD_BYTES) }
  const room = bytes.toString('latin1', HEAD_BYTES, HEAD_BYTES + bytes[1])
  return { kind: bytes[0] === MESSAGE ? 'message' : 'room', room, number: bytes.readUIntBE(4, 6) }
}

/** Who said the message, or, in a room's mark, who said its first message. */
export function decodeName(record: Uint8Array): string {
  const bytes = asBuffer(record)
  const nameAt = HEAD_BYTES + bytes[1]
  return bytes.toString('utf8', nameAt, nameAt + bytes[2])
}

export function decodeMessage(record: Uint8Array): SavedMessage {
  const bytes = asBuffer(record)
  const nameAt = HEAD_BYTES + bytes[1]
  const keyAt = nameAt + bytes[2]
  const textAt = keyAt + bytes[3]
  return {
    room: bytes.toString('latin1', HEAD_BYTES, nameAt),
    message: {
      number: bytes.readUIntBE(4, 6),
      name: bytes.toString('utf8', nameAt, keyAt),
      text: bytes.toString('utf8', textAt),
      at: bytes.readUIntBE(10, 6),
    },
    key: textAt > keyAt ? bytes.toString('utf8', keyAt, textAt) : undefined,
  }
}

function encode(kind: number, number: number, at: number, texts: string[]): Buffer {
  const parts = texts.map((text) => Buffer.from(text))
  const head = Buffer.alloc(HEAD_BYTES)
  head.set([kind, parts[0].length, parts[1].length, parts[2].length])
  head.writeUIntBE(number, 4, 6)
  head.writeUIntBE(at, 10, 6)
  return Buffer.concat([head, ...parts])
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
