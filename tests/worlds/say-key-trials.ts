/** Claims of keys: the first and its repeats, what the history knows, and what is left behind when it cannot be read. */

import type { Stage } from '../judge/step.ts'
import { openKeys, saidAs } from './say-keys.ts'

export async function expectClaims(stage: Stage): Promise<void> {
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

  const pending = await openKeys(stage)
  pending.keep(3)
  const inHall = await pending.claim('request 1')
  inHall.expect('first', { because: 'It is new.' })
  const inDen = await pending.claim('request 2, in another room', { room: 'den' })
  inDen.expect('first', {
    because: 'A key means something within one account and one room, also while both are pending.',
    likely: 'The key of a claim is made of account, room and key.',
  })
  const older = await pending.claim('request 3, with another since', { since: 2 })
  older.expect('not known yet', {
    because: 'It is the same message, however far back its client wants us to look.',
    likely: 'Account, room and key say which message it is; text and since do not.',
  })
  await inHall.settle(saidAs(4))
  older.expect('said as 4', { because: 'It is a repeat.' })

  const { MAX_SEARCH } = await stage.load(() => import('#code/16-client/say-keys.ts'))
  const busy = await openKeys(stage)
  const begun = await busy.claim('request 1')
  begun.expect('first', { because: 'It is new.' })
  busy.keep(MAX_SEARCH + 1)
  stage.story.tell('others', `say ${(MAX_SEARCH + 1).toLocaleString('en')} things meanwhile`)
  const behind = await busy.claim('request 2')
  behind.expect('not known yet', {
    because: 'Its first is being appended: nothing has to be looked for, however much was said.',
    likely: 'Whether the key is pending is asked before anything about the history.',
  })

  const known = await openKeys(stage)
  known.keep(1, 'ada', 'k1')
  known.holdReads()
  const both = [await known.claim('request 1'), await known.claim('request 2')]
  await known.answerReads()
  for (const each of both) {
    each.expect('said as 1', {
      because: 'It was said as number 1, and that is true for both of them.',
      likely: 'The second waits for the first: what is found settles the claim, too.',
    })
  }

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

export async function expectFound(stage: Stage): Promise<void> {
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
  const edges = await openKeys(stage)
  for (let number = 1; number <= 260; number++) edges.keep(1, 'ada', `k${number}`)
  stage.story.tell('history', 'has 260 messages of ada, number 1 with the key k1, and so on')
  for (const number of [1, 99, 100, 101, 102, 103, 199, 200, 201, 202, 203, 260]) {
    const claim = await edges.claim('a repeat', { key: `k${number}` })
    claim.expect(`said as ${number}`, {
      because: 'It is there. Each message is on one of the pages that are read.',
      likely: 'Behind a page that ends at `to` the next one begins at `to + 1`.',
      look: '#find()',
    })
  }
  expectSame('how many reads were under way at once', edges.mostReadsAtOnce(), 1, {
    because: 'No more than READ_AT_ONCE messages are read at a time, or a repeat costs memory.',
    likely: 'Wait for a page before the next one is asked for.',
    look: '#find()',
  })

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

export async function expectNothingLeft(stage: Stage): Promise<void> {
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

/** A key of the history that comes with another text, twice at once. */
export async function expectOtherTextFound(stage: Stage): Promise<void> {
  const world = await openKeys(stage)
  world.keep(1, 'ada', 'k1')
  stage.story.tell('history', 'has one message: number 1, with ada’s k1 and the text "hello"')
  world.holdReads()
  const one = await world.claim('request 1', { text: 'goodbye' })
  const two = await world.claim('request 2', { text: 'goodbye' })
  await world.answerReads()
  one.expect('bad-request', { because: 'That key was used for another text, "hello".' })
  two.expect('bad-request', {
    because:
      'It says the same as the first, and gets the same answer. That its words were said as 1 would be a lie.',
    likely: 'Settle the claim with what the first is told, and not with what was found.',
  })
  world.expectSize(0, {
    because: 'Both have their answer.',
    likely: 'A claim that ends in a repeat is settled, too.',
  })
}
