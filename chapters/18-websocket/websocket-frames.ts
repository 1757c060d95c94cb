/**
 * WebSocket frames (RFC 6455 §5.2): a header of 2 to 14 bytes, then the payload, which a client masks.
 *
 *      byte 0     byte 1              0, 2 or 8 bytes   4 bytes
 *   ┌─┬───┬────┬─┬───────┬───────────────────────────┬──────────┬─────────
 *   │F│RSV│ op │M│  len  │ length, if len is 126/127 │ mask key │ payload
 *   └─┴───┴────┴─┴───────┴───────────────────────────┴──────────┴─────────
 *
 * Frames that arrive are read where they lie and never copied. Nothing here knows about sockets.
 */

import type { Fault } from './close.ts'

export const CONTINUATION = 0x0
export const TEXT = 0x1
export const BINARY = 0x2
export const CLOSE = 0x8
export const PING = 0x9
export const PONG = 0xa

/** The two bytes, the longest length and the key together. */
export const MAX_HEADER_BYTES = 14

/** The longest payload of a control frame: so short that it fits between two pieces of anything. */
export const MAX_CONTROL_BYTES = 125

const IS_FINAL = 0x80
const RESERVED_BITS = 0x70
const IS_MASKED = 0x80
const KEY_BYTES = 4

/** Close, ping and pong. They may come between the fragments of a message. */
export function isControl(opcode: number): boolean {
  return opcode >= CLOSE
}

/** The header of the frame that is being read. One object serves a whole connection. */
export class FrameHeader {
  isFinal = false
  opcode = 0
  /** Length of the payload. */
  length = 0
  /** The four bytes of the mask key as one number; the first of them is its lowest byte, which `unmask` uses first. */
  key = 0
  /** Length of the header itself. */
  bytes = 0

  /**
   * Reads a client's header from place `at` on. Returns `'whole'` once all of it is there, and the fields are set; a
   * fault as soon as the byte that proves it is there, but a length need not be judged before its last byte;
   * `'incomplete'` otherwise. A client masks every frame; no extension uses reserved bits; opcodes 3–7 and 11–15 mean
   * nothing. A control frame is final and has `MAX_CONTROL_BYTES` at most. However much follows the header, none of it
   * is copied; a view of it is cheap.
   *
   * @step 18.2
   */
  read(bytes: Uint8Array, at: number): 'whole' | 'incomplete' | Fault {
    // TODO 18.2
    throw new Error('TODO 18.2')
  }
}

/**
 * The big-endian number in 2 or 8 bytes. Beyond `Number.MAX_SAFE_INTEGER` it is inexact, and over any limit anyway.
 *
 * @step 18.2
 */
function readLength(bytes: Uint8Array, at: number, count: number): number {
  // TODO 18.2
  throw new Error('TODO 18.2')
}

/**
 * Whether a length needs the `lengthBytes` extra bytes that hold it: 0 up to 125, 2 up to 65,535, else 8 (RFC 6455
 * §5.2).
 *
 * @step 18.2
 */
function isMinimal(length: number, lengthBytes: number): boolean {
  // TODO 18.2
  throw new Error('TODO 18.2')
}

function readKey(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)
}

/** For fewer bytes, a view of words costs more than it saves. */
const WORTH_WORDS = 64

/**
 * Takes the mask off `bytes[start]` to `bytes[end - 1]`, in place. `key` is that of `FrameHeader`; `before` bytes of
 * the same payload came earlier. Every payload byte is XORed with one byte of the key: byte 0 with the first, byte 3
 * with the fourth, byte 4 with the first again (RFC 6455 §5.3). Takes four bytes at a time from `WORTH_WORDS` bytes on.
 *
 * @step 18.3
 */
export function unmask(
  bytes: Uint8Array,
  start: number,
  end: number,
  key: number,
  before: number,
): void {
  // TODO 18.3
  throw new Error('TODO 18.3')
}

/** The key as it is due after this many more bytes. */
function rotate(key: number, bytes: number): number {
  const bits = 8 * (bytes % 4)
  return bits === 0 ? key : (key >>> bits) | (key << (32 - bits))
}

/** A whole frame of ours: final, and not masked, because a server must not mask (RFC 6455 §5.1). */
export function encodeFrame(opcode: number, payload: Uint8Array): Uint8Array {
  const { length } = payload
  const frame = Buffer.allocUnsafe(headerBytesFor(length) + length)
  frame.set(payload, writeHeader(frame, opcode, length))
  return frame
}

/** A text message in a frame. */
export function encodeText(text: string): Uint8Array {
  const length = Buffer.byteLength(text)
  const frame = Buffer.allocUnsafe(headerBytesFor(length) + length)
  frame.write(text, writeHeader(frame, TEXT, length))
  return frame
}

/** For fewer bytes, a copy costs less than a view. */
const WORTH_NO_COPY = 512

/** The same frame around the payload where it lies, if the header fits into the `room` in front of it and that pays. */
export function frameInPlace(
  opcode: number,
  payload: Uint8Array,
  room: number,
): Uint8Array | undefined {
  const { buffer, byteOffset, length } = payload
  const headerBytes = headerBytesFor(length)
  if (headerBytes > room || length < WORTH_NO_COPY) return undefined
  const frame = Buffer.from(buffer, byteOffset - headerBytes, headerBytes + length)
  writeHeader(frame, opcode, length)
  return frame
}

function headerBytesFor(length: number): number {
  return length < 126 ? 2 : length <= 0xffff ? 4 : 10
}

/** Returns the length of the header. */
function writeHeader(frame: Buffer, opcode: number, length: number): number {
  const headerBytes = headerBytesFor(length)
  frame[0] = IS_FINAL | opcode
  frame[1] = headerBytes === 2 ? length : headerBytes === 4 ? 126 : 127
  if (headerBytes === 4) frame.writeUInt16BE(length, 2)
  if (headerBytes === 10) frame.writeBigUInt64BE(BigInt(length), 2)
  return headerBytes
}
