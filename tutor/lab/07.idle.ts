import type { CodeTree } from '../../tests/harness/code-tree.ts'
import { hostServer } from '../../tests/judge/host.ts'
import { LAB, PLAINEST } from './echo-race.ts'
import { kibPerConnection } from './idle-connections.ts'
import type { Measurement, Row } from './measurement.ts'

const HELLO = 'echo hello\n'

/** 04 would need a thread for each of 5,000: 300 tell as much. */
const CONTESTANTS: Contestant[] = [
  { label: '04, a thread each', chapter: '04-thread-per-connection', count: 300, hello: HELLO },
  { label: '06, waiting for a thread', chapter: '06-worker-pool', count: 5_000 },
  { label: '07, on the loop', chapter: '07-event-loop', count: 5_000, hello: HELLO },
]

interface Contestant {
  label: string
  chapter: string
  count: number
  /** Said first, and answered; 06 leaves most clients waiting. */
  hello?: string
}

export const measurement: Measurement = {
  asks: 'KiB of the server’s memory for a connection that says nothing, on the event loop',
  how: 'Connections that say nothing after a first line are opened to each server: 5,000, or 300 where each takes a thread. Those of 06 say nothing at all, for they wait for a thread. Resident memory of the server’s process with all of them, less that with the first hundredth, for each of the rest. What the kernel keeps for them is not in it.',
  async run(tree, say) {
    say('plainest server')
    const plain = { label: 'plainest net server', chapter: '', count: 5_000, hello: HELLO }
    const rows: Row[] = [{ label: plain.label, value: await measure(LAB, plain), unit: 'KiB' }]
    for (const contestant of CONTESTANTS) {
      say(contestant.chapter)
      rows.push({ label: contestant.label, value: await measure(tree, contestant), unit: 'KiB' })
    }
    return { answer: { value: rows.at(-1)!.value, unit: 'KiB' }, rows }
  },
}

async function measure(tree: CodeTree, { chapter, count, hello }: Contestant): Promise<number> {
  const server = await hostServer(tree, chapter, {
    file: chapter ? 'server.ts' : PLAINEST,
    options: { maxThreads: count, maxWaiting: count },
  })
  try {
    return await kibPerConnection(server, count, hello)
  } finally {
    await server.kill()
  }
}
