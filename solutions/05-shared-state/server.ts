/** A thread for each connection, as in chapter 04, and one memory for all of them. */

import { threadId } from 'node:worker_threads'
import {
  serveInThreads,
  type ThreadedOptions,
  type ThreadedServer,
} from '../04-thread-per-connection/server.ts'
import { GuestBook } from './guest-book.ts'
import { GUEST_BOOK, MEMORY_BYTES } from './memory.ts'
import { AtomicWords } from './shared-words.ts'

export function startServer(options: ThreadedOptions = {}): Promise<ThreadedServer> {
  const memory = new SharedArrayBuffer(MEMORY_BYTES)
  const book = new GuestBook(new AtomicWords(memory), GUEST_BOOK, threadId)
  const script = new URL('./connection.ts', import.meta.url)
  // A client that resets ends its thread at any point, even between lock and unlock.
  return serveInThreads(script, { memory }, options, (thread) => book.threadEnded(thread))
}
