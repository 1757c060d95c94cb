/** What the thread pool of a server under test says of itself. */

import type { Reason } from '../../harness/failure.ts'
import type { HostedServer } from '../../harness/hosted-server.ts'

export interface PoolNumbers {
  threads: number
  busy: number
  queued: number
  rejected: number
  crashed: number
}

export async function poolNumbers(server: HostedServer): Promise<PoolNumbers> {
  return (await server.call<{ pool: PoolNumbers }>('stats')).pool
}

/** Waits until the pool's numbers are these, and looks again when everything on its way has arrived. Other numbers may have a cause of their own. */
export async function expectPool(
  server: HostedServer,
  expected: Partial<PoolNumbers>,
  reason: Reason,
  likelyOf: (seen: PoolNumbers) => string | undefined = () => undefined,
): Promise<void> {
  const names = Object.keys(expected) as (keyof PoolNumbers)[]
  const what = `the pool to report ${names.map((name) => `${name}: ${expected[name]}`).join(', ')}`
  const look = async () => {
    const pool = await poolNumbers(server)
    return {
      holds: names.every((name) => pool[name] === expected[name]),
      received: names.map((name) => `${name}: ${pool[name]}`).join(', '),
      likely: likelyOf(pool),
    }
  }
  const lookTwice = async () => {
    const seen = await look()
    if (!seen.holds) return seen
    await server.roundTrip()
    return look()
  }
  await server.expectEventually(what, lookTwice, reason)
}
