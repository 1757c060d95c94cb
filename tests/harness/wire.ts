/**
 * One end of a TCP connection, for a client that needs to know exactly what happened on it.
 *
 * It reads all the time unless told to stop, so that a server is never held back by accident; what has arrived
 * waits in order until somebody takes it.
 */

import { connect, type Socket } from 'node:net'
import { PATIENCE_MS, within } from './patience.ts'

/** What a wire tells as it happens. */
export interface WireListener {
  onBytes(bytes: Uint8Array): void
  /** The server's FIN. */
  onEnd(): void
  /** The connection is gone without one; `code` as in errno(3). */
  onLost(code: string): void
}

export class Wire {
  readonly #socket: Socket
  readonly #listener: WireListener
  #inbox: Uint8Array[] = []
  #hasEnded = false
  #lostWith: string | undefined
  #isReading = true
  #wake: () => void = () => {}

  constructor(socket: Socket, listener: WireListener) {
    this.#socket = socket
    this.#listener = listener
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.#onData(chunk))
    socket.on('end', () => this.#onEnd())
    socket.on('error', (error: NodeJS.ErrnoException) => this.#onError(error))
    socket.on('close', () => this.#wake())
  }

  /** The server has said FIN. */
  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** The errno name that the connection was lost with, if it was. */
  get lostWith(): string | undefined {
    return this.#lostWith
  }

  /** Whether bytes wait to be taken. */
  get pending(): Uint8Array | undefined {
    return this.#inbox[0]
  }

  /** Resolves when the kernel has the bytes, or when the connection is gone. */
  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      if (this.#socket.destroyed) return resolve()
      this.#socket.write(bytes, () => resolve())
    })
  }

  /** FIN, behind everything that was written. */
  async end(): Promise<void> {
    await within(PATIENCE_MS, new Promise<void>((resolve) => this.#socket.end(resolve)))
  }

  /** RST. */
  reset(): void {
    this.#socket.resetAndDestroy()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  stopReading(): void {
    this.#isReading = false
    this.#socket.pause()
  }

  startReading(): void {
    this.#isReading = true
    this.#socket.resume()
  }

  /** Resolves when something arrives or the connection ends; at once when that has already happened. */
  arrival(): Promise<void> {
    if (this.#inbox.length > 0 || this.isOver) return Promise.resolve()
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  /**
   * At most `maxBytes` of what came next; `undefined` when nothing comes any more, or `arrives` says so. A wire that
   * does not read reads just for this.
   */
  async take(
    maxBytes: number,
    arrives: (arrival: Promise<void>) => Promise<boolean>,
  ): Promise<Uint8Array | undefined> {
    if (!this.#isReading) this.#socket.resume()
    while (this.#inbox.length === 0) {
      if (this.isOver || !(await arrives(this.arrival()))) return undefined
    }
    if (!this.#isReading) this.#socket.pause()
    const chunk = this.#inbox[0]
    if (chunk.length <= maxBytes) return this.#inbox.shift()
    this.#inbox[0] = chunk.subarray(maxBytes)
    return chunk.subarray(0, maxBytes)
  }

  /** Puts back what was taken too much. */
  putBack(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#inbox.unshift(bytes)
  }

  /** Nothing will arrive or leave any more. */
  get isOver(): boolean {
    return this.#hasEnded || this.#lostWith !== undefined || this.#socket.closed
  }

  #onData(chunk: Uint8Array): void {
    this.#listener.onBytes(chunk)
    this.#inbox.push(chunk)
    this.#wake()
  }

  #onEnd(): void {
    this.#listener.onEnd()
    this.#hasEnded = true
    this.#wake()
  }

  #onError(error: NodeJS.ErrnoException): void {
    if (this.#lostWith) return
    this.#lostWith = error.code ?? error.message
    this.#listener.onLost(this.#lostWith)
    this.#wake()
  }
}

/** A fresh connection, and `'connected'` or the errno name of why there is none. */
export async function dial(port: number): Promise<{ socket: Socket; outcome: string }> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  const outcome = new Promise<string>((resolve) => {
    socket.once('connect', () => resolve('connected'))
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
  })
  return { socket, outcome: await within(PATIENCE_MS, outcome) }
}
