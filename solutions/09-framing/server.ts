/**
 * Frames in, the same frames out, for any number of clients on one loop.
 *
 * A client that breaks the protocol is told so in a last frame, `error` and the reason, and its connection ends.
 */

import type { ByteStream, Source } from '../07-event-loop/byte-stream.ts'
import type { EventLoop } from '../07-event-loop/event-loop.ts'
import { type LoopOptions, type LoopServer, serveOnLoop } from '../07-event-loop/server.ts'
import { encodeFrame, FrameDecoder } from './frames.ts'

export interface FrameServerOptions extends LoopOptions {
  /** The largest payload that a client may announce. */
  maxFrameBytes?: number
}

export function startServer({
  maxFrameBytes,
  ...options
}: FrameServerOptions = {}): Promise<LoopServer> {
  return serveOnLoop(options, (stream, loop) => {
    new FrameEcho(stream, loop, new FrameDecoder({ maxBytes: maxFrameBytes }))
  })
}

const READING = { readable: true, writable: false }
const WRITING = { readable: false, writable: true }

/** One client: what it says goes through the decoder, what it has not taken yet waits in `#unsent`. */
class FrameEcho {
  readonly #stream: ByteStream
  readonly #loop: EventLoop<Source>
  readonly #decoder: FrameDecoder
  /** Said in this turn; goes out at its end. */
  #said: Uint8Array[] = []
  #unsent: Uint8Array = new Uint8Array()
  /** Nothing more is to be said: FIN follows what is unsent. */
  #isEnding = false
  #isFinSent = false
  #isFinReceived = false

  constructor(stream: ByteStream, loop: EventLoop<Source>, decoder: FrameDecoder) {
    this.#stream = stream
    this.#loop = loop
    this.#decoder = decoder
    loop.add(stream, READING, ({ readable }) => {
      if (readable) this.#receive()
      this.#send()
    })
  }

  /**
   * One turn: reads once, and says every whole frame back. At the client's end nothing more is to be said. A client that
   * the decoder finds invalid, at its end or before, is refused. What it sends after that is read and thrown away.
   *
   * @step 09.6
   */
  #receive(): void {
    const bytes = this.#stream.read()
    if (bytes === 'would-block') return
    if (bytes === 'end') {
      this.#isFinReceived = true
      const invalid = this.#decoder.end()
      if (invalid) this.#refuse(invalid.reason)
      this.#isEnding = true
      return
    }
    for (const decoded of this.#decoder.push(bytes)) {
      if (decoded.kind === 'frame') this.#say(decoded.payload)
      else this.#refuse(decoded.reason)
    }
  }

  /**
   * Says why, in a frame of `error `, the reason; then nothing more. The loop and everybody else on it go on.
   *
   * @step 09.6
   */
  #refuse(reason: string): void {
    this.#say(Buffer.from(`error ${reason}`))
    this.#isEnding = true
  }

  #say(payload: Uint8Array): void {
    this.#said.push(encodeFrame(payload))
  }

  /**
   * Sends what the client takes; while something is left, nothing is read. Behind the last frame goes FIN. Whoever has
   * been refused and sends on is read until its own FIN: closing over unread bytes would reset the connection, and the
   * reason would be lost.
   */
  #send(): void {
    this.#unsent = Buffer.concat([this.#unsent, ...this.#said])
    this.#said = []
    this.#unsent = this.#unsent.subarray(this.#stream.write(this.#unsent))
    if (this.#isEnding && !this.#isFinSent && this.#unsent.length === 0) {
      this.#isFinSent = true
      this.#stream.end()
    }
    if (this.#stream.lostWith || (this.#isFinSent && this.#isFinReceived)) {
      this.#loop.remove(this.#stream)
    } else this.#loop.modify(this.#stream, this.#unsent.length > 0 ? WRITING : READING)
  }
}
