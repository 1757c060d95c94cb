import { median } from '../../tests/harness/numbers.ts'
import { hostServer } from '../../tests/judge/host.ts'
import { requirePeer } from '../../tests/maintainers/peers.ts'
import { LAB } from './echo-race.ts'
import type { Measurement, Row } from './measurement.ts'
import { microsPerEcho, warmUp } from './websocket-load.ts'

const CONNECTIONS = 50
const ROUNDS = 9
const ROUND_MS = 400

export const measurement: Measurement = {
  asks: 'CPU of our server for an echo of 64 bytes, for each of that of the ws package',
  how: `${CONNECTIONS} connections with one text under way each. CPU time of the server’s process for each echo, once it has answered 20,000; ${ROUNDS} rounds of ${ROUND_MS / 1000} s, the two servers in turn, medians.`,
  async run(tree, say) {
    requirePeer('ws')
    const ours = await hostServer(tree, '18-websocket')
    const ws = await hostServer(LAB, '', { file: 'echo-ws.ts' })
    const rows: Row[] = []
    const ratios: number[] = []
    try {
      for (const payloadBytes of [64, 4_096]) {
        const size = `${payloadBytes.toLocaleString('en')} bytes`
        say(size)
        const load = { connections: CONNECTIONS, payloadBytes }
        for (const server of [ours, ws]) await warmUp(server, load)
        const costs: [number[], number[]] = [[], []]
        for (let round = 0; round < ROUNDS; round++) {
          for (const [place, server] of [ours, ws].entries()) {
            costs[place].push(await microsPerEcho(server, load, ROUND_MS))
          }
        }
        const [oursUs, wsUs] = costs.map(median)
        ratios.push(rounded(oursUs / wsUs))
        rows.push(
          { label: `${size}: chapter 18`, value: rounded(oursUs), unit: 'µs' },
          { label: `${size}: ws`, value: rounded(wsUs), unit: 'µs' },
          { label: `${size}: chapter 18 for each of ws`, value: ratios.at(-1)!, unit: '' },
        )
      }
    } finally {
      await Promise.all([ours.kill(), ws.kill()])
    }
    return { answer: { value: ratios[0], unit: '' }, rows }
  },
}

function rounded(value: number): number {
  return Number(value.toFixed(2))
}
