import type { Mistake } from './mistake.ts'

const handshake = 'handshake.ts'
const frames = 'websocket-frames.ts'
const reader = 'message-reader.ts'
const utf8 = 'utf8.ts'
const close = 'close.ts'
const websocket = 'websocket.ts'

const LISTED = `listOf(headers.get(name)).some((element) => element.toLowerCase() === token)`
const ORIGIN = `  if (origin !== undefined && offer.origins && !offer.origins.includes(origin)) {`
const ANSWER = `  return createHash('sha1')
    .update(key + GUID)
    .digest('base64')`
const WORDS = `    for (; (bytes.byteOffset + at) % 4 > 0; word = rotate(word, 1)) bytes[at++] ^= word
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset + at, (end - at) >> 2)
    for (let place = 0; place < words.length; place++) words[place] ^= word
    at += 4 * words.length`
const LENGTH = 'length = length * 256 + bytes[place]'
const TOO_LARGE = `    if (this.#message.length + length > this.#maxBytes) return 'too-large'\n`
const PONG = `    this.#duePong = payload
    if (this.connection.queuedBytes <= PROMPT_PONG_BYTES) this.#sendDuePong()`

export const mistakes: Mistake[] = [
  {
    name: 'connection-compared-as-a-whole',
    step: '18.1',
    says: ['Both fields are lists'],
    edits: [{ file: handshake, replace: LISTED, by: `headers.get(name)?.toLowerCase() === token` }],
  },
  {
    name: 'upgrade-in-small-letters-only',
    step: '18.1',
    says: ['case-insensitively'],
    edits: [
      { file: handshake, replace: 'element.toLowerCase() === token', by: 'element === token' },
    ],
  },
  {
    name: 'a-part-of-the-word-will-do',
    step: '18.1',
    says: ['That is no request for a WebSocket'],
    edits: [
      {
        file: handshake,
        replace: 'element.toLowerCase() === token',
        by: 'element.toLowerCase().includes(token)',
      },
    ],
  },
  {
    name: 'connection-is-not-looked-at',
    step: '18.1',
    says: ['Connection has to list upgrade'],
    edits: [{ file: handshake, replace: ` && isListed('connection', 'upgrade')`, by: '' }],
  },
  {
    name: 'an-old-http-will-do',
    step: '18.1',
    says: ['HTTP/1.0 has no Upgrade'],
    edits: [{ file: handshake, replace: `version === '1.1' && `, by: `version !== undefined && ` }],
  },
  {
    name: 'any-method-will-do',
    step: '18.1',
    says: ['A WebSocket begins with a GET'],
    edits: [
      {
        file: handshake,
        replace: `  if (request.method !== 'GET') return { status: 405, headers: { Allow: 'GET' } }\n`,
        by: '',
      },
    ],
  },
  {
    name: 'newer-versions-are-welcome',
    step: '18.1',
    says: ['There is one version, 13'],
    edits: [
      {
        file: handshake,
        replace: `headers.get('sec-websocket-version') !== VERSION`,
        by: `!(Number(headers.get('sec-websocket-version')) >= 13)`,
      },
    ],
  },
  {
    name: 'does-not-say-which-version',
    step: '18.1',
    says: ['Sec-WebSocket-Version'],
    edits: [
      {
        file: handshake,
        replace: `headers: { ...UPGRADE, 'Sec-WebSocket-Version': VERSION }`,
        by: `headers: UPGRADE`,
      },
    ],
  },
  {
    name: 'a-bad-request-for-want-of-a-version',
    step: '18.1',
    says: ['426'],
    edits: [{ file: handshake, replace: 'status: 426', by: 'status: 400' }],
  },
  {
    name: 'a-key-is-what-decodes-to-sixteen-bytes',
    step: '18.1',
    says: ['Buffer.from(key, "base64") takes anything'],
    edits: [
      {
        file: handshake,
        replace: '!KEY.test(key)',
        by: `Buffer.from(key, 'base64').length !== 16`,
      },
    ],
  },
  {
    name: 'any-key-will-do',
    step: '18.1',
    says: ['A key is 16 bytes in Base64'],
    edits: [{ file: handshake, replace: '!KEY.test(key)', by: `key === ''` }],
  },
  {
    name: 'the-key-is-decoded-first',
    step: '18.1',
    says: ['The key is not decoded first'],
    edits: [
      {
        file: handshake,
        replace: ANSWER,
        by: `  return createHash('sha1').update(Buffer.from(key, 'base64')).update(GUID).digest('base64')`,
      },
    ],
  },
  {
    name: 'the-digest-in-hex',
    step: '18.1',
    says: ['not 40 hex digits'],
    edits: [
      {
        file: handshake,
        replace: ANSWER,
        by: `  return Buffer.from(createHash('sha1').update(key + GUID).digest('hex')).toString('base64')`,
      },
    ],
  },
  {
    name: 'the-guid-in-front',
    step: '18.1',
    says: ['over the key, as it was sent, and the GUID'],
    edits: [{ file: handshake, replace: 'key + GUID', by: 'GUID + key' }],
  },
  {
    name: 'every-page-may-come',
    step: '18.1',
    says: ['A browser may send our cookies along'],
    edits: [{ file: handshake, replace: ORIGIN, by: `  if (origin === 'null') {` }],
  },
  {
    name: 'an-origin-that-begins-like-ours',
    step: '18.1',
    says: ['An origin is compared as a whole'],
    edits: [
      {
        file: handshake,
        replace: '!offer.origins.includes(origin)',
        by: '!offer.origins.some((ours) => origin.startsWith(ours))',
      },
    ],
  },
  {
    name: 'only-the-host-of-an-origin-counts',
    step: '18.1',
    says: ['scheme, host and port'],
    edits: [
      {
        file: handshake,
        replace: '!offer.origins.includes(origin)',
        by: `!offer.origins.some((ours) => origin.split('/')[2] === ours.split('/')[2])`,
      },
    ],
  },
  {
    name: 'an-empty-origin-is-none',
    step: '18.1',
    says: ['Only Origin tells our pages from theirs'],
    edits: [{ file: handshake, replace: 'origin !== undefined && offer', by: 'origin && offer' }],
  },
  {
    name: 'without-an-origin-nobody-comes',
    step: '18.1',
    says: ['Other programs send no Origin'],
    edits: [
      {
        file: handshake,
        replace: ORIGIN,
        by: `  if (offer.origins && !offer.origins.includes(origin ?? '')) {`,
      },
    ],
  },
  {
    name: 'our-list-of-subprotocols-decides',
    step: '18.1',
    says: ['Go through the client’s list'],
    edits: [
      {
        file: handshake,
        replace: 'wanted.find((name) => offer.protocols?.includes(name))',
        by: 'offer.protocols?.find((name) => wanted.includes(name))',
      },
    ],
  },
  {
    name: 'the-first-subprotocol-is-ours',
    step: '18.1',
    says: ['It is the first in the client’s list that we speak'],
    edits: [
      {
        file: handshake,
        replace: 'wanted.find((name) => offer.protocols?.includes(name))',
        by: 'wanted[0]',
      },
    ],
  },
  {
    name: 'an-unknown-subprotocol-is-refused',
    step: '18.1',
    says: ['A subprotocol that nobody speaks is no reason to refuse'],
    edits: [
      {
        file: handshake,
        replace: '  return {\n    status: 101,',
        by: '  if (wanted.length > 0 && !protocol) return { status: 400 }\n  return {\n    status: 101,',
      },
    ],
  },
  {
    name: 'opens-before-it-has-answered',
    step: '18.1',
    says: ['until then the connection speaks HTTP'],
    edits: [
      {
        file: handshake,
        replace: '    upgrade: offer.open,',
        by: '    upgrade: ((protocol) => () => protocol)(offer.open(undefined as never, undefined as never)),',
      },
    ],
  },
  {
    name: 'the-timers-are-not-handed-on',
    step: '18.1',
    says: ['the timers of the loop'],
    edits: [
      {
        file: handshake,
        replace: '    upgrade: offer.open,',
        by: '    upgrade: (connection) => offer.open(connection, undefined as never),',
      },
    ],
  },
  {
    name: 'extensions-are-said-back',
    step: '18.1',
    says: ['An extension that is not accepted is not sent back'],
    edits: [
      {
        file: handshake,
        replace: `      'Sec-WebSocket-Accept': answerTo(key),`,
        by: `      'Sec-WebSocket-Accept': answerTo(key),
      ...(headers.get('sec-websocket-extensions')
        ? { 'Sec-WebSocket-Extensions': headers.get('sec-websocket-extensions')! }
        : {}),`,
      },
    ],
  },

  {
    name: 'a-subprotocol-that-is-undefined',
    step: '18.1',
    says: ['Without a subprotocol the field is left out'],
    edits: [
      {
        file: handshake,
        replace: `...(protocol ? { 'Sec-WebSocket-Protocol': protocol } : {}),`,
        by: `'Sec-WebSocket-Protocol': protocol as string,`,
      },
    ],
  },

  {
    name: 'only-the-last-word-of-a-list-counts',
    step: '18.1',
    says: ['go through all of it'],
    edits: [
      {
        file: handshake,
        replace: LISTED,
        by: `listOf(headers.get(name)).at(-1)?.toLowerCase() === token`,
      },
    ],
  },
  {
    name: 'a-list-is-cut-at-comma-and-blank',
    step: '18.1',
    says: ['with or without blanks'],
    edits: [
      {
        file: handshake,
        replace: LISTED,
        by: `(headers.get(name) ?? '').toLowerCase().split(', ').includes(token)`,
      },
    ],
  },
  {
    name: 'one-line-of-a-list',
    step: '18.1',
    says: ['on one line or several'],
    edits: [
      {
        file: handshake,
        replace: LISTED,
        by: `listOf(headers.getAll(name)[0]).some((element) => element.toLowerCase() === token)`,
      },
    ],
  },
  {
    name: 'a-word-ends-at-a-hyphen',
    step: '18.1',
    says: ['names that only contain the right one'],
    edits: [
      {
        file: handshake,
        replace: LISTED,
        by: `new RegExp(\`\\\\b\${token}\\\\b\`, 'i').test(headers.get(name) ?? '')`,
      },
    ],
  },
  {
    name: 'the-first-version-counts',
    step: '18.1',
    says: ['There is one version, 13'],
    edits: [
      {
        file: handshake,
        replace: `headers.get('sec-websocket-version') !== VERSION`,
        by: `headers.getAll('sec-websocket-version')[0] !== VERSION`,
      },
    ],
  },
  {
    name: 'a-get-of-something-else-is-a-bad-request',
    step: '18.1',
    says: ['with none of these fields', 'has to get 426'],
    edits: [
      {
        file: handshake,
        replace: `  if (!asksForUpgrade(request)`,
        by: `  if (!headers.has('sec-websocket-key')) return { status: 400 }
  if (!asksForUpgrade(request)`,
      },
    ],
  },
  {
    name: 'keys-of-letters-and-digits',
    step: '18.1',
    says: ['Base64 has + and / as well'],
    edits: [
      {
        file: handshake,
        replace: `!KEY.test(key)`,
        by: `!/^[A-Za-z0-9]{22}==$/.test(key)`,
      },
    ],
  },
  {
    name: 'a-pattern-that-goes-on-where-it-stopped',
    step: '18.1',
    says: ['however often it is sent'],
    edits: [
      {
        file: handshake,
        replace: `[AQgw]==$/`,
        by: `[AQgw]==$/g`,
      },
    ],
  },
  {
    name: 'the-first-protocol-serves-all',
    step: '18.1',
    says: ['Each connection has a protocol of its own'],
    edits: [
      {
        file: handshake,
        replace: `    upgrade: offer.open,`,
        by: `    upgrade: (connection, timers) => (opened ??= offer.open(connection, timers)),`,
      },
      {
        file: handshake,
        replace: `const VERSION = '13'`,
        by: `const VERSION = '13'

let opened: Protocol | undefined`,
      },
    ],
  },
  {
    name: 'says-back-what-was-listed',
    step: '18.1',
    says: ['or lists anything else'],
    edits: [
      {
        file: handshake,
        replace: `      ...UPGRADE,
      'Sec-WebSocket-Accept'`,
        by: `      ...UPGRADE,
      Upgrade: headers.get('upgrade') ?? '',
      'Sec-WebSocket-Accept'`,
      },
    ],
  },
  {
    name: 'a-page-of-the-same-host-may-come',
    step: '18.1',
    says: ['Host says which name led here'],
    edits: [
      {
        file: handshake,
        replace: `!offer.origins.includes(origin)`,
        by: `![...offer.origins, \`http://\${headers.get('host')}\`].includes(origin)`,
      },
    ],
  },
  {
    name: 'two-origins-are-none',
    step: '18.1',
    says: ['Two lines of Origin do not count as no Origin'],
    edits: [
      {
        file: handshake,
        replace: `  const origin = headers.get('origin')`,
        by: `  const only = headers.getOnly('origin')
  const origin = typeof only === 'string' ? undefined : only.value`,
      },
    ],
  },
  {
    name: 'a-part-of-a-subprotocol',
    step: '18.1',
    says: ['names are compared as a whole'],
    edits: [
      {
        file: handshake,
        replace: `offer.protocols?.includes(name)`,
        by: `offer.protocols?.join().includes(name)`,
      },
    ],
  },

  {
    name: 'waits-for-two-bytes',
    step: '18.2',
    says: ['nothing after it can make it right'],
    edits: [
      {
        file: frames,
        replace: `if (at >= bytes.length) return 'incomplete'`,
        by: `if (at + 1 >= bytes.length) return 'incomplete'`,
      },
    ],
  },
  {
    name: 'counts-from-the-front-of-the-chunk',
    step: '18.2',
    says: ['do you count from `at`?', 'no byte, read from place 3 on'],
    edits: [
      {
        file: frames,
        replace: `if (at >= bytes.length) return 'incomplete'`,
        by: `if (bytes.length < 1) return 'incomplete'`,
      },
      {
        file: frames,
        replace: `if (at + 1 >= bytes.length) return 'incomplete'`,
        by: `if (bytes.length < 2) return 'incomplete'`,
      },
      {
        file: frames,
        replace: 'second < IS_MASKED',
        by: '(second & IS_MASKED) === 0',
      },
    ],
  },
  {
    name: 'one-reserved-bit-of-three',
    step: '18.2',
    says: ['0x40, 0x20 and 0x10'],
    edits: [
      { file: frames, replace: 'const RESERVED_BITS = 0x70', by: 'const RESERVED_BITS = 0x40' },
    ],
  },
  {
    name: 'only-high-opcodes-are-unknown',
    step: '18.2',
    says: ['Opcodes 3–7 and 11–15 are reserved'],
    edits: [
      {
        file: frames,
        replace: 'this.opcode > PONG || (this.opcode > BINARY && this.opcode < CLOSE)',
        by: 'this.opcode > PONG',
      },
    ],
  },
  {
    name: 'only-low-opcodes-are-unknown',
    step: '18.2',
    says: ['Opcodes 3–7 and 11–15 are reserved'],
    edits: [
      {
        file: frames,
        replace: 'this.opcode > PONG || (this.opcode > BINARY && this.opcode < CLOSE)',
        by: 'this.opcode > BINARY && this.opcode < CLOSE',
      },
    ],
  },
  {
    name: 'control-frames-in-fragments',
    step: '18.2',
    says: ['is never fragmented itself'],
    edits: [
      {
        file: frames,
        replace: `    if (isControl(this.opcode) && !this.isFinal) return 'control-in-fragments'\n`,
        by: '',
      },
    ],
  },
  {
    name: 'control-frames-of-any-length',
    step: '18.2',
    says: ['125 bytes at most'],
    edits: [
      {
        file: frames,
        replace: `    if (isControl(this.opcode) && short > MAX_CONTROL_BYTES) return 'control-too-long'\n`,
        by: '',
      },
    ],
  },
  {
    name: 'control-frames-below-125',
    step: '18.2',
    says: ['A control frame may have 125 bytes'],
    edits: [
      { file: frames, replace: 'short > MAX_CONTROL_BYTES', by: 'short >= MAX_CONTROL_BYTES' },
    ],
  },
  {
    name: 'a-long-control-frame-is-found-late',
    step: '18.2',
    says: ['nothing after it can make it right'],
    edits: [
      {
        file: frames,
        replace: `    if (isControl(this.opcode) && short > MAX_CONTROL_BYTES) return 'control-too-long'\n`,
        by: '',
      },
      {
        file: frames,
        replace: `    this.key = readKey(bytes, keyAt)`,
        by: `    if (isControl(this.opcode) && short > MAX_CONTROL_BYTES) return 'control-too-long'
    this.key = readKey(bytes, keyAt)`,
      },
    ],
  },
  {
    name: 'a-mask-is-not-asked-for',
    step: '18.2',
    says: ['A client masks each frame'],
    edits: [{ file: frames, replace: `    if (second < IS_MASKED) return 'not-masked'\n`, by: '' }],
  },
  {
    name: 'waits-for-a-key-that-never-comes',
    step: '18.2',
    says: ['a server that waits for its key waits forever'],
    edits: [
      { file: frames, replace: `    if (second < IS_MASKED) return 'not-masked'\n`, by: '' },
      {
        file: frames,
        replace: `    this.key = readKey(bytes, keyAt)`,
        by: `    if (second < IS_MASKED) return 'not-masked'
    this.key = readKey(bytes, keyAt)`,
      },
    ],
  },
  {
    name: 'a-length-of-32-bits',
    step: '18.2',
    says: ['<< has', 'only 32 bits'],
    edits: [{ file: frames, replace: LENGTH, by: 'length = (length << 8) | bytes[place]' }],
  },
  {
    name: 'the-upper-half-of-a-length-is-left-out',
    step: '18.2',
    says: ['only 32 bits'],
    edits: [
      { file: frames, replace: LENGTH, by: 'length = (length * 256 + bytes[place]) % 2 ** 32' },
    ],
  },
  {
    name: 'a-length-little-endian',
    step: '18.2',
    says: ['The length is big-endian'],
    edits: [{ file: frames, replace: LENGTH, by: 'length += bytes[place] * 256 ** (place - at)' }],
  },
  {
    name: 'any-length-in-eight-bytes',
    step: '18.2',
    says: ['A length is written in as few bytes as possible'],
    edits: [
      {
        file: frames,
        replace: 'return lengthBytes === 0 || length > (lengthBytes === 2 ? 125 : 0xffff)',
        by: 'return lengthBytes !== 2 || length > 125',
      },
    ],
  },
  {
    name: 'any-length-in-two-bytes',
    step: '18.2',
    says: ['A length is written in as few bytes as possible'],
    edits: [
      {
        file: frames,
        replace: 'return lengthBytes === 0 || length > (lengthBytes === 2 ? 125 : 0xffff)',
        by: 'return lengthBytes !== 8 || length > 0xffff',
      },
    ],
  },
  {
    name: 'eight-bytes-for-what-two-can-say',
    step: '18.2',
    says: ['A length is written in as few bytes as possible'],
    edits: [{ file: frames, replace: 'lengthBytes === 2 ? 125 : 0xffff', by: '125' }],
  },
  {
    name: 'off-by-one-at-126',
    step: '18.2',
    says: ['126 is the first length that needs two bytes'],
    edits: [
      {
        file: frames,
        replace: 'lengthBytes === 2 ? 125 : 0xffff',
        by: 'lengthBytes === 2 ? 126 : 0x10000',
      },
    ],
  },
  {
    name: 'reads-what-has-not-come',
    step: '18.2',
    says: ['Check that a byte has arrived before you read it'],
    edits: [
      {
        file: frames,
        replace: `    if (bytes.length < keyAt + KEY_BYTES) return 'incomplete'\n`,
        by: '',
      },
    ],
  },
  {
    name: 'wants-a-byte-of-payload',
    step: '18.2',
    says: ['no payload has to be there yet'],
    edits: [
      {
        file: frames,
        replace: 'bytes.length < keyAt + KEY_BYTES',
        by: 'bytes.length <= keyAt + KEY_BYTES',
      },
    ],
  },
  {
    name: 'a-header-begins-at-zero',
    step: '18.2',
    says: ['ends after the key'],
    edits: [
      {
        file: frames,
        replace: 'this.bytes = keyAt + KEY_BYTES - at',
        by: 'this.bytes = keyAt + KEY_BYTES',
      },
    ],
  },
  {
    name: 'the-key-is-not-counted',
    step: '18.2',
    says: ['ends after the key'],
    edits: [
      {
        file: frames,
        replace: 'this.bytes = keyAt + KEY_BYTES - at',
        by: 'this.bytes = keyAt - at',
      },
    ],
  },

  {
    name: 'reserved-bits-of-control-frames',
    step: '18.2',
    says: ['frames of every kind'],
    edits: [
      {
        file: frames,
        replace: `if (first & RESERVED_BITS)`,
        by: `if (first & RESERVED_BITS && !isControl(this.opcode))`,
      },
    ],
  },
  {
    name: 'six-bytes-of-eight',
    step: '18.2',
    says: ['in all of its bytes'],
    edits: [
      {
        file: frames,
        replace: `let place = at; place < at + count; place++`,
        by: `let place = at + (count === 8 ? 2 : 0); place < at + count; place++`,
      },
    ],
  },
  {
    name: 'asks-a-buffer-for-a-number',
    step: '18.2',
    says: ['is not a function'],
    edits: [
      {
        file: frames,
        replace: `  let length = 0\n`,
        by: `  if (count === 2) return (bytes as Buffer).readUInt16BE(at)\n  let length = 0\n`,
      },
    ],
  },
  {
    name: 'a-huge-length-throws',
    step: '18.2',
    says: ['threw at', 'Too much'],
    edits: [
      {
        file: frames,
        replace: `bytes[place]
  return length`,
        by: `bytes[place]
  if (!Number.isSafeInteger(length)) throw new RangeError('Too much')
  return length`,
      },
    ],
  },
  {
    name: 'a-huge-length-is-another-fault',
    step: '18.2',
    says: ['is only too large, and no other fault'],
    edits: [
      {
        file: frames,
        replace: `length > (lengthBytes === 2 ? 125 : 0xffff)`,
        by: `(length > (lengthBytes === 2 ? 125 : 0xffff) && Number.isSafeInteger(length))`,
      },
    ],
  },
  {
    name: 'a-length-with-a-sign',
    step: '18.2',
    says: ['it is unsigned'],
    edits: [
      {
        file: frames,
        replace: `  let length = 0
`,
        by: `  if (count === 8) return Number(new DataView(bytes.buffer, bytes.byteOffset).getBigInt64(at))
  let length = 0
`,
      },
    ],
  },
  {
    name: 'a-field-is-set-when-there-is-something-to-set',
    step: '18.2',
    says: ['every header sets all fields'],
    edits: [
      {
        file: frames,
        replace: `    this.length = lengthBytes === 0 ? short : readLength(bytes, at + 2, lengthBytes)
`,
        by: `    const length = lengthBytes === 0 ? short : readLength(bytes, at + 2, lengthBytes)
    if (length > 0) this.length = length
`,
      },
    ],
  },
  {
    name: 'one-name-for-two-faults',
    step: '18.2',
    says: ['called by another name'],
    edits: [
      {
        file: frames,
        replace: `return 'control-in-fragments'`,
        by: `return 'control-too-long'`,
      },
    ],
  },
  {
    name: 'copies-the-payload',
    step: '18.2',
    says: ['No payload is needed yet'],
    edits: [
      {
        file: frames,
        replace: `    this.bytes = keyAt + KEY_BYTES - at`,
        by: `    bytes.slice(keyAt + KEY_BYTES, keyAt + KEY_BYTES + this.length)
    this.bytes = keyAt + KEY_BYTES - at`,
      },
    ],
  },
  {
    name: 'walks-over-what-lies-in-front',
    step: '18.2',
    says: ['however much lies around it'],
    edits: [
      {
        file: frames,
        replace: `    if (at >= bytes.length) return 'incomplete'`,
        by: `    if (bytes.slice(0, at + 1).length <= at) return 'incomplete'`,
      },
    ],
  },

  {
    name: 'every-piece-begins-with-the-first-byte-of-the-key',
    step: '18.3',
    says: ['the key goes on from there'],
    edits: [{ file: frames, replace: 'let word = rotate(key, before)', by: 'let word = key' }],
  },
  {
    name: 'the-key-is-not-turned-for-the-words',
    step: '18.3',
    says: ['another byte of the key is due'],
    edits: [
      {
        file: frames,
        replace: 'words[place] ^= word',
        by: 'words[place] ^= rotate(key, before)',
      },
    ],
  },
  {
    name: 'words-need-not-be-aligned',
    step: '18.3',
    says: ['start offset of Uint32Array'],
    edits: [
      {
        file: frames,
        replace: `    for (; (bytes.byteOffset + at) % 4 > 0; word = rotate(word, 1)) bytes[at++] ^= word\n`,
        by: '',
      },
    ],
  },
  {
    name: 'aligned-in-the-view-only',
    step: '18.3',
    says: ['start offset of Uint32Array'],
    edits: [{ file: frames, replace: '(bytes.byteOffset + at) % 4 > 0', by: 'at % 4 > 0' }],
  },
  {
    name: 'a-view-begins-where-its-buffer-does',
    step: '18.3',
    says: ['a view that begins at byte'],
    edits: [
      { file: frames, replace: '(bytes.byteOffset + at) % 4 > 0', by: 'at % 4 > 0' },
      {
        file: frames,
        replace: 'new Uint32Array(bytes.buffer, bytes.byteOffset + at, (end - at) >> 2)',
        by: 'new Uint32Array(bytes.buffer, at, (end - at) >> 2)',
      },
    ],
  },
  {
    name: 'a-view-of-the-whole-buffer',
    step: '18.3',
    says: ['A buffer may have any length'],
    edits: [
      {
        file: frames,
        replace: 'new Uint32Array(bytes.buffer, bytes.byteOffset + at, (end - at) >> 2)',
        by: 'new Uint32Array(bytes.buffer).subarray((bytes.byteOffset + at) / 4, ((bytes.byteOffset + at) / 4) + ((end - at) >> 2))',
      },
    ],
  },
  {
    name: 'the-last-bytes-keep-their-mask',
    step: '18.3',
    says: ['After the last whole word'],
    edits: [
      {
        file: frames,
        replace: '  for (; at < end; word = rotate(word, 1)) bytes[at++] ^= word',
        by: '  if (end - start < WORTH_WORDS) for (; at < end; word = rotate(word, 1)) bytes[at++] ^= word',
      },
    ],
  },
  {
    name: 'one-word-too-many',
    step: '18.3',
    says: ['belongs to other frames'],
    edits: [{ file: frames, replace: '(end - at) >> 2', by: '(end - at + 3) >> 2' }],
  },
  {
    name: 'byte-by-byte',
    step: '18.3',
    says: ['four of them fit into a word'],
    edits: [
      {
        file: frames,
        replace: WORDS,
        by: '    for (; at < end; word = rotate(word, 1)) bytes[at++] ^= word',
      },
    ],
  },
  {
    name: 'the-key-begins-at-the-other-end',
    step: '18.3',
    says: ['The first byte of the key is the lowest one'],
    edits: [
      {
        file: frames,
        replace: '  for (; at < end; word = rotate(word, 1)) bytes[at++] ^= word',
        by: '  for (; at < end; word = rotate(word, 3)) bytes[at++] ^= word',
      },
    ],
  },

  {
    name: 'the-last-byte-of-a-chunk-is-left-out',
    step: '18.3',
    says: ['A payload may end where the bytes end'],
    edits: [
      {
        file: frames,
        replace: `  let at = start
`,
        by: `  if (end === bytes.length) end -= 1
  let at = start
`,
      },
    ],
  },
  {
    name: 'words-where-it-is-easy',
    step: '18.3',
    says: ['A payload begins anywhere'],
    edits: [
      {
        file: frames,
        replace: `if (end - start >= WORTH_WORDS) {`,
        by: `if (end - start >= WORTH_WORDS && (bytes.byteOffset + start) % 4 === 0) {`,
      },
    ],
  },
  {
    name: 'words-for-the-first-piece',
    step: '18.3',
    says: ['A payload begins anywhere'],
    edits: [
      {
        file: frames,
        replace: `if (end - start >= WORTH_WORDS) {`,
        by: `if (end - start >= WORTH_WORDS && before % 4 === 0) {`,
      },
    ],
  },
  {
    name: 'words-for-large-payloads',
    step: '18.3',
    says: ['from WORTH_WORDS bytes on'],
    edits: [
      {
        file: frames,
        replace: `const WORTH_WORDS = 64`,
        by: `const WORTH_WORDS = 16_384`,
      },
    ],
  },
  {
    name: 'the-place-counts-for-the-key',
    step: '18.3',
    says: ['Where a payload lies does not matter'],
    edits: [
      {
        file: frames,
        replace: `let word = rotate(key, before)`,
        by: `let word = rotate(key, before + start)`,
      },
    ],
  },
  {
    name: 'the-key-begins-anew-behind-the-words',
    step: '18.3',
    says: ['After the words, go on'],
    edits: [
      {
        file: frames,
        replace: `    at += 4 * words.length
`,
        by: `    at += 4 * words.length
    word = rotate(key, before)
`,
      },
    ],
  },
  {
    name: 'unmasks-from-the-front',
    step: '18.3',
    says: ['leave the bytes before it alone'],
    edits: [
      {
        file: frames,
        replace: `  let at = start
`,
        by: `  let at = 0
`,
      },
    ],
  },
  {
    name: 'one-byte-too-many',
    step: '18.3',
    says: ['leave the byte there alone'],
    edits: [
      {
        file: frames,
        replace: `  for (; at < end; word`,
        by: `  for (; at <= end; word`,
      },
    ],
  },

  {
    name: 'continues-what-never-began',
    step: '18.4',
    says: ['There is no message to continue'],
    edits: [
      {
        file: reader,
        replace: `    if (opcode === CONTINUATION && !isUnderWay) return 'nothing-to-continue'\n`,
        by: '',
      },
    ],
  },
  {
    name: 'continues-what-is-finished',
    step: '18.4',
    says: ['There is no message to continue'],
    edits: [
      { file: reader, replace: '    this.#opcode = undefined\n', by: '' },
      {
        file: reader,
        replace: `if (opcode !== CONTINUATION && isUnderWay) return 'message-not-finished'`,
        by: `if (opcode !== CONTINUATION && this.#message.length > 0) return 'message-not-finished'
      if (opcode !== CONTINUATION) this.#opcode = opcode`,
      },
    ],
  },
  {
    name: 'a-new-message-in-the-middle-of-another',
    step: '18.4',
    says: ['only a continuation may come'],
    edits: [
      {
        file: reader,
        replace: `    if (opcode !== CONTINUATION && isUnderWay) return 'message-not-finished'\n`,
        by: '',
      },
    ],
  },
  {
    name: 'an-empty-fragment-begins-nothing',
    step: '18.4',
    says: ['Fragments may be empty'],
    edits: [
      {
        file: reader,
        replace: 'const isUnderWay = this.#opcode !== undefined',
        by: 'const isUnderWay = this.#message.length > 0',
      },
    ],
  },
  {
    name: 'a-control-frame-ends-the-message',
    step: '18.4',
    says: ['A control frame ends no message'],
    edits: [
      {
        file: reader,
        replace: '      return { kind, payload: this.#control.take(), end }',
        by: '      this.#opcode = undefined\n      return { kind, payload: this.#control.take(), end }',
      },
    ],
  },
  {
    name: 'a-message-has-the-kind-of-its-last-frame',
    step: '18.4',
    says: ['The kind of a message is that of its first frame'],
    edits: [
      {
        file: reader,
        replace: 'const isText = this.#opcode === TEXT\n    this.#opcode',
        by: 'const isText = opcode === TEXT\n    this.#opcode',
      },
    ],
  },
  {
    name: 'every-frame-is-a-message',
    step: '18.4',
    says: ['Fragments are one message'],
    edits: [{ file: reader, replace: '    if (!isFinal) return undefined\n', by: '' }],
  },
  {
    name: 'every-control-frame-is-a-ping',
    step: '18.4',
    says: ['a pong'],
    edits: [
      {
        file: reader,
        replace: `opcode === PING ? 'ping' : opcode === PONG ? 'pong' : 'close'`,
        by: `opcode === PONG ? 'close' : opcode === PING ? 'ping' : 'pong'`,
      },
    ],
  },
  {
    name: 'each-fragment-has-the-limit-to-itself',
    step: '18.4',
    says: ['whatever the number of its fragments'],
    edits: [
      {
        file: reader,
        replace: 'this.#message.length + length > this.#maxBytes',
        by: 'length > this.#maxBytes',
      },
    ],
  },
  {
    name: 'no-limit',
    step: '18.4',
    says: ['The header says how long the frame is'],
    edits: [{ file: reader, replace: TOO_LARGE, by: '' }],
  },
  {
    name: 'the-limit-is-too-much',
    step: '18.4',
    says: ['is not over the limit'],
    edits: [
      {
        file: reader,
        replace: 'this.#message.length + length > this.#maxBytes',
        by: 'this.#message.length + length >= this.#maxBytes',
      },
    ],
  },
  {
    name: 'the-limit-waits-for-the-payload',
    step: '18.4',
    says: ['The header says how long the frame is'],
    edits: [
      { file: reader, replace: TOO_LARGE, by: '' },
      {
        file: reader,
        replace: '    if (!isFinal) return undefined\n',
        by: `    if (this.#message.length > this.#maxBytes) return { kind: 'invalid', fault: 'too-large' }
    if (!isFinal) return undefined\n`,
      },
    ],
  },
  {
    name: 'control-frames-count-for-the-limit',
    step: '18.4',
    says: ['A control frame is no part of the message'],
    edits: [
      { file: reader, replace: TOO_LARGE, by: '' },
      {
        file: reader,
        replace: '    if (isControl(opcode)) return undefined\n    const',
        by: `    if (this.#message.length + length > this.#maxBytes) return 'too-large'
    if (isControl(opcode)) return undefined\n    const`,
      },
    ],
  },
  {
    name: 'the-same-fault-for-two-mistakes',
    step: '18.4',
    says: ['The last message is not finished'],
    edits: [
      {
        file: reader,
        replace: `return 'message-not-finished'`,
        by: `return 'nothing-to-continue'`,
      },
    ],
  },

  {
    name: 'longer-than-it-need-be',
    step: '18.5',
    says: ['C0 and C1 could only begin an overlong encoding'],
    edits: [{ file: utf8, replace: 'first < 0xc2', by: 'first < 0xc0' }],
  },
  {
    name: 'above-the-last-character',
    step: '18.5',
    says: ['F5 and above could only begin a character above U+10FFFF'],
    edits: [{ file: utf8, replace: 'first > 0xf4', by: 'first > 0xf7' }],
  },
  {
    name: 'three-bytes-for-two',
    step: '18.5',
    says: ['After E0, ED, F0 and F4, only part'],
    edits: [
      {
        file: utf8,
        replace: 'first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80',
        by: 'first === 0xf0 ? 0x90 : 0x80',
      },
    ],
  },
  {
    name: 'four-bytes-for-three',
    step: '18.5',
    says: ['After E0, ED, F0 and F4, only part'],
    edits: [
      {
        file: utf8,
        replace: 'first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80',
        by: 'first === 0xe0 ? 0xa0 : 0x80',
      },
    ],
  },
  {
    name: 'half-a-surrogate-pair-is-a-character',
    step: '18.5',
    says: ['After E0, ED, F0 and F4, only part'],
    edits: [
      {
        file: utf8,
        replace: 'first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf',
        by: 'first === 0xf4 ? 0x8f : 0xbf',
      },
    ],
  },
  {
    name: 'f4-goes-on-and-on',
    step: '18.5',
    says: ['After E0, ED, F0 and F4, only part'],
    edits: [
      {
        file: utf8,
        replace: 'first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf',
        by: 'first === 0xed ? 0x9f : 0xbf',
      },
    ],
  },
  {
    name: 'the-bounds-stay-narrow',
    step: '18.5',
    says: ['The narrow bounds are for the second byte only'],
    edits: [
      { file: utf8, replace: '        this.#least = 0x80\n        this.#most = 0xbf\n', by: '' },
    ],
  },
  {
    name: 'ascii-begins-a-character',
    step: '18.5',
    says: ['Every byte up to 7F is a whole character'],
    edits: [
      { file: utf8, replace: 'byte >= 0x80 && !this.#begin(byte)', by: '!this.#begin(byte)' },
    ],
  },
  {
    name: 'one-byte-too-few',
    step: '18.5',
    says: ['The first byte says how many follow'],
    edits: [
      {
        file: utf8,
        replace: 'first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3',
        by: 'first < 0xe0 ? 1 : 2',
      },
    ],
  },
  {
    name: 'a-character-may-be-missing-its-end',
    step: '18.5',
    says: ['The text ends inside a character'],
    edits: [
      {
        file: utf8,
        replace: 'return this.#missing === 0',
        by: 'return this.#missing < 3',
      },
    ],
  },
  {
    name: 'an-ascii-byte-ends-a-character',
    step: '18.5',
    says: ['is refused at once, before more bytes arrive'],
    edits: [
      {
        file: utf8,
        replace: '        if (byte < this.#least || byte > this.#most) return false',
        by: '        if ((byte >= 0x80 && byte < this.#least) || byte > this.#most) return false',
      },
    ],
  },
  {
    name: 'each-piece-is-a-text',
    step: '18.5',
    says: ['A piece may end inside a character'],
    edits: [
      {
        file: utf8,
        replace: '    return true\n  }\n\n  /**\n   * The text is complete',
        by: '    return this.#missing === 0\n  }\n\n  /**\n   * The text is complete',
      },
    ],
  },
  {
    name: 'every-piece-begins-a-character',
    step: '18.5',
    says: ['kept in fields until the next piece'],
    edits: [
      {
        file: utf8,
        replace: '    for (let place = 0; place < bytes.length; place++) {\n      const byte',
        by: '    this.#missing = 0\n    for (let place = 0; place < bytes.length; place++) {\n      const byte',
      },
    ],
  },
  {
    name: 'looks-when-all-has-come',
    step: '18.5',
    says: ['is refused at once, before more bytes arrive'],
    edits: [
      {
        file: utf8,
        replace: '    for (let place = 0; place < bytes.length; place++) {\n      const byte',
        by: '    for (let place = 0; place < bytes.length - 1; place++) {\n      const byte',
      },
    ],
  },

  {
    name: 'always-says-1000',
    step: '18.6',
    says: ['a Close with the same code'],
    edits: [
      {
        file: websocket,
        replace: 'code: this.#peerCode ?? code',
        by: 'code: this.#peerCode ? 1000 : code',
      },
    ],
  },
  {
    name: 'says-what-no-code-stands-for',
    step: '18.6',
    says: ['stands for that'],
    edits: [
      {
        file: close,
        replace: `if (payload.length === 0) return { code: NO_CODE, reason: '' }`,
        by: `if (payload.length === 0) return { code: 1000, reason: '' }`,
      },
    ],
  },
  {
    name: 'half-a-code-is-none',
    step: '18.6',
    says: ['A code has two bytes'],
    edits: [
      {
        file: close,
        replace: `  if (payload.length === 1) return 'bad-close'\n`,
        by: `  if (payload.length === 1) return { code: NO_CODE, reason: '' }\n`,
      },
    ],
  },
  {
    name: 'every-code-may-be-sent',
    step: '18.6',
    says: ['may not be sent'],
    edits: [{ file: close, replace: `  if (!maySend(code)) return 'bad-close'\n`, by: '' }],
  },
  {
    name: 'a-code-from-1000-to-4999',
    step: '18.6',
    says: ['it is reserved'],
    edits: [{ file: close, replace: '!maySend(code)', by: 'code < 1000 || code > 4999' }],
  },
  {
    name: 'the-newest-codes-are-unknown',
    step: '18.6',
    says: ['1000–1003, 1007–1014 and 3000–4999'],
    edits: [{ file: close, replace: 'code <= 1014', by: 'code <= 1011' }],
  },
  {
    name: 'no-end-to-private-codes',
    step: '18.6',
    says: ['there are no codes from 5000 on'],
    edits: [{ file: close, replace: '(code >= 3000 && code <= 4999)', by: 'code >= 3000' }],
  },
  {
    name: 'a-code-little-endian',
    step: '18.6',
    says: ['The code is big-endian'],
    edits: [
      {
        file: close,
        replace: 'payload[0] * 256 + payload[1]',
        by: 'payload[1] * 256 + payload[0]',
      },
    ],
  },
  {
    name: 'a-reason-of-any-bytes',
    step: '18.6',
    says: ['A reason is text'],
    edits: [
      {
        file: close,
        replace: `return isUtf8(reason) ? { code, reason: reason.toString() } : 'not-utf8'`,
        by: 'return { code, reason: reason.toString() }',
      },
    ],
  },
  {
    name: 'a-bad-reason-is-a-bad-close',
    step: '18.6',
    says: ['A reason is text'],
    edits: [
      {
        file: close,
        replace: `reason.toString() } : 'not-utf8'`,
        by: `reason.toString() } : 'bad-close'`,
      },
    ],
  },
  {
    name: 'answers-before-it-remembers',
    step: '18.6',
    says: ['a Close with the same code'],
    edits: [
      {
        file: websocket,
        replace: '    this.#peerCode = close.code\n    this.#end()',
        by: '    this.#end()\n    if (!this.connection.isOpen) this.#peerCode = close.code',
      },
    ],
  },
  {
    name: 'does-not-ask-the-service',
    step: '18.6',
    says: ['The service has something to finish'],
    edits: [
      {
        file: websocket,
        replace: '    this.#peerCode = close.code\n    this.#end()',
        by: `    this.#peerCode = close.code\n    this.close('finished')`,
      },
    ],
  },
  {
    name: 'no-service-for-a-close-without-a-code',
    step: '18.6',
    says: ['a right Close like any other'],
    edits: [
      {
        file: websocket,
        replace: '    this.#peerCode = close.code\n    this.#end()',
        by: `    this.#peerCode = close.code
    if (close.code === 1005) this.close('finished')
    else this.#end()`,
      },
    ],
  },
  {
    name: 'a-bad-close-is-answered-like-a-good-one',
    step: '18.6',
    says: ['half a code is a protocol error'],
    edits: [
      {
        file: websocket,
        replace: `    if (typeof close === 'string') return this.#fail(close)
    this.#peerCode = close.code`,
        by: `    this.#peerCode = typeof close === 'string' ? 1000 : close.code`,
      },
    ],
  },
  {
    name: 'last-words-behind-the-close',
    step: '18.6',
    says: ['last words come before the Close'],
    edits: [
      {
        file: websocket,
        replace: 'Buffer.concat([words, encodeClose(close)])',
        by: 'Buffer.concat([encodeClose(close), words])',
      },
    ],
  },
  {
    name: 'a-close-and-no-end',
    step: '18.6',
    says: ['FIN'],
    edits: [
      {
        file: websocket,
        replace: 'this.connection.end(why, Buffer.concat([words, encodeClose(close)]))',
        by: 'this.connection.send(Buffer.concat([words, encodeClose(close)]))',
      },
    ],
  },
  {
    name: 'a-close-that-needs-room',
    step: '18.6',
    says: ['pass the last words and the Close to connection.end()'],
    edits: [
      {
        file: websocket,
        replace: 'this.connection.end(why, Buffer.concat([words, encodeClose(close)]))',
        by: `this.connection.send(Buffer.concat([words, encodeClose(close)]))
    this.connection.end(why)`,
      },
    ],
  },
  {
    name: 'last-words-that-need-room',
    step: '18.6',
    says: ['connection.end(), which always has room'],
    edits: [
      {
        file: websocket,
        replace: '    if (this.#isClosing) return\n    this.#isClosing = true\n',
        by: '    if (!this.connection.isOpen) return\n',
      },
      {
        file: websocket,
        replace: 'this.connection.end(why, Buffer.concat([words, encodeClose(close)]))',
        by: `this.connection.send(words)
    this.connection.end(why, encodeClose(close))`,
      },
    ],
  },
  {
    name: 'an-end-and-no-close',
    step: '18.6',
    says: ['close 1008'],
    edits: [
      {
        file: websocket,
        replace: 'this.connection.end(why, Buffer.concat([words, encodeClose(close)]))',
        by: 'this.connection.end(why, words)',
      },
    ],
  },
  {
    name: 'cuts-instead-of-ending',
    step: '18.6',
    says: ['After our Close'],
    edits: [
      {
        file: websocket,
        replace: 'this.connection.end(why, Buffer.concat([words, encodeClose(close)]))',
        by: `this.connection.end(why, Buffer.concat([words, encodeClose(close)]))
    setImmediate(() => this.connection.destroy(why))`,
      },
    ],
    cardVaries: true,
  },
  {
    name: 'the-given-code-is-forgotten',
    step: '18.6',
    says: ['A code that is given'],
    edits: [
      {
        file: websocket,
        replace: 'code: this.#peerCode ?? code',
        by: 'code: this.#peerCode ?? ENDINGS[why].closeCode',
      },
    ],
  },
  {
    name: 'a-pong-without-payload',
    step: '18.6',
    says: ['with its own payload'],
    edits: [
      {
        file: websocket,
        replace: '    this.#duePong = payload\n',
        by: '    this.#duePong = payload.subarray(0, 0)\n',
      },
    ],
  },
  {
    name: 'an-empty-ping-is-none',
    step: '18.6',
    says: ['A ping may be empty'],
    edits: [
      { file: websocket, replace: PONG, by: `    if (payload.length === 0) return\n${PONG}` },
    ],
  },
  {
    name: 'every-ping-is-answered',
    step: '18.6',
    says: ['a flood of pings makes a flood of pongs'],
    edits: [
      {
        file: websocket,
        replace: PONG,
        by: '    this.#duePong = payload\n    this.#sendDuePong()',
      },
    ],
  },
  {
    name: 'only-the-last-ping-of-a-chunk',
    step: '18.6',
    says: ['Ten short pings leave room for ten pongs'],
    edits: [{ file: websocket, replace: PONG, by: '    this.#duePong = payload' }],
  },
  {
    name: 'few-pings-are-answered-at-once',
    step: '18.6',
    says: ['Up to the eleventh ping, number 10'],
    edits: [
      {
        file: websocket,
        replace: 'this.connection.queuedBytes <= PROMPT_PONG_BYTES',
        by: 'this.connection.queuedBytes <= PROMPT_PONG_BYTES / 2',
      },
    ],
  },
  {
    name: 'the-limit-is-that-of-the-pong',
    step: '18.6',
    says: ['what waits to be sent, before this pong'],
    edits: [
      {
        file: websocket,
        replace: 'this.connection.queuedBytes <= PROMPT_PONG_BYTES',
        by: 'this.connection.queuedBytes + payload.length <= PROMPT_PONG_BYTES',
      },
    ],
  },
  {
    name: 'an-empty-ping-is-never-due',
    step: '18.6',
    says: ['An empty payload is a payload'],
    edits: [
      {
        file: websocket,
        replace: '    this.#duePong = payload\n',
        by: `    const isRoomy = this.connection.queuedBytes <= PROMPT_PONG_BYTES
    if (isRoomy || payload.length > 0) this.#duePong = payload
`,
      },
    ],
  },
  {
    name: 'the-oldest-ping-is-answered',
    step: '18.6',
    says: ['The newest is answered in any case'],
    edits: [
      {
        file: websocket,
        replace: '    this.#duePong = payload\n',
        by: '    this.#duePong ??= payload\n',
      },
    ],
  },
  {
    name: 'what-finds-no-room-is-not-answered',
    step: '18.6',
    says: ['The newest is answered in any case'],
    edits: [
      {
        file: websocket,
        replace: PONG,
        by: `    if (this.connection.queuedBytes > PROMPT_PONG_BYTES) return
    this.#duePong = payload
    this.#sendDuePong()`,
      },
    ],
  },
  {
    name: 'head-opens-a-websocket',
    step: '18.1',
    says: ['A WebSocket begins with a GET'],
    edits: [
      {
        file: handshake,
        replace: `request.method !== 'GET'`,
        by: `!['GET', 'HEAD'].includes(request.method)`,
      },
    ],
  },
  {
    name: 'a-426-without-connection',
    step: '18.1',
    says: ['both of them'],
    edits: [
      {
        file: handshake,
        replace: `headers: { ...UPGRADE, 'Sec-WebSocket-Version': VERSION }`,
        by: `headers: { Upgrade: 'websocket', 'Sec-WebSocket-Version': VERSION }`,
      },
    ],
  },
  {
    name: 'no-origin-in-the-list-means-any',
    step: '18.1',
    says: ['An empty list of origins is a list'],
    edits: [
      {
        file: handshake,
        replace: 'offer.origins && !offer.origins.includes',
        by: 'offer.origins?.length && !offer.origins.includes',
      },
    ],
  },
  {
    name: 'the-first-origin-is-the-only-one',
    step: '18.1',
    says: ['`origins` lists it'],
    edits: [
      {
        file: handshake,
        replace: '!offer.origins.includes(origin)',
        by: 'offer.origins[0] !== origin',
      },
    ],
  },
  {
    name: 'the-mask-is-looked-for-behind-the-length',
    step: '18.2',
    says: ['nothing after it can make it right'],
    edits: [
      { file: frames, replace: `    if (second < IS_MASKED) return 'not-masked'\n`, by: '' },
      {
        file: frames,
        replace: '    if (!isMinimal(this.length',
        by: `    if (second < IS_MASKED) return 'not-masked'\n    if (!isMinimal(this.length`,
      },
    ],
  },
  {
    name: 'copies-what-is-left-of-the-chunk',
    step: '18.2',
    says: ['copies all that is left'],
    edits: [
      {
        file: frames,
        replace: '    const first = bytes[at]',
        by: '    const [first] = bytes.slice(at)',
      },
    ],
  },
  {
    name: 'walks-over-what-is-left-of-the-chunk',
    step: '18.2',
    says: ['however much lies around it'],
    edits: [
      {
        file: frames,
        replace: '    const first = bytes[at]',
        by: '    const first = bytes.reduceRight((_, byte, place) => (place >= at ? byte : _), 0)',
      },
    ],
  },
  {
    name: 'an-empty-continuation-is-welcome',
    step: '18.4',
    says: ['There is no message to continue'],
    edits: [
      {
        file: reader,
        replace: `if (opcode === CONTINUATION && !isUnderWay) return`,
        by: `if (opcode === CONTINUATION && !isUnderWay && length > 0) return`,
      },
    ],
  },
  {
    name: 'all-bytes-are-kept-and-looked-at-again',
    step: '18.5',
    says: ['takes quadratic time'],
    edits: [
      {
        file: utf8,
        replace: '  #missing = 0\n',
        by: '  #missing = 0\n  #all: Uint8Array = new Uint8Array()\n',
      },
      {
        file: utf8,
        hole: 'push',
        by: `    this.#all = Buffer.concat([this.#all, bytes])
    this.#missing = 0
    for (const byte of this.#all) {
      if (this.#missing === 0) {
        if (byte >= 0x80 && !this.#begin(byte)) return false
        continue
      }
      if (byte < this.#least || byte > this.#most) return false
      this.#missing -= 1
      this.#least = 0x80
      this.#most = 0xbf
    }
    return true`,
      },
      {
        file: utf8,
        hole: 'end',
        by: `    this.#all = new Uint8Array()
    return this.#missing === 0`,
      },
    ],
  },
  {
    name: 'destroyed-when-all-is-said',
    step: '18.6',
    says: ['destroy() throws away what waits'],
    edits: [
      {
        file: websocket,
        replace: `    this.connection.end(why, Buffer.concat([words, encodeClose(close)]))`,
        by: `    this.connection.end(why, Buffer.concat([words, encodeClose(close)]))
    if (this.#peerCode !== undefined) this.connection.destroy(why)`,
      },
    ],
  },
  {
    name: 'a-full-kilobyte-is-too-much',
    step: '18.6',
    says: ['number 16 is answered at once'],
    edits: [
      {
        file: websocket,
        replace: 'this.connection.queuedBytes <= PROMPT_PONG_BYTES',
        by: 'this.connection.queuedBytes < PROMPT_PONG_BYTES',
      },
    ],
  },
  {
    name: 'takes-the-code-for-text',
    step: '18.6',
    says: ['begins after the two bytes of the code'],
    edits: [{ file: close, replace: 'isUtf8(reason)', by: 'isUtf8(payload)' }],
  },
  {
    name: 'a-ping-ends-the-count',
    step: '18.4',
    says: ['whatever comes between its fragments'],
    edits: [
      {
        file: reader,
        replace: '  readonly #control = new Gathered()\n',
        by: '  readonly #control = new Gathered()\n  #total = 0\n',
      },
      {
        file: reader,
        replace: TOO_LARGE,
        by: `    this.#total += length\n    if (this.#total > this.#maxBytes) return 'too-large'\n`,
      },
      {
        file: reader,
        replace: '    if (!isFinal) return undefined\n',
        by: '    if (!isFinal) return undefined\n    this.#total = 0\n',
      },
      {
        file: reader,
        replace: '      return { kind, payload: this.#control.take(), end }',
        by: '      this.#total = 0\n      return { kind, payload: this.#control.take(), end }',
      },
    ],
  },
  {
    name: 'only-fragments-have-a-kind',
    step: '18.4',
    says: ['A text of one frame is a text'],
    edits: [
      {
        file: reader,
        replace: '    this.#opcode ??= opcode\n',
        by: '    if (!this.#header.isFinal) this.#opcode ??= opcode\n',
      },
      {
        file: reader,
        replace: 'const isText = this.#opcode === TEXT\n    this.#opcode',
        by: 'const isText = (this.#opcode ?? opcode) === TEXT\n    this.#opcode',
      },
    ],
  },
  {
    name: 'what-is-under-way-is-under-way-everywhere',
    step: '18.4',
    says: ['has a reader of its own'],
    edits: [
      {
        file: reader,
        replace: 'export class MessageReader {',
        by: 'let isUnderWay = false\n\nexport class MessageReader {',
      },
      {
        file: reader,
        replace: '    const isUnderWay = this.#opcode !== undefined\n',
        by: '',
      },
      {
        file: reader,
        replace: '    this.#opcode ??= opcode\n',
        by: '    this.#opcode ??= opcode\n    isUnderWay = true\n',
      },
      {
        file: reader,
        replace: '    this.#opcode = undefined\n',
        by: '    this.#opcode = undefined\n    isUnderWay = false\n',
      },
    ],
  },
  {
    name: 'an-end-of-its-own',
    step: '18.4',
    says: ['return it unchanged'],
    edits: [
      {
        file: reader,
        replace: 'payload: this.#message.take(), end }',
        by: 'payload: this.#message.take(), end: this.#header.bytes + this.#header.length }',
      },
    ],
  },
  {
    name: 'a-ping-takes-what-has-come',
    step: '18.4',
    says: ['for a message that is complete, and for nothing else'],
    edits: [
      {
        file: reader,
        replace: '      return { kind, payload: this.#control.take(), end }',
        by: '      this.#message.take()\n      return { kind, payload: this.#control.take(), end }',
      },
    ],
  },
  {
    name: 'forgets-the-kind-before-it-looks',
    step: '18.4',
    says: ['use it before you clear it'],
    edits: [
      {
        file: reader,
        replace: '    const isText = this.#opcode === TEXT\n    this.#opcode = undefined\n',
        by: '    this.#opcode = undefined\n    const isText = this.#opcode === TEXT\n',
      },
    ],
  },
  {
    name: 'an-empty-ping-is-not-complete',
    step: '18.4',
    says: ['even if it is empty, and even in the middle of a message'],
    edits: [
      {
        file: reader,
        replace: '    if (isControl(opcode)) {\n      const kind',
        by: '    if (isControl(opcode)) {\n      if (this.#control.length === 0) return undefined\n      const kind',
      },
    ],
  },
  {
    name: 'a-long-piece-forgets-the-bounds',
    step: '18.5',
    says: ['however long that is'],
    edits: [
      {
        file: utf8,
        replace: '    for (let place = 0; place < bytes.length; place++) {\n      const byte',
        by: `    if (bytes.length > 1) {
      this.#least = 0x80
      this.#most = 0xbf
    }
    for (let place = 0; place < bytes.length; place++) {
      const byte`,
      },
    ],
  },
  {
    name: 'a-long-piece-of-ascii-is-always-right',
    step: '18.5',
    says: ['however long that is'],
    edits: [
      {
        file: utf8,
        replace: '/** Checks a text that comes in pieces. */',
        by: `import { isAscii } from 'node:buffer'\n\n/** Checks a text that comes in pieces. */`,
      },
      {
        file: utf8,
        replace: '    for (let place = 0; place < bytes.length; place++) {\n      const byte',
        by: `    if (bytes.length > 8 && isAscii(bytes)) return true
    for (let place = 0; place < bytes.length; place++) {
      const byte`,
      },
    ],
  },
  {
    name: 'a-replacement-character-is-an-error',
    step: '18.5',
    says: ['a valid text may contain that as well'],
    edits: [
      {
        file: utf8,
        replace: '  #missing = 0\n',
        by: `  #missing = 0\n  readonly #decoder = new TextDecoder('utf-8')\n`,
      },
      {
        file: utf8,
        hole: 'push',
        by: `    return !this.#decoder.decode(bytes, { stream: true }).includes('\\ufffd')`,
      },
      { file: utf8, hole: 'end', by: `    return !this.#decoder.decode().includes('\\ufffd')` },
    ],
  },
  {
    name: 'a-byte-order-mark-is-an-error',
    step: '18.5',
    says: ['A text may begin with U+FEFF'],
    edits: [
      {
        file: utf8,
        replace: '    for (let place = 0; place < bytes.length; place++) {\n      const byte',
        by: `    if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return false
    for (let place = 0; place < bytes.length; place++) {
      const byte`,
      },
    ],
  },
  {
    name: 'one-set-of-bounds-for-everybody',
    step: '18.5',
    says: ['not in variables of the module'],
    edits: [
      {
        file: utf8,
        replace: 'export class Utf8Check implements',
        by: 'let least = 0x80\n\nexport class Utf8Check implements',
      },
      { file: utf8, replace: 'byte < this.#least', by: 'byte < least' },
      { file: utf8, replace: '        this.#least = 0x80\n', by: '        least = 0x80\n' },
      { file: utf8, replace: 'this.#least = first', by: 'least = first' },
    ],
  },
  {
    name: 'takes-bytes-away-by-copying',
    step: '18.5',
    says: ['copies all that is left'],
    edits: [
      {
        file: utf8,
        replace: `    for (let place = 0; place < bytes.length; place++) {
      const byte = bytes[place]`,
        by: `    for (let rest = bytes; rest.length > 0; rest = rest.slice(1)) {
      const [byte] = rest.subarray(0, 1)`,
      },
    ],
  },
  {
    name: 'an-empty-piece-is-wrong',
    step: '18.5',
    says: ['An empty piece changes nothing'],
    edits: [
      {
        file: utf8,
        replace: '    for (let place = 0; place < bytes.length; place++) {\n      const byte',
        by: `    if (bytes.length === 0) return false
    for (let place = 0; place < bytes.length; place++) {
      const byte`,
      },
    ],
  },
  {
    name: 'skips-the-first-byte',
    step: '18.5',
    says: ['returns false as soon as #begin() does'],
    edits: [
      {
        file: utf8,
        replace: '    for (let place = 0; place < bytes.length; place++) {\n      const byte',
        by: '    for (let place = 1; place < bytes.length; place++) {\n      const byte',
      },
    ],
  },
  {
    name: 'the-bounds-are-outside',
    step: '18.5',
    says: ['themselves are allowed'],
    edits: [{ file: utf8, replace: 'byte < this.#least', by: 'byte <= this.#least' }],
  },
  {
    name: 'does-not-close-what-is-paused',
    step: '18.6',
    says: ['A connection that is not reading can still send'],
    edits: [
      {
        file: websocket,
        replace: '    const close = { code: this.#peerCode ?? code, reason }\n',
        by: `    if (this.connection.isOpen && !this.connection.isReading) return
    const close = { code: this.#peerCode ?? code, reason }\n`,
      },
    ],
  },
  {
    name: 'waits-until-there-is-room',
    step: '18.6',
    says: ['comes after everything that was sent'],
    edits: [
      {
        file: websocket,
        replace: '    const close = { code: this.#peerCode ?? code, reason }\n',
        by: `    if (this.connection.isBacklogged) return
    const close = { code: this.#peerCode ?? code, reason }\n`,
      },
    ],
  },
  {
    name: 'no-last-words-for-who-has-said-close',
    step: '18.6',
    says: ['whichever side sent its Close first'],
    edits: [
      {
        file: websocket,
        replace: 'const words = this.#events.lastWords?.(why) ?? NO_PAYLOAD',
        by: 'const words = (this.#peerCode ? undefined : this.#events.lastWords?.(why)) ?? NO_PAYLOAD',
      },
    ],
  },
  {
    name: 'asks-twice-for-last-words',
    step: '18.6',
    says: ['the next call has other words'],
    edits: [
      {
        file: websocket,
        replace: 'const words = this.#events.lastWords?.(why) ?? NO_PAYLOAD',
        by: 'const words = (this.#events.lastWords?.(why) && this.#events.lastWords(why)) ?? NO_PAYLOAD',
      },
    ],
  },
  {
    name: 'last-words-without-their-service',
    step: '18.6',
    says: ['`this` is lost'],
    edits: [
      {
        file: websocket,
        replace: 'const words = this.#events.lastWords?.(why) ?? NO_PAYLOAD',
        by: 'const { lastWords } = this.#events\n    const words = lastWords?.(why) ?? NO_PAYLOAD',
      },
    ],
  },
  {
    name: 'the-code-of-a-stop-comes-first',
    step: '18.6',
    says: ['whatever ours is'],
    edits: [
      {
        file: websocket,
        replace: 'code: this.#peerCode ?? code',
        by: 'code: code === 1000 ? (this.#peerCode ?? code) : code',
      },
    ],
  },
  {
    name: 'a-wrong-close-is-an-end-as-well',
    step: '18.6',
    says: ['there is nothing to finish'],
    edits: [
      {
        file: websocket,
        replace: `    if (typeof close === 'string') return this.#fail(close)`,
        by: `    if (typeof close === 'string') {
      this.#fail(close)
      return this.#end()
    }`,
      },
    ],
  },
  {
    name: 'a-reason-is-an-answer',
    step: '18.6',
    says: ['with onEnd, it decides itself when to close'],
    edits: [
      {
        file: websocket,
        replace: '    this.#peerCode = close.code\n    this.#end()',
        by: `    this.#peerCode = close.code
    if (close.reason !== '') this.close('finished')
    else this.#end()`,
      },
    ],
  },
  {
    name: 'a-flood-drowns-the-close',
    step: '18.6',
    says: ['however many pings came before it'],
    edits: [
      {
        file: websocket,
        replace: '    const close = parseClose(payload)\n',
        by: '    if (this.#duePong) return\n    const close = parseClose(payload)\n',
      },
    ],
  },
  {
    name: 'reads-the-chunk-for-the-payload',
    step: '18.6',
    says: ['its `buffer` is the whole chunk'],
    edits: [
      {
        file: close,
        replace: 'payload[0] * 256 + payload[1]',
        by: 'new DataView(payload.buffer).getUint16(0)',
      },
    ],
  },
  {
    name: 'a-reason-without-blanks',
    step: '18.6',
    says: ['as it was sent'],
    edits: [
      { file: close, replace: 'reason: reason.toString() }', by: 'reason: `${reason}`.trim() }' },
    ],
  },
  {
    name: 'the-kind-of-ending-is-lost',
    step: '18.6',
    says: ['pass `why` on'],
    edits: [
      {
        file: websocket,
        replace: 'this.connection.end(why,',
        by: `this.connection.end('finished',`,
      },
    ],
  },
  {
    name: 'a-payload-becomes-a-text',
    step: '18.6',
    says: ['The payload of a ping may be any bytes'],
    edits: [
      {
        file: websocket,
        replace: '    this.#duePong = payload\n',
        by: '    this.#duePong = Buffer.from(Buffer.from(payload).toString())\n',
      },
    ],
  },
  {
    name: 'does-not-wait-for-much',
    step: '18.6',
    says: ['comes after everything that was sent'],
    edits: [
      {
        file: websocket,
        replace: '    this.connection.end(why,',
        by: `    if (this.connection.queuedBytes > 65_536) return this.connection.destroy(why)
    this.connection.end(why,`,
      },
    ],
  },
  {
    name: 'closes-a-moment-later',
    step: '18.6',
    says: ['ends the connection before it returns'],
    edits: [
      {
        file: websocket,
        replace: 'this.connection.end(why, Buffer.concat([words, encodeClose(close)]))',
        by: 'queueMicrotask(() => this.connection.end(why, Buffer.concat([words, encodeClose(close)])))',
      },
    ],
  },
  {
    name: 'later-bytes-have-wider-bounds',
    step: '18.5',
    says: ['From the third byte on'],
    edits: [
      { file: utf8, replace: '        this.#most = 0xbf\n', by: '        this.#most = 0xc0\n' },
    ],
  },
  {
    name: 'true-while-something-is-missing',
    step: '18.5',
    says: ['After a whole character nothing is missing'],
    edits: [
      { file: utf8, replace: 'return this.#missing === 0', by: 'return this.#missing !== 0' },
    ],
  },
  {
    name: 'copies-a-chunk-of-the-chunk',
    step: '18.2',
    says: ['nothing of a chunk to be copied', 'about 64 KiB'],
    edits: [
      {
        file: 'websocket-frames.ts',
        replace: "    if (at >= bytes.length) return 'incomplete'\n",
        by: "    bytes = bytes.slice(at, at + 65_536)\n    at = 0\n    if (at >= bytes.length) return 'incomplete'\n",
      },
    ],
  },
  {
    name: 'asks-for-last-words-again',
    step: '18.6',
    says: ['the number of calls of lastWords() to be 1', 'look at #isClosing first'],
    edits: [{ file: websocket, replace: '    if (this.#isClosing) return\n', by: '' }],
  },
  {
    name: 'whoever-has-sent-a-close-has-finished',
    step: '18.6',
    says: ['why mia’s connection has ended', 'close() passes `why` on'],
    edits: [
      {
        file: websocket,
        replace: 'this.connection.end(why,',
        by: "this.connection.end(this.#peerCode === undefined ? why : 'finished',",
      },
    ],
  },
  {
    name: 'upgrade-is-changed',
    step: '18.1',
    says: ['It is a refusal: it accepts nothing', 'UPGRADE is shared by all answers'],
    edits: [
      {
        file: handshake,
        replace: `    headers: {
      ...UPGRADE,
      'Sec-WebSocket-Accept': answerTo(key),
      ...(protocol ? { 'Sec-WebSocket-Protocol': protocol } : {}),
    },`,
        by: `    headers: Object.assign(
      UPGRADE,
      { 'Sec-WebSocket-Accept': answerTo(key) },
      protocol ? { 'Sec-WebSocket-Protocol': protocol } : {},
    ),`,
      },
    ],
  },
  {
    name: 'the-last-subprotocol-stays',
    step: '18.1',
    says: ['Sec-WebSocket-Protocol', 'UPGRADE is shared by all answers'],
    edits: [
      {
        file: handshake,
        replace: `      ...UPGRADE,
      'Sec-WebSocket-Accept': answerTo(key),
      ...(protocol ? { 'Sec-WebSocket-Protocol': protocol } : {}),`,
        by: `      ...Object.assign(UPGRADE, protocol ? { 'Sec-WebSocket-Protocol': protocol } : {}),
      'Sec-WebSocket-Accept': answerTo(key),`,
      },
    ],
  },
  {
    name: 'an-acceptance-in-a-refusal',
    step: '18.1',
    says: ['Only an answer with status 101 has that field'],
    edits: [
      {
        file: handshake,
        replace: `headers: { ...UPGRADE, 'Sec-WebSocket-Version': VERSION }`,
        by: `headers: {
        ...UPGRADE,
        'Sec-WebSocket-Version': VERSION,
        'Sec-WebSocket-Accept': answerTo(headers.get('sec-websocket-key') ?? ''),
      }`,
      },
    ],
  },
  {
    name: 'a-key-without-its-end',
    step: '18.1',
    says: ['keeps its "=="'],
    edits: [{ file: handshake, replace: 'key + GUID', by: `key.replace('==', '') + GUID` }],
  },
  {
    name: 'trims-more-than-blanks',
    step: '18.1',
    says: ['the byte A0 in front of a name', 'trim() removes more'],
    edits: [
      {
        file: handshake,
        replace: LISTED,
        by: `headers.get(name)?.split(',').some((each) => each.trim().toLowerCase() === token)`,
      },
    ],
  },
  {
    name: 'a-length-is-read-a-byte-early',
    step: '18.2',
    says: ['The last byte of the length has not arrived'],
    edits: [
      {
        file: frames,
        replace: `if (bytes.length < keyAt) return`,
        by: `if (bytes.length < keyAt - 1) return`,
      },
    ],
  },
  {
    name: 'six-bits-of-a-short-length',
    step: '18.2',
    says: ['A length of up to 125 is in the lowest seven bits of the second byte'],
    edits: [
      {
        file: frames,
        replace: 'this.length = lengthBytes === 0 ? short :',
        by: 'this.length = lengthBytes === 0 ? short & 0x3f :',
      },
    ],
  },
  {
    name: 'six-bits-of-every-length',
    step: '18.2',
    says: ['The lowest seven bits of the second byte are the length'],
    edits: [{ file: frames, replace: 'second & 0x7f', by: 'second & 0x3f' }],
  },
  {
    name: 'a-message-that-is-cut-off-is-a-fault',
    step: '18.6',
    says: ['A Close may come between two fragments', 'Only parseClose() decides'],
    edits: [
      {
        file: websocket,
        replace: '    this.#peerCode = close.code\n    this.#end()',
        by: `    this.#peerCode = close.code
    if (this.#reader.isBetweenMessages) this.#end()
    else this.#fail('cut-off')`,
      },
    ],
  },
  {
    name: 'a-close-inside-a-message-is-not-told',
    step: '18.6',
    says: ['the service is told so, once', 'What has arrived before the Close does not matter'],
    edits: [
      {
        file: websocket,
        replace: '    this.#peerCode = close.code\n    this.#end()',
        by: `    this.#peerCode = close.code
    if (this.#reader.isBetweenMessages) this.#end()`,
      },
    ],
  },
  {
    name: 'no-service-for-a-message-that-is-cut-off',
    step: '18.6',
    says: ['A Close may come between two fragments', '#end() asks the service'],
    edits: [
      {
        file: websocket,
        replace: '    this.#peerCode = close.code\n    this.#end()',
        by: `    this.#peerCode = close.code
    if (this.#reader.isBetweenMessages) this.#end()
    else this.close('finished')`,
      },
    ],
  },
  {
    name: 'closes-while-it-is-open',
    step: '18.6',
    says: ['the connection to be closed once', 'set #isClosing before you call lastWords()'],
    edits: [
      {
        file: websocket,
        replace: '    if (this.#isClosing) return\n    this.#isClosing = true\n',
        by: '    if (!this.connection.isOpen) return\n',
      },
    ],
  },
  {
    name: 'notes-too-late-that-it-closes',
    step: '18.6',
    says: ['the connection to be closed once', 'set #isClosing before you call lastWords()'],
    edits: [
      { file: websocket, replace: '    this.#isClosing = true\n', by: '' },
      {
        file: websocket,
        replace: 'this.connection.end(why, Buffer.concat',
        by: 'this.#isClosing = true\n    this.connection.end(why, Buffer.concat',
      },
    ],
  },
  {
    name: 'the-second-call-ends-without-words',
    step: '18.6',
    says: ['Only the first call of close() counts'],
    edits: [
      {
        file: websocket,
        replace: '    if (this.#isClosing) return\n    this.#isClosing = true\n',
        by: '    const isFirst = !this.#isClosing\n    this.#isClosing = true\n',
      },
      {
        file: websocket,
        replace: 'const words = this.#events.lastWords?.(why) ?? NO_PAYLOAD',
        by: 'const words = (isFirst && this.#events.lastWords?.(why)) || NO_PAYLOAD',
      },
    ],
  },
  {
    name: 'a-reason-without-its-byte-order-mark',
    step: '18.6',
    says: ['as it was sent', 'ignoreBOM'],
    edits: [
      {
        file: close,
        hole: 'parseClose',
        by: `  if (payload.length === 0) return { code: NO_CODE, reason: '' }
  if (payload.length === 1) return 'bad-close'
  const code = payload[0] * 256 + payload[1]
  if (!maySend(code)) return 'bad-close'
  const utf8 = new TextDecoder('utf-8', { fatal: true })
  try {
    return { code, reason: utf8.decode(payload.subarray(2)) }
  } catch {
    return 'not-utf8'
  }`,
      },
    ],
  },
]
