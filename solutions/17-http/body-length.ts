/**
 * How long the body of a request is (RFC 9112 §6). The villain is smuggling: where two servers in a row disagree about a
 * body's end, the rest of it is a request to one of them. So whatever could be read in two ways is refused.
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
 * The length of the body of a request with these fields. Both lengths at once, whatever they say; a coding in 1.0;
 * `chunked` before the last place, so also twice; an empty element in the list: 400. Other codings: 501. Around a coding
 * may stand spaces and tabs, and no other blanks. A `Content-Length` that is not digits alone, or has zeros in front (some
 * read octal numbers there), or comes twice, even if both are the same: 400. Over `maxBytes`: 413. Ten times as many bytes
 * cost ten times the time, not a hundred times.
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
