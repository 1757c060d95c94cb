/** A client of a server in this process, and what the server has made for it. */

import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Worker } from 'node:worker_threads'

export interface ThreadedServer {
  readonly port: number
  stats(): { threads: number }
  close(): Promise<void>
}

export type ServeInThreads = (script: URL, data: object, options: object) => Promise<ThreadedServer>

interface Visit {
  client: Socket
  /** The server's end of the connection. */
  served: Socket
  worker: Worker
  /** Whether the thread counted as soon as it was made, before it had come up. */
  countsAtOnce: boolean
}

/** Connects; the client does not end by itself at the server's FIN. */
export async function visit(server: ThreadedServer): Promise<Visit> {
  let served: Socket | undefined
  const take = (message: unknown) => {
    served ??= (message as { socket: Socket }).socket
  }
  subscribe('net.server.socket', take)
  const born = once(process, 'worker') as Promise<[Worker]>
  const before = server.stats().threads
  const client = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true })
  client.on('error', () => {})
  const [worker] = await born
  const countsAtOnce = server.stats().threads === before + 1
  unsubscribe('net.server.socket', take)
  return { client, served: served!, worker, countsAtOnce }
}

/** The socket's `'close'`, also after an error, and when it has come already. */
export async function closeOf(socket: Socket): Promise<void> {
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve))
}
