import { connect, type Socket } from 'node:net'
import { availableParallelism } from 'node:os'
import type { CodeTree } from '../../tests/harness/code-tree.ts'
import { median, percentile } from '../../tests/harness/numbers.ts'
import { hostServer } from '../../tests/judge/host.ts'
import { type Measurement, notMeasurable, type Row } from './measurement.ts'

const LOG_INS = 20
const ROUNDS = 3
const ROUND_MS = 3_000

/** Everybody who measures comes from one address, and is in a hurry. */
const OPTIONS = {
  throttle: { firstDelayMs: 0, rate: { perSecond: 10_000, burst: 10_000 } },
  registrations: { perSecond: 10_000, burst: 10_000 },
  connectionsPerAccount: 100_000,
}

const PASSWORD = 'correct horse battery'
const PING = frame({ id: 1, type: 'ping' })

export const measurement: Measurement = {
  asks: 'p99 of ping while 20 log-ins are in flight, on a server that hashes on its loop',
  how: `${LOG_INS} clients log in, each again as soon as it is welcome; another pings, each time when the last has been answered. ${ROUND_MS / 1000} s a round, medians of ${ROUNDS} rounds, the servers in turn. Passwords cost ln=15, r=8, p=3. Servers and clients share ${availableParallelism()} cores.`,
  async run(tree, say) {
    const lab: CodeTree = { root: import.meta.dirname, label: 'tutor/lab' }
    const rounds: Record<string, Round[]> = { loop: [], queue: [] }
    for (let round = 0; round < ROUNDS; round++) {
      for (const [name, code, chapter, file] of [
        ['loop', lab, '', 'log-ins-on-the-loop.ts'],
        ['queue', tree, '14-accounts', 'server.ts'],
      ] as const) {
        say(`round ${round + 1} of ${ROUNDS}: hashing on the ${name}`)
        const server = await hostServer(code, chapter, { file, options: OPTIONS })
        try {
          rounds[name].push(await measureRound(server.port))
        } finally {
          await server.kill()
        }
      }
    }
    const [onLoop, inQueue] = [middle(rounds.loop), middle(rounds.queue)]
    return {
      answer: { value: onLoop.p99Ms, unit: 'ms' },
      rows: [
        ...rowsOf('hashing on the loop', onLoop),
        ...rowsOf(`${tree.label}, in the hash queue`, inQueue),
        { label: 'better by', value: Math.round(onLoop.p99Ms / inQueue.p99Ms), unit: 'times' },
      ],
    }
  },
}

interface Round {
  p99Ms: number
  logInsPerSecond: number
}

function rowsOf(label: string, { p99Ms, logInsPerSecond }: Round): Row[] {
  return [
    { label: `${label}: p99 of ping`, value: p99Ms, unit: 'ms' },
    { label: `${label}: log-ins`, value: logInsPerSecond, unit: 'a second' },
  ]
}

function middle(rounds: Round[]): Round {
  return {
    p99Ms: median(rounds.map(({ p99Ms }) => p99Ms)),
    logInsPerSecond: median(rounds.map(({ logInsPerSecond }) => logInsPerSecond)),
  }
}

async function measureRound(port: number): Promise<Round> {
  const first = await Talker.connect(port)
  await first.ask(
    frame({ id: 1, type: 'register', name: 'ada', email: 'ada@example.org', password: PASSWORD }),
  )
  first.destroy()
  const pinger = await Talker.connect(port)
  await pinger.ask(PING)
  const endAt = performance.now() + ROUND_MS
  let logIns = 0
  const inFlight = new Set<Talker>()
  const logInOn = async () => {
    while (performance.now() < endAt) {
      const client = await Talker.connect(port)
      inFlight.add(client)
      const request = { id: 1, type: 'login', version: 1, name: 'ada', password: PASSWORD }
      const { type } = await client.ask(frame(request))
      if (type === 'welcome' && performance.now() < endAt) logIns += 1
      client.destroy()
      inFlight.delete(client)
    }
  }
  for (let client = 0; client < LOG_INS; client++) void logInOn()
  const latencies: number[] = []
  while (performance.now() < endAt) {
    const sentAt = performance.now()
    await pinger.ask(PING)
    latencies.push(performance.now() - sentAt)
  }
  // A client that is still waiting gets no answer: the server is about to be killed.
  for (const client of [pinger, ...inFlight]) client.destroy()
  return {
    p99Ms: Number(percentile(latencies, 99).toFixed(1)),
    logInsPerSecond: Number((logIns / (ROUND_MS / 1000)).toFixed(1)),
  }
}

function frame(message: object): Buffer {
  const payload = Buffer.from(JSON.stringify(message))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(payload.length)
  return Buffer.concat([length, payload])
}

/** Asks one thing at a time. */
class Talker {
  readonly #socket: Socket
  #received = Buffer.alloc(0)
  #answered: ((answer: { type: string }) => void) | undefined
  #failed: ((error: Error) => void) | undefined

  constructor(socket: Socket) {
    this.#socket = socket.setNoDelay()
    socket.on('data', (chunk) => this.#receive(chunk as Buffer))
    socket.on('error', ({ message }) =>
      this.#failed?.(notMeasurable(`It has ended a connection: ${message}.`)),
    )
    socket.on('close', () => this.#failed?.(notMeasurable('It has ended a connection.')))
  }

  static connect(port: number): Promise<Talker> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1')
      socket.once('error', reject)
      socket.once('connect', () => resolve(new Talker(socket)))
    })
  }

  ask(request: Buffer): Promise<{ type: string }> {
    return new Promise((resolve, reject) => {
      this.#answered = resolve
      this.#failed = reject
      this.#socket.write(request)
    })
  }

  destroy(): void {
    this.#failed = undefined
    this.#socket.destroy()
  }

  #receive(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk])
    if (this.#received.length < 4) return
    const end = 4 + this.#received.readUInt32BE()
    if (this.#received.length < end) return
    const answer = JSON.parse(this.#received.subarray(4, end).toString())
    this.#received = this.#received.subarray(end)
    this.#answered?.(answer)
  }
}
