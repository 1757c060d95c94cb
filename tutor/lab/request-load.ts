/** Connections that ask for the same thing again and again, a few requests at a time, in one write. */

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface Requests {
  port: number
  connections: number
  /** So many requests are under way on each connection, sent in one piece. */
  pipelined: number
  request: string
  /** Length of the answer to one request. */
  answerBytes: number
}

export class RequestLoad {
  /** How many requests were answered. */
  answered = 0
  /** Why the load is not what it should be, if it is not. */
  failure: string | undefined
  readonly #sockets: Socket[] = []
  #isStopped = false

  static async start(requests: Requests): Promise<RequestLoad> {
    const load = new RequestLoad()
    for (let count = 0; count < requests.connections; count++) await load.#connect(requests)
    return load
  }

  stop(): void {
    this.#isStopped = true
    for (const socket of this.#sockets) socket.destroy()
  }

  async #connect({ port, pipelined, request, answerBytes }: Requests): Promise<void> {
    const socket = connect(port, '127.0.0.1').setNoDelay()
    this.#sockets.push(socket)
    socket.on('error', () => {})
    socket.on('close', () => {
      if (!this.#isStopped) this.failure ??= 'It has ended a connection.'
    })
    await once(socket, 'connect')
    const round = Buffer.from(request.repeat(pipelined))
    let missing = pipelined * answerBytes
    socket.on('data', (chunk) => {
      missing -= chunk.length
      if (missing < 0) this.failure ??= 'An answer is longer than the first one was.'
      if (missing > 0) return
      this.answered += pipelined
      missing = pipelined * answerBytes
      socket.write(round)
    })
    socket.write(round)
  }
}
