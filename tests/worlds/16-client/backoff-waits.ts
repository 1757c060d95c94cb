/** How long a client of chapter 16 waits before it tries again: bounds, chance, and what starts anew. */

import type { Backoff } from '#code/16-client/backoff.ts'
import type { Reason } from '../../harness/failure.ts'
import { seededRandom } from '../../harness/random.ts'
import type { Stage } from '../../judge/step.ts'

const LIMITS = { firstMs: 1_000, capMs: 30_000, provenMs: 10_000 }
const OTHER_LIMITS = { firstMs: 20, capMs: 100_000, provenMs: 300 }

/** The bound doubles up to a cap, and a wait is drawn from all that lies below it. */
export async function expectBounds(stage: Stage): Promise<void> {
  const { expectSame, story } = stage
  const { Backoff } = await stage.load(() => import('#code/16-client/backoff.ts'))
  story.tell('random', 'returns 0.5 each time, the middle of its range')
  const middle = new Backoff(LIMITS, () => 0.5)
  const seven = waitsOf(middle, 7)
  const same = waitsOf(new Backoff(LIMITS, () => 0.5), 7)
  expectSame('seven waits', seven.join(', '), '500, 1000, 2000, 4000, 8000, 15000, 15000', {
    because:
      'The bounds are 1, 2, 4, 8 and 16 s, then 30 s; a wait is drawn from all that lies below its bound.',
    likely: whyOtherWaits(seven, same),
  })
  expectSame(
    'the different waits among the next 2,000',
    [...new Set(waitsOf(middle, 2_000))],
    [15_000],
    {
      because: 'A server can be away for a week. The bound has reached its cap and stays there.',
      likely: '1 << 31 is negative, and 1 << 32 is 1 again; 2 ** n has neither problem.',
    },
  )
  expectSame(
    'the first wait, where the cap is 400 ms',
    waitsOf(new Backoff({ ...LIMITS, capMs: 400 }, () => 0.5), 1),
    [200],
    {
      because: 'No bound is above the cap.',
    },
  )
  const fifteen = waitsOf(new Backoff(OTHER_LIMITS, () => 0.5), 15)
  expectSame(
    'fifteen waits, where the first bound is 20 ms and the cap 100 s',
    fifteen.join(', '),
    '10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5120, 10240, 20480, 40960, 50000, 50000',
    {
      because: 'The limits say where a back-off begins and where it stops.',
      likely:
        fifteen[0] === 50_000
          ? 'A new back-off has no waits yet: the count of waits belongs to one client.'
          : 'Take firstMs and capMs from this.#limits. How often the bound doubles follows from them.',
    },
  )
}

/** No wait is likelier than another: not for two clients, and not for 10,000. */
export async function expectSpread(stage: Stage): Promise<void> {
  const { expect, expectSame, story } = stage
  const { Backoff } = await stage.load(() => import('#code/16-client/backoff.ts'))
  story.tell('random', 'returns 0.05 for one client and 0.95 for another')
  const ends = [0.05, 0.95].map((value) => new Backoff(LIMITS, () => value))
  for (let times = 0; times < 8; times++) for (const backoff of ends) backoff.nextDelayMs()
  const spread = ends.map((backoff) => toTens(backoff.nextDelayMs())).sort((a, b) => a - b)
  expectSame('their waits at the cap', spread, [1_500, 28_500], {
    because:
      'All waits from 0 to the bound are equally likely, at the cap, too. If short waits are left out, the clients come back together.',
    likely:
      'A wait is random() times the bound, not half of it fixed and half drawn, nor a little jitter around it.',
  })
  const crowd = seededRandom(16, 'crowd')
  const first = Array.from({ length: 10_000 }, () => new Backoff(LIMITS, crowd).nextDelayMs())
  expectEven('10,000 clients to come back evenly over the first second', first, 1_000, {
    because: 'They all lost their connection at the same moment.',
  })
  const patient = new Backoff(LIMITS, crowd)
  for (let times = 0; times < 5; times++) patient.nextDelayMs()
  const capped = Array.from({ length: 10_000 }, () => patient.nextDelayMs())
  expectEven('10,000 waits of one client at the cap to be spread evenly', capped, 30_000, {
    because: 'Each wait is drawn anew, and no wait is likelier than another.',
    likely: 'Call this.#random() once for each wait, and multiply it by the bound.',
  })

  function expectEven(what: string, waits: number[], boundMs: number, reason: Reason): void {
    const perTenth = Array.from({ length: 10 }, () => 0)
    for (const ms of waits) perTenth[Math.min(9, Math.floor((10 * ms) / boundMs))] += 1
    expect(
      what,
      perTenth.every((count) => count > 800 && count < 1_200),
      {
        ...reason,
        expected: 'about 1,000 in each tenth of it',
        received: perTenth.join(', '),
      },
    )
  }
}

/** Only a connection that lasted starts anew. */
export async function expectProven(stage: Stage): Promise<void> {
  const { expectSame, story } = stage
  const { Backoff } = await stage.load(() => import('#code/16-client/backoff.ts'))
  const backoff = new Backoff(LIMITS, () => 0.5)
  const other = new Backoff(LIMITS, () => 0.5)
  waitsOf(backoff, 3)
  story.tell('client', 'has waited three times')
  const ended = (welcomeMs: number, wait: number, reason: Reason) => {
    story.tell(
      'connection',
      welcomeMs === 0
        ? 'ends; the server never welcomed the client'
        : `ends ${welcomeMs} ms after the welcome`,
    )
    backoff.connectionEnded(welcomeMs)
    const received = toTens(backoff.nextDelayMs())
    const likely = 'Count a wait where it is drawn, and nowhere else.'
    expectSame(
      'the next wait',
      received,
      wait,
      received > wait && wait > 500 ? { ...reason, likely } : reason,
    )
  }
  ended(0, 4_000, {
    because: 'A server that accepts and hangs up at once is no better than one that refuses.',
    likely: 'Only a connection that lasted resets the bound.',
  })
  ended(9_999, 8_000, {
    because:
      'The client was welcome, but not for long enough: a server that dies under its load, again and again, welcomes everybody first.',
    likely: 'Compare with provenMs.',
  })
  ended(10_000, 500, {
    because: 'It has proved itself, so this loss counts as a first failure.',
    likely: 'From provenMs on (>=), the count of waits starts at 0 again.',
  })
  ended(0, 1_000, { because: 'The bound grows from there.' })
  const quick = new Backoff(OTHER_LIMITS, () => 0.5)
  const [, , third] = waitsOf(quick, 3)
  for (const [welcomeMs, next] of [
    [299, 2 * third],
    [300, 10],
  ]) {
    quick.connectionEnded(welcomeMs)
    expectSame(
      `the next wait after ${welcomeMs} ms, where 300 ms are enough`,
      waitsOf(quick, 1),
      [next],
      {
        because: 'The limits say how long a connection has to last.',
        likely: 'Compare with the provenMs of this.#limits.',
      },
    )
  }
  expectSame('the first wait of another client', waitsOf(other, 1), [500], {
    because: 'Every client counts its own failures.',
  })
}

function waitsOf(backoff: Backoff, count: number): number[] {
  return Array.from({ length: count }, () => toTens(backoff.nextDelayMs()))
}

/** Why waits are not 500, 1,000, … 15,000. */
function whyOtherWaits(seven: number[], same: number[]): string {
  const [first, second, , , , , last] = seven
  if (seven.join() !== same.join())
    return 'The same random numbers gave different waits. Take all random numbers from this.#random().'
  if (first === 500 && second !== 1_000)
    return 'Each bound is twice the one before, from the second one on.'
  if (first === 500 && last < 15_000) return 'The bounds grow until they reach capMs.'
  if (first === 500)
    return 'The bound is capped before it is multiplied by random(): Math.min(capMs, …).'
  if (first === 1_000 && last === 15_000)
    return 'The first bound is firstMs itself. It doubles after that.'
  return 'A wait is random() times its bound: no part of it is fixed.'
}

/** A wait that is rounded to whole milliseconds is right, too. */
function toTens(ms: number): number {
  return Math.round(ms / 10) * 10
}
