/** What the history knows of a key: where it is looked for, how far back, and with which text. */

import { withCommas } from '../../harness/numbers.ts'
import type { Stage } from '../../judge/step.ts'
import { uncaughtDuring } from '../uncaught-errors.ts'
import { openKeys, saidAs } from './say-keys.ts'

/** What was said is found, on whatever page, and as far back as can be known. */
export async function expectFound(stage: Stage): Promise<void> {
  const { expectSame } = stage
  const world = await openKeys(stage)
  world.keep(30)
  world.keep(1, 'ada', 'k1')
  world.keep(300)
  world.keep(1, 'Ada', 'k2')
  stage.story.tell(
    'history',
    'has 332 messages; number 31 has ada’s k1, and number 332 has Ada’s k2: the same account',
  )
  for (const [key, since, number] of [
    ['k1', 30, 31],
    ['k1', 0, 31],
    ['k2', 331, 332],
    ['k2', 100, 332],
    ['k2', 32, 332],
  ] as const) {
    const before = world.reads.length
    const claim = await world.claim('a repeat', { key, since })
    const tooEarly = world.reads.slice(before).find(([from]) => from <= since)
    claim.expect(`said as ${number}`, {
      because: `It is among the messages from ${since + 1} to 332.`,
      likely: tooEarly
        ? `You read from number ${tooEarly[0]} on. The first that matters is since + 1.`
        : 'All of them are looked at, the first and the last, too, and names are the same in upper and lower case.',
    })
  }
  const widest = Math.max(...world.reads.map(([from, to]) => to - from + 1))
  stage.expect('no read to ask for more than 100 messages', widest <= 100, {
    because: 'A repeat could ask for thousands at once.',
    received: `a read of ${widest}`,
    likely: 'Read at most READ_AT_ONCE messages at a time.',
  })
  expectSame(
    'the reads outside of 1 to 332',
    world.reads.filter(([from, to]) => from < 1 || to > 332),
    [],
    {
      because: 'The history has no such messages.',
      likely: 'Read from since + 1 at the earliest, and to last at the latest.',
    },
  )
  world.reads.length = 0
  const fresh = await world.claim('a new say', { key: 'k3', since: 332 })
  fresh.expect('first', { because: 'Nothing was said after number 332.' })
  expectSame('the number of reads for it', world.reads.length, 0, {
    because: 'Nearly every say is like this one: it must cost no read.',
    likely: 'There is nothing to read from since + 1 to last.',
  })
  const bob = await world.claim('bob', { account: 'bob', key: 'k2', since: 300 })
  bob.expect('first', {
    because: 'Number 332 has that key, but it is ada’s.',
    likely: 'Compare the name, too.',
  })
  for (const account of ['ad', 'da', 'a']) {
    const other = await world.claim(account, { account, key: 'k2', since: 300 })
    other.expect('first', {
      because: 'Number 332 has that key, but it is ada’s.',
      likely: 'Compare the whole name: another one may be a part of it.',
    })
  }
  for (const key of ['k', 'k22']) {
    const other = await world.claim('another say', { key, since: 300 })
    other.expect('first', {
      because: `Number 332 has the key k2, and this is ${key}.`,
      likely: 'Compare the whole key.',
    })
  }
  const capital = await world.claim('another say', { key: 'K2', since: 300 })
  capital.expect('first', {
    because: 'Number 332 has the key k2, and this is K2.',
    likely: 'Names are the same in upper and lower case. Keys are not.',
  })

  world.retire(31)
  world.reads.length = 0
  const stale = await world.claim('an old repeat', { key: 'k1', since: 30 })
  stale.expect('stale-key', {
    because: 'Number 31 is gone, and nobody can know whether it was this message.',
    likely:
      stale.outcome().startsWith('said') && world.reads.length === 0
        ? 'The history is the only memory: a table of what was settled would grow forever.'
        : 'It is stale if since + 1 < first.',
  })
  expectSame('the number of reads for it', world.reads.length, 0, {
    because: 'There is no point in looking.',
    likely: 'Ask #isStale() before you claim the key and search.',
  })
  const just = await world.claim('a repeat', { key: 'k9', since: 31 })
  just.expect('first', {
    because: 'All messages above 31 are there, and this one is not among them.',
    likely: 'since + 1 is the first that matters: it may be the first that is kept.',
  })
  const { MAX_SEARCH } = await stage.load(() => import('#code/16-client/say-keys.ts'))
  world.keep(1, 'ada', 'k7')
  world.keep(MAX_SEARCH - 1)
  const far = await world.claim('an old repeat', { key: 'k8', since: 331 })
  far.expect('stale-key', { because: 'MAX_SEARCH + 1 messages follow number 331.' })
  const near = await world.claim('a repeat', { key: 'k2', since: 332 })
  near.expect('first', {
    because: 'MAX_SEARCH messages follow number 332, and all of them are searched.',
  })
  const oldest = await world.claim('a repeat', { key: 'k7', since: 332 })
  oldest.expect('said as 333', {
    because: 'It is the oldest of those MAX_SEARCH messages.',
    likely: 'The search goes from since + 1 to last, however many those are.',
    look: '#find()',
  })

  const same = await openKeys(stage)
  same.keep(1, 'bob', 'k5')
  same.keep(1, 'ada', 'k5')
  same.keep(100, 'zoe')
  same.keep(1, 'bob', 'k6')
  same.keep(100, 'zoe')
  same.keep(1, 'ada', 'k6')
  stage.story.tell(
    'history',
    'has bob’s k5 as number 1 and ada’s as 2, and bob’s k6 as 103 and ada’s as 204',
  )
  for (const [key, number] of [
    ['k5', 2],
    ['k6', 204],
  ] as const) {
    const claim = await same.claim('ada', { key })
    claim.expect(`said as ${number}`, {
      because: 'Bob has used the same key for a message of his own. That one is not ada’s.',
      likely:
        'Look for key and name together: the first message with that key may be somebody else’s.',
      look: '#find()',
    })
  }

  const edges = await openKeys(stage)
  for (let number = 1; number <= 260; number++) edges.keep(1, 'ada', `k${number}`)
  stage.story.tell('history', 'has 260 messages of ada, number 1 with the key k1, and so on')
  for (const number of [1, 99, 100, 101, 102, 103, 199, 200, 201, 202, 203, 260]) {
    const claim = await edges.claim('a repeat', { key: `k${number}` })
    claim.expect(`said as ${number}`, {
      because: 'It is there. Each message is on one of the pages that are read.',
      likely: 'After a page that ends at `to`, the next one begins at `to + 1`.',
      look: '#find()',
    })
  }
  expectSame('the number of reads under way at once', edges.mostReadsAtOnce(), 1, {
    because:
      'No more than READ_AT_ONCE messages are read at a time, or a repeat would cost too much memory.',
    likely: 'Wait for a page before you ask for the next one.',
    look: '#find()',
  })
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
      'It says the same as the first, and gets the same answer. Its text was not said as number 1.',
    likely: 'Settle the claim with what the first is told, and not with what was found.',
  })
  world.expectSize(0, {
    because: 'Both have their answer.',
    likely: 'A claim that ends in a repeat is settled, too.',
  })
  for (const text of ['Hello', 'hello ', ' hello', 'hell']) {
    const other = await world.claim('a request', { text })
    other.expect('bad-request', {
      because: `Number 1 says "hello", and this is ${JSON.stringify(text)}.`,
      likely: 'Any text that is not the same, character for character, is another text.',
    })
  }
  const first = await world.claim('a first', { key: 'k2' })
  for (const text of ['Hello', 'hello ', ' hello', 'hell']) {
    const other = await world.claim('a request', { text, key: 'k2' })
    other.expect('bad-request', {
      because: `What is pending under that key says "hello", and this is ${JSON.stringify(text)}.`,
      likely: 'Any text that is not the same, character for character, is another text.',
    })
  }
  await first.settle(saidAs(2))
}

/** Whoever reads a page ahead may not need it any more, and has to look after it all the same. */
export async function expectNoReadLeft(stage: Stage): Promise<void> {
  const world = await openKeys(stage)
  world.keep(6)
  world.keep(1, 'ada', 'k1')
  world.keep(293)
  stage.story.tell('history', 'has 300 messages; number 7 has ada’s k1')
  world.breakReadsBeyond(100)
  const uncaught = await uncaughtDuring(() => world.claim('a repeat'))
  stage.expect('every error to be caught', uncaught.length === 0, {
    because:
      'The message is on the first page. A read that nobody waits for any more has failed, which ends the process, and with it every connection.',
    likely: 'Read a page only when the one before it has been searched in vain.',
    received: `nobody has caught ${uncaught[0]}`,
    look: '#find()',
  })
}

/** A room that goes on while it is searched: what is said meanwhile is not searched. */
export async function expectEndStays(stage: Stage): Promise<void> {
  const { MAX_SEARCH } = await stage.load(() => import('#code/16-client/say-keys.ts'))
  const world = await openKeys(stage)
  world.keep(MAX_SEARCH)
  stage.story.tell('history', `has ${withCommas(MAX_SEARCH)} messages of others`)
  world.growWithReads(100, 2 * MAX_SEARCH)
  await world.claim('a new say')
  const read = world.reads.reduce((sum, [from, to]) => sum + to - from + 1, 0)
  stage.expect('no more than MAX_SEARCH messages to be read', read <= MAX_SEARCH, {
    because:
      'What is said during the search cannot be this message, whose key is claimed. In a busy room the search would never end.',
    likely: 'Ask range() once, before the first read: the search ends at the `last` of then.',
    expected: `${MAX_SEARCH} or less`,
    received: `${read}`,
    look: '#find()',
  })
}
