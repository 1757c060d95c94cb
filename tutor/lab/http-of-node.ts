/** Node's own HTTP server with the same answer to everything, for measurement 17. */

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface SameAnswer {
  headers: Record<string, string>
  body: string
}

export function startServer({
  headers,
  body,
}: SameAnswer): Promise<{ port: number; close(): Promise<void> }> {
  const bytes = Buffer.from(body)
  const all = { ...headers, 'Content-Length': bytes.length }
  const server = createServer((_request, response) => {
    response.writeHead(200, all)
    response.end(bytes)
  })
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      resolve({
        port,
        close: () => new Promise((done) => server.close(() => done())),
      })
    })
  })
}
