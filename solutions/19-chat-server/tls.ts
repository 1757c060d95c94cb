/**
 * TLS around sockets that were accepted, and a certificate that can be replaced while the server runs.
 *
 *   accept ─▶ count ─▶ secure(socket) ─▶ ByteStream ─▶ Connection, as without TLS
 *
 * The socket is accepted and counted before anything is said on it. With `tls.Server`, nobody counts a client that
 * connects and says nothing, and it holds `close()` open for as long as it likes. A peer that ends with FIN and without
 * TLS' own goodbye has ended: framing knows what a whole message is.
 */

import { constants } from 'node:crypto'
import type { Socket } from 'node:net'
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls'
import type { Timers } from '../16-client/timers.ts'

/** PEM: a private key, and its certificate with all certificates between that and the root. */
export interface Certificate {
  key: string
  cert: string
}

/** How a handshake ended; nothing is said on a connection unless it was `done`. */
export type Handshake = 'done' | 'failed' | 'late'

export interface TlsOptions {
  /** Reads the certificate as it is now; rejects, or throws, if that fails. */
  load: () => Promise<Certificate>
  timers: Timers
  /** How long a peer has for its handshake. */
  handshakeMs: number
  onHandshake(how: Handshake): void
  onReload(error: Error | undefined): void
}

export class Tls {
  readonly #options: TlsOptions
  #context: SecureContext
  /** The number of the reload that `#context` came from, and of the newest. */
  #current = 0
  #newest = 0

  private constructor(options: TlsOptions, context: SecureContext) {
    this.#options = options
    this.#context = context
  }

  /** Rejects when the certificate cannot be used. */
  static async open(options: TlsOptions): Promise<Tls> {
    return new Tls(options, makeContext(await options.load()))
  }

  /**
   * The TLS socket around one that was just accepted, as the server, with the present certificate. `onHandshake` is
   * told once how the handshake ended: `done`; `late` if it was not done within `handshakeMs`; `failed` if the
   * connection ended first, whoever ended it. A connection whose handshake is not `done` is destroyed, and leaves no
   * timer armed.
   *
   * @step 19.4
   */
  secure(socket: Socket): TLSSocket {
    const { timers, handshakeMs, onHandshake } = this.#options
    const secured = new TLSSocket(socket, { isServer: true, secureContext: this.#context })
    let isOver = false
    const end = (how: Handshake) => {
      if (isOver) return
      isOver = true
      timers.cancel(deadline)
      onHandshake(how)
      if (how !== 'done') secured.destroy()
    }
    const deadline = timers.after(handshakeMs, () => end('late'))
    secured.on('secure', () => end('done'))
    secured.on('close', () => end('failed'))
    return secured
  }

  /**
   * Reads the certificate again, for connections that are accepted from now on; those that are open keep theirs. A
   * certificate that cannot be read or used changes nothing. Each call reads for itself, and waits for no other. If
   * several reloads overlap, what the newest has read counts, if that can be used. `onReload` is told once how each one
   * ended, with the error if it failed, even if a newer one has overtaken it. Never rejects, unless `onReload` throws.
   *
   * @step 19.4
   */
  async reload(): Promise<void> {
    this.#newest += 1
    const number = this.#newest
    try {
      const context = makeContext(await this.#options.load())
      if (number > this.#current) {
        this.#current = number
        this.#context = context
      }
    } catch (error) {
      return this.#options.onReload(error as Error)
    }
    // Not inside the `try`: an `onReload` that throws would be told a second time, of its own error.
    this.#options.onReload(undefined)
  }
}

/**
 * Closes the connection at a fault after the handshake, a damaged record, for example. Only a socket of a `tls.Server`
 * emits `'error'` then. With ours, Node closes nothing, and tells it by an event that it does not document.
 */
export function destroyAtFault(secured: TLSSocket): TLSSocket {
  return secured.on('_tlsError', (error: Error) => secured.destroy(error))
}

/** The context for handshakes. Throws one sentence when key and certificate do not belong together. */
function makeContext({ key, cert }: Certificate): SecureContext {
  // OpenSSL takes an empty text for no certificate, which is legal, and then every handshake fails.
  if (key.trim() === '' || cert.trim() === '') throw new Error('The file is empty.')
  try {
    // In TLS 1.2, a client may ask for a new handshake at any time, which costs the server more than the client.
    const secureOptions = constants.SSL_OP_NO_RENEGOTIATION
    return createSecureContext({ key, cert, minVersion: 'TLSv1.2', secureOptions })
  } catch (error) {
    throw new Error(`Key and certificate cannot be used: ${(error as Error).message}`)
  }
}
