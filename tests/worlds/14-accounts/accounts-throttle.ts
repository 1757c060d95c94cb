/** A throttle in virtual time, and one network that guesses at one account. */

import type { ThrottleLimits } from '#code/14-accounts/throttle.ts'
import type { Reason } from '../../harness/failure.ts'
import { withCommas } from '../../harness/numbers.ts'
import { VirtualClock } from '../../harness/virtual-time.ts'
import type { Stage } from '../../judge/step.ts'
import { HOUR } from './accounts-sessions.ts'

export const LIMITS: ThrottleLimits = {
  firstDelayMs: 1_000,
  maxDelayMs: 60_000,
  forgetMs: 10 * HOUR,
  rate: { perSecond: 100, burst: 1_000 },
  maxFailures: 100,
  windowMs: HOUR,
  maxEntries: 10_000,
}

/** What a try tells, and what has probably let it in if it should have waited. */
interface TryReason extends Reason {
  letIn?: string
}

/** A throttle in virtual time, whose answers are told. */
export async function playThrottle(
  { expectSame, load, story }: Stage,
  limits: Partial<ThrottleLimits> = {},
) {
  const { Throttle } = await load(() => import('#code/14-accounts/throttle.ts'))
  const clock = new VirtualClock()
  clock.pass(5_000)
  const throttle = new Throttle(clock, { ...LIMITS, ...limits })
  const rounded = (ms: number) => Math.round(ms * 1_000) / 1_000
  return {
    clock,
    throttle,
    pass(ms: number) {
      story.tell('time', `moves on by ${withCommas(ms)} ms`)
      clock.pass(ms)
    },
    /** `letIn` is the likely cause where a try goes on that should wait. */
    begin(account: string, address: string, waitMs: number, reason: TryReason) {
      const what = `begin("${account}", "${address}")`
      const received = rounded(throttle.begin(account, address))
      const { letIn, ...rest } = reason
      const likely = received === 0 && letIn ? letIn : reason.likely
      expectSame(what, received, waitMs, { ...rest, likely })
    },
    succeed(account: string, address: string) {
      story.tell('test', `calls succeed("${account}", "${address}")`)
      throttle.succeed(account, address)
    },
    takeBack(account: string, address: string) {
      story.tell('test', `calls takeBack("${account}", "${address}")`)
      throttle.takeBack(account, address)
    },
  }
}

export const HOME = '192.0.2.1'
export const AWAY = '198.51.100.7'

/** One network, one account. */
export async function expectDoubling(stage: Stage): Promise<void> {
  const { expect, story } = stage
  const { begin, clock, pass, succeed, throttle } = await playThrottle(stage)
  begin('ada', HOME, 0, { because: 'It is the first try.' })
  begin('ada', HOME, 1_000, {
    because: 'The first try is being hashed. Until it succeeds it counts as a failure.',
    likely:
      'Count in begin(): counting when the hash is done lets a hundred tries in at once. The first wait is firstDelayMs.',
  })
  begin('ada', AWAY, 0, { because: 'Another network has its own count.' })
  begin('bob', HOME, 0, { because: 'Another account has its own count.' })
  pass(999)
  begin('ada', HOME, 1, {
    because: 'A millisecond is left: a try that is refused must not lengthen the wait.',
    likely: 'Return waitUntil minus now, and count a try only if it may go ahead.',
  })
  pass(1)
  begin('ada', HOME, 0, {
    because: 'The second has passed. The refused tries did not lengthen the wait.',
    likely: 'Count a try only if it may go ahead.',
  })
  for (const waitMs of [2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) {
    begin('ada', HOME, waitMs, {
      because: 'Each failure doubles the wait, up to maxDelayMs.',
      likely: 'The wait is firstDelayMs · 2^(earlier failures), and no more than maxDelayMs.',
    })
    pass(waitMs)
    begin('ada', HOME, 0, { because: 'The wait is over.' })
  }
  story.tell(HOME, 'waits a minute and tries again, 40 times')
  const waits = Array.from({ length: 40 }, () => {
    clock.pass(60_000)
    throttle.begin('ada', HOME)
    return throttle.begin('ada', HOME)
  })
  const short = waits.findIndex((ms) => ms !== 60_000)
  expect('each failure to be followed by a wait of 60,000 ms', short < 0, {
    because: 'The wait stays at maxDelayMs, however many failures there are.',
    likely:
      'A shift (1 << failures) has 32 bits: it is negative after 31 failures, and then small again. Use 2 ** failures.',
    received: `${waits[short]} ms after failure ${short + 10}`,
  })
  pass(60_000)
  begin('ada', HOME, 0, { because: 'The wait is over.' })
  succeed('ada', HOME)
  begin('ada', HOME, 0, {
    because: 'That password was right: nothing is held against this network any more.',
    likely: 'succeed() and takeBack() both end the wait.',
    look: ['throttle.succeed()', 'throttle.takeBack()'],
  })
  begin('ada', HOME, 1_000, {
    because: 'It is the first failure after a success.',
    likely: 'succeed() forgets the earlier failures of the pair.',
    look: 'throttle.succeed()',
  })
  pass(6 * HOUR)
  begin('ada', HOME, 0, { because: 'The failure was six hours ago.' })
  pass(6 * HOUR)
  begin('ada', HOME, 0, { because: 'The first of these failures was twelve hours ago.' })
  begin('ada', HOME, 4_000, {
    because:
      'It is the third failure: each came less than forgetMs (ten hours) after the one before it.',
    likely: 'triedAt is the time of the pair’s last try: each try that goes ahead sets it.',
  })
  pass(10 * HOUR)
  begin('ada', HOME, 0, { because: 'The last try was ten hours ago.' })
  begin('ada', HOME, 1_000, { because: 'After forgetMs, a failure counts as the first.' })
}

/** The last fraction of a millisecond belongs to the wait: whoever is let in uncounted may go on guessing. */
export async function expectFractions({ expect, load, story }: Stage): Promise<void> {
  const { Throttle } = await load(() => import('#code/14-accounts/throttle.ts'))
  const clock = new VirtualClock()
  const throttle = new Throttle(clock, { ...LIMITS, maxFailures: 2 })
  const expectRefused = (account: string, address: string) => {
    const received = throttle.begin(account, address)
    expect(`begin("${account}", "${address}") to be above 0`, received > 0, {
      because:
        'A quarter of a millisecond is left. 0 means that the try goes on, and that it has been counted.',
      likely:
        'The clock has fractions. Return the wait as it is: one that is rounded to 0 lets in tries that nobody counts.',
      expected: '0.25',
      received: `${received}`,
      look: 'throttle.begin()',
    })
  }
  story.tell(HOME, 'begins a try at "ada", and another one 999.75 ms later')
  throttle.begin('ada', HOME)
  clock.pass(999.75)
  expectRefused('ada', HOME)
  story.tell(
    AWAY,
    'begins a try at "ada", which closes the account, and another one when 0.25 ms are left',
  )
  throttle.begin('ada', AWAY)
  clock.pass(HOUR - 1_000)
  expectRefused('ada', AWAY)
}

/** Old failures are forgotten, whatever was asked in vain meanwhile. */
export async function expectForgotten(stage: Stage): Promise<void> {
  const { begin, pass } = await playThrottle(stage, {
    firstDelayMs: 60_000,
    maxDelayMs: HOUR,
    forgetMs: 100_000,
  })
  begin('ada', HOME, 0, { because: 'It is the first try.' })
  pass(50_000)
  begin('ada', HOME, 10_000, {
    because: 'The wait after a failure is a minute, and 50 s of it have passed.',
  })
  pass(50_000)
  begin('ada', HOME, 0, { because: 'The minute is over.' })
  begin('ada', HOME, 60_000, {
    because:
      'This failure counts as the first: the last try that went ahead was 100 s earlier, which is forgetMs. A refused try prolongs nothing.',
    likely: 'Set triedAt where a try is counted, and nowhere else.',
  })
}

/** A clock that moves on between two looks, as real ones do. */
export async function expectRealClock({ expectSame, load }: Stage): Promise<void> {
  const { Throttle } = await load(() => import('#code/14-accounts/throttle.ts'))
  let nowMs = 1_000
  const clock = { now: () => (nowMs += 0.01) }
  const throttle = new Throttle(clock, LIMITS)
  const reason = {
    because: 'Time passes between two calls of clock.now().',
    likely: 'Call clock.now() once, and calculate with that value.',
  }
  expectSame('begin("ada", HOME) on a real clock', throttle.begin('ada', HOME), 0, reason)
  throttle.takeBack('ada', HOME)
  expectSame('begin("ada", HOME) after takeBack()', throttle.begin('ada', HOME), 0, {
    ...reason,
    look: 'throttle.takeBack()',
  })
  nowMs += 1_000
  expectSame('begin("ada", HOME) a second later', throttle.begin('ada', HOME), 0, reason)
}
