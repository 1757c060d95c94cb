/** What step 10.3 plays: peers that stall, and go on, and stall again. */

import type { Stage } from '../../judge/step.ts'
import { frame } from '../../protocols/frames.ts'
import { type Echo, openWorld, type World } from '../bounded-frames.ts'

const LOOK = 'bounds.#watchForStall()'

/** For timers that are left when everybody has gone. */
export const ONE_LOOK = {
  likely:
    'No more than one look is planned, and #stall is its timer: onClose() cancels that one, and knows of no other.',
  look: LOOK,
}

export const HUNDRED = frame('x'.repeat(96))

/** The server says so many frames of 100 bytes, whether or not somebody asked. */
export function sayHundreds(world: World, { connection }: Echo, count: number): Promise<void> {
  return world.act(() => {
    for (let times = 0; times < count; times++) connection.send(HUNDRED)
  })
}

/** Two peers take nothing, or little: only the first stands still. */
export async function expectStandstillStopped(
  { story, expectSame }: Stage,
  world: World,
): Promise<void> {
  const [cyd, cyds] = await world.echoTo('cyd')
  const [dee, dees] = await world.echoTo('dee')
  for (const client of [cyd, dee]) client.stopReading()
  story.tell('server', 'has 5 frames each for cyd and dee')
  for (const echo of [cyds, dees]) await sayHundreds(world, echo, 5)
  for (let times = 0; times < 2; times++) {
    await world.advance(14_900)
    await dee.takes(1)
  }
  for (const client of [cyd, dee]) {
    client.expectOpen({
      because: 'Neither has stalled for 30 s.',
      likely: 'Look after stallMs, not earlier.',
    })
  }
  await world.advance(300)
  expectSame(
    'the number of bytes that wait for cyd',
    cyds.connection.queuedBytes,
    500 + frame('error slow-consumer').length,
    {
      because:
        'cyd has taken nothing for 30 s, although something waits for her. She is stopped, and the reason is queued after the rest.',
      likely: cyd.stream.isDestroyed
        ? 'stop() has the protocol say why, after what waits. destroy() loses both.'
        : cyds.connection.isOpen
          ? 'After stallMs, compare sentBytes with its earlier value. If it is the same and anything waits, however little, stop the connection.'
          : cyds.connection.queuedBytes > 500
            ? 'The reason is `slow-consumer`.'
            : 'stop() has the protocol say why. end() alone gives no reason.',
      look: 'bounds.#watchForStall()',
    },
  )
  cyd.expectOpen({
    because: 'After the goodbye, she has 5 s to take what waits for her.',
    likely: 'stop() is enough: the connection ends by itself, and is cut off after goodbyeMs.',
    look: LOOK,
  })
  await world.advance(5_000)
  cyd.expectCut({ because: 'She has not taken that, either.' })
  for (let times = 0; times < 4; times++) {
    await world.advance(14_900)
    await dee.takes(1)
  }
  dee.expectOpen({
    because: 'dee is slow, but she keeps taking something.',
    likely:
      'If the peer has taken something since the last look, look again in stallMs. Note sentBytes when you arm the timer, not when it fires.',
  })
  story.tell('dee', 'takes nothing from now on')
  await world.advance(60_000)
  await world.advance(5_000)
  dee.expectCut({
    because: 'Now she has stalled for more than 30 s, and then for the 5 s that she had left.',
    likely:
      'One look is not enough: while something waits, the next look is planned, and it compares sentBytes with what the previous look saw.',
  })
}

/** A peer takes a byte, and stands still from then on. */
export async function expectLastProgressNoted({ story }: Stage, world: World): Promise<void> {
  const [flo, flos] = await world.echoTo('flo')
  flo.stopReading()
  story.tell('server', 'has 5 frames for flo')
  await sayHundreds(world, flos, 5)
  await world.advance(10_000)
  await flo.takes(1)
  story.tell('flo', 'takes nothing from now on')
  await world.advance(60_000)
  await world.advance(5_000)
  flo.expectCut({
    because: 'The first look saw that she had taken a byte. She has taken nothing since then.',
    likely:
      'A look that finds progress plans the next one itself: there may never be another round to do it.',
  })
  world.expectTimers(0, { because: 'Nobody is left.', ...ONE_LOOK })
}

/** A peer that stalls, catches up, says nothing for long, and stalls again. */
export async function expectSecondStallNoticed(stage: Stage): Promise<void> {
  const world = await openWorld(stage, { stallMs: 30_000, goodbyeMs: 5_000 })
  const [gil, gils] = await world.echoTo('gil')
  const stall = async () => {
    gil.stopReading()
    stage.story.tell('server', 'has a frame for gil')
    await world.act(() => gils.connection.send(frame('news')))
  }
  await stall()
  world.expectTimers(1, { because: 'Something waits for gil: one look is planned.', look: LOOK })
  stage.expectSame('the time until that look', world.timers.nextDelay(), 30_000, {
    because: 'There is nothing to see until stallMs have passed: an earlier look is one too many.',
    likely: 'Set one timer, of stallMs.',
    look: LOOK,
  })
  await world.advance(10_000)
  await gil.startReading()
  gil.expectReceived(frame('news'), { because: 'He was slow, but not for long.' })
  await world.advance(20_000)
  const { size } = world.timers
  await world.advance(100_000)
  gil.expectOpen({
    because: 'Nothing waits for gil, so there is nothing that he could take.',
    likely: 'A look that finds nothing waiting is the last one, until something waits again.',
    look: 'bounds.#watchForStall()',
  })
  const noLook = {
    because: 'Nothing waits for him: no look is planned.',
    likely: 'A look that finds nothing waiting plans no other one.',
    look: LOOK,
  }
  world.expectTimers(0, noLook)
  stage.expectSame('timers.size, right after the first look', size, 0, {
    ...noLook,
    likely:
      'A look that finds nothing waiting plans no other one, even if something was taken: the next one would measure a stall from before it began.',
  })
  await stall()
  await world.advance(30_000)
  stage.expectSame('whether gil’s connection is open', gils.connection.isOpen, false, {
    because: 'He has stalled again, for 30 s. It does not matter that he once caught up.',
    likely: 'A look that has been made is no longer planned: `#stall` is free for the next.',
    look: 'bounds.#watchForStall()',
  })
  await world.advance(5_000)
  gil.expectCut({ because: 'He has not taken his goodbye, either.' })
  world.expectTimers(0, { because: 'Nothing of his connection is left.', ...ONE_LOOK })
}

/** A slow member of a busy room: as long as it takes something, it does not matter how much is added meanwhile. */
export async function expectProgressNotLength(stage: Stage): Promise<void> {
  const world = await openWorld(stage, { stallMs: 30_000, goodbyeMs: 5_000 })
  const [hal, hals] = await world.echoTo('hal')
  hal.stopReading()
  stage.story.tell('server', 'has a frame of 100 bytes for hal, every 14.9 s')
  const say = () => world.act(() => hals.connection.send(frame('x'.repeat(96))))
  await say()
  for (const bytes of [1, 1, 1, 1, 1, 1, 100, 100, 100, 100, 100, 100]) {
    await world.advance(14_900)
    await hal.takes(bytes)
    await say()
    hal.expectOpen({
      because:
        bytes === 1
          ? 'hal takes a byte every 14.9 s. It is not his fault that more and more waits.'
          : 'hal takes 100 bytes every 14.9 s, and 100 are added. It is not his fault that as much waits as before.',
      likely: 'Compare sentBytes, which counts what was taken, not how much waits.',
      look: 'bounds.#watchForStall()',
    })
  }
  await hal.reset()
  world.expectTimers(0, { because: 'Nobody is left.', ...ONE_LOOK })
}

/** Two peers stall, the second one a while after the first, and both had taken something before. */
export async function expectOwnStalls(stage: Stage): Promise<void> {
  const world = await openWorld(stage, { stallMs: 30_000, goodbyeMs: 5_000 })
  const [kim, kims] = await world.echoTo('kim')
  const [leo, leos] = await world.echoTo('leo')
  for (const client of [kim, leo]) client.stopReading()
  await kim.takes(10)
  stage.story.tell('server', 'has a frame of 100 bytes for kim')
  await sayHundreds(world, kims, 1)
  await world.advance(15_000)
  await leo.takes(50)
  stage.story.tell('server', 'has a frame of 100 bytes for leo')
  await sayHundreds(world, leos, 1)
  await world.advance(15_000)
  const areOpen = () => [kims, leos].map(({ connection }) => connection.isOpen)
  const own = {
    likely:
      'Each connection has its own look, and its own sentBytes to compare with: nothing static or global.',
    look: LOOK,
  }
  stage.expectSame('whether the connections of kim and leo are open', areOpen(), [false, true], {
    because: 'kim has taken nothing for 30 s. leo took 50 bytes only 15 s ago.',
    ...own,
  })
  await world.advance(15_000)
  stage.expectSame('whether the connections of kim and leo are open', areOpen(), [false, false], {
    because: 'Now leo has taken nothing for 30 s, either.',
    ...own,
  })
  for (const client of [kim, leo]) await client.reset()
  world.expectTimers(0, { because: 'Nobody is left.', ...ONE_LOOK })
}

/** Whatever else is going on: a peer that takes nothing stands still. */
export async function expectStandstillInAnyCase(stage: Stage): Promise<void> {
  const marks = { highWaterBytes: 300, lowWaterBytes: 100 }
  const world = await openWorld(stage, { ...marks, stallMs: 30_000, goodbyeMs: 5_000 })
  const [ian, ians] = await world.echoTo('ian')
  const [jan, jans] = await world.echoTo('jan')
  for (const client of [ian, jan]) client.stopReading()
  stage.story.tell('server', 'has 400 bytes for ian, above the high-water mark of 300')
  await sayHundreds(world, ians, 4)
  stage.story.tell('server', 'has a frame of 20 bytes for jan, every 9 s')
  for (let times = 0; times < 4; times++) {
    await world.act(() => jans.connection.send(frame('x'.repeat(16))))
    if (times < 3) await world.advance(9_000)
  }
  await world.advance(3_000)
  stage.expectSame('whether ian’s connection is open', ians.connection.isOpen, false, {
    because: 'He is backlogged, and has taken nothing for 30 s.',
    likely:
      'The look checks what waits and what was taken, and nothing else. A peer that is backlogged or not read is stopped like any other.',
    look: LOOK,
  })
  stage.expectSame('whether jan’s connection is open', jans.connection.isOpen, false, {
    because: 'She has taken nothing for 30 s. It is not her doing that more was added meanwhile.',
    likely: 'Compare sentBytes alone: how much waits by now says nothing about what was taken.',
    look: LOOK,
  })
  for (const client of [ian, jan]) await client.reset()
  world.expectTimers(0, { because: 'Nobody is left.', ...ONE_LOOK })
}
