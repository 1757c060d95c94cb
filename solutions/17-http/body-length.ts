/**
 * How long the body of a request is (RFC 9112 §6). The danger is smuggling: when two servers in a row disagree about
 * where a body ends, one of them takes the rest of it for a request. So whatever could be read in two ways is refused.
 */

import { type HeaderFields, type Invalid, invalid, withoutBlanks } from './http-message.ts'

export type BodyLength =
  | { kind: 'none' }
  | { kind: 'bytes'; bytes: number }
  | { kind: 'chunked' }
  | Invalid

const NONE: BodyLength = { kind: 'none' }
const CHUNKED: BodyLength = { kind: 'chunked' }
const BOTH = invalid(400, 'A body has a Content-Length or a Transfer-Encoding, not both.')
const BAD_CODING = invalid(400, 'A Transfer-Encoding is "chunked", once, and nothing behind it.')
const OLD_CODING = invalid(400, 'HTTP/1.0 knows no Transfer-Encoding.')
const UNKNOWN_CODING = invalid(501, 'This server knows no Transfer-Encoding but "chunked".')
const BAD_LENGTH = invalid(400, 'A Content-Length is one number, in decimal digits.')

/**
 * Returns the length of the body of a request with these fields. With neither of the two fields there is no body;
 * `Content-Length: 0` states a length of 0 bytes. The request is refused
 * - with 400: both lengths at once, whatever they say; a coding in 1.0; `chunked` before the last place, so also twice;
 *   an empty element in the list of codings; a `Content-Length` that is not digits alone, has zeros in front (some
 *   servers read that as octal), or appears twice, even with the same value;
 * - with 501: other codings;
 * - with 413: a length over `maxBytes`.
 *
 * Spaces and tabs may stand around a coding, but no other blanks. Ten times as many bytes take ten times as long, not a
 * hundred times.
 *
 * @step 17.2
 */
export function bodyLength(
  headers: HeaderFields,
  version: '1.0' | '1.1',
  maxBytes: number,
): BodyLength {
  const coding = headers.get('transfer-encoding')
  const length = headers.get('content-length')
  if (coding !== undefined && length !== undefined) return BOTH
  if (coding !== undefined) return version === '1.0' ? OLD_CODING : checkCoding(coding)
  if (length === undefined) return NONE
  if (!/^(?:0|[1-9][0-9]*)$/.test(length)) return BAD_LENGTH
  const bytes = Number(length)
  return bytes > maxBytes ? tooLarge(maxBytes) : { kind: 'bytes', bytes }
}

/** @step 17.2 */
function checkCoding(value: string): BodyLength {
  const codings = value.toLowerCase().split(',').map(withoutBlanks)
  const place = codings.indexOf('chunked')
  if (place === 0 && codings.length === 1) return CHUNKED
  const isInFront = place >= 0 && place < codings.length - 1
  return codings.includes('') || isInFront ? BAD_CODING : UNKNOWN_CODING
}

export function tooLarge(maxBytes: number): Invalid {
  return invalid(413, `A body has ${maxBytes} bytes at most.`)
}
