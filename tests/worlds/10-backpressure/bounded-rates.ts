/** What step 10.4 asks of the bucket, alone and on connections. */

import type { Reason } from '../../harness/failure.ts'
import { VirtualClock } from '../../harness/virtual-time.ts'
import type { Stage } from '../../judge/step.ts'
import { frame } from '../../protocols/frames.ts'
import { openAdmission } from '../bounded-frames.ts'

export async function expectBucket(stage: Stage): Promise<void> {
  const { TokenBucket } = await stage.load(() => import('#code/10-backpressure/limits.ts'))
  const { story, expect } = stage
  const clock = new VirtualClock()
  const bucket = new TokenBucket(clock, 10, 5)
  story.tell('test', 'makes a bucket: 10 tokens a second, 5 at most')
  const expectWait = (
    count: number,
    waitMs: number,
    {
      likely,
      ...reason
    }: Omit<Reason, 'likely'> & { likely?: string | ((waitMs: number) => string) },
  ) => {
    const received = bucket.take(count)
    story.tell('bucket', `runs take(${count}), which returns ${Number(received.toFixed(3))}`)
    expect(`take(${count}) to return ${waitMs} ms`, Math.abs(received - waitMs) < 0.001, {
      ...reason,
      likely:
        likelyWait(received, waitMs) ?? (typeof likely === 'function' ? likely(received) : likely),
      expected: `${waitMs} ms`,
      received: `${received} ms`,
    })
  }
  const pass = (ms: number) => {
    clock.pass(ms)
    story.tell('time', `moves on by ${ms} ms`)
  }
  expectWait(5, 0, {
    because: 'The bucket was full, so a burst of five does not have to wait.',
    likely:
      'No token is left, and none is owed: that is 0 ms. Only below zero is the bucket overdrawn.',
    look: 'limits.take()',
  })
  expectWait(1, 100, {
    because: 'It is empty, and a token arrives every 100 ms.',
    likely: (waitMs) =>
      waitMs > 100
        ? 'Only one token is owed, and it arrives in 100 ms: then the bucket is at 0, and the wait is over.'
        : waitMs === -100
          ? 'The bucket is below zero, but the wait is a positive number.'
          : waitMs > 0
            ? 'The wait is what is owed divided by what arrives in a millisecond, #perMs.'
            : 'take() always takes `count` tokens, even when there are too few. How far the bucket is below zero says how long to wait.',
    look: 'limits.take()',
  })
  pass(100)
  expectWait(1, 100, {
    because: 'The overdraft was just paid, and this is the next one.',
    likely: (waitMs) =>
      waitMs === 0
        ? 'Keep the overdraft: #perMs tokens arrive in a millisecond, and the bucket stays below zero until enough have arrived.'
        : 'By the clock that was passed in, 100 ms have gone by, so one token has arrived: count it before you note the time.',
    look: 'limits.take()',
  })
  pass(350)
  expectWait(2, 0, {
    because: 'In 350 ms, 3.5 tokens have arrived, and one was owed.',
    likely: 'When tokens are left, there is nothing to wait for: that is 0 ms, and never less.',
    look: 'limits.take()',
  })
  expectWait(20, 1_950, {
    because: 'Half a token was left, and no time has passed: 19.5 are owed.',
    likely: (waitMs) =>
      waitMs === 2_000 || waitMs === 1_900
        ? 'Parts of a token count: do not round.'
        : waitMs === 100
          ? 'How long to wait depends on how many tokens are owed.'
          : waitMs < 1_500
            ? 'Take all 20 tokens, however many are missing: the overdraft has no limit.'
            : waitMs < 1_950
              ? 'The same time must not bring tokens twice: note the time of each call.'
              : 'Some of the tokens that have arrived were not counted.',
    look: 'limits.take()',
  })
  expectWait(1, 2_050, {
    because: 'No time has passed, and one more is owed: 20.5.',
    likely: 'take() always takes `count` tokens, also from a bucket that is overdrawn already.',
    look: 'limits.take()',
  })
  pass(2_050)
  expectWait(0, 0, { because: 'The overdraft is paid.', look: 'limits.take()' })
  pass(3_600_000)
  expectWait(6, 100, {
    because: 'After an hour of silence, the bucket holds 5 tokens, and no more.',
    likely:
      'Keep no more than `burst` tokens, however long it was quiet, and only then take from them.',
    look: 'limits.take()',
  })
  await expectHalfTokens(stage)
  await expectFineClock(stage)
  await expectSmallSteps(stage)
  await expectNoTimeLost(stage)
  await expectWholeWait(stage)
}

/** A clock shows parts of a millisecond. Only a failure is told. */
async function expectFineClock({ load, story, expect }: Stage): Promise<void> {
  const { TokenBucket } = await load(() => import('#code/10-backpressure/limits.ts'))
  const wait = new TokenBucket({ now: () => 1_000.75 }, 10, 5).take(5)
  if (wait < 0.001) return
  story.tell('test', 'makes another bucket like that, by a clock that shows 1000.75')
  expect('take(5) to return 0 ms', false, {
    because: 'It was just made, and it is full at first.',
    likely: 'The clock shows parts of a millisecond: use its time as it is, not rounded.',
    look: 'limits.take()',
    expected: '0 ms',
    received: `${wait} ms`,
  })
}

/** Whoever asks again and again takes nothing away: tiny parts of a token add up. Only a failure is told. */
async function expectSmallSteps({ load, story, expect }: Stage): Promise<void> {
  const { TokenBucket } = await load(() => import('#code/10-backpressure/limits.ts'))
  let now = 0
  const bucket = new TokenBucket({ now: () => now }, 5, 5)
  bucket.take(6)
  for (const [ms, least, most] of [
    [100, 99, 101.5],
    [201, 0, 0.001],
  ]) {
    while (now < ms) {
      now += 1 / 16
      bucket.take(0)
    }
    const wait = bucket.take(0)
    if (wait >= least && wait <= most) continue
    const owed = Math.max(0, 200 - ms)
    story.tell('test', 'makes a bucket, 5 tokens a second and 5 at most, and calls take(6)')
    story.tell('test', `calls take(0) 16 times in each millisecond, for ${ms} ms`)
    expect(`take(0) to return ${owed} ms`, false, {
      because: 'One token was owed, and it takes 200 ms to arrive, however often somebody asks.',
      likely: 'Keep parts of a token as they are: what each call rounds away adds up.',
      look: 'limits.take()',
      expected: `${owed} ms`,
      received: `${wait} ms`,
    })
  }
}

/** Each moment brings its tokens, also one that passes inside take(). Only a failure is told. */
async function expectNoTimeLost({ load, story, expect }: Stage): Promise<void> {
  const { TokenBucket } = await load(() => import('#code/10-backpressure/limits.ts'))
  let now = 0
  const bucket = new TokenBucket({ now: () => ++now }, 1_000, 1)
  let wait = 0
  for (let times = 0; times < 100; times++) wait = bucket.take(10)
  const owed = 1_000 - now
  if (Math.abs(wait - owed) < 10) return
  story.tell('test', 'makes a bucket, 1,000 tokens a second and 1 at most')
  story.tell('test', 'calls take(10) 100 times; its clock moves on by 1 ms whenever it is read')
  expect(`take(10) to return ${owed} ms in the end`, false, {
    because: `1000 tokens were taken, and in ${now} ms ${now} tokens have arrived.`,
    likely: 'Read the clock once in each call: what passes between two readings is lost.',
    look: 'limits.take()',
    expected: `about ${owed} ms`,
    received: `${wait} ms`,
  })
}

/** A wait that is a fraction may be rounded up, but not down. Only a failure is told. */
async function expectWholeWait({ load, story, expect }: Stage): Promise<void> {
  const { TokenBucket } = await load(() => import('#code/10-backpressure/limits.ts'))
  for (const owed of [1, 2]) {
    const wait = new TokenBucket(new VirtualClock(), 3_000, 1).take(1 + owed)
    if (wait > owed / 3 - 0.001 && wait <= 1) continue
    const call = `take(${1 + owed})`
    const exact = (owed / 3).toFixed(3)
    story.tell(
      'test',
      `makes another bucket, with 3,000 tokens a second, 1 at most, and calls ${call}`,
    )
    expect(`${call} to return ${exact} ms`, false, {
      because: `${owed === 1 ? 'One token is' : 'Two tokens are'} owed, and 3 arrive in a millisecond. A shorter wait does not pay the overdraft.`,
      likely: 'Do not round down: with many tokens a second that would be no wait at all.',
      look: 'limits.take()',
      expected: `${exact} ms, or up to 1 ms`,
      received: `${wait} ms`,
    })
  }
}

/** Half a token comes, and is counted once, however often somebody looks. Only a failure is told. */
async function expectHalfTokens({ load, story, expectSame }: Stage): Promise<void> {
  const { TokenBucket } = await load(() => import('#code/10-backpressure/limits.ts'))
  const clock = new VirtualClock()
  const bucket = new TokenBucket(clock, 10, 5)
  bucket.take(6)
  clock.pass(50)
  const waits = [bucket.take(0), bucket.take(0), bucket.take(0)].map(Math.round)
  if (waits.every((waitMs) => waitMs === 50)) return
  story.tell(
    'test',
    'makes another bucket like that, calls take(6), and 50 ms later calls take(0) three times',
  )
  expectSame('what the three calls return', waits, [50, 50, 50], {
    because:
      'One token is owed. Half of it has arrived, and no time passes between the three calls.',
    likely: waits.every((waitMs) => waitMs === 0)
      ? 'take(0) takes nothing, but it returns the wait like any other call.'
      : 'Parts of a token count, but only once: note the time of each call.',
    look: 'limits.take()',
  })
}

/** A wait that is wrong by a unit. */
function likelyWait(received: number, expected: number): string | undefined {
  if (received === 0 || expected === 0) return undefined
  const factor = received / expected
  // To multiply by #perMs, which is 0.01, is to be wrong by its square.
  if (Math.abs(factor - 0.0001) < 1e-9) return undefined
  if (Math.abs(factor - 0.001) < 1e-6) return 'That is seconds. The caller expects milliseconds.'
  if (Math.abs(factor - 1_000) < 1e-3)
    return 'That is a thousand times too long: the rate is per second, but the clock counts milliseconds.'
  if (Math.abs(received * 2 - Math.round(received * 2)) > 1e-6)
    return 'Ask the clock that was passed in: #clock.now(). Another one tells another time.'
  return undefined
}

/** Every connection may say 10 messages a second, and 5 at once. */
export async function expectOwnRates(stage: Stage): Promise<void> {
  stage.story.tell('test', 'opens another admission: 10 messages a second, bursts of 5')
  const world = await openAdmission(stage, { messagesPerSecond: 10, burstMessages: 5 })
  const [bob, fay] = [await world.arrive('bob'), await world.arrive('fay')]
  const talk = (times: number) => Buffer.concat(Array(times).fill(frame('talk')))
  await bob.send(talk(20))
  const accepted = () => world.admission.stats().messages
  bob.expectReceived(talk(6), {
    because:
      'A burst may have 5. The sixth was taken, too, and overdraws the bucket: the rest waits for 100 ms.',
    likely: !world.connections[0].deref()?.isOpen
      ? 'A client in a hurry is not disconnected: call pauseReading(), and TCP tells it to wait.'
      : accepted() < 6
        ? 'A message takes one token, whatever its size: take(1).'
        : 'Call take(1) for each message. When it says to wait, pause the connection for the reason `rate`.',
    look: 'bounds.#pay()',
  })
  for (let times = 0; times < 2; times++) {
    await fay.send(talk(2))
    fay.expectReceived(talk(2), {
      because: 'fay has not talked too fast. Each client has its own rate.',
      likely: 'Each connection has a bucket of its own: nothing static, and none in the admission.',
      look: 'bounds.#pay()',
    })
  }
  stage.expectSame('how often reading was paused', world.pauses.length, 1, {
    because: 'bob was paused once. fay has tokens left: there is nothing to wait for.',
    likely: 'take() returns 0 when there is nothing to wait for. Then do not pause.',
    look: 'bounds.#pay()',
  })
  await world.advance(99)
  bob.expectNothing({
    because: 'Only 99 of the 100 ms have passed.',
    likely: 'take() returns the wait in milliseconds, and after() expects milliseconds.',
    look: 'bounds.#pay()',
  })
  const before = accepted()
  await world.advance(1)
  bob.expectReceived(talk(1), {
    because: 'The overdraft is paid: one more message is taken, and overdraws the bucket again.',
    likely:
      accepted() > before + 1
        ? 'The second overdraft is a pause like the first: a #pause that is over is no reason to let the rest through.'
        : accepted() === before && world.timers.size > 0
          ? `The pause lasts as long as take() says. Here it goes on for ${Math.round(world.timers.nextDelay())} ms more.`
          : 'When the timer fires, resume for the reason that was given to pauseReading(): the rest of the chunk is waiting.',
    look: 'bounds.#pay()',
  })
  await world.advance(1_300)
  bob.expectReceived(talk(13), {
    because: 'One message every 100 ms, and nothing was lost.',
    look: 'bounds.#pay()',
  })
  stage.expectSame('why reading was paused', [...new Set(world.pauses)], ['rate'], {
    because: 'The code that pauses for a reason resumes for the same one. Here it is the rate.',
    likely: 'The reason is `rate`, both for pauseReading() and for resumeReading().',
    look: 'bounds.#pay()',
  })
  await fay.send(talk(20))
  fay.expectReceived(talk(6), {
    because: 'fay has her own burst of 5, and one more message overdraws her bucket.',
  })
  const fays = world.connections[1].deref()!
  for (const reason of ['owner', 'protocol'] as const) {
    stage.story.tell('server', `pauses fay’s connection for the reason ${reason}, for a minute`)
    await world.act(() => fays.pauseReading(reason))
    await world.advance(60_000)
    fay.expectNothing({
      because: 'Her overdraft is paid, but she is paused for another reason.',
      likely: 'resumeReading() takes back one reason. Call it for the rate only.',
      look: 'bounds.#pay()',
    })
    await world.act(() => fays.resumeReading(reason))
    fay.expectReceived(talk(6), {
      because: 'Now nothing holds her back, and her bucket is full again.',
    })
  }
  await bob.send(talk(1))
  for (const client of [bob, fay]) await client.reset()
  world.expectTimers(0, {
    because:
      'fay’s bucket was overdrawn when she left. A timer that is still armed keeps her whole connection in memory until it fires.',
    likely: 'Keep the timer that is armed in #pause: onClose() cancels that one.',
    look: 'bounds.#pay()',
  })
}
