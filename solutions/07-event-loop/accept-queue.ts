/** Connections that nobody has accepted yet, as a source: readable while one of them waits. */

import type { ByteStream, Source } from './byte-stream.ts'

export class AcceptQueue implements Source {
  onChange: ((source: Source) => void) | undefined
  readonly isWritable = false
  readonly isClosed = false
  readonly #waiting: ByteStream[] = []

  get isReadable(): boolean {
    return this.#waiting.length > 0
  }

  /** A peer has connected. */
  push(stream: ByteStream): void {
    this.#waiting.push(stream)
    this.onChange?.(this)
  }

  /** Returns the connection that has waited longest. */
  accept(): ByteStream | 'would-block' {
    return this.#waiting.shift() ?? 'would-block'
  }
}
