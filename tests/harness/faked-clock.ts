/**
 * The clocks of this process, in the hands of a test: they stand still until it moves them. Whichever of them the code
 * under test looks at, it sees the same time pass. Each counts from a moment of its own, as the real ones do.
 *
 * They are replaced once, when this module is loaded, and tell the real time unless one is faked: so they also obey
 * where somebody has taken a function aside (`const { now } = Date`), if only after that.
 */

import { syncBuiltinESMExports } from 'node:module'

const NS_PER_MS = 1_000_000

/** `Date` counts from 1970, `hrtime` from when the machine was started, the others from when the process was. */
const SINCE_1970_MS = 1_700_000_000_000
const SINCE_BOOT_MS = 86_400_000

let faked: FakedClock | undefined

export class FakedClock {
  #nowMs: number

  constructor(nowMs = 1_000) {
    this.#nowMs = nowMs
    faked = this
  }

  now(): number {
    return this.#nowMs
  }

  advance(ms: number): void {
    this.#nowMs += ms
  }

  /** From here on the clocks tell the real time again. */
  giveBack(): void {
    if (faked === this) faked = undefined
  }
}

const realNow = performance.now.bind(performance)
performance.now = () => faked?.now() ?? realNow()

const RealDate = Date
const realDateNow = Date.now
Date.now = () => (faked ? SINCE_1970_MS + faked.now() : realDateNow())
globalThis.Date = new Proxy(RealDate, {
  apply: () => new Date().toString(),
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [Date.now()] : args, newTarget),
})

const { hrtime } = process
const realBigint = hrtime.bigint
process.hrtime = Object.assign(
  (before?: [number, number]): [number, number] => {
    if (!faked) return hrtime(before)
    const [seconds, ns] = before ?? [0, 0]
    const sinceNs = sinceBootNs(faked) - (seconds * 1e9 + ns)
    return [Math.floor(sinceNs / 1e9), sinceNs - Math.floor(sinceNs / 1e9) * 1e9]
  },
  { bigint: () => (faked ? BigInt(sinceBootNs(faked)) : realBigint()) },
)

function sinceBootNs(clock: FakedClock): number {
  return Math.round((SINCE_BOOT_MS + clock.now()) * NS_PER_MS)
}

const realUptime = process.uptime
process.uptime = () => (faked ? faked.now() / 1_000 : realUptime())

// Who imports them by name has them from here on, too.
syncBuiltinESMExports()
