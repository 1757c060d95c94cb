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
    because: 'They have 10 s to leave by themselves.',
    look: BEGIN,
  })
  stage.expectSame('what closes besides the doors', early, [], {
    because: 'People are still connected, and what they say goes to the disk.',
    likely: BEHIND_ALL,
    look: BEGIN,
  })
  stage.expectSame('the events', [first, second], ['frames closes', 'web closes'], {
    because: 'Everybody hears `stopping` at the same time, whatever door they came through.',
    likely: 'Call close() of all doors before you wait for one of them.',
    look: BEGIN,
  })
  world.expectNeverReady()
  await world.when('lets everybody at the web door leave', () => world.web.hasClosed())
  world.expectEvents([], {
    because:
      'Somebody at the frames door may still wait for a `said`. The disk is needed until then.',
    likely: BEHIND_ALL,
    look: BEGIN,
  })
  await world.when('lets everybody at the frames door leave', () => world.frames.hasClosed())
  world.expectEvents(['data closes'], {
    because: 'Nobody is left who could say something: what was said is saved, and the files close.',
    likely: BEHIND_ALL,
    look: BEGIN,
  })
  world.expectNoTimers()
  await world.advance(2 * DEADLINE_MS)
  world.expectEvents([], {
    because: 'The doors were closed in time. Nobody is cut off, however long the disk takes.',
    likely: 'The deadline is for people, not for the disk. The lookout closes after the data.',
    look: BEGIN,
  })
  await world.when('lets the data close', () => world.data.hasClosed())
  world.expectEvents(['lookout closes'], {
    because: 'Until now, other programs could ask it how far the server is.',
    likely: BEHIND_ALL,
    look: BEGIN,
  })
  world.expectOutcome('pending', {
    because: 'The lookout is still open.',
    likely: BEHIND_ALL,
    look: BEGIN,
  })
  await world.when('lets the lookout close', () => world.lookout.hasClosed())
  world.expectOutcome('resolved', { because: 'Everything is closed.', look: BEGIN })
  stage.expectSame('isReady after everything has closed', world.drain.isReady, false, {
    because: 'The server has ended. Nobody is welcome any more.',
    look: BEGIN,
  })
  const again = world.drain.begin()
  await world.settle()
  world.expectEvents([], { because: 'It is over. There is nothing to close twice.', look: BEGIN })
  stage.expectSame('what begin() resolves with now', await again, undefined, {
    because: 'Everything is closed, so it resolves at once.',
  })

  const alone = await DrainWorld.open(stage, 'without a lookout', { hasLookout: false })
  await alone.begin()
  alone.frames.hasClosed()
  alone.web.hasClosed()
  await alone.when('lets all doors and the data close', () => alone.data.hasClosed())
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
    const world = await DrainWorld.open(stage, `somebody at ${open} does not leave`)
    await world.begin()
    await world.when(`lets everybody at ${gone} leave`, () => world[gone].hasClosed())
    await world.advance(DEADLINE_MS - 1)
    world.expectEvents(['frames closes', 'web closes'], {
      because: 'They have 10 s to leave by themselves.',
      look: BEGIN,
    })
    await world.advance(1)
    const events = world.takeEvents()
    const isLeftOut = events.includes(`${gone} is cut`) && !events.includes(`${open} is cut`)
    const atOpenDoors = events.filter((event) => event !== `${gone} is cut`)
    stage.expectSame('the events at the doors that are open', atOpenDoors, [`${open} is cut`], {
      because:
        'After 10 s, everybody else is cut off. A supervisor does not wait forever: systemd sends SIGKILL.',
      likely: isLeftOut ? EVERY_DOOR : whyNotCut(atOpenDoors, open === 'web'),
      look: isLeftOut ? ['drain.cut()', BEGIN] : [BEGIN, 'drain.cut()'],
    })
    await world.when('lets their connections close', () => world[open].hasClosed())
    world.expectEvents(['data closes'], {
      because: 'People were cut off. What they have said is saved all the same.',
      likely: BEHIND_ALL,
      look: BEGIN,
    })
    world.data.hasClosed()
    await world.when('lets data and lookout close', () => world.lookout.hasClosed())
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
    return 'The data close when the doors have closed, even after the deadline.'
  if (wasCutBefore)
    return 'The deadline is for every door: cancel it when the last of them is closed, whichever that is.'
  return 'timers.after(deadlineMs, () => this.cut()), started by begin().'
}

/** People have no time at all to go. */
async function expectNoTime(stage: Stage): Promise<void> {
  const world = await DrainWorld.open(stage, 'people have 0 s to leave', { deadlineMs: 0 })
  await world.begin()
  await world.advance(0)
  const cut = world.takeEvents().filter((event) => event.endsWith('is cut'))
  stage.expectSame('who is cut off', cut, ['frames is cut', 'web is cut'], {
    because: '`deadlineMs` is 0, so people who do not leave at once are cut off.',
    likely: '0 is a deadline like any other, but falsy, like undefined.',
    look: BEGIN,
  })
}

const EVERY_DOOR = 'Go through `doors`, however many there are.'

/** A server may have more than two doors, and people more time. */
async function expectEveryDoor(stage: Stage): Promise<void> {
  const world = await DrainWorld.open(stage, 'three doors, and 60 s to leave', {
    hasThird: true,
    deadlineMs: 60_000,
  })
  await world.begin()
  world.frames.hasClosed()
  await world.when('lets everybody at frames and third leave', () => world.third.hasClosed())
  world.expectEvents(['frames closes', 'web closes', 'third closes'], {
    because: 'All doors close at once. The data wait for web, where people are still connected.',
    likely: EVERY_DOOR,
    look: BEGIN,
  })
  await world.advance(59_999)
  world.expectEvents([], {
    because: 'They have 60 s to leave by themselves, as `deadlineMs` says.',
    likely: 'timers.after(deadlineMs, …), with the value that was given.',
    look: BEGIN,
  })
  await world.advance(1)
  const cut = world.takeEvents().filter((event) => !/^(frames|third) is cut$/.test(event))
  stage.expectSame('the events at the web door', cut, ['web is cut'], {
    because: 'The 60 s are over.',
    likely: EVERY_DOOR,
    look: [BEGIN, 'drain.cut()'],
  })
  await world.when('lets its connections close', () => world.web.hasClosed())
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
    because: 'begin() was called twice, but the server ends only once.',
    likely: 'Remember the promise of the first call.',
    look: BEGIN,
  })
  world.expectLaterOutcome('pending', {
    because: 'Nobody has left yet: a second call waits for the same end.',
  })
  await world.when('calls cut()', () => world.drain.cut())
  world.expectEvents(['frames is cut', 'web is cut'], {
    because: 'cut() cuts off everybody, at every door.',
    look: 'drain.cut()',
  })
  world.frames.hasClosed()
  await world.when('lets their connections close', () => world.web.hasClosed())
  world.expectEvents(['data closes'], {
    because: 'Being in a hurry is no reason to lose what was acknowledged.',
    look: BEGIN,
  })
  world.data.hasClosed()
  await world.when('lets data and lookout close', () => world.lookout.hasClosed())
  world.expectEvents(['lookout closes'], { because: 'The order is the same.', look: BEGIN })
  world.expectOutcome('resolved', { because: 'Everything is closed.', look: BEGIN })
  world.expectLaterOutcome('resolved', { because: 'Both calls wait for the same end.' })
  world.expectNoTimers(
    'There is one deadline, that of the first begin(). A second call of begin(), or cut(), starts no other.',
  )

  const early = await DrainWorld.open(stage, 'somebody is in a hurry from the beginning')
  await early.when('calls cut()', () => early.drain.cut())
  const before = early.takeEvents()
  stage.expectSame(
    'who is cut off',
    before.filter((event) => !isClosing(event)),
    ['frames is cut', 'web is cut'],
    {
      because: 'cut() cuts off everybody, at every door.',
      look: 'drain.cut()',
    },
  )
  stage.expectSame('what closes', before.filter(isClosing), [], {
    because: 'Nobody has called begin(): people are cut off, and may come back.',
    likely: 'cut() cuts off connections, and does nothing else.',
    look: 'drain.cut()',
  })
  stage.expectSame('isReady', early.drain.isReady, true, {
    because: 'Nobody has called begin(): newcomers are welcome.',
    likely: 'cut() cuts off connections, and does nothing else.',
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
    because: 'Others have connected in the meantime, and 10 s after begin() they are still there.',
    likely: 'cut() cuts everybody off each time, not only the first time.',
    look: ['drain.cut()', BEGIN],
  })
  await expectDeadlineAfterCut(stage)
}

/** A second signal long before the deadline, and somebody whom the first cut did not reach. */
async function expectDeadlineAfterCut(stage: Stage): Promise<void> {
  const world = await DrainWorld.open(stage, 'somebody is in a hurry, and somebody else stays')
  await world.begin()
  await world.advance(1_000)
  await world.when('calls cut()', () => world.drain.cut())
  world.takeEvents()
  await world.advance(DEADLINE_MS - 1_001)
  world.expectEvents([], {
    because: 'The deadline is 10 s after begin(), and one millisecond of them is left.',
    likely: 'cut() changes nothing about the deadline.',
    look: ['drain.cut()', BEGIN],
  })
  await world.advance(1)
  world.expectEvents(['frames is cut', 'web is cut'], {
    because: 'Neither door has closed, and 10 s after begin() everybody is cut off.',
    likely:
      'cut() changes nothing about the deadline: it is cancelled when the doors are closed, not before.',
    look: ['drain.cut()', BEGIN],
  })
}

/** A caller that ends the process in the line after `cut()`. */
export async function expectCutAtOnce(stage: Stage): Promise<void> {
  const world = await DrainWorld.open(stage, 'somebody is in a great hurry')
  let atOnce: string[] = []
  await world.when('calls cut()', () => {
    world.drain.cut()
    atOnce = world.takeEvents()
  })
  stage.expectSame('who is cut off when cut() returns', atOnce, ['frames is cut', 'web is cut'], {
    because: 'cut() cuts off everybody now: the caller may end the process in its next line.',
    likely: 'Call cut() of each door at once: not in a promise, and not behind an `await`.',
    look: 'drain.cut()',
  })
}
