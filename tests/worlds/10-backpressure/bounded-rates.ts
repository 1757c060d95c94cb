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
    story.tell('bucket', `take(${count}) returns ${Number(received.toFixed(3))}`)
    expect(`take(${count}) to say: wait for ${waitMs} ms`, Math.abs(received - waitMs) < 0.001, {
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
    because: 'The bucket was full: a burst of five costs no waiting.',
    likely: 'No token is left, and none is owed: that is 0 ms. Only below zero is there a debt.',
    look: 'limits.take()',
  })
  expectWait(1, 100, {
    because: 'It is empty, and a token comes every 100 ms.',
    likely: (waitMs) =>
      waitMs > 100
        ? 'Nothing more is owed than one token, which comes in 100 ms: then the bucket is at 0, and the wait is over.'
        : waitMs === -100
          ? 'The bucket is below zero, the wait is above.'
          : 'Take the tokens even when there are too few. How far the bucket is below zero says how long to wait.',
    look: 'limits.take()',
  })
  pass(100)
  expectWait(1, 100, {
    because: 'The debt was just paid, and here is the next.',
    likely: (waitMs) =>
      waitMs === 0
        ? 'The debt has to be kept: the bucket stays below zero until tokens have come for it.'
        : 'In 100 ms by the clock that was passed in, one token has come.',
    look: 'limits.take()',
  })
  pass(350)
  expectWait(2, 0, {
    because: 'In 350 ms 3.5 tokens have come, and one was owed.',
    look: 'limits.take()',
  })
  expectWait(20, 1_950, {
    because: 'Half a token was left, and no time has passed since: 19.5 are owed.',
    likely: (waitMs) =>
      waitMs === 2_000 || waitMs === 1_900
        ? 'Parts of a token count: do not round.'
        : waitMs === 100
          ? 'How long depends on how many are owed.'
          : waitMs < 1_950
            ? 'Time that has brought its tokens brings no more: note when you have looked, each time.'
            : 'Not all of the tokens that have come were there.',
    look: 'limits.take()',
  })
  pass(1_950)
  expectWait(0, 0, { because: 'The debt is paid.', look: 'limits.take()' })
  pass(3_600_000)
  expectWait(6, 100, {
    because: 'After an hour of silence the bucket is full, not fuller.',
    likely: 'No more than `burst` tokens, however long it was quiet.',
    look: 'limits.take()',
  })
  await expectHalfTokens(stage)
  await expectWholeWait(stage)
}

/** A wait that is a fraction may be rounded up, but not down. Only a failure is told. */
async function expectWholeWait({ load, story, expect }: Stage): Promise<void> {
  const { TokenBucket } = await load(() => import('#code/10-backpressure/limits.ts'))
  const wait = new TokenBucket(new VirtualClock(), 3_000, 1).take(3)
  if (wait > 0.666 && wait <= 1) return
  story.tell(
    'test',
    'makes another bucket, with 3,000 tokens a second, 1 at most; it calls take(3)',
  )
  expect('take(3) to say: wait for 0.667 ms', false, {
    because:
      'Two tokens are owed, and 3 come in a millisecond. Sooner than that they are not paid.',
    likely: 'Do not round down: with many tokens a second that would be no wait at all.',
    look: 'limits.take()',
    expected: '0.667 ms, or up to 1 ms',
    received: `${wait} ms`,
  })
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
    'makes another bucket like that, calls take(6), and 50 ms later three times take(0)',
  )
  expectSame('what they return', waits, [50, 50, 50], {
    because: 'One token is owed. Half of it has come, and no time passes between the three.',
    likely: 'Parts of a token count, once: note when you have looked, each time.',
    look: 'limits.take()',
  })
}

/** A wait that is wrong by a unit. */
function likelyWait(received: number, expected: number): string | undefined {
  if (received === 0 || expected === 0) return undefined
  const factor = received / expected
  if (Math.abs(factor - 0.001) < 1e-6) return 'That is seconds. The caller waits for milliseconds.'
  if (Math.abs(factor - 1_000) < 1e-3)
    return 'That is a thousand times too long: the rate is a second’s, the clock’s unit is 1 ms.'
  if (Math.abs(received * 2 - Math.round(received * 2)) > 1e-6)
    return 'Ask the clock that was passed in: #clock.now(). Another one tells another time.'
  return undefined
}

/** Every connection may say 10 messages a second, and 5 at once. */
export async function expectOwnRates(stage: Stage): Promise<void> {
  stage.story.tell('test', 'opens another admission: 10 messages a second, 5 at once')
  const world = await openAdmission(stage, { messagesPerSecond: 10, burstMessages: 5 })
  const [bob, fay] = [await world.arrive('bob'), await world.arrive('fay')]
  const talk = (times: number) => Buffer.concat(Array(times).fill(frame('talk')))
  await bob.send(talk(20))
  bob.expectReceived(talk(6), {
    because: '5 are a burst. The sixth was taken, too, and is a debt of 100 ms: the rest waits.',
    likely: 'When take() says to wait, pause the connection for its `rate`.',
    look: 'bounds.#pay()',
  })
  for (let times = 0; times < 2; times++) {
    await fay.send(talk(2))
    fay.expectReceived(talk(2), {
      because: 'fay has not talked too fast. Each has a rate of her own.',
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
  bob.expectNothing({ because: '99 of 100 ms are over.', look: 'bounds.#pay()' })
  await world.advance(1)
  bob.expectReceived(talk(1), {
    because: 'The debt is paid: one more is taken, and it is the next debt.',
    likely:
      'When the timer fires, resume for the reason that was given to pauseReading(): the rest of the chunk is waiting.',
    look: 'bounds.#pay()',
  })
  await world.advance(1_300)
  bob.expectReceived(talk(13), {
    because: 'One every 100 ms. Nothing was lost.',
    look: 'bounds.#pay()',
  })
  stage.expectSame('why reading was paused', [...new Set(world.pauses)], ['rate'], {
    because: 'The code that pauses for a reason resumes for the same one. This one is the rate.',
    likely: 'The reason is `rate`, both for pauseReading() and for resumeReading().',
    look: 'bounds.#pay()',
  })
  await fay.send(talk(20))
  fay.expectReceived(talk(6), { because: 'fay has her own burst of 5, and a debt behind it.' })
  stage.story.tell('server', 'holds fay’s connection back for a reason of its own, for a minute')
  const fays = world.connections[1].deref()!
  await world.act(() => fays.pauseReading('owner'))
  await world.advance(60_000)
  fay.expectNothing({
    because: 'Her debt is paid, but she is held back for another reason.',
    likely: 'resumeReading() takes back one reason. Call it for the rate only.',
    look: 'bounds.#pay()',
  })
  await world.act(() => fays.resumeReading('owner'))
  fay.expectReceived(talk(6), {
    because: 'Now nobody holds her back, and her bucket is full again.',
  })
  await bob.send(talk(1))
  for (const client of [bob, fay]) await client.reset()
  world.expectTimers(0, {
    because:
      'fay had a debt when she left. A timer that fires for nobody keeps all of her in memory until then.',
    likely: '#pause is the timer that is armed: onClose() cancels that one.',
    look: 'bounds.#pay()',
  })
}

/** A peer that talks too fast may also stall: each has a timer of its own. */
export async function expectPauseAndStall(stage: Stage): Promise<void> {
  const world = await openAdmission(stage, { messagesPerSecond: 0.01, burstMessages: 1 })
  const zoe = await world.arrive('zoe')
  zoe.stopReading()
  await zoe.send(Buffer.concat([frame('one'), frame('two'), frame('three')]))
  await world.advance(30_000)
  stage.expectSame(
    'whether zoe’s connection is open',
    world.connections[0].deref()?.isOpen,
    false,
    {
      because:
        'She has to wait 100 s for her next message, and has taken no answer for 30 s: a slow consumer.',
      likely:
        '#pause is the timer of the rate, #stall is the timer of what waits. Each may run while the other does.',
      look: 'bounds.#pay()',
    },
  )
  await zoe.reset()
  world.expectTimers(0, {
    because: 'Nobody is left.',
    likely: 'onClose() cancels #pause and #stall.',
  })
}
