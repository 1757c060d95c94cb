/** Bodies in chunks, in every way that anybody has tried. RFC 9112 §7. */

const DROPPED = 'Extensions may follow the digits. They are dropped.'

/** A body in chunks, what it says, and what has probably gone wrong when it was read in another way. */
export const CHUNKED: [text: string, body: string, likely?: string][] = [
  ['0\r\n\r\n', ''],
  ['5\r\nhello\r\n0\r\n\r\n', 'hello'],
  ['1\r\na\r\n2\r\nbc\r\n000\r\n\r\n', 'abc'],
  [
    'A\r\n0123456789\r\na\r\nabcdefghij\r\n0\r\n\r\n',
    '0123456789abcdefghij',
    'A size is hexadecimal, in upper or lower case: A is 10.',
  ],
  [
    '0000000000000007\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n',
    '\r\n0\r\n\r\n',
    'Refuse only more than MAX_SIZE_DIGITS: 16 are allowed. A CR LF inside the data ends no line.',
  ],
  ['5;a\r\nhello\r\n0;b=c\r\n\r\n', 'hello', DROPPED],
  ['5 ; a = "b;\\"c" ;d\r\nhello\r\n0\t;e\r\n\r\n', 'hello', DROPPED],
  ['5\r\nhello\r\n0\r\nX: y\r\nContent-Length: 7\r\n\r\n', 'hello'],
]

export interface WrongBody {
  text: string
  status: number
  because: string
}

const SIZE = 'A size is hex digits, and nothing else (RFC 9112 §7.1).'
const MANY_DIGITS = 'A server that counts in 64 bits sees a different number.'
export const AFTER_DATA = 'CR LF follows the data, and then comes the next size.'
const LINE_END = 'A line ends with CR LF, and neither CR nor LF may stand alone.'
const EXTENSION = 'The size may be followed by ;name or ;name=value.'

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
  { text: '3e9\r\n', status: 413, because: 'That is 1,001 bytes, one more than the limit.' },
  { text: 'FFFFFFFFFFFFFFFF\r\n', status: 413, because: 'The announced size is over the limit.' },
  {
    text: `1f4\r\n${'x'.repeat(500)}\r\n1f5\r\n`,
    status: 413,
    because: 'Together that is 1,001 bytes, one more than the limit.',
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
  { text: '5\r\nhelloX\r\n0\r\n\r\n', status: 400, because: AFTER_DATA },
  { text: '5\r\nhello0\r\n\r\n', status: 400, because: AFTER_DATA },
  { text: '5\r\nhello\n0\r\n\r\n', status: 400, because: AFTER_DATA },
  { text: '5\r\nhello\r0\r\n\r\n', status: 400, because: AFTER_DATA },
  { text: '6\r\nhello\r\n0\r\n\r\n', status: 400, because: AFTER_DATA },
  {
    text: `5;${'a'.repeat(255)}\r\nhello\r\n`,
    status: 400,
    because: 'The line has 257 bytes, one more than the limit.',
  },
  {
    text: `5;${'a'.repeat(300)}`,
    status: 400,
    because: 'The line is too long already: its end would change nothing.',
  },
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
