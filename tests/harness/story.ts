/**
 * The story of one step: who did what, in order, as a failure will tell it.
 *
 * Lines are plain data, so that they survive the trip from the runner to the judge. A run of bytes in one
 * direction is one line, however many pieces it came in.
 */

import { type Bytes, countBytes, quote, toBytes } from './bytes.ts'
import type { ThrownError } from './last-words.ts'
import { withCommas } from './numbers.ts'

export interface StoryLine {
  /** `ada`, `server`, or the name of a thing under test (`decoder`). */
  who: string
  /** Which way it went on the wire; `beside` for what is not on the wire. */
  way: 'toServer' | 'fromServer' | 'beside'
  /** Completes the sentence "ada …": `sends "hello"`. */
  text: string
  /** Present on expectations. */
  outcome?: 'kept' | 'broken'
}

/** What a run of bytes remembers until something else happens. */
interface Run {
  line: StoryLine
  first: Uint8Array
  bytes: number
  pieces: number
}

const PREVIEW_BYTES = 24

export class Story {
  readonly lines: StoryLine[] = []
  /** Code that is still to be written, as it was reached: whatever happens from then on may happen because of it. */
  readonly holes: ThrownError[] = []
  #run: Run | undefined

  tell(who: string, text: string, way: StoryLine['way'] = 'beside'): void {
    this.#run = undefined
    this.lines.push({ who, way, text })
  }

  /** An expectation and whether it held. */
  judge(who: string, text: string, outcome: 'kept' | 'broken'): void {
    this.#run = undefined
    this.lines.push({ who, way: 'beside', text, outcome })
  }

  /** A new story begins: what was told so far has nothing to do with what follows. */
  beginAnew(): void {
    this.#run = undefined
    this.lines.length = 0
  }

  /** Bytes on the wire. Consecutive ones of the same client in the same direction share a line. */
  tellBytes(who: string, way: 'toServer' | 'fromServer', data: Bytes): void {
    const bytes = toBytes(data)
    const run = this.#run
    if (run?.line.who === who && run.line.way === way) {
      if (run.first.length < PREVIEW_BYTES)
        run.first = Buffer.concat([run.first, bytes.subarray(0, PREVIEW_BYTES)])
      run.bytes += bytes.length
      run.pieces += 1
    } else {
      const line: StoryLine = { who, way, text: '' }
      this.lines.push(line)
      this.#run = {
        line,
        first: Buffer.from(bytes.subarray(0, PREVIEW_BYTES)),
        bytes: bytes.length,
        pieces: 1,
      }
    }
    this.#run!.line.text = describe(this.#run!)
  }
}

function describe({ line, first, bytes, pieces }: Run): string {
  const verb = line.way === 'toServer' ? 'sends' : 'receives'
  const ellipsis = bytes > Math.min(first.length, PREVIEW_BYTES) ? '…' : ''
  const inPieces = pieces > 1 ? ` in ${withCommas(pieces)} pieces` : ''
  return `${verb} ${quote(first.subarray(0, PREVIEW_BYTES))}${ellipsis} (${countBytes(bytes)}${inPieces})`
}
