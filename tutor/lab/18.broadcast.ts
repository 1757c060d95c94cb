import { median } from '../../tests/harness/numbers.ts'
import { hostServer } from '../../tests/judge/host.ts'
import { requirePeer } from '../../tests/maintainers/peers.ts'
import { microsPerDelivery } from './broadcast-cost.ts'
import { PLAIN_WEBSOCKET, ROOMS_ON_WEBSOCKET } from './chat-dialects.ts'
import { LAB } from './echo-race.ts'
import type { Measurement, Row } from './measurement.ts'

const ROUNDS = 3

export const measurement: Measurement = {
  asks: 'CPU of our server for a delivered broadcast, for each of that of the usual loop on ws',
  how: `The rooms of chapter 13 behind the door of 18: 100 members in one room, of which one or ten talk, each as soon as it has heard itself. CPU time of the server’s process for each message delivered to a member; ${ROUNDS} rounds of a second, the servers in turn, medians.`,
  async run(tree, say) {
    requirePeer('ws')
    const options = { root: tree.root }
    const ours = await hostServer(LAB, '', { file: 'broadcast-websocket.ts', options })
    const ws = await hostServer(LAB, '', { file: 'broadcast-ws.ts' })
    const contenders = [
      { label: 'chapter 18', server: ours, dialect: ROOMS_ON_WEBSOCKET },
      { label: 'ws', server: ws, dialect: PLAIN_WEBSOCKET },
    ]
    const rows: Row[] = []
    let answer = 0
    try {
      for (const talkers of [1, 10]) {
        say(`${talkers} of 100 talk`)
        const costs = contenders.map((): number[] => [])
        for (let round = 0; round < ROUNDS; round++) {
          for (const [place, { server, dialect }] of contenders.entries()) {
            costs[place].push(await microsPerDelivery(server, dialect, talkers))
          }
        }
        const micros = costs.map(median)
        for (const [place, { label }] of contenders.entries()) {
          const value = rounded(micros[place])
          rows.push({ label: `${talkers} talk: ${label}`, value, unit: 'µs' })
        }
        answer = rounded(micros[0] / micros[1])
        rows.push({ label: `${talkers} talk: chapter 18 for each of ws`, value: answer, unit: '' })
      }
    } finally {
      await Promise.all(contenders.map(({ server }) => server.kill()))
    }
    return { answer: { value: answer, unit: '' }, rows }
  },
}

function rounded(value: number): number {
  return Number(value.toFixed(2))
}
