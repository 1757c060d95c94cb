import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type * as FramesModule from '#code/09-framing/frames.ts'
import type { CodeTree } from '../../tests/harness/code-tree.ts'
import { ConcatenatingDecoder } from './concatenating-decoder.ts'
import { type Measurement, notMeasurable, type Row } from './measurement.ts'

const ROUNDS = 7
const LENGTH_BYTES = 4
const KIBIBYTE = 1024
const MEBIBYTE = 1024 * KIBIBYTE

interface Decoder {
  push(chunk: Uint8Array): Iterable<unknown>
}

interface Race {
  label: string
  frameBytes: number
  frames: number
  chunkBytes: number
  /** How fast so many milliseconds are. */
  toRow(ms: number): { value: number; unit: string }
}

const RACES: Race[] = [
  {
    label: '64 KiB frames',
    frameBytes: 64 * KIBIBYTE,
    frames: 1_000,
    chunkBytes: 64 * KIBIBYTE,
    toRow: (ms) => ({
      value: rounded((1_000 * 64) / KIBIBYTE / KIBIBYTE / (ms / 1_000)),
      unit: 'GiB/s',
    }),
  },
  {
    label: '16-byte frames',
    frameBytes: 16,
    frames: 500_000,
    chunkBytes: 64 * KIBIBYTE,
    toRow: (ms) => ({ value: rounded(0.5 / (ms / 1_000)), unit: 'million/s' }),
  },
  {
    label: '1 MiB in packets',
    frameBytes: MEBIBYTE,
    frames: 4,
    chunkBytes: 1_460,
    toRow: (ms) => ({ value: rounded(ms / 4), unit: 'ms' }),
  },
]

export const measurement: Measurement = {
  asks: 'times as long as the FrameDecoder for a frame of 1 MiB in packets of 1,460 bytes',
  how: `The same frames through a decoder that joins with Buffer.concat and through the FrameDecoder, in turn, the fastest of ${ROUNDS} rounds each. Frames of 64 KiB and of 16 bytes come in chunks of 64 KiB, frames of 1 MiB in pieces of 1,460 bytes, which is what an Ethernet packet holds. One thread, no sockets.`,
  async run(tree, say) {
    const { FrameDecoder } = await load(tree)
    const rows: Row[] = []
    let ratio = Number.NaN
    for (const race of RACES) {
      say(race.label)
      const { concatenating, ours } = run(race, () => new FrameDecoder())
      ratio = concatenating / ours
      rows.push(
        { label: `${race.label}: Buffer.concat`, ...race.toRow(concatenating) },
        { label: `${race.label}: FrameDecoder`, ...race.toRow(ours) },
      )
    }
    return { answer: { value: Math.round(ratio), unit: '' }, rows }
  },
}

async function load(tree: CodeTree): Promise<typeof FramesModule> {
  const path = join(tree.root, '09-framing', 'frames.ts')
  return (await import(pathToFileURL(path).href)) as typeof FramesModule
}

/** Milliseconds that each of them takes in its best round: whatever else the machine does only adds to it. */
function run(race: Race, makeOurs: () => Decoder): { concatenating: number; ours: number } {
  const chunks = cut(transcriptOf(race), race.chunkBytes)
  const times = { concatenating: [] as number[], ours: [] as number[] }
  for (let round = 0; round <= ROUNDS; round++) {
    times.concatenating.push(msOf(new ConcatenatingDecoder(), chunks, race))
    times.ours.push(msOf(makeOurs(), chunks, race))
    // Code that has not run before is slow.
    if (round === 0) times.concatenating.length = times.ours.length = 0
  }
  return { concatenating: Math.min(...times.concatenating), ours: Math.min(...times.ours) }
}

function msOf(decoder: Decoder, chunks: Uint8Array[], { frames, label }: Race): number {
  let decoded = 0
  const startedAt = performance.now()
  try {
    for (const chunk of chunks) for (const _ of decoder.push(chunk)) decoded += 1
  } catch (error) {
    throw notMeasurable(`The decoder threw: ${(error as Error).message}.`)
  }
  const ms = performance.now() - startedAt
  if (decoded !== frames) {
    throw notMeasurable(`${label}: the decoder found ${decoded} frames of ${frames}.`)
  }
  return ms
}

function transcriptOf({ frameBytes, frames }: Race): Uint8Array {
  const one = Buffer.alloc(LENGTH_BYTES + frameBytes)
  one.writeUInt32BE(frameBytes)
  const transcript = new Uint8Array(frames * one.length)
  for (let start = 0; start < transcript.length; start += one.length) transcript.set(one, start)
  return transcript
}

function cut(bytes: Uint8Array, size: number): Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  )
}

function rounded(value: number): number {
  return Number(value.toPrecision(2))
}
