/** Small round trips: a server of ours beside the plainest server there is, in one run, in turn. */

import type { CodeTree } from '../../tests/harness/code-tree.ts'
import { hostServer } from '../../tests/judge/host.ts'
import { closedLoop, inTurn } from './closed-loop.ts'
import type { Result, Row } from './measurement.ts'

export const LAB: CodeTree = { root: import.meta.dirname, label: 'tutor/lab' }

/** `socket.on('data', (chunk) => socket.write(chunk))`, which answers everything that it is sent. */
export const PLAINEST = 'echo-without-backpressure.ts'

const ROUNDS = 5
const ROUND_MS = 400

export const HOW = `Connections have one request under way each; ${ROUNDS} rounds of ${ROUND_MS / 1000} s, the two servers in turn, medians. The plainest server is socket.on('data', (chunk) => socket.write(chunk)).`

export interface Contender {
  label: string
  tree: CodeTree
  chapter: string
  request: Uint8Array
  /** Length of its answer to one request. */
  answerBytes: number
}

/** Round trips at 1, 50 and 500 connections. The answer is the ratio at 50: ours for each of the plainest server's. */
export async function raceEchoes(
  { label, tree, chapter, request, answerBytes }: Contender,
  say: (text: string) => void,
): Promise<Result> {
  const plain = await hostServer(LAB, '', { file: PLAINEST })
  const ours = await hostServer(tree, chapter)
  const rows: Row[] = []
  let at50 = 0
  try {
    for (const connections of [1, 50, 500]) {
      say(`${connections} connections`)
      const load = { connections, request, forMs: ROUND_MS }
      const results = await inTurn(ROUNDS, {
        plain: () => closedLoop({ ...load, port: plain.port, answerBytes: request.length }),
        ours: () => closedLoop({ ...load, port: ours.port, answerBytes }),
      })
      const ratio = Number((results.ours.perSecond / results.plain.perSecond).toFixed(2))
      if (connections === 50) at50 = ratio
      const among = `${connections} connections`
      rows.push(
        { label: `${among}: plainest server`, value: results.plain.perSecond, unit: '/s' },
        { label: `${among}: ${label}`, value: results.ours.perSecond, unit: '/s' },
        { label: `${among}: ratio`, value: ratio, unit: '' },
      )
    }
    return { answer: { value: at50, unit: '' }, rows }
  } finally {
    await Promise.all([plain.kill(), ours.kill()])
  }
}
