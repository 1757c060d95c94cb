/** Log-ins as a clock would see them: the keys that are derived, how many and at which cost. */

import type { Hasher } from '#code/14-accounts/passwords.ts'
import type { Reason } from '../../harness/failure.ts'
import type { Stage } from '../../judge/step.ts'
import { shown } from './accounts-passwords.ts'
import { rejects, resolves, settle, stagedError } from './accounts-promises.ts'
import { CHEAP, derivation, fits, NotedHasher, phcOf } from './accounts-scrypt.ts'
import { NotedAccounts } from './accounts-stores.ts'

/** Spaces at both ends, capitals, and more than the 72 bytes that bcrypt takes. */
const ODD = ` Correct Horse ${'x'.repeat(60)} `
const ALL_OF_IT =
  'Pass the password on as it was given. Spaces, capitals and all of its letters count, as they did when it was first hashed.'

/** What a clock would see of a log-in, as calls. */
export async function expectSameWork(stage: Stage): Promise<void> {
  const { expectSame, story } = stage
  const { Credentials } = await stage.load(() => import('#code/14-accounts/credentials.ts'))
  const { HashesBusy } = await stage.load(() => import('#code/14-accounts/hash-queue.ts'))
  const [accounts, hasher] = [new NotedAccounts(), new NotedHasher()]
  const credentials = new Credentials(accounts, hasher as Hasher)
  const ada = { id: 1, name: 'ada', passwordHash: phcOf('correct horse', CHEAP) }
  const cyd = { id: 3, name: 'cyd', passwordHash: phcOf(ODD, CHEAP) }
  for (const [who, account, password, expected] of [
    ['ada', ada, 'correct horse', 'ada'],
    ['ada', ada, 'wrong horse', undefined],
    ['cyd', cyd, ODD, 'cyd'],
    ['an unknown name', undefined, 'correct horse', undefined],
    ['an unknown name', undefined, '', undefined],
  ] as const) {
    story.tell('test', `checks the password ${shown(password)} for ${who}`)
    const found = await resolves(story, 'check()', credentials.check(account, password), {
      because: 'derive() has resolved.',
    })
    expectSame('the account from check()', found?.name, expected, {
      because: expected
        ? 'That is the password.'
        : 'Neither a wrong password nor an unknown name identifies anybody.',
      likely: account === cyd ? ALL_OF_IT : whoIsWrong(account, expected),
    })
    expectSame('the keys that were derived', hasher.takeCalls(), [derivation(password, CHEAP)], {
      because:
        'One key, at today’s cost, with or without an account: the time it takes must not reveal who has one.',
      likely: account
        ? 'verifyPassword() derives one key. Hash again only when its verdict is `outdated`.'
        : 'Without an account, verify the password against #decoy.',
    })
  }
  const damaged = credentials.check({ ...ada, passwordHash: 'nonsense' }, '')
  const reason = { because: 'No password matches a damaged string.' }
  expectSame(
    'the account from check(), with a damaged hash in the store,',
    await resolves(story, 'check()', damaged, reason),
    undefined,
    reason,
  )
  hasher.takeCalls()
  for (const account of [ada, undefined]) {
    hasher.failures.push(stagedError(new HashesBusy()))
    const error = await rejects(
      story,
      `check() of ${account ? 'ada' : 'an unknown name'} with a full queue`,
      credentials.check(account, 'correct horse'),
      {
        because: 'The password was never checked: "wrong" would be a lie.',
        likely: 'Only the rehash may be skipped. Anywhere else, let HashesBusy through.',
      },
    )
    expectSame('`error instanceof HashesBusy`', error instanceof HashesBusy, true, {
      because: 'The error is passed on as it is, and becomes the answer `busy`.',
    })
    hasher.failures.push(stagedError(new RangeError('out of memory')))
    const other = await rejects(
      story,
      `check() of ${account ? 'ada' : 'an unknown name'} with a failing derive()`,
      credentials.check(account, 'correct horse'),
      {
        because:
          'The password was never checked. "Wrong" would be a lie, and the fault would go unreported.',
        likely: 'Catch only HashesBusy, and only around the rehash.',
      },
    )
    expectSame('the error', String(other), 'RangeError: out of memory', {
      because: 'derive() rejected with this error.',
    })
  }
}

/** Why somebody was let in, or not. */
function whoIsWrong(account: object | undefined, expected: string | undefined): string {
  if (!account) return 'Without an account, resolve with undefined, whatever the verdict.'
  if (expected) return 'Resolve with the account that was given, unless the verdict is `wrong`.'
  return 'Resolve with undefined if the verdict is `wrong`. Is verifyPassword() awaited? A promise is never `wrong`.'
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
    expectSame('the account from check()', found?.name, expected, reason)
  }
  await check('staple', undefined, { because: 'It is another password.' })
  expectSame('the hashes that were replaced', accounts.replaced, [], {
    because:
      'If the hash of a wrong password were stored, that password would be right the next time.',
    likely: 'Hash again only when the verdict is `outdated`.',
  })
  hasher.takeCalls()
  await check('battery', 'bob', { because: 'That is the password.' })
  const [replaced] = accounts.replaced.splice(0)
  expect('the hash to be replaced by one at today’s cost', isRehashed(replaced, bob), {
    because:
      'The server knows the password only now, so it hashes the password again and replaces the old hash.',
    likely:
      'Call replaceHash(id, the old string, the new string). Both are hashes of the password that was typed.',
    expected: 'replaceHash(2, "$scrypt$ln=3,r=8,p=1$…", "$scrypt$ln=4,r=8,p=1$…")',
    received: replaced ? callIn(replaced, bob) : 'no call',
  })
  expectSame(
    'the keys that were derived',
    hasher.takeCalls(),
    [derivation('battery', old), derivation('battery', CHEAP, saltBytesIn(replaced.to))],
    {
      because: 'Once to verify, at the old cost; once to hash anew.',
    },
  )
  const dee = { id: 4, name: 'dee', passwordHash: phcOf(ODD, old) }
  story.tell('test', `checks the password ${shown(ODD)} of dee, whose hash was made with ln=3`)
  await resolves(story, 'check()', credentials.check(dee, ODD), {
    because: 'derive() and replaceHash() have resolved.',
  })
  const [anew] = accounts.replaced.splice(0)
  expect('the new hash to be that of the same password', isRehashed(anew, dee, ODD), {
    because: 'If another string is hashed now, this was the last time that dee could log in.',
    likely: ALL_OF_IT,
    received: anew ? callIn(anew, dee, ODD) : 'no call',
  })
  hasher.failures.push(undefined, stagedError(new HashesBusy()))
  await check('battery', 'bob', {
    because: 'The password was right. The new hash can wait until the next log-in.',
    likely: 'Catch HashesBusy around the rehash, with `await hashPassword()` inside the try.',
  })
  hasher.failures.length = 0
  accounts.replaced.length = 0
  const { PoolBusy } = await stage.load(() => import('#code/06-worker-pool/worker-pool.ts'))
  for (const [what, failure] of [
    ['a store that fails', new Error('the disk is full')],
    ['a store that is busy (PoolBusy)', new PoolBusy()],
  ] as const) {
    accounts.failure = stagedError(failure)
    const checking = credentials.check(bob, 'battery')
    checking.catch(() => {})
    await settle()
    const [isTried] = accounts.replaced.splice(0)
    const error = await rejects(story, `check() with ${what}`, checking, {
      because: 'This error does not mean a full hash queue. The caller has to be told of it.',
      likely: isTried
        ? 'Await replaceHash() inside the try; catch HashesBusy, and nothing else.'
        : 'replaceHash() was not called: the rehash was skipped. Each log-in with an outdated hash tries it, also after one that failed.',
    })
    expectSame('the error', String(error), String(failure), {
      because: 'The store rejected with this error.',
    })
  }
  accounts.failure = undefined
  hasher.failures.push(undefined, stagedError(new RangeError('out of memory')))
  const fault = await rejects(
    story,
    'check() with a failing derive() for the new hash',
    credentials.check(bob, 'battery'),
    {
      because: 'This error does not mean a full queue. The operator has to be told of it.',
      likely: 'Catch HashesBusy around the rehash, and nothing else.',
    },
  )
  expectSame('the error', String(fault), 'RangeError: out of memory', {
    because: 'derive() rejected with this error.',
  })
}

interface Replaced {
  id: number
  from: string
  to: string
}

/** The call, and what is wrong with it if its strings do not show that. */
function callIn(
  { id, from, to }: Replaced,
  bob: { passwordHash: string },
  password = 'battery',
): string {
  const call = `replaceHash(${id}, ${costIn(from)}, ${costIn(to)})`
  if (fits(password, to) === false) return `${call}; the new hash does not fit the password`
  return from === bob.passwordHash ? call : `${call}; the old hash is not the one that was stored`
}

/** What stands before the salt. */
export function costIn(stored: string): string {
  return `"${stored.split('$').slice(0, 3).join('$')}$…"`
}

/** A new salt may be longer than 16 bytes. */
function saltBytesIn(stored: string): number {
  return Buffer.from(stored.split('$')[3], 'base64').length
}

export function isRehashed(
  replaced: Replaced | undefined,
  bob: { id: number; passwordHash: string },
  password = 'battery',
): boolean {
  if (!replaced) return false
  const { id, from, to } = replaced
  const isToday = to.startsWith('$scrypt$ln=4,r=8,p=1$')
  return id === bob.id && from === bob.passwordHash && isToday && fits(password, to) === true
}
