import type { RightAnswer } from './right-answer.ts'

const handshake = 'handshake.ts'
const frames = 'websocket-frames.ts'
const reader = 'message-reader.ts'
const utf8 = 'utf8.ts'
const close = 'close.ts'
const websocket = 'websocket.ts'

export const rightAnswers: RightAnswer[] = [
  {
    name: 'data-views',
    style: 'DataView reads and writes every number, at any address.',
    edits: [
      {
        file: frames,
        hole: 'read',
        by: `    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const come = bytes.length - at
    if (come < 1) return 'incomplete'
    const first = view.getUint8(at)
    const opcode = first & 15
    const isFinal = (first & 128) !== 0
    if ((first & 112) !== 0) return 'reserved-bits'
    if (![0, 1, 2, 8, 9, 10].includes(opcode)) return 'unknown-opcode'
    if (opcode > 7 && !isFinal) return 'control-in-fragments'
    if (come < 2) return 'incomplete'
    const second = view.getUint8(at + 1)
    if ((second & 128) === 0) return 'not-masked'
    const short = second & 127
    if (opcode > 7 && short > 125) return 'control-too-long'
    let length = short
    let place = at + 2
    if (short === 126) {
      if (come < 4) return 'incomplete'
      length = view.getUint16(place)
      place += 2
      if (length < 126) return 'length-not-minimal'
    } else if (short === 127) {
      if (come < 10) return 'incomplete'
      length = Number(view.getBigUint64(place))
      place += 8
      if (length < 65_536) return 'length-not-minimal'
    }
    if (bytes.length < place + 4) return 'incomplete'
    Object.assign(this, { isFinal, opcode, length, key: view.getInt32(place, true) })
    this.bytes = place + 4 - at
    return 'whole'`,
      },
      {
        file: frames,
        hole: 'unmask',
        by: `  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const word = rotate(key, before)
  let at = start
  for (; at + 4 <= end; at += 4) view.setInt32(at, view.getInt32(at, true) ^ word, true)
  for (let shift = 0; at < end; at++, shift += 8) bytes[at] ^= (word >>> shift) & 0xff`,
      },
      {
        file: close,
        hole: 'parseClose',
        by: `  if (payload.byteLength === 0) return { code: NO_CODE, reason: '' }
  if (payload.byteLength < 2) return 'bad-close'
  const code = new DataView(payload.buffer, payload.byteOffset).getUint16(0)
  if (!maySend(code)) return 'bad-close'
  try {
    const reason = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload.slice(2))
    return { code, reason }
  } catch {
    return 'not-utf8'
  }`,
      },
    ],
  },
  {
    name: 'words-of-eight-bytes',
    style:
      'BigUint64Array in place of Uint32Array; a copy where the address does not divide by eight.',
    edits: [
      {
        file: frames,
        hole: 'unmask',
        by: `  const due = rotate(key, before)
  const words = (end - start) >> 3
  if (words > 0) {
    const word = BigInt(due >>> 0)
    const both = (word << 32n) | word
    const piece = bytes.subarray(start, start + words * 8)
    const isAligned = piece.byteOffset % 8 === 0
    const aligned = isAligned ? piece : Uint8Array.from(piece)
    const longs = new BigUint64Array(aligned.buffer, aligned.byteOffset, words)
    for (let place = 0; place < words; place++) longs[place] ^= both
    if (!isAligned) piece.set(aligned)
  }
  for (let at = start + words * 8, shift = 0; at < end; at++, shift = (shift + 8) % 32) {
    bytes[at] ^= due >>> shift
  }`,
      },
      {
        file: frames,
        hole: 'readLength',
        by: `  const { buffer, byteOffset, byteLength } = bytes
  const view = new DataView(buffer, byteOffset, byteLength)
  return count === 2 ? view.getUint16(at) : view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4)`,
      },
      {
        file: frames,
        hole: 'isMinimal',
        by: `  if (lengthBytes === 2) return length >= 126
  return lengthBytes === 8 ? length >= 65_536 : true`,
      },
    ],
  },
  {
    name: 'tables-and-sets',
    style: 'What may come is looked up: words of a header, opcodes, ranges of bytes, codes.',
    edits: [
      {
        file: handshake,
        hole: 'acceptWebSocket',
        by: `  const words = (name: string) => new Set(listOf(request.headers.get(name)?.toLowerCase()))
  const only = (name: string) => {
    const lines = request.headers.getAll(name)
    return lines.length === 1 ? lines[0] : undefined
  }
  const upgrade = { connection: 'upgrade', upgrade: 'websocket' }
  const asks =
    request.version === '1.1' && words('upgrade').has('websocket') && words('connection').has('upgrade')
  const key = only('sec-websocket-key') ?? ''
  const origins = request.headers.getAll('origin')
  const ours = new Set(offer.origins)
  const isOurs = !offer.origins || origins.every((origin) => ours.has(origin))
  const checks: [boolean, HttpAnswer][] = [
    [request.method === 'GET', { status: 405, headers: { allow: 'GET' } }],
    [
      asks && only('sec-websocket-version') === VERSION,
      { status: 426, headers: { ...upgrade, 'sec-websocket-version': '13' } },
    ],
    [isOurs, { status: 403 }],
    [KEY.test(key), { status: 400 }],
  ]
  const refused = checks.find(([holds]) => !holds)
  if (refused) return refused[1]
  const spoken = new Set(offer.protocols)
  const protocol = listOf(request.headers.get('sec-websocket-protocol')).find((each) => spoken.has(each))
  const headers: Record<string, string> = { ...upgrade, 'sec-websocket-accept': answerTo(key) }
  if (protocol) headers['sec-websocket-protocol'] = protocol
  return { status: 101, headers, upgrade: (connection, timers) => offer.open(connection, timers) }`,
      },
      {
        file: handshake,
        hole: 'answerTo',
        by: `  const hash = createHash('sha1')
  hash.update(key)
  hash.update(GUID)
  return hash.digest().toString('base64')`,
      },
      {
        file: utf8,
        hole: 'push',
        by: `    return bytes.every((byte) => {
      if (this.#missing === 0) return byte < 0x80 || this.#begin(byte)
      const fits = byte >= this.#least && byte <= this.#most
      this.#missing--
      ;[this.#least, this.#most] = [0x80, 0xbf]
      return fits
    })`,
      },
      {
        file: utf8,
        hole: '#begin',
        by: `    const ROWS = [
      [0xc2, 0xdf, 1, 0x80, 0xbf],
      [0xe0, 0xe0, 2, 0xa0, 0xbf],
      [0xe1, 0xec, 2, 0x80, 0xbf],
      [0xed, 0xed, 2, 0x80, 0x9f],
      [0xee, 0xef, 2, 0x80, 0xbf],
      [0xf0, 0xf0, 3, 0x90, 0xbf],
      [0xf1, 0xf3, 3, 0x80, 0xbf],
      [0xf4, 0xf4, 3, 0x80, 0x8f],
    ]
    const row = ROWS.find(([from, to]) => first >= from && first <= to)
    if (!row) return false
    ;[, , this.#missing, this.#least, this.#most] = row
    return true`,
      },
      {
        file: reader,
        hole: '#endFrame',
        by: `    const KINDS = new Map<number, 'ping' | 'pong' | 'close'>([
      [PING, 'ping'],
      [PONG, 'pong'],
      [8, 'close'],
    ])
    const kind = KINDS.get(this.#header.opcode)
    if (kind) return { kind, end, payload: this.#control.take() }
    if (this.#header.isFinal) {
      const message = { isText: this.#opcode === TEXT, payload: this.#message.take().slice() }
      this.#opcode = undefined
      return { kind: 'message', end, ...message }
    }
    return undefined`,
      },
    ],
  },
  {
    name: 'other-orders',
    style:
      'Switches, the checks of a frame in another order, state changed first and looked at afterwards.',
    edits: [
      {
        file: reader,
        hole: '#beginFrame',
        by: `    const { opcode, length } = this.#header
    if (isControl(opcode)) return undefined
    switch (opcode) {
      case CONTINUATION:
        if (this.#opcode === undefined) return 'nothing-to-continue'
        break
      default:
        if (this.#opcode !== undefined) return 'message-not-finished'
        this.#opcode = opcode
    }
    return length > this.#maxBytes - this.#message.length ? 'too-large' : undefined`,
      },
      {
        file: utf8,
        hole: 'end',
        by: `    const missing = this.#missing
    this.#missing = 0
    this.#least = 0x80
    this.#most = 0xbf
    return missing < 1`,
      },
      {
        file: websocket,
        hole: '#hearPing',
        by: `    const isCrowded = this.connection.queuedBytes > PROMPT_PONG_BYTES
    this.#duePong = isCrowded ? payload.slice() : undefined
    if (!isCrowded) this.connection.send(encodeFrame(PONG, payload))`,
      },
      {
        file: websocket,
        hole: '#hearClose',
        by: `    const parsed = parseClose(payload)
    if (typeof parsed !== 'object') {
      this.#fail(parsed)
    } else {
      const { code } = parsed
      this.#peerCode = code
      this.#end()
    }`,
      },
      {
        file: websocket,
        hole: 'close',
        by: `    if (this.#isClosing || !this.connection.isOpen) return
    this.#isClosing = true
    const frame = encodeClose(
      this.#peerCode === undefined ? { code, reason } : { code: this.#peerCode, reason: '' },
    )
    const words = this.#events.lastWords?.(why)
    this.connection.end(why, words ? Uint8Array.from([...words, ...frame]) : frame)`,
      },
    ],
  },
  {
    name: 'a-decoder-that-remembers',
    style:
      'TextDecoder as a stream, fatal: it throws at the first impossible byte, and keeps what has begun. One view of all whole words of a buffer.',
    edits: [
      {
        file: utf8,
        replace: '  #missing = 0\n',
        by: `  #missing = 0
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
`,
      },
      {
        file: utf8,
        hole: 'push',
        by: `    try {
      this.#decoder.decode(bytes, { stream: true })
      return true
    } catch {
      return false
    }`,
      },
      {
        file: utf8,
        hole: 'end',
        by: `    try {
      return this.#decoder.decode() === ''
    } catch {
      return false
    }`,
      },
      {
        file: frames,
        hole: 'unmask',
        by: `  let at = start
  let word = rotate(key, before)
  const wholeWords = bytes.buffer.byteLength >> 2
  const all = new Uint32Array(bytes.buffer, 0, wholeWords)
  for (; at < end && (bytes.byteOffset + at) % 4 > 0; at++, word = rotate(word, 1)) bytes[at] ^= word
  const first = (bytes.byteOffset + at) / 4
  const words = (end - at) >> 2
  for (let place = 0; place < words; place++) all[first + place] ^= word
  for (at += words * 4; at < end; at++, word = rotate(word, 1)) bytes[at] ^= word`,
      },
      {
        file: close,
        hole: 'parseClose',
        by: `  const [high, low, ...text] = payload
  if (high === undefined) return { code: NO_CODE, reason: '' }
  const code = high * 256 + low
  if (low === undefined || !maySend(code)) return 'bad-close'
  const reason = Buffer.from(text).toString('utf8')
  return Buffer.from(reason).equals(Buffer.from(text)) ? { code, reason } : 'not-utf8'`,
      },
    ],
  },
  {
    name: 'decodes-and-waits-for-nothing',
    style:
      'A key is told by its form and what it decodes to; lengths are BigInts, and six zeros of a long one are enough to see that it is not minimal; other orders within a byte.',
    edits: [
      {
        file: 'handshake.ts',
        replace: '!KEY.test(key)',
        by: `!/^[+/0-9A-Za-z]{22}==$/.test(key) || Buffer.from(key, 'base64').length !== 16`,
      },
      {
        file: frames,
        hole: 'readLength',
        by: `  let length = 0n
  for (let place = 0; place < count; place++) length = (length << 8n) | BigInt(bytes[at + place])
  return Number(length)`,
      },
      {
        file: frames,
        replace: `    if (bytes.length < keyAt) return 'incomplete'\n`,
        by: `    if (bytes.length < keyAt) {
      const isLongAndShort = lengthBytes === 8 && bytes.length >= at + 8
      const begun = bytes.subarray(at + 2, at + 8)
      return isLongAndShort && begun.every((byte) => byte === 0) ? 'length-not-minimal' : 'incomplete'
    }\n`,
      },
      {
        file: frames,
        replace: `    if (first & RESERVED_BITS) return 'reserved-bits'\n`,
        by: '',
      },
      {
        file: frames,
        replace: `    if (at + 1 >= bytes.length) return 'incomplete'\n`,
        by: `    if (first & RESERVED_BITS) return 'reserved-bits'
    if (at + 1 >= bytes.length) return 'incomplete'\n`,
      },
    ],
  },
  {
    name: 'counts-and-fast-paths',
    style:
      'A count of its own for the limit, a fast path between characters, reading paused behind a Close, a due pong sent before ours.',
    edits: [
      {
        file: reader,
        replace: '  readonly #control = new Gathered()\n',
        by: '  readonly #control = new Gathered()\n  #total = 0\n',
      },
      {
        file: reader,
        hole: '#beginFrame',
        by: `    const { opcode, length } = this.#header
    if (isControl(opcode)) return undefined
    const begins = opcode !== CONTINUATION
    if (begins && this.#opcode !== undefined) return 'message-not-finished'
    if (!begins && this.#opcode === undefined) return 'nothing-to-continue'
    this.#total = begins ? length : this.#total + length
    if (begins) this.#opcode = opcode
    return this.#total > this.#maxBytes ? 'too-large' : undefined`,
      },
      {
        file: utf8,
        replace: '/** Checks a text that comes in pieces. */',
        by: `import { isUtf8 } from 'node:buffer'\n\n/** Checks a text that comes in pieces. */`,
      },
      {
        file: utf8,
        hole: 'push',
        by: `    if (this.#missing === 0 && isUtf8(bytes)) return true
    for (const byte of bytes) {
      if (this.#missing === 0) {
        if (byte > 0x7f && !this.#begin(byte)) return false
        continue
      }
      this.#missing -= 1
      if (byte < this.#least || byte > this.#most) return false
      this.#least = 0x80
      this.#most = 0xbf
    }
    return true`,
      },
      {
        file: close,
        hole: 'parseClose',
        by: `  if (payload.length === 0) return { code: NO_CODE, reason: '' }
  const code = (payload[0] << 8) + payload[1]
  if (!maySend(code)) return 'bad-close'
  const reason = payload.slice(2)
  return isUtf8(reason) ? { code, reason: Buffer.from(payload).toString().slice(2) } : 'not-utf8'`,
      },
      {
        file: websocket,
        hole: 'close',
        by: `    if (this.#isClosing) return
    this.#sendDuePong()
    if (this.#isClosing) return
    this.#isClosing = true
    this.#silence?.stop()
    const words = this.#events.lastWords?.(why)
    const frames = [encodeClose({ code: this.#peerCode ?? code, reason })]
    if (words) frames.unshift(words)
    this.connection.end(why, Buffer.concat(frames))`,
      },
      {
        file: websocket,
        hole: '#hearClose',
        by: `    const close = parseClose(payload)
    if (typeof close === 'string') return this.#fail(close)
    this.#peerCode = close.code
    this.connection.pauseReading('protocol')
    this.#end()`,
      },
    ],
  },
  {
    name: 'patterns-and-views',
    style:
      'Lists are searched by a pattern; the origin is looked at last; a header is read in a view of its own; a length beyond what a number holds is infinite; the key is an array, and words are signed.',
    edits: [
      {
        file: handshake,
        hole: 'acceptWebSocket',
        by: `  const { method, version, headers } = request
  const lists = (name: string, word: string) =>
    new RegExp(\`(^|,)[ \\t]*\${word}[ \\t]*(,|$)\`, 'i').test(headers.get(name) ?? '')
  const refuse = (status: number, fields?: Record<string, string>): HttpAnswer => ({
    status,
    headers: { 'Content-Type': 'text/plain', ...fields },
    body: 'No WebSocket.',
  })
  if (
    version !== '1.1' ||
    !lists('upgrade', 'websocket') ||
    !lists('connection', 'upgrade') ||
    headers.get('sec-websocket-version') !== '13'
  ) {
    return refuse(426, { Connection: 'upgrade', Upgrade: 'WebSocket', 'Sec-WebSocket-Version': '13' })
  }
  if (method !== 'GET') return refuse(405, { Allow: 'GET' })
  const key = headers.getOnly('sec-websocket-key')
  const isKey = typeof key === 'object' && Buffer.from(key.value, 'base64').toString('base64') === key.value
  if (!isKey || key.value.length !== 24 || !key.value.endsWith('==')) return refuse(400)
  const accept = { Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Accept': answerTo(key.value) }
  const fields: Record<string, string> = accept
  for (const name of listOf(headers.get('sec-websocket-protocol'))) {
    if (offer.protocols?.includes(name)) fields['Sec-WebSocket-Protocol'] ??= name
  }
  const isOurs = headers.getAll('origin').every((each) => offer.origins?.includes(each) ?? true)
  return isOurs ? { status: 101, headers: fields, upgrade: offer.open.bind(offer) } : refuse(403)`,
      },
      {
        file: frames,
        replace: `    if (at >= bytes.length) return 'incomplete'\n`,
        by: `    bytes = bytes.subarray(at, at + MAX_HEADER_BYTES)
    at = 0
    if (bytes.length === 0) return 'incomplete'\n`,
      },
      {
        file: frames,
        hole: 'readLength',
        by: `  const digits = Buffer.from(bytes.subarray(at, at + count)).toString('hex')
  const length = Number.parseInt(digits, 16)
  return Number.isSafeInteger(length) ? length : Number.POSITIVE_INFINITY`,
      },
      {
        file: frames,
        hole: 'unmask',
        by: `  const word = rotate(key, before)
  const keys = [0, 8, 16, 24].map((shift) => (word >>> shift) & 0xff)
  const byte = (at: number) => (bytes[at] ^= keys[(at - start) & 3])
  let at = start
  while (at < end && (bytes.byteOffset + at) % 4 !== 0) byte(at++)
  const words = (end - at) >> 2
  if (words > 0) {
    const turned = rotate(word, at - start)
    const view = new Int32Array(bytes.buffer, bytes.byteOffset + at, words)
    for (let place = 0; place < words; place++) view[place] ^= turned
    at += words * 4
  }
  while (at < end) byte(at++)`,
      },
    ],
  },
]
