/** A throttle in virtual time, and everybody who guesses. */

import type { ThrottleLimits } from '#code/14-accounts/throttle.ts'
import type { Reason } from '../harness/failure.ts'
import { VirtualClock } from '../harness/virtual-time.ts'
import type { Stage } from '../judge/step.ts'
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
    throttle,
    pass(ms: number) {
      story.tell('time', `moves on by ${ms.toLocaleString('en')} ms`)
      clock.pass(ms)
    },
    begin(account: string, address: string, waitMs: number, reason: Reason) {
      const what = `begin("${account}", "${address}")`
      expectSame(what, rounded(throttle.begin(account, address)), waitMs, reason)
    },
    succeed(account: string, address: string) {
      story.tell('test', `succeed("${account}", "${address}")`)
      throttle.succeed(account, address)
    },
    takeBack(account: string, address: string) {
      story.tell('test', `takeBack("${account}", "${address}")`)
      throttle.takeBack(account, address)
    },
  }
}

export const HOME = '192.0.2.1'
export const AWAY = '198.51.100.7'

/** One network, one account. */
export async function expectDoubling(stage: Stage): Promise<void> {
  const { begin, pass, succeed } = await playThrottle(stage)
  begin('ada', HOME, 0, { because: 'It is the first try.' })
  begin('ada', HOME, 1_000, {
    because: 'The first try is being hashed. Until it succeeds it counts as a failure.',
    likely:
      'Count in begin(): whoever counts when the hash is done lets a hundred tries in at once. The first wait is firstDelayMs.',
  })
  begin('ada', AWAY, 0, { because: 'Another network has its own count.' })
  begin('bob', HOME, 0, { because: 'Another account has its own count.' })
  pass(999)
  begin('ada', HOME, 1, {
    because: 'A millisecond is left: asking in vain has not made it longer.',
    likely: 'waitUntil, less now. Count a try only if it may go on.',
  })
  pass(1)
  begin('ada', HOME, 0, {
    because: 'The second has passed. The tries that were refused have not made it longer.',
    likely: 'Count a try only if it may go on.',
  })
  for (const waitMs of [2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) {
    begin('ada', HOME, waitMs, {
      because: 'Each failure doubles the wait, up to maxDelayMs.',
      likely: 'firstDelayMs · 2^(failures before this one), and no more than maxDelayMs.',
    })
    pass(waitMs)
    begin('ada', HOME, 0, { because: 'The wait is over.' })
  }
  succeed('ada', HOME)
  begin('ada', HOME, 0, {
    because: 'That password was right: nothing is held against this network any more.',
    likely: 'succeed() ends the wait.',
  })
  begin('ada', HOME, 1_000, {
    because: 'It is the first failure after a success.',
    likely: 'succeed() forgets the failures before it.',
  })
  pass(6 * HOUR)
  begin('ada', HOME, 0, { because: 'That was six hours ago.' })
  pass(6 * HOUR)
  begin('ada', HOME, 0, { because: 'It is twelve hours since the first of these failures.' })
  begin('ada', HOME, 4_000, {
    because: 'It is the third failure: less than forgetMs, ten hours, lie between any two.',
    likely: 'triedAt is when the pair tried last: each try that goes on sets it.',
  })
  pass(10 * HOUR)
  begin('ada', HOME, 0, { because: 'That was ten hours ago.' })
  begin('ada', HOME, 1_000, { because: 'After forgetMs it is a first failure.' })
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
  begin('ada', HOME, 10_000, { because: 'A minute after a failure, of which 50 s are over.' })
  pass(50_000)
  begin('ada', HOME, 0, { because: 'The minute is over.' })
  begin('ada', HOME, 60_000, {
    because:
      'It is a first failure: the last try that went on was 100 s before it, which is forgetMs. The one that was refused prolongs nothing.',
    likely: 'triedAt is set where a try is counted, and nowhere else.',
  })
}

/** A clock that moves on between two looks, as real ones do. */
export async function expectRealClock({ expectSame, load }: Stage): Promise<void> {
  const { Throttle } = await load(() => import('#code/14-accounts/throttle.ts'))
  let nowMs = 1_000
  const clock = { now: () => (nowMs += 0.01) }
  const throttle = new Throttle(clock, LIMITS)
  const reason = {
    because: 'Between two looks at a clock, time passes.',
    likely: 'Look once, and count with that.',
  }
  expectSame('begin("ada", HOME), on a real clock', throttle.begin('ada', HOME), 0, reason)
  throttle.takeBack('ada', HOME)
  expectSame('begin("ada", HOME), after takeBack()', throttle.begin('ada', HOME), 0, reason)
  nowMs += 1_000
  expectSame('begin("ada", HOME), a second later', throttle.begin('ada', HOME), 0, reason)
}

/** One network, many accounts. */
export async function expectNetworks(stage: Stage): Promise<void> {
  const { begin, pass } = await playThrottle(stage, { rate: { perSecond: 1, burst: 5 } })
  for (let number = 0; number < 5; number++) {
    begin(`account ${number}`, `2001:db8:0:1::${number}`, 0, {
      because: 'Five tries at once are a person in a hurry.',
      likely: 'A customer has a /64: each of these addresses is the same network.',
    })
  }
  begin('account 5', '2001:db8:0:1:ffff::1', 1_000, {
    because: 'The sixth try of one network, at a sixth account. There is one more each second.',
    likely: 'rate.take(address) says how long none is left.',
  })
  begin('account 5', '2001:db8:0:2::1', 0, { because: 'It is another /64.' })
  pass(999.5)
  begin('account 5', '2001:db8:0:1:ffff::1', 0.5, { because: 'Half a millisecond is left.' })
  pass(0.5)
  begin('account 5', '2001:db8:0:1:ffff::1', 0, {
    because: 'A second has passed. The try that was refused has not been counted.',
  })
}

/** Many networks, one account. */
export async function expectClosedAccount(stage: Stage): Promise<void> {
  for (const account of ['#1', 'a name without an account']) {
    const { begin, pass, succeed, throttle } = await playThrottle(stage)
    begin(account, HOME, 0, { because: 'It is the first try.' })
    succeed(account, HOME)
    pass(60_000)
    stage.story.tell('crowd', `begins 100 tries at "${account}", each from another network`)
    const waits = Array.from({ length: 100 }, (_, n) => throttle.begin(account, `203.0.${n}.1`))
    stage.expect('all of them to go on', Math.max(...waits) === 0, {
      because: 'After 100 failures the account is closed. The log-in of a minute ago was none.',
      likely: 'succeed() takes its own try back, from the window, too.',
      received: `${waits.filter((ms) => ms > 0).length} of 100 refused`,
    })
    begin(account, AWAY, HOUR - 60_000, {
      because:
        'A hundred networks have tried once each. The next stranger waits for the window’s end.',
      likely: 'From maxFailures on: until beganAt + windowMs.',
    })
    begin(account, HOME, 0, {
      because: 'Somebody has logged in from here before. The owner must not be locked out.',
      likely: '#known has the pairs that have succeeded.',
    })
    begin('another', AWAY, 0, { because: 'Other accounts are open.' })
    begin(account, HOME, 1_000, { because: 'The owner waits after a failure like anybody.' })
    pass(HOUR - 60_000)
    begin(account, AWAY, 0, { because: 'The window is over, and a new one has begun.' })
  }
  const { begin, throttle } = await playThrottle(stage, { maxFailures: 3 })
  for (let number = 0; number < 3; number++) throttle.begin('ada', `203.0.113.${number}`)
  begin('ada', '203.0.113.0', HOUR, {
    because:
      'This one waits for a second because of its failure, and for an hour because the account is closed.',
    likely: 'The longest wait counts.',
  })
  const busy = await playThrottle(stage, { maxFailures: 3 })
  for (const address of ['203.0.113.1', '203.0.113.2', HOME])
    busy.begin('ada', address, 0, { because: 'Fewer than three have failed before it.' })
  busy.succeed('ada', HOME)
  busy.begin('ada', '203.0.113.3', 0, { because: 'Two have failed: the owner’s try was none.' })
  busy.begin('ada', AWAY, HOUR, {
    because: 'Three strangers have failed. That the owner has logged in takes none of it back.',
    likely: 'succeed() takes one from the window, and no more.',
  })
}

/** Tries that were none. */
export async function expectTakenBack(stage: Stage): Promise<void> {
  const { begin, pass, throttle, takeBack } = await playThrottle(stage, { maxFailures: 5 })
  begin('ada', HOME, 0, { because: 'It is the first try.' })
  pass(1_000)
  begin('ada', HOME, 0, { because: 'It is the second.' })
  pass(2_000)
  stage.story.tell(
    'test',
    'begins 50 more tries and takes each back at once: the hash queue is full',
  )
  for (let times = 0; times < 50; times++) {
    const waitMs = throttle.begin('ada', HOME)
    stage.expect('the next one to go on', waitMs === 0, {
      because: 'The last one was taken back: it is no failure, and there is nothing to wait for.',
      likely: 'takeBack() takes one from the pair and one from the window, and ends the wait.',
      received: `it waits for ${waitMs} ms`,
    })
    throttle.takeBack('ada', HOME)
  }
  begin('ada', HOME, 0, { because: 'Two failures, and 50 tries that were none.' })
  begin('ada', HOME, 4_000, {
    because: 'It is the third failure.',
    likely: 'takeBack() takes back one try, not the failures before it.',
  })
  for (const address of ['203.0.113.1', '203.0.113.2']) {
    begin('ada', address, 0, { because: 'Three failures, of five.' })
  }
  begin('ada', '203.0.113.3', HOUR - 3_000, { because: 'Five failures.' })
  takeBack('ada', '203.0.113.2')
  begin('ada', '203.0.113.3', 0, { because: 'Four failures: one was taken back.' })
  takeBack('nobody', AWAY)
  begin('nobody', AWAY, 0, { because: 'Nothing was counted here.' })
  begin('nobody', AWAY, 1_000, {
    because: 'It is the first failure: there are never fewer than none.',
    likely: 'A count that may have been forgotten meanwhile does not go below 0.',
  })
}

/** Made-up names must not push others out of the tables. */
export async function expectRateFirst(stage: Stage): Promise<void> {
  const { begin, throttle } = await playThrottle(stage, {
    rate: { perSecond: 1, burst: 3 },
    maxEntries: 5,
  })
  begin('ada', AWAY, 0, { because: 'It is the first try.' })
  stage.story.tell(HOME, 'tries 1,000 names that it has made up')
  const waits = Array.from({ length: 1_000 }, (_, n) => throttle.begin(`name ${n}`, HOME))
  stage.expectSame('how many of them go on', waits.filter((ms) => ms === 0).length, 3, {
    because: 'Three at once are allowed.',
  })
  begin('ada', AWAY, 1_000, {
    because:
      'The tables hold five entries here. Tries that were refused must not push this one out.',
    likely: 'Ask the network’s rate first, and touch no other table when it refuses.',
  })
}
