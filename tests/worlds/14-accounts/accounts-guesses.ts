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
      look: ['throttle.succeed()', 'throttle.takeBack()'],
      received: `${waits.filter((ms) => ms > 0).length} of 100 refused`,
    })
    begin(account, AWAY, HOUR - 60_000, {
      because:
        'A hundred networks have tried once each. The next stranger waits for the window’s end.',
      likely: 'From maxFailures on: until beganAt + windowMs.',
      letIn:
        'From maxFailures on it is closed: does begin() count in the window, does succeed() take one back only, and is #known asked with has()?',
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
    likely: 'Of the two waits the longer one counts.',
  })
  const late = await playThrottle(stage, { maxFailures: 2, firstDelayMs: 60_000 })
  late.begin('ada', AWAY, 0, { because: 'It is the first try.' })
  late.pass(HOUR - 30_000)
  late.begin('ada', HOME, 0, { because: 'One has failed.' })
  late.begin('ada', HOME, 60_000, {
    because:
      'The account is closed for the 30 s that are left of its window, and this network waits for a minute because of its failure.',
    likely: 'Of the two waits the longer one counts: the pair’s may be longer, too.',
  })
  const busy = await playThrottle(stage, { maxFailures: 3 })
  for (const address of ['203.0.113.1', '203.0.113.2', HOME])
    busy.begin('ada', address, 0, { because: 'Fewer than three have failed before it.' })
  busy.succeed('ada', HOME)
  busy.begin('ada', '203.0.113.3', 0, { because: 'Two have failed: the owner’s try was none.' })
  busy.begin('ada', AWAY, HOUR, {
    because: 'Three strangers have failed. That the owner has logged in takes none of it back.',
    likely: 'succeed() takes one from the window, and no more.',
    look: 'throttle.succeed()',
  })
}

/** The owner's network is known, whatever its address is today. */
export async function expectOwnersNetwork(stage: Stage): Promise<void> {
  const { begin, succeed } = await playThrottle(stage, { maxFailures: 2 })
  begin('ada', '2001:db8:0:1::1', 0, { because: 'It is the first try.' })
  succeed('ada', '2001:db8:0:1::1')
  for (const address of ['203.0.113.1', '203.0.113.2'])
    begin('ada', address, 0, { because: 'Fewer than two have failed before it.' })
  begin('ada', AWAY, HOUR, { because: 'Two have failed.' })
  begin('ada', '2001:db8:0:1:ffff::7', 0, {
    because: 'It is the /64 that has logged in: a device there takes a new address every day.',
    likely: '#known is asked, and told, with keyOf(account, address), which is of the network.',
    look: ['throttle.begin()', 'throttle.succeed()'],
  })
  const other = await playThrottle(stage, { maxFailures: 2 })
  other.begin('ada', HOME, 0, { because: 'It is the first try.' })
  other.succeed('ada', HOME)
  other.begin('ada', HOME, 0, { because: 'The try before it was none.' })
  other.begin('ada', '203.0.113.1', 0, { because: 'One has failed.' })
  other.begin('ada', AWAY, HOUR, {
    because: 'Two have failed: a failure of a network that is known is one, too.',
    letIn:
      'Every try that goes on counts in the window, or succeed() and takeBack() take off it what was never counted.',
    look: 'throttle.begin()',
  })
}

/** An account of one's own opens no other. */
export async function expectKnownToOneAccount(stage: Stage): Promise<void> {
  const { begin, succeed } = await playThrottle(stage, { maxFailures: 2 })
  begin('mallory', AWAY, 0, { because: 'It is the first try.' })
  succeed('mallory', AWAY)
  for (const address of ['203.0.113.1', '203.0.113.2'])
    begin('ada', address, 0, { because: 'Fewer than two have failed before it.' })
  begin('ada', AWAY, HOUR, {
    because:
      'Mallory’s network has logged in to mallory’s account, and never to ada’s. Anybody may have an account.',
    letIn: 'What is known is a pair, keyOf(account, address), and not a network.',
    look: ['throttle.begin()', 'throttle.succeed()'],
  })
}

/** Somebody who logs in every day is not the one to be forgotten. */
export async function expectDailyUser(stage: Stage): Promise<void> {
  const { begin, succeed } = await playThrottle(stage, { maxFailures: 2, maxEntries: 3 })
  for (const [account, address] of [
    ['ada', HOME],
    ['bob', '192.0.2.2'],
    ['cyd', '192.0.2.3'],
    ['ada', HOME],
    ['dee', '192.0.2.4'],
  ]) {
    begin(account, address, 0, { because: 'Nobody has failed so far.' })
    succeed(account, address)
  }
  for (const address of ['203.0.113.1', '203.0.113.2'])
    begin('ada', address, 0, { because: 'Fewer than two have failed before it.' })
  begin('ada', HOME, 0, {
    because:
      'The tables hold three entries here. Four pairs have logged in, and bob’s log-in was the longest ago.',
    likely: 'Each success is a use of the pair in #known, also when it is there already.',
    look: 'throttle.succeed()',
  })
}

/** Failures of an hour that is over, and those of others, are not the owner's to take back. */
export async function expectOthersFailures(stage: Stage): Promise<void> {
  const { begin, pass, succeed } = await playThrottle(stage, { maxFailures: 3 })
  begin('ada', HOME, 0, { because: 'It is the first try.' })
  pass(HOUR)
  for (const address of ['203.0.113.1', '203.0.113.2'])
    begin('ada', address, 0, { because: 'A new window has begun: fewer than two have failed.' })
  begin('ada', HOME, 0, { because: 'Two have failed within this hour.' })
  succeed('ada', HOME)
  begin('ada', '203.0.113.3', 0, { because: 'Two have failed: the owner’s try was none.' })
  begin('ada', AWAY, HOUR, {
    because:
      'Three strangers have failed within this hour. The owner’s failure of an hour ago is in no window any more.',
    likely:
      'succeed() takes one from the window, not pair.failures: those may be older than the window.',
    look: 'throttle.succeed()',
  })
}

/** Tries that were none. */
export async function expectTakenBack(stage: Stage): Promise<void> {
  const { begin, pass, succeed, throttle, takeBack } = await playThrottle(stage, { maxFailures: 5 })
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
      look: 'throttle.takeBack()',
      received: `it waits for ${waitMs} ms`,
    })
    throttle.takeBack('ada', HOME)
  }
  begin('ada', HOME, 0, { because: 'Two failures, and 50 tries that were none.' })
  begin('ada', HOME, 4_000, {
    because: 'It is the third failure.',
    likely: 'takeBack() takes back one try, not the failures before it.',
    look: 'throttle.takeBack()',
  })
  for (const address of ['203.0.113.1', '203.0.113.2']) {
    begin('ada', address, 0, {
      because: 'Three failures, of five. The try that was refused is none.',
      likely: 'Count in the window only a try that may go on.',
    })
  }
  begin('ada', '203.0.113.3', HOUR - 3_000, { because: 'Five failures.' })
  takeBack('ada', '203.0.113.2')
  begin('ada', '203.0.113.3', 0, {
    because: 'Four failures: one was taken back.',
    likely: 'takeBack() takes one from the window, too.',
    look: 'throttle.takeBack()',
  })
  begin('ada', '203.0.113.2', HOUR - 3_000, {
    because: 'Five failures, and this network has never logged in: its try was taken back.',
    likely: 'Only succeed() makes a network known. takeBack() leaves #known as it is.',
    look: ['throttle.takeBack()', 'throttle.succeed()'],
  })
  takeBack('nobody', AWAY)
  begin('nobody', AWAY, 0, { because: 'Nothing was counted here.' })
  begin('nobody', AWAY, 1_000, {
    because: 'It is the first failure: there are never fewer than none.',
    likely: 'A count that may have been forgotten meanwhile does not go below 0.',
    look: 'throttle.takeBack()',
  })
  for (const address of ['203.0.113.1', '203.0.113.2', '203.0.113.3', '203.0.113.4'])
    begin('nobody', address, 0, { because: 'Fewer than five have failed before it.' })
  begin('nobody', '203.0.113.5', HOUR, {
    because: 'Five failures. What was taken back before them had not been counted.',
    likely: 'The count of the window does not go below 0 either.',
    look: 'throttle.takeBack()',
  })
  succeed('forgotten', HOME)
  for (const number of [1, 2, 3, 4, 5])
    begin('forgotten', `203.0.113.${number}`, 0, { because: 'Fewer than five have failed.' })
  begin('forgotten', '203.0.113.6', HOUR, {
    because:
      'Five failures. The success before them belonged to a try that was forgotten meanwhile.',
    likely: 'succeed() leaves no count below 0, that of the window neither.',
    look: 'throttle.succeed()',
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
