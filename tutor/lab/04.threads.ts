import { Client } from '../../tests/harness/client.ts'
import type { HostedServer } from '../../tests/harness/hosted-server.ts'
import { median } from '../../tests/harness/numbers.ts'
import { seededRandom } from '../../tests/harness/random.ts'
import { Story } from '../../tests/harness/story.ts'
import { hostServer } from '../../tests/judge/host.ts'
import type { Measurement, Row } from './measurement.ts'

const CROWDS = [1, 10, 50, 100]
const PREDICTED = 1_000
const MEBIBYTE = 1024 * 1024

/** What a crowd of connections costs, each with its thread. */
interface Crowd {
  count: number
  /** Resident memory of the server's whole process. */
  mebibytes: number
  /** From connecting to the first answer; the median of those who joined last. */
  startMs: number
}

export const measurement: Measurement = {
  asks: `for ${PREDICTED.toLocaleString('en')} threads, extrapolated: each costs what one more costs between ${CROWDS[1]} and ${CROWDS.at(-1)}`,
  how: 'Clients connect one after the other, each waits for the answer to its first line, and stays. Memory: resident set of the server process, after a garbage collection in its main thread. Start: from connecting to the first answer, median of those who joined last.',
  why: 'A thread in Node is a second JavaScript machine, with a heap, an event loop and its own copy of all code. That costs about 8 MiB, so a thousand of them are gigabytes although none of them does anything. Starting one means to set all of that up.',
  async run(tree, say) {
    const server = await hostServer(tree, '04-thread-per-connection', {
      options: { maxThreads: CROWDS.at(-1) },
    })
    const clients: Client[] = []
    try {
      await warmUp(server)
      const empty = await residentMebibytes(server)
      const crowds: Crowd[] = []
      for (const count of CROWDS) {
        say(`${count} ${count === 1 ? 'connection' : 'connections'}`)
        crowds.push(await growTo(count, clients, server))
      }
      return {
        answer: { value: extrapolate(crowds), unit: 'GiB' },
        rows: [{ label: 'no thread', value: empty, unit: 'MiB' }, ...toRows(crowds)],
      }
    } finally {
      for (const client of clients) client.leave()
      await server.kill()
    }
  },
}

/** The first thread leaves its code, types stripped, in the compile cache when it ends; the next ones find it there. */
async function warmUp(server: HostedServer): Promise<void> {
  const first = await meet(server)
  first.leave()
  const noThread = async () => {
    const threads = await server.workers()
    return { holds: threads === 0, received: `${threads}` }
  }
  await server.expectEventually('the thread to end with its connection', noThread, {
    because: 'The threads to be measured have to be all there are.',
  })
}

async function growTo(count: number, clients: Client[], server: HostedServer): Promise<Crowd> {
  const starts: number[] = []
  while (clients.length < count) {
    const startedAt = performance.now()
    clients.push(await meet(server))
    starts.push(performance.now() - startedAt)
  }
  const mebibytes = await residentMebibytes(server)
  return { count, mebibytes, startMs: Number(median(starts).toFixed(1)) }
}

/** Connects and waits for a first answer: the thread is there, and has loaded its code. */
async function meet(server: HostedServer): Promise<Client> {
  const setting = { server, story: new Story(), random: seededRandom(1, 'threads') }
  const client = await Client.connect('the client', setting)
  await client.send('echo hello\n')
  await client.expectLine('hello', { because: 'Every connection has a thread, and gets answers.' })
  return client
}

async function residentMebibytes(server: HostedServer): Promise<number> {
  // Collects garbage, which is not what a thread costs.
  await server.heldBytes()
  return Math.round((await server.rssBytes()) / MEBIBYTE)
}

/** GiB for `PREDICTED` threads, on the straight line from the second crowd to the last. */
function extrapolate(crowds: Crowd[]): number {
  const [few, many] = [crowds[1], crowds.at(-1)!]
  const each = (many.mebibytes - few.mebibytes) / (many.count - few.count)
  return Number(((many.mebibytes + each * (PREDICTED - many.count)) / 1024).toFixed(1))
}

function toRows(crowds: Crowd[]): Row[] {
  const nameOf = ({ count }: Crowd) => `${count} ${count === 1 ? 'thread' : 'threads'}`
  return [
    ...crowds.map((crowd) => ({ label: nameOf(crowd), value: crowd.mebibytes, unit: 'MiB' })),
    ...crowds.map((crowd) => ({
      label: `${nameOf(crowd)}: start of one more`,
      value: crowd.startMs,
      unit: 'ms',
    })),
  ]
}
