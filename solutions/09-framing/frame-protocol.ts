/** Frames on a connection. It does not know what their payloads mean. */

import type { Connection, Ending, Protocol } from '../07-event-loop/connection.ts'
import { encodeFrame, FrameDecoder, MAX_FRAME_BYTES } from './frames.ts'

/** What happens on a connection that speaks frames. The protocol is passed along: one object can serve many peers. */
export interface FrameEvents {
  /** A whole frame. Its payload may lie in a larger chunk: copy it to store it. */
  onFrame(payload: Uint8Array, frames: FrameProtocol): void
  /** The peer has sent FIN, between two frames. If left out, the connection ends. */
  onEnd?(frames: FrameProtocol): void
  /** The payload of the last frame when we end the connection for a reason; no last frame if left out. */
  lastWords?(why: Ending, reason: string): Uint8Array
  onClose?(why: Ending, frames: FrameProtocol): void
}

export interface FrameOptions {
  /** The largest payload that the peer may announce, but never over `MAX_FRAME_BYTES`: we could not send that back. */
  maxFrameBytes?: number
}

export class FrameProtocol implements Protocol {
  readonly connection: Connection
  readonly #events: FrameEvents
  readonly #decoder: FrameDecoder

  constructor(
    connection: Connection,
    events: FrameEvents,
    { maxFrameBytes = MAX_FRAME_BYTES }: FrameOptions = {},
  ) {
    this.connection = connection
    this.#events = events
    this.#decoder = new FrameDecoder({ maxBytes: Math.min(maxFrameBytes, MAX_FRAME_BYTES) })
  }

  send(payload: Uint8Array): void {
    this.connection.send(encodeFrame(payload))
  }

  /**
   * Hands on frame after frame, as long as the connection is reading. An invalid length ends the connection as
   * `'too-large'`, with its reason. Returns how many bytes were taken (see `Protocol`).
   *
   * @step 09.6
   */
  onBytes(bytes: Uint8Array): number {
    let taken = 0
    while (taken < bytes.length && this.connection.isReading) {
      const decoded = this.#decoder.next(bytes, taken)
      taken = decoded.kind === 'frame' ? decoded.end : bytes.length
      if (decoded.kind === 'frame') this.#hear(decoded.payload)
      else if (decoded.kind === 'invalid') this.#endWith('too-large', decoded.reason)
    }
    return taken
  }

  /**
   * The peer has sent FIN. Inside a frame, that is an error: the connection ends as `'invalid'`, with the reason.
   * Between two frames, the events' `onEnd` is called; if they have none, the connection ends as `'finished'`.
   *
   * @step 09.6
   */
  onEnd(): void {
    const invalid = this.#decoder.end()
    if (invalid) this.#endWith('invalid', invalid.reason)
    else if (this.#events.onEnd) this.#events.onEnd(this)
    else this.connection.end('finished')
  }

  onStop(why: Ending): void {
    this.#endWith(why, why)
  }

  onClose(why: Ending): void {
    this.#events.onClose?.(why, this)
  }

  #hear(payload: Uint8Array): void {
    this.connection.heard()
    this.#events.onFrame(payload, this)
  }

  /** Tells the peer why, in a last frame, and ends its connection. Everybody else's goes on. */
  #endWith(why: Ending, reason: string): void {
    const payload = this.#events.lastWords?.(why, reason)
    this.connection.end(why, payload && encodeFrame(payload))
  }
}
