import type { CodeTree } from '../../tests/harness/code-tree.ts'
import { hostServer } from '../../tests/judge/host.ts'
import { closedLoop, inTurn, type LoadResult } from './closed-loop.ts'
import type { Measurement } from './measurement.ts'

const ROUNDS = 3
const FOR_MS = 400
const CONNECTIONS = 64

/** From next to no work for the loop to nothing else. */
const WORK = {
  'echo hello': 'hello',
  'fib 20': '6765',
  'fib 25': '75025',
}

export const measurement: Measurement = {
  asks: 'times as many `fib 25` a second, with two loops instead of one',
  how: `${CONNECTIONS} connections, each of which asks again when it has its answer, for ${FOR_MS} ms; one loop and two in turn, medians of ${ROUNDS} rounds. The client runs on this machine, too: what it needs of a core, the loops do not get.`,
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
        const results = await inTurn(ROUNDS, {
          one: () => load(one.port),
          two: () => load(two.port),
        })
        ratio = Number((results.two.perSecond / results.one.perSecond).toFixed(2))
        rows.push(
          { label: `${line}: one loop`, value: results.one.perSecond, unit: '/s' },
          { label: `${line}: two loops`, value: results.two.perSecond, unit: '/s' },
          { label: `${line}: two against one`, value: ratio, unit: 'times' },
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
