/**
 * A connection without a socket: one end is the non-blocking stream that the code under test gets, the other end is
 * the test's hand. Nothing arrives, and nothing is taken, but what the test says.
 */

import { type Bytes, toBytes } from './bytes.ts'
import type { VirtualSource } from './virtual-time.ts'

export class ScriptedStream {
  onChange: ((source: VirtualSource) => void) | undefined
  lostWith: string | undefined
  readonly #arrived: Uint8Array[] = []
  readonly #written: Uint8Array[] = []
  #roomBytes = Number.POSITIVE_INFINITY
  #hasPeerEnded = false
  #isEnded = false
  #isDestroyed = false
  #holdsDescriptor = false

  // The end of the code under test.

  get isReadable(): boolean {
    return this.#arrived.length > 0 || this.#hasPeerEnded || this.lostWith !== undefined
  }

  get isWritable(): boolean {
    return !this.#isOver && !this.#isEnded && this.#roomBytes > 0
  }

  get isClosed(): boolean {
    return this.#isOver && !this.#holdsDescriptor
  }

  get peer() {
    return { address: '127.0.0.1', isSecure: false }
  }

  read(): Uint8Array | 'would-block' | 'end' {
    const chunk = this.#arrived.shift()
    if (chunk) return chunk
    return this.#hasPeerEnded || this.lostWith ? 'end' : 'would-block'
  }

  write(bytes: Uint8Array): number {
    if (this.#isEnded || this.#isOver) return 0
    const taken = Math.min(bytes.length, this.#roomBytes)
    // A copy: the writer may use its buffer again.
    if (taken > 0) this.#written.push(new Uint8Array(bytes.subarray(0, taken)))
    this.#roomBytes -= taken
    return taken
  }

  end(): void {
    this.#isEnded = true
    this.onChange?.(this)
  }

  destroy(): void {
    this.#isDestroyed = true
    this.#isEnded = true
    this.onChange?.(this)
  }

  /** Both FINs have passed, or there is nobody left: nothing more will come of it. */
  get #isOver(): boolean {
    return this.#isDestroyed || this.lostWith !== undefined || (this.#isEnded && this.#hasPeerEnded)
  }

  // The end of the test.

  /** Bytes come in, as one chunk. */
  arrive(data: Bytes): void {
    this.#arrived.push(toBytes(data))
    this.onChange?.(this)
  }

  /** The peer says FIN. */
  arriveEnd(): void {
    this.#hasPeerEnded = true
    this.onChange?.(this)
  }

  /** The connection is lost, and what has not been read with it. */
  lose(errno: string): void {
    this.#arrived.length = 0
    this.lostWith = errno
    this.onChange?.(this)
  }

  /** The kernel takes its time: the descriptor is not free, whatever has happened, before `freeDescriptor()`. */
  holdDescriptor(): void {
    this.#holdsDescriptor = true
  }

  freeDescriptor(): void {
    this.#holdsDescriptor = false
    this.onChange?.(this)
  }

  /** So many bytes are taken from now on, and then none; `Infinity` takes everything. */
  setRoom(bytes: number): void {
    this.#roomBytes = bytes
    this.onChange?.(this)
  }

  /** What was written since the last look. */
  takeWritten(): Uint8Array {
    return Buffer.concat(this.#written.splice(0))
  }

  /** Whether FIN was said. */
  get isEnded(): boolean {
    return this.#isEnded
  }

  get isDestroyed(): boolean {
    return this.#isDestroyed
  }
}
