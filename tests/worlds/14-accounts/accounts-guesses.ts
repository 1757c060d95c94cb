/** Guesses from one network at many accounts, and from many networks at one; tries that were none. */

import type { Stage } from '../../judge/step.ts'
import { HOUR } from './accounts-sessions.ts'
import { AWAY, HOME, playThrottle } from './accounts-throttle.ts'

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
