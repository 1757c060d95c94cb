import type { HostedServer } from '../../tests/harness/hosted-server.ts'
import { hostServer } from '../../tests/judge/host.ts'
import { closedLoop, inTurn, type Load, type LoadResult } from './closed-loop.ts'
import { IdleConnections } from './idle-connections.ts'
import type { Measurement, Row } from './measurement.ts'
import { sessions } from './sessions.ts'

const CLIENTS = 8
const CROWD = 50
const ROUND_MS = 400
const MEBIBYTE = 1024 * 1024
const REQUEST = Buffer.from('fib 15\n')
const ANSWER = '610\n'

export const measurement: Measurement = {
  asks: 'as many sessions a second in the pool as with a thread per connection',
  how: `${CLIENTS} clients at once, and the pool has ${CLIENTS} threads. A session: connect, "fib 15", its answer, FIN both ways, and the next one connects; 5 rounds of ${ROUND_MS / 1000} s, the two servers in turn, medians. Open: the same question again and again on connections that stay; 3 rounds. Crowd: ${CROWD} clients who are connected and silent; resident set of the server's whole process.`,
  why: 'A session asks for next to no work. With a thread per connection nearly all of its time goes into starting a JavaScript machine and throwing it away; in the pool that was done once, before anybody came. On connections that stay the two answer at the same rate.',
  async run(tree, say) {
    const each = await hostServer(tree, '04-thread-per-connection')
    const pool = await hostServer(tree, '06-worker-pool', { options: { threads: CLIENTS } })
    try {
      say(`${CROWD} silent clients`)
      // In the pool most of them wait for a thread, so they are not asked for an answer.
      const crowds = [await holdCrowd('04', each, 'echo hello\n'), await holdCrowd('06', pool)]
      say('short sessions')
      const short = await inTurn(5, {
        each: () => sessions(loadOf(each)),
        pool: () => sessions(loadOf(pool)),
      })
      say('open connections')
      const open = await inTurn(3, {
        each: () => closedLoop(loadOf(each)),
        pool: () => closedLoop(loadOf(pool)),
      })
      const ratio = short.pool.perSecond / short.each.perSecond
      return {
        answer: { value: Number(ratio.toFixed(1)), unit: 'times' },
        rows: [
          ...toRows('04, sessions', short.each),
          ...toRows('06, sessions', short.pool),
          { label: '04, open: answers', value: open.each.perSecond, unit: 'answers/s' },
          { label: '06, open: answers', value: open.pool.perSecond, unit: 'answers/s' },
          ...crowds.flat(),
        ],
      }
    } finally {
      await Promise.all([each.kill(), pool.kill()])
    }
  },
}

/** Threads and memory of a server that nobody says anything to; each client has said `hello` if one is given. */
async function holdCrowd(name: string, server: HostedServer, hello?: string): Promise<Row[]> {
  const crowd = new IdleConnections()
  try {
    await crowd.growTo(CROWD, server.port, hello)
    await server.roundTrip()
    const label = `${name}, crowd of ${CROWD}`
    return [
      { label, value: await server.workers(), unit: 'threads' },
      { label, value: Math.round((await server.rssBytes()) / MEBIBYTE), unit: 'MiB' },
    ]
  } finally {
    crowd.destroy()
  }
}

function loadOf({ port }: HostedServer): Load {
  return {
    port,
    connections: CLIENTS,
    request: REQUEST,
    answerBytes: ANSWER.length,
    forMs: ROUND_MS,
  }
}

function toRows(label: string, { perSecond, p50Ms, p99Ms }: LoadResult): Row[] {
  return [
    { label, value: perSecond, unit: 'sessions/s' },
    { label: `${label}: p50`, value: p50Ms, unit: 'ms' },
    { label: `${label}: p99`, value: p99Ms, unit: 'ms' },
  ]
}
