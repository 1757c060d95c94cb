/** Connections that say nothing, or nothing more: what they cost the server that holds them. */

import { once } from 'node:events'
import type { Socket } from 'node:net'
import { dialMany } from '../../tests/harness/crowd.ts'
import type { HostedServer } from '../../tests/harness/hosted-server.ts'

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
    const opened = await dialMany(port, count - this.count)
    this.#sockets.push(...opened)
    if (hello) await Promise.all(opened.map((socket) => ask(socket, hello)))
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

async function ask(socket: Socket, hello: string): Promise<void> {
  const answered = once(socket, 'data')
  socket.write(hello)
  await answered
}
