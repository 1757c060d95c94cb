/** Sessions that end while their peers talk, enter or leave. */

import type { SessionPeer } from '#code/14-accounts/live-sessions.ts'
import type { Reason } from '../../harness/failure.ts'
import { withCommas } from '../../harness/numbers.ts'
import type { Stage } from '../../judge/step.ts'
import { rejects, resolves, stagedError } from './accounts-promises.ts'
import { DAY, playSessions, sha256 } from './accounts-sessions.ts'

const END = 'live-sessions.end()'
const END_OVER = 'live-sessions.endOver()'

/** What can be seen in the list of those that were closed. */
function whatIsWrong(closed: string[]): Partial<Reason> {
  if (closed.some((line) => line.startsWith('stranger')))
    return {
      because: 'The stranger was not let in. The caller of enter() decides what happens to it.',
      likely:
        'A peer that is not let in leaves, with leave(sessionId, peer), and is not closed by end().',
      look: 'live-sessions.enter()',
    }
  if (new Set(closed).size < closed.length)
    return {
      likely:
        'A peer is closed twice. Forget its session first: when the same id comes again, there is nobody to close.',
      look: END,
    }
  return {}
}

/** What `sqlite-accounts.ts` lets wait, and more sessions than that. */
const MOST_CALLS = 1_000
const MANY = 1_200
/** Calls of others that wait there meanwhile. */
const OTHERS = 200

/** Sessions with peers that leave, as connections do, when they are closed. */
export async function playLiveSessions(stage: Stage) {
  const { expect, expectSame, story } = stage
  const { LiveSessions } = await stage.load(() => import('#code/14-accounts/live-sessions.ts'))
  const world = await playSessions(stage)
  const live = new LiveSessions(world.sessions)
  const closed: string[] = []
  const makePeer = (name: string, sessionId: string): SessionPeer => {
    const peer: SessionPeer = {
      close(reason) {
        closed.push(`${name}: ${reason}`)
        live.leave(sessionId, peer)
      },
    }
    return peer
  }
  const expectSize = (size: number, reason: Reason) =>
    expectSame('the number of sessions that have a peer', live.size, size, reason)
  return {
    ...world,
    live,
    makePeer,
    expectSize,
    async beginId(accountId: number): Promise<string> {
      return sha256(await world.begin(accountId))
    },
    async enter(name: string, sessionId: string, isLetIn: boolean, reason: Reason) {
      story.tell(name, 'shows its token')
      const peer = makePeer(name, sessionId)
      const session = await resolves(story, 'enter()', live.enter(sessionId, peer), {
        because: 'The store has answered.',
        look: 'live-sessions.enter()',
      })
      expectSame(`the statement that ${name} is let in`, session !== undefined, isLetIn, reason)
      return peer
    },
    /** Whether this peer has been closed since the last look. */
    isClosed: (name: string) => closed.includes(`${name}: no-session`),
    expectClosed(expected: string[], reason: Reason) {
      const seen = closed.splice(0).toSorted()
      expectSame('the peers that were closed', seen, expected, {
        look: END,
        ...reason,
        ...whatIsWrong(seen),
      })
    },
    /** Whether this peer is among those that were closed since the last look. */
    expectOneClosed(name: string, reason: Reason) {
      const seen = closed.splice(0)
      expect(`${name} to be closed`, seen.includes(`${name}: no-session`), {
        received: seen.join(', ') || 'nobody was closed',
        ...reason,
      })
    },
  }
}

/** Ended sessions take their peers along, and nobody else's. */
export async function expectEnded(stage: Stage): Promise<void> {
  const { expectSame, story } = stage
  const world = await playLiveSessions(stage)
  const { live, enter, expectClosed, expectSize } = world
  const [phone, laptop] = [await world.beginId(1), await world.beginId(1)]
  const letIn = {
    because: 'There is such a session.',
    likely: 'Resolve with the session that use() has found.',
  }
  await enter('phone', phone, true, letIn)
  const tab = await enter('tab 1', laptop, true, letIn)
  await enter('tab 2', laptop, true, letIn)
  await enter('tab 3', laptop, true, letIn)
  await enter('stranger', '0'.repeat(64), false, { because: 'There is no such session.' })
  expectSize(2, {
    because: 'Two sessions have peers. The stranger was not let in, and leaves nothing behind.',
    likely: 'A peer that is not let in has to leave, and the last peer to leave deletes the set.',
    look: ['live-sessions.enter()', 'live-sessions.leave()'],
  })
  story.tell('tab 1', 'hangs up')
  live.leave(laptop, tab)
  story.tell('test', 'ends the session of the laptop')
  live.end([laptop])
  expectClosed(['tab 2: no-session', 'tab 3: no-session'], {
    because: 'They are the remaining peers of that session. The phone has a session of its own.',
    likely:
      'Call close("no-session") for each peer of these sessions, and of no other. Is one of them missing? enter() adds to the existing set, and leave() removes one peer.',
    look: [END, 'live-sessions.enter()', 'live-sessions.leave()'],
  })
  const forgotten = { likely: 'Forget a session that has ended.', look: END }
  expectSize(1, { because: 'Only the phone is left.', ...forgotten })
  live.end([laptop])
  expectClosed([], { because: 'Nobody is in that session any more.' })
  const other = await world.beginId(2)
  await enter('bob', other, true, letIn)
  story.tell('test', 'ends both remaining sessions (bob’s twice), and the one of the laptop again')
  live.end([laptop, other, laptop, phone, other])
  expectClosed(['bob: no-session', 'phone: no-session'], {
    because:
      'Several sessions can be ended at once, and an id may be there twice, but each peer is closed once. The session of the laptop has no peers left.',
    likely:
      'Go through all the ids: after a session without a peer, there may be one that has peers.',
  })
  expectSize(0, { because: 'Nobody is left.', ...forgotten })

  const hasty = await world.beginId(2)
  let closings = 0
  await live.enter(hasty, {
    close() {
      closings += 1
      if (closings < 3) live.end([hasty])
    },
  })
  story.tell('test', 'ends a session, and ends it again while its peer is being closed')
  live.end([hasty])
  expectSame('the number of times the peer was closed', closings, 1, {
    because: 'Two connections may log out at once. Each peer is told once.',
    likely: 'Forget the session first, then close its peers.',
    look: END,
  })
  expectSize(0, { because: 'The session has ended.', ...forgotten })

  const last = await world.beginId(3)
  const peer = await enter('cyd', last, true, letIn)
  story.tell('somebody else', 'leaves without ever having entered')
  live.leave(last, world.makePeer('somebody else', last))
  expectSize(1, {
    because: 'cyd is still there. A peer may leave twice, or without having been let in.',
    likely: 'leave() removes one peer, and forgets the session when its set is empty.',
    look: 'live-sessions.leave()',
  })
  live.leave(last, peer)
  expectSize(0, {
    because: 'cyd has left. Keeping an empty set for every past session would fill the memory.',
    likely: 'When the last peer leaves, delete the set.',
    look: 'live-sessions.leave()',
  })
  world.store.failure = stagedError(new Error('the disk is full'))
  await rejects(story, 'enter() with a failing store', live.enter(last, peer), {
    because: 'Nobody knows whether there is such a session.',
    likely: 'Await use(), and let its error through.',
    look: 'live-sessions.enter()',
  })
  expectSize(0, {
    because: 'cyd was not let in, and leaves nothing behind.',
    likely: 'The peer has to leave after an exception, too: use try … finally.',
    look: 'live-sessions.enter()',
  })
}

/** Sessions end by their age, too, while their peers talk. */
export async function expectSwept(stage: Stage): Promise<void> {
  const { story } = stage
  const world = await playLiveSessions(stage)
  const { live, enter, expectClosed, store } = world
  const letIn = { because: 'There is such a session.' }
  const sweep = () =>
    resolves(story, 'endOver()', live.endOver(), {
      because: 'The store has answered.',
      look: END_OVER,
    })
  const old = await world.beginId(1)
  await enter('old tab', old, true, letIn)
  world.advance(5 * DAY)
  await sweep()
  const young = await world.beginId(2)
  await enter('young tab', young, true, letIn)
  for (let age = 5; age < 85; age += 10) {
    world.advance(10 * DAY)
    await sweep()
  }
  expectClosed([], {
    because: 'The sessions are 85 and 80 days old. Their connections are open, so they are in use.',
    likely: 'Call use() for each session that has a peer: it prolongs the session.',
    look: END_OVER,
  })
  world.advance(5 * DAY)
  await sweep()
  expectClosed(['old tab: no-session'], {
    because: 'Its session is 90 days old. The other one has five days left.',
    likely: 'Call use() for each session that has a peer, and end those that are over.',
    look: END_OVER,
  })
  story.tell('another server', 'ends the session of the young tab, in the same database')
  store.rows.delete(young)
  await sweep()
  expectClosed(['young tab: no-session'], {
    because: 'Its session is no longer in the store.',
    look: END_OVER,
  })
  world.expectSize(0, { because: 'Nobody is left.' })

  for (const account of [3, 4]) {
    await enter(`tab of ${account}`, await world.beginId(account), true, letIn)
  }
  store.failure = stagedError(new Error('the disk is full'))
  story.tell('store', 'fails')
  await live.endOver().catch(() => {})
  expectClosed([], {
    because: 'Nobody knows whether these sessions are over. A full disk is no reason to end them.',
    likely: 'A rejection of use() is not the same as undefined.',
    look: END_OVER,
  })
  await rejects(story, 'endOver() with a failing store', live.endOver(), {
    because:
      'The operator has to be told of it. Otherwise sessions do not end, and nobody knows why.',
    likely: 'Await use(), and let its error through.',
    look: END_OVER,
  })
  store.failure = undefined
  world.advance(90 * DAY)
  await sweep()
  expectClosed(['tab of 3: no-session', 'tab of 4: no-session'], {
    because: 'Both sessions are 90 days old.',
    likely: 'Check every session that has a peer, including those after one that is over.',
    look: END_OVER,
  })
}

/** More sessions with a connection than calls that the real store lets wait. */
export async function expectManySwept(stage: Stage): Promise<void> {
  const { story } = stage
  const { live, sessions, store } = await playLiveSessions(stage)
  story.tell('crowd', `enters ${withCommas(MANY)} sessions`)
  for (let number = 0; number < MANY; number++)
    await live.enter(sha256(await sessions.begin(number)), { close() {} })
  story.tell('crowd', `makes ${OTHERS} other calls of the store, which wait all the time`)
  store.most = MOST_CALLS - OTHERS
  await resolves(story, `endOver() with ${withCommas(MANY)} sessions`, live.endOver(), {
    because:
      'The real store lets 1,000 calls wait, others’ among them, and refuses the next. Then endOver() would end no session, round after round.',
    likely:
      'Await one use() after the other, or a few at a time: Promise.all() calls it for all that it is given at once.',
    look: END_OVER,
  })
}
