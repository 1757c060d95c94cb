/** Frames as the tests speak them: a length of four bytes, big-endian, and the payload. */

import { type Bytes, toBytes } from '../harness/bytes.ts'
import type { Client } from '../harness/client.ts'
import type { Reason } from '../harness/failure.ts'

const LENGTH_BYTES = 4

export function frame(payload: Bytes): Buffer {
  const bytes = toBytes(payload)
  return Buffer.concat([announce(bytes.length), bytes])
}

/** The first four bytes of a frame of that length. */
export function announce(length: number): Buffer {
  const header = Buffer.alloc(LENGTH_BYTES)
  header.writeUInt32BE(length)
  return header
}

export function expectFrame(client: Client, payload: Bytes, reason: Reason): Promise<void> {
  return client.expectBytes(frame(payload), reason)
}

/** Sends a frame and expects it back. */
export async function echoFrame(client: Client, payload: Bytes, reason: Reason): Promise<void> {
  await client.send(frame(payload))
  await expectFrame(client, payload, reason)
}

/** Expects a frame whose text fits the pattern, and answers the text. */
export async function expectFrameLike(
  client: Client,
  text: RegExp,
  reason: Reason,
): Promise<string> {
  return expectFrameThat(client, `a frame like ${text}`, (payload) => text.test(payload), reason)
}

/** Expects a frame with a text that fits, and answers the text. */
export async function expectFrameThat(
  client: Client,
  what: string,
  fits: (text: string) => boolean,
  reason: Reason,
): Promise<string> {
  const message = await client.expectMessage(
    {
      what,
      endOf: (bytes) => {
        const header = Buffer.from(bytes.subarray(0, LENGTH_BYTES))
        const end = header.length < LENGTH_BYTES ? Number.NaN : LENGTH_BYTES + header.readUInt32BE()
        return end <= bytes.length ? end : 0
      },
      fits: (bytes) => fits(textOf(bytes)),
    },
    reason,
  )
  return textOf(message)
}

/** The payload of a whole frame. */
function textOf(message: Uint8Array): string {
  return Buffer.from(message.subarray(LENGTH_BYTES)).toString()
}
