/**
 * The main thread's part: it accepts connections and moves each to another thread before a byte of it is read.
 *
 * A socket that has moved is gone here: its descriptor belongs to the other thread, and this object only emits 'close'.
 * What the client sends meanwhile waits in the kernel.
 */

import { closeSync, openSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { devNull } from 'node:os'
import type { Worker } from 'node:worker_threads'

/**
 * Returns a server, not listening yet, that hands over each new connection with nothing read from it, however long it
 * is left alone. The connection does not end by itself when its peer sends FIN.
 *
 * @step 12.1
 */
export function createAcceptor(onSocket: (socket: Socket) => void): Server {
  // TODO 12.1
  throw new Error('TODO 12.1')
}

/**
 * Moves the socket to `thread`, which receives it as a message: the message is the socket itself.
 *
 * Throws when Node refuses (`ERR_WORKER_HANDLE_NOT_TRANSFERABLE`), because a byte of it has been read or written here:
 * that is our bug, and must be seen.
 *
 * @step 12.1
 */
export function moveSocket(socket: Socket, thread: Worker): void {
  // TODO 12.1
  throw new Error('TODO 12.1')
}

/**
 * Whether a socket can be moved: for a moment that takes a second descriptor (`dup(2)`). Where none is free, Node emits
 * nothing, the socket arrives nowhere, and its descriptor is never closed.
 */
export function canMove(): boolean {
  try {
    closeSync(openSync(devNull, 'r'))
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code !== 'EMFILE' && code !== 'ENFILE'
  }
}
