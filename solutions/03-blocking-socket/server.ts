/**
 * One thread that blocks, and so one client at a time: the next one is accepted, and waits until the first has gone.
 *
 * That is how the very first servers worked. Chapter 04 gives every client a thread of its own.
 */

import { Worker } from 'node:worker_threads'
import { type RunningServer, type ServerOptions, serveConnections } from '../01-hello/server.ts'
import { bridgeSocket } from './bridge.ts'
import type { JobName } from './jobs.ts'

export interface BlockingOptions extends ServerOptions {
  job?: JobName
}

export async function startServer({
  job = 'echo',
  ...options
}: BlockingOptions = {}): Promise<RunningServer> {
  const thread = new Worker(new URL('./thread.ts', import.meta.url), { workerData: job })
  const server = await serveConnections(options, (socket) => {
    const end = bridgeSocket(socket)
    thread.postMessage(end, [end.port])
  }).catch(async (error) => {
    await thread.terminate()
    throw error
  })
  return {
    port: server.port,
    async close() {
      await server.close()
      // The thread may be asleep in read(), and then nothing less would wake it.
      await thread.terminate()
    },
  }
}
