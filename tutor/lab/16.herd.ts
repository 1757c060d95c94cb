import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { seededRandom } from '../../tests/harness/random.ts'
import { VirtualTimers } from '../../tests/harness/virtual-timers.ts'
import type { Measurement } from './measurement.ts'

const CLIENTS = 10_000
const AWAY_MS = 2_000
const TICK_MS = 100

/** So many connections the server can welcome in a tick; the others are refused, and try again. */
const PER_TICK = 250

const LIMITS = { firstMs: 1_000, capMs: 30_000, provenMs: 10_000 }

type Kind = new (limits: typeof LIMITS, random: () => number) => { nextDelayMs(): number }

export const measurement: Measurement = {
  asks: 'attempts in the busiest 100 ms after a restart, without jitter',
  how: `${CLIENTS.toLocaleString('en')} clients lose their connection at the same moment, and the server is away for ${AWAY_MS / 1_000} s. It welcomes ${PER_TICK} connections in ${TICK_MS} ms and refuses the rest. Your back-off with random numbers, and with 1 in their place: each wait is its bound. Virtual time.`,
  async run(tree, say) {
    const file = join(tree.root, '16-client', 'backoff.ts')
    const { Backoff } = (await import(pathToFileURL(file).href)) as { Backoff: Kind }
    say('without jitter')
    const without = await restart(Backoff, () => 1)
    say('with jitter')
    const jittered = await restart(Backoff, seededRandom(1, 'herd'))
    return {
      answer: { value: without.busiest, unit: 'attempts' },
      rows: [
        { label: 'without jitter: busiest 100 ms', value: without.busiest, unit: 'attempts' },
        { label: 'with jitter: busiest 100 ms', value: jittered.busiest, unit: 'attempts' },
        { label: 'without jitter: attempts refused', value: without.refused, unit: 'refused' },
        { label: 'with jitter: attempts refused', value: jittered.refused, unit: 'refused' },
        { label: 'without jitter: 99 % are back', value: without.backMs / 1_000, unit: 's' },
        { label: 'with jitter: 99 % are back', value: jittered.backMs / 1_000, unit: 's' },
      ],
    }
  },
}

/** What a server sees that comes back. */
async function restart(kind: Kind, random: () => number) {
  const timers = new VirtualTimers()
  const attempts = new Map<number, number>()
  let refused = 0
  let welcome = 0
  let backMs = 0
  const attempt = (backoff: InstanceType<Kind>) => {
    const nowMs = timers.now()
    if (nowMs < AWAY_MS) return void timers.after(backoff.nextDelayMs(), () => attempt(backoff))
    const tick = Math.floor(nowMs / TICK_MS)
    const count = (attempts.get(tick) ?? 0) + 1
    attempts.set(tick, count)
    if (count > PER_TICK) {
      refused += 1
      timers.after(backoff.nextDelayMs(), () => attempt(backoff))
    } else if (++welcome === Math.ceil(CLIENTS * 0.99)) backMs = Math.round(nowMs / 100) * 100
  }
  for (let client = 0; client < CLIENTS; client++) {
    const backoff = new kind(LIMITS, random)
    timers.after(backoff.nextDelayMs(), () => attempt(backoff))
  }
  await timers.advanceUntil(() => welcome === CLIENTS, 10_000_000)
  return { busiest: Math.max(...attempts.values()), refused, backMs }
}
