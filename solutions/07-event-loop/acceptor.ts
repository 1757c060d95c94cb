/** The queue of connections that nobody has accepted yet, as a source: readable when somebody waits in it. */

import type { ByteStream, Source } from './byte-stream.ts'

export class Acceptor implements Source {
  onChange: (() => void) | undefined
  readonly isWritable = false
  readonly isLost = false
  readonly #waiting: ByteStream[] = []

  get isReadable(): boolean {
    return this.#waiting.length > 0
  }

  /** Somebody has connected. */
  push(stream: ByteStream): void {
    this.#waiting.push(stream)
    this.onChange?.()
  }

  /** Whoever has waited longest. */
  accept(): ByteStream | 'would-block' {
    return this.#waiting.shift() ?? 'would-block'
  }
}
