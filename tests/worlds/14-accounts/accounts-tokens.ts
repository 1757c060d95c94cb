/** What a log-in gives to the client, and what of it the store may know. */

import type { StoredSession } from '#code/14-accounts/account-store.ts'
import type { Reason } from '../../harness/failure.ts'
import type { Stage } from '../../judge/step.ts'

const LOOK = 'sessions.begin()'

/** All the bytes that were drawn, and nothing else. */
export function expectToken({ expect, expectSame }: Stage, token: string, drawn: Buffer[]): void {
  expect('options.randomBytes() to be called', drawn.length > 0, {
    because:
      'The bytes of a token come from options.randomBytes(), so that a test can be repeated.',
    likely:
      'Call this.#options.randomBytes(), not the function of that name in node:crypto: the test passes its own.',
    received: 'no call',
    look: LOOK,
  })
  const bytes = Buffer.concat(drawn)
  expectSame('the number of random bytes', bytes.length, 32, {
    because: 'Nobody can guess 256 bits.',
    likely: 'this.#options.randomBytes(TOKEN_BYTES)',
    look: LOOK,
  })
  expectSame('the token', token, bytes.toString('base64url'), {
    because:
      'Nobody can guess 256 bits, so the token holds all the bytes that were drawn. In base64url it can go into a URL or a cookie as it is.',
    likely: 'randomBytes(TOKEN_BYTES).toString("base64url")',
    look: LOOK,
  })
}

/** One session, under the hash of its token, and of this moment. */
export function expectStored(
  { expectSame }: Stage,
  stored: StoredSession[],
  expected: [StoredSession],
): void {
  expectSame('the stored sessions', stored, expected, {
    ...whatDiffers(stored, expected[0]),
    look: LOOK,
  })
}

function whatDiffers([stored]: StoredSession[], expected: StoredSession): Reason {
  if (!stored)
    return {
      because: 'A client may use its token at once.',
      likely: 'Await store.add() before you resolve.',
    }
  if (stored.id !== expected.id)
    return {
      because:
        'A thief of the database finds the SHA-256 of the token, which is no use for logging in.',
      likely: 'The id is sessionIdOf(token).',
    }
  if (stored.accountId !== expected.accountId)
    return { because: 'The token belongs to that account.' }
  return {
    because: 'The session begins now, by the clock in the options.',
    likely: 'createdAt and usedAt are both options.now(), in ms.',
  }
}
