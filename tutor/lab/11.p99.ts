import { availableParallelism } from 'node:os'
import { hostServer } from '../../tests/judge/host.ts'
import { SOLUTION } from '../../tests/judge/workbook.ts'
import { closedLoop, inTurn, type LoadResult } from './closed-loop.ts'
import type { Measurement } from './measurement.ts'

const ROUNDS = 5
const ROUND_MS = 200
const ECHO = {
  connections: 2,
  request: Buffer.from('echo hello\n'),
  answerBytes: 6,
  forMs: ROUND_MS,
}

/** Computes for some ten milliseconds. */
const FIB = { request: Buffer.from('fib 30\n'), answerBytes: '832040\n'.length, forMs: ROUND_MS }

export const measurement: Measurement = {
  asks: 'p99 of echo while the one thread of the pool is always busy',
  how: `${ECHO.connections} clients, each in a closed loop of echo; p99 over ${ROUND_MS / 1000} s, median of ${ROUNDS} rounds, all servers in turn. Busy: other clients ask for fib 30 without a pause, two for each thread, so that a job always waits. Servers and clients share ${availableParallelism()} cores.`,
  async run(tree, say) {
    const servers = await Promise.all([
      hostServer(SOLUTION, '07-event-loop'),
      ...[1, 2, 8].map((threads) => hostServer(tree, '11-strands', { options: { threads } })),
    ])
    try {
      say(`${ROUNDS} rounds of 8 measurements`)
      const [none, one, two, eight] = servers.map(({ port }) => port)
      const results = await inTurn(ROUNDS, {
        '07, idle': () => echoes(none),
        '07, one client computes': () => echoes(none, 1),
        '11, pool of 1, idle': () => echoes(one),
        '11, pool of 1, busy': () => echoes(one, 2),
        '11, pool of 2, idle': () => echoes(two),
        '11, pool of 2, busy': () => echoes(two, 4),
        '11, pool of 8, idle': () => echoes(eight),
        '11, pool of 8, busy': () => echoes(eight, 16),
      })
      return {
        answer: { value: results['11, pool of 1, busy'].p99Ms, unit: 'ms' },
        rows: Object.entries(results).map(([label, { p99Ms }]) => ({
          label,
          value: p99Ms,
          unit: 'ms',
        })),
      }
    } finally {
      await Promise.all(servers.map((server) => server.kill()))
    }
  },
}

/** What the clients of `echo` find, while so many others ask for fib. */
async function echoes(port: number, computing = 0): Promise<LoadResult> {
  const [echo] = await Promise.all([
    closedLoop({ ...ECHO, port }),
    computing > 0 ? closedLoop({ ...FIB, port, connections: computing }) : undefined,
  ])
  return echo
}
