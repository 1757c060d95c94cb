/** scrypt and the PHC string as the tests know them, and a hasher that notes what is asked of it. */

import { scryptSync } from 'node:crypto'

export interface Cost {
  ln: number
  r: number
  p: number
}

/** Cheap, and scrypt all the same. */
export const CHEAP: Cost = { ln: 4, r: 8, p: 1 }

/** "password", hashed by Python's passlib: <https://passlib.readthedocs.io/en/stable/lib/passlib.hash.scrypt.html>. */
export const PASSLIB =
  '$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E'

export function scryptOf(password: string, salt: Uint8Array, { ln, r, p }: Cost): Buffer {
  return scryptSync(password, salt, 32, { N: 2 ** ln, r, p, maxmem: 2 ** 28 })
}

/** The string that is stored for a password. */
export function phcOf(
  password: string,
  cost: Cost,
  salt = Buffer.from('sixteen bytes ok'),
): string {
  return phc(cost, salt, scryptOf(password, salt, cost))
}

export function phc({ ln, r, p }: Cost, salt: Uint8Array, hash: Uint8Array): string {
  const [saltText, hashText] = [salt, hash].map((bytes) =>
    Buffer.from(bytes).toString('base64').replace(/=+$/, ''),
  )
  return `$scrypt$ln=${ln},r=${r},p=${p}$${saltText}$${hashText}`
}

/** Whether that is the password, by our own reading of the string; `undefined` where it is no such string. */
export function fits(password: string, stored: string): boolean | undefined {
  const found = /^\$scrypt\$ln=(\d+),r=(\d+),p=(\d+)\$([^$=]+)\$([^$=]{43})$/.exec(stored)
  if (!found) return undefined
  const [ln, r, p] = found.slice(1, 4).map(Number)
  const [salt, hash] = found.slice(4).map((text) => Buffer.from(text, 'base64'))
  return scryptOf(password, salt, { ln, r, p }).equals(hash)
}

/** Hashes for real, and remembers every call; `fail` makes the next calls reject. */
export class NotedHasher {
  readonly calls: string[] = []
  /** The shortest salt so far. */
  shortestSalt = Number.POSITIVE_INFINITY
  readonly cost: Cost
  /** What the calls to come reject with, one each; `undefined` for one that succeeds. */
  readonly failures: (Error | undefined)[] = []

  constructor(cost: Cost = CHEAP) {
    this.cost = cost
  }

  readonly derive = async (password: string, salt: Uint8Array, cost: Cost): Promise<Uint8Array> => {
    this.calls.push(derivation(password, cost, salt.length))
    this.shortestSalt = Math.min(this.shortestSalt, salt.length)
    const failure = this.failures.shift()
    if (failure) throw failure
    return scryptOf(password, salt, cost)
  }

  /** The calls since the last look. */
  takeCalls(): string[] {
    return this.calls.splice(0)
  }
}

/** A call of derive(), as tests compare it. */
export function derivation(password: string, { ln, r, p }: Cost, saltBytes = 16): string {
  return `"${password}" at ln=${ln}, r=${r}, p=${p}, with ${saltBytes} bytes of salt`
}
