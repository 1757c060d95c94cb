/** In which order a server ends, and what it does when something goes wrong on the way. */

import type { Stage } from '../../judge/step.ts'
import { DEADLINE_MS, DrainWorld } from './drain-doors.ts'

export const BEGIN = 'drain.begin()'
export const BEHIND_ALL =
  'Wait for all doors (Promise.allSettled waits for those that fail, too), then for the data, then for the lookout.'

export async function expectOrder(stage: Stage): Promise<void> {
  const world = await DrainWorld.open(stage, 'all goes well')
  stage.expectSame('isReady', world.drain.isReady, true, { because: 'Nobody has called begin().' })
  await world.begin()
  const [[first, second, ...early], cut] = partition(world.takeEvents(), isClosing)
  stage.expectSame('who is cut off', cut, [], {
    because: 'They have 10 s to go by themselves.',
    look: BEGIN,
  })
  stage.expectSame('what closes beside the doors', early, [], {
    because: 'People are behind the doors, and what they say goes to the disk.',
    likely: BEHIND_ALL,
    look: BEGIN,
  })
  stage.expectSame('what happens', [first, second], ['frames closes', 'web closes'], {
    because: 'Everybody hears `stopping` at the same time, whatever door they came through.',
    likely: 'Call close() of all doors before you wait for one of them.',
    look: BEGIN,
  })
  world.expectNeverReady()
  await world.when('everybody behind the web door has gone', () => world.web.hasClosed())
  world.expectEvents([], {
    because: 'Somebody behind frames may still wait for a `said`. The disk is needed until then.',
    likely: BEHIND_ALL,
    look: BEGIN,
  })
  await world.when('everybody behind frames has gone', () => world.frames.hasClosed())
  world.expectEvents(['data closes'], {
    because: 'Nobody is left who could say something: what was said is saved, and the files close.',
    likely: BEHIND_ALL,
    look: BEGIN,
  })
  world.expectNoTimers()
  await world.advance(2 * DEADLINE_MS)
  world.expectEvents([], {
    because: 'The doors were closed in time. Nobody is cut off, however long the disk takes.',
    likely: 'The deadline is for people. The lookout closes behind the data.',
    look: BEGIN,
  })
  await world.when('the data are closed', () => world.data.hasClosed())
  world.expectEvents(['lookout closes'], {
    because: 'Until now somebody could ask it how far we are.',
    likely: BEHIND_ALL,
    look: BEGIN,
  })
  world.expectOutcome('pending', {
    because: 'The lookout is still open.',
    likely: BEHIND_ALL,
    look: BEGIN,
  })
  await world.when('the lookout is closed', () => world.lookout.hasClosed())
  world.expectOutcome('resolved', { because: 'Everything is closed.', look: BEGIN })
  stage.expectSame('isReady, when all is closed', world.drain.isReady, false, {
    because: 'The server has ended. Nobody is welcome any more.',
    look: BEGIN,
  })
  const again = world.drain.begin()
  await world.settle()
  world.expectEvents([], { because: 'It is over. There is nothing to close twice.', look: BEGIN })
  stage.expectSame('what begin() resolves with now', await again, undefined, {
    because: 'It resolves at once.',
  })

  const alone = await DrainWorld.open(stage, 'without a lookout', { hasLookout: false })
  await alone.begin()
  alone.frames.hasClosed()
  alone.web.hasClosed()
  await alone.when('all doors and the data are closed', () => alone.data.hasClosed())
  alone.expectOutcome('resolved', { because: 'There is no lookout to wait for.', look: BEGIN })
}

function isClosing(event: string): boolean {
  return event.endsWith('closes')
}

function partition<T>(all: T[], isFirst: (each: T) => boolean): [T[], T[]] {
  return [all.filter(isFirst), all.filter((each) => !isFirst(each))]
}

export async function expectDeadline(stage: Stage): Promise<void> {
  for (const [gone, open] of [
    ['web', 'frames'],
    ['frames', 'web'],
  ] as const) {
    const world = await DrainWorld.open(stage, `somebody behind ${open} does not go`)
    await world.begin()
    await world.when(`everybody behind ${gone} has gone`, () => world[gone].hasClosed())
    await world.advance(DEADLINE_MS - 1)
    world.expectEvents(['frames closes', 'web closes'], {
      because: 'They have 10 s to go by themselves.',
      look: BEGIN,
    })
    await world.advance(1)
    const events = world.takeEvents()
    const isLeftOut = events.includes(`${gone} is cut`) && !events.includes(`${open} is cut`)
    const atOpenDoors = events.filter((event) => event !== `${gone} is cut`)
    stage.expectSame('what happens at the doors that are open', atOpenDoors, [`${open} is cut`], {
      because: 'After 10 s the rest is cut off. A supervisor does not wait forever: systemd kills.',
      likely: isLeftOut ? EVERY_DOOR : whyNotCut(atOpenDoors, open === 'web'),
      look: isLeftOut ? ['drain.cut()', BEGIN] : [BEGIN, 'drain.cut()'],
    })
    await world.when('their connections are closed', () => world[open].hasClosed())
    world.expectEvents(['data closes'], {
      because: 'People were cut off. What they have said is saved all the same.',
      likely: BEHIND_ALL,
      look: BEGIN,
    })
    world.data.hasClosed()
    await world.when('data and lookout are closed', () => world.lookout.hasClosed())
    world.expectOutcome('resolved', {
      because: 'The server has ended in good order, though late.',
      look: BEGIN,
    })
    world.expectNoTimers()
  }
  await expectNoTime(stage)
  await expectEveryDoor(stage)
}

function whyNotCut(atOpenDoors: string[], wasCutBefore: boolean): string {
  if (atOpenDoors.includes('data closes'))
    return 'The data close when the doors have closed, also after the deadline.'
  if (wasCutBefore)
    return 'The deadline is for every door: cancel it when the last of them is closed, whichever that is.'
  return 'timers.after(deadlineMs, () => this.cut()), from begin() on.'
}

/** People have no time at all to go. */
async function expectNoTime(stage: Stage): Promise<void> {
  const world = await DrainWorld.open(stage, 'people have 0 s to go', { deadlineMs: 0 })
  await world.begin()
  await world.advance(0)
  const cut = world.takeEvents().filter((event) => event.endsWith('is cut'))
  stage.expectSame('who is cut off', cut, ['frames is cut', 'web is cut'], {
    because: '`deadlineMs` is 0: whoever does not go at once is cut off.',
    likely: '0 is a deadline like any other, and as false as undefined.',
    look: BEGIN,
  })
}

const EVERY_DOOR = 'Go through `doors`, however many there are.'

/** A server may have more than two doors, and people more time. */
async function expectEveryDoor(stage: Stage): Promise<void> {
  const world = await DrainWorld.open(stage, 'three doors, and 60 s to go', {
    hasThird: true,
    deadlineMs: 60_000,
  })
  await world.begin()
  world.frames.hasClosed()
  await world.when('everybody behind frames and third has gone', () => world.third.hasClosed())
  world.expectEvents(['frames closes', 'web closes', 'third closes'], {
    because: 'All doors close at once. The data wait for web, whose people are still there.',
    likely: EVERY_DOOR,
    look: BEGIN,
  })
  await world.advance(59_999)
  world.expectEvents([], {
    because: 'They have 60 s to go by themselves, as `deadlineMs` says.',
    likely: 'timers.after(deadlineMs, …), with what was given.',
    look: BEGIN,
  })
  await world.advance(1)
  const cut = world.takeEvents().filter((event) => !/^(frames|third) is cut$/.test(event))
  stage.expectSame('what happens at the web door', cut, ['web is cut'], {
    because: 'The 60 s are over.',
    likely: EVERY_DOOR,
    look: [BEGIN, 'drain.cut()'],
  })
  await world.when('its connections are closed', () => world.web.hasClosed())
  world.expectEvents(['data closes'], {
    because: 'All doors are closed.',
    likely: BEHIND_ALL,
    look: BEGIN,
  })
}

/** A second signal. */
export async function expectSecondSignal(stage: Stage): Promise<void> {
  const world = await DrainWorld.open(stage, 'somebody is in a hurry')
  await world.begin()
  await world.beginAgain()
  world.expectEvents(['frames closes', 'web closes'], {
    because: 'begin() was called twice, and there is one end.',
    likely: 'Remember the promise of the first call.',
    look: BEGIN,
  })
  world.expectLaterOutcome('pending', {
    because: 'Nobody has gone yet: a second call waits for the same end.',
  })
  await world.when('cut() is called', () => world.drain.cut())
  world.expectEvents(['frames is cut', 'web is cut'], {
    because: 'Everybody, at every door.',
    look: 'drain.cut()',
  })
  world.frames.hasClosed()
  await world.when('their connections are closed', () => world.web.hasClosed())
  world.expectEvents(['data closes'], {
    because: 'To be in a hurry is no reason to lose what was acknowledged.',
    look: BEGIN,
  })
  world.data.hasClosed()
  await world.when('data and lookout are closed', () => world.lookout.hasClosed())
  world.expectEvents(['lookout closes'], { because: 'The order is the same.', look: BEGIN })
  world.expectOutcome('resolved', { because: 'Everything is closed.', look: BEGIN })
  world.expectLaterOutcome('resolved', { because: 'Both calls wait for the same end.' })
  world.expectNoTimers()

  const early = await DrainWorld.open(stage, 'somebody is in a hurry from the beginning')
  await early.when('cut() is called', () => early.drain.cut())
  const before = early.takeEvents()
  stage.expectSame(
    'who is cut off',
    before.filter((event) => !isClosing(event)),
    ['frames is cut', 'web is cut'],
    {
      because: 'Everybody, at every door.',
      look: 'drain.cut()',
    },
  )
  stage.expectSame('what closes', before.filter(isClosing), [], {
    because: 'Nobody has called begin(): people are cut off, and may come back.',
    likely: 'cut() cuts, and nothing else.',
    look: 'drain.cut()',
  })
  stage.expectSame('isReady', early.drain.isReady, true, {
    because: 'Nobody has called begin(): newcomers are welcome.',
    likely: 'cut() cuts, and nothing else.',
    look: 'drain.cut()',
  })
  await early.begin()
  const closing = [...before, ...early.takeEvents()].filter(isClosing)
  stage.expectSame('what closes', closing, ['frames closes', 'web closes'], {
    because: 'The doors are still there: cut() is about the people, not about the doors.',
    likely: 'cut() changes nothing but connections: the list of doors stays as it is.',
    look: ['drain.cut()', BEGIN],
  })
  await early.advance(DEADLINE_MS)
  early.expectEvents(['frames is cut', 'web is cut'], {
    because: 'Others have come since, and 10 s after begin() they are still there.',
    likely: 'cut() cuts each time, not only the first time.',
    look: ['drain.cut()', BEGIN],
  })
}
