/** What step 10.4 asks of a pause, beside all that may go on meanwhile. */

import type { Stage } from '../../judge/step.ts'
import { frame } from '../../protocols/frames.ts'
import { openAdmission } from '../bounded-frames.ts'

const LOOK = 'bounds.#pay()'
const HUNDRED = frame('x'.repeat(96))

export async function expectPauses(stage: Stage): Promise<void> {
  await expectPauseAndStall(stage)
  await expectPauseAndBacklog(stage)
  await expectPauseOfThePaused(stage)
  await expectShortPause(stage)
}

/** A peer that talks too fast may also stall: each has a timer of its own. */
async function expectPauseAndStall(stage: Stage): Promise<void> {
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
        'She has to wait 100 s until her next message is read, and has taken no answer for 30 s: she is a slow consumer.',
      likely:
        '#pause is the timer for the rate, #stall the timer for what waits. Each may run while the other does.',
      look: LOOK,
    },
  )
  stage.expectSame('stats().messages', world.admission.stats().messages, 2, {
    because: 'Her third message waits: 30 of the 100 s have passed.',
    likely: 'The pause lasts as long as take() says, even if that is an hour.',
    look: LOOK,
  })
  await zoe.reset()
  const yan = await world.arrive('yan')
  yan.stopReading()
  for (const word of ['one', 'two']) await yan.send(frame(word))
  await world.advance(30_000)
  const yans = world.connections[1].deref()
  stage.expectSame('whether yan’s connection is open', yans?.isOpen, false, {
    because:
      'A look was planned when his first answer had to wait. His second message exceeded his rate, and that does not affect the look.',
    likely: 'Leave #stall alone in #pay(): neither cancel nor replace it.',
    look: LOOK,
  })
  await yan.reset()
  world.expectTimers(0, {
    because: 'Nobody is left.',
    likely: 'onClose() cancels #pause and #stall.',
  })
}

/** A pause that ends while the peer is backlogged is over all the same. */
async function expectPauseAndBacklog(stage: Stage): Promise<void> {
  stage.story.tell(
    'test',
    'opens another admission: a high-water mark of 150 bytes, bursts of 1 message',
  )
  const limits = { highWaterBytes: 150, lowWaterBytes: 50 }
  const world = await openAdmission(stage, {
    ...limits,
    messagesPerSecond: 10,
    burstMessages: 1,
  })
  const uma = await world.arrive('uma')
  uma.stopReading()
  await uma.send(Buffer.concat([HUNDRED, HUNDRED, HUNDRED]))
  await world.advance(200)
  await uma.startReading()
  uma.expectReceived(Buffer.concat([HUNDRED, HUNDRED, HUNDRED]), {
    because:
      'The pause ended while two answers waited for her. Now she takes them, and nothing holds the third frame back.',
    likely:
      'When the timer fires, resume for `rate` in any case: the connection knows whether it is backlogged.',
    look: LOOK,
  })
  await uma.reset()
}

/** A protocol may hear a message when reading is paused already; it is paid for as well. */
async function expectPauseOfThePaused(stage: Stage): Promise<void> {
  const world = await openAdmission(stage, { messagesPerSecond: 10, burstMessages: 1 })
  const vic = await world.arrive('vic')
  const vics = world.connections[0].deref()!
  stage.story.tell(
    'server',
    'pauses vic’s connection, and accepts two messages that had already arrived',
  )
  await world.act(() => {
    vics.pauseReading('owner')
    for (let times = 0; times < 2; times++) vics.heard()
    vics.resumeReading('owner')
  })
  await vic.send(frame('more'))
  vic.expectNothing({
    because:
      'He is over his rate, and 100 ms have to pass. The other pause does not pay for his messages.',
    likely: 'Pause for `rate` whenever take() says to wait, even if reading is already paused.',
    look: LOOK,
  })
  await world.advance(100)
  vic.expectReceived(frame('more'), { because: '100 ms have passed.', look: LOOK })
  await vic.reset()
}

/** A wait is a wait, were it a quarter of a millisecond. */
async function expectShortPause(stage: Stage): Promise<void> {
  stage.story.tell('test', 'opens another admission: 4,000 messages a second, bursts of 1 message')
  const world = await openAdmission(stage, { messagesPerSecond: 4_000, burstMessages: 1 })
  const xia = await world.arrive('xia')
  const talk = (times: number) => Buffer.concat(Array(times).fill(frame('talk')))
  await xia.send(talk(8))
  xia.expectReceived(talk(2), {
    because: 'The second message overdraws the bucket: nothing is read for 0.25 ms.',
    likely: 'Pause when take() returns more than 0, however little.',
    look: LOOK,
  })
  await world.advance(10)
  xia.expectReceived(talk(6), { because: '10 ms pay for 40 messages.', look: LOOK })
  await xia.reset()
}
