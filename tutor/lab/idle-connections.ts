/** Connections that say nothing: what they cost the server that holds them. */

import { connect, type Socket } from 'node:net'
import type { HostedServer } from '../../tests/harness/hosted-server.ts'

/** As many at once as the listening socket's queue certainly takes. */
const AT_ONCE = 100

export class IdleConnections {
  readonly #sockets: Socket[] = []

  get count(): number {
    return this.#sockets.length
  }

  /** Connects until there are `count` of them. Rejects when one is refused. */
  async growTo(count: number, port: number): Promise<void> {
    while (this.count < count) {
      const missing = Math.min(AT_ONCE, count - this.count)
      this.#sockets.push(...(await Promise.all(Array.from({ length: missing }, () => open(port)))))
    }
  }

  destroy(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#sockets.length = 0
  }
}

/**
 * KiB of the server's process for each of `count` idle connections: its resident memory with them, less that with a
 * hundredth of them, for the first ones also pay for code that is loaded then.
 */
export async function kibPerConnection(server: HostedServer, count: number): Promise<number> {
  const idle = new IdleConnections()
  try {
    const few = Math.ceil(count / 100)
    await idle.growTo(few, server.port)
    const before = await residentBytes(server)
    await idle.growTo(count, server.port)
    const after = await residentBytes(server)
    return Number(((after - before) / (count - few) / 1024).toFixed(1))
  } finally {
    idle.destroy()
  }
}

async function residentBytes(server: HostedServer): Promise<number> {
  await server.roundTrip()
  // Collects garbage, which is not what a connection costs.
  await server.heldBytes()
  return server.rssBytes()
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      // Whatever the server does to it from now on is the server's affair.
      socket.on('error', () => {})
      resolve(socket)
    })
    socket.once('error', reject)
  })
}
