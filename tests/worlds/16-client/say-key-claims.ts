/** Claims of keys: the first and its repeats, whoever comes while it is not settled, and what is left behind. */

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
    because: 'Nobody has said this before: it is to be appended.',
    likely:
      one.outcome() === 'bad-request'
        ? 'Wait for #find(): a promise is no message, and has no text.'
        : undefined,
  })
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
  again.expect('bad-request', {
    because: 'That key was used for another text.',
    likely: 'OTHER_TEXT, also when the key is found in the history.',
  })
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
  const pending = await openKeys(stage)
  pending.keep(3)
  const inHall = await pending.claim('request 1')
  inHall.expect('first', { because: 'It is new.' })
  const inDen = await pending.claim('request 2, in another room', { room: 'den' })
  inDen.expect('first', {
    because: 'A key means something within one account and one room, also while both are pending.',
    likely: 'The key of a claim is made of account, room and key.',
  })
  const ofBob = await pending.claim('request 3, from another account', { account: 'bob' })
  ofBob.expect('first', {
    because:
      'Ada’s message is pending under that key. This is bob’s: he said something of his own.',
    likely: 'The key of a claim is made of account, room and key.',
  })
  const capital = await pending.claim('request 4, with the key K1', { key: 'K1' })
  capital.expect('first', {
    because: 'Clients make their keys at random, from both: K1 is not k1.',
    likely: 'Names are the same in upper and lower case. Keys are not.',
  })
  const older = await pending.claim('request 5, with another since', { since: 2 })
  older.expect('not known yet', {
    because: 'It is the same message, however far back its client wants us to look.',
    likely: 'Account, room and key say which message it is; text and since do not.',
  })
  await inHall.settle(saidAs(4))
  older.expect('said as 4', { because: 'It is a repeat.' })
  const inDenAgain = await pending.claim('request 6, like request 2', { room: 'den' })
  inDenAgain.expect('not known yet', {
    because: 'Request 1 is settled, and request 2 is not.',
    likely: 'A claim that is settled gives back its own key, and no other.',
  })

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

  const twins = await openKeys(stage)
  const [chosen, refused] = await twins.claimAtOnce('request 1', 'request 2')
  chosen.expect('first', { because: 'Both come at once, and this one is the first.' })
  refused.expect('not known yet', {
    because: 'It comes at once behind the first. Only one of them may be appended.',
    likely:
      'From the look into #pending to the claim nobody else may get through: no await between them.',
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
        because: `Another ${left}, another ${right}: ${between === '' ? 'where one of them ends, nobody can see afterwards' : `each of them may have ${JSON.stringify(between)} in it`}.`,
        likely:
          'Parts that are glued together come apart in more than one way. JSON.stringify([…]) does not.',
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
      'Nobody has said the same meanwhile. An error that nobody catches ends the process, and with it every connection.',
    likely:
      'A promise that rejects, and that nobody waits for. What repeats wait for is resolved, with UNREADABLE.',
    received: `nobody has caught ${uncaught[0]}`,
  })

  const shortened = await openKeys(stage)
  shortened.keep(3)
  shortened.retire(2)
  const stale = await shortened.claim('request 1')
  stale.expect('stale-key', {
    because: 'The messages 1 and 2 are gone: nobody can know whether it was one of them.',
    likely: 'STALE_KEY, when not all messages above since are kept.',
  })
  shortened.expectSize(0, {
    because:
      'It is refused, so nobody works on that key. If it stayed claimed, every repeat would wait forever.',
    likely: 'Refuse what is stale before the claim, or settle the claim.',
  })
}
