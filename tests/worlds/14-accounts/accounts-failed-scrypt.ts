/** scrypt that fails, as it does when there is no memory for it: chapter 14's derivation has to say so, and to allow enough. */

import { createRequire, syncBuiltinESMExports } from 'node:module'
import { withCommas } from '../../harness/numbers.ts'
import { PATIENCE_MS, within } from '../../harness/patience.ts'
import type { Stage } from '../../judge/step.ts'
import { ANY_SALT, type DeriveKey } from './accounts-passwords.ts'
import { stagedError } from './accounts-promises.ts'
import { CHEAP, type Cost } from './accounts-scrypt.ts'

type Done = (error: Error | null, key?: Uint8Array) => void

const crypto: { scrypt: unknown } = createRequire(import.meta.url)('node:crypto')

/** The highest cost that a stored string may name. */
const MOST: Cost = { ln: 17, r: 16, p: 8 }

/** What scrypt may take unless it is told. */
const DEFAULT_MAXMEM = 32 * 1024 * 1024

export async function expectScryptFailure(
  { expect, story }: Stage,
  deriveKey: DeriveKey,
): Promise<void> {
  const { kind, outcome } = await whileScryptFails(() => deriveKey('horse', ANY_SALT, CHEAP))
  // It has kept a scrypt() of its own since it was loaded: util.promisify() passes errors on.
  if (outcome === 'not called') return
  story.tell('test', 'derives a key, and scrypt() calls back with an error')
  const isAnother = kind === 'rejected'
  expect('deriveKey() to reject with that error', outcome === 'Error: out of memory', {
    because: isAnother
      ? 'It has rejected with another error. The caller, and the operator, need the one that says what has failed.'
      : 'There is no key. A caller that awaits it would wait forever, or store a hash of nothing.',
    likely: isAnother
      ? 'Reject with the error that the callback was given, as it is.'
      : 'The first argument of the callback is the error: reject with it.',
    expected: 'Error: out of memory',
    received: outcome,
    look: 'passwords.deriveKey()',
  })
  const { maxmem, outcome: next } = await whileScryptFails(() => deriveKey('horse', ANY_SALT, MOST))
  expect('deriveKey() to call scrypt() again', next !== 'not called', {
    because: 'The previous key could not be derived. That says nothing about the next one.',
    likely:
      'Does a call wait for the one before it? Then its error is handed on to all that follow.',
    received: 'scrypt() was not called',
    look: 'passwords.deriveKey()',
  })
  const needed = bytesFor(MOST)
  expect('scrypt() to be allowed the memory that MAX_COST takes', maxmem >= needed, {
    because:
      'parseHash() accepts ln=17, r=16, p=8. If scrypt() refuses that, nobody with such a hash can log in.',
    likely: 'Set `maxmem` in the options to MAX_MEMORY_BYTES.',
    expected: `${withCommas(needed)} bytes or more`,
    received: `${withCommas(maxmem)} bytes`,
    look: 'passwords.deriveKey()',
  })
}

/** OpenSSL takes 128 · r bytes for each of N + 2 blocks, and for each of p lanes. */
function bytesFor({ ln, r, p }: Cost): number {
  return 128 * r * (2 ** ln + 2 + p)
}

/** What becomes of the promise, in words, and how much memory scrypt was allowed. */
async function whileScryptFails(
  derive: () => Promise<Uint8Array>,
): Promise<{ kind: 'rejected' | 'other'; outcome: string; maxmem: number }> {
  const { scrypt } = crypto
  const { promise: isCalled, resolve: call } = Promise.withResolvers<string>()
  let calls = 0
  let maxmem = DEFAULT_MAXMEM
  let kind: 'rejected' | 'other' = 'other'
  const fail = (...args: unknown[]) => {
    calls += 1
    maxmem = (args[3] as { maxmem?: number }).maxmem ?? maxmem
    setImmediate(() => {
      try {
        ;(args.at(-1) as Done)(stagedError(new Error('out of memory')))
      } catch (error) {
        call(`its callback threw "${error}", which would end the process`)
      }
    })
  }
  Object.assign(crypto, { scrypt: fail })
  syncBuiltinESMExports()
  try {
    const settled = derive().then(
      (key) => `resolved with ${key}`,
      (error: unknown) => {
        kind = 'rejected'
        return String(error)
      },
    )
    const outcome = await within(PATIENCE_MS, Promise.race([settled, isCalled]))
    if (calls === 0) return { kind, outcome: 'not called', maxmem }
    return {
      kind,
      outcome: outcome === 'too late' ? 'nothing: the promise is still pending' : outcome,
      maxmem,
    }
  } finally {
    Object.assign(crypto, { scrypt })
    syncBuiltinESMExports()
  }
}
