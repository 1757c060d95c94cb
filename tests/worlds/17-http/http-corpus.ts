/**
 * What strangers send, byte for byte, and what a strict server answers: statuses of RFC 9110 and 9112 for whole connections.
 * Nothing behind a request that was refused may be taken for another one.
 */

export interface Case {
  what: string
  bytes: string
  /** The statuses of all answers, in order. */
  statuses: number[]
  /** Whether FIN comes behind the last of them. */
  closes: boolean
}

const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n'

function post(fields: string, body = ''): string {
  return `POST / HTTP/1.1\r\nHost: a\r\n${fields}\r\n\r\n${body}`
}

function refused(what: string, bytes: string, status = 400): Case {
  return { what, bytes: bytes + SMUGGLED, statuses: [status], closes: true }
}

function served(what: string, bytes: string, ...statuses: number[]): Case {
  return { what, bytes, statuses: statuses.length > 0 ? statuses : [200], closes: false }
}

export const CORPUS: Case[] = [
  served('the smallest request', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'),
  served('a leading empty line', '\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n'),
  served(
    'an empty line between two requests',
    'GET / HTTP/1.1\r\nHost: a\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n',
    200,
    200,
  ),
  served('an absolute target', 'GET http://a/b?c HTTP/1.1\r\nHost: a\r\n\r\n'),
  served('a later minor version', 'GET / HTTP/1.2\r\nHost: a\r\n\r\n'),
  served(
    'a GET with a body',
    'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\nHost: a\r\n\r\n',
    200,
    200,
  ),
  served(
    'a body in chunks, and a request after it',
    `${post('Transfer-Encoding: chunked', '5\r\nhello\r\n0\r\n\r\n')}GET / HTTP/1.1\r\nHost: a\r\n\r\n`,
    200,
    200,
  ),
  served(
    'a body of 0 bytes',
    `${post('Content-Length: 0')}GET / HTTP/1.1\r\nHost: a\r\n\r\n`,
    200,
    200,
  ),
  served(
    'HTTP/1.0 with keep-alive',
    'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n',
    200,
    200,
  ),
  { what: 'HTTP/1.0', bytes: `GET / HTTP/1.0\r\n\r\n${SMUGGLED}`, statuses: [200], closes: true },
  {
    what: 'Connection: close',
    bytes: `GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n${SMUGGLED}`,
    statuses: [200],
    closes: true,
  },
  {
    what: 'Connection: CLOSE among others',
    bytes: `GET / HTTP/1.1\r\nHost: a\r\nConnection: x, CLOSE\r\n\r\n${SMUGGLED}`,
    statuses: [200],
    closes: true,
  },
  refused('both lengths', post('Content-Length: 5\r\nTransfer-Encoding: chunked', '0\r\n\r\n')),
  refused(
    'both lengths, the other way round',
    post('Transfer-Encoding: chunked\r\nContent-Length: 5', '0\r\n\r\n'),
  ),
  refused('two lengths', post('Content-Length: 0\r\nContent-Length: 44')),
  refused('two equal lengths', post('Content-Length: 5\r\nContent-Length: 5', 'hello')),
  refused('a list of lengths', post('Content-Length: 5, 5', 'hello')),
  refused('a length with a sign', post('Content-Length: +5', 'hello')),
  refused('a length below zero', post('Content-Length: -1')),
  refused('a length in hex', post('Content-Length: 0x5', 'hello')),
  refused('a length with a blank inside', post('Content-Length: 5 5', 'hello')),
  refused('a length over the limit', post('Content-Length: 99999999999999999999'), 413),
  refused('a blank before the colon', post('Content-Length : 5', 'hello')),
  refused('a blank before the colon of a coding', post('Transfer-Encoding : chunked', '0\r\n\r\n')),
  refused('chunked twice', post('Transfer-Encoding: chunked, chunked', '0\r\n\r\n')),
  refused(
    'chunked, and another coding after it',
    post('Transfer-Encoding: chunked, gzip', '0\r\n\r\n'),
  ),
  refused('an unknown coding', post('Transfer-Encoding: xchunked', '0\r\n\r\n'), 501),
  refused('identity', post('Transfer-Encoding: identity', 'hello'), 501),
  refused('a coding after a vertical tab', post('Transfer-Encoding:\u000bchunked', '0\r\n\r\n')),
  refused('a coding in HTTP/1.0', 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'),
  refused('a folded line', post('Transfer-Encoding:\r\n chunked', '0\r\n\r\n')),
  refused('a folded first field', 'GET / HTTP/1.1\r\n Host: a\r\n\r\n'),
  refused('LF alone', 'GET / HTTP/1.1\nHost: a\n\n'),
  refused('LF alone at the end of a head', 'GET / HTTP/1.1\r\nHost: a\r\n\n'),
  refused('CR alone', 'GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n'),
  refused('CR twice', 'GET / HTTP/1.1\r\nHost: a\r\r\n\r\n'),
  refused('NUL in a value', 'GET / HTTP/1.1\r\nHost: a\r\nX: \u0000\r\n\r\n'),
  refused('NUL in a name', 'GET / HTTP/1.1\r\nHost: a\r\nX\u0000: y\r\n\r\n'),
  refused('a bell in a value', 'GET / HTTP/1.1\r\nHost: a\r\nX: \u0007\r\n\r\n'),
  refused('no Host', 'GET / HTTP/1.1\r\n\r\n'),
  refused('an empty Host', 'GET / HTTP/1.1\r\nHost: \r\n\r\n'),
  refused('two Hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n'),
  refused('a Host with a path', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n'),
  refused('a Host with a user', 'GET / HTTP/1.1\r\nHost: u@a\r\n\r\n'),
  refused('a Host with an invalid port', 'GET / HTTP/1.1\r\nHost: a:x\r\n\r\n'),
  refused('a target that names another host', 'GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n'),
  refused('a fragment', 'GET /#a HTTP/1.1\r\nHost: a\r\n\r\n'),
  refused('a blank in the target', 'GET /a b HTTP/1.1\r\nHost: a\r\n\r\n'),
  refused('a non-ASCII letter in the target', 'GET /\u00e9 HTTP/1.1\r\nHost: a\r\n\r\n'),
  refused('a target without a slash', 'GET a HTTP/1.1\r\nHost: a\r\n\r\n'),
  refused('* for GET', 'GET * HTTP/1.1\r\nHost: a\r\n\r\n'),
  refused('HTTP/0.9', 'GET /\r\n'),
  refused('HTTP/2.0', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n', 505),
  refused('the beginning of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 505),
  refused(
    'the beginning of TLS',
    '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003',
  ),
  refused('a version in lower case', 'GET / http/1.1\r\nHost: a\r\n\r\n'),
  refused('a target over the limit', `GET /${'a'.repeat(9_000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414),
  refused(
    'a head over the limit',
    `GET / HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`,
    431,
  ),
  refused(
    'more fields than the limit',
    `GET / HTTP/1.1\r\nHost: a\r\n${'X: y\r\n'.repeat(150)}\r\n`,
    431,
  ),
  refused('a size with a sign', post('Transfer-Encoding: chunked', '+5\r\nhello\r\n0\r\n\r\n')),
  refused('a size with 0x', post('Transfer-Encoding: chunked', '0x5\r\nhello\r\n0\r\n\r\n')),
  refused(
    'a size with a blank after it',
    post('Transfer-Encoding: chunked', '5 \r\nhello\r\n0\r\n\r\n'),
  ),
  refused(
    'a size that wraps around in 32 bits',
    post('Transfer-Encoding: chunked', '100000005\r\nhello\r\n0\r\n\r\n'),
    413,
  ),
  refused(
    'a size that wraps around in 64 bits',
    post('Transfer-Encoding: chunked', '10000000000000005\r\nhello\r\n0\r\n\r\n'),
  ),
  refused('an endless size', post('Transfer-Encoding: chunked', '0'.repeat(300))),
  refused('an endless extension', post('Transfer-Encoding: chunked', `5;${'a'.repeat(300)}`)),
  refused('a chunk with LF alone', post('Transfer-Encoding: chunked', '5\nhello\r\n0\r\n\r\n')),
  refused('data without CR LF', post('Transfer-Encoding: chunked', '5\r\nhello0\r\n\r\n')),
  refused(
    'data longer than its size',
    post('Transfer-Encoding: chunked', '4\r\nhello\r\n0\r\n\r\n'),
  ),
  refused(
    'a trailer with a blank before the colon',
    post('Transfer-Encoding: chunked', '0\r\nX : y\r\n\r\n'),
  ),
  refused('an end with LF alone', post('Transfer-Encoding: chunked', '0\r\n\n')),
  refused(
    'endless trailers',
    post('Transfer-Encoding: chunked', `0\r\n${'X: y\r\n'.repeat(2_000)}`),
    431,
  ),
]
