/**
 * UTF-8 that arrives in pieces, checked byte by byte (RFC 3629 §4; Unicode, table 3-7).
 *
 * Node can check a complete text (`isUtf8`), but not a piece of one, which may end inside a character. And a peer that
 * sends an impossible byte has to be told at once, not when its message is complete, which it may never be.
 *
 *   first byte   bytes to come   the next one is
 *   00–7F        0
 *   C2–DF        1               80–BF
 *   E0           2               A0–BF, or it could be shorter
 *   E1–EC EE EF  2               80–BF
 *   ED           2               80–9F, or it is half a surrogate pair
 *   F0           3               90–BF, or it could be shorter
 *   F1–F3        3               80–BF
 *   F4           3               80–8F, or it is above U+10FFFF
 */

/** Checks a text that comes in pieces. */
export interface TextCheck {
  /** Whether the text can still become valid with these bytes after the earlier ones. */
  push(bytes: Uint8Array): boolean
  /** The text is complete. Returns whether it is valid. If it is, the next byte begins another one. */
  end(): boolean
}

export class Utf8Check implements TextCheck {
  /** How many bytes of the present character are to come, and the bounds of the next of them. */
  #missing = 0
  #least = 0x80
  #most = 0xbf

  /**
   * Whether the text can still become valid with these bytes after the earlier ones: `false` at the first byte that no
   * valid text has at its place.
   *
   * @step 18.5
   */
  push(bytes: Uint8Array): boolean {
    for (let place = 0; place < bytes.length; place++) {
      const byte = bytes[place]
      if (this.#missing === 0) {
        if (byte >= 0x80 && !this.#begin(byte)) return false
      } else {
        if (byte < this.#least || byte > this.#most) return false
        this.#missing -= 1
        this.#least = 0x80
        this.#most = 0xbf
      }
    }
    return true
  }

  /**
   * The text is complete. Returns whether it is valid, which it is not in the middle of a character. If it is, the next
   * byte begins another text.
   *
   * @step 18.5
   */
  end(): boolean {
    return this.#missing === 0
  }

  /**
   * Whether a character of several bytes can begin with this one; if so, sets `#missing`, `#least` and `#most` for the
   * next byte. Not called for 00–7F.
   *
   * @step 18.5
   */
  #begin(first: number): boolean {
    if (first < 0xc2 || first > 0xf4) return false
    this.#missing = first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3
    this.#least = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80
    this.#most = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf
    return true
  }
}
