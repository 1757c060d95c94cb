/** Guesses from one network at many accounts, and from many networks at one; tries that were none. */

import type { Stage } from '../../judge/step.ts'
import { HOUR } from './accounts-sessions.ts'
import { AWAY, HOME, playThrottle } from './accounts-throttle.ts'

/** One network, many accounts. */
export async function expectNetworks(stage: Stage): Promise<void> {
  const { begin, pass } = await playThrottle(stage, { rate: { perSecond: 1, burst: 5 } })
  for (let number = 0; number < 5; number++) {
    begin(`account ${number}`, `2001:db8:0:1::${number}`, 0, {
      because: 'Five tries at once may be a person in a hurry.',
      likely: 'Each try takes one from the rate: call rate.take(address) once.',
    })
  }
  begin('account 5', '2001:db8:0:1:ffff::1', 1_000, {
    because:
      'The sixth try of one network (at a sixth account) has to wait: one more is allowed each second.',
    likely: 'Return what rate.take(address) returns: how long the network has to wait.',
  })
  begin('account 5', '2001:db8:0:2::1', 0, { because: 'It is another /64.' })
  pass(999.5)
  begin('account 5', '2001:db8:0:1:ffff::1', 0.5, { because: 'Half a millisecond is left.' })
  pass(0.5)
  begin('account 5', '2001:db8:0:1:ffff::1', 0, {
    because: 'A second has passed. The refused try was not counted.',
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
    stage.expect('all of them to go ahead', Math.max(...waits) === 0, {
      because:
        'The account is closed after 100 failures, and the log-in of a minute ago was not one.',
      likely: 'succeed() and takeBack() both take one try back from the window, too.',
      look: ['throttle.succeed()', 'throttle.takeBack()'],
      received: `${waits.filter((ms) => ms > 0).length} of 100 refused`,
    })
    begin(account, AWAY, HOUR - 60_000, {
      because:
        'A hundred networks have tried once each. The next stranger waits until the window ends.',
      likely: 'From maxFailures on, the wait lasts until beganAt + windowMs.',
      letIn:
        'From maxFailures on, the account is closed. Does begin() count in the window, does succeed() take back only one, and is #known asked with has()?',
    })
    begin(account, HOME, 0, {
      because: 'This network has logged in to the account. The owner must not be locked out.',
      likely: '#known holds the pairs that have succeeded.',
    })
    begin('another', AWAY, 0, { because: 'Other accounts are open.' })
    begin(account, HOME, 1_000, { because: 'After a failure, the owner waits like anybody else.' })
    pass(HOUR - 60_000)
    begin(account, AWAY, 0, { because: 'The window is over, and a new one has begun.' })
  }
  const { begin, throttle } = await playThrottle(stage, { maxFailures: 3 })
  for (let number = 0; number < 3; number++) throttle.begin('ada', `203.0.113.${number}`)
  begin('ada', '203.0.113.0', HOUR, {
    because:
      'This network waits for a second because of its failure, and for an hour because the account is closed.',
    likely: 'The longer of the two waits counts.',
  })
  const late = await playThrottle(stage, { maxFailures: 2, firstDelayMs: 60_000 })
  late.begin('ada', AWAY, 0, { because: 'It is the first try.' })
  late.pass(HOUR - 30_000)
  late.begin('ada', HOME, 0, { because: 'One has failed.' })
  late.begin('ada', HOME, 60_000, {
    because:
      'The account is closed for the remaining 30 s of its window, and this network waits for a minute because of its failure.',
    likely: 'The longer of the two waits counts, and that may be the pair’s.',
  })
  const busy = await playThrottle(stage, { maxFailures: 3 })
  for (const address of ['203.0.113.1', '203.0.113.2', HOME])
    busy.begin('ada', address, 0, { because: 'Fewer than three tries have failed so far.' })
  busy.succeed('ada', HOME)
  busy.begin('ada', '203.0.113.3', 0, { because: 'Two tries have failed; the owner’s succeeded.' })
  busy.begin('ada', AWAY, HOUR, {
    because: 'Three strangers have failed. The owner’s log-in takes none of those failures back.',
    likely: 'succeed() takes one failure from the window, and no more.',
    look: 'throttle.succeed()',
  })
}

/** The owner's network is known, whatever its address is today. */
export async function expectOwnersNetwork(stage: Stage): Promise<void> {
  const { begin, succeed } = await playThrottle(stage, { maxFailures: 2 })
  begin('ada', '2001:db8:0:1::1', 0, { because: 'It is the first try.' })
  succeed('ada', '2001:db8:0:1::1')
  for (const address of ['203.0.113.1', '203.0.113.2'])
    begin('ada', address, 0, { because: 'Fewer than two tries have failed so far.' })
  begin('ada', AWAY, HOUR, { because: 'Two have failed.' })
  begin('ada', '2001:db8:0:1:ffff::7', 0, {
    because: 'It is the /64 that has logged in: a device in it takes a new address every day.',
    likely: 'Ask and update #known with keyOf(account, address), which names the network.',
    look: ['throttle.begin()', 'throttle.succeed()'],
  })
  const other = await playThrottle(stage, { maxFailures: 2 })
  other.begin('ada', HOME, 0, { because: 'It is the first try.' })
  other.succeed('ada', HOME)
  other.begin('ada', HOME, 0, { because: 'The previous try succeeded.' })
  other.begin('ada', '203.0.113.1', 0, { because: 'One has failed.' })
  other.begin('ada', AWAY, HOUR, {
    because: 'Two tries have failed: a failure of a known network counts, too.',
    letIn:
      'Count every try that goes ahead in the window. Otherwise succeed() and takeBack() subtract what was never counted.',
    look: 'throttle.begin()',
  })
}

/** An account of one's own opens no other. */
export async function expectKnownToOneAccount(stage: Stage): Promise<void> {
  const { begin, succeed } = await playThrottle(stage, { maxFailures: 2 })
  begin('mallory', AWAY, 0, { because: 'It is the first try.' })
  succeed('mallory', AWAY)
  for (const address of ['203.0.113.1', '203.0.113.2'])
    begin('ada', address, 0, { because: 'Fewer than two tries have failed so far.' })
  begin('ada', AWAY, HOUR, {
    because:
      'Mallory’s network has logged in to mallory’s account, and never to ada’s. Anybody may have an account.',
    letIn: '#known holds pairs, keyOf(account, address), not networks.',
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
    begin('ada', address, 0, { because: 'Fewer than two tries have failed so far.' })
  begin('ada', HOME, 0, {
    because:
      'The tables hold three entries here. Four pairs have logged in, and bob’s log-in is the oldest.',
    likely: 'Each success is a use of the pair in #known, even if the pair is there already.',
    look: 'throttle.succeed()',
  })
}

/** Failures of an hour that is over, and those of others, are not the owner's to take back. */
export async function expectOthersFailures(stage: Stage): Promise<void> {
  const { begin, pass, succeed } = await playThrottle(stage, { maxFailures: 3 })
  begin('ada', HOME, 0, { because: 'It is the first try.' })
  pass(HOUR)
  for (const address of ['203.0.113.1', '203.0.113.2'])
    begin('ada', address, 0, {
      because: 'A new window has begun: fewer than two tries have failed in it.',
    })
  begin('ada', HOME, 0, { because: 'Two tries have failed within this hour.' })
  succeed('ada', HOME)
  begin('ada', '203.0.113.3', 0, { because: 'Two tries have failed; the owner’s succeeded.' })
  begin('ada', AWAY, HOUR, {
    because:
      'Three strangers have failed within this hour. The owner’s failure of an hour ago is no longer in any window.',
    likely:
      'succeed() takes one failure from the window, not pair.failures: those may be older than the window.',
    look: 'throttle.succeed()',
  })
}

/** Tries that were none. */
export async function expectTakenBack(stage: Stage): Promise<void> {
  const { begin, pass, succeed, throttle, takeBack } = await playThrottle(stage, { maxFailures: 5 })
  begin('ada', HOME, 0, { because: 'It is the first try.' })
  pass(1_000)
  begin('ada', HOME, 0, { because: 'It is the second try.' })
  pass(2_000)
  stage.story.tell(
    'test',
    'begins 50 more tries and takes each back at once: the hash queue is full',
  )
  for (let times = 0; times < 50; times++) {
    const waitMs = throttle.begin('ada', HOME)
    stage.expect('the next try to go ahead', waitMs === 0, {
      because:
        'The previous try was taken back: it is not a failure, and there is nothing to wait for.',
      likely:
        'takeBack() takes one failure from the pair and one from the window, and ends the wait.',
      look: 'throttle.takeBack()',
      received: `it waits for ${waitMs} ms`,
    })
    throttle.takeBack('ada', HOME)
  }
  begin('ada', HOME, 0, { because: 'Two failures, and 50 tries that do not count.' })
  begin('ada', HOME, 4_000, {
    because: 'It is the third failure.',
    likely: 'takeBack() takes back one try, not the failures before that.',
    look: 'throttle.takeBack()',
  })
  for (const address of ['203.0.113.1', '203.0.113.2']) {
    begin('ada', address, 0, {
      because: 'Fewer than five tries have failed so far. The refused try does not count.',
      likely: 'Count a try in the window only if it may go ahead.',
    })
  }
  begin('ada', '203.0.113.3', HOUR - 3_000, { because: 'Five failures.' })
  takeBack('ada', '203.0.113.2')
  begin('ada', '203.0.113.3', 0, {
    because: 'Four failures: one was taken back.',
    likely: 'takeBack() takes one failure from the window, too.',
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
    because: 'It is the first failure: a count never goes below 0.',
    likely: 'takeBack() must not lower a count below 0: it may have been forgotten meanwhile.',
    look: 'throttle.takeBack()',
  })
  for (const address of ['203.0.113.1', '203.0.113.2', '203.0.113.3', '203.0.113.4'])
    begin('nobody', address, 0, { because: 'Fewer than five tries have failed so far.' })
  begin('nobody', '203.0.113.5', HOUR, {
    because: 'Five failures. The try that was taken back had never been counted.',
    likely: 'The count of the window does not go below 0 either.',
    look: 'throttle.takeBack()',
  })
  succeed('forgotten', HOME)
  for (const number of [1, 2, 3, 4, 5])
    begin('forgotten', `203.0.113.${number}`, 0, {
      because: 'Fewer than five tries have failed so far.',
    })
  begin('forgotten', '203.0.113.6', HOUR, {
    because:
      'Five failures. The earlier success belonged to a try that had been forgotten meanwhile.',
    likely: 'succeed() leaves no count below 0, not even that of the window.',
    look: 'throttle.succeed()',
  })
}

/** A try that is taken back prolongs nothing. */
export async function expectTakenBackInTime(stage: Stage): Promise<void> {
  const { begin, pass, takeBack } = await playThrottle(stage, { forgetMs: 100_000 })
  begin('ada', HOME, 0, { because: 'It is the first try.' })
  pass(1_000)
  begin('ada', HOME, 0, { because: 'The wait is over.' })
  pass(60_000)
  takeBack('ada', HOME)
  pass(40_000)
  begin('ada', HOME, 0, { because: 'The wait is over.' })
  begin('ada', HOME, 1_000, {
    because:
      'The first failure is 101 s old, and the last try began 100 s ago, which is forgetMs. So this failure counts as the first.',
    likely: 'Only begin() sets triedAt: a try that is taken back prolongs nothing.',
    look: 'throttle.takeBack()',
  })
}

/** Two tries of one pair are in the hash queue at the same time: each of them is taken back from the window. */
export async function expectTwoUnderWay(stage: Stage): Promise<void> {
  const { begin, pass, succeed, takeBack } = await playThrottle(stage, { maxFailures: 2 })
  for (const [account, name, end] of [
    ['ada', 'succeed()', succeed],
    ['bob', 'takeBack()', takeBack],
  ] as const) {
    begin(account, HOME, 0, { because: 'It is the first try.' })
    pass(1_000)
    begin(account, HOME, 0, { because: 'The wait is over. The first try is still being hashed.' })
    succeed(account, HOME)
    end(account, HOME)
    for (const address of ['203.0.113.1', '203.0.113.2'])
      begin(account, address, 0, {
        because: `${HOME} has begun two tries, and neither counts any more. Fewer than two have failed so far.`,
        likely:
          'The pair forgets all its failures at the first success, but the window loses only one. So each try that ends takes one failure from the window, also when the pair has none left.',
        look: `throttle.${name}`,
      })
  }
}

/** Made-up names must not push others out of the tables. */
export async function expectRateFirst(stage: Stage): Promise<void> {
  const { begin, throttle } = await playThrottle(stage, {
    rate: { perSecond: 1, burst: 3 },
    maxEntries: 5,
  })
  begin('ada', AWAY, 0, { because: 'It is the first try.' })
  stage.story.tell(HOME, 'tries 1,000 made-up names')
  const waits = Array.from({ length: 1_000 }, (_, n) => throttle.begin(`name ${n}`, HOME))
  stage.expectSame('the number of tries that go ahead', waits.filter((ms) => ms === 0).length, 3, {
    because: 'Three at once are allowed.',
  })
  begin('ada', AWAY, 1_000, {
    because: 'The tables hold five entries here. Refused tries must not push this one out.',
    likely: 'Ask the network’s rate first, and touch no other table when it refuses.',
  })
}
