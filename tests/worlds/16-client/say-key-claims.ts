/** Claims of keys: the first and its repeats, whoever comes while it is not settled, and what is left behind. */

import { withCommas } from '../../harness/numbers.ts'
import type { Stage } from '../../judge/step.ts'
import { uncaughtDuring } from '../uncaught-errors.ts'
import { openKeys, saidAs } from './say-keys.ts'

/** What a name and a key may have between two letters. */
const INSIDE_NAMES = ['', '.', '-', '_', '--']

/** A key is claimed by one, and all others get what becomes of it. */
export async function expectClaims(stage: Stage): Promise<void> {
  const world = await openKeys(stage)
  const one = await world.claim('request 1')
  one.expect('first', {
    because: 'Nobody has said this before, so it is to be appended.',
    likely:
      one.outcome() === 'bad-request'
        ? 'Await #find(): a promise is no message, and has no text.'
        : undefined,
  })
  const two = await world.claim('request 2')
  two.expect('not known yet', {
    because: 'The same message is being appended. It must not be appended twice.',
    likely: 'A claim holds until it is settled.',
  })
  const other = await world.claim('request 3', { text: 'goodbye' })
  other.expect('bad-request', {
    because: 'It has the key of another text. Which of the two is meant?',
    likely: 'The outcome is OTHER_TEXT while the first is pending, too.',
  })
  await one.settle(saidAs(1))
  world.keep(1, 'ada', 'k1')
  two.expect('said as 1', {
    because: 'The first one was said, and the repeat gets its number.',
    likely: 'A repeat waits for the outcome of the first.',
  })
  const three = await world.claim('request 4')
  three.expect('said as 1', {
    because: 'It was said, so it is in the history, above since.',
    likely:
      '#find() has to look at all messages from since + 1 to last, including the first and the last of them.',
  })
  const again = await world.claim('request 5', { text: 'goodbye' })
  again.expect('bad-request', {
    because: 'That key was used for another text.',
    likely: 'The outcome is OTHER_TEXT when the key is found in the history, too.',
  })
  world.expectSize(0, {
    because: 'All of them are settled.',
    likely:
      'settle() gives the key back, and a claim that ends in a repeat has to be settled, too.',
  })
  for (const [what, say] of [
    ['another account', { account: 'bob' }],
    ['another room', { room: 'den' }],
    ['another key', { key: 'k2' }],
  ] as const) {
    const claim = await world.claim(what, { ...say, since: 1 })
    claim.expect('first', {
      because: `A key means something only within one account and one room, so ${what} means another message.`,
    })
  }
  const pending = await openKeys(stage)
  pending.keep(3)
  const inHall = await pending.claim('request 1')
  inHall.expect('first', { because: 'It is new.' })
  const inDen = await pending.claim('request 2 (another room)', { room: 'den' })
  inDen.expect('first', {
    because:
      'A key means something only within one account and one room, even while both are pending.',
    likely: 'The key of a claim is made of account, room and key.',
  })
  const ofBob = await pending.claim('request 3 (another account)', { account: 'bob' })
  ofBob.expect('first', {
    because:
      'Ada’s message is pending under that key. This is bob’s: he said something of his own.',
    likely: 'The key of a claim is made of account, room and key.',
  })
  const capital = await pending.claim('request 4 (key K1)', { key: 'K1' })
  capital.expect('first', {
    because: 'A key may have upper and lower case letters: K1 is not k1.',
    likely: 'Names are the same in upper and lower case. Keys are not.',
  })
  const older = await pending.claim('request 5 (another since)', { since: 2 })
  older.expect('not known yet', {
    because: 'It is the same message, however far back its client wants us to look.',
    likely: 'Account, room and key say which message it is; text and since do not.',
  })
  await inHall.settle(saidAs(4))
  older.expect('said as 4', { because: 'It is a repeat.' })
  const inDenAgain = await pending.claim('request 6 (like request 2)', { room: 'den' })
  inDenAgain.expect('not known yet', {
    because: 'Request 1 is settled, and request 2 is not.',
    likely: 'A claim that is settled gives back its own key, and no other.',
  })

  const { MAX_SEARCH } = await stage.load(() => import('#code/16-client/say-keys.ts'))
  const busy = await openKeys(stage)
  const begun = await busy.claim('request 1')
  begun.expect('first', { because: 'It is new.' })
  busy.keep(MAX_SEARCH + 1)
  stage.story.tell('others', `say ${withCommas(MAX_SEARCH + 1)} messages meanwhile`)
  const behind = await busy.claim('request 2')
  behind.expect('not known yet', {
    because: 'The first is being appended, so nothing has to be looked up, however much was said.',
    likely: 'Check whether the key is pending before anything about the history.',
  })

  const known = await openKeys(stage)
  known.keep(1, 'ada', 'k1')
  known.holdReads()
  const both = [await known.claim('request 1'), await known.claim('request 2')]
  await known.answerReads()
  for (const each of both) {
    each.expect('said as 1', {
      because: 'It was said as number 1, and that holds for both requests.',
      likely:
        'The second waits for the first: a message that is found has to settle the claim, too.',
    })
  }

  const failed = await openKeys(stage)
  const lost = await failed.claim('request 1')
  const joined = await failed.claim('request 2')
  await lost.settle({ code: 'not-saved', text: '' })
  joined.expect('not-saved', { because: 'A repeat gets what became of the first.' })
  const next = await failed.claim('request 3')
  next.expect('first', {
    because: 'It is neither in the history nor pending, so the server may try once more.',
    likely: 'A claim that is settled no longer holds its key, however it ended.',
  })

  const slow = await openKeys(stage)
  slow.keep(3)
  slow.holdReads()
  const early = await slow.claim('request 1')
  const late = await slow.claim('request 2')
  await slow.answerReads()
  early.expect('first', { because: 'It arrived first, and is not in the history.' })
  late.expect('not known yet', {
    because:
      'Both were looked up at the same time, and neither was found. Only one may be appended.',
    likely:
      'Claim the key before the first await: what was true before it need not be true after it.',
  })
  await early.settle(saidAs(4))
  late.expect('said as 4', { because: 'It is a repeat.' })

  const twins = await openKeys(stage)
  const [chosen, refused] = await twins.claimAtOnce('request 1', 'request 2')
  chosen.expect('first', { because: 'Both arrive at once, and this one is the first.' })
  refused.expect('not known yet', {
    because: 'It arrives right after the first. Only one of them may be appended.',
    likely:
      'No other request may get in between the look into #pending and the claim: no await between them.',
  })
  await chosen.settle(saidAs(1))
  refused.expect('said as 1', { because: 'It is a repeat.' })
}

/** Two claims whose account, room and key are the same when they are written one behind the other. */
export async function expectScopesApart(stage: Stage): Promise<void> {
  const parts = ['account', 'room', 'key'] as const
  for (const between of INSIDE_NAMES) {
    for (const [left, right] of parts.flatMap((one) => parts.map((two) => [one, two] as const))) {
      if (left === right) continue
      const world = await openKeys(stage)
      const common = { account: 'ada', room: 'den', key: 'k' }
      const a = await world.claim('request 1', {
        ...common,
        [left]: `a${between}b`,
        [right]: 'c',
      })
      a.expect('first', { because: 'It is new.' })
      const b = await world.claim('request 2', {
        ...common,
        [left]: 'a',
        [right]: `b${between}c`,
      })
      b.expect('first', {
        because: `Another ${left}, another ${right}: ${between === '' ? 'nobody can see afterwards where one of them ends' : `each of them may have ${JSON.stringify(between)} in it`}.`,
        likely:
          'Parts that are glued together can be split in more than one way. JSON.stringify([…]) is unambiguous.',
      })
    }
  }
}

/** A history that cannot be read leaves no claim behind. */
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
    likely: 'claim() has to reject with what read() throws.',
  })
  two.expect('internal', {
    because: 'It waits for the first, which has failed and will never be appended.',
    likely: 'Settle the claim with UNREADABLE before you pass on the error.',
  })
  world.expectSize(0, {
    because:
      'No request works on that key any more. If it stayed claimed, every repeat would wait forever.',
  })
  world.breakReads(false)
  const three = await world.claim('request 3')
  three.expect('first', { because: 'The disk works again.' })

  const alone = await openKeys(stage)
  alone.keep(3)
  alone.breakReads(true)
  const uncaught = await uncaughtDuring(async () => {
    const only = await alone.claim('request 1')
    only.expect('rejected: EIO: i/o error, read', {
      because: 'It cannot be known whether it was said.',
    })
  })
  stage.expect('every error to be caught', uncaught.length === 0, {
    because:
      'No repeat waits for this claim. An error that nobody catches ends the process, and with it every connection.',
    likely:
      'A promise rejects, and nothing awaits it. Resolve what repeats wait for, with UNREADABLE.',
    received: `nobody has caught ${uncaught[0]}`,
  })

  const shortened = await openKeys(stage)
  shortened.keep(3)
  shortened.retire(2)
  const stale = await shortened.claim('request 1')
  stale.expect('stale-key', {
    because: 'Messages 1 and 2 are gone: nobody can know whether it was one of them.',
    likely: 'The outcome is STALE_KEY when not all messages above since are kept.',
  })
  shortened.expectSize(0, {
    because:
      'It is refused, so no request works on that key. If it stayed claimed, every repeat would wait forever.',
    likely: 'Refuse what is stale before the claim, or settle the claim.',
  })
  await expectStaleMeanwhile(stage)
}

/** Messages are removed while two requests wait for the search. */
async function expectStaleMeanwhile(stage: Stage): Promise<void> {
  const world = await openKeys(stage)
  world.keep(250)
  world.holdReads()
  const one = await world.claim('request 1')
  const two = await world.claim('request 2')
  world.retire(150)
  await world.answerReads()
  one.expect('stale-key', {
    because:
      'Messages 1 to 150 were removed during the search. Nobody can know whether it was one of them.',
    likely:
      'What was true before an await need not be true after it. When the search has failed, ask #isStale() again.',
  })
  two.expect('stale-key', {
    because: 'It waits for the first, and gets the same outcome.',
    likely: 'Settle the claim with what the first is told.',
  })
  world.expectSize(0, {
    because: 'Both have their answer.',
    likely: 'A claim that ends in a repeat is settled, too.',
  })
}

/** Messages are removed between two pages: those that were not read yet cannot be searched any more. */
export async function expectGapInSearch(stage: Stage): Promise<void> {
  const world = await openKeys(stage)
  world.keep(250)
  stage.story.tell('history', 'has 250 messages of others')
  world.retireWithRead(150)
  const one = await world.claim('a repeat')
  one.expect('stale-key', {
    because:
      'Messages 1 to 150 were removed during the search, and not all of them had been read. Nobody can know whether it was one of the others.',
    likely:
      'Each page begins where the one before it has ended, whatever the history has removed meanwhile. Then read() rejects, and #isStale() says why.',
    look: '#find()',
  })
  world.expectSize(0, {
    because: 'It has its answer.',
    likely: 'A claim that ends in a repeat is settled, too.',
  })
}
