/** A thread for each connection, as in chapter 04, and one memory for all of them. */

import {
  serveInThreads,
  type ThreadedOptions,
  type ThreadedServer,
} from '../04-thread-per-connection/server.ts'
import { MEMORY_BYTES } from './memory.ts'

export function startServer(options: ThreadedOptions = {}): Promise<ThreadedServer> {
  const memory = new SharedArrayBuffer(MEMORY_BYTES)
  return serveInThreads(new URL('./connection.ts', import.meta.url), { memory }, options)
}
