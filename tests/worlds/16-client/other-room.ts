/** Feeds in rooms whose numbers are not as expected: they end below what was told, are empty, or have holes. */

import type { Stage } from '../../judge/step.ts'
import { openFeed } from './room-feed.ts'

const GAP_END =
  'The gap ends at joined.last after every join, even when the room turns out to be another one: set #gapEnd.'

/** A feed joins again, and the room is not the one that it knew. */
export async function expectOtherRoom(stage: Stage): Promise<void> {
  const feed = await openFeed(stage)
  feed.joined({ last: 31, messages: [30, 31] })
  feed.lost()
  feed.expectNext(feed.joined({ last: 7, messages: [] }), 0, {
    because:
      'The room ends at 7, and this feed has told 31: that is not the room it knew. The feed begins anew, with the newest 50 messages.',
    likely:
      'joined.last is below the last number. Call forget(), and ask after joined.last - 50, but never below 0.',
  })
  const next = feed.page([1, 2, 3, 4, 5, 6, 7])
  feed.expectTold('30 31 (forgotten) 1 2 3 4 5 6 7', {
    because: 'The user should know that it is another room. All of its messages are new to us.',
    likely: feed.hasTold('forgotten')
      ? 'After forget() no number is known: nothing was told before, and nothing is missed.'
      : 'Numbers of the old room mean nothing in this one: call forget().',
  })
  feed.expectNext(next, undefined, {
    because: 'This room ends at 7, and 7 has been told. What the old room had does not matter.',
    likely: GAP_END,
  })
  feed.live(8)
  feed.live(9)
  feed.expectTold('8 9', { because: 'The feed is live.', likely: GAP_END })

  const longer = await openFeed(stage)
  longer.joined({ last: 5, messages: [5] })
  for (const number of [6, 7, 8, 9]) longer.live(number)
  longer.lost()
  longer.expectNext(longer.joined({ last: 8, messages: [] }), 0, {
    because: 'The room ends at 8, and this feed has told 9: that is not the room it knew.',
    likely: 'Compare joined.last with the last number told, and not with the end of a gap.',
  })
  longer.expectNext(longer.page([1, 2, 3, 4, 5]), 5, {
    because: 'This room ends at 8: 6 to 8 are still missing.',
    likely: GAP_END,
  })

  const large = await openFeed(stage)
  large.joined({ last: 900, messages: [899, 900] })
  large.lost()
  large.expectNext(large.joined({ last: 800, messages: [] }), 750, {
    because: 'The newest 50 of 800 messages come after number 750.',
    likely: 'joined.last - FIRST_LOOK.',
  })
  large.lost()
  large.expectAfter(undefined, {
    because:
      'What was told is forgotten, and no page has arrived yet: on the next connection this is a first look.',
    likely: 'After forget() no number is known. What was asked for has not been told.',
  })
  const cleaned = await openFeed(stage)
  cleaned.joined({ last: 900, messages: [900] })
  cleaned.lost()
  cleaned.joined({ last: 800, messages: [] })
  cleaned.page([790, 791])
  cleaned.expectTold('900 (forgotten) 790 791', {
    because:
      'The newest 50 were asked for, and the server has kept those from 790 on. Nothing was known of this room, so nothing is missed.',
    likely: 'After forget() no number is known. What was asked for has not been told.',
  })
}

/** Two rooms of one client: what one of them waits for, or has told, is nothing to the other. */
export async function expectFeedsApart(stage: Stage): Promise<void> {
  stage.story.beginAnew()
  const hall = await openFeed(stage, 'hall’s feed')
  const den = await openFeed(stage, 'den’s feed')
  const likely =
    'Each feed has numbers and waiting messages of its own. Keep them in fields, and make the list in each feed.'
  hall.joined({ last: 6, messages: [5] })
  hall.live(7)
  den.joined({ last: 3, messages: [2, 3] })
  den.expectTold('2 3', {
    because: 'These two are the messages of den. Number 7 is of hall.',
    likely,
  })
  den.live(4)
  hall.page([6])
  hall.expectTold('5 6 7', {
    because: 'Number 7 has waited until the gap of hall was filled.',
    likely,
  })
  den.expectTold('4', { because: 'That message is of den, and den is live.', likely })
}

/** Hundreds of live messages come while a page is on its way. */
export async function expectLongWait(stage: Stage): Promise<void> {
  const feed = await openFeed(stage)
  feed.joined({ last: 0, messages: [] })
  feed.lost()
  feed.joined({ last: 3, messages: [1] })
  feed.liveFrom(4, 303)
  feed.page([2, 3])
  feed.expectRun(1, 303, {
    because:
      'However many live messages arrive while the feed is not live, all of them wait, in order.',
    likely: 'After the pages, the feed has to tell everything that waited, oldest first.',
  })
}

/** Live messages arrive before the answer to the join, which may have to wait for the disk. */
export async function expectEarlyLive(stage: Stage): Promise<void> {
  stage.story.beginAnew()
  const feed = await openFeed(stage)
  feed.joined({ last: 2, messages: [1, 2] })
  feed.lost()
  feed.live(3)
  feed.expectNext(feed.joined({ last: 2, messages: [] }), undefined, {
    because: 'Nothing was said while it was away. Number 3 has arrived.',
  })
  feed.expectTold('1 2 3', {
    because: 'Number 3 arrived before the answer to the join, and waited for it.',
    likely:
      'Whenever the feed goes live, what waited is told, also when no page was needed: leave that to onPage().',
  })
  feed.live(4)
  feed.expectTold('4', { because: 'The feed is live.' })
}

/** A room without a message: 0 is a number. */
export async function expectEmptyRoom(stage: Stage): Promise<void> {
  const empty = await openFeed(stage)
  empty.expectNext(empty.joined({ last: 0, messages: [] }), undefined, {
    because: 'A new room has no messages.',
  })
  empty.expectAfter(0, {
    because:
      'From now on the feed knows that there are none. If it asked for the newest ones after a loss, it would not know what it has missed.',
    likely: 'When no page is needed any more, the last number is at least joined.last.',
  })
  empty.live(1)
  empty.expectTold('1', { because: 'It is the first.' })
  const retired = await openFeed(stage)
  retired.expectNext(retired.joined({ last: 30, messages: [] }), undefined, {
    because: 'The room has had 30 messages, and the server has kept none of them.',
  })
  retired.expectTold('', {
    because: 'On a first look nobody has missed anything.',
    likely: 'As long as no number is known, nothing is missed: #skipTo() takes care of that.',
  })
  retired.live(31)
  retired.live(33)
  retired.expectTold('31 (missed 32) 33', {
    because: 'The feed is live, and number 32 has never arrived.',
    likely:
      '#tell() has to report what is missed before it tells a message, whether live or on a page.',
  })
  const before = await openFeed(stage)
  before.joined({ last: 0, messages: [] })
  before.lost()
  before.joined({ last: 6, messages: [5, 6] })
  before.expectTold('(missed 1–4) 5 6', {
    because: 'The feed knew that the room was empty: 1 to 4 were said while it was away.',
    likely: '0 is a number that is known. Only `undefined` means that nothing is missed.',
  })
}
