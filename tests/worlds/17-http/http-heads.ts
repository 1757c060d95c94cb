/** Request lines and fields, right and wrong, as RFC 9112 has them. */

export interface Wrong {
  text: string
  status: number
  because: string
}

const LONGEST = `/${'a'.repeat(7_999)}`

/** Method, target and version. */
export const REQUEST_LINES: [string, string, string][] = [
  ['GET', '/', 'HTTP/1.1'],
  ['OPTIONS', '*', 'HTTP/1.0'],
  ['get', '/a%20b?c=d&e', 'HTTP/1.1'],
  ['M-SEARCH', "/-._~!$&'()*+,;=:@/?/?", 'HTTP/1.9'],
  ["!#$%&'*+.^_`|~09", 'http://a:80/b', 'HTTP/1.2'],
  ['CONNECT', '[::1]:443', 'HTTP/1.1'],
  ['GET', LONGEST, 'HTTP/1.1'],
  ['M-SEARCH', LONGEST, 'HTTP/1.1'],
]

const ONE_SPACE = 'Method, target and version are separated by one space.'
const TARGET = 'A URI cannot contain this byte (RFC 3986 §2).'
const VERSION = 'The version is HTTP, a slash, and two digits with a dot between them.'
const METHOD = 'A method is a token: letters, digits and some punctuation.'
const LINE_END = 'A line ends with CR LF, and neither CR nor LF may stand alone.'

export const WRONG_LINES: Wrong[] = [
  { text: ' GET / HTTP/1.1\r\n', status: 400, because: METHOD },
  { text: 'GET  / HTTP/1.1\r\n', status: 400, because: ONE_SPACE },
  { text: 'GET /  HTTP/1.1\r\n', status: 400, because: ONE_SPACE },
  {
    text: 'GET / HTTP/1.1 \r\n',
    status: 400,
    because: 'The version ends the line: not even a blank follows it.',
  },
  { text: 'GET\t/ HTTP/1.1\r\n', status: 400, because: ONE_SPACE },
  { text: 'GET /\tHTTP/1.1\r\n', status: 400, because: ONE_SPACE },
  { text: 'G(T / HTTP/1.1\r\n', status: 400, because: METHOD },
  { text: 'G\u0000T / HTTP/1.1\r\n', status: 400, because: METHOD },
  { text: 'G\u00e9T / HTTP/1.1\r\n', status: 400, because: METHOD },
  { text: '\r\n', status: 400, because: METHOD },
  { text: ' / HTTP/1.1\r\n', status: 400, because: 'There is no method.' },
  { text: 'GET  HTTP/1.1\r\n', status: 400, because: 'There is no target.' },
  { text: 'GET\r\n', status: 400, because: 'There is no target.' },
  { text: 'GET /\r\n', status: 400, because: 'That is HTTP/0.9, which has no head at all.' },
  { text: 'GET HTTP/1.1\r\n', status: 400, because: 'There is no target.' },
  { text: 'GET /a b HTTP/1.1\r\n', status: 400, because: ONE_SPACE },
  { text: 'GET /\u0000 HTTP/1.1\r\n', status: 400, because: TARGET },
  { text: 'GET /\u007f HTTP/1.1\r\n', status: 400, because: TARGET },
  { text: 'GET /\u00e9 HTTP/1.1\r\n', status: 400, because: TARGET },
  { text: 'GET /#top HTTP/1.1\r\n', status: 400, because: 'A fragment is never sent.' },
  { text: 'GET /<b> HTTP/1.1\r\n', status: 400, because: TARGET },
  { text: 'GET /\\ HTTP/1.1\r\n', status: 400, because: TARGET },
  { text: 'GET / HTTP/1.1\n', status: 400, because: LINE_END },
  { text: 'GET / HTTP/1.1\rX\r\n', status: 400, because: LINE_END },
  { text: 'GET / HTTP/1.1\r\r\n', status: 400, because: LINE_END },
  { text: 'GET / http/1.1\r\n', status: 400, because: VERSION },
  { text: 'GET / HTTP/1\r\n', status: 400, because: VERSION },
  { text: 'GET / HTTP/1.10\r\n', status: 400, because: VERSION },
  { text: 'GET / HTTP/01.1\r\n', status: 400, because: VERSION },
  { text: 'GET / HTTP/1.x\r\n', status: 400, because: VERSION },
  { text: 'GET / XHTTP/1.1\r\n', status: 400, because: VERSION },
  { text: 'GET / HTTP/2.0\r\n', status: 505, because: 'That is a version, but not one of ours.' },
  {
    text: 'PRI * HTTP/2.0\r\n',
    status: 505,
    because: 'That is how HTTP/2 begins (RFC 9113 §3.4).',
  },
  { text: 'GET / HTTP/0.9\r\n', status: 505, because: 'That is a version, but not one of ours.' },
  { text: `GET ${LONGEST}a HTTP/1.1\r\n`, status: 414, because: 'The target has 8,001 bytes.' },
  { text: `M ${LONGEST}a HTTP/1.1\r\n`, status: 414, because: 'The target has 8,001 bytes.' },
  {
    text: `GET ${LONGEST}a`,
    status: 414,
    because: 'The target is too long already: its end would change nothing.',
  },
]

/** A line, its name and its value. */
export const FIELDS: [string, string, string][] = [
  ['Host: a', 'Host', 'a'],
  ['a:b', 'a', 'b'],
  ['a:', 'a', ''],
  ['a: \t ', 'a', ''],
  ['a:\t b \t', 'a', 'b'],
  ['a: b  c\td', 'a', 'b  c\td'],
  ['a::b', 'a', ':b'],
  ['a: "b: c"', 'a', '"b: c"'],
  ["!#$%&'*+-.^_`|~09aZ: b", "!#$%&'*+-.^_`|~09aZ", 'b'],
  ['a: \u0080\u00ff', 'a', '\u0080\u00ff'],
  ['a: \u00a0b\u00a0', 'a', '\u00a0b\u00a0'],
  ['a: x'.padEnd(9_000, 'x'), 'a', 'x'.repeat(8_997)],
]

const NAME = 'A name is a token, and the colon follows it directly.'
const VALUE = 'The only control character that a value may contain is the tab.'

export const WRONG_FIELDS: Wrong[] = [
  {
    text: 'Host : a\r\n',
    status: 400,
    because:
      'Some servers take the blank for part of the name, and others do not: that is how requests are smuggled (RFC 9112 §5.1).',
  },
  { text: 'Host\t: a\r\n', status: 400, because: NAME },
  { text: ' folded: b\r\n', status: 400, because: 'That is a folded line (RFC 9112 §5.2).' },
  { text: '\tfolded\r\n', status: 400, because: 'That is a folded line (RFC 9112 §5.2).' },
  { text: ': a\r\n', status: 400, because: 'There is no name.' },
  { text: 'a\r\n', status: 400, because: 'There is no colon.' },
  { text: 'a b: c\r\n', status: 400, because: NAME },
  { text: 'a(b): c\r\n', status: 400, because: NAME },
  { text: 'a[]: c\r\n', status: 400, because: NAME },
  { text: 'a\u00e9: c\r\n', status: 400, because: NAME },
  { text: 'a\u0000: c\r\n', status: 400, because: NAME },
  { text: 'a: b\u0000c\r\n', status: 400, because: VALUE },
  { text: 'a: b\u0007\r\n', status: 400, because: VALUE },
  { text: 'a: b\u007f\r\n', status: 400, because: VALUE },
  { text: 'a: b\u000bc\r\n', status: 400, because: VALUE },
  { text: 'a: b\n', status: 400, because: LINE_END },
  { text: 'a: b\nc: d\r\n', status: 400, because: LINE_END },
  { text: 'a: b\rc: d\r\n', status: 400, because: LINE_END },
  { text: 'a: b\r\r\n', status: 400, because: LINE_END },
  { text: 'a:\n', status: 400, because: LINE_END },
]

/** Heads that say the same however they are cut, and what stands in them. */
export const HEADS = [
  'GET /hello?a=b HTTP/1.1\r\nHost: example.org:8080\r\nAccept: */*\r\nX-Twice: 1\r\nx-twice: 2\r\n\r\n',
  '\r\nHEAD / HTTP/1.0\r\n\r\n',
  'POST http://a/b HTTP/1.1\r\nHost: A\r\nEmpty:\r\nContent-Length: 3\r\n\r\n',
  'OPTIONS * HTTP/1.1\r\nHost: [::1]\r\n\r\n',
]

const HOST =
  'A request in HTTP/1.1 has exactly one Host, and its value is a valid host (RFC 9112 §3.2).'

export const WRONG_HEADS: Wrong[] = [
  { text: 'GET / HTTP/1.1\r\n\r\n', status: 400, because: HOST },
  { text: 'GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n', status: 400, because: HOST },
  { text: 'GET / HTTP/1.1\r\nHost:\r\n\r\n', status: 400, because: HOST },
  { text: 'GET / HTTP/1.1\r\nHost: a b\r\n\r\n', status: 400, because: HOST },
  { text: 'GET / HTTP/1.1\r\nHost: a, b\r\n\r\n', status: 400, because: HOST },
  { text: 'GET / HTTP/1.1\r\nHost: u@a\r\n\r\n', status: 400, because: HOST },
  { text: 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', status: 400, because: HOST },
  { text: 'GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n', status: 400, because: HOST },
  {
    text: 'GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n',
    status: 400,
    because: 'Target and Host name two different hosts.',
  },
  {
    text: 'GET a HTTP/1.1\r\nHost: a\r\n\r\n',
    status: 400,
    because: 'A path begins with a slash.',
  },
  {
    text: 'GET * HTTP/1.1\r\nHost: a\r\n\r\n',
    status: 400,
    because: 'Only OPTIONS may ask for "*".',
  },
  {
    text: 'GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n',
    status: 400,
    because: 'Only CONNECT has such a target.',
  },
  {
    text: 'CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n',
    status: 400,
    because: 'CONNECT names a host and a port.',
  },
  {
    text: 'GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n',
    status: 400,
    because: 'Two hex digits have to follow "%".',
  },
  {
    text: 'GET /a%00 HTTP/1.1\r\nHost: a\r\n\r\n',
    status: 400,
    because: 'The path contains a control character.',
  },
  {
    text: 'GET /..%c0%af HTTP/1.1\r\nHost: a\r\n\r\n',
    status: 400,
    because: 'That is not UTF-8.',
  },
  {
    text: '\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n',
    status: 400,
    because: 'One empty line is ignored (RFC 9112 §2.2), but a second one is not.',
  },
  { text: '\nGET / HTTP/1.1\r\nHost: a\r\n\r\n', status: 400, because: LINE_END },
  { text: 'GET / HTTP/1.1\r\nHost: a\r\n\n', status: 400, because: LINE_END },
  { text: 'GET / HTTP/1.1\r\nHost: a\r\n\rX', status: 400, because: LINE_END },
  { text: 'GET / HTTP/1.1\r\n Host: a\r\n\r\n', status: 400, because: 'That line is folded.' },
  {
    text: 'GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n c\r\n\r\n',
    status: 400,
    because: 'That line is folded.',
  },
]
