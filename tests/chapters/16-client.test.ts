import { type Stage, step } from '../judge/step.ts'
import { addressesOf, NEVER, namesOf, race } from '../worlds/16-client/address-race.ts'
import {
  expectEveryTurn,
  expectFailuresReplaced,
  expectHopeless,
  expectLateClosed,
  expectRaceCancelled,
} from '../worlds/16-client/address-race-trials.ts'
import { expectBounds, expectProven, expectSpread } from '../worlds/16-client/backoff-waits.ts'
import { expectIgnored, expectSteps } from '../worlds/16-client/client-state-steps.ts'
import { expectClientObeys } from '../worlds/16-client/client-states.ts'
import { expectOnceOnSockets, expectServerKnows } from '../worlds/16-client/keyed-server.ts'
import { tryAll } from '../worlds/16-client/model-chat-trials.ts'
import {
  expectEarlyLive,
  expectEmptyRoom,
  expectFeedsApart,
  expectLongWait,
  expectOtherRoom,
} from '../worlds/16-client/other-room.ts'
import { openFeed } from '../worlds/16-client/room-feed.ts'
import {
  expectClaims,
  expectGapInSearch,
  expectNothingLeft,
  expectScopesApart,
} from '../worlds/16-client/say-key-claims.ts'
import {
  expectEndStays,
  expectFound,
  expectNoReadLeft,
  expectOtherTextFound,
} from '../worlds/16-client/say-key-history.ts'
import { expectDoubts, expectQueue, expectRefused } from '../worlds/16-client/say-queue.ts'

step('16.1', 'waits are drawn at random, below a bound that doubles', async (stage) => {
  await expectBounds(stage)
  await expectSpread(stage)
  await expectProven(stage)
})

step('16.2', 'addresses take turns every 250 ms, and the first wins', async (stage) => {
  const { expectSame } = stage
  const { interleave } = await stage.load(() => import('#code/16-client/addresses.ts'))
  for (const [names, order, because] of [
    [
      '6a 6b 6c 4a 4b',
      '6a 4a 6b 4b 6c',
      'If one family does not work, every second attempt uses the other.',
    ],
    [
      '4a 6a 6b 6c',
      '4a 6a 6b 6c',
      'The family of the first address begins: the resolver put it first for a reason. The rest follows in order.',
    ],
    ['6a 4a 4b 4c', '6a 4a 4b 4c', 'The rest of a family follows in order.'],
    ['4a 6a 4b', '4a 6a 4b', 'They take turns already.'],
    [
      '6a 6b 6c 6d 6e 4a 4b 4c 4d',
      '6a 4a 6b 4b 6c 4c 6d 4d 6e',
      'They take turns, however many there are.',
    ],
    ['4a 4b', '4a 4b', 'There is only one family.'],
    ['', '', 'There is nothing to order.'],
  ]) {
    const given = addressesOf(names)
    expectSame(`interleave() of ${names || 'nothing'}`, namesOf(interleave(given)), order, {
      because,
    })
    expectSame('the list that it was given', namesOf(given), names, {
      because: 'The list belongs to the caller, who may use it again.',
      likely: 'Make a new list, and leave the given one as it is.',
      look: 'interleave()',
    })
  }

  const quick = await race(stage, {
    '6a': [100, 'connects'],
    '4a': [10, 'connects'],
    '6b': [10, 'connects'],
  })
  await quick.passes(2_000)
  quick.expectDials(['6a at 0'], {
    because: '6a connected before the next address had its turn.',
    likely:
      'The next attempt begins when its timer fires, and the timer is cancelled when the race is over.',
  })
  quick.expectResult('6a', 100)

  const dead = await race(stage, {
    '6a': [NEVER, 'connects'],
    '4a': [40, 'connects'],
    '6b': [10, 'connects'],
  })
  await dead.passes(2_000)
  dead.expectDials(['6a at 0', '4a at 250'], {
    because: '6a never answers. After 250 ms the next address has its turn, and it connects.',
    likely: 'Arm the timer for the next attempt when an attempt begins.',
  })
  dead.expectResult('4a', 290)
  dead.expectAborted(['6a'], {
    because: 'Nobody wants 6a any more, and its attempt would go on for minutes.',
    likely: 'Abort all attempts but the one that has won.',
  })

  await expectFailuresReplaced(stage)
  await expectEveryTurn(stage)
  await expectLateClosed(stage)
  await expectHopeless(stage)
  await expectRaceCancelled(stage)
})

step('16.3', 'every loss leads to another try, and two errors to none', async (stage) => {
  await expectSteps(stage)
  await expectIgnored(stage)
  stage.story.tell('test', 'gives the reducer to a client')
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
      'On a first look the room’s newest messages are shown, whatever their numbers. After them the feed is live.',
    likely: feed.hasTold('missed')
      ? 'As long as no number is known, nothing is missed.'
      : 'No page is needed any more, so the feed is live (#isLive), and tells live messages at once.',
  })
  feed.lost()
  feed.expectAfter(4, { because: 'When it joins again, it asks for what follows number 4.' })
  const six = feed.joined({ last: 9, messages: [5, 6] })
  feed.expectNext(six, 6, {
    because: 'The pages have to reach number 9.',
    likely:
      six === undefined
        ? 'The page ends below joined.last: another one is needed. #gapEnd is joined.last after every join.'
        : 'The number after which to ask is the last one that was told.',
  })
  feed.live(10)
  feed.live(11)
  feed.expectTold('5 6', {
    because: '7 to 9 are still missing. Live messages wait for them.',
    likely:
      feed.hasTold('missed') && !feed.hasTold('10')
        ? 'The rest of the gap is missed only when a page is empty: a short page is not the last one.'
        : 'As long as the feed is not live, onLive() keeps each message. A feed that has lost its connection is not live.',
  })
  const seven = feed.page([7])
  feed.expectNext(seven, 7, {
    because: 'Numbers 8 and 9 are still missing. A page may have only one message.',
    likely: feed.hasTold('7 ')
      ? 'However short a page is, another one is needed if it ends below joined.last.'
      : 'The last number is the last one told. A live message that waits is not told yet.',
  })
  feed.expectNext(feed.page([8]), 8, { because: 'Number 9 is still missing.' })
  feed.live(12)
  feed.expectNext(feed.page([9, 10]), undefined, {
    because: 'The page reaches number 9 and goes beyond it: 10 was said meanwhile.',
    likely: 'No page is needed any more when the last number told is joined.last or above.',
  })
  feed.expectTold('7 8 9 10 11 12', {
    because: 'First the page, then what waited, each message once: number 10 has arrived twice.',
    likely: !feed.hasTold('7')
      ? 'The last number is the last one told. A live message that waits is not told yet.'
      : !feed.hasTold('11')
        ? 'What waited is told when the feed goes live.'
        : feed.hasTold('(missed 11)')
          ? 'What waited is told in the order of its arrival.'
          : feed.hasTold('missed')
            ? 'The page is told before what waited.'
            : 'A message that is not above the last number has been told already.',
  })
  feed.live(13)
  feed.expectTold('13', { because: 'The feed is live.' })

  feed.lost()
  feed.joined({ last: 20, messages: [14, 15] })
  feed.live(21)
  feed.lost()
  feed.expectAfter(15, {
    because: 'The connection was lost before the gap was filled. 16 to 20 have not been seen.',
    likely: 'A live message that waits has not been told, so it does not count.',
  })
  feed.expectTold('14 15', { because: '21 only waited, and will arrive again.' })
  feed.expectNext(feed.joined({ last: 17, messages: [16, 17] }), undefined, {
    because:
      'That is all. On the previous connection the room ended at 20, but now it ends at 17, and the last number told is 15.',
    likely:
      'The gap ends at joined.last. Whether it is the room we know depends on the last number told, not on an older gap.',
  })
  feed.expectTold('16 17', {
    because:
      'What waited on the previous connection is forgotten with it: it would be told too early.',
    likely: 'onLost() has to throw it away.',
  })
  feed.live(18)
  feed.lost()
  feed.live(19)
  feed.expectTold('18', { because: 'The feed is not live until it has joined again.' })
  feed.lost()
  feed.expectNext(feed.joined({ last: 18, messages: [] }), undefined, {
    because: 'Nothing was said meanwhile.',
    likely:
      'joined.last is the last number told, so this is the room we know: nothing to forget, nothing to ask for.',
  })
  feed.live(19)
  feed.expectTold('19', { because: 'The feed is live at once.' })

  feed.lost()
  feed.expectNext(feed.joined({ last: 30, messages: [26, 27] }), 27, {
    because: 'The page does not reach number 30 yet.',
  })
  feed.expectTold('(missed 20–25) 26 27', {
    because: 'The server has not kept 20 to 25. The user should know that something is missing.',
    likely: 'If a number is more than one above the last, call onMissed() first.',
  })
  feed.expectNext(feed.page([]), undefined, {
    because:
      'The server has no more messages, although 30 was said: the rest was removed meanwhile.',
    likely: 'An empty page is the last one, or the feed would ask forever.',
  })
  feed.live(31)
  feed.expectTold('(missed 28–30) 31', {
    because: 'What is left of the gap is missed, too.',
    likely: feed.hasTold('(missed 30)')
      ? '#skipTo() takes the next number that may arrive. The gap’s end is missed, too: #gapEnd + 1.'
      : 'After an empty page, everything between the last number and the gap’s end is missed.',
  })

  await expectOtherRoom(stage)
  await expectEmptyRoom(stage)
  await expectLongWait(stage)
  await expectFeedsApart(stage)
  await expectEarlyLive(stage)

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
  await expectScopesApart(stage)
  await expectFound(stage)
  await expectNothingLeft(stage)
  await expectOtherTextFound(stage)
  await expectNoReadLeft(stage)
  await expectEndStays(stage)
  await expectServerKnows(stage)
  await expectGapInSearch(stage)
})

step('16.6', 'what is said is said once, whatever the network does', async (stage) => {
  const { ChatClient } = await stage.load(() => import('#code/16-client/chat-client.ts'))
  await expectQueue(stage)
  await expectRefused(stage)
  await expectDoubts(stage)
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

function seedOf({ random }: Stage): number {
  return Math.floor(random() * 1_000_000)
}
