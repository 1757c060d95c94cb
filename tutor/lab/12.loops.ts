import type { CodeTree } from '../../tests/harness/code-tree.ts'
import { median } from '../../tests/harness/numbers.ts'
import { hostServer } from '../../tests/judge/host.ts'
import { closedLoop, inTurn, type LoadResult } from './closed-loop.ts'
import type { Measurement } from './measurement.ts'

const ROUNDS = 3
const FOR_MS = 300
const CONNECTIONS = 64

/** From next to no work for the loop to nothing else. */
const WORK = {
  'echo hello': 'hello',
  'fib 20': '6765',
  'fib 25': '75025',
}

export const measurement: Measurement = {
  asks: 'times as many `fib 25` a second, with two loops instead of one',
  how: `${CONNECTIONS} connections, each of which asks again when it has its answer, for ${FOR_MS} ms; one loop and two in turn, medians of ${ROUNDS} rounds. The client runs on this machine, too, and whatever else does: the cores are those that the server with two loops got.`,
  async run(tree, say) {
    const one = await host(tree, 1)
    const two = await host(tree, 2)
    try {
      const rows = []
      let ratio = 0
      for (const [line, answer] of Object.entries(WORK)) {
        say(line)
        const load = (port: number): Promise<LoadResult> =>
          closedLoop({
            port,
            connections: CONNECTIONS,
            request: Buffer.from(`${line}\n`),
            answerBytes: answer.length + 1,
            forMs: FOR_MS,
          })
        const cores: number[] = []
        const results = await inTurn(ROUNDS, {
          one: () => load(one.port),
          async two() {
            const [result, cpuMs] = await Promise.all([load(two.port), two.cpuMsDuring(FOR_MS)])
            cores.push(cpuMs / FOR_MS)
            return result
          },
        })
        ratio = Number((results.two.perSecond / results.one.perSecond).toFixed(2))
        rows.push(
          { label: `${line}: one loop`, value: results.one.perSecond, unit: '/s' },
          { label: `${line}: two loops`, value: results.two.perSecond, unit: '/s' },
          { label: `${line}: two against one`, value: ratio, unit: 'times' },
          {
            label: `${line}: got with two`,
            value: Number(median(cores).toFixed(2)),
            unit: 'cores',
          },
        )
      }
      return { answer: { value: ratio, unit: 'times' }, rows }
    } finally {
      await one.kill()
      await two.kill()
    }
  },
}

/** In turn, so that each loop has half of the clients. */
function host(tree: CodeTree, loops: number): ReturnType<typeof hostServer> {
  return hostServer(tree, '12-many-loops', { options: { loops, choose: 'in turn' } })
}
