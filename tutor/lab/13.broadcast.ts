import { median } from '../../tests/harness/numbers.ts'
import { hostServer } from '../../tests/judge/host.ts'
import { requirePeer } from '../../tests/maintainers/peers.ts'
import { MEMBERS, microsPerDelivery, ROUND_MS } from './broadcast-cost.ts'
import { FRAMES, PLAIN_WEBSOCKET, SOCKET_IO } from './chat-dialects.ts'
import { LAB } from './echo-race.ts'
import type { Measurement, Row } from './measurement.ts'

const ROUNDS = 3

export const measurement: Measurement = {
  asks: 'CPU of our server for a delivered broadcast, for each of that of the usual loop on ws',
  how: `${MEMBERS} members in one room, of which one or ten talk, each as soon as it has heard itself. CPU time of the server’s process for each message delivered to a member; ${ROUNDS} rounds of ${ROUND_MS / 1000} s, the servers in turn, medians.`,
  async run(tree, say) {
    for (const name of ['ws', 'socket.io']) requirePeer(name)
    const ours = await hostServer(tree, '13-rooms')
    const ws = await hostServer(LAB, '', { file: 'broadcast-ws.ts' })
    const io = await hostServer(LAB, '', { file: 'broadcast-socket-io.ts' })
    const contenders = [
      { label: 'chapter 13', server: ours, dialect: FRAMES },
      { label: 'ws', server: ws, dialect: PLAIN_WEBSOCKET },
      { label: 'socket.io', server: io, dialect: SOCKET_IO },
    ]
    const rows: Row[] = []
    let answer = 0
    try {
      for (const talkers of [1, 10]) {
        say(`${talkers} of ${MEMBERS} talk`)
        const costs = contenders.map((): number[] => [])
        for (let round = 0; round < ROUNDS; round++) {
          for (const [place, { server, dialect }] of contenders.entries()) {
            costs[place].push(await microsPerDelivery(server, dialect, talkers))
          }
        }
        const micros = costs.map(median)
        contenders.forEach(({ label }, place) => {
          rows.push({
            label: `${talkers} talk: ${label}`,
            value: rounded(micros[place]),
            unit: 'µs',
          })
        })
        rows.push({
          label: `${talkers} talk: chapter 13 for each of ws`,
          value: rounded(micros[0] / micros[1]),
          unit: '',
        })
        rows.push({
          label: `${talkers} talk: chapter 13 for each of socket.io`,
          value: rounded(micros[0] / micros[2]),
          unit: '',
        })
        answer = rounded(micros[0] / micros[1])
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
