/** Peers that enter a session: what may happen while the store is asked, and to those who are in it already. */

import type { SessionPeer } from '#code/14-accounts/live-sessions.ts'
import type { Stage } from '../../judge/step.ts'
import { playLiveSessions } from './accounts-live.ts'
import { rejects, resolves, settle, stagedError } from './accounts-promises.ts'
import { letGo, sha256 } from './accounts-sessions.ts'

const ENTER = 'live-sessions.enter()'
const END_OVER = 'live-sessions.endOver()'

/** The store takes its time, and the session does not wait for it. */
export async function expectEndedMeanwhile(stage: Stage): Promise<void> {
  const { expectSame, story } = stage
  const world = await playLiveSessions(stage)
  const { store, live, expectClosed, expectSize } = world
  for (const [what, hasTab] of [
    ['the session has been ended', false],
    ['the peer has hung up', false],
    ['the peer has hung up', true],
  ] as const) {
    const session = await world.beginId(1)
    const tab =
      hasTab && (await world.enter('tab', session, true, { because: 'The session has begun.' }))
    const peer = world.makePeer('phone', session)
    let hasHungUp = false
    store.held = []
    story.tell('phone', 'shows its token')
    const entering = live.enter(session, peer)
    await settle()
    story.tell('store', 'has found the session, and its answer is on its way')
    if (what === 'the session has been ended') {
      story.tell('laptop', 'logs out everywhere')
      void world.sessions.endOf(1)
      await settle()
      live.end([session])
    } else {
      story.tell('phone', 'hangs up')
      live.leave(session, peer)
      hasHungUp = true
    }
    await letGo(store)
    const found = await resolves(story, 'enter()', entering, {
      because: 'The store has answered.',
      look: ENTER,
    })
    expectSame('the statement that the phone is let in', found !== undefined, false, {
      because: `Since the store looked, ${what}. Its answer is out of date.`,
      likely: tab
        ? 'After the await, look for this very peer: another peer in the session says nothing about it.'
        : hasHungUp || world.isClosed('phone')
          ? 'After the await, check whether the peer is still in the session.'
          : 'Enter the peer before you ask the store: then end() finds it.',
      look: ENTER,
    })
    // Whoever ends the session may close the peer, or leave that to the caller of enter(), who is told `undefined`.
    const isClosed = !hasHungUp && world.isClosed('phone')
    expectClosed(isClosed ? ['phone: no-session'] : [], { because: 'Nobody is closed twice.' })
    expectSize(tab ? 1 : 0, {
      because: tab ? 'The tab is in the session.' : 'Nobody is in the session.',
      look: [ENTER, 'live-sessions.leave()'],
    })
    if (tab) live.leave(session, tab)
    if (!hasHungUp) continue
    const again = await world.enter('phone', session, true, {
      because: 'Hanging up is not logging out: the token is as good as before.',
      likely:
        'A peer that has left is not let in, and that is all. enter() ends no session in the store.',
      look: ENTER,
    })
    live.leave(session, again)
  }
}

/** Somebody hangs up while the store is asked, another one enters, and then the store fails for the first. */
export async function expectLeftAlone(stage: Stage): Promise<void> {
  const { story } = stage
  const { beginId, enter, expectOneClosed, live, makePeer, store } = await playLiveSessions(stage)
  const session = await beginId(1)
  const phone = makePeer('phone', session)
  story.tell('phone', 'shows its token, and hangs up while the store is asked')
  const held: (() => void)[] = []
  store.held = held
  const entering = live.enter(session, phone)
  await settle()
  live.leave(session, phone)
  store.held = undefined
  await enter('tab', session, true, { because: 'There is such a session.' })
  story.tell('store', 'fails for the phone')
  store.lost = stagedError(new Error('the disk is full'))
  for (const letGoOn of held) letGoOn()
  // The phone has gone: what enter() says of it is as good either way.
  const isOver = entering.then(
    () => {},
    () => {},
  )
  await resolves(story, 'the wait for the phone’s enter()', isOver, {
    because: 'The store has answered.',
    look: ENTER,
  })
  store.lost = undefined
  story.tell('test', 'ends the session')
  live.end([session])
  expectOneClosed('tab', {
    because:
      'The tab entered after the phone had left. Refusing the phone must not remove anybody else.',
    likely:
      'After the await, ask #peers again, as leave() does: the earlier set may have become empty, and another may have taken its place.',
    look: ENTER,
  })
}

/** Whoever is not let in leaves alone: the others of the session are still found when it ends. */
export async function expectOthersStay(stage: Stage): Promise<void> {
  const { story } = stage
  const world = await playLiveSessions(stage)
  const { store, live, enter } = world
  const letIn = { because: 'There is such a session.' }
  const stays = {
    because:
      'Tab 2 was not let in, but tab 1 is still in the session. If it were forgotten, tab 1 would stay open forever.',
    likely: 'Only the peer that is not let in leaves: leave(sessionId, peer).',
    look: ENTER,
  }
  const session = await world.beginId(1)
  await enter('tab 1', session, true, letIn)
  store.failure = stagedError(new Error('the disk is full'))
  story.tell('tab 2', 'shows the same token, and the store fails')
  const second = live.enter(session, world.makePeer('tab 2', session))
  await rejects(story, 'enter() with a failing store', second, {
    because: 'Nobody knows whether there is such a session.',
    likely: 'Await use(), and let its error through.',
    look: ENTER,
  })
  store.failure = undefined
  story.tell('test', 'ends the session')
  live.end([session])
  world.expectOneClosed('tab 1', stays)

  const other = await world.beginId(1)
  await enter('tab 1', other, true, letIn)
  story.tell('another server', 'ends the session, in the same database')
  store.rows.delete(other)
  await enter('tab 2', other, false, { because: 'There is no such session any more.' })
  await resolves(story, 'endOver()', live.endOver(), {
    because: 'The store has answered.',
    look: 'live-sessions.endOver()',
  })
  world.expectOneClosed('tab 1', stays)
}

/** Peers leave while the sessions are looked at: the others are looked at all the same. */
export async function expectRoundGoesOn(stage: Stage): Promise<void> {
  const { story } = stage
  const world = await playLiveSessions(stage)
  const { live, store } = world
  const letIn = { because: 'There is such a session.' }
  const peers = new Map<string, SessionPeer>()
  const names = ['ada', 'bob', 'cyd', 'dee', 'eve']
  const ids = new Map<string, string>()
  for (const name of names) {
    const id = await world.beginId(names.indexOf(name))
    ids.set(name, id)
    peers.set(name, await world.enter(name, id, true, letIn))
  }
  story.tell('another server', 'ends the session of cyd, in the same database')
  store.rows.delete(ids.get('cyd')!)
  store.held = []
  story.tell('test', 'calls endOver(), and the store takes its time')
  const sweeping = live.endOver()
  await settle()
  for (const name of names.filter((name) => name !== 'cyd')) {
    story.tell(name, 'hangs up')
    live.leave(ids.get(name)!, peers.get(name)!)
  }
  await letGo(store)
  await resolves(story, 'endOver()', sweeping, {
    because: 'The store has answered.',
    look: END_OVER,
  })
  world.expectOneClosed('cyd', {
    because: 'Its session has ended. That all the others have hung up does not change that.',
    likely: 'A session whose peers have left is passed over; the round goes on with the next.',
    look: END_OVER,
  })
}

/** For each session that is looked up another one enters: the round ends all the same. */
export async function expectRoundEnds(stage: Stage): Promise<void> {
  const { expect, story } = stage
  const { beginId, enter, live, makePeer, sessions, store } = await playLiveSessions(stage)
  const first: string[] = []
  for (const account of [1, 2, 3]) {
    first.push(await beginId(account))
    await enter(`tab of ${account}`, first.at(-1)!, true, { because: 'There is such a session.' })
  }
  const waiting: string[] = []
  story.tell('crowd', 'begins 40 more sessions')
  for (let account = 4; account < 44; account++) waiting.push(sha256(await sessions.begin(account)))
  const entering = new Set<string>()
  const entered: Promise<unknown>[] = []
  const find = store.find.bind(store)
  let lookUps = 0
  let isNewcomersTurn = false
  store.find = (id) => {
    // The first look-up of a newcomer is that of its own enter().
    if (!entering.delete(id)) {
      lookUps += 1
      if (!first.includes(id)) isNewcomersTurn = true
      const next = waiting.shift()
      if (next) {
        entering.add(next)
        entered.push(live.enter(next, makePeer('newcomer', next)))
      }
    }
    return find(id)
  }
  story.tell('test', 'calls endOver(); at each look-up, a peer enters another session')
  await resolves(story, 'endOver()', live.endOver(), {
    because: 'The store has answered.',
    look: END_OVER,
  })
  await resolves(story, 'enter() of each newcomer', Promise.all(entered), {
    because: 'The store has answered.',
    look: ENTER,
  })
  expect('endOver() to look up the three sessions that had a peer', lookUps <= first.length, {
    because: isNewcomersTurn
      ? 'While enough peers enter, a round that also looks up theirs never ends, and close() waits for it.'
      : 'A look-up may be a write on the disk: one for each session is enough.',
    likely: isNewcomersTurn
      ? 'A loop over a Map also sees what is added meanwhile. Copy the keys first: [...this.#peers.keys()].'
      : 'Call use() once for each session.',
    received: `${lookUps} look-ups`,
    look: END_OVER,
  })
}

/** Somebody enters a session while all sessions are looked at: whoever ends it later finds this one, too. */
export async function expectEnteredWhileSwept(stage: Stage): Promise<void> {
  const { story } = stage
  const world = await playLiveSessions(stage)
  const { enter, live, store } = world
  const letIn = { because: 'There is such a session.' }
  const sweepEnds = { because: 'The store has answered.', look: END_OVER }
  const [other, session] = [await world.beginId(1), await world.beginId(2)]
  await enter('phone', other, true, letIn)
  const early = await enter('early tab', session, true, letIn)
  const held: (() => void)[] = []
  store.held = held
  story.tell('test', 'calls endOver(), and the store takes its time')
  const sweeping = live.endOver()
  await settle()
  store.held = undefined
  story.tell('early tab', 'hangs up')
  live.leave(session, early)
  await enter('late tab', session, true, letIn)
  story.tell('another server', 'ends the session of the tabs, in the same database')
  store.rows.delete(session)
  for (const letGoOn of held) letGoOn()
  await resolves(story, 'endOver()', sweeping, sweepEnds)
  await resolves(story, 'another endOver()', live.endOver(), sweepEnds)
  world.expectOneClosed('late tab', {
    because:
      'The late tab entered while the sessions were being checked, and its session has ended.',
    likely:
      'After the await, ask #peers again, as end() does: the earlier set may have been replaced.',
    look: END_OVER,
  })
}
