import { hostServer } from '../../tests/judge/host.ts'
import { requirePeer } from '../../tests/maintainers/peers.ts'
import { LAB } from './echo-race.ts'
import { kibPerConnection } from './idle-connections.ts'
import type { Measurement } from './measurement.ts'
import { upgradeRequest } from './websocket-load.ts'

const COUNT = 5_000

export const measurement: Measurement = {
  asks: 'KiB of the server’s memory for a WebSocket that says nothing',
  how: `${COUNT.toLocaleString('en')} WebSockets that say nothing are opened to each server. Resident memory of the server’s process with all of them, less that with the first hundredth, for each of the rest. What the kernel keeps for them is not in it.`,
  async run(tree, say) {
    requirePeer('ws')
    const contestants = [
      { label: 'ws', code: LAB, chapter: '', file: 'echo-ws.ts' },
      { label: 'chapter 18', code: tree, chapter: '18-websocket', file: 'server.ts' },
    ]
    const rows = []
    for (const { label, code, chapter, file } of contestants) {
      say(label)
      const server = await hostServer(code, chapter, { file })
      try {
        const value = await kibPerConnection(server, COUNT, upgradeRequest('/echo'))
        rows.push({ label, value, unit: 'KiB' })
      } finally {
        await server.kill()
      }
    }
    return { answer: { value: rows.at(-1)!.value, unit: 'KiB' }, rows }
  },
}
