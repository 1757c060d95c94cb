/** The echo one writes first on the `ws` package, for measurement 18. */

import type { AddressInfo } from 'node:net'
import { requirePeer } from '../../tests/maintainers/peers.ts'

const { WebSocketServer } = requirePeer('ws')

interface Client {
  on(event: 'message', listener: (data: Buffer, isBinary: boolean) => void): void
  send(data: Buffer, options: { binary: boolean }): void
}

export function startServer(): Promise<{ port: number; close(): Promise<void> }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  server.on('connection', (client: Client) => {
    client.on('message', (data, isBinary) => client.send(data, { binary: isBinary }))
  })
  return new Promise((resolve) => {
    server.on('listening', () => {
      const close = () => new Promise<void>((closed) => server.close(() => closed()))
      resolve({ port: (server.address() as AddressInfo).port, close })
    })
  })
}
