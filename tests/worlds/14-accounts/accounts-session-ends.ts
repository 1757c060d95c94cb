/**
 * How sessions of chapter 14 end: unused, too old, ended by somebody else; what a clock that is set back may do; and a store
 * that fails.
 */

import type { Stage } from '../../judge/step.ts'
import { rejects, resolves, settle, stagedError } from './accounts-promises.ts'
import {
  DAY,
  expectNoLooseEnd,
  HOUR,
  letGo,
  MINUTE,
  noteOf,
  type SessionWorld,
  sha256,
} from './accounts-sessions.ts'

export async function expectIdleEnd({ expect, story }: Stage, world: SessionWorld): Promise<void> {
  const { store } = world
  story.tell('test', 'lets sessions end after 14 days without use, and after 90 days in any case')
  const idle = await world.begin(8)
  world.advance(14 * DAY - 1)
  await world.use(sha256(idle), 'goes on', {
    because: 'It has been unused for one millisecond less than 14 days.',
  })
  world.advance(7 * DAY)
  const other = await world.begin(8)
  world.advance(7 * DAY)
  await world.use(sha256(idle), 'is over', {
    because: 'It has not been used for 14 days.',
    likely:
      'Exactly idleMs since usedAt is enough. And use() has to ask isOver() before it notes anything.',
    look: ['sessions.isOver()', 'sessions.use()'],
  })
  expect('the session to be gone from the store', !store.rows.has(sha256(idle)), {
    because: 'A session that has been refused once must not come back.',
    likely: 'Call remove() for a session that is over.',
    look: 'sessions.use()',
  })
  await world.use(sha256(other), 'goes on', {
    because: 'It is a week old. Another session of the account is over, and this one is not.',
    likely:
      'remove(sessionId) removes one session; removeOf(accountId) removes all of the account.',
    look: 'sessions.use()',
  })
  world.setBack(20 * DAY)
  await world.use(sha256(idle), 'is over', {
    because: 'The clock was corrected. A session that was over stays over.',
    likely: 'Call remove() for a session that is over.',
  })
}

export async function expectAbsoluteEnd(world: SessionWorld): Promise<void> {
  const { clock, setBack } = world
  const long = await world.begin(9)
  const began = clock.now()
  while (clock.now() < began + 90 * DAY - 10 * DAY) {
    world.advance(10 * DAY)
    await world.use(sha256(long), 'goes on', {
      because: 'It is used every ten days.',
      likely: 'idleMs counts from usedAt, maxMs from createdAt.',
    })
  }
  world.advance(10 * DAY - 1)
  await world.use(sha256(long), 'goes on', {
    because: 'It is one millisecond less than 90 days old.',
  })
  world.advance(1)
  await world.use(sha256(long), 'is over', {
    because: 'It is 90 days old. A stolen token must not live for as long as the thief uses it.',
    likely: 'maxMs counts from createdAt, however often the session was used.',
    look: 'sessions.isOver()',
  })
  setBack(10 * DAY)
  await world.use(sha256(long), 'is over', {
    because: 'The clock was corrected. A session that was refused once stays over.',
    likely: 'Call remove() for a session that is over, for whichever reason.',
    look: 'sessions.use()',
  })
}

export async function expectClockSetBack(
  { expectSame }: Stage,
  world: SessionWorld,
): Promise<void> {
  const { store } = world
  // Less than idleMs, more than that, and more than maxMs.
  for (const days of [3, 20, 100]) {
    const young = await world.begin(10)
    world.setBack(days * DAY)
    store.takeCalls()
    await world.use(sha256(young), 'goes on', {
      because:
        'The clock was set back, so the session seems to begin in the future. That does no harm.',
      likely:
        'A moment that is still to come is no age: `now - usedAt` is negative then, which is less than idleMs. Leave out Math.abs().',
    })
    expectSame('the writes', store.takeCalls('touch'), [], {
      because: 'Noting an earlier use than the one already noted would shorten the session.',
      look: 'sessions.use()',
    })
    world.advance(days * DAY)
  }
}

/** A session is ended while the store is asked. */
export async function expectEndedWhileNoted(stage: Stage, world: SessionWorld): Promise<void> {
  const { expect, story } = stage
  const { sessions, store } = world
  const gone = await world.begin(11)
  world.advance(2 * DAY)
  story.tell('store', 'is slow; meanwhile the session is ended')
  store.held = []
  const using = sessions.use(sha256(gone))
  const ending = sessions.end(sha256(gone))
  await letGo(store)
  await resolves(story, 'use()', Promise.all([using, ending]), {
    because: 'The store has answered. A session that is gone is not an error.',
    look: 'sessions.use()',
  })
  expect('the session not to come back', !store.rows.has(sha256(gone)), {
    because: 'It was ended while its use was being noted.',
    likely: 'touch() changes a session that still exists. add() makes one.',
    look: 'sessions.use()',
  })

  const late = await world.begin(13)
  world.advance(2 * DAY)
  await expectNoLooseEnd(stage, store, () => sessions.use(sha256(late)))
  world.advance(20 * DAY)
  await expectNoLooseEnd(stage, store, () => sessions.use(sha256(late)))
}

/** A use that could not be noted is not noted: the next one is. */
export async function expectNotedAgain(
  { expectSame, story }: Stage,
  world: SessionWorld,
): Promise<void> {
  const { clock, sessions, store } = world
  const id = sha256(await world.begin(14))
  await world.use(id, 'goes on', { because: 'It has just begun.' })
  for (const hours of [2, 3]) {
    world.advance(hours * HOUR)
    story.tell('store', 'finds the session, and cannot note its use: the disk is full')
    store.failing = 'touch'
    store.failure = stagedError(new Error('the disk is full'))
    // It may resolve or reject.
    const using = sessions.use(id).then(
      () => {},
      () => {},
    )
    await resolves(story, 'the wait for use()', using, {
      because: 'The store has answered.',
      look: 'sessions.use()',
    })
    await settle()
    store.failing = undefined
    store.failure = undefined
    story.tell('store', 'works again')
    world.advance(MINUTE)
    store.takeCalls()
    await world.use(id, 'goes on', { because: 'It is in use.' })
    await settle()
    const notes = store.takeCalls('touch')
    expectSame('the writes', notes, [noteOf(id, clock.now())], {
      because: `The last use that was noted is more than ${hours} hours old: the one of a minute ago never reached the disk.`,
      likely:
        notes.length > 0
          ? undefined
          : 'Only `usedAt` in the store tells when a use was noted. What the process remembers of its own calls may be wrong: one of them has failed.',
      look: 'sessions.use()',
    })
  }
}

/** The store knows best: it is asked each time. */
export async function expectEndedForGood({ story }: Stage, world: SessionWorld): Promise<void> {
  const { sessions, store } = world
  for (const [who, what, end] of [
    ['test', 'calls end() with its id', (id: string) => sessions.end(id)],
    ['test', 'calls endOf() with its account', () => sessions.endOf(15)],
    [
      'another server',
      'ends it, in the same database',
      async (id: string) => void store.rows.delete(id),
    ],
  ] as const) {
    for (const ageMs of [MINUTE, 2 * HOUR]) {
      const id = sha256(await world.begin(15))
      await world.use(id, 'goes on', { because: 'It has just begun.' })
      world.advance(ageMs)
      await world.use(id, 'goes on', { because: 'It has begun, and nobody has ended it.' })
      story.tell(who, what)
      await end(id)
      await world.use(id, 'unknown', {
        because: 'The session has been ended, and is no longer in the store.',
        likely:
          'Call find() at each use. What an earlier call has found may be out of date: other servers have the same database.',
        look: 'sessions.use()',
      })
    }
  }
}

/** The session ends while one use is under way: the next use must not share its answer. */
export async function expectLookedUpAnew(
  { expectSame, story }: Stage,
  world: SessionWorld,
): Promise<void> {
  const { sessions, store } = world
  const id = sha256(await world.begin(16))
  const look = 'sessions.use()'
  story.tell('store', 'is slow: the first use is under way')
  store.held = []
  const first = sessions.use(id)
  await settle()
  story.tell('another server', 'ends the session, in the same database')
  store.rows.delete(id)
  story.tell('test', 'uses the session again while the first use is under way')
  const second = sessions.use(id)
  await letGo(store)
  const [, found] = await resolves(story, 'use(), twice', Promise.all([first, second]), {
    because: 'The store has answered.',
    look,
  })
  expectSame('the statement that the session goes on', found !== undefined, false, {
    because: 'It had been ended before the second use began.',
    likely: 'Call find() at each use: the answer to an earlier one was true at an earlier moment.',
    look,
  })
}

export async function expectStoreFailures(
  { expectSame, story }: Stage,
  { sessions, store }: SessionWorld,
): Promise<void> {
  const [known] = store.rows.keys()
  store.failure = stagedError(new Error('the disk is full'))
  for (const [name, attempt] of [
    ['begin()', () => sessions.begin(12)],
    ['use()', () => sessions.use(known)],
  ] as const) {
    const look = `sessions.${name}`
    const error = await rejects(story, `${name}, when the store fails`, attempt(), {
      because:
        name === 'begin()'
          ? 'The session was not stored, so its token would be worth nothing.'
          : 'Nobody knows whether there is such a session.',
      likely: 'Await each call of the store, and let its error through.',
      look,
    })
    expectSame('the error', String(error), 'Error: the disk is full', {
      because: 'The store rejected with this error.',
      look,
    })
  }
}
