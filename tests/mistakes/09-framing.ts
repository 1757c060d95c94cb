import type { Mistake } from './mistake.ts'

const file = 'frames.ts'
const protocol = 'frame-protocol.ts'

const NEXT = "at = next.kind === 'frame' ? next.end : chunk.length"

const END = 'const end = from + LENGTH_BYTES + parsed.payload.length'

const LENGTH = `    // >>> 0: the bit operators count in signed numbers, and a length has no sign.
    ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0`

const TOO_LITTLE = `if (bytes.length < end) return { kind: 'incomplete', missingBytes: end - bytes.length }`

const OVER_THE_LIMIT = `  if (length > maxBytes) {
    return {
      kind: 'invalid',
      reason: \`a frame of \${length} bytes is over the limit of \${maxBytes}\`,
    }
  }
`

const GATHER = `    let end = from
    let parsed = this.#parseBegun()
    while (parsed.kind === 'incomplete' && end < chunk.length) {
      const piece = chunk.subarray(end, end + parsed.missingBytes)
      this.#keep(piece, this.#begunBytes + parsed.missingBytes)
      end += piece.length
      parsed = this.#parseBegun()
    }
`

const GROW = `    if (size > this.#begun.length) {
      const roomier = new Uint8Array(Math.min(2 * size, totalBytes))
      roomier.set(this.#begun)
      this.#begun = roomier
    }
`

const LOOP = 'for (let at = 0; at < chunk.length; ) {'

const TOO_LARGE = "else if (decoded.kind === 'invalid') this.#endWith('too-large', decoded.reason)"

export const mistakes: Mistake[] = [
  {
    name: 'encodes-little-endian',
    step: '09.1',
    says: ['00 00 00 05', '05 00 00 00', 'big-endian'],
    edits: [
      {
        file,
        replace: 'writeUInt32BE(payload.length)',
        by: 'writeUInt32LE(payload.length)',
      },
    ],
  },
  {
    name: 'the-length-counts-itself',
    step: '09.1',
    says: ['00 00 00 09', 'the length says 5'],
    edits: [{ file, replace: 'writeUInt32BE(payload.length)', by: 'writeUInt32BE(frame.length)' }],
  },
  {
    name: 'encodes-what-is-behind-the-view',
    step: '09.1',
    says: ['payload.buffer'],
    edits: [
      {
        file,
        replace: 'frame.set(payload, LENGTH_BYTES)',
        by: 'frame.set(new Uint8Array(payload.buffer, 0, payload.length), LENGTH_BYTES)',
      },
    ],
  },
  {
    name: 'writes-two-bytes-of-length',
    step: '09.1',
    says: ['00 01 11 70', 'all four bytes'],
    edits: [
      {
        file,
        replace: 'writeUInt32BE(payload.length)',
        by: 'writeUInt16BE(payload.length, 2)\n  frame.writeUInt16BE(0)',
      },
    ],
  },
  {
    name: 'encodes-anything',
    step: '09.1',
    says: ['RangeError', 'our bug'],
    edits: [{ file, replace: 'payload.length > MAX_FRAME_BYTES', by: 'payload.length < 0' }],
  },
  {
    name: 'one-buffer-for-all-frames',
    step: '09.1',
    says: ['the frame of "ada" to stay what it was', 'memory of its own'],
    edits: [
      {
        file: 'frames.ts',
        replace: 'const frame = Buffer.allocUnsafe(LENGTH_BYTES + payload.length)',
        by: 'const frame = ROOM.subarray(0, LENGTH_BYTES + payload.length)',
      },
      {
        file: 'frames.ts',
        replace: 'const NOTHING = new Uint8Array()\n',
        by: 'const NOTHING = new Uint8Array()\nconst ROOM = Buffer.alloc(LENGTH_BYTES + MAX_FRAME_BYTES)\n',
      },
    ],
  },
  {
    name: 'too-little-is-an-error',
    step: '09.2',
    says: ['incomplete, missingBytes: 5', 'invalid: cut off', '"Not yet" is a value'],
    edits: [
      {
        file,
        replace: TOO_LITTLE,
        by: "if (bytes.length < end) return { kind: 'invalid', reason: 'cut off' }",
      },
    ],
  },
  {
    name: 'answers-with-less-than-the-length-says',
    step: '09.2',
    says: ['missingBytes: 5', 'subarray() returns less'],
    edits: [{ file, replace: `  ${TOO_LITTLE}\n`, by: '' }],
  },
  {
    name: 'reads-a-length-that-is-not-there',
    step: '09.2',
    says: ['Check that four bytes are there'],
    edits: [
      {
        file,
        replace:
          "  if (bytes.length < start) return { kind: 'incomplete', missingBytes: start - bytes.length }\n",
        by: '',
      },
    ],
  },
  {
    name: 'parses-little-endian',
    step: '09.2',
    says: ['the most significant one'],
    edits: [
      {
        file,
        replace: LENGTH,
        by: '((bytes[at + 3] << 24) | (bytes[at + 2] << 16) | (bytes[at + 1] << 8) | bytes[at]) >>> 0',
      },
    ],
  },
  {
    name: 'the-payload-is-all-there-is',
    step: '09.2',
    says: ['sea"', 'not where the bytes end'],
    edits: [{ file, replace: 'bytes.subarray(start, end)', by: 'bytes.subarray(start)' }],
  },
  {
    name: 'reads-behind-the-view',
    step: '09.2',
    says: ['bytes.byteOffset'],
    edits: [{ file, replace: LENGTH, by: 'new DataView(bytes.buffer).getUint32(at)' }],
  },
  {
    name: 'an-empty-frame-is-incomplete',
    step: '09.2',
    says: ['0 is a length like any other'],
    edits: [
      {
        file,
        replace: TOO_LITTLE,
        by: "if (!length || bytes.length < end) return { kind: 'incomplete', missingBytes: end - bytes.length }",
      },
    ],
  },
  {
    name: 'copies-the-payload',
    step: '09.2',
    says: ['the payload to be a view', 'slice()'],
    edits: [
      {
        file: 'frames.ts',
        replace: 'payload: bytes.subarray(start, end)',
        by: 'payload: bytes.slice(start, end)',
      },
    ],
  },
  {
    name: 'reads-three-bytes-of-the-length',
    step: '09.2',
    says: ['the length 01 00 00 02', 'All four bytes'],
    edits: [{ file: 'frames.ts', replace: '((bytes[at] << 24) | (bytes', by: '((bytes' }],
  },
  {
    name: 'one-frame-a-chunk',
    step: '09.3',
    says: ['frame "one", frame "two", frame "three"', 'Look for another frame after'],
    edits: [
      {
        file,
        replace: NEXT,
        by: 'at = chunk.length',
      },
    ],
  },
  {
    name: 'an-empty-frame-ends-the-chunk',
    step: '09.3',
    says: ['An empty frame is a frame'],
    edits: [
      {
        file,
        replace: NEXT,
        by: "at = next.kind === 'frame' && next.payload.length > 0 ? next.end : chunk.length",
      },
    ],
  },
  {
    name: 'no-empty-frame-at-the-end',
    step: '09.3',
    says: ['even as the last one'],
    edits: [
      {
        file,
        replace: LOOP,
        by: 'for (let at = 0; at + LENGTH_BYTES < chunk.length; ) {',
      },
    ],
  },
  {
    name: 'goes-on-inside-the-frame',
    step: '09.3',
    says: ['09.3'],
    edits: [
      {
        file,
        replace: END,
        by: 'const end = from + Math.max(1, parsed.payload.length)',
      },
    ],
  },
  {
    name: 'calls-itself-for-each-frame',
    step: '09.3',
    says: ['Maximum call stack size exceeded'],
    edits: [
      {
        file: 'frames.ts',
        hole: 'push',
        by: `    const next = this.next(chunk, 0)
    if (next.kind === 'incomplete') return []
    if (next.kind === 'invalid') return [next]
    return [next, ...this.push(chunk.subarray(next.end))]`,
      },
    ],
  },
  {
    name: 'gathers-every-frame',
    step: '09.3',
    says: ['a view of the chunk', 'a frame that is cut'],
    edits: [
      {
        file,
        replace: 'if (this.#begunBytes > 0) return this.#finishBegun(chunk, from)',
        by: 'if (this.#begunBytes >= 0) return this.#finishBegun(chunk, from)',
      },
    ],
  },
  {
    name: 'loses-the-leftover',
    step: '09.4',
    says: ['What is left over at the end of a chunk'],
    edits: [
      {
        file,
        replace:
          '      this.#keep(chunk.subarray(from), chunk.length - from + parsed.missingBytes)\n',
        by: '',
      },
    ],
  },
  {
    name: 'keeps-only-the-last-piece',
    step: '09.4',
    says: ['after the bytes kept earlier'],
    edits: [
      {
        file,
        replace: GATHER,
        by: `    const before = this.#begunBytes
    const rest = chunk.subarray(from)
    const whole = Buffer.concat([this.#begun.subarray(0, before), rest])
    const parsed = parseFrame(whole, 0, this.#maxBytes)
    if (parsed.kind === 'incomplete') {
      this.#begunBytes = 0
      this.#keep(rest, rest.length)
      return INCOMPLETE
    }
    const length = parsed.kind === 'frame' ? LENGTH_BYTES + parsed.payload.length : 0
    const end = from + length - before
`,
      },
    ],
  },
  {
    name: 'forgets-what-is-behind-the-frame-it-completes',
    step: '09.4',
    says: ['The rest of the chunk is lost'],
    edits: [
      {
        file,
        replace: "{ kind: 'frame', payload: parsed.payload, end } : parsed",
        by: "{ kind: 'frame', payload: parsed.payload, end: chunk.length } : parsed",
      },
    ],
  },
  {
    name: 'takes-the-whole-chunk-into-the-frame',
    step: '09.4',
    says: ['no more; the next one begins there'],
    edits: [
      {
        file,
        replace: 'chunk.subarray(end, end + parsed.missingBytes)',
        by: 'chunk.subarray(end)',
      },
      {
        file,
        replace: 'this.#keep(piece, this.#begunBytes + parsed.missingBytes)',
        by: 'this.#keep(piece, this.#begunBytes + Math.max(parsed.missingBytes, piece.length))',
      },
    ],
  },
  {
    name: 'concatenates-with-each-chunk',
    step: '09.4',
    says: ['the last bytes of a large frame', 'Buffer.concat copies it all'],
    edits: [
      {
        file,
        replace: GROW,
        by: `    if (size > this.#begun.length && totalBytes > 0) {
      this.#begun = new Uint8Array(Buffer.concat([this.#begun, bytes]))
    }
`,
      },
    ],
  },
  {
    name: 'copies-the-rest-with-each-frame',
    step: '09.3',
    says: ['a view of the chunk'],
    edits: [
      {
        file,
        replace: 'const parsed = parseFrame(chunk, from, this.#maxBytes)',
        by: 'const parsed = parseFrame(new Uint8Array(chunk.subarray(from)), 0, this.#maxBytes)',
      },
    ],
  },
  {
    name: 'hands-out-the-buffer-that-it-fills-again',
    step: '09.4',
    says: ['payloads to stay what they were', 'used again for the next one'],
    edits: [
      {
        file,
        replace: '    this.#begun = NOTHING\n    this.#begunBytes = 0\n',
        by: '    this.#begunBytes = 0\n',
      },
    ],
  },
  {
    name: 'copies-the-rest-of-the-chunk-with-each-frame',
    step: '09.3',
    says: ['a view of the chunk'],
    edits: [
      {
        file: 'frames.ts',
        hole: 'push',
        by: `    const decoded: (Frame | Invalid)[] = []
    for (let rest = chunk; rest.length > 0; ) {
      const next = this.next(rest, 0)
      if (next.kind !== 'incomplete') decoded.push(next)
      rest = next.kind === 'frame' ? rest.slice(next.end) : NOTHING
    }
    return decoded`,
      },
    ],
  },
  {
    name: 'copies-the-rest-to-look-at-it',
    step: '09.3',
    says: ['a frame in a large chunk', 'subarray() copies nothing'],
    edits: [
      {
        file,
        replace: 'const parsed = parseFrame(chunk, from, this.#maxBytes)',
        by: 'const parsed = parseFrame(chunk.slice(from), 0, this.#maxBytes)',
      },
      {
        file,
        replace: "return { kind: 'frame', payload: parsed.payload, end }\n",
        by: "return { kind: 'frame', payload: chunk.subarray(from + LENGTH_BYTES, end), end }\n",
      },
    ],
  },
  {
    name: 'makes-64-kib-more-room-each-time',
    step: '09.4',
    says: ['a huge frame to cost at most a few times as much as copying it', 'Double the room'],
    edits: [
      {
        file: 'frames.ts',
        replace: 'Math.min(2 * size, totalBytes)',
        by: 'Math.min(size + 65_536, totalBytes)',
      },
    ],
  },
  {
    name: 'begins-with-room-for-64-kib',
    step: '09.4',
    says: ['to hold less than 512 KiB', 'at most twice as large'],
    edits: [
      {
        file: 'frames.ts',
        replace: 'Math.min(2 * size, totalBytes)',
        by: 'Math.max(65_536, Math.min(2 * size, totalBytes))',
      },
    ],
  },
  {
    name: 'finishes-from-the-start-of-the-chunk',
    step: '09.4',
    says: ['what next() returns', 'Begin at `from`'],
    edits: [{ file, replace: 'let end = from\n', by: 'let end = 0\n' }],
  },
  {
    name: 'makes-room-for-four-times-as-much',
    step: '09.4',
    says: ['to hold at most twice what has arrived', 'and no more'],
    edits: [
      {
        file: 'frames.ts',
        replace: 'Math.min(2 * size, totalBytes)',
        by: 'Math.min(4 * size, totalBytes)',
      },
    ],
  },
  {
    name: 'keeps-a-view-of-the-chunk',
    step: '09.4',
    says: ['a view of five bytes keeps all 64 KiB'],
    edits: [
      {
        file: 'frames.ts',
        replace: '    if (size > this.#begun.length) {',
        by: `    if (this.#begunBytes === 0) {
      this.#begun = bytes
      this.#begunBytes = size
      return
    }
    if (size > this.#begun.length) {`,
      },
    ],
  },
  {
    name: 'keeps-its-largest-room-for-ever',
    step: '09.4',
    says: ['to hold less than 512 KiB', 'begin the next frame with none'],
    edits: [
      {
        file: 'frames.ts',
        replace: `    this.#begun = NOTHING
    this.#begunBytes = 0
    return parsed.kind === 'frame' ? { kind: 'frame', payload: parsed.payload, end } : parsed`,
        by: `    this.#begunBytes = 0
    return parsed.kind === 'frame'
      ? { kind: 'frame', payload: parsed.payload.slice(), end }
      : parsed`,
      },
    ],
  },
  {
    name: 'reads-the-length-as-signed',
    step: '09.5',
    says: ['2,147,483,648 bytes (80 00 00 00)', 'The length is unsigned'],
    edits: [{ file, replace: 'bytes[at + 3]) >>> 0', by: 'bytes[at + 3])' }],
  },
  {
    name: 'looks-at-the-limit-when-the-payload-is-there',
    step: '09.5',
    says: ['before you wait for the payload'],
    edits: [
      {
        file,
        replace: `${OVER_THE_LIMIT}  const end = start + length\n  ${TOO_LITTLE}\n`,
        by: `  const end = start + length\n  ${TOO_LITTLE}\n${OVER_THE_LIMIT}`,
      },
    ],
  },
  {
    name: 'the-limit-is-over-the-limit',
    step: '09.5',
    says: ['A length equal to the limit is allowed'],
    edits: [{ file, replace: 'length > maxBytes', by: 'length >= maxBytes' }],
  },
  {
    name: 'looks-for-frames-behind-an-invalid-length',
    step: '09.5',
    says: ['nothing more is decoded, not even from the same chunk'],
    edits: [
      {
        file,
        replace: NEXT,
        by: "at = next.kind === 'frame' ? next.end : next.kind === 'invalid' ? at + LENGTH_BYTES : chunk.length",
      },
      {
        file,
        replace: '    this.#isInvalid = true\n    return parsed\n',
        by: '    return parsed\n',
      },
    ],
  },
  {
    name: 'forgets-that-the-peer-is-invalid',
    step: '09.5',
    says: ['for later chunks as well'],
    edits: [
      {
        file,
        replace: '    this.#isInvalid = true\n    return parsed\n',
        by: '    return parsed\n',
      },
    ],
  },
  {
    name: 'an-invalid-length-that-was-cut-is-forgotten',
    step: '09.5',
    says: ['late', 'nor decoded'],
    edits: [{ file, replace: "    this.#isInvalid = parsed.kind === 'invalid'\n", by: '' }],
  },
  {
    name: 'an-end-is-always-in-order',
    step: '09.5',
    says: ['an end inside a length'],
    edits: [
      {
        file,
        replace: "if (this.#begunBytes === 0 || parsed.kind !== 'incomplete') return undefined",
        by: "if (this.#begunBytes >= 0 || parsed.kind !== 'incomplete') return undefined",
      },
    ],
  },
  {
    name: 'an-end-inside-a-length-is-in-order',
    step: '09.5',
    says: ['Three bytes of its length are missing'],
    edits: [
      { file, replace: 'this.#begunBytes === 0 ||', by: 'this.#begunBytes < LENGTH_BYTES ||' },
    ],
  },
  {
    name: 'no-end-is-in-order',
    step: '09.5',
    says: ['Nothing is left over'],
    edits: [
      {
        file,
        replace: "this.#begunBytes === 0 || parsed.kind !== 'incomplete'",
        by: "parsed.kind !== 'incomplete'",
      },
    ],
  },
  {
    name: 'makes-room-for-what-is-announced',
    step: '09.4',
    says: ['to hold less than 512 KiB', 'Copy what has arrived'],
    edits: [{ file, replace: 'Math.min(2 * size, totalBytes)', by: 'totalBytes' }],
  },
  {
    name: 'decodes-the-rest-of-the-invalid-chunk',
    step: '09.5',
    says: ['what next() returns', 'whatever `from` is'],
    edits: [
      {
        file: 'frames.ts',
        replace: 'if (this.#isInvalid) return INCOMPLETE',
        by: 'if (this.#isInvalid && from === 0) return INCOMPLETE',
      },
    ],
  },
  {
    name: 'keeps-what-comes-behind-an-invalid-length',
    step: '09.5',
    says: ['out of bounds', 'in #keep()'],
    edits: [
      {
        file: 'frames.ts',
        replace: 'if (this.#isInvalid) return INCOMPLETE\n',
        by: 'if (this.#isInvalid) {\n      this.#keep(chunk.subarray(from), chunk.length)\n      return INCOMPLETE\n    }\n',
      },
    ],
  },
  {
    name: 'goes-on-behind-an-invalid-length',
    step: '09.6',
    says: ['a frame like /^error'],
    edits: [{ file: protocol, replace: `      ${TOO_LARGE}\n`, by: '' }],
  },
  {
    name: 'ends-without-a-word',
    step: '09.6',
    says: ['a frame like /^error', 'told how, in a frame'],
    edits: [
      {
        file: protocol,
        replace: TOO_LARGE,
        by: "else if (decoded.kind === 'invalid') this.connection.end('too-large')",
      },
    ],
  },
  {
    name: 'the-server-ends-over-it',
    step: '09.6',
    says: ['frame of 200001 bytes'],
    edits: [
      {
        file: protocol,
        replace: TOO_LARGE,
        by: "else if (decoded.kind === 'invalid') throw new Error(decoded.reason)",
      },
    ],
  },
  {
    name: 'slams-the-door',
    step: '09.6',
    says: ['09.6'],
    edits: [
      {
        file: protocol,
        replace: TOO_LARGE,
        by: "else if (decoded.kind === 'invalid') this.connection.destroy('too-large')",
      },
    ],
  },
  {
    name: 'one-frame-a-chunk-is-handed-on',
    step: '09.6',
    says: ['09.6'],
    edits: [
      {
        file: protocol,
        replace: "      taken = decoded.kind === 'frame' ? decoded.end : bytes.length\n",
        by: '      taken = bytes.length\n',
      },
    ],
  },
  {
    name: 'takes-what-comes-behind-a-pause',
    step: '09.6',
    says: ['isReading'],
    edits: [
      {
        file: protocol,
        replace: 'while (taken < bytes.length && this.connection.isReading) {',
        by: 'while (taken < bytes.length && this.connection.isOpen) {',
      },
    ],
  },
  {
    name: 'throws-away-what-comes-behind-a-pause',
    step: '09.6',
    says: ['isReading'],
    edits: [{ file: protocol, replace: '    return taken\n', by: '    return bytes.length\n' }],
  },
  {
    name: 'looks-for-the-pause-behind-next',
    step: '09.6',
    says: ['the frames that were handed on', 'before you call next()'],
    edits: [
      {
        file: protocol,
        hole: 'onBytes',
        by: `    let taken = 0
    if (!this.connection.isReading) return taken
    while (taken < bytes.length) {
      const decoded = this.#decoder.next(bytes, taken)
      if (!this.connection.isReading) return taken
      taken = decoded.kind === 'frame' ? decoded.end : bytes.length
      if (decoded.kind === 'frame') this.#hear(decoded.payload)
      else if (decoded.kind === 'invalid') this.#endWith('too-large', decoded.reason)
    }
    return taken`,
      },
    ],
  },
  {
    name: 'counts-only-whole-frames-as-taken',
    step: '09.6',
    says: ['onBytes() says it has taken', 'everything is taken'],
    edits: [
      {
        file: protocol,
        hole: 'onBytes',
        by: `    let taken = 0
    let at = 0
    while (at < bytes.length && this.connection.isReading) {
      const decoded = this.#decoder.next(bytes, at)
      at = decoded.kind === 'frame' ? decoded.end : bytes.length
      if (decoded.kind === 'frame') taken = at
      if (decoded.kind === 'frame') this.#hear(decoded.payload)
      else if (decoded.kind === 'invalid') this.#endWith('too-large', decoded.reason)
    }
    return taken`,
      },
    ],
  },
  {
    name: 'half-a-frame-is-a-sign-of-life',
    step: '09.6',
    says: ['the number of calls to connection.heard()', 'Only a whole frame'],
    edits: [
      {
        file: protocol,
        replace: '      const decoded = this.#decoder.next(bytes, taken)\n',
        by: '      this.connection.heard()\n      const decoded = this.#decoder.next(bytes, taken)\n',
      },
      {
        file: protocol,
        replace: "if (decoded.kind === 'frame') this.#hear(decoded.payload)",
        by: "if (decoded.kind === 'frame') this.#events.onFrame(decoded.payload, this)",
      },
    ],
  },
  {
    name: 'looks-at-the-pause-behind-the-first-frame',
    step: '09.6',
    says: ['while the connection is paused', 'including the first'],
    edits: [
      {
        file: protocol,
        replace: 'while (taken < bytes.length && this.connection.isReading) {',
        by: 'while (taken < bytes.length && (taken === 0 || this.connection.isReading)) {',
      },
    ],
  },
  {
    name: 'destroys-at-an-end-in-order',
    step: '09.6',
    says: ['the connection not to be destroyed', 'still on the way'],
    edits: [
      {
        file: protocol,
        replace: "else this.connection.end('finished')",
        by: "else this.connection.destroy('finished')",
      },
    ],
  },
  {
    name: 'an-end-in-order-counts-as-invalid',
    step: '09.6',
    says: ['why the connection ended', 'as `finished`'],
    edits: [
      {
        file: protocol,
        replace: "else this.connection.end('finished')",
        by: "else this.connection.end('invalid')",
      },
    ],
  },
  {
    name: 'does-not-ask-how-the-stream-ended',
    step: '09.6',
    says: ['ask the decoder whether it is in the middle of a frame'],
    edits: [
      {
        file: protocol,
        replace: "    if (invalid) this.#endWith('invalid', invalid.reason)\n    else if",
        by: '    if (!invalid) void 0\n    if',
      },
    ],
  },
  {
    name: 'never-ends-by-itself',
    step: '09.6',
    says: ['still waits for the end', 'nothing is left to send'],
    edits: [{ file: protocol, replace: "    else this.connection.end('finished')\n", by: '' }],
  },
  {
    name: 'destroys-a-moment-after-the-error',
    step: '09.6',
    says: ['no timer to be set', 'now or in a moment'],
    edits: [
      {
        file: 'frame-protocol.ts',
        replace: "this.#endWith('too-large', decoded.reason)\n",
        by: "{\n        this.#endWith('too-large', decoded.reason)\n        setTimeout(() => this.connection.destroy('too-large'), 50)\n      }\n",
      },
    ],
  },
  {
    name: 'destroys-once-the-client-has-said-fin',
    step: '09.6',
    says: ['FIN after them', 'still on their way'],
    edits: [
      {
        file: 'frame-protocol.ts',
        replace: "if (invalid) this.#endWith('invalid', invalid.reason)\n",
        by: "if (invalid) {\n      this.#endWith('invalid', invalid.reason)\n      setImmediate(() => this.connection.destroy('invalid'))\n    }\n",
      },
    ],
  },
  {
    name: 'every-invalid-client-ends-as-invalid',
    step: '09.6',
    says: ['why the connection ended', 'too-large'],
    edits: [
      {
        file: 'frame-protocol.ts',
        replace: "this.#endWith('too-large', decoded.reason)",
        by: "this.#endWith('invalid', decoded.reason)",
      },
    ],
  },
  {
    name: 'ends-before-the-events-have-answered',
    step: '09.6',
    says: ['to stay open for the events to end it'],
    edits: [
      {
        file: 'frame-protocol.ts',
        replace:
          "else if (this.#events.onEnd) this.#events.onEnd(this)\n    else this.connection.end('finished')",
        by: "else {\n      this.#events.onEnd?.(this)\n      this.connection.end('finished')\n    }",
      },
    ],
  },
  {
    name: 'tells-the-events-of-a-broken-end',
    step: '09.6',
    says: ['either #endWith() or onEnd of the events'],
    edits: [
      {
        file: 'frame-protocol.ts',
        replace: 'else if (this.#events.onEnd) this.#events.onEnd(this)',
        by: 'if (this.#events.onEnd) this.#events.onEnd(this)',
      },
    ],
  },
  {
    name: 'hands-frames-on-without-a-sign-of-life',
    step: '09.6',
    says: ['the number of calls to connection.heard()'],
    edits: [
      {
        file: 'frame-protocol.ts',
        replace: "if (decoded.kind === 'frame') this.#hear(decoded.payload)",
        by: "if (decoded.kind === 'frame') this.#events.onFrame(decoded.payload, this)",
      },
    ],
  },
  {
    name: 'a-frame-in-pieces',
    step: '09.1',
    says: ['a byte to cost no more in a frame', 'copy the payload once'],
    cardVaries: true,
    edits: [
      {
        file: 'frames.ts',
        replace: `  const frame = Buffer.allocUnsafe(LENGTH_BYTES + payload.length)
  frame.writeUInt32BE(payload.length)
  frame.set(payload, LENGTH_BYTES)
`,
        by: `  let frame = Buffer.alloc(LENGTH_BYTES)
  frame.writeUInt32BE(payload.length)
  for (let at = 0; at < payload.length; at += 1024) {
    frame = Buffer.concat([frame, payload.subarray(at, at + 1024)])
  }
`,
      },
    ],
  },
  {
    name: 'room-for-the-largest-frame',
    step: '09.1',
    says: ['64 small frames', 'not for the largest frame'],
    edits: [
      {
        file: 'frames.ts',
        replace: `  const frame = Buffer.allocUnsafe(LENGTH_BYTES + payload.length)
`,
        by: `  const room = Buffer.allocUnsafe(LENGTH_BYTES + MAX_FRAME_BYTES)
  const frame = room.subarray(0, LENGTH_BYTES + payload.length)
`,
      },
    ],
  },
  {
    name: 'a-limit-for-all-decoders',
    step: '09.2',
    says: ['the length 01 00 00 02', 'each decoder has its own limit'],
    edits: [{ file: 'frames.ts', replace: 'length > maxBytes', by: 'length > MAX_FRAME_BYTES' }],
  },
  {
    name: 'a-new-list-for-each-frame',
    step: '09.3',
    says: ['a frame in a large chunk', 'the list of the frames so far'],
    edits: [
      {
        file: 'frames.ts',
        replace: '    const decoded: (Frame | Invalid)[] = []\n',
        by: '    let decoded: (Frame | Invalid)[] = []\n',
      },
      {
        file: 'frames.ts',
        replace: 'decoded.push(next)',
        by: 'decoded = [...decoded, next]',
      },
    ],
  },
  {
    name: 'copies-the-rest-for-each-line',
    step: '09.1',
    says: ['a byte to cost no more in a frame'],
    cardVaries: true,
    edits: [
      {
        file: 'frames.ts',
        replace: 'frame.set(payload, LENGTH_BYTES)',
        by: `for (let at = 0; at < payload.length; at += 64) {
    frame.set(payload.subarray(at), LENGTH_BYTES + at)
  }`,
      },
    ],
  },
  {
    name: 'limits-the-buffer-behind',
    step: '09.1',
    says: ['a view of four bytes of 2 MiB', 'payload.buffer'],
    edits: [
      {
        file: 'frames.ts',
        replace: 'payload.length > MAX_FRAME_BYTES',
        by: 'payload.buffer.byteLength > MAX_FRAME_BYTES',
      },
    ],
  },
  {
    name: 'remembers-the-frame-of-an-array',
    step: '09.1',
    says: ['in the same array', 'read them each time'],
    edits: [
      {
        file: 'frames.ts',
        replace: `const NOTHING = new Uint8Array()
`,
        by: `const NOTHING = new Uint8Array()
const known = new WeakMap<Uint8Array, Uint8Array>()
`,
      },
      {
        file: 'frames.ts',
        replace: `  return frame
`,
        by: `  known.set(payload, frame)
  return frame
`,
      },
      {
        file: 'frames.ts',
        replace: '  if (payload.length > MAX',
        by: `  if (known.has(payload)) return known.get(payload)!
  if (payload.length > MAX`,
      },
    ],
  },
  {
    name: 'the-largest-payload-is-too-large',
    step: '09.1',
    says: ['MAX_FRAME_BYTES to be allowed', 'not >='],
    edits: [
      {
        file: 'frames.ts',
        replace: 'payload.length > MAX_FRAME_BYTES',
        by: 'payload.length >= MAX_FRAME_BYTES',
      },
    ],
  },
  {
    name: 'leaves-old-bytes-in-the-length',
    step: '09.1',
    says: ['allocUnsafe() leaves'],
    edits: [
      {
        file: 'frames.ts',
        replace: 'Buffer.allocUnsafe(LENGTH_BYTES + payload.length)',
        by: `Buffer.alloc(LENGTH_BYTES + payload.length, 'old bytes')`,
      },
      {
        file: 'frames.ts',
        replace: 'frame.writeUInt32BE(payload.length)',
        by: 'frame[3] = payload.length',
      },
    ],
  },
  {
    name: 'the-payload-over-the-length',
    step: '09.1',
    says: ['begins at place LENGTH_BYTES'],
    edits: [
      {
        file: 'frames.ts',
        replace: 'Buffer.allocUnsafe(LENGTH_BYTES + payload.length)',
        by: 'Buffer.alloc(LENGTH_BYTES + payload.length)',
      },
      {
        file: 'frames.ts',
        replace: 'frame.set(payload, LENGTH_BYTES)',
        by: 'frame.set(payload)',
      },
    ],
  },
  {
    name: 'sends-a-text',
    step: '09.1',
    says: ['into a text and back'],
    edits: [
      {
        file: 'frames.ts',
        replace: 'frame.set(payload, LENGTH_BYTES)',
        by: 'frame.write(Buffer.from(payload).toString(), LENGTH_BYTES)',
      },
    ],
  },
  {
    name: 'what-is-missing-counts-from-the-start',
    step: '09.2',
    says: ['of 00 01 11 70, after a frame', 'from `at` on'],
    edits: [
      {
        file: 'frames.ts',
        replace: 'missingBytes: start - bytes.length',
        by: 'missingBytes: LENGTH_BYTES - bytes.length',
      },
    ],
  },
  {
    name: 'all-of-it-is-too-little',
    step: '09.2',
    says: ['compare with <'],
    edits: [
      {
        file: 'frames.ts',
        replace: 'bytes.length < end',
        by: 'bytes.length <= end',
      },
    ],
  },
  {
    name: 'a-place-and-a-length',
    step: '09.2',
    says: ['takes two places'],
    edits: [
      {
        file: 'frames.ts',
        replace: 'payload: bytes.subarray(start, end)',
        by: 'payload: bytes.subarray(start, length)',
      },
    ],
  },
  {
    name: 'all-that-was-announced-is-missing',
    step: '09.2',
    says: ['minus bytes.length'],
    edits: [
      {
        file: 'frames.ts',
        replace: 'missingBytes: end - bytes.length',
        by: 'missingBytes: length',
      },
    ],
  },
  {
    name: 'too-few-bytes-for-a-length-throw',
    step: '09.2',
    says: ['not an exception'],
    edits: [
      {
        file: 'frames.ts',
        replace: `  if (bytes.length < start) return { kind: 'incomplete', missingBytes: start - bytes.length }`,
        by: `  if (bytes.length < start) throw new RangeError('too few bytes')`,
      },
    ],
  },
  {
    name: 'one-list-for-all-calls',
    step: '09.3',
    says: ['the list to stay what it was', 'Begin each push() with a new one'],
    edits: [
      {
        file: 'frames.ts',
        replace: `const NOTHING = new Uint8Array()
`,
        by: `const NOTHING = new Uint8Array()
const list: (Frame | Invalid)[] = []
`,
      },
      {
        file: 'frames.ts',
        replace: `    const decoded: (Frame | Invalid)[] = []
`,
        by: `    const decoded = list
    decoded.length = 0
`,
      },
    ],
  },
  {
    name: 'an-end-without-its-beginning',
    step: '09.3',
    says: ['the place where each of them ends', 'from the start of the chunk'],
    edits: [
      {
        file: 'frames.ts',
        replace: 'const end = from + LENGTH_BYTES + parsed.payload.length',
        by: 'const end = LENGTH_BYTES + parsed.payload.length',
      },
    ],
  },
  {
    name: 'returns-old-frames-again',
    step: '09.3',
    says: ['Begin each push() with a new one'],
    edits: [
      {
        file: 'frames.ts',
        replace: `  #begunBytes = 0
  #isInvalid = false
`,
        by: `  #begunBytes = 0
  #isInvalid = false
  readonly #decoded: (Frame | Invalid)[] = []
`,
      },
      {
        file: 'frames.ts',
        replace: `    const decoded: (Frame | Invalid)[] = []
`,
        by: `    const decoded = this.#decoded
`,
      },
    ],
  },
  {
    name: 'one-object-for-all-frames',
    step: '09.3',
    says: ['Make a new one for each'],
    edits: [
      {
        file: 'frames.ts',
        replace: `const NOTHING = new Uint8Array()
`,
        by: `const NOTHING = new Uint8Array()
const FRAME: Frame = { kind: 'frame', payload: NOTHING }
`,
      },
      {
        file: 'frames.ts',
        replace: `if (next.kind !== 'incomplete') decoded.push(next)`,
        by: `if (next.kind === 'frame') decoded.push(Object.assign(FRAME, { payload: next.payload }))`,
      },
    ],
  },
  {
    name: 'the-last-frame-first',
    step: '09.3',
    says: ['comes first'],
    edits: [
      {
        file: 'frames.ts',
        replace: 'decoded.push(next)',
        by: 'decoded.unshift(next)',
      },
    ],
  },
  {
    name: 'copies-the-chunk-to-read-a-length',
    step: '09.3',
    says: ['a frame in a large chunk', 'is copied for each frame'],
    cardVaries: true,
    edits: [
      {
        file: 'frames.ts',
        replace:
          '((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0',
        by: 'Buffer.from(bytes).readUInt32BE(at)',
      },
    ],
  },
  {
    name: 'makes-1-kib-more-room-each-time',
    step: '09.4',
    says: ['a huge frame to cost at most a few times as much as copying it', 'Double the room'],
    cardVaries: true,
    edits: [
      {
        file: 'frames.ts',
        replace: 'Math.min(2 * size, totalBytes)',
        by: 'Math.min(size + 1024, totalBytes)',
      },
    ],
  },
  {
    name: 'looks-for-room-for-what-is-there',
    step: '09.4',
    says: ['makes room for all that was kept and the new bytes'],
    edits: [
      {
        file: 'frames.ts',
        replace: 'if (size > this.#begun.length) {',
        by: 'if (this.#begunBytes > this.#begun.length) {',
      },
    ],
  },
  {
    name: 'takes-from-a-place-so-many',
    step: '09.4',
    says: ['again and again', 'two places'],
    edits: [
      {
        file: 'frames.ts',
        replace: 'chunk.subarray(end, end + parsed.missingBytes)',
        by: 'chunk.subarray(end, parsed.missingBytes)',
      },
    ],
  },
  {
    name: 'keeps-a-slice-of-a-buffer',
    step: '09.4',
    says: ['its slice() is a view'],
    edits: [
      {
        file: 'frames.ts',
        replace: 'this.#keep(chunk.subarray(from), chunk.length - from + parsed.missingBytes)',
        by: `this.#begun = chunk.slice(from)
      this.#begunBytes = chunk.length - from`,
      },
    ],
  },
  {
    name: 'keeps-the-rooms-it-has-outgrown',
    step: '09.4',
    says: ['arrived in three pieces', 'less than 512 KiB'],
    cardVaries: true,
    edits: [
      {
        file: 'frames.ts',
        replace: `  #begunBytes = 0
  #isInvalid = false
`,
        by: `  #begunBytes = 0
  #isInvalid = false
  readonly #outgrown: Uint8Array[] = []
`,
      },
      {
        file: 'frames.ts',
        replace: `      this.#begun = roomier
`,
        by: `      this.#outgrown.push(this.#begun)
      this.#begun = roomier
`,
      },
    ],
  },
  {
    name: '4-kib-for-five-bytes',
    step: '09.4',
    says: ['less than 512 KiB', 'at most twice as large'],
    cardVaries: true,
    edits: [
      {
        file: 'frames.ts',
        replace: 'new Uint8Array(Math.min(2 * size, totalBytes))',
        by: 'new Uint8Array(Math.max(4096, Math.min(2 * size, totalBytes)))',
      },
    ],
  },
  {
    name: 'asks-only-once-what-is-missing',
    step: '09.4',
    says: ['asks #parseBegun() again after each piece'],
    edits: [
      {
        file: 'frames.ts',
        replace: `while (parsed.kind === 'incomplete' && end`,
        by: `if (parsed.kind === 'incomplete' && end`,
      },
    ],
  },
  {
    name: 'the-end-counts-the-last-piece',
    step: '09.4',
    says: ['`end` counts every piece'],
    edits: [
      {
        file: 'frames.ts',
        replace: 'end += piece.length',
        by: 'end = from + piece.length',
      },
    ],
  },
  {
    name: 'a-finished-frame-is-not-forgotten',
    step: '09.4',
    says: ['again and again', 'is forgotten'],
    edits: [
      {
        file: 'frames.ts',
        replace: `    this.#begun = NOTHING
    this.#begunBytes = 0
`,
        by: '',
      },
    ],
  },
  {
    name: 'an-invalid-length-is-not-forgotten',
    step: '09.5',
    says: ['the end after that to be in order', 'even when it is invalid'],
    edits: [
      {
        file,
        replace: "if (this.#begunBytes === 0 || parsed.kind !== 'incomplete') return undefined",
        by: "if (this.#begunBytes === 0) return undefined\n    if (parsed.kind !== 'incomplete') return { kind: 'invalid', reason: 'cut off' }",
      },
      {
        file: 'frames.ts',
        replace: `    this.#begun = NOTHING
    this.#begunBytes = 0
`,
        by: `    if (parsed.kind === 'frame') {
      this.#begun = NOTHING
      this.#begunBytes = 0
    }
`,
      },
    ],
  },
  {
    name: 'names-a-negative-length',
    step: '09.5',
    says: ['the reason to name the length', 'unsigned'],
    edits: [
      {
        file: 'frames.ts',
        replace: 'bytes[at + 3]) >>> 0',
        by: 'bytes[at + 3])',
      },
      {
        file: 'frames.ts',
        replace: 'length > maxBytes',
        by: 'length > maxBytes || length < 0',
      },
    ],
  },
  {
    name: 'no-limit-of-0',
    step: '09.5',
    says: ['with maxBytes: 0', 'though it is falsy'],
    edits: [
      {
        file: 'frames.ts',
        replace: 'length > maxBytes',
        by: 'maxBytes && length > maxBytes',
      },
    ],
  },
  {
    name: 'says-it-again-and-again',
    step: '09.5',
    says: ['is reported once'],
    edits: [
      {
        file: 'frames.ts',
        replace: 'if (this.#isInvalid) return INCOMPLETE',
        by: `if (this.#isInvalid) return { kind: 'invalid', reason: 'invalid before' }`,
      },
    ],
  },
  {
    name: 'leaves-the-invalid-length-out',
    step: '09.5',
    says: ['puts it into its list'],
    edits: [
      {
        file: 'frames.ts',
        replace: `if (next.kind !== 'incomplete') decoded.push(next)`,
        by: `if (next.kind === 'frame') decoded.push(next)`,
      },
    ],
  },
  {
    name: 'the-invalid-length-comes-first',
    step: '09.5',
    says: ['after the frames'],
    edits: [
      {
        file: 'frames.ts',
        replace: `if (next.kind !== 'incomplete') decoded.push(next)`,
        by: `if (next.kind === 'invalid') decoded.unshift(next)
      if (next.kind === 'frame') decoded.push(next)`,
      },
    ],
  },
  {
    name: 'throws-over-a-length',
    step: '09.5',
    says: ['The peer’s fault is not an exception'],
    edits: [
      {
        file: 'frames.ts',
        replace: 'length > maxBytes) {',
        by: `length > maxBytes) {
    throw new RangeError('too long')`,
      },
    ],
  },
  {
    name: 'says-how-many-have-come',
    step: '09.5',
    says: ['How many have arrived is another number'],
    edits: [
      {
        file: 'frames.ts',
        replace: '${parsed.missingBytes} bytes too early',
        by: '${this.#begunBytes} bytes too early',
      },
    ],
  },
  {
    name: 'names-no-length-that-was-cut',
    step: '09.5',
    says: ['the reason to name the length'],
    edits: [
      {
        file: 'frames.ts',
        replace: `{ kind: 'frame', payload: parsed.payload, end } : parsed`,
        by: `{ kind: 'frame', payload: parsed.payload, end }
      : { kind: 'invalid', reason: 'too large' }`,
      },
    ],
  },
  {
    name: 'ends-a-moment-later',
    step: '09.6',
    says: ['when onBytes() returns', 'and not later'],
    edits: [
      {
        file: 'frame-protocol.ts',
        replace: `else if (decoded.kind === 'invalid') this.#endWith('too-large', decoded.reason)`,
        by: `else if (decoded.kind === 'invalid') {
        setImmediate(() => this.#endWith('too-large', decoded.reason))
      }`,
      },
    ],
  },
  {
    name: 'catches-what-the-events-throw',
    step: '09.6',
    says: ['the error to be seen'],
    edits: [
      {
        file: 'frame-protocol.ts',
        replace: `if (decoded.kind === 'frame') this.#hear(decoded.payload)`,
        by: `if (decoded.kind === 'frame') {
        try {
          this.#hear(decoded.payload)
        } catch {}
      }`,
      },
    ],
  },
  {
    name: 'takes-onend-out-of-the-events',
    step: '09.6',
    says: ['as a method of the events'],
    edits: [
      {
        file: 'frame-protocol.ts',
        replace: `    else if (this.#events.onEnd) this.#events.onEnd(this)
    else this.connection.end('finished')`,
        by: `    else {
      const { onEnd = () => this.connection.end('finished') } = this.#events
      onEnd(this)
    }`,
      },
    ],
  },
  {
    name: 'counts-the-bytes-before-the-frame',
    step: '09.2',
    says: ['2 bytes of 00 01 11 70, after a frame', 'from `at` on'],
    edits: [
      {
        file,
        replace: 'if (bytes.length < start) return',
        by: 'if (bytes.length < LENGTH_BYTES) return',
      },
    ],
  },
  {
    name: 'goes-on-from-the-same-place',
    step: '09.4',
    says: ['The same bytes are taken twice', 'the chunk is used up'],
    edits: [{ file, replace: NEXT, by: "at = next.kind === 'frame' ? next.end : at" }],
  },
  {
    name: 'one-room-for-all-lengths',
    step: '09.4',
    says: ['each decoder to return its own frames', 'write into the same memory'],
    edits: [
      {
        file,
        replace: 'const NOTHING = new Uint8Array()\n',
        by: 'const NOTHING = new Uint8Array()\nconst LENGTH_ROOM = new Uint8Array(LENGTH_BYTES)\n',
      },
      {
        file,
        replace: 'const roomier = new Uint8Array(Math.min(2 * size, totalBytes))',
        by: `const isLength = totalBytes <= LENGTH_BYTES
      const roomier = isLength ? LENGTH_ROOM : new Uint8Array(Math.min(2 * size, totalBytes))`,
      },
    ],
  },
  {
    name: 'copies-the-chunk-for-each-frame',
    step: '09.6',
    says: ['a frame in a large chunk', 'give next() the chunk itself'],
    cardVaries: true,
    edits: [
      {
        file: protocol,
        replace: 'this.#decoder.next(bytes, taken)',
        by: 'this.#decoder.next(Buffer.from(bytes), taken)',
      },
    ],
  },
  {
    name: 'copies-the-rest-of-the-chunk-for-each-frame',
    step: '09.6',
    says: ['a frame in a large chunk', 'give next() the chunk itself'],
    cardVaries: true,
    edits: [
      {
        file: protocol,
        hole: 'onBytes',
        by: `    let rest = bytes
    while (rest.length > 0 && this.connection.isReading) {
      const decoded = this.#decoder.next(rest, 0)
      rest = decoded.kind === 'frame' ? rest.slice(decoded.end) : rest.subarray(rest.length)
      if (decoded.kind === 'frame') this.#hear(decoded.payload)
      else if (decoded.kind === 'invalid') this.#endWith('too-large', decoded.reason)
    }
    return bytes.length - rest.length`,
      },
    ],
  },
  {
    name: 'allows-more-than-it-can-send-back',
    step: '09.6',
    says: ['would end the server'],
    edits: [
      {
        file: protocol,
        replace: 'Math.min(maxFrameBytes, MAX_FRAME_BYTES)',
        by: 'maxFrameBytes',
      },
    ],
  },
  {
    name: 'lists-what-is-incomplete',
    step: '09.4',
    says: ['does not belong in its list'],
    edits: [
      {
        file,
        replace: "if (next.kind !== 'incomplete') decoded.push(next)",
        by: 'decoded.push(next as Frame)',
      },
    ],
  },
  {
    name: 'one-empty-frame-for-all',
    step: '09.1',
    says: ['after the first was overwritten', 'for an empty payload as well'],
    edits: [
      {
        file,
        replace: '  const frame = Buffer.allocUnsafe(LENGTH_BYTES + payload.length)\n',
        by: `  if (payload.length === 0) return EMPTY_FRAME
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + payload.length)
`,
      },
      {
        file,
        replace: 'const NOTHING = new Uint8Array()\n',
        by: 'const NOTHING = new Uint8Array()\nconst EMPTY_FRAME = new Uint8Array(LENGTH_BYTES)\n',
      },
    ],
  },
  {
    name: 'unshifts-and-reverses',
    step: '09.3',
    says: ['an empty frame in 64 KiB of them', 'unshift() does that'],
    cardVaries: true,
    edits: [
      { file, replace: 'decoded.push(next)', by: 'decoded.unshift(next)' },
      { file, replace: '    return decoded\n', by: '    return decoded.reverse()\n' },
    ],
  },
  {
    name: 'believes-short-frames',
    step: '09.4',
    says: ['to hold less than 512 KiB', 'at most twice as large'],
    cardVaries: true,
    edits: [
      {
        file,
        replace: 'new Uint8Array(Math.min(2 * size, totalBytes))',
        by: 'new Uint8Array(totalBytes <= 65_540 ? totalBytes : Math.min(2 * size, totalBytes))',
      },
    ],
  },
  {
    name: 'a-list-of-copied-pieces',
    step: '09.4',
    says: ['to hold less than 2 MiB', 'The pieces are kept in a list'],
    cardVaries: true,
    edits: [
      {
        file,
        replace: `    if (size > this.#begun.length) {
      const roomier = new Uint8Array(Math.min(2 * size, totalBytes))
      roomier.set(this.#begun)
      this.#begun = roomier
    }
    this.#begun.set(bytes, this.#begunBytes)
    this.#begunBytes = size
`,
        by: `    this.#pieces.push(Uint8Array.from(bytes))
    this.#begunBytes = size
    if (size <= LENGTH_BYTES || size === totalBytes || this.#begun.length < LENGTH_BYTES) {
      this.#begun = new Uint8Array(Buffer.concat(this.#pieces, size))
      this.#pieces = [this.#begun]
    }
`,
      },
      {
        file,
        replace:
          '    return parseFrame(this.#begun.subarray(0, this.#begunBytes), 0, this.#maxBytes)\n',
        by: `    const parsed = parseFrame(this.#begun.subarray(0, this.#begunBytes), 0, this.#maxBytes)
    if (parsed.kind !== 'incomplete') return parsed
    const later = this.#begunBytes - Math.min(this.#begun.length, this.#begunBytes)
    return { kind: 'incomplete', missingBytes: parsed.missingBytes - later }
`,
      },
      {
        file,
        replace: '  #begunBytes = 0\n',
        by: '  #begunBytes = 0\n  #pieces: Uint8Array[] = []\n',
      },
      {
        file,
        replace: '    this.#begunBytes = 0\n',
        by: '    this.#begunBytes = 0\n    this.#pieces = []\n',
      },
    ],
  },
  {
    name: 'says-again-that-it-was-invalid',
    step: '09.5',
    says: ['the end of the invalid peer', 'end() has nothing more to report'],
    edits: [
      {
        file,
        replace:
          "    if (this.#begunBytes === 0 || parsed.kind !== 'incomplete') return undefined\n",
        by: `    if (this.#isInvalid) return { kind: 'invalid', reason: 'the end came after an invalid length' }
    if (this.#begunBytes === 0 || parsed.kind !== 'incomplete') return undefined
`,
      },
    ],
  },
  {
    name: 'hands-frames-on-a-turn-later',
    step: '09.6',
    says: ['the frames that were handed on', 'before it returns'],
    edits: [
      {
        file: 'frame-protocol.ts',
        replace: "if (decoded.kind === 'frame') this.#hear(decoded.payload)",
        by: "if (decoded.kind === 'frame') queueMicrotask(() => this.#hear(decoded.payload))",
      },
    ],
  },
]
