import { connect } from 'node:net'
import { hostServer } from '../../tests/judge/host.ts'
import type { Measurement } from './measurement.ts'

const ROUNDS = 5
const ROUND_MS = 500

export const measurement: Measurement = {
  asks: 'greetings in a second, one client after the other',
  how: `One client connects, reads the greeting to its FIN, ends its side, and only then the next one connects, for ${ROUND_MS / 1000} s. The answer is the median of ${ROUNDS} such rounds, after one round to warm up.`,
  why: 'Nothing here waits for a network. A greeting costs about ten packets between the two sockets and a few turns of the event loop in each process, some 0.2 ms of CPU, and the next client begins only when that is over. Clients that come at the same time share those turns, and a server greets more of them.',
  async run(tree, say) {
    const server = await hostServer(tree, '01-hello')
    try {
      await greetFor(ROUND_MS, server.port)
      const rates: number[] = []
      for (let round = 1; round <= ROUNDS; round++) {
        say(`round ${round} of ${ROUNDS}`)
        rates.push(await greetFor(ROUND_MS, server.port))
      }
      const rows = rates.map((value, index) => ({ label: `round ${index + 1}`, value, unit: '/s' }))
      return { answer: { value: rates.toSorted((a, b) => a - b)[ROUNDS >> 1], unit: '/s' }, rows }
    } finally {
      await server.kill()
    }
  },
}

/** Greetings in a second. */
async function greetFor(ms: number, port: number): Promise<number> {
  const startedAt = performance.now()
  let greeted = 0
  while (performance.now() - startedAt < ms) {
    await beGreeted(port)
    greeted += 1
  }
  return Math.round(greeted / ((performance.now() - startedAt) / 1000))
}

function beGreeted(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    // allowHalfOpen is off: the socket answers the server's FIN by itself.
    const socket = connect(port, '127.0.0.1')
    socket.once('error', reject)
    socket.once('close', () => resolve())
    socket.resume()
  })
}
