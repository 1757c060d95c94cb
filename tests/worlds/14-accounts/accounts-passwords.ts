/** What is asked of a key derivation, of stored strings, and of their costs. */

import { inspect } from 'node:util'
import { Failure } from '../../harness/failure.ts'
import { PATIENCE_MS, within } from '../../harness/patience.ts'
import type { Story } from '../../harness/story.ts'
import type { Stage } from '../../judge/step.ts'
import { resolves } from './accounts-promises.ts'
import { CHEAP, type Cost, PASSLIB, phc, scryptOf } from './accounts-scrypt.ts'

/** Salt and hash of a string that is only looked at. */
export const ANY_SALT = Buffer.from('sixteen bytes ok')
export const ANY_HASH = Buffer.alloc(32, 7)

export const FORM = 'It is not a PHC string for scrypt.'
export const COSTLY = 'One damaged digit must not cost a minute, or all memory.'
export const BAD_STRINGS: [stored: string, because: string][] = [
  ['', FORM],
  ['correct horse', FORM],
  [PASSLIB.replace('scrypt', 'argon2id'), FORM],
  [PASSLIB.replace(',p=1', ''), FORM],
  [PASSLIB.replace('ln=16', 'ln=x'), FORM],
  [PASSLIB.slice(0, PASSLIB.lastIndexOf('$')), FORM],
  [`${PASSLIB}$`, FORM],
  [PASSLIB.replace('ln=16', 'ln=18'), COSTLY],
  [PASSLIB.replace('ln=16', 'ln=160'), COSTLY],
  [PASSLIB.replace('r=8', 'r=17'), COSTLY],
  [PASSLIB.replace('p=1', 'p=9'), COSTLY],
  [PASSLIB.replace('ln=16', 'ln=0'), 'scrypt requires an ln of at least 1.'],
  [PASSLIB.replace('r=8', 'r=0'), 'scrypt requires an r of at least 1.'],
  [PASSLIB.replace('p=1', 'p=0'), 'scrypt requires a p of at least 1.'],
  [
    phc(CHEAP, ANY_SALT, ANY_HASH.subarray(0, 1)),
    'One password in 256 matches a hash of one byte.',
  ],
  [phc(CHEAP, ANY_SALT, ANY_HASH.subarray(0, 31)), 'The hash is one byte too short.'],
  [phc(CHEAP, ANY_SALT, Buffer.alloc(33)), 'The hash is one byte too long.'],
]

/** What a hash costs in the next test, stored costs, and what they are then. */
export const TODAY: Cost = { ln: 4, r: 8, p: 2 }
export const COSTS: [cost: Cost, verdict: 'right' | 'outdated', because: string][] = [
  [TODAY, 'right', 'It costs what a hash costs today.'],
  [{ ...TODAY, ln: 3 }, 'outdated', 'Today’s ln is higher: this hash is cheaper to guess.'],
  [{ ...TODAY, r: 7 }, 'outdated', 'Today’s r is higher.'],
  [{ ...TODAY, p: 1 }, 'outdated', 'Today’s p is higher.'],
  [{ ln: 5, r: 7, p: 3 }, 'outdated', 'Today’s r is higher, whatever ln and p are.'],
  [
    { ln: 5, r: 9, p: 3 },
    'right',
    'It costs more than today’s: nothing is gained by hashing again.',
  ],
]

/** A parsed string as it was written; what has another shape is shown as it is. */
export function phcFrom(parsed: { cost: Cost; salt: Uint8Array; hash: Uint8Array }): string {
  const { cost, salt, hash } = parsed
  const hasNumbers = cost && [cost.ln, cost.r, cost.p].every((part) => typeof part === 'number')
  const isWhole = hasNumbers && salt instanceof Uint8Array && hash instanceof Uint8Array
  return isWhole ? phc(cost, salt, hash) : inspect(parsed)
}

/** A stored string, short enough for a title. */
export function shown(stored: string): string {
  return JSON.stringify(stored.length > 44 ? `${stored.slice(0, 32)}…${stored.slice(-8)}` : stored)
}

export type DeriveKey = (password: string, salt: Uint8Array, cost: Cost) => Promise<Uint8Array>

/** A key that another program has derived, at a price that scrypt's default limit refuses, and not on this thread. */
export async function expectKeys({ expect, story }: Stage, deriveKey: DeriveKey): Promise<void> {
  const [, , , saltText, hashText] = PASSLIB.split('$')
  story.tell('test', 'derives the key of "password", with ln=16, r=8, p=1')
  const [threadBefore, processBefore] = [cpuOf(process.threadCpuUsage()), cpuOf(process.cpuUsage())]
  const deriving = withMemory(story, deriveKey)('password', Buffer.from(saltText, 'base64'), {
    ln: 16,
    r: 8,
    p: 1,
  })
  const key = await within(10 * PATIENCE_MS, deriving)
  const onThread = cpuOf(process.threadCpuUsage()) - threadBefore
  const inAll = cpuOf(process.cpuUsage()) - processBefore
  expect(
    'the key to be the one that Python derives',
    key !== 'too late' && toText(key) === hashText,
    {
      because: 'scrypt is a standard (RFC 7914). Other programs can read what we store.',
      likely: whyAnotherKey(key),
      expected: hashText,
      received: key === 'too late' ? 'nothing so far' : toText(key),
    },
  )
  expect('another thread to have done the work', onThread < inAll / 2, {
    because: 'While the loop hashes, nobody is served: a fifth of a second for every log-in.',
    likely: 'scrypt() runs in libuv’s threads, scryptSync() in yours.',
    received: `${Math.round((100 * onThread) / inAll)} % of the CPU time was this thread’s`,
  })
  const keyOf = async (password: string, cost = CHEAP) =>
    toText(
      await resolves(story, 'deriveKey()', withMemory(story, deriveKey)(password, ANY_SALT, cost), {
        because: 'scrypt has finished.',
      }),
    )
  for (const cost of [
    { ...CHEAP, r: 3 },
    { ...CHEAP, p: 3 },
    { ln: 2, r: 8, p: 8 },
  ]) {
    const expected = toText(scryptOf('horse', ANY_SALT, cost))
    const received = await keyOf('horse', cost)
    expect(
      `the key at ln=${cost.ln}, r=${cost.r}, p=${cost.p} to be scrypt’s`,
      received === expected,
      {
        because:
          'What a guess costs a thief depends on all three. The stored string names them all.',
        likely:
          'scrypt() takes `r` and `p`, or `blockSize` and `parallelization`. For an option that is missing or misspelt it silently uses the default: r=8, p=1.',
        expected,
        received,
      },
    )
  }
  for (const [one, other] of [
    ['caf\u00e9', 'cafe\u0301'],
    ['\ufb01sh', 'fish'],
  ]) {
    expect(
      `"${one}" to have one key, however it was typed`,
      (await keyOf(one)) === (await keyOf(other)),
      {
        because: 'One keyboard sends é as one code point, another as e and an accent.',
        likely:
          'deriveKey() itself has to call password.normalize("NFKC"): then it does so for all its callers.',
      },
    )
  }
  const long = 'x'.repeat(200)
  for (const [one, other] of [
    ['horse', 'Horse'],
    ['horse', 'horse '],
    ['\u0141ukasz', 'Aukasz'],
    [long, `${long}y`],
  ]) {
    const what = one === long ? '200 and 201 letters' : `"${one}" and "${other}"`
    expect(`${what} to have different keys`, (await keyOf(one)) !== (await keyOf(other)), {
      because: 'They are different passwords.',
      likely: 'Normalize the password to NFKC and change nothing else. Then hash all of it.',
    })
  }
  for (const typed of ['cafe\u0301', '\ufb01sh']) {
    const expectedOf = (form: string) => toText(scryptOf(typed.normalize(form), ANY_SALT, CHEAP))
    const received = await keyOf(typed)
    const isDecomposed = received === expectedOf('NFKD')
    expect(`"${typed}" to be hashed in its NFKC form`, received === expectedOf('NFKC'), {
      because: 'Other programs can read what we store as long as they hash the same bytes.',
      likely: isDecomposed
        ? 'Use password.normalize("NFKC"): NFKD spells "é" with two code points instead of one.'
        : 'Pass the string to scrypt(), which hashes its UTF-8 bytes.',
    })
  }
}

/** The function, with a card for the one error of scrypt that says nothing about its cause. */
function withMemory(story: Story, deriveKey: DeriveKey): DeriveKey {
  return async (password, salt, cost) => {
    try {
      return await deriveKey(password, salt, cost)
    } catch (error) {
      if (!String(error).includes('memory limit exceeded')) throw error
      const { ln, r, p } = cost
      throw new Failure(story, {
        headline: `The test expected deriveKey() to derive a key with ln=${ln}, r=${r}, p=${p}.`,
        received: { text: String(error) },
        because:
          'scrypt() refuses whatever might take more memory than `maxmem`: 32 MiB by default.',
        likely: 'Pass `maxmem: MAX_MEMORY_BYTES` among the options.',
        look: 'passwords.deriveKey()',
      })
    }
  }
}

function whyAnotherKey(key: unknown): string {
  if (!(key instanceof Uint8Array)) return 'Return a promise that the callback of scrypt() settles.'
  if (key.length !== 32) return `The key is HASH_BYTES long. This one has ${key.length} bytes.`
  return 'N is 2 to the power of ln. Pass r and p as they are.'
}

export function toText(bytes: Uint8Array): string {
  if (!(bytes instanceof Uint8Array)) return inspect(bytes)
  return Buffer.from(bytes).toString('base64').replaceAll('=', '')
}

export function cpuOf({ user, system }: NodeJS.CpuUsage): number {
  return user + system
}
