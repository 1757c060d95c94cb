/** Log-ins as a clock would see them: the keys that are derived, how many and at which cost. */

import type { Hasher } from '#code/14-accounts/passwords.ts'
import type { Reason } from '../../harness/failure.ts'
import type { Stage } from '../../judge/step.ts'
import { rejects, resolves, stagedError } from './accounts-promises.ts'
import { CHEAP, derivation, fits, NotedHasher, phcOf } from './accounts-scrypt.ts'
import { NotedAccounts } from './accounts-stores.ts'

/** What a clock would see of a log-in, as calls. */
export async function expectSameWork(stage: Stage): Promise<void> {
  const { expectSame, story } = stage
  const { Credentials } = await stage.load(() => import('#code/14-accounts/credentials.ts'))
  const { HashesBusy } = await stage.load(() => import('#code/14-accounts/hash-queue.ts'))
  const [accounts, hasher] = [new NotedAccounts(), new NotedHasher()]
  const credentials = new Credentials(accounts, hasher as Hasher)
  const ada = { id: 1, name: 'ada', passwordHash: phcOf('correct horse', CHEAP) }
  for (const [who, account, password, expected] of [
    ['ada', ada, 'correct horse', 'ada'],
    ['ada', ada, 'wrong horse', undefined],
    ['nobody we know', undefined, 'correct horse', undefined],
    ['nobody we know', undefined, '', undefined],
  ] as const) {
    story.tell('test', `checks the password "${password}" of ${who}`)
    const found = await resolves(story, 'check()', credentials.check(account, password), {
      because: 'derive() has resolved.',
    })
    expectSame('who it is', found?.name, expected, {
      because: expected ? 'That is the password.' : 'Nobody has shown to be anybody.',
      likely: whoIsWrong(account, expected),
    })
    expectSame('the keys that were derived', hasher.takeCalls(), [derivation(password, CHEAP)], {
      because:
        'One key, at today’s cost, whether there is an account or not: the clock must not tell who has one.',
      likely: account
        ? 'verifyPassword() derives one. Hash again only when its verdict is `outdated`.'
        : 'Without an account, verify the password against #decoy.',
    })
  }
  const damaged = credentials.check({ ...ada, passwordHash: 'nonsense' }, '')
  const reason = { because: 'Nothing fits a damaged string.' }
  expectSame(
    'who it is, when the stored hash is damaged',
    await resolves(story, 'check()', damaged, reason),
    undefined,
    reason,
  )
  hasher.takeCalls()
  for (const account of [ada, undefined]) {
    hasher.failures.push(stagedError(new HashesBusy()))
    const error = await rejects(
      story,
      `check() of ${account ? 'ada' : 'nobody we know'}, when the queue is full`,
      credentials.check(account, 'correct horse'),
      {
        because: 'The password was not looked at: "wrong" would be a lie.',
        likely: 'Only the rehash may go without: let HashesBusy through otherwise.',
      },
    )
    expectSame('the error', error instanceof HashesBusy, true, {
      because: 'It comes out as it is, and becomes `busy`.',
    })
    hasher.failures.push(stagedError(new RangeError('out of memory')))
    const other = await rejects(
      story,
      `check() of ${account ? 'ada' : 'nobody we know'}, when derive() fails`,
      credentials.check(account, 'correct horse'),
      {
        because:
          'The password was not looked at. "Wrong" would be a lie, and nobody would hear of the fault.',
        likely: 'Only HashesBusy is caught, and only around the rehash.',
      },
    )
    expectSame('the error', String(other), 'RangeError: out of memory', {
      because: 'It is what derive() has rejected with.',
    })
  }
}

/** Why somebody was let in, or not. */
function whoIsWrong(account: object | undefined, expected: string | undefined): string {
  if (!account) return 'Without an account the answer is undefined, whatever comes out.'
  if (expected) return 'Resolve with the account that was given, unless the verdict is `wrong`.'
  return 'Undefined if the verdict is `wrong`. Is verifyPassword() awaited? A promise is never `wrong`.'
}

/** A hash that has become cheap is replaced at the next log-in. */
export async function expectRehash(stage: Stage): Promise<void> {
  const { expect, expectSame, story } = stage
  const { Credentials } = await stage.load(() => import('#code/14-accounts/credentials.ts'))
  const { HashesBusy } = await stage.load(() => import('#code/14-accounts/hash-queue.ts'))
  const [accounts, hasher] = [new NotedAccounts(), new NotedHasher()]
  const credentials = new Credentials(accounts, hasher as Hasher)
  const old = { ...CHEAP, ln: 3 }
  const bob = { id: 2, name: 'bob', passwordHash: phcOf('battery', old) }
  const check = async (password: string, expected: string | undefined, reason: Reason) => {
    story.tell('test', `checks the password "${password}" of bob, whose hash was made with ln=3`)
    const found = await resolves(story, 'check()', credentials.check(bob, password), reason)
    expectSame('who it is', found?.name, expected, reason)
  }
  await check('staple', undefined, { because: 'It is another password.' })
  expectSame('the hashes that were replaced', accounts.replaced, [], {
    because: 'A wrong password that was stored would be the right one the next time.',
    likely: 'Hash again only when the verdict is `outdated`.',
  })
  hasher.takeCalls()
  await check('battery', 'bob', { because: 'That is the password.' })
  const [replaced] = accounts.replaced.splice(0)
  expect('the hash to be replaced by one at today’s cost', isRehashed(replaced, bob), {
    because:
      'Only now do we have the password: hash it again, and store that in place of the old one.',
    likely:
      'replaceHash(id, the old string, the new string); both are hashes of the password that was typed.',
    expected: 'replaceHash(2, "$scrypt$ln=3,r=8,p=1$…", "$scrypt$ln=4,r=8,p=1$…")',
    received: replaced ? callIn(replaced, bob) : 'no call',
  })
  expectSame(
    'the keys that were derived',
    hasher.takeCalls(),
    [derivation('battery', old), derivation('battery', CHEAP)],
    {
      because: 'Once to verify, at the old cost; once to hash anew.',
    },
  )
  hasher.failures.push(undefined, stagedError(new HashesBusy()))
  await check('battery', 'bob', {
    because: 'The password was right. The new hash can wait until the next log-in.',
    likely: 'Catch HashesBusy of the rehash: `await hashPassword()` inside the try.',
  })
  hasher.failures.length = 0
  accounts.replaced.length = 0
  accounts.failure = stagedError(new Error('the disk is full'))
  const error = await rejects(
    story,
    'check(), when the store fails',
    credentials.check(bob, 'battery'),
    {
      because: 'That is no full queue. Whoever runs the server has to hear of it.',
      likely: 'Await replaceHash() inside the try; catch HashesBusy, and nothing else.',
    },
  )
  expectSame('the error', String(error), 'Error: the disk is full', {
    because: 'It is what the store has rejected with.',
  })
  accounts.failure = undefined
  hasher.failures.push(undefined, stagedError(new RangeError('out of memory')))
  const fault = await rejects(
    story,
    'check(), when the hash is outdated and derive() fails for the new one',
    credentials.check(bob, 'battery'),
    {
      because: 'That is no full queue. Whoever runs the server has to hear of it.',
      likely: 'Catch HashesBusy of the rehash, and nothing else.',
    },
  )
  expectSame('the error', String(fault), 'RangeError: out of memory', {
    because: 'It is what derive() has rejected with.',
  })
}

interface Replaced {
  id: number
  from: string
  to: string
}

/** The call, and what is wrong with it if its strings do not show that. */
function callIn({ id, from, to }: Replaced, bob: { passwordHash: string }): string {
  const call = `replaceHash(${id}, ${costIn(from)}, ${costIn(to)})`
  if (fits('battery', to) === false) return `${call}; the new hash does not fit the password`
  return from === bob.passwordHash ? call : `${call}; the old hash is not the one that was stored`
}

/** What stands before the salt. */
export function costIn(stored: string): string {
  return `"${stored.split('$').slice(0, 3).join('$')}$…"`
}

export function isRehashed(
  replaced: Replaced | undefined,
  bob: { id: number; passwordHash: string },
): boolean {
  if (!replaced) return false
  const { id, from, to } = replaced
  const isToday = to.startsWith('$scrypt$ln=4,r=8,p=1$')
  return id === bob.id && from === bob.passwordHash && isToday && fits('battery', to) === true
}
