import type { RightAnswer } from './right-answer.ts'

const file = 'frames.ts'

export const rightAnswers: RightAnswer[] = [
  {
    name: 'data-view',
    style: 'The length is written and read with a DataView, which is big-endian by itself.',
    edits: [
      {
        file,
        hole: 'encodeFrame',
        by: `  if (payload.length > MAX_FRAME_BYTES) throw new RangeError('too long for a frame')
  const frame = new Uint8Array(4 + payload.byteLength)
  new DataView(frame.buffer).setUint32(0, payload.byteLength)
  frame.set(payload, 4)
  return frame`,
      },
      {
        file,
        hole: 'parseFrame',
        by: `  const available = bytes.length - at
  if (available < 4) return { kind: 'incomplete', missingBytes: 4 - available }
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(at)
  if (length > maxBytes) {
    return { kind: 'invalid', reason: \`\${length} bytes announced, at most \${maxBytes} are allowed\` }
  }
  if (available < 4 + length) return { kind: 'incomplete', missingBytes: 4 + length - available }
  return { kind: 'frame', payload: bytes.subarray(at + 4, at + 4 + length) }`,
      },
    ],
  },
  {
    name: 'a-window-on-the-buffer-behind',
    style:
      'A view may be made of the chunk, or of the buffer behind it. Room may come out of the pool, unwritten.',
    edits: [
      {
        file,
        replace: 'payload: bytes.subarray(start, end)',
        by: 'payload: new Uint8Array(bytes.buffer, bytes.byteOffset + start, length)',
      },
      {
        file,
        replace: 'new Uint8Array(Math.min(2 * size, totalBytes))',
        by: 'Buffer.allocUnsafe(Math.min(2 * size, totalBytes))',
      },
    ],
  },
  {
    name: 'a-generator-of-frames',
    style: 'push() collects what a generator yields.',
    edits: [
      {
        file,
        hole: 'push',
        by: `    const decode = function* (this: FrameDecoder) {
      let at = 0
      while (at < chunk.length) {
        const next = this.next(chunk, at)
        if (next.kind === 'incomplete') return
        yield next
        if (next.kind === 'invalid') return
        at = next.end
      }
    }
    return [...decode.call(this)]`,
      },
    ],
  },
  {
    name: 'grows-by-half',
    style:
      'Room that grows by half each time costs a few copies more, and is never twice too large.',
    edits: [
      {
        file,
        hole: '#keep',
        by: `    const needed = this.#begunBytes + bytes.length
    if (needed > this.#begun.length) {
      const grown = Buffer.alloc(Math.min(totalBytes, Math.ceil(1.5 * needed)))
      grown.set(this.#begun.subarray(0, this.#begunBytes))
      this.#begun = grown
    }
    this.#begun.set(bytes, this.#begunBytes)
    this.#begunBytes = needed`,
      },
    ],
  },
  {
    name: 'length-first-then-payload',
    style:
      'A frame that is cut gets the rest of its length first, and then its payload, without a loop.',
    edits: [
      {
        file,
        hole: '#finishBegun',
        by: `    let end = from
    const take = (): Parsed => {
      const parsed = this.#parseBegun()
      if (parsed.kind !== 'incomplete') return parsed
      const piece = chunk.subarray(end, end + parsed.missingBytes)
      this.#keep(piece, this.#begunBytes + parsed.missingBytes)
      end += piece.length
      return this.#parseBegun()
    }
    if (this.#begunBytes < LENGTH_BYTES) take()
    const parsed = take()
    if (parsed.kind === 'incomplete') return INCOMPLETE
    this.#begun = NOTHING
    this.#begunBytes = 0
    if (parsed.kind === 'frame') return { ...parsed, end }
    this.#isInvalid = true
    return parsed`,
      },
    ],
  },
  {
    name: 'asks-until-nothing-is-complete',
    style:
      'Header and payload are joined; push() asks once more at the end of the chunk; a frame that is cut is finished by recursion.',
    edits: [
      {
        file,
        hole: 'encodeFrame',
        by: `  if (payload.byteLength > MAX_FRAME_BYTES) throw new RangeError('a frame that is too long')
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeUInt32BE(payload.byteLength)
  return Buffer.concat([length, payload])`,
      },
      {
        file,
        hole: 'push',
        by: `    const all: (Frame | Invalid)[] = []
    let next = this.next(chunk, 0)
    while (next.kind === 'frame') {
      all.push(next)
      next = this.next(chunk, next.end)
    }
    if (next.kind === 'invalid') all.push(next)
    return all`,
      },
      {
        file,
        hole: '#finishBegun',
        by: `    const parsed = this.#parseBegun()
    if (parsed.kind === 'incomplete') {
      if (from === chunk.length) return INCOMPLETE
      const piece = chunk.subarray(from, from + parsed.missingBytes)
      this.#keep(piece, this.#begunBytes + parsed.missingBytes)
      return this.#finishBegun(chunk, from + piece.length)
    }
    this.#begun = NOTHING
    this.#begunBytes = 0
    this.#isInvalid = parsed.kind === 'invalid'
    return parsed.kind === 'frame' ? Object.assign(parsed, { end: from }) : parsed`,
      },
      {
        file: 'frame-protocol.ts',
        hole: 'onBytes',
        by: `    for (let taken = 0; ; ) {
      if (taken === bytes.length || !this.connection.isReading) return taken
      const decoded = this.#decoder.next(bytes, taken)
      if (decoded.kind === 'incomplete') return bytes.length
      if (decoded.kind === 'invalid') {
        this.#endWith('too-large', decoded.reason)
        return bytes.length
      }
      taken = decoded.end
      this.#hear(decoded.payload)
    }`,
      },
    ],
  },
  {
    name: 'takes-single-bytes',
    style: 'A frame that is cut takes one byte after the other: slow, and the same for each byte.',
    edits: [
      {
        file,
        replace: 'chunk.subarray(end, end + parsed.missingBytes)',
        by: 'chunk.subarray(end, end + 1)',
      },
      {
        file,
        replace: 'new Uint8Array(Math.min(2 * size, totalBytes))',
        by: 'new Uint8Array(Math.min(totalBytes, 2 ** Math.ceil(Math.log2(size))))',
      },
    ],
  },
  {
    name: 'an-error-of-the-events-ends-the-connection',
    style: 'What onFrame throws ends the connection as failed.',
    edits: [
      {
        file: 'frame-protocol.ts',
        hole: 'onBytes',
        by: `    let taken = 0
    try {
      while (taken < bytes.length && this.connection.isReading) {
        const decoded = this.#decoder.next(bytes, taken)
        taken = decoded.kind === 'frame' ? decoded.end : bytes.length
        if (decoded.kind === 'frame') this.#hear(decoded.payload)
        else if (decoded.kind === 'invalid') this.#endWith('too-large', decoded.reason)
      }
    } catch (error) {
      this.#endWith('failed', String(error))
    }
    return taken`,
      },
    ],
  },
  {
    name: 'numbers-with-marks',
    style: 'A reason has its numbers as people write them: 200,001.',
    edits: [
      {
        file,
        replace: '`a frame of ${length} bytes is over the limit of ${maxBytes}`',
        by: "`${length.toLocaleString('en')} bytes, ${maxBytes.toLocaleString('en')} at most`",
      },
    ],
  },
]
