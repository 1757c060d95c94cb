/** How a keyboard speaks to a server: what is typed becomes bytes, and what comes becomes text. */

import { encodeFrame, FrameDecoder, MAX_FRAME_BYTES } from '../../solutions/09-framing/frames.ts'
import { printable } from '../../tests/harness/bytes.ts'

export interface Speech {
  /** What to send for what has been typed. */
  encode(typed: Buffer): Uint8Array
  /** What to send when nothing more will be typed. */
  encodeEnd(): Uint8Array
  /** What to show of what has come. */
  decode(received: Buffer): string
}

/** Bytes as they are. */
export const PLAIN: Speech = {
  encode: (typed) => typed,
  encodeEnd: () => new Uint8Array(),
  decode: (received) => printable(received.toString()),
}

/** A line is a frame: `talk: frames` in a lesson's front matter. */
export function speakFrames(): Speech {
  const decoder = new FrameDecoder({ maxBytes: MAX_FRAME_BYTES })
  // A chunk may end inside a character.
  const text = new TextDecoder()
  let begun = ''
  return {
    encode(typed) {
      const lines = (begun + text.decode(typed, { stream: true })).split('\n')
      begun = lines.pop()!
      return Buffer.concat(lines.map(frameOf))
    },
    encodeEnd() {
      const last = frameOf(begun)
      begun = ''
      return last
    },
    decode(received) {
      const shown = decoder
        .push(received)
        .map((decoded) =>
          decoded.kind === 'frame'
            ? printable(Buffer.from(decoded.payload).toString())
            : `not a frame: ${decoded.reason}`,
        )
      return shown.map((line) => `${line}\n`).join('')
    },
  }
}

/** An empty line is nothing to say. */
function frameOf(line: string): Uint8Array {
  const text = line.trim()
  return text === '' ? new Uint8Array() : encodeFrame(Buffer.from(text))
}
