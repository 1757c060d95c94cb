/** The chat one writes first on socket.io, for measurement 13: number what is said, and emit it to a room. */

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { requirePeer } from '../../tests/maintainers/peers.ts'

const { Server } = requirePeer('socket.io')

interface Said {
  name: string
  text: string
}

interface Client {
  join(room: string): void
  on(event: string, listener: (said: Said) => void): void
}

export function startServer(): Promise<{ port: number; close(): Promise<void> }> {
  const http = createServer()
  const io = new Server(http, { transports: ['websocket'] })
  let number = 0
  io.on('connection', (client: Client) => {
    client.join('hall')
    client.on('say', ({ name, text }) => {
      number += 1
      io.to('hall').emit('message', { room: 'hall', number, name, text, at: Date.now() })
    })
  })
  return new Promise((resolve) => {
    http.listen(0, '127.0.0.1', () => {
      const close = () => new Promise<void>((closed) => io.close(() => closed()))
      resolve({ port: (http.address() as AddressInfo).port, close })
    })
  })
}
