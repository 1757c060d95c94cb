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
          : waitMs > 0
            ? 'What is owed divided by what comes in a millisecond, #perMs, is the wait.'
            : 'take() takes `count` tokens, each time, even when there are too few. How far the bucket is below zero says how long to wait.',
    look: 'limits.take()',
  })
  pass(100)
  expectWait(1, 100, {
    because: 'The debt was just paid, and here is the next.',
    likely: (waitMs) =>
      waitMs === 0
        ? 'The debt has to be kept, and #perMs tokens come in a millisecond: the bucket stays below zero until enough have come.'
        : 'In 100 ms by the clock that was passed in, one token has come: count it before you note the time.',
    look: 'limits.take()',
  })
  pass(350)
  expectWait(2, 0, {
    because: 'In 350 ms 3.5 tokens have come, and one was owed.',
    likely: 'Tokens that are left are no time to wait: that is 0 ms, and never less.',
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
    likely: 'No more than `burst` tokens, however long it was quiet, and then take from them.',
    look: 'limits.take()',
  })
  await expectHalfTokens(stage)
  await expectWholeWait(stage)
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
      `makes another bucket, with 3,000 tokens a second, 1 at most; it calls ${call}`,
    )
    expect(`${call} to say: wait for ${exact} ms`, false, {
      because: `${owed === 1 ? 'One token is' : 'Two tokens are'} owed, and 3 come in a millisecond. Sooner than that nothing is paid.`,
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
  // To multiply by #perMs, which is 0.01, is to be wrong by its square.
  if (Math.abs(factor - 0.0001) < 1e-9) return undefined
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
  const accepted = () => world.admission.stats().messages
  bob.expectReceived(talk(6), {
    because: '5 are a burst. The sixth was taken, too, and is a debt of 100 ms: the rest waits.',
    likely: !world.connections[0].deref()?.isOpen
      ? 'A client in a hurry is not ended: pauseReading(), and TCP tells it to wait.'
      : accepted() < 6
        ? 'A message takes one token, whatever its size: take(1).'
        : 'take(1) for each message. When it says to wait, pause the connection for its `rate`.',
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
  bob.expectNothing({
    because: '99 of 100 ms are over.',
    likely: 'take() has said how long to wait, in milliseconds. So does after().',
    look: 'bounds.#pay()',
  })
  const before = accepted()
  await world.advance(1)
  bob.expectReceived(talk(1), {
    because: 'The debt is paid: one more is taken, and it is the next debt.',
    likely:
      accepted() > before + 1
        ? 'The second debt is a pause like the first: #pause, which is over, is no reason to let the rest pass.'
        : accepted() === before && world.timers.size > 0
          ? `The pause is as long as take() has said. Here it goes on for ${Math.round(world.timers.nextDelay())} ms more.`
          : 'When the timer fires, resume for the reason that was given to pauseReading(): the rest of the chunk is waiting.',
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
