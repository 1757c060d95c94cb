/** What a log-in gives to the client, and what of it the store may know. */

import type { StoredSession } from '#code/14-accounts/account-store.ts'
import type { Reason } from '../../harness/failure.ts'
import type { Stage } from '../../judge/step.ts'

const LOOK = 'sessions.begin()'

/** All the bytes that were drawn, and nothing else. */
export function expectToken({ expect, expectSame }: Stage, token: string, drawn: Buffer[]): void {
  expect('options.randomBytes() to be asked', drawn.length > 0, {
    because:
      'The bytes of a token come from where the options say: a test must be able to repeat itself.',
    likely:
      'Ask this.#options.randomBytes, and not the function of that name in node:crypto: the test passes its own.',
    received: 'no call',
    look: LOOK,
  })
  const bytes = Buffer.concat(drawn)
  expectSame('the number of random bytes', bytes.length, 32, {
    because: 'Nobody guesses 256 bits.',
    likely: 'this.#options.randomBytes(TOKEN_BYTES)',
    look: LOOK,
  })
  expectSame('the token', token, bytes.toString('base64url'), {
    because:
      'Nobody guesses 256 bits: it is all of the bytes that were drawn. In base64url they may stand in an address or a cookie as they are.',
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
  expectSame('what is stored', stored, expected, {
    ...whatDiffers(stored, expected[0]),
    look: LOOK,
  })
}

function whatDiffers([stored]: StoredSession[], expected: StoredSession): Reason {
  if (!stored)
    return {
      because: 'Whoever has the token may use it at once.',
      likely: 'await store.add() before you resolve.',
    }
  if (stored.id !== expected.id)
    return {
      because: 'A thief of the database finds the SHA-256 of the token, and that logs in nowhere.',
      likely: 'sessionIdOf(token) is the id.',
    }
  if (stored.accountId !== expected.accountId)
    return { because: 'Whoever shows the token is that account.' }
  return {
    because: 'A session lives from now on, by the clock that the options give.',
    likely: 'createdAt and usedAt are both options.now(), in ms.',
  }
}
