/**
 * What a thread and its bridge share: two message queues, and three words of memory.
 *
 * Messages carry the bytes. The words exist because a thread can sleep until a word changes (`Atomics.wait`), but not
 * until a message arrives: `receiveMessageOnPort` looks and returns at once.
 */

import type { MessagePort } from 'node:worker_threads'

/** The thread's end of the bridge, as it is sent to the thread. */
export interface ThreadEnd {
  port: MessagePort
  /** Holds the words below; an `Int32Array` over it gives access to them. */
  shared: SharedArrayBuffer
}

/** Counts the events that the thread may wait for, modulo 2³². The only word that `tellNews()` notifies. */
export const NEWS = 0

/** How many of the thread's bytes the kernel has taken, modulo 2³². */
export const FLUSHED = 1

/** 1 once we have said FIN or the connection is gone: what is written after that goes nowhere. */
export const CLOSED = 2

export const WORDS = 3

/** How many bytes each direction may hold between socket and thread before the sender has to wait. */
export const WINDOW_BYTES = 64 * 1024

/** From the bridge to the thread. */
export type ToThread =
  | { kind: 'bytes'; bytes: Uint8Array }
  /** The peer's FIN. */
  | { kind: 'end' }
  /** The peer vanished; `code` as in errno(3). */
  | { kind: 'lost'; code: string }

/** From the thread to the bridge. */
export type FromThread =
  | { kind: 'bytes'; bytes: Uint8Array }
  | { kind: 'end' }
  /** The thread has taken this many bytes: there is room for as many more. */
  | { kind: 'taken'; bytes: number }
