import { Client } from '../../tests/harness/client.ts'
import type { HostedServer } from '../../tests/harness/hosted-server.ts'
import { median } from '../../tests/harness/numbers.ts'
import { seededRandom } from '../../tests/harness/random.ts'
import { Story } from '../../tests/harness/story.ts'
import { hostServer } from '../../tests/judge/host.ts'
import { SOLUTION } from '../../tests/judge/workbook.ts'
import { closedLoop, inTurn, type LoadResult } from './closed-loop.ts'
import { IdleConnections } from './idle-connections.ts'
import type { Measurement } from './measurement.ts'

const ROUNDS = 5
const ROUND_MS = 500
const QUIET_MS = 1_000

export const measurement: Measurement = {
  asks: 'round trips in a second, each of which wakes a thread that sleeps',
  how: `One client sends a byte and waits until it is back, for ${ROUND_MS / 1000} s at a time, in turn with both servers; medians of ${ROUNDS} rounds. "No thread" is the model answer to chapter 02. CPU is that of the server's whole process.`,
  why: 'Every byte crosses between two threads twice: the loop wakes the thread that sleeps, and the answer of the thread wakes the loop. Each wake-up is a call of the kernel, and then the scheduler has to switch to the other thread: that is the additional CPU of a round trip. In silence both threads sleep in the kernel and nothing runs.',
  async run(tree, say) {
    const woken = await hostServer(tree, '03-blocking-socket')
    const noThread = await hostServer(SOLUTION, '02-echo')
    try {
      await makeFirstTrip(woken)
      say(`${ROUNDS} rounds with each server`)
      const cpu = { woken: [] as number[], noThread: [] as number[] }
      const trips = await inTurn(ROUNDS, {
        noThread: () => makeRoundTrips(noThread, cpu.noThread),
        woken: () => makeRoundTrips(woken, cpu.woken),
      })
      say('a second of silence')
      const silenceMs = await cpuMsInSilence(woken)
      return {
        answer: { value: trips.woken.perSecond, unit: '/s' },
        rows: [
          { label: 'no thread: round trips', value: trips.noThread.perSecond, unit: '/s' },
          { label: 'a thread is woken: round trips', value: trips.woken.perSecond, unit: '/s' },
          { label: 'no thread: CPU for each', value: middle(cpu.noThread), unit: 'µs' },
          { label: 'a thread is woken: CPU for each', value: middle(cpu.woken), unit: 'µs' },
          { label: 'a thread waits: CPU in a second', value: silenceMs, unit: 'ms' },
        ],
      }
    } finally {
      await woken.kill()
      await noThread.kill()
    }
  },
}

/** Fails with a reason, as the rounds would not, when bytes do not come back. */
async function makeFirstTrip(server: HostedServer): Promise<void> {
  const setting = { server, story: new Story(), random: seededRandom(1, 'wake-ups') }
  const client = await Client.connect('the client', setting)
  await client.send('x')
  await client.expectBytes('x', { because: 'The thread reads what came and writes it back.' })
  client.leave()
}

/** One round. Adds to `cpu` how many microseconds of CPU the server used for each round trip. */
async function makeRoundTrips(server: HostedServer, cpu: number[]): Promise<LoadResult> {
  const load = { port: server.port, connections: 1, request: Buffer.from('x'), answerBytes: 1 }
  const [result, cpuMs] = await Promise.all([
    closedLoop({ ...load, forMs: ROUND_MS }),
    server.cpuMsDuring(ROUND_MS),
  ])
  cpu.push((cpuMs * 1_000) / (result.perSecond * (ROUND_MS / 1_000)))
  return result
}

/** What the server uses while its only client is connected and says nothing. */
async function cpuMsInSilence(server: HostedServer): Promise<number> {
  const silent = new IdleConnections()
  try {
    await silent.growTo(1, server.port)
    await server.roundTrip()
    return Number((await server.cpuMsDuring(QUIET_MS)).toFixed(1))
  } finally {
    silent.destroy()
  }
}

function middle(values: number[]): number {
  return Math.round(median(values))
}
