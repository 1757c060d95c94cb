/**
 * A byte stream that can be paused: as long as it is, it has nothing to read, whatever has arrived.
 *
 * Nobody above has to know: to a level-triggered poller a paused stream is a quiet one. A lost connection shows
 * all the same.
 */

import type { ByteStream } from '../07-event-loop/byte-stream.ts'

export class PausableStream implements ByteStream {
  onChange: (() => void) | undefined
  readonly #stream: ByteStream
  #isPaused = false

  constructor(stream: ByteStream) {
    this.#stream = stream
    stream.onChange = () => this.onChange?.()
  }

  get isReadable(): boolean {
    return this.lostWith !== undefined || (!this.#isPaused && this.#stream.isReadable)
  }

  get isWritable(): boolean {
    return this.#stream.isWritable
  }

  get isLost(): boolean {
    return this.#stream.isLost
  }

  get lostWith(): string | undefined {
    return this.#stream.lostWith
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.onChange?.()
  }

  read(): Uint8Array | 'would-block' | 'end' {
    return this.#stream.read()
  }

  write(bytes: Uint8Array): number {
    return this.#stream.write(bytes)
  }

  end(): void {
    this.#stream.end()
  }

  destroy(): void {
    this.#stream.destroy()
  }
}
