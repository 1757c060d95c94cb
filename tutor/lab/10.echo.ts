import type { CodeTree } from '../../tests/harness/code-tree.ts'
import type { HostedServer } from '../../tests/harness/hosted-server.ts'
import { hostServer } from '../../tests/judge/host.ts'
import { closedLoop, inTurn } from './closed-loop.ts'
import type { Measurement, Row } from './measurement.ts'

const ROUNDS = 5
const ROUND_MS = 400
const REQUEST = Buffer.concat([Buffer.of(0, 0, 0, 64), Buffer.alloc(64, 'x')])
const LAB: CodeTree = { root: import.meta.dirname, label: 'tutor/lab' }

export const measurement: Measurement = {
  asks: 'round trips of the frame connection for each of the plainest net server, at 50 connections',
  how: `A frame with 64 bytes of payload and its echo, on connections that each have one request under way; ${ROUNDS} rounds of ${ROUND_MS / 1000} s, the two servers in turn, medians. The plainest server is socket.on('data', (chunk) => socket.write(chunk)).`,
  async run(tree, say) {
    const plain = await hostServer(LAB, '', { file: 'echo-without-backpressure.ts' })
    const frames = await hostServer(tree, '10-backpressure')
    const rows: Row[] = []
    let at50 = 0
    try {
      for (const connections of [1, 50, 500]) {
        say(`${connections} connections`)
        const results = await inTurn(ROUNDS, {
          plain: () => load(plain, connections),
          frames: () => load(frames, connections),
        })
        const ratio = results.frames.perSecond / results.plain.perSecond
        if (connections === 50) at50 = ratio
        const label = `${connections} connections`
        rows.push(
          { label: `${label}: plainest server`, value: results.plain.perSecond, unit: '/s' },
          { label: `${label}: frame connection`, value: results.frames.perSecond, unit: '/s' },
          { label: `${label}: ratio`, value: Number(ratio.toFixed(2)), unit: '' },
        )
      }
      return { answer: { value: Number(at50.toFixed(2)), unit: '' }, rows }
    } finally {
      await Promise.all([plain.kill(), frames.kill()])
    }
  },
}

function load({ port }: HostedServer, connections: number) {
  return closedLoop({
    port,
    connections,
    request: REQUEST,
    answerBytes: REQUEST.length,
    forMs: ROUND_MS,
  })
}
