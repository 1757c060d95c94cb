import type { ClientEvent, ClientState } from '#code/16-client/client-state.ts'
import type { Reason } from '../harness/failure.ts'
import { seededRandom } from '../harness/random.ts'
import { type Stage, step } from '../judge/step.ts'
import { addressesOf, NEVER, namesOf, race } from '../worlds/address-race.ts'
import { expectClientObeys } from '../worlds/client-states.ts'
import { expectOnceOnSockets, expectServerKnows } from '../worlds/keyed-server.ts'
import { tryAll } from '../worlds/model-chat-trials.ts'
import { openFeed } from '../worlds/room-feed.ts'
import { expectClaims, expectFound, expectNothingLeft } from '../worlds/say-key-trials.ts'
import { expectQueue } from '../worlds/say-queue.ts'

step('16.1', 'waits are drawn at random, below a bound that doubles', async (stage) => {
  const { expect, expectSame, story } = stage
  const { Backoff } = await stage.load(() => import('#code/16-client/backoff.ts'))
  const LIMITS = { firstMs: 1_000, capMs: 30_000, provenMs: 10_000 }
  const waitsOf = (backoff: InstanceType<typeof Backoff>, count: number) =>
    Array.from({ length: count }, () => toTens(backoff.nextDelayMs()))

  story.tell('random', 'is 0.5 each time: in the middle')
  const middle = new Backoff(LIMITS, () => 0.5)
  const seven = waitsOf(middle, 7)
  expectSame('seven waits', seven, [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000], {
    because:
      'The bounds are 1, 2, 4, 8 and 16 s, then 30 s; a wait is drawn from all that lies below its bound.',
    likely: whyOtherWaits(seven),
  })
  expectSame(
    'all different waits among the next 2,000',
    [...new Set(waitsOf(middle, 2_000))],
    [15_000],
    {
      because: 'A server can be away for a week. The bound has reached its cap and stays there.',
      likely: '1 << 31 is negative, and 1 << 32 is 1 again; 2 ** n is neither.',
    },
  )
  expectSame(
    'the first wait, where the cap is 400 ms',
    waitsOf(new Backoff({ ...LIMITS, capMs: 400 }, () => 0.5), 1),
    [200],
    {
      because: 'No bound is above the cap.',
    },
  )

  story.tell('random', 'is 0.05 for one client and 0.95 for another')
  const ends = [0.05, 0.95].map((value) => new Backoff(LIMITS, () => value))
  for (let times = 0; times < 8; times++) for (const backoff of ends) backoff.nextDelayMs()
  const spread = ends.map((backoff) => toTens(backoff.nextDelayMs())).sort((a, b) => a - b)
  expectSame('their waits under the cap', spread, [1_500, 28_500], {
    because:
      'All waits from 0 to the bound are equally likely, at the cap, too. Where nobody waits for a short time, all come together.',
    likely:
      'Not half of it fixed and half drawn, nor a little jitter around it: random() times the bound.',
  })
  const crowd = seededRandom(16, 'crowd')
  const perTenth = Array.from({ length: 10 }, () => 0)
  for (let client = 0; client < 10_000; client++) {
    const waitMs = new Backoff(LIMITS, crowd).nextDelayMs()
    perTenth[Math.min(9, Math.floor(waitMs / 100))] += 1
  }
  expect(
    '10,000 clients to come back evenly over the first second',
    perTenth.every((count) => count > 800 && count < 1_200),
    {
      because: 'They all lost their connection at the same moment.',
      expected: 'about 1,000 in each tenth of it',
      received: perTenth.join(', '),
    },
  )

  const backoff = new Backoff(LIMITS, () => 0.5)
  const other = new Backoff(LIMITS, () => 0.5)
  waitsOf(backoff, 3)
  story.tell('client', 'has waited three times')
  const ended = (welcomeMs: number, wait: number, reason: Reason) => {
    story.tell(
      'connection',
      welcomeMs === 0 ? 'ends; it was never welcome' : `ends; it was welcome for ${welcomeMs} ms`,
    )
    backoff.connectionEnded(welcomeMs)
    const received = toTens(backoff.nextDelayMs())
    const likely = 'A wait is counted where it is drawn, and nowhere else.'
    expectSame(
      'the next wait',
      received,
      wait,
      received > wait && wait > 500 ? { ...reason, likely } : reason,
    )
  }
  ended(0, 4_000, {
    because: 'A server that accepts and hangs up at once is no better than one that refuses.',
    likely: 'Only a connection that lasted starts anew.',
  })
  ended(9_999, 8_000, {
    because:
      'It was welcome, but not for long enough: a server that dies under its load, again and again, welcomes everybody first.',
    likely: 'Compare with provenMs.',
  })
  ended(10_000, 500, {
    because: 'It has proved itself: what comes now is a new failure.',
    likely: 'The bound is firstMs again.',
  })
  ended(0, 1_000, { because: 'It grows from there.' })
  expectSame('the first wait of another client', waitsOf(other, 1), [500], {
    because: 'Every client counts its own failures.',
  })
})

step('16.2', 'addresses take turns every 250 ms, and the first wins', async (stage) => {
  const { expectSame } = stage
  const { interleave } = await stage.load(() => import('#code/16-client/addresses.ts'))
  for (const [names, order, because] of [
    [
      '6a 6b 6c 4a 4b',
      '6a 4a 6b 4b 6c',
      'If one family does not work, every second attempt does not depend on it.',
    ],
    [
      '4a 6a 6b 6c',
      '4a 6a 6b 6c',
      'The family of the first address begins: the resolver has its reasons. The rest follows in order.',
    ],
    ['6a 4a 4b 4c', '6a 4a 4b 4c', 'The rest of a family follows in order.'],
    ['4a 6a 4b', '4a 6a 4b', 'They take turns already.'],
    ['4a 4b', '4a 4b', 'There is one family.'],
    ['', '', 'There is nothing to order.'],
  ]) {
    const given = Object.freeze(addressesOf(names))
    expectSame(`${names || 'nothing'}, interleaved,`, namesOf(interleave(given)), order, {
      because,
    })
  }

  const quick = await race(stage, {
    '6a': [100, 'connects'],
    '4a': [10, 'connects'],
    '6b': [10, 'connects'],
  })
  await quick.passes(2_000)
  quick.expectDials(['6a at 0'], {
    because: 'It connected before the next one had its turn.',
    likely:
      'The next attempt begins when its timer fires, and that is cancelled when the race is over.',
  })
  quick.expectResult('6a', 100)

  const dead = await race(stage, {
    '6a': [NEVER, 'connects'],
    '4a': [40, 'connects'],
    '6b': [10, 'connects'],
  })
  await dead.passes(2_000)
  dead.expectDials(['6a at 0', '4a at 250'], {
    because: '6a says nothing. After 250 ms the next one has its turn, and it connects.',
    likely: 'The timer for the next attempt is armed when an attempt begins.',
  })
  dead.expectResult('4a', 290)
  dead.expectAborted(['6a'], {
    because: 'Nobody wants 6a any more; it would go on for minutes.',
    likely: 'All attempts but the one that has won are aborted.',
  })

  const refused = await race(stage, {
    '6a': [10, 'fails'],
    '4a': [NEVER, 'connects'],
    '6b': [20, 'connects'],
    '4b': [NEVER, 'connects'],
  })
  await refused.passes(2_000)
  refused.expectDials(['6a at 0', '4a at 10', '6b at 260'], {
    because:
      'A failure makes room for the next address at once, and that one has its 250 ms from then on.',
    likely: 'Cancel the timer that was armed before; the next attempt arms its own.',
  })
  refused.expectResult('6b', 280)

  const slow = await race(stage, {
    '6a': [300, 'fails'],
    '4a': [NEVER, 'connects'],
    '6b': [NEVER, 'connects'],
    '4b': [10, 'connects'],
  })
  await slow.passes(2_000)
  slow.expectDials(['6a at 0', '4a at 250', '6b at 300', '4b at 550'], {
    because:
      'Whichever attempt fails, the next address is tried at once, and the one after it 250 ms later.',
    likely: 'Two timers are armed? Only one address is the next.',
  })
  slow.expectResult('4b', 560)

  const late = await race(stage, {
    '6a': [400, 'connects anyway'],
    '4a': [20, 'connects'],
    '6b': [1, 'connects'],
  })
  await late.passes(2_000)
  late.expectResult('4a', 270)
  late.expectDials(['6a at 0', '4a at 250'], {
    because: 'What comes after the end of the race starts nothing.',
    likely: 'An attempt that was aborted fails: that is no reason to dial the next address.',
  })
  late.expectClosed(['6a'], {
    because:
      'It was aborted too late: its handshake was done. Nobody will ever use that connection, and nobody else knows it.',
    likely: 'A connection that comes after the race is over is closed.',
  })

  const last = await race(stage, {
    '6a': [900, 'connects'],
    '4a': [10, 'fails'],
    '6b': [10, 'fails'],
  })
  await last.passes(2_000)
  last.expectDials(['6a at 0', '4a at 250', '6b at 260'], { because: 'All have been tried.' })
  last.expectResult('6a', 900)

  const none = await race(stage, { '6a': [900, 'fails'], '4a': [10, 'fails'], '6b': [10, 'fails'] })
  await none.passes(899)
  none.expectPending({
    because: 'Nothing is left to try, but 6a may still connect.',
    likely: 'Count the attempts that are under way.',
  })
  await none.passes(1)
  none.expectRejected({
    because: 'All attempts have failed.',
    likely: 'When the last attempt fails and no address is left, run() rejects.',
  })

  none.expectErrors(['4a refused', '6b refused', '6a refused'], {
    because: 'The person who reads it should learn why each of them failed.',
    likely: 'An AggregateError with all errors, as they came.',
  })

  const only = await race(stage, { '6a': [900, 'connects'] })
  await only.passes(2_000)
  only.expectDials(['6a at 0'], {
    because: 'There is no other address, however long it takes.',
    likely: 'The timer is armed only if an untried address waits for its turn.',
  })
  only.expectResult('6a', 900)

  const nothing = await race(stage, {})
  await nothing.passes(1)
  nothing.expectRejected({ because: 'There is no address.' })

  const cancelled = await race(stage, {
    '6a': [500, 'connects anyway'],
    '4a': [NEVER, 'connects'],
    '6b': [1, 'connects'],
  })
  await cancelled.passes(300)
  cancelled.cancel()
  await cancelled.passes(2_000)
  cancelled.expectRejected({ because: 'It was cancelled.' })
  cancelled.expectDials(['6a at 0', '4a at 250'], {
    because: 'Nobody wants a connection any more.',
    likely: 'After cancel() the race is over: an abort fails attempts, and that starts no other.',
  })
  cancelled.expectClosed(['6a'], { because: 'It came after all.' })
})

step('16.3', 'every loss leads to another try, and two errors to none', async (stage) => {
  const { reduce } = await stage.load(() => import('#code/16-client/client-state.ts'))
  const { expectSame, story } = stage
  const IDLE: ClientState = { kind: 'idle' }
  const CONNECTING: ClientState = { kind: 'connecting' }
  const GREETING: ClientState = { kind: 'greeting' }
  const ONLINE: ClientState = { kind: 'online', sinceMs: 5_000 }
  const WAITING: ClientState = { kind: 'waiting', atLeastMs: 0, welcomeMs: 0 }
  const ENDED: ClientState = { kind: 'ended', code: 'no-session' }

  const start: ClientEvent = { kind: 'start' }
  const opened: ClientEvent = { kind: 'opened' }
  const welcomed: ClientEvent = { kind: 'welcomed', atMs: 5_000 }
  const lost: ClientEvent = { kind: 'lost', atMs: 65_000 }
  const timeUp: ClientEvent = { kind: 'timeUp' }
  const close: ClientEvent = { kind: 'close' }
  const error = (code: string, seconds?: number): ClientEvent => ({ kind: 'error', code, seconds })

  const expectStep = (
    state: ClientState,
    event: ClientEvent,
    next: ClientState,
    reason: Reason,
  ) => {
    const shown = event.kind === 'error' ? `the error ${event.code}` : event.kind
    expectSame(`${state.kind}, after ${shown},`, reduce(Object.freeze(state), event), next, reason)
  }
  expectStep(IDLE, start, CONNECTING, { because: 'It begins.' })
  expectStep(CONNECTING, opened, GREETING, { because: 'There is a connection: time to say hello.' })
  expectStep(GREETING, welcomed, ONLINE, {
    because: 'The server has let us in; when, is for the back-off.',
  })
  expectStep(
    ONLINE,
    lost,
    { ...WAITING, welcomeMs: 60_000 },
    {
      because: 'It was online for 60 s. The back-off wants to know that.',
      likely: 'welcomeMs is the time between the welcome and the loss.',
    },
  )
  expectStep({ ...WAITING, welcomeMs: 60_000 }, timeUp, CONNECTING, {
    because: 'The wait is over.',
  })
  for (const event of [lost, timeUp]) {
    const because =
      event === lost
        ? 'The connection could not be made, or has gone.'
        : 'Nothing has come for too long: a dead peer says nothing.'
    expectStep(CONNECTING, event, WAITING, { because })
    expectStep(GREETING, event, WAITING, { because: `${because} It was never welcome.` })
  }
  expectStep(
    GREETING,
    error('try-later', 30),
    { ...WAITING, atLeastMs: 30_000 },
    {
      because: 'The server is there and says when to come back.',
      likely: 'seconds, in milliseconds.',
    },
  )
  expectStep(GREETING, error('busy'), WAITING, {
    because: 'It may work later. The error does not say when.',
    likely: 'Without seconds it is 0.',
  })
  for (const code of ['no-session', 'unsupported-version'] as const) {
    for (const state of [GREETING, ONLINE]) {
      expectStep(
        state,
        error(code),
        { kind: 'ended', code },
        {
          because: 'However often it tries, the server will say the same.',
          likely: 'These two codes end it, when they answer hello as well as later.',
        },
      )
    }
  }
  for (const code of ['stopping', 'idle', 'slow-consumer', 'internal']) {
    expectStep(ONLINE, error(code), ONLINE, {
      because: 'The server will end the connection itself, behind what it has still to say.',
      likely: 'Only the loss makes it wait.',
    })
  }
  for (const state of [IDLE, CONNECTING, GREETING, ONLINE, WAITING]) {
    expectStep(
      state,
      close,
      { kind: 'ended', code: 'closed' },
      { because: 'We want no more.', likely: 'close means the same in every state.' },
    )
  }

  const events = [start, opened, welcomed, lost, timeUp, close, error('busy'), error('no-session')]
  const ignored: [ClientState, ClientEvent[]][] = [
    [IDLE, [opened, welcomed, lost, timeUp, error('no-session'), error('busy')]],
    [CONNECTING, [start, welcomed, error('no-session'), error('busy')]],
    [GREETING, [start, opened]],
    [ONLINE, [start, opened, { ...welcomed, atMs: 9_000 } as ClientEvent, timeUp]],
    [WAITING, [start, opened, welcomed, lost, error('no-session'), error('busy')]],
    [ENDED, events],
    [{ kind: 'ended', code: 'closed' }, events],
  ]
  for (const [state, meaningless] of ignored) {
    for (const event of meaningless) {
      const next = reduce(state, event)
      const shown = event.kind === 'error' ? `the error ${event.code}` : event.kind
      stage.expect(`${shown} to mean nothing in ${state.kind}`, next === state, {
        because:
          state.kind === 'ended'
            ? 'Ended is for good.'
            : 'It comes late, from something that is over, or too early. The client acts whenever the state is a new one.',
        likely:
          next.kind === state.kind
            ? 'Return the state itself, not a copy.'
            : 'In each state only some events mean something. For all others, return `state`.',
        expected: 'the same object',
        received: JSON.stringify(next),
      })
    }
  }
  story.tell('test', 'gives the reducer to a client')
  await expectClientObeys(stage)
})

step('16.4', 'the gap is filled before anything live is told', async (stage) => {
  const feed = await openFeed(stage)
  feed.expectNext(feed.joined({ last: 3, messages: [2, 3] }), undefined, {
    because: 'The page reaches joined.last: no other is needed.',
    likely: 'Pages are needed as long as the last number told is below joined.last.',
  })
  feed.live(4)
  feed.expectTold('2 3 4', {
    because:
      'On a first look the room’s newest messages are shown, whatever their numbers; behind them it is live.',
    likely: 'Without a last number nothing is missed.',
  })
  feed.lost()
  feed.expectAfter(4, { because: 'When it joins again it asks for what comes behind number 4.' })
  feed.expectNext(feed.joined({ last: 9, messages: [5, 6] }), 6, {
    because: 'The pages have to reach number 9.',
    likely: 'The number after which to ask is the last one that was told.',
  })
  feed.live(10)
  feed.live(11)
  feed.expectTold('5 6', {
    because: '7 to 9 are still missing. Live messages wait for them.',
    likely:
      'As long as the feed is not live, onLive() keeps what comes; and a feed that has lost its connection is not live.',
  })
  feed.expectNext(feed.page([7]), 7, {
    because: 'Numbers 8 and 9 are still missing, though a page may have one message only.',
    likely: 'The last number is the last one told. A live message that waits is not told.',
  })
  feed.expectNext(feed.page([8]), 8, { because: 'Number 9 is still missing.' })
  feed.live(12)
  feed.expectNext(feed.page([9, 10]), undefined, {
    because: 'The page reaches number 9, and more: 10 was said meanwhile.',
    likely: 'No page is needed any more when the last number told is joined.last or above.',
  })
  feed.expectTold('7 8 9 10 11 12', {
    because: 'First the page, then what waited, each of them once: number 10 has come twice.',
    likely: !feed.hasTold('7')
      ? 'The last number is the last one told. A live message that waits is not told.'
      : !feed.hasTold('11')
        ? 'What waited is told when the feed goes live.'
        : feed.hasTold('missed')
          ? 'The page is told before what waited.'
          : 'What is not above the last number was told before.',
  })
  feed.live(13)
  feed.expectTold('13', { because: 'The feed is live.' })

  feed.lost()
  feed.joined({ last: 20, messages: [14, 15] })
  feed.live(21)
  feed.lost()
  feed.expectAfter(15, {
    because: 'The connection was lost before the gap was filled. 16 to 20 have not been seen.',
    likely: 'A live message that waits was not told: it does not count.',
  })
  feed.expectTold('14 15', { because: '21 waited, and will come again.' })
  feed.expectNext(feed.joined({ last: 17, messages: [16, 17] }), undefined, {
    because: 'That is all of it.',
  })
  feed.expectTold('16 17', {
    because: 'What waited on the connection before is forgotten with it: it would come too early.',
    likely: 'onLost() throws it away.',
  })
  feed.live(18)
  feed.lost()
  feed.live(19)
  feed.expectTold('18', { because: 'It is not live before it has joined again.' })
  feed.lost()
  feed.expectNext(feed.joined({ last: 18, messages: [] }), undefined, {
    because: 'Nothing was said meanwhile.',
  })
  feed.live(19)
  feed.expectTold('19', { because: 'It is live at once.' })

  feed.lost()
  feed.expectNext(feed.joined({ last: 30, messages: [26, 27] }), 27, {
    because: 'Not at the end yet.',
  })
  feed.expectTold('(missed 20–25) 26 27', {
    because:
      'The server has not kept what was said first. The user should know that something is missing.',
    likely: 'A number that is more than one above the last: onMissed() first.',
  })
  feed.expectNext(feed.page([]), undefined, {
    because: 'The server has no more, though 30 was said: it was removed meanwhile.',
    likely: 'An empty page is the last one, or it asks forever.',
  })
  feed.live(31)
  feed.expectTold('(missed 28–30) 31', { because: 'What is left of the gap is missed, too.' })

  feed.lost()
  feed.expectNext(feed.joined({ last: 7, messages: [] }), 0, {
    because:
      'The room ends at 7, and this feed has told 31: that is not the room it knew. It begins anew, with the newest 50 messages.',
    likely:
      'joined.last is below the last number: forget(), and ask from joined.last - 50 on, or 0.',
  })
  feed.page([1, 2, 3, 4, 5, 6, 7])
  feed.expectTold('(forgotten) 1 2 3 4 5 6 7', {
    because: 'These are new to us, whatever their numbers.',
  })
  feed.lost()
  feed.live(8)
  feed.joined({ last: 7, messages: [] })
  const other = await openFeed(stage)
  other.joined({ last: 900, messages: [899, 900] })
  other.lost()
  other.expectNext(other.joined({ last: 800, messages: [] }), 750, {
    because: 'The newest 50 of 800 messages come after number 750.',
  })
  const empty = await openFeed(stage)
  empty.expectNext(empty.joined({ last: 0, messages: [] }), undefined, {
    because: 'A new room has no messages.',
  })
  empty.expectAfter(0, {
    because:
      'From now on it is known that there is none. If it asked for the newest ones after a loss, it would not know what it has missed.',
    likely: 'When no page is needed any more, the last number is at least joined.last.',
  })
  empty.live(1)
  empty.expectTold('1', { because: 'It is the first.' })

  const { ChatClient } = await stage.load(() => import('#code/16-client/chat-client.ts'))
  await tryAll({
    story: stage.story,
    what: 'every message once and in order, at every client',
    makeClient: (request) => new ChatClient(request),
    clients: 'listen',
    atRandom: 200,
    seed: seedOf(stage),
  })
})

step('16.5', 'a repeat gets what became of the first', async (stage) => {
  await expectClaims(stage)
  await expectFound(stage)
  await expectNothingLeft(stage)
  await expectServerKnows(stage)
})

step('16.6', 'what is said is said once, whatever the network does', async (stage) => {
  const { ChatClient } = await stage.load(() => import('#code/16-client/chat-client.ts'))
  await expectQueue(stage)
  await tryAll({
    story: stage.story,
    what: 'every message once and in order, at every client',
    makeClient: (request) => new ChatClient(request),
    clients: 'talk',
    atRandom: 250,
    seed: seedOf(stage),
  })
  await expectOnceOnSockets(stage)
})

/** Why waits are not 500, 1,000, … 15,000. */
function whyOtherWaits([first, second, , , , , last]: number[]): string {
  if (first === 500 && second !== 1_000)
    return 'Every further bound is twice the one before, the second one already.'
  if (first === 500)
    return 'The bound is capped before it is multiplied by random(): Math.min(capMs, …).'
  if (first === 1_000 && last === 15_000)
    return 'The first bound is firstMs itself. It doubles after that.'
  return 'A wait is random() times its bound: no part of it is fixed.'
}

/** A wait that is rounded to whole milliseconds is right, too. */
function toTens(ms: number): number {
  return Math.round(ms / 10) * 10
}

function seedOf({ random }: Stage): number {
  return Math.floor(random() * 1_000_000)
}
