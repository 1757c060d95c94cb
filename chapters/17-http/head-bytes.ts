/** Which bytes may stand where in the head of a message (RFC 9110 §5.5 and §5.6.2, RFC 3986 §2). */

export const HTAB = 0x09
export const LF = 0x0a
export const CR = 0x0d
export const SP = 0x20
export const COLON = 0x3a

/** Kinds of bytes, as bits: a byte may be of several kinds. */
export const TOKEN = 1 // methods and names of fields
export const VALUE = 2 // values of fields, with the blanks inside
export const TARGET = 4 // what a URI may hold, without "#"
export const BLANK = 8 // space and tab
export const HEX = 16

const KINDS = new Uint8Array(256)
mark(TOKEN, (byte) => /[!#$%&'*+.^_`|~0-9A-Za-z-]/.test(byte))
mark(VALUE, (byte) => /[\t\x20-\x7e\x80-\xff]/.test(byte))
mark(TARGET, (byte) => /[A-Za-z0-9._~:/?[\]@!$&'()*+,;=%-]/.test(byte))
mark(BLANK, (byte) => /[\t ]/.test(byte))
mark(HEX, (byte) => /[0-9A-Fa-f]/.test(byte))

/** The first place from `at` on whose byte is not of that kind; `bytes.length` if all of them are. */
export function endOfRun(bytes: Uint8Array, at: number, kind: number): number {
  let end = at
  while (end < bytes.length && (KINDS[bytes[end]] & kind) !== 0) end += 1
  return end
}

/** These bytes as text: one character for each. */
export function latin1(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.prototype.latin1Slice.call(bytes, start, end)
}

function mark(kind: number, fits: (byte: string) => boolean): void {
  for (let byte = 0; byte < 256; byte++) if (fits(String.fromCharCode(byte))) KINDS[byte] |= kind
}
