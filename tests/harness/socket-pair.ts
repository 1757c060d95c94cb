/** Two ends of one connection in this process: one for the code under test, one for the test to be rude with. */

import { connect, createServer, type Socket } from 'node:net'
import { within } from './patience.ts'

export interface SocketPair {
  /** The server's end, as `serveConnections` would hand it over. */
  near: Socket
  /** The client's end; nobody reads from it yet. */
  far: Socket
  destroy(): void
}

/** The marks of the server's end are Node's own, unless `highWaterMark` says otherwise. */
export async function socketPair(highWaterMark?: number): Promise<SocketPair> {
  const { promise: accepted, resolve } = Promise.withResolvers<Socket>()
  const options = { allowHalfOpen: true, highWaterMark }
  const server = createServer(options, resolve).listen(0, '127.0.0.1')
  await new Promise((ready) => server.once('listening', ready))
  const { port } = server.address() as { port: number }
  const far = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  far.on('error', () => {})
  const near = await accepted
  near.on('error', () => {})
  server.close()
  return {
    near,
    far,
    destroy() {
      near.destroy()
      far.destroy()
    },
  }
}

/** The next so many bytes that come out of a socket that nobody else reads; fewer when it ends or nothing comes. */
export async function receive(socket: Socket, count: number, patienceMs: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  while (length < count) {
    const chunk = socket.read() as Buffer | null
    if (chunk) {
      chunks.push(chunk)
      length += chunk.length
    } else if (socket.readableEnded || socket.destroyed) break
    else if ((await within(patienceMs, readable(socket))) === 'too late') break
  }
  return Buffer.concat(chunks)
}

function readable(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      for (const event of ['readable', 'end', 'close']) socket.off(event, done)
      resolve()
    }
    for (const event of ['readable', 'end', 'close']) socket.on(event, done)
  })
}
