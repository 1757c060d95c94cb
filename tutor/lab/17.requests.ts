import { once } from 'node:events'
import { connect } from 'node:net'
import type { HostedServer } from '../../tests/harness/hosted-server.ts'
import { median } from '../../tests/harness/numbers.ts'
import { hostServer } from '../../tests/judge/host.ts'
import { LAB } from './echo-race.ts'
import { type Measurement, notMeasurable, type Row } from './measurement.ts'
import { RequestLoad } from './request-load.ts'

const CONNECTIONS = 50
const ROUNDS = 5
const ROUND_MS = 800
const WARM_UP_MS = 400

/** What a browser sends, less what it says about itself. */
const REQUEST =
  'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: keep-alive\r\nAccept: text/html,*/*;q=0.8\r\nAccept-Encoding: gzip, deflate, br\r\n\r\n'

export const measurement: Measurement = {
  asks: 'CPU of our server for a request, for each of that of node:http, with ten requests at a time',
  how: `${CONNECTIONS} connections that are kept, each with one request under way or with ten, in one write; both servers give the same answer. CPU time of the server’s process for each answer; ${ROUNDS} rounds of ${ROUND_MS / 1000} s, the servers in turn, medians.`,
  async run(tree, say) {
    const ours = await hostServer(tree, '17-http')
    const contenders = [{ label: 'chapter 17', server: ours }]
    const rows: Row[] = []
    let answer = 0
    try {
      const options = await sameAnswer(ours.port)
      const node = await hostServer(LAB, '', { file: 'http-of-node.ts', options })
      contenders.push({ label: 'node:http', server: node })
      for (const pipelined of [1, 10]) {
        say(`${pipelined} at a time`)
        const rounds = contenders.map((): Round[] => [])
        for (let round = 0; round < ROUNDS; round++) {
          for (const [place, { server }] of contenders.entries()) {
            rounds[place].push(await measure(server, pipelined))
          }
        }
        const micros = rounds.map((each) => median(each.map((round) => round.micros)))
        contenders.forEach(({ label }, place) => {
          const perSecond = Math.round(median(rounds[place].map((round) => round.perSecond)))
          rows.push(
            {
              label: `${pipelined} at a time: ${label}`,
              value: rounded(micros[place]),
              unit: 'µs',
            },
            { label: `${pipelined} at a time: ${label}`, value: perSecond, unit: '/s' },
          )
        })
        answer = rounded(micros[0] / micros[1])
        rows.push({
          label: `${pipelined} at a time: chapter 17 for each of node:http`,
          value: answer,
          unit: '',
        })
      }
    } finally {
      await Promise.all(contenders.map(({ server }) => server.kill()))
    }
    return { answer: { value: answer, unit: '' }, rows }
  },
}

/** What our server answers, for the other one to say the same. */
async function sameAnswer(
  port: number,
): Promise<{ headers: Record<string, string>; body: string }> {
  const response = await fetch(`http://127.0.0.1:${port}/`)
  const body = await response.text()
  const notItsOwn = ['date', 'content-length', 'connection', 'keep-alive']
  const headers = [...response.headers].filter(([name]) => !notItsOwn.includes(name))
  return { headers: Object.fromEntries(headers), body }
}

interface Round {
  micros: number
  perSecond: number
}

async function measure(server: HostedServer, pipelined: number): Promise<Round> {
  const { port } = server
  const answerBytes = await lengthOfAnswer(port)
  const load = await RequestLoad.start({
    port,
    connections: CONNECTIONS,
    pipelined,
    request: REQUEST,
    answerBytes,
  })
  try {
    await server.cpuMsDuring(WARM_UP_MS)
    const before = load.answered
    const startedAt = performance.now()
    const cpuMs = await server.cpuMsDuring(ROUND_MS)
    const answered = load.answered - before
    if (load.failure) throw notMeasurable(load.failure)
    const seconds = (performance.now() - startedAt) / 1_000
    return { micros: (cpuMs * 1_000) / answered, perSecond: answered / seconds }
  } finally {
    load.stop()
  }
}

/** Of an answer that comes in one piece. */
async function lengthOfAnswer(port: number): Promise<number> {
  const socket = connect(port, '127.0.0.1')
  try {
    socket.write(REQUEST)
    const [chunk] = (await once(socket, 'data')) as [Buffer]
    return chunk.length
  } finally {
    socket.destroy()
  }
}

function rounded(value: number): number {
  return Number(value.toFixed(2))
}
