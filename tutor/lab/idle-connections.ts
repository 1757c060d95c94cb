/** Connections that say nothing, or nothing more: what they cost the server that holds them. */

import { connect, type Socket } from 'node:net'
import type { HostedServer } from '../../tests/harness/hosted-server.ts'

/** As many at once as the listening socket's queue certainly takes. */
const AT_ONCE = 100

export class IdleConnections {
  readonly #sockets: Socket[] = []

  get count(): number {
    return this.#sockets.length
  }

  /**
   * Connects until there are `count` of them, each of which has said `hello` and got an answer, if one is given.
   * Rejects when one is refused.
   */
  async growTo(count: number, port: number, hello?: string): Promise<void> {
    while (this.count < count) {
      const missing = Math.min(AT_ONCE, count - this.count)
      const opened = Array.from({ length: missing }, () => open(port, hello))
      this.#sockets.push(...(await Promise.all(opened)))
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
export async function kibPerConnection(
  server: HostedServer,
  count: number,
  hello?: string,
): Promise<number> {
  const idle = new IdleConnections()
  try {
    const few = Math.ceil(count / 100)
    await idle.growTo(few, server.port, hello)
    const before = await residentBytes(server)
    await idle.growTo(count, server.port, hello)
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

function open(port: number, hello?: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('error', reject)
    socket.once(hello ? 'data' : 'connect', () => {
      // Whatever the server does to it from now on is the server's affair.
      socket.off('error', reject).on('error', () => {})
      resolve(socket)
    })
    if (hello) socket.write(hello)
  })
}
