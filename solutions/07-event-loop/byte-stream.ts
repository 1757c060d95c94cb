/**
 * The non-blocking face of a connection: read and write return at once, with what is possible now.
 *
 * Node pushes bytes at us; here we turn pushing back into asking, which is what nginx, Redis and libuv itself are built
 * on. Bytes wait in `#inbox` until somebody reads them, and Node stops reading the socket while the inbox is full.
 */

import type { Socket } from 'node:net'

/** Something that a poller can wait for. */
export interface Source {
  /** Whether a read would return bytes or the end; for a listening socket, whether a connection waits. */
  readonly isReadable: boolean
  /** Whether a write would take something. */
  readonly isWritable: boolean
  /** Whether its descriptor is free: nothing more will happen. A poller reports that, whatever is wanted. */
  readonly isClosed: boolean
  /** Called, with the source itself, when one of the three may have become true; set by a poller. */
  onChange: ((source: Source) => void) | undefined
}

export interface ByteStream extends Source {
  /**
   * Returns bytes that have arrived and were not read, at least one; `'would-block'` when there are none yet; `'end'`
   * once all has been read and the peer has sent FIN or the connection is lost, then and ever after.
   */
  read(): Uint8Array | 'would-block' | 'end'
  /**
   * Takes as many of the bytes as there is room for and returns how many; 0 means that it would block. The bytes that
   * were taken must not change any more.
   */
  write(bytes: Uint8Array): number
  /** Sends FIN after everything that was taken. The descriptor becomes free once the peer has sent FIN as well. */
  end(): void
  /** Closes both directions, and discards what was taken but not sent. The descriptor becomes free soon. */
  destroy(): void
  /** The errno name that the connection was lost with (`ECONNRESET`, …), if it was lost. */
  readonly lostWith: string | undefined
  readonly peer: Peer
}

/** Who is at the other end. */
export interface Peer {
  /** Its IP address; `''` when the connection was lost before anybody asked. */
  readonly address: string
  /** Whether the bytes on the wire are encrypted. */
  readonly isSecure: boolean
}

/** Node stops reading the socket while this many bytes wait in the inbox; the last chunk may exceed the limit. */
const INBOX_BYTES = 64 * 1024

/** When more chunks than this wait, small ones are joined, up to so many bytes. */
const FEW_CHUNKS = 16
const JOINED_BYTES = 2 * 1024

/** How often Node is made to look at a socket that it does not read. */
const PROBE_MS = 1_000

/** Where a socket's listeners find its stream: five closures for each of 10,000 sockets would be 5 MB. */
const STREAM = Symbol('stream')
type StreamSocket = Socket & { [STREAM]: NetStream }

/** A byte stream over Node's own socket, plain or TLS: what Node pushes waits here until somebody reads it. */
export class NetStream implements ByteStream {
  onChange: ((source: Source) => void) | undefined
  lostWith: string | undefined
  isClosed = false
  readonly #socket: Socket
  /** Chunks that have arrived and were not read, oldest first, and how many bytes they are. */
  #inbox: Uint8Array[] = []
  #inboxBytes = 0
  #hasEnded = false
  #prober: NodeJS.Timeout | undefined

  constructor(socket: Socket) {
    this.#socket = socket
    Object.assign(socket, { [STREAM]: this })
    for (const [event, listener] of Object.entries(NetStream.#LISTENERS)) socket.on(event, listener)
  }

  static readonly #LISTENERS = {
    data(this: StreamSocket, chunk: Buffer) {
      this[STREAM].#receive(chunk)
    },
    drain(this: StreamSocket) {
      this[STREAM].#tellChange()
    },
    end(this: StreamSocket) {
      this[STREAM].#hasEnded = true
      this[STREAM].#startProbing()
      this[STREAM].#tellChange()
    },
    error(this: StreamSocket, error: NodeJS.ErrnoException) {
      this[STREAM].lostWith = error.code ?? 'ECONNRESET'
    },
    close(this: StreamSocket) {
      const stream = this[STREAM]
      stream.isClosed = true
      clearInterval(stream.#prober)
      if (!stream.#hasEnded) stream.lostWith ??= 'ECONNRESET'
      stream.#tellChange()
    },
  }

  get isReadable(): boolean {
    return this.#inbox.length > 0 || this.#hasEnded || this.lostWith !== undefined
  }

  get isWritable(): boolean {
    return this.#socket.writable && this.#room > 0
  }

  get peer(): Peer {
    const { remoteAddress = '' } = this.#socket
    return { address: remoteAddress, isSecure: 'encrypted' in this.#socket }
  }

  /**
   * See `ByteStream`. Returns the oldest chunk, or all that has arrived: the caller must cope with either. Returns
   * `'end'` only when nothing is left. A paused socket stays paused while `INBOX_BYTES` are left, and is resumed at the
   * latest when nothing is left.
   *
   * @step 07.1
   */
  read(): Uint8Array | 'would-block' | 'end' {
    const chunk = this.#inbox.shift()
    if (!chunk) return this.#hasEnded || this.lostWith ? 'end' : 'would-block'
    this.#inboxBytes -= chunk.length
    if (this.#inboxBytes < INBOX_BYTES && this.#socket.isPaused()) this.#socket.resume()
    return chunk
  }

  /**
   * See `ByteStream`. There is room while fewer bytes than the socket's high-water mark wait to be sent, but none after
   * our own FIN or on a connection that is gone. The peer's FIN changes nothing: it may still be listening.
   *
   * @step 07.2
   */
  write(bytes: Uint8Array): number {
    if (!this.#socket.writable) return 0
    const taken = Math.min(bytes.length, Math.max(0, this.#room))
    if (taken > 0) this.#socket.write(taken < bytes.length ? bytes.subarray(0, taken) : bytes)
    return taken
  }

  end(): void {
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #tellChange(): void {
    this.onChange?.(this)
  }

  /** A full inbox makes Node stop reading; then the kernel's buffer fills, and then the peer's. */
  #receive(chunk: Uint8Array): void {
    // Pushing onto an empty array makes room for seventeen.
    if (this.#inbox.length === 0) this.#inbox = [chunk]
    else this.#putBehindOthers(chunk)
    this.#inboxBytes += chunk.length
    if (this.#inboxBytes >= INBOX_BYTES) {
      this.#socket.pause()
      this.#startProbing()
    }
    this.#tellChange()
  }

  /** Of many chunks, small ones become one: to take out 60,000 of a byte each, one by one, would cost seconds. */
  #putBehindOthers(chunk: Uint8Array): void {
    const last = this.#inbox.length - 1
    if (last < FEW_CHUNKS || this.#inbox[last].length + chunk.length > JOINED_BYTES)
      this.#inbox.push(chunk)
    else this.#inbox[last] = Buffer.concat([this.#inbox[last], chunk])
  }

  /**
   * Node notices that a connection is lost only while it reads or writes it. A write of no bytes is enough: the kernel
   * returns the error, if there is one (tcp(7), `SO_ERROR`). While a write waits, Node sees it by itself.
   */
  #startProbing(): void {
    this.#prober ??= setInterval(() => this.#probe(), PROBE_MS).unref()
  }

  #probe(): void {
    const isRead = !this.#socket.isPaused() && !this.#hasEnded
    if (isRead) {
      clearInterval(this.#prober)
      this.#prober = undefined
    } else if (this.#socket.writable && this.#socket.writableLength === 0) this.#socket.write('')
  }

  /** How many bytes the socket's queue has room for. */
  get #room(): number {
    return this.#socket.writableHighWaterMark - this.#socket.writableLength
  }
}
