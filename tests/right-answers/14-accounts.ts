import type { RightAnswer } from './right-answer.ts'

const passwords = 'passwords.ts'
const queue = 'hash-queue.ts'
const credentials = 'credentials.ts'
const migrations = 'migrations.ts'
const sessions = 'sessions.ts'
const throttle = 'throttle.ts'
const live = 'live-sessions.ts'

export const rightAnswers: RightAnswer[] = [
  {
    name: 'splits-the-string',
    style: 'The stored string is split at its dollars; the key is derived by a promisified scrypt.',
    edits: [
      {
        file: passwords,
        hole: 'parseHash',
        by: `const parts = stored.split('$')
  if (parts.length !== 5 || parts[0] !== '' || parts[1] !== 'scrypt') return undefined
  const names = parts[2].split(',').map((pair) => pair.split('='))
  if (names.map(([name]) => name).join() !== 'ln,r,p') return undefined
  const [ln, r, p] = names.map(([, value]) => Number.parseInt(value, 10))
  const isWithin = (value: number, most: number) => value >= 1 && value <= most
  if (!isWithin(ln, MAX_COST.ln) || !isWithin(r, MAX_COST.r) || !isWithin(p, MAX_COST.p)) return undefined
  const hash = Buffer.from(parts[4], 'base64')
  if (hash.length !== HASH_BYTES) return undefined
  return { cost: { ln, r, p }, salt: Buffer.from(parts[3], 'base64'), hash }`,
      },
      {
        file: passwords,
        hole: 'deriveKey',
        by: `return (
    promisify(scrypt) as (
      password: string,
      salt: Uint8Array,
      length: number,
      options: object,
    ) => Promise<Uint8Array>
  )(password.normalize('NFKC'), salt, HASH_BYTES, {
    N: 1 << cost.ln,
    r: cost.r,
    p: cost.p,
    maxmem: 128 * cost.r * (2 ** cost.ln + cost.p + 2) + 4096,
  })`,
      },
      {
        file: passwords,
        replace: "} from 'node:crypto'\n",
        by: "} from 'node:crypto'\nimport { promisify } from 'node:util'\n",
      },
    ],
  },
  {
    name: 'promises-instead-of-await',
    style: 'The queue keeps the tasks themselves, and starts the next from then().',
    edits: [
      {
        file: queue,
        hole: 'run',
        by: `const { promise, resolve, reject } = Promise.withResolvers<T>()
    const start = () => {
      this.#running += 1
      new Promise<T>((begin) => begin(task())).then(resolve, reject).then(() => {
        this.#running -= 1
        this.#waiting.shift()?.()
      })
    }
    if (this.#running < this.#limits.running) start()
    else if (this.#waiting.length < this.#limits.waiting) this.#waiting.push(start)
    else {
      this.#refused += 1
      reject(new HashesBusy())
    }
    return promise`,
      },
      {
        file: queue,
        replace: `  /** @answer 14.2 */
  #turn(): Promise<void> {
    if (this.#waiting.length < this.#limits.waiting)
      return new Promise((resolve) => this.#waiting.push(resolve))
    this.#refused += 1
    throw new HashesBusy()
  }
`,
        by: '',
      },
    ],
  },
  {
    name: 'hashes-for-the-unknown',
    style:
      'Without an account the password is hashed as if it were a new one: as many keys, at the same cost.',
    edits: [
      {
        file: credentials,
        hole: 'check',
        by: `if (!account) {
      await hashPassword(password, this.#hasher)
      void this.#decoy
      return undefined
    }
    switch (await verifyPassword(password, account.passwordHash, this.#hasher)) {
      case 'wrong':
        return undefined
      case 'outdated':
        await this.#rehash(account, password)
        return account
      case 'right':
        return account
    }`,
      },
    ],
  },
  {
    name: 'a-transaction-for-each-migration',
    style:
      'Each migration has a transaction of its own, which looks at the version once it has the lock.',
    edits: [
      {
        file: migrations,
        hole: 'migrate',
        by: `if (schemaVersion(database) > migrations.length)
    throw new NewerSchema(schemaVersion(database), migrations.length)
  for (const [index, sql] of migrations.entries()) {
    database.exec('BEGIN EXCLUSIVE')
    let isDone = false
    try {
      if (schemaVersion(database) === index) {
        database.exec(sql)
        database.exec('PRAGMA user_version = ' + (index + 1))
      }
      database.exec('COMMIT')
      isDone = true
    } finally {
      if (!isDone && database.isTransaction) database.exec('ROLLBACK')
    }
  }`,
      },
    ],
  },
  {
    name: 'does-not-wait-for-what-it-notes',
    style: 'A use is noted in the background; the answer does not wait for the disk.',
    edits: [
      {
        file: sessions,
        hole: 'use',
        by: `const session = await this.#store.find(sessionId)
    const now = this.#options.now()
    if (session && this.isOver(session)) {
      this.#store.remove(sessionId).catch(() => {})
      return
    }
    if (session && session.usedAt + NOTE_EVERY_MS <= now) this.#store.touch(sessionId, now).catch(() => {})
    return session`,
      },
      {
        file: sessions,
        hole: 'isOver',
        by: `const endsAt = Math.min(createdAt + this.#options.maxMs, usedAt + this.#options.idleMs)
    return this.#options.now() >= endsAt`,
      },
    ],
  },
  {
    name: 'collects-all-waits',
    style:
      'Every reason to wait is collected before any is judged, and a success counts for itself.',
    edits: [
      {
        file: throttle,
        hole: 'begin',
        by: `const waits = [this.#rate.take(address)]
    if (waits[0] > 0) return waits[0]
    const pair = this.#pair(account, address)
    const window = this.#window(account)
    const now = this.#clock.now()
    waits.push(pair.waitUntil - now)
    if (!this.#known.has(keyOf(account, address)) && window.failures >= this.#limits.maxFailures)
      waits.push(window.beganAt + this.#limits.windowMs - now)
    const longest = Math.max(...waits)
    if (longest > 0) return longest
    let delayMs = this.#limits.firstDelayMs
    for (let failure = 0; failure < pair.failures && delayMs < this.#limits.maxDelayMs; failure++)
      delayMs *= 2
    pair.failures++
    window.failures++
    pair.triedAt = now
    pair.waitUntil = now + Math.min(delayMs, this.#limits.maxDelayMs)
    return 0`,
      },
      {
        file: throttle,
        hole: 'succeed',
        by: `const pair = this.#pair(account, address)
    const window = this.#window(account)
    if (window.failures > 0) window.failures -= 1
    pair.failures = 0
    pair.waitUntil = 0
    this.#known.use(keyOf(account, address))`,
      },
    ],
  },
  {
    name: 'peers-forget-themselves',
    style:
      'end() leaves the forgetting to leave(), which every peer that is closed calls; sessions are looked at fifty at a time.',
    edits: [
      {
        file: live,
        hole: 'end',
        by: `const all = [...new Set(sessionIds)].flatMap((id) => [...(this.#peers.get(id) ?? [])].map((peer) => ({ id, peer })))
    for (const { id, peer } of all) {
      this.leave(id, peer)
      peer.close('no-session')
    }`,
      },
      {
        file: live,
        hole: 'endOver',
        by: `const ids = Array.from(this.#peers.keys())
    while (ids.length > 0) {
      const some = ids.splice(0, 50)
      const found = await Promise.all(some.map((id) => this.#sessions.use(id)))
      this.end(some.filter((_, index) => found[index] === undefined))
    }`,
      },
      {
        file: live,
        hole: 'enter',
        by: `let peers = this.#peers.get(sessionId)
    if (!peers) this.#peers.set(sessionId, (peers = new Set()))
    peers.add(peer)
    return this.#sessions.use(sessionId).then(
      (session) => {
        if (!session) this.leave(sessionId, peer)
        return peers.has(peer) && this.#peers.get(sessionId) === peers ? session : undefined
      },
      (error) => {
        this.leave(sessionId, peer)
        throw error
      },
    )`,
      },
    ],
  },
  {
    name: 'compares-with-a-loop',
    style:
      'The keys are compared by a loop over all of their bytes; scrypt is told its options by their long names.',
    edits: [
      {
        file: passwords,
        hole: 'verifyPassword',
        by: `const parsed = parseHash(stored)
  if (parsed === undefined) return 'wrong'
  const { cost: old, salt, hash: expected } = parsed
  const derived = await derive(password, salt, old)
  let differences = derived.length ^ expected.length
  for (let at = 0; at < expected.length; at++) differences |= derived[at] ^ expected[at]
  if (differences !== 0) return 'wrong'
  const isCheaper = (['ln', 'r', 'p'] as const).some((part) => old[part] < cost[part])
  return isCheaper ? 'outdated' : 'right'`,
      },
      {
        file: passwords,
        hole: 'deriveKey',
        by: `const typed = password.normalize('NFKC')
  return new Promise((done, failed) => {
    const names = { cost: 1 << cost.ln, blockSize: cost.r, parallelization: cost.p }
    const maxmem = 256 * names.cost * names.blockSize + MAX_MEMORY_BYTES
    scrypt(typed, salt, HASH_BYTES, { ...names, maxmem }, (error, key) => {
      if (error) failed(error)
      else done(new Uint8Array(key))
    })
  })`,
      },
      {
        file: passwords,
        replace: 'import { randomBytes, scrypt, timingSafeEqual }',
        by: 'import { randomBytes, scrypt }',
      },
    ],
  },
  {
    name: 'compares-what-nobody-can-choose',
    style:
      'Both keys are hashed with a secret of the moment, and the results are compared as they come: their clock says nothing.',
    edits: [
      {
        file: passwords,
        replace: 'import { randomBytes, scrypt, timingSafeEqual }',
        by: 'import { createHmac, randomBytes, scrypt }',
      },
      {
        file: passwords,
        replace: 'if (!timingSafeEqual(hash, parsed.hash)) return',
        by: `const secret = randomBytes(HASH_BYTES)
  const macOf = (bytes: Uint8Array) => createHmac('sha256', secret).update(bytes).digest()
  if (!macOf(hash).equals(macOf(parsed.hash))) return`,
      },
    ],
  },
  {
    name: 'looks-before-it-locks-and-again',
    style:
      'A database that is up to date is never locked. A newer program that comes in between is left alone, without an error.',
    edits: [
      {
        file: migrations,
        hole: 'migrate',
        by: `const found = schemaVersion(database)
  if (found > migrations.length) throw new NewerSchema(found, migrations.length)
  if (found === migrations.length) return
  database.exec('BEGIN IMMEDIATE')
  try {
    for (let next = schemaVersion(database); next < migrations.length; next++) {
      database.exec(migrations[next])
      database.exec(\`PRAGMA user_version = \${next + 1}\`)
    }
    database.exec('COMMIT')
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }`,
      },
      {
        file: sessions,
        hole: 'use',
        by: `const session = await this.#store.find(sessionId)
    if (session === undefined) return undefined
    if (this.isOver(session)) {
      await this.end(sessionId)
      return undefined
    }
    const now = this.#options.now()
    const isDue = now - session.usedAt >= NOTE_EVERY_MS
    if (isDue && !this.#noting.has(sessionId)) {
      this.#noting.add(sessionId)
      await this.#store.touch(sessionId, now).finally(() => this.#noting.delete(sessionId))
    }
    return session`,
      },
      {
        file: sessions,
        replace: '  readonly #store: SessionStore\n',
        by: '  readonly #store: SessionStore\n  readonly #noting = new Set<string>()\n',
      },
      {
        file: live,
        hole: 'endOver',
        by: `const ids = [...this.#peers.keys()]
    const lookUp = async () => {
      for (let id = ids.pop(); id !== undefined; id = ids.pop()) {
        if (!this.#peers.has(id)) continue
        const session = await this.#sessions.use(id)
        if (session === undefined) this.end([id])
      }
    }
    await Promise.all(Array.from({ length: 8 }, lookUp))`,
      },
    ],
  },
  {
    name: 'a-longer-salt-and-whole-waits',
    style:
      'A new salt has 24 bytes. A wait is rounded up to whole milliseconds, so it never becomes 0.',
    edits: [
      {
        file: passwords,
        hole: 'hashPassword',
        by: `const salt = randomBytes(24)
  return formatHash({ cost, salt, hash: await derive(password, salt, cost) })`,
      },
      {
        file: throttle,
        replace: 'if (waitMs > 0) return waitMs',
        by: 'if (waitMs > 0) return Math.ceil(waitMs)',
      },
    ],
  },
  {
    name: 'whoever-is-entering-has-a-list-of-its-own',
    style:
      'A peer is not in its session before the store has answered. end() strikes it off the list, and the caller of enter() closes it.',
    edits: [
      {
        file: live,
        replace: '  constructor(sessions: Sessions) {',
        by: `  readonly #entering = new Set<{ sessionId: string; peer: SessionPeer }>()

  constructor(sessions: Sessions) {`,
      },
      {
        file: live,
        hole: 'enter',
        by: `const entering = { sessionId, peer }
    this.#entering.add(entering)
    try {
      const session = await this.#sessions.use(sessionId)
      if (!session || !this.#entering.has(entering)) return undefined
      const peers = this.#peers.get(sessionId)
      if (peers) peers.add(peer)
      else this.#peers.set(sessionId, new Set([peer]))
      return session
    } finally {
      this.#entering.delete(entering)
    }`,
      },
      {
        file: live,
        hole: 'leave',
        by: `for (const entering of this.#entering) {
      if (entering.sessionId === sessionId && entering.peer === peer) this.#entering.delete(entering)
    }
    const peers = this.#peers.get(sessionId)
    if (peers?.delete(peer) && peers.size === 0) this.#peers.delete(sessionId)`,
      },
      {
        file: live,
        hole: 'end',
        by: `for (const sessionId of sessionIds) {
      for (const entering of this.#entering) {
        if (entering.sessionId === sessionId) this.#entering.delete(entering)
      }
      const peers = this.#peers.get(sessionId) ?? []
      this.#peers.delete(sessionId)
      for (const peer of peers) peer.close('no-session')
    }`,
      },
    ],
  },
]
