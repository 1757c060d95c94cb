/** Stored strings of chapter 14: which are taken, what a password is worth beside them, and what is said when nobody knows. */

import type * as PasswordsModule from '#code/14-accounts/passwords.ts'
import type { Hasher } from '#code/14-accounts/passwords.ts'
import type { Reason } from '../../harness/failure.ts'
import type { Stage } from '../../judge/step.ts'
import {
  ANY_HASH,
  ANY_SALT,
  BAD_STRINGS,
  COSTS,
  phcFrom,
  shown,
  TODAY,
} from './accounts-passwords.ts'
import { rejects, resolves, stagedError } from './accounts-promises.ts'
import {
  CHEAP,
  derivation,
  fits,
  NotedHasher,
  PASSLIB,
  phc,
  phcOf,
  scryptOf,
} from './accounts-scrypt.ts'

type Passwords = typeof PasswordsModule

export function expectStrings({ expectSame }: Stage, parseHash: Passwords['parseHash']): void {
  const look = 'passwords.parseHash()'
  for (const [stored, because] of BAD_STRINGS) {
    expectSame(`parseHash(${shown(stored)})`, parseHash(stored), undefined, {
      because,
      likely:
        'Check three things: the form, each parameter (from 1 to its MAX_COST), and that the hash has HASH_BYTES.',
      look,
    })
  }
  const [short, long] = [ANY_SALT.subarray(0, 8), Buffer.concat([ANY_SALT, ANY_SALT])]
  for (const stored of [
    PASSLIB,
    phc({ ln: 17, r: 16, p: 8 }, ANY_SALT, ANY_HASH),
    phc(CHEAP, short, ANY_HASH),
    phc(CHEAP, long, ANY_HASH),
  ]) {
    const parsed = parseHash(stored)
    const again = parsed && phcFrom(parsed)
    expectSame(`the string formatted from parseHash(${shown(stored)})`, again, stored, {
      because: 'It has the right form, and asks for no more than MAX_COST.',
      likely: whyNotTaken(parsed, () => parseHash(stored)),
      look,
    })
  }
}

function whyNotTaken(parsed: object | undefined, parseAgain: () => object | undefined): string {
  if (parsed)
    return 'Salt and hash are bytes: Buffer.from(text, "base64"). In `cost`, ln, r and p are numbers, read in that order.'
  if (parseAgain())
    return 'It is accepted the second time. With the flag g, exec() remembers where it stopped (lastIndex), and the next call goes on from there.'
  return 'MAX_COST itself is allowed. The salt comes before the hash and may have any length: SALT_BYTES is for new salts.'
}

export async function expectVerdicts(
  stage: Stage,
  { verifyPassword }: Passwords,
  hasher: NotedHasher,
): Promise<void> {
  const { expectSame, story } = stage
  const look = 'passwords.verifyPassword()'
  const verify = async (
    password: string,
    stored: string,
    expected: string,
    reason: Reason,
    { derive, cost } = hasher,
  ) => {
    const verdict = await resolves(
      story,
      'verifyPassword()',
      verifyPassword(password, stored, { derive, cost }),
      { because: 'derive() has resolved.', look },
    )
    const what = `verifyPassword("${password}", ${shown(stored)})`
    expectSame(what, verdict, expected, { ...reason, look })
  }
  const stored = phcOf('correct horse', CHEAP)
  await verify('correct horse', stored, 'right', { because: 'It is the password.' })
  await verify('correct horse', phcOf('correct horse', CHEAP, Buffer.from('salty')), 'right', {
    because: 'It is the password, and its salt has 5 bytes: another program may have made it.',
    likely: 'Derive with the stored salt, as it is.',
  })
  await verify('Correct horse', stored, 'wrong', { because: 'One letter differs.' })
  await verify('correct horse ', stored, 'wrong', { because: 'A space is part of a password.' })
  await verify('', stored, 'wrong', { because: 'It is another password.' })
  for (const place of [0, 31]) {
    const altered = scryptOf('correct horse', ANY_SALT, CHEAP)
    altered[place] ^= 1
    await verify('correct horse', phc(CHEAP, ANY_SALT, altered), 'wrong', {
      because: `One bit of the hash differs, in byte ${place}.`,
      likely: 'All bytes count: timingSafeEqual() compares them all.',
    })
  }
  hasher.takeCalls()
  await verify('correct horse', 'nonsense', 'wrong', {
    because: 'No password matches a damaged string.',
  })
  expectSame('the keys that were derived for the damaged string', hasher.takeCalls(), [], {
    because: 'A damaged string names no cost and no salt.',
    look,
  })

  const today = new NotedHasher(TODAY)
  story.tell('test', 'raises today’s cost to ln=4, r=8, p=2')
  for (const [cost, verdict, because] of COSTS) {
    const likely =
      'The verdict is `outdated` if ln, r or p is below today’s. Verify with the stored cost.'
    await verify('horse', phcOf('horse', cost), verdict, { because, likely }, today)
    expectSame('the keys that were derived', today.takeCalls(), [derivation('horse', cost)], {
      because: 'One key, at the cost of the stored hash: any other cost gives another key.',
      likely: 'Call derive() once, with the salt and the cost of the stored string.',
      look,
    })
  }
  const cheaper = phcOf('horse', { ...TODAY, ln: 3 })
  const reason = { because: 'A wrong password is wrong, whatever its hash costs.' }
  await verify('mule', cheaper, 'wrong', reason, today)
}

/** So many salts that a byte of them which is random has not been the same in all of them. */
const SALTS = 12

/** No part of a salt is known before. */
export async function expectRandomSalts(
  { expect, story }: Stage,
  { hashPassword }: Passwords,
  hasher: NotedHasher,
): Promise<void> {
  const salts: Buffer[] = []
  for (let number = 0; number < SALTS; number++) {
    const stored = await hashPassword('horse', hasher as Hasher)
    salts.push(Buffer.from(stored.split('$')[3], 'base64'))
  }
  story.tell('test', `hashes "horse" ${SALTS} times`)
  const fixed = [...salts[0].keys()].filter((at) =>
    salts.every((salt) => salt[at] === salts[0][at]),
  )
  expect('every byte of the salts to vary', fixed.length === 0, {
    because:
      'A salt from a clock or a counter can recur, and a thief can compute hashes for it before stealing the database.',
    likely: 'All bytes of a salt come from randomBytes().',
    received: `bytes ${fixed.join(', ')} are the same in all of them`,
    look: 'passwords.hashPassword()',
  })
}

/** Two people register at the same moment: the salt of one is not the other's. */
export async function expectTwoAtOnce(
  { expect, story }: Stage,
  { hashPassword }: Passwords,
  hasher: NotedHasher,
): Promise<void> {
  const names = ['one', 'two']
  story.tell('test', 'hashes "one" and "two" at the same time')
  const both = Promise.all(names.map((password) => hashPassword(password, hasher as Hasher)))
  const stored = await resolves(story, 'hashPassword(), twice', both, {
    because: 'derive() has resolved.',
    look: 'passwords.hashPassword()',
  })
  const unfit = names.filter((password, index) => fits(password, stored[index]) !== true)
  expect('both stored hashes to match their passwords', unfit.length === 0, {
    because:
      'While one hash is being derived, others begin. Whoever is stored with the wrong salt can never log in again.',
    likely:
      'Is anything kept outside the function, such as one buffer for all salts? Make the salt with randomBytes(SALT_BYTES) in each call.',
    received: unfit.map((password) => `the hash of "${password}" does not match it`).join('; '),
    look: 'passwords.hashPassword()',
  })
}

export async function expectFailuresPassedOn(
  stage: Stage,
  { hashPassword, verifyPassword }: Passwords,
  hasher: NotedHasher,
): Promise<void> {
  const { expectSame, story } = stage
  const stored = phcOf('correct horse', CHEAP)
  hasher.failures.push(...[1, 2].map(() => stagedError(new RangeError('out of memory'))))
  for (const [name, attempt] of [
    ['verifyPassword()', () => verifyPassword('horse', stored, hasher as Hasher)],
    ['hashPassword()', () => hashPassword('horse', hasher as Hasher)],
  ] as const) {
    const error = await rejects(story, `${name}, when derive() fails`, attempt(), {
      because: 'Nobody knows whether the password is right. To say "wrong" would be a lie.',
      likely: 'Await derive(), and let its error through.',
      look: `passwords.${name}`,
    })
    expectSame('the error', String(error), 'RangeError: out of memory', {
      because: 'derive() rejected with this error.',
      look: `passwords.${name}`,
    })
  }
}
