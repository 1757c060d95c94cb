/**
 * The non-blocking face of a connection: read and write return at once, with what is possible now.
 *
 * Node pushes bytes at us; here we turn that back into asking, which is what nginx, Redis and libuv itself are built
 * on. The bytes wait in the socket's own buffer until we ask, and no longer than that buffer allows does Node read on.
 */

import type { Socket } from 'node:net'

/** Something that a poller can wait for. */
export interface Source {
  /** Whether a read would answer at once, with bytes or the end; for a listening socket, whether somebody waits. */
  readonly isReadable: boolean
  /** Whether a write would take something, or never will again because the connection is lost. */
  readonly isWritable: boolean
  /** Whether it is broken for good: a poller reports that whatever is wanted of it. */
  readonly isLost: boolean
  /** The one who is told that either of them may have become true; a poller, or nobody. */
  onChange: (() => void) | undefined
}

export interface ByteStream extends Source {
  /**
   * What has arrived and not been read: at least a byte. `'would-block'` when that is nothing, `'end'` after the peer's
   * FIN and when the connection is lost, then and ever after.
   */
  read(): Uint8Array | 'would-block' | 'end'
  /** Takes as many of the bytes as there is room for, and answers how many; 0 means that it would block. */
  write(bytes: Uint8Array): number
  /** FIN, behind everything that was taken. */
  end(): void
  /** Closes both directions now; what was taken and not sent is forgotten. */
  destroy(): void
  /** The errno name that the connection was lost with (`ECONNRESET`, …), if it was. */
  readonly lostWith: string | undefined
}

/** So many bytes may wait to be read; a chunk on top of that, because Node reads up to 64 KiB at a time. */
const INBOX_BYTES = 64 * 1024

/** A byte stream over Node's own socket: what Node pushes waits here until it is asked for. */
export class NetStream implements ByteStream {
  onChange: (() => void) | undefined
  lostWith: string | undefined
  readonly #socket: Socket
  /** Chunks that have come and not been read, oldest first, and how many bytes they are. */
  readonly #inbox: Uint8Array[] = []
  #inboxBytes = 0
  #hasEnded = false

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('drain', () => this.onChange?.())
    socket.on('end', () => {
      this.#hasEnded = true
      this.onChange?.()
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.lostWith = error.code ?? 'ECONNRESET'
    })
    socket.on('close', () => {
      if (!this.#hasEnded) this.lostWith ??= 'ECONNRESET'
      this.onChange?.()
    })
  }

  get isReadable(): boolean {
    return this.#inbox.length > 0 || this.#hasEnded || this.isLost
  }

  get isWritable(): boolean {
    return this.isLost || (this.#socket.writable && this.#room > 0)
  }

  get isLost(): boolean {
    return this.lostWith !== undefined
  }

  /**
   * See `ByteStream`. One chunk at a time; the socket goes on when few enough bytes are left.
   *
   * @step 07.1
   */
  read(): Uint8Array | 'would-block' | 'end' {
    // TODO 07.1
    throw new Error('TODO 07.1')
  }

  /**
   * See `ByteStream`. There is room as long as fewer bytes than the socket's high-water mark wait to be sent.
   *
   * @step 07.2
   */
  write(bytes: Uint8Array): number {
    // TODO 07.2
    throw new Error('TODO 07.2')
  }

  end(): void {
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** What is not read in time makes Node stop reading, and then the kernel, and then the peer. */
  #receive(chunk: Uint8Array): void {
    this.#inbox.push(chunk)
    this.#inboxBytes += chunk.length
    if (this.#inboxBytes >= INBOX_BYTES) this.#socket.pause()
    this.onChange?.()
  }

  /** How many bytes the socket's queue has room for. */
  get #room(): number {
    return this.#socket.writableHighWaterMark - this.#socket.writableLength
  }
}
