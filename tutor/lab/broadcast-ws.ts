/** The chat one writes first on the `ws` package, for measurement 13: parse, number, and send to everybody in a loop. */

import type { AddressInfo } from 'node:net'
import { requirePeer } from '../../tests/maintainers/peers.ts'

const { WebSocketServer, WebSocket } = requirePeer('ws')

export function startServer(): Promise<{ port: number; close(): Promise<void> }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  let number = 0
  server.on(
    'connection',
    (client: { on(event: string, listener: (data: Buffer) => void): void }) => {
      client.on('message', (data) => {
        const { name, text } = JSON.parse(data.toString())
        number += 1
        const message = JSON.stringify({
          type: 'message',
          room: 'hall',
          number,
          name,
          text,
          at: Date.now(),
        })
        for (const member of server.clients) {
          if (member.readyState === WebSocket.OPEN) member.send(message)
        }
      })
    },
  )
  return new Promise((resolve) => {
    server.on('listening', () => {
      const close = () => new Promise<void>((closed) => server.close(() => closed()))
      resolve({ port: (server.address() as AddressInfo).port, close })
    })
  })
}
