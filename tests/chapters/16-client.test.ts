import { setImmediate as turn } from 'node:timers/promises'
import type { ClientEvent, ClientState } from '#code/16-client/client-state.ts'
import type { Client } from '../harness/client.ts'
import type { Reason } from '../harness/failure.ts'
import { type Fate, FaultyNetwork, HEALTHY } from '../harness/faulty-network.ts'
import { FaultyProxy } from '../harness/faulty-network-proxy.ts'
import { Deadline, PATIENCE_MS, within } from '../harness/patience.ts'
import { seededRandom } from '../harness/random.ts'
import { VirtualTimers } from '../harness/virtual-timers.ts'
import { type Stage, step } from '../judge/step.ts'
import { askInFrame, type ChatMessage, chatFrame, expectChat } from '../protocols/chat.ts'
import { addressesOf, NEVER, namesOf, race } from '../worlds/address-race.ts'
import { enter, inFolder, onFolder, register } from '../worlds/chat-accounts.ts'
import { ModelChatServer } from '../worlds/model-chat-server.ts'
import { tryAll } from '../worlds/model-chat-trials.ts'
import { openFeed } from '../worlds/room-feed.ts'
import { openKeys, saidAs } from '../worlds/say-keys.ts'
import { expectQueue } from '../worlds/say-queue.ts'

const CHAPTER = '16-client'

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
function whyOtherWaits([first, , , , , , last]: number[]): string {
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

// 16.3

/** The chapter's client, without a room, on a network that refuses once, then says nothing, then works. */
async function expectClientObeys({ load, story, expectSame }: Stage): Promise<void> {
  const { ChatClient } = await load(() => import('#code/16-client/chat-client.ts'))
  const timers = new VirtualTimers()
  const server = new ModelChatServer({ timers, random: () => 0, appendMs: 1, pageSize: 10 })
  const fates: Fate[] = [
    { ...HEALTHY, opening: 'is refused' },
    { ...HEALTHY, opening: 'hangs' },
  ]
  const network = new FaultyNetwork({
    timers,
    fateOf: (index) => fates[index] ?? HEALTHY,
    accept: (end) => server.accept(end),
    tell: (text, way, message) => {
      const type = message && JSON.parse(message).type
      const verb = way === 'toServer' ? 'sends' : 'is sent'
      if (type !== 'ping' && type !== 'pong') {
        story.tell('client', `${type ? `${verb} ${type}` : text}  [${Math.round(timers.now())} ms]`)
      }
    },
  })
  const client = new ChatClient({
    connect: network.connect,
    timers,
    random: () => 0.5,
    hello: () => ({ name: 'ada' }),
    onNotice() {},
    firstMs: 1_000,
    capMs: 30_000,
    provenMs: 10_000,
    patienceMs: 10_000,
    pingMs: 15_000,
  })
  client.start()
  await timers.advance(20_000)
  expectSame('the client', client.state.kind, 'online', {
    because: 'The third connection works.',
    likely:
      'A connection that is refused and one that does not open lead to waiting, and waiting to connecting.',
  })
  await timers.advance(1_000_000)
  expectSame('the number of its connections', network.connections, 3, {
    because: 'The third one lasts.',
  })
  story.tell('server', 'ends the session: no-session')
  server.tellAll('no-session')
  await timers.advance(1_000_000)
  expectSame('the number of its connections', network.connections, 3, {
    because: 'The session has ended. Nobody tries again until somebody has logged in.',
    likely: 'The state is ended.',
  })
  expectSame('its timers and open connections', [timers.size, network.openLinks], [0, 0], {
    because: 'It has ended.',
  })
}

// 16.5

async function expectClaims(stage: Stage): Promise<void> {
  const world = await openKeys(stage)
  const one = await world.claim('request 1')
  one.expect('first', { because: 'Nobody has said this before: it is to be appended.' })
  const two = await world.claim('request 2')
  two.expect('not known yet', {
    because: 'The same message is being appended. Two may not be.',
    likely: 'A claim holds until it is settled.',
  })
  const other = await world.claim('request 3', { text: 'goodbye' })
  other.expect('bad-request', {
    because: 'It has the key of another text. Which of the two is meant?',
    likely: 'OTHER_TEXT, while the first is pending, too.',
  })
  await one.settle(saidAs(1))
  world.keep(1, 'ada', 'k1')
  two.expect('said as 1', {
    because: 'It is the first that was said: the repeat gets its number.',
    likely: 'A repeat waits for the outcome of the first.',
  })
  const three = await world.claim('request 4')
  three.expect('said as 1', {
    because: 'It was said: it is in the history, above since.',
    likely:
      '#find() looks at all messages from since + 1 to last, the first and the last of them, too.',
  })
  const again = await world.claim('request 5', { text: 'goodbye' })
  again.expect('bad-request', { because: 'That key was used for another text.' })
  world.expectSize(0, {
    because: 'All of them are settled.',
    likely: 'settle() gives the key back; and a claim that ends in a repeat is settled, too.',
  })
  for (const [what, say] of [
    ['another account', { account: 'bob' }],
    ['another room', { room: 'den' }],
    ['another key', { key: 'k2' }],
  ] as const) {
    const claim = await world.claim(what, { ...say, since: 1 })
    claim.expect('first', {
      because: `A key means something within one account and one room: ${what} has its own.`,
    })
  }
  const glued = await openKeys(stage)
  const a = await glued.claim('request 1', { account: 'ada', room: 'b.c', key: 'k' })
  const b = await glued.claim('request 2', { account: 'ada.b', room: 'c', key: 'k' })
  a.expect('first', { because: 'It is new.' })
  b.expect('first', {
    because: 'Another account, another room: names may have a dot in them.',
    likely:
      'Parts that are glued together come apart in more than one way. JSON.stringify([…]) does not.',
  })

  const failed = await openKeys(stage)
  const lost = await failed.claim('request 1')
  const joined = await failed.claim('request 2')
  await lost.settle({ code: 'not-saved', text: '' })
  joined.expect('not-saved', { because: 'What became of the first became of it.' })
  const next = await failed.claim('request 3')
  next.expect('first', {
    because: 'It is neither in the history nor pending: the server may try once more.',
    likely: 'What is settled is claimed no longer, however it ended.',
  })

  const slow = await openKeys(stage)
  slow.keep(3)
  slow.holdReads()
  const early = await slow.claim('request 1')
  const late = await slow.claim('request 2')
  await slow.answerReads()
  early.expect('first', { because: 'It came first, and is not in the history.' })
  late.expect('not known yet', {
    because:
      'Both were looked up at the same time, and neither was found. Only one may be appended.',
    likely:
      'Claim the key before the first await: what was true before it need not be true behind it.',
  })
  await early.settle(saidAs(4))
  late.expect('said as 4', { because: 'It is a repeat.' })
}

async function expectFound(stage: Stage): Promise<void> {
  const { expectSame } = stage
  const world = await openKeys(stage)
  world.keep(30)
  world.keep(1, 'ada', 'k1')
  world.keep(300)
  world.keep(1, 'Ada', 'k2')
  stage.story.tell(
    'history',
    'has 332 messages; number 31 has ada’s k1, and number 332 the k2 of Ada: the same account',
  )
  for (const [key, since, number] of [
    ['k1', 30, 31],
    ['k1', 0, 31],
    ['k2', 331, 332],
    ['k2', 100, 332],
    ['k2', 32, 332],
  ] as const) {
    const claim = await world.claim('a repeat', { key, since })
    claim.expect(`said as ${number}`, {
      because: `It is among the messages from ${since + 1} to 332.`,
      likely:
        'All of them are looked at, the first and the last too; and names are the same in upper and lower case.',
    })
  }
  const widest = Math.max(...world.reads.map(([from, to]) => to - from + 1))
  stage.expect('no read of more than 100 messages', widest <= 100, {
    because: 'A repeat could ask for thousands at once.',
    received: `a read of ${widest}`,
    likely: 'READ_AT_ONCE',
  })
  expectSame(
    'the reads outside of 1 to 332',
    world.reads.filter(([from, to]) => from < 1 || to > 332),
    [],
    { because: 'The history has no such messages.' },
  )
  world.reads.length = 0
  const fresh = await world.claim('a new say', { key: 'k3', since: 332 })
  fresh.expect('first', { because: 'Nothing was said since.' })
  expectSame('the reads for it', world.reads.length, 0, {
    because: 'Nearly every say is like this one: it must cost no read.',
    likely: 'There is nothing from since + 1 to last.',
  })
  const bob = await world.claim('bob', { account: 'bob', key: 'k2', since: 300 })
  bob.expect('first', {
    because: 'Number 332 has that key, but it is ada’s.',
    likely: 'Compare the name, too.',
  })

  world.retire(31)
  world.reads.length = 0
  const stale = await world.claim('an old repeat', { key: 'k1', since: 30 })
  stale.expect('stale-key', {
    because: 'Number 31 is gone. Whether it was this one, nobody can know.',
    likely: 'since + 1 < first.',
  })
  expectSame('the reads for it', world.reads.length, 0, { because: 'There is no use in looking.' })
  const just = await world.claim('a repeat', { key: 'k9', since: 31 })
  just.expect('first', {
    because: 'Everything above 31 is there, and it is not among that.',
    likely: 'since + 1 is the first that matters: it may be the first that is kept.',
  })
  const { MAX_SEARCH } = await stage.load(() => import('#code/16-client/say-keys.ts'))
  world.keep(MAX_SEARCH)
  const far = await world.claim('an old repeat', { key: 'k8', since: 331 })
  far.expect('stale-key', { because: 'One more than MAX_SEARCH have been said since.' })
  const near = await world.claim('a repeat', { key: 'k2', since: 332 })
  near.expect('first', { because: 'MAX_SEARCH have been said since: they are looked through.' })
}

async function expectNothingLeft(stage: Stage): Promise<void> {
  const world = await openKeys(stage)
  world.keep(3)
  world.breakReads(true)
  world.holdReads()
  const one = await world.claim('request 1')
  const two = await world.claim('request 2')
  await world.answerReads()
  one.expect('rejected: EIO: i/o error, read', {
    because: 'It cannot be known whether it was said.',
    likely: 'What read() throws comes out of claim().',
  })
  two.expect('internal', {
    because: 'It waits for the first, and that will not come to an end any more.',
    likely: 'Settle the claim before the error goes on: UNREADABLE.',
  })
  world.expectSize(0, {
    because:
      'Nobody works on that key any more. If it stayed claimed, every repeat would wait forever.',
  })
  world.breakReads(false)
  const three = await world.claim('request 3')
  three.expect('first', { because: 'The disk is well again.' })
}

/** The chapter's server: a say that comes twice, on one connection, on two, and to a server that was killed between. */
async function expectServerKnows(stage: Stage): Promise<void> {
  stage.story.beginAnew()
  await inFolder(async (data) => {
    const first = await stage.serve(CHAPTER, onFolder(data))
    const token = await register(stage, first, 'ada')
    const ada = await enter(stage, first, 'ada', token)
    const say = { id: 5, type: 'say', room: 'hall', text: 'hello', key: 'k1', since: 0 }
    await askInFrame(ada, say, { type: 'said', id: 5, number: 1 }, { because: 'It is new.' })
    await expectChat(
      ada,
      { type: 'message', number: 1, text: 'hello' },
      { because: 'Everybody in the room hears it, the sender too.' },
    )
    await askInFrame(
      ada,
      { ...say, id: 6 },
      { type: 'said', id: 6, number: 1 },
      {
        because: 'It is the same message.',
        likely: 'Is the claim a repeat, with the message as its outcome?',
      },
    )
    await askInFrame(
      ada,
      { ...say, id: 7, text: 'goodbye' },
      { type: 'error', id: 7, code: 'bad-request' },
      {
        because:
          'Nobody has heard number 1 again: the next is this answer. That key has another text.',
      },
    )
    const again = await enter(stage, first, 'ada again', token)
    stage.story.tell('ada', 'says the same on both of her connections at once')
    const twin = { ...say, id: 8, text: 'both', key: 'k2', since: 1 }
    await Promise.all([ada.send(chatFrame(twin)), again.send(chatFrame(twin))])
    for (const client of [ada, again]) {
      const heard = [await nextMessage(client), await nextMessage(client)]
      const types = heard.map(({ type, number }) => `${type} ${number}`).sort()
      stage.expectSame(`what ${client.name} hears`, types, ['message 2', 'said 2'], {
        because: 'Both are answered, and it is said once.',
      })
    }
    await askInFrame(
      ada,
      { id: 9, type: 'ping' },
      { type: 'pong', id: 9 },
      { because: 'Nothing else was said.' },
    )
    stage.story.tell('test', 'kills the server (SIGKILL)')
    await first.kill()

    const second = await stage.serve(CHAPTER, onFolder(data))
    const back = await enter(stage, second, 'ada back', token)
    await askInFrame(
      back,
      { ...say, id: 3 },
      { type: 'said', id: 3, number: 1 },
      {
        because: 'It was said before the server died, and its key is in the history.',
        likely: '#find() reads the messages above since from the disk.',
      },
    )
    await askInFrame(
      back,
      { ...twin, id: 4 },
      { type: 'said', id: 4, number: 2 },
      { because: 'That one, too.' },
    )
    await askInFrame(
      back,
      { ...say, id: 5, key: 'k3', since: 2 },
      { type: 'said', id: 5, number: 3 },
      { because: 'Another key is another message, though it says the same.' },
    )
    await expectChat(back, { type: 'message', number: 3 }, { because: 'It is told.' })
    await back.sendGlued(
      chatFrame({ ...say, id: 6 }),
      chatFrame({ ...say, id: 7, key: 'k4', since: 3 }),
      chatFrame({ ...say, id: 8, key: 'not a key' }),
    )
    for (const answer of [
      { type: 'said', id: 6, number: 1 },
      { type: 'said', id: 7, number: 4 },
      { type: 'message', number: 4 },
      { type: 'error', id: 8, code: 'bad-request' },
    ]) {
      await expectChat(back, answer, {
        because: 'Requests are answered in order, also when one of them has to be looked up.',
      })
    }
  })
}

function nextMessage(client: Client): Promise<ChatMessage> {
  return expectChat(client, {}, { because: 'Something is to be heard.' })
}

// 16.6

const SAYS = 12

/** The chapter's client and server on real sockets: a network that fails, and a server that is killed meanwhile. */
async function expectOnceOnSockets(stage: Stage): Promise<void> {
  const { story, expect, expectSame, random } = stage
  const { ChatClient } = await stage.load(() => import('#code/16-client/chat-client.ts'))
  const { connectOverTcp } = await stage.load(() => import('#code/16-client/tcp-link.ts'))
  const { SYSTEM_TIMERS } = await stage.load(() => import('#code/16-client/timers.ts'))
  story.beginAnew()
  await inFolder(async (data) => {
    let server = await stage.serve(CHAPTER, onFolder(data))
    const tokens = [await register(stage, server, 'ada'), await register(stage, server, 'bob')]
    const proxy = await FaultyProxy.open({
      random,
      targetPort: () => server.port,
      maxBytes: 4_000,
      accidents: 12,
      tell: (text) => story.tell('network', text),
    })
    const guests = ['ada', 'bob'].map((name, index) => {
      const told: string[] = []
      const client = new ChatClient({
        connect: connectOverTcp({ host: '127.0.0.1', port: proxy.port }),
        timers: SYSTEM_TIMERS,
        random,
        hello: () => ({ token: tokens[index] }),
        onNotice(notice) {
          if (notice.kind === 'message')
            told.push(`${notice.message.number} ${notice.message.text}`)
        },
        firstMs: 4,
        capMs: 60,
        provenMs: 100,
        patienceMs: 1_000,
        pingMs: 60,
      })
      client.join('hall')
      client.start()
      const says = Array.from({ length: SAYS }, (_, place) =>
        client.say('hall', `${name} ${place + 1}`),
      )
      return { name, client, told, says }
    })
    try {
      await within(
        10 * PATIENCE_MS,
        guests[0].says[SAYS / 2 - 1].catch(() => {}),
      )
      story.tell('test', 'kills the server (SIGKILL), and starts it again')
      await server.kill()
      server = await stage.serve(CHAPTER, onFolder(data))
      const all = Promise.allSettled(guests.flatMap(({ says }) => says))
      const results = await within(20 * PATIENCE_MS, all)
      const failed =
        results === 'too late'
          ? 'some never settled'
          : results
              .filter(({ status }) => status === 'rejected')
              .map((result) => (result as PromiseRejectedResult).reason?.code ?? 'another error')
              .join(', ')
      expect('all that ada and bob say to be said', failed === '', {
        because: 'The network fails a dozen times and the server once. Then both are well.',
        received: failed,
      })
      const numbers =
        results === 'too late'
          ? []
          : results.map(
              (result) => (result as PromiseFulfilledResult<{ number: number }>).value.number,
            )
      expectSame(
        'their numbers',
        numbers.toSorted((a, b) => a - b),
        numbers.map((_, place) => place + 1),
        { because: 'Nothing is said twice: each number has one message.' },
      )
      for (const { name, told } of guests) {
        const deadline = new Deadline(10 * PATIENCE_MS)
        while (told.length < 2 * SAYS && !deadline.isOver) await turn()
        const own = ['ada', 'bob'].map((who) =>
          told
            .map((line) => line.split(' '))
            .filter(([, by]) => by === who)
            .map(([, , place]) => Number(place)),
        )
        const inOrder = Array.from({ length: SAYS }, (_, place) => place + 1)
        expectSame(`what ${name} has been told of each`, own, [inOrder, inOrder], {
          because: 'Everybody sees everything once, in the order in which it was said.',
        })
        expectSame(
          `the numbers that ${name} has been told`,
          told.map((line) => Number(line.split(' ')[0])),
          told.map((_, place) => place + 1),
          { because: 'Without a gap, in order.' },
        )
      }
    } finally {
      for (const { client, says } of guests) {
        for (const say of says) say.catch(() => {})
        client.close()
      }
      proxy.close()
    }
  })
}
