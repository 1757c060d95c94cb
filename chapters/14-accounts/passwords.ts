/**
 * Passwords: what is stored is a salted scrypt hash, in a string that says how it was made.
 *
 *     $scrypt$ln=15,r=8,p=3$<salt>$<hash>        the PHC string format; base64 without padding
 *
 * Hashing is slow on purpose: a thief of the database pays the same price for every guess. The salt gives equal
 * passwords different hashes, and the parameters stay with the hash, so the price can rise without anybody losing an
 * account. Nothing here knows accounts, and no function keeps or prints a password.
 */

import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'

/** What a hash costs: 128 · 2^ln · r bytes of memory, and p times the work of filling them. RFC 7914 §2. */
export interface Cost {
  ln: number
  r: number
  p: number
}

/** Derives a key of `HASH_BYTES` from a password. */
export type Derive = (password: string, salt: Uint8Array, cost: Cost) => Promise<Uint8Array>

/** How passwords are hashed here: by whom, and at which price from now on. */
export interface Hasher {
  derive: Derive
  cost: Cost
}

/** A stored hash, taken apart. */
export interface StoredHash {
  cost: Cost
  salt: Uint8Array
  hash: Uint8Array
}

/** `outdated`: the password is right, but ln, r or p of its hash is below today's. */
export type Verdict = 'right' | 'outdated' | 'wrong'

export const COST: Cost = { ln: 15, r: 8, p: 3 }

/** The most that a stored hash may ask for. One damaged or forged digit must not cost a minute, or all memory. */
export const MAX_COST: Cost = { ln: 17, r: 16, p: 8 }

/** More than `MAX_COST` takes. scrypt's default limit is too small for `COST`. */
const MAX_MEMORY_BYTES = 512 * 1024 * 1024

export const HASH_BYTES = 32
const SALT_BYTES = 16

const PHC = /^\$scrypt\$ln=(\d+),r=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/

/**
 * Resolves with the key that scrypt derives: `HASH_BYTES` long. The work is done in another thread; the loop goes on.
 * Rejects when scrypt fails.
 *
 * The same password may be typed as different code points ("é" has two spellings): the NFKC form is hashed.
 *
 * @step 14.1
 */
export function deriveKey(password: string, salt: Uint8Array, cost: Cost): Promise<Uint8Array> {
  // TODO 14.1
  throw new Error('TODO 14.1')
}

/**
 * Resolves with the string to store for a new password: hashed at today's cost, with a random salt of its own.
 *
 * @step 14.1
 */
export async function hashPassword(password: string, { derive, cost }: Hasher): Promise<string> {
  // TODO 14.1
  throw new Error('TODO 14.1')
}

/**
 * Takes a stored string apart. `undefined` if it has another form, if a parameter is below 1 or above `MAX_COST`, or if
 * the hash is not exactly `HASH_BYTES` long.
 *
 * @step 14.1
 */
export function parseHash(stored: string): StoredHash | undefined {
  // TODO 14.1
  throw new Error('TODO 14.1')
}

/**
 * Resolves with whether this is the password. Its key is derived once, with the salt and cost of the stored string, and
 * compared in constant time. A string that `parseHash` does not accept matches no password, and nothing is derived.
 *
 * @step 14.1
 */
export async function verifyPassword(
  password: string,
  stored: string,
  { derive, cost }: Hasher,
): Promise<Verdict> {
  // TODO 14.1
  throw new Error('TODO 14.1')
}

/** The string to store. */
export function formatHash({ cost: { ln, r, p }, salt, hash }: StoredHash): string {
  return `$scrypt$ln=${ln},r=${r},p=${p}$${toBase64(salt)}$${toBase64(hash)}`
}

/** A stored string that costs as much as any other, but for which nobody knows a password. */
export function decoyHash(cost: Cost): string {
  return formatHash({ cost, salt: randomBytes(SALT_BYTES), hash: randomBytes(HASH_BYTES) })
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replaceAll('=', '')
}
