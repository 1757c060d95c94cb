/** Many connections at once, without a story of their own. */

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** As many at once as the listening socket's queue certainly takes. */
const AT_ONCE = 100

/** Rejects when one of them is refused. What happens to them later is no error of ours. */
export async function dialMany(port: number, count: number): Promise<Socket[]> {
  const sockets: Socket[] = []
  while (sockets.length < count) {
    const some = Array.from({ length: Math.min(AT_ONCE, count - sockets.length) }, () =>
      connect(port, '127.0.0.1'),
    )
    for (const socket of some) socket.on('error', () => {}).setNoDelay()
    await Promise.all(some.map((socket) => once(socket, 'connect')))
    sockets.push(...some)
  }
  return sockets
}
