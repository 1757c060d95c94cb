/**
 * What a chat session talks to. The session does not know which transport is beneath: frames over TCP here, WebSocket
 * in chapter 18, an array in the tests.
 */

import type { Ending } from '../07-event-loop/connection.ts'
import { ENDINGS } from './codes.ts'

export interface Peer {
  /** Its IP address. */
  readonly address: string
  /**
   * Sends a message after everything sent before. Returns `false` when the peer can be told nothing more: its
   * connection is ending, or more waits for it than is allowed. Never calls back into the session.
   */
  send(message: Outgoing): boolean
  /** Ends the connection after everything sent; `lastWords(why)`, if there are any, are sent last. */
  close(why: Ending): void
  /** Takes no more requests from the peer until `resume`. */
  pause(): void
  resume(): void
}

/** How a door turns a message into bytes. */
export type Encode = (text: string) => Uint8Array

/** A message on its way out. Each door encodes it once, whatever the number of peers behind that door. */
export class Outgoing {
  readonly text: string
  readonly #encodings = new Map<Encode, Uint8Array>()

  constructor(message: object) {
    this.text = JSON.stringify(message)
  }

  /** The bytes that this door sends. All peers share them: they must not be changed. */
  encodedBy(encode: Encode): Uint8Array {
    let bytes = this.#encodings.get(encode)
    if (!bytes) {
      bytes = encode(this.text)
      this.#encodings.set(encode, bytes)
    }
    return bytes
  }
}

/** The last message for a peer whose connection ends; `undefined` when there is nothing to complain about. */
export function lastWords(why: Ending): Outgoing | undefined {
  if (why === 'finished') return undefined
  return new Outgoing({ type: 'error', code: why, text: ENDINGS[why].text })
}
