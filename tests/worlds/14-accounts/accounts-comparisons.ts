/** How a key is compared with the stored one: what stops at the first byte that differs tells a clock how many were right. */

import { createRequire, syncBuiltinESMExports } from 'node:module'
import type { Hasher, Verdict } from '#code/14-accounts/passwords.ts'
import type { Stage } from '../../judge/step.ts'
import { ANY_SALT } from './accounts-passwords.ts'
import { CHEAP, NotedHasher, phcOf, scryptOf } from './accounts-scrypt.ts'

type Verify = (password: string, stored: string, hasher: Hasher) => Promise<Verdict>
type Method = (this: unknown, ...values: unknown[]) => unknown

const crypto: { timingSafeEqual: Method } = createRequire(import.meta.url)('node:crypto')

const QUICK = [
  [Buffer, 'compare'],
  [Buffer.prototype, 'equals'],
  [Buffer.prototype, 'compare'],
  [Object.getPrototypeOf(Uint8Array.prototype), 'every'],
  [Object.getPrototypeOf(Uint8Array.prototype), 'some'],
] as const

export async function expectConstantTime(
  { expect, story }: Stage,
  verifyPassword: Verify,
): Promise<void> {
  story.tell('test', 'verifies a password, and notes how the derived key is compared')
  const key = scryptOf('correct horse', ANY_SALT, CHEAP)
  const stored = phcOf('correct horse', CHEAP)
  const seen = await comparisonsOf(key, async () => {
    await verifyPassword('correct horse', stored, new NotedHasher() as Hasher)
  })
  expect('the key to be compared in constant time', seen.length === 0, {
    because:
      'A comparison that stops at the first difference takes longer the more bytes are right. Attackers measure that.',
    likely: 'Use timingSafeEqual(a, b): it looks at all the bytes, whatever they are.',
    received: `the key is passed to ${seen[0]}`,
    look: 'passwords.verifyPassword()',
  })
}

/** What such a key is given to that is too quick; text counts unless timingSafeEqual() is called as well. */
async function comparisonsOf(key: Buffer, act: () => Promise<void>): Promise<string[]> {
  const [quick, texts]: [string[], string[]] = [[], []]
  let safely = 0
  const { equals } = Buffer.prototype
  const isKey = (value: unknown) => value instanceof Uint8Array && equals.call(key, value)
  const undo = [
    ...QUICK.map(([owner, name]) =>
      spy(owner, name, (values) => values.some(isKey) && quick.push(`${name}()`)),
    ),
    spy(Buffer.prototype, 'toString', ([self]) => isKey(self) && texts.push('toString()')),
    spy(crypto, 'timingSafeEqual', () => {
      safely += 1
    }),
  ]
  syncBuiltinESMExports()
  try {
    await act()
  } finally {
    for (const put of undo) put()
    syncBuiltinESMExports()
  }
  return safely > 0 ? quick : [...quick, ...texts]
}

/** Notes what a method is called on and with. Returns a function that puts the method back. */
function spy(owner: object, name: string, note: (values: unknown[]) => unknown): () => void {
  const method: Method = Reflect.get(owner, name)
  const spied: Method = function (...values) {
    note([this, ...values])
    return method.apply(this, values)
  }
  Object.assign(owner, { [name]: spied })
  return () => void Object.assign(owner, { [name]: method })
}
