/** The echo server one writes first, and what measurement 02 compares with: it never asks whether there is room. */

import { type AddressInfo, createServer } from 'node:net'

export function startServer(): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', (chunk) => socket.write(chunk))
  })
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const close = () => new Promise<void>((closed) => server.close(() => closed()))
      resolve({ port: (server.address() as AddressInfo).port, close })
    })
  })
}
