/** Serves the chat of 19 from a folder, and says on which ports: frames, then web. */

import { startServer } from '../../../solutions/19-chat-server/server.ts'

const [port, webPort, data] = process.argv.slice(2)
const server = await startServer({
  port: Number(port),
  webPort: Number(webPort),
  metricsPort: 'off',
  data,
  passwordCost: { ln: 4, r: 8, p: 1 },
  saysPerSecond: 1_000,
  burstSays: 1_000,
  logLevel: 'error',
})
process.stdout.write(`${server.port} ${server.webPort}\n`)
