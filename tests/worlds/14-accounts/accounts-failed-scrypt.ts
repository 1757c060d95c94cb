/** scrypt that fails, as it does when there is no memory for it: chapter 14's derivation has to say so. */

import { createRequire, syncBuiltinESMExports } from 'node:module'
import { PATIENCE_MS, within } from '../../harness/patience.ts'
import type { Stage } from '../../judge/step.ts'
import { ANY_SALT, type DeriveKey } from './accounts-passwords.ts'
import { stagedError } from './accounts-promises.ts'
import { CHEAP } from './accounts-scrypt.ts'

type Done = (error: Error | null, key?: Uint8Array) => void

const crypto: { scrypt: unknown } = createRequire(import.meta.url)('node:crypto')

export async function expectScryptFailure(
  { expect, story }: Stage,
  deriveKey: DeriveKey,
): Promise<void> {
  const outcome = await whileScryptFails(() => deriveKey('horse', ANY_SALT, CHEAP))
  // It has kept a scrypt() of its own since it was loaded: util.promisify() passes errors on.
  if (outcome === 'not called') return
  story.tell('test', 'derives a key, and scrypt() calls back with an error')
  expect('the promise to be rejected with it', outcome === 'Error: out of memory', {
    because:
      'Nobody knows the key. What waits for it would wait forever, or store a hash of nothing.',
    likely: 'The first argument of the callback is the error: reject with it.',
    expected: 'Error: out of memory',
    received: outcome,
    look: 'passwords.deriveKey()',
  })
}

/** What becomes of the promise, in words. */
async function whileScryptFails(derive: () => Promise<Uint8Array>): Promise<string> {
  const { scrypt } = crypto
  const { promise: isCalled, resolve: call } = Promise.withResolvers<string>()
  let calls = 0
  const fail = (...args: unknown[]) => {
    calls += 1
    setImmediate(() => {
      try {
        ;(args.at(-1) as Done)(stagedError(new Error('out of memory')))
      } catch (error) {
        call(`its callback has thrown "${error}", which would end the process`)
      }
    })
  }
  Object.assign(crypto, { scrypt: fail })
  syncBuiltinESMExports()
  try {
    const settled = derive().then(
      (key) => `resolved with ${key}`,
      (error: unknown) => String(error),
    )
    const outcome = await within(PATIENCE_MS, Promise.race([settled, isCalled]))
    if (calls === 0) return 'not called'
    return outcome === 'too late' ? 'nothing: it waits' : outcome
  } finally {
    Object.assign(crypto, { scrypt })
    syncBuiltinESMExports()
  }
}
