/** What a server that ends does when something goes wrong on the way. */

import type { Stage } from '../../judge/step.ts'
import { uncaughtDuring } from '../uncaught-errors.ts'
import { DEADLINE_MS, DrainWorld } from './drain-doors.ts'
import { BEGIN, BEHIND_ALL } from './drain-order.ts'

export async function expectFailures(stage: Stage): Promise<void> {
  for (const how of ['rejects', 'throws'] as const) {
    await expectBrokenDoor(stage, how, 'frames', 'web')
    await expectBrokenDoor(stage, how, 'web', 'frames')
  }
  const world = await DrainWorld.open(stage, 'the data cannot be saved')
  const broken = new Error('EIO')
  await world.begin()
  world.frames.hasClosed()
  await world.when('lets all doors close', () => world.web.hasClosed())
  await world.beginAgain()
  await world.when('makes close() of the data reject', () => world.data.hasFailed(broken))
  await world.when('lets the lookout close', () => world.lookout.hasClosed())
  world.expectOutcome('rejected: EIO', {
    because: 'The process must not exit with code 0 when something was not saved.',
    likely: 'allSettled() never rejects: look at its outcomes.',
    look: BEGIN,
  })
  world.expectLaterOutcome('rejected: EIO', {
    because: 'A second call rejects with the error as well.',
  })
  world.expectItself(broken)
  stage.expectSame('isReady after an end that failed', world.drain.isReady, false, {
    because: 'The doors are closed, whatever went wrong: nobody can come in.',
    likely: 'isReady is false from begin() on, and never true again.',
    look: BEGIN,
  })
  world.takeEvents()
  // Twice: what the first of them settles with may be what another call has left behind.
  for (let calls = 0; calls < 2; calls++) {
    await world.beginAgain()
    world.expectEvents([], {
      because:
        'Everything was closed once. A call after the end closes nothing, even after an error.',
      likely: KEEP_IT,
      look: BEGIN,
    })
    world.expectLaterOutcome('rejected: EIO', {
      because: 'A call after the end settles in the same way.',
      likely: KEEP_IT,
    })
  }
  for (const how of ['rejects', 'throws'] as const) {
    await expectFailureOf(stage, how, ['data'], 'data')
    await expectFailureOf(stage, how, ['lookout'], 'lookout')
    await expectFailureOf(stage, how, ['data', 'lookout'], 'data')
  }
}

const KEEP_IT = 'Keep the promise of the first call, even when it has rejected.'

const MAY_THROW =
  'close() may throw before it returns a promise. Call it in an async function, which turns that into a rejection.'

/** One of the two doors does not close, and somebody behind the other does not go before the deadline. */
async function expectBrokenDoor(
  stage: Stage,
  how: 'rejects' | 'throws',
  name: 'frames' | 'web',
  other: 'frames' | 'web',
): Promise<void> {
  const world = await DrainWorld.open(stage, `close() of ${name} ${how}`)
  const broken = new Error(`${name} is broken`)
  // Of a door that rejects, the same was expected before.
  const likely = how === 'throws' ? MAY_THROW : BEHIND_ALL
  if (how === 'throws') world[name].throws = broken
  const uncaught = await uncaughtDuring(async () => {
    await world.begin()
    if (how === 'rejects')
      await world.when(`breaks a door: ${name} rejects`, () => world[name].hasFailed(broken))
  })
  world.expectEvents(['frames closes', 'web closes'], {
    because: 'The other door has to close all the same, and people are still connected to it.',
    likely,
    look: BEGIN,
  })
  stage.expectSame('the number of uncaught errors', uncaught.length, 0, {
    because:
      'A rejection that is not handled ends the process, and everything that was not saved is lost.',
    likely:
      'You wait for one door after the other, and this one rejected while you waited for another. Promise.allSettled() handles all of them from the start.',
    look: BEGIN,
  })
  await world.advance(DEADLINE_MS)
  const cut = world.takeEvents().filter((event) => event !== `${name} is cut`)
  stage.expectSame('the events at the deadline', cut, [`${other} is cut`], {
    because: 'Somebody at the other door does not leave. The deadline is for them, too.',
    likely: 'Cancel the deadline when all doors are done, not when one of them has failed.',
    look: BEGIN,
  })
  await world.when(`lets everybody at ${other} leave`, () => world[other].hasClosed())
  world.expectEvents(['data closes'], {
    because: 'What was said has to be saved, even if a door is broken.',
    likely,
    look: BEGIN,
  })
  world.expectOutcome('pending', {
    because: 'The rest is closed first.',
    likely: 'Remember the error, and throw it at the end.',
    look: BEGIN,
  })
  world.expectNoTimers()
  world.data.hasFailed(new Error('data are broken'))
  await world.when('makes close() of the data reject, too, and lets the lookout close', () =>
    world.lookout.hasClosed(),
  )
  world.expectEvents(['lookout closes'], {
    because: 'The rest is closed, whatever goes wrong.',
    likely,
    look: BEGIN,
  })
  world.expectOutcome(`rejected: ${name} is broken`, {
    ...(world.error instanceof AggregateError
      ? {
          because:
            'The caller goes by the code of the error, and sees only the error that is thrown.',
          likely: 'Throw one of the errors itself, not an error around all of them.',
        }
      : {
          because: 'The caller has to learn that something went wrong, and what went wrong first.',
        }),
    look: BEGIN,
  })
  world.expectItself(broken)
}

/** All doors close well, and behind them these parts do not. */
async function expectFailureOf(
  stage: Stage,
  how: 'rejects' | 'throws',
  parts: ('data' | 'lookout')[],
  first: string,
): Promise<void> {
  const world = await DrainWorld.open(stage, `close() of ${parts.join(' and of ')} ${how}`)
  for (const part of parts)
    if (how === 'throws') world[part].throws = new Error(`${part}: broken`)
    else world[part].hasFailed(new Error(`${part}: broken`))
  world.data.hasClosed()
  world.lookout.hasClosed()
  await world.begin()
  world.frames.hasClosed()
  await world.when('lets all doors close', () => world.web.hasClosed())
  const behind = world.takeEvents().filter((event) => !/frames|web/.test(event))
  stage.expectSame('what closes after the doors', behind, ['data closes', 'lookout closes'], {
    because: 'The rest is closed, whatever goes wrong.',
    likely: how === 'throws' ? MAY_THROW : BEHIND_ALL,
    look: BEGIN,
  })
  world.expectOutcome(`rejected: ${first}: broken`, {
    because:
      parts.length > 1
        ? 'Of two errors, the first is reported: the data close before the lookout.'
        : 'The caller has to learn that something went wrong.',
    likely:
      world.outcome === 'resolved'
        ? 'Remember every error: of doors, of the data, and of the lookout.'
        : how === 'throws'
          ? MAY_THROW
          : 'Remember the first error, and throw it at the end.',
    look: BEGIN,
  })
}
