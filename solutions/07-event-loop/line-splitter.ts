/**
 * Turns bytes into lines, however the bytes are cut. Pure: nothing here knows about connections.
 *
 * A line ends with LF or CR LF. A line that has no end yet is kept in a buffer that doubles, so that a line in 65,536
 * chunks of one byte costs no more than one in a single chunk.
 */

/** The longest line, without its end. */
export const MAX_LINE_BYTES = 64 * 1024

export type Split =
  | { kind: 'line'; line: string; end: number } // `end`: where the next line begins
  | { kind: 'incomplete' } // everything was taken; the rest of the line comes later
  | { kind: 'tooLong' } // the peer does not speak in lines

const LF = 0x0a
const CR = 0x0d
const FIRST_ROOM = 64
/** The longest line, and a CR that may turn out to belong to its end. */
const MOST_ROOM = MAX_LINE_BYTES + 1

/** Of so much, the buffer may be kept for the next line; a connection may be silent for hours. */
const MAX_SPARE_BYTES = 1024

const NO_ROOM = Buffer.alloc(0)
const INCOMPLETE: Split = { kind: 'incomplete' }
const TOO_LONG: Split = { kind: 'tooLong' }

export class LineSplitter {
  /** Its first `#keptBytes` bytes are the beginning of a line. */
  #kept = NO_ROOM
  #keptBytes = 0

  /** Takes the bytes from `from` on, up to the end of one line. */
  next(bytes: Uint8Array, from: number): Split {
    const newline = bytes.indexOf(LF, from)
    const end = newline === -1 ? bytes.length : newline
    if (this.#keptBytes + end - from > MOST_ROOM) return TOO_LONG
    if (newline === -1) return this.#keep(bytes.subarray(from))
    if (this.#keptBytes === 0) return toLine(asBuffer(bytes), from, newline, newline + 1)
    this.#keep(bytes.subarray(from, newline))
    const split = toLine(this.#kept, 0, this.#keptBytes, newline + 1)
    this.#keptBytes = 0
    if (this.#kept.length > MAX_SPARE_BYTES) this.#kept = NO_ROOM
    return split
  }

  /** The peer has sent FIN. Returns the last line if it has no end, `undefined` if there is none. */
  end(): string | undefined {
    if (this.#keptBytes === 0) return undefined
    const last = toLine(this.#kept, 0, this.#keptBytes, 0)
    this.#kept = NO_ROOM
    this.#keptBytes = 0
    return last.kind === 'line' ? last.line : undefined
  }

  #keep(bytes: Uint8Array): Split {
    const total = this.#keptBytes + bytes.length
    if (total > this.#kept.length) this.#growTo(total)
    this.#kept.set(bytes, this.#keptBytes)
    this.#keptBytes = total
    // One byte more may be the CR of the line's end; any other byte is one too many.
    return total > MAX_LINE_BYTES && this.#kept[total - 1] !== CR ? TOO_LONG : INCOMPLETE
  }

  #growTo(bytes: number): void {
    const room = Math.min(MOST_ROOM, Math.max(FIRST_ROOM, 2 * this.#kept.length, bytes))
    const grown = Buffer.allocUnsafeSlow(room)
    grown.set(this.#kept.subarray(0, this.#keptBytes))
    this.#kept = grown
  }
}

function toLine(bytes: Buffer, start: number, end: number, next: number): Split {
  const stop = end > start && bytes[end - 1] === CR ? end - 1 : end
  if (stop - start > MAX_LINE_BYTES) return TOO_LONG
  return { kind: 'line', line: bytes.toString('utf8', start, stop), end: next }
}

/** The same bytes, with Buffer's methods. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
