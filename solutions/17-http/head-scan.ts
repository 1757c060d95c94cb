/**
 * The lines of a head, byte by byte (RFC 9112 §2 to §5).
 *
 * A scan says where a line ends, or that its end has not arrived yet, or that a byte cannot stand where it does. It may
 * say the last at once, or only when the line ends: until then nobody acts on the line, and a head has a limit and a
 * deadline. A scan makes no text of the bytes: it adds places to `spans`, and the text is made when the head is
 * complete. A tolerant scan is a hole: what we would let pass, the proxy before us may have read in another way.
 */

import {
  BLANK,
  COLON,
  CR,
  endOfRun,
  HTAB,
  LF,
  latin1,
  SP,
  TARGET,
  TOKEN,
  VALUE,
} from './head-bytes.ts'
import { type Invalid, invalid } from './http-message.ts'

/** The place after the line. */
export type Scan = number | 'incomplete' | Invalid

/** RFC 9112 §3 asks for 8,000 at least. */
export const MAX_TARGET_BYTES = 8_000

const NO_METHOD = invalid(400, 'A request line begins with a method and one space.')
const NO_TARGET = invalid(400, 'Behind the method stands a target, and one space.')
const LONG_TARGET = invalid(414, `A target has ${MAX_TARGET_BYTES} bytes at most.`)
const NO_VERSION = invalid(400, 'A request line ends with HTTP/1.1 or HTTP/1.0.')
const OTHER_VERSION = invalid(505, 'This server speaks HTTP/1.1 and HTTP/1.0.')
const NO_NAME = invalid(400, 'A field begins with its name and a colon, without a blank.')
const NO_LINE_END = invalid(400, 'A line ends with CR LF, and has no control characters.')

/**
 * Scans the request line that begins at `at`: method, target and version, with one space between (§3). Adds to `spans`
 * where method, target and version begin and end. A target over `MAX_TARGET_BYTES` is invalid as soon as that is known.
 *
 * @step 17.1
 */
export function scanRequestLine(bytes: Uint8Array, at: number, spans: number[]): Scan {
  const method = endOfRun(bytes, at, TOKEN)
  if (method === bytes.length) return 'incomplete'
  if (method === at || bytes[method] !== SP) return NO_METHOD
  const target = endOfRun(bytes, method + 1, TARGET)
  if (target - method > MAX_TARGET_BYTES + 1) return LONG_TARGET
  if (target === bytes.length) return 'incomplete'
  if (target === method + 1 || bytes[target] !== SP) return NO_TARGET
  const version = endOfRun(bytes, target + 1, TARGET)
  const end = scanLineEnd(bytes, version)
  if (typeof end !== 'number') return end
  spans.push(at, method, method + 1, target, target + 1, version)
  return checkVersion(latin1(bytes, target + 1, version)) ?? end
}

/**
 * Scans the field line that begins at `at`: a name, a colon directly after it, a value (§5). Adds to `spans` where name
 * and value begin and end. The blanks around a value do not belong to it; only spaces and tabs are blanks. A value may
 * be empty. In old messages, a line that begins with a blank continues the line before it (§5.2). Here it is invalid,
 * like anything else without a name. Ten times as many bytes take ten times as long, not a hundred times.
 *
 * @step 17.1
 */
export function scanField(bytes: Uint8Array, at: number, spans: number[]): Scan {
  const colon = endOfRun(bytes, at, TOKEN)
  if (colon === bytes.length) return 'incomplete'
  if (colon === at || bytes[colon] !== COLON) return NO_NAME
  const value = endOfRun(bytes, colon + 1, BLANK)
  const stop = endOfRun(bytes, value, VALUE)
  const end = scanLineEnd(bytes, stop)
  if (typeof end === 'number') spans.push(at, colon, value, withoutBlanks(bytes, value, stop))
  return end
}

/** Scans CR LF, which has to stand at `at`. */
export function scanLineEnd(bytes: Uint8Array, at: number): Scan {
  if (at < bytes.length && bytes[at] !== CR) return NO_LINE_END
  if (at + 1 < bytes.length && bytes[at + 1] !== LF) return NO_LINE_END
  return at + 2 <= bytes.length ? at + 2 : 'incomplete'
}

/** Where the value ends, without the blanks that may follow it. */
function withoutBlanks(bytes: Uint8Array, start: number, end: number): number {
  let stop = end
  while (stop > start && (bytes[stop - 1] === SP || bytes[stop - 1] === HTAB)) stop -= 1
  return stop
}

/** What is wrong with a version, if anything. Later versions 1.x are understood as 1.1 is (RFC 9110 §2.5). */
function checkVersion(version: string): Invalid | undefined {
  if (version === 'HTTP/1.1') return undefined
  if (!/^HTTP\/\d\.\d$/.test(version)) return NO_VERSION
  return version.startsWith('HTTP/1.') ? undefined : OTHER_VERSION
}
