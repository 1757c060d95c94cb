/** What steps 07.1 and 07.2 play in: a byte stream over one end of a real connection, and the test at the other end. */

import type { ByteStream } from '#code/07-event-loop/byte-stream.ts'
import { PATIENCE_MS, within } from '../../harness/patience.ts'
import { type SocketPair, socketPair } from '../../harness/socket-pair.ts'
import type { Stage } from '../../judge/step.ts'

export const KIBIBYTE = 1024

export const MEBIBYTE = 1024 * KIBIBYTE

/** A stream over one end of a real connection. */
export async function withStream(
  stage: Stage,
  body: (stream: ByteStream, pair: SocketPair) => Promise<void>,
  highWaterMark?: number,
): Promise<void> {
  const { NetStream } = await stage.load(() => import('#code/07-event-loop/byte-stream.ts'))
  const pair = await socketPair(highWaterMark)
  stage.story.tell('peer', 'connects', 'toServer')
  try {
    await body(new NetStream(pair.near), pair)
  } finally {
    pair.destroy()
  }
}

/** Waits until the stream tells a change after which something holds. */
export async function change(stream: ByteStream, holds = () => stream.isReadable): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  stream.onChange = () => {
    if (holds()) resolve()
  }
  stream.onChange(stream)
  await within(PATIENCE_MS, promise)
  stream.onChange = undefined
}

/** Reads until there are so many bytes, the end, or nothing for a long time. */
export async function readBytes(stream: ByteStream, count: number): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for (let length = 0; length < count; ) {
    let bytes = stream.read()
    if (bytes === 'would-block') {
      await change(stream)
      bytes = stream.read()
    }
    if (typeof bytes === 'string') break
    chunks.push(bytes)
    length += bytes.length
  }
  return Buffer.concat(chunks)
}

/** Two turns of Node's loop: what the kernel can take at once, it has taken. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve))
}

export function textOf(bytes: Uint8Array | string): string {
  return typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('latin1')
}
