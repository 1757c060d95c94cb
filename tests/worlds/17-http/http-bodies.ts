/** How long bodies are, said in every way that anybody has tried; and bodies in chunks. RFC 9112 §6 and §7. */

export interface Length {
  /** Lines of a head. */
  fields: [string, string][]
  version?: '1.0'
  /** `'none'`, `'chunked'`, `'5 bytes'`, or a status. */
  told: string
  because: string
}

const DIGITS =
  'A Content-Length is digits, and nothing else: a sign, a blank, a comma or a zero in front is read by some in another way than by others.'
const TWICE = 'Two lengths are two requests to somebody, even if they are the same today.'
const BOTH =
  'With both, one server takes the length and the next one the chunks: that is smuggling (RFC 9112 §6.1).'
const LAST = 'Behind "chunked" nothing may come, and it is said once.'
const UNKNOWN = 'A coding that we do not know is 501 (RFC 9112 §6.1).'

export const LENGTHS: Length[] = [
  {
    fields: [],
    told: 'none',
    because: 'A request that says no length has no body (RFC 9112 §6.3).',
  },
  { fields: [['content-length', '5']], told: '5 bytes', because: 'It says so.' },
  { fields: [['content-length', '0']], told: '0 bytes', because: 'It says so.' },
  {
    fields: [['content-length', '1000']],
    told: '1000 bytes',
    because: 'That is as many as may come.',
  },
  { fields: [['content-length', '1001']], told: '413', because: 'That is one more than may come.' },
  {
    fields: [['content-length', '99999999999999999999999']],
    told: '413',
    because: 'No integer holds it, and it is too many in any case.',
  },
  { fields: [['content-length', '9'.repeat(400)]], told: '413', because: 'It is too many.' },
  ...[
    '0005',
    '00',
    '+5',
    '-5',
    '5 5',
    '5,5',
    '5, 5',
    '5, 6',
    '',
    '0x5',
    '5.0',
    '5e0',
    '5;',
    "'5'",
    'five',
    '\u0665',
    '5\u00a0',
    '\u00a05',
  ].map((value): Length => ({ fields: [['content-length', value]], told: '400', because: DIGITS })),
  {
    fields: [
      ['content-length', '5'],
      ['content-length', '5'],
    ],
    told: '400',
    because: TWICE,
  },
  {
    fields: [
      ['content-length', '5'],
      ['content-length', '6'],
    ],
    told: '400',
    because: TWICE,
  },
  {
    fields: [
      ['content-length', ''],
      ['content-length', '5'],
    ],
    told: '400',
    because: TWICE,
  },
  { fields: [['transfer-encoding', 'chunked']], told: 'chunked', because: 'It says so.' },
  {
    fields: [['transfer-encoding', 'Chunked']],
    told: 'chunked',
    because: 'Codings are the same in upper and lower case (RFC 9112 §7).',
  },
  {
    fields: [['transfer-encoding', 'chunked']],
    version: '1.0',
    told: '400',
    because: 'HTTP/1.0 has no chunks; a proxy of its time passes them on as the body.',
  },
  {
    fields: [['transfer-encoding', 'gzip']],
    version: '1.0',
    told: '400',
    because: 'HTTP/1.0 has no codings.',
  },
  {
    fields: [
      ['transfer-encoding', 'chunked'],
      ['content-length', '5'],
    ],
    told: '400',
    because: BOTH,
  },
  {
    fields: [
      ['content-length', '0'],
      ['transfer-encoding', 'chunked'],
    ],
    told: '400',
    because: BOTH,
  },
  {
    fields: [
      ['content-length', '5'],
      ['transfer-encoding', 'identity'],
    ],
    told: '400',
    because: BOTH,
  },
  {
    fields: [
      ['content-length', ''],
      ['transfer-encoding', ''],
    ],
    told: '400',
    because: BOTH,
  },
  { fields: [['transfer-encoding', 'chunked, chunked']], told: '400', because: LAST },
  {
    fields: [
      ['transfer-encoding', 'chunked'],
      ['transfer-encoding', 'chunked'],
    ],
    told: '400',
    because: LAST,
  },
  { fields: [['transfer-encoding', 'chunked, identity']], told: '400', because: LAST },
  {
    fields: [
      ['transfer-encoding', 'chunked'],
      ['transfer-encoding', 'gzip'],
    ],
    told: '400',
    because: LAST,
  },
  { fields: [['transfer-encoding', 'gzip, chunked, chunked']], told: '400', because: LAST },
  { fields: [['transfer-encoding', '']], told: '400', because: 'The list is empty.' },
  { fields: [['transfer-encoding', ',chunked']], told: '400', because: 'One of the two is empty.' },
  { fields: [['transfer-encoding', 'chunked,']], told: '400', because: 'One of the two is empty.' },
  ...[
    'gzip',
    'identity',
    'gzip, chunked',
    'xchunked',
    'chunked;q=1',
    '"chunked"',
    'chunke\u0064x',
    'chunked chunked',
  ].map(
    (value): Length => ({ fields: [['transfer-encoding', value]], told: '501', because: UNKNOWN }),
  ),
  {
    fields: [
      ['transfer-encoding', 'chunked'],
      ['content-length', ''],
    ],
    told: '400',
    because: `${BOTH} An empty length is there, too.`,
  },
]

/** A body in chunks, and what it says. */
export const CHUNKED: [string, string][] = [
  ['0\r\n\r\n', ''],
  ['5\r\nhello\r\n0\r\n\r\n', 'hello'],
  ['1\r\na\r\n2\r\nbc\r\n000\r\n\r\n', 'abc'],
  ['A\r\n0123456789\r\na\r\nabcdefghij\r\n0\r\n\r\n', '0123456789abcdefghij'],
  ['0000000000000007\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n', '\r\n0\r\n\r\n'],
  ['5;a\r\nhello\r\n0;b=c\r\n\r\n', 'hello'],
  ['5 ; a = "b;\\"c" ;d\r\nhello\r\n0\t;e\r\n\r\n', 'hello'],
  ['5\r\nhello\r\n0\r\nX: y\r\nContent-Length: 7\r\n\r\n', 'hello'],
]

export interface WrongBody {
  text: string
  status: number
  because: string
}

const SIZE = 'A size is hex digits, and nothing else (RFC 9112 §7.1).'
const MANY_DIGITS = 'A server that counts in 64 bits sees another number.'
const END = 'Behind the data stands CR LF, and behind that the next size.'
const LINE_END = 'A line ends with CR LF, and neither of the two stands alone.'
const EXTENSION = 'Behind the size may stand ;name or ;name=value.'

export const WRONG_CHUNKED: WrongBody[] = [
  { text: '\r\n', status: 400, because: SIZE },
  { text: '-1\r\n', status: 400, because: SIZE },
  { text: '+5\r\nhello\r\n', status: 400, because: SIZE },
  { text: '0x5\r\nhello\r\n', status: 400, because: SIZE },
  { text: ' 5\r\nhello\r\n', status: 400, because: SIZE },
  { text: '5 \r\nhello\r\n', status: 400, because: SIZE },
  { text: 'g\r\nhello\r\n', status: 400, because: SIZE },
  { text: '5g\r\nhello\r\n', status: 400, because: SIZE },
  { text: '5_0\r\nhello\r\n', status: 400, because: SIZE },
  { text: '5.0\r\nhello\r\n', status: 400, because: SIZE },
  { text: ';a\r\n', status: 400, because: SIZE },
  { text: `${'0'.repeat(16)}5\r\nhello\r\n`, status: 400, because: MANY_DIGITS },
  { text: '10000000000000005\r\nhello\r\n', status: 400, because: MANY_DIGITS },
  { text: '3e9\r\n', status: 413, because: 'That is 1,001 bytes.' },
  { text: 'FFFFFFFFFFFFFFFF\r\n', status: 413, because: 'Too much is announced.' },
  {
    text: `1f4\r\n${'x'.repeat(500)}\r\n1f5\r\n`,
    status: 413,
    because: 'Together that is 1,001 bytes.',
  },
  { text: '5\nhello\r\n0\r\n\r\n', status: 400, because: LINE_END },
  { text: '5\rhello\r\n0\r\n\r\n', status: 400, because: LINE_END },
  { text: '5\r\r\nhello\r\n', status: 400, because: LINE_END },
  { text: '5;a\nhello\r\n', status: 400, because: LINE_END },
  { text: '5;a\u0000b\r\nhello\r\n', status: 400, because: LINE_END },
  { text: '5;\r\nhello\r\n', status: 400, because: EXTENSION },
  { text: '5;a=\r\nhello\r\n', status: 400, because: EXTENSION },
  { text: '5;a="b\r\nhello\r\n', status: 400, because: EXTENSION },
  { text: '5 a\r\nhello\r\n', status: 400, because: EXTENSION },
  { text: '5;a b\r\nhello\r\n', status: 400, because: EXTENSION },
  { text: '5\r\nhelloX\r\n0\r\n\r\n', status: 400, because: END },
  { text: '5\r\nhello0\r\n\r\n', status: 400, because: END },
  { text: '5\r\nhello\n0\r\n\r\n', status: 400, because: END },
  { text: '5\r\nhello\r0\r\n\r\n', status: 400, because: END },
  { text: '6\r\nhello\r\n0\r\n\r\n', status: 400, because: END },
  { text: `5;${'a'.repeat(255)}\r\nhello\r\n`, status: 400, because: 'The line has 257 bytes.' },
  { text: `5;${'a'.repeat(300)}`, status: 400, because: 'Its end would change nothing any more.' },
  { text: '0\r\n\n', status: 400, because: LINE_END },
  {
    text: '0\r\nX : y\r\n\r\n',
    status: 400,
    because: 'A trailer is a field like those of the head.',
  },
  {
    text: '0\r\n folded\r\n\r\n',
    status: 400,
    because: 'A trailer is a field like those of the head.',
  },
  { text: '0\r\nX: y\n\r\n', status: 400, because: LINE_END },
  {
    text: '0\r\nX: \u0000\r\n\r\n',
    status: 400,
    because: 'A trailer is a field like those of the head.',
  },
]
