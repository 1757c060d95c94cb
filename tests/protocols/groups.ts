/** Groups of log records as the tests write them, from the description in the lesson. */

import { crc32 } from 'node:zlib'
import { type Bytes, toBytes } from '../harness/bytes.ts'

export const GROUP_HEADER_BYTES = 12

/** A group with these records. */
export function group(...records: Bytes[]): Buffer {
  const payload = Buffer.concat(
    records.flatMap((record) => [number(toBytes(record).length), toBytes(record)]),
  )
  return sealed(payload)
}

/** The same around any payload. */
export function sealed(payload: Buffer): Buffer {
  const before = Buffer.concat([Buffer.from([0xff, 0x4c, 0x4f, 0x47]), number(payload.length)])
  return Buffer.concat([before, number(crc32(Buffer.concat([before, payload]))), payload])
}

/** Groups of one record each, behind each other. */
export function groups(...records: Bytes[]): Buffer {
  return Buffer.concat(records.map((record) => group(record)))
}

/** Four bytes, the most significant first. */
export function number(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(0, value)
  return bytes
}

/** The same bytes but one bit. */
export function flipBit(bytes: Uint8Array, bit: number): Buffer {
  const flipped = Buffer.from(bytes)
  flipped[bit >> 3] ^= 1 << (bit & 7)
  return flipped
}
