import type { Mistake } from './mistake.ts'

const passwords = 'passwords.ts'
const queue = 'hash-queue.ts'
const credentials = 'credentials.ts'
const migrations = 'migrations.ts'
const sessions = 'sessions.ts'
const throttle = 'throttle.ts'
const live = 'live-sessions.ts'

const RUN = `    if (this.#running < this.#limits.running) this.#running += 1
    else await this.#turn()
    try {
      return await task()
    } finally {
      const next = this.#waiting.shift()
      // The place is handed over: whoever calls run() at this moment cannot take it.
      if (next) next()
      else this.#running -= 1
    }`
const HAND_OVER = `      if (next) next()
      else this.#running -= 1`
const BOUND = 'if (this.#waiting.length < this.#limits.waiting)'
const CALL_SCRYPT = `  scrypt(password.normalize('NFKC'), salt, HASH_BYTES, options, (error, key) =>
    error ? reject(error) : resolve(key),
  )`
const COUNT_TRY = `    pair.waitUntil = now + Math.min(firstDelayMs * 2 ** pair.failures, maxDelayMs)
    pair.triedAt = now
    pair.failures += 1
    window.failures += 1`
const ENTER = `    const peers = this.#peers.get(sessionId) ?? new Set()
    this.#peers.set(sessionId, peers.add(peer))
    let session: StoredSession | undefined
    try {
      session = await this.#sessions.use(sessionId)
    } finally {
      if (!session) this.leave(sessionId, peer)
    }
    return this.#peers.get(sessionId)?.has(peer) ? session : undefined`

/** One migration after the other, each carried out by these lines. */
const eachMigration = (body: string) => `const version = schemaVersion(database)
  if (version > migrations.length) throw new NewerSchema(version, migrations.length)
  for (let done = version; done < migrations.length; done++) {
    try {
      ${body}
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK')
      throw error
    }
  }`
const MIGRATE_ONE = `database.exec('BEGIN IMMEDIATE')
      database.exec(migrations[done])
      database.exec('COMMIT')`
const COUNT_ONE = 'database.exec(`PRAGMA user_version = ${done + 1}`)'

export const mistakes: Mistake[] = [
  {
    name: 'hashes-on-the-loop',
    step: '14.1',
    says: ['While the loop hashes, nobody is served', 'scryptSync() in yours'],
    edits: [
      {
        file: passwords,
        replace: CALL_SCRYPT,
        by: "  resolve(scryptSync(password.normalize('NFKC'), salt, HASH_BYTES, options))\n  void reject",
      },
      { file: passwords, replace: 'randomBytes, scrypt,', by: 'randomBytes, scryptSync,' },
    ],
  },
  {
    name: 'hashes-on-the-loop-later',
    step: '14.1',
    says: ['While the loop hashes, nobody is served'],
    edits: [
      {
        file: passwords,
        replace: CALL_SCRYPT,
        by: "  setImmediate(() => resolve(scryptSync(password.normalize('NFKC'), salt, HASH_BYTES, options)))\n  void reject",
      },
      { file: passwords, replace: 'randomBytes, scrypt,', by: 'randomBytes, scryptSync,' },
    ],
  },
  {
    name: 'believes-in-the-default-memory',
    step: '14.1',
    says: ['memory limit exceeded'],
    edits: [{ file: passwords, replace: ', maxmem: MAX_MEMORY_BYTES }', by: ' }' }],
  },
  {
    name: 'takes-ln-for-n',
    step: '14.1',
    says: ['N is 2 to the power of ln'],
    edits: [{ file: passwords, replace: 'N: 2 ** ln', by: 'N: ln' }],
  },
  {
    name: 'hashes-what-the-keyboard-sent',
    step: '14.1',
    says: ['One keyboard sends é as one code point'],
    edits: [{ file: passwords, replace: "password.normalize('NFKC')", by: 'password' }],
  },
  {
    name: 'normalizes-too-little',
    step: '14.1',
    says: ['password.normalize("NFKC")'],
    edits: [{ file: passwords, replace: "normalize('NFKC')", by: "normalize('NFC')" }],
  },
  {
    name: 'hashes-the-first-72-bytes',
    step: '14.1',
    says: ['all of it'],
    edits: [
      { file: passwords, replace: "normalize('NFKC')", by: "normalize('NFKC').slice(0, 72)" },
    ],
  },
  {
    name: 'trims-the-password',
    step: '14.1',
    says: ['They are different passwords'],
    edits: [{ file: passwords, replace: "normalize('NFKC')", by: "normalize('NFKC').trim()" }],
  },
  {
    name: 'one-salt-for-all',
    step: '14.1',
    says: ['Each hash has a salt of its own'],
    edits: [
      {
        file: passwords,
        replace: `  const salt = randomBytes(SALT_BYTES)
  return formatHash`,
        by: `  const salt = Buffer.alloc(SALT_BYTES, 'salt')
  return formatHash`,
      },
    ],
  },
  {
    name: 'stores-another-salt',
    step: '14.1',
    says: ['Is the salt in the string the one that derive() was given?'],
    edits: [
      {
        file: passwords,
        replace: '  return formatHash({ cost, salt, hash: await derive(password, salt, cost) })',
        by: '  return formatHash({ cost, salt, hash: await derive(password, randomBytes(SALT_BYTES), cost) })',
      },
    ],
  },
  {
    name: 'a-salt-of-four-bytes',
    step: '14.1',
    says: ['Short salts repeat'],
    edits: [
      {
        file: passwords,
        replace: `  const salt = randomBytes(SALT_BYTES)
  return formatHash`,
        by: `  const salt = randomBytes(4)
  return formatHash`,
      },
    ],
  },
  {
    name: 'believes-whatever-is-stored',
    step: '14.1',
    says: ['One damaged digit must not cost a minute'],
    edits: [
      {
        file: passwords,
        replace: '  if (ln > MAX_COST.ln || r > MAX_COST.r || p > MAX_COST.p) return undefined\n',
        by: '',
      },
    ],
  },
  {
    name: 'below-the-most-instead-of-up-to',
    step: '14.1',
    says: ['MAX_COST itself is allowed'],
    edits: [
      {
        file: passwords,
        replace: 'ln > MAX_COST.ln || r > MAX_COST.r || p > MAX_COST.p',
        by: 'ln >= MAX_COST.ln || r >= MAX_COST.r || p >= MAX_COST.p',
      },
    ],
  },
  {
    name: 'a-hash-of-any-length',
    step: '14.1',
    says: ['One password in 256 matches a hash of one byte'],
    edits: [{ file: passwords, replace: ' || hash.length !== HASH_BYTES', by: '' }],
  },
  {
    name: 'what-is-no-number-is-not-too-large',
    step: '14.1',
    says: ['It is not a PHC string for scrypt'],
    edits: [
      {
        file: passwords,
        hole: 'parseHash',
        by: `const [, name, parameters, salt64, hash64] = stored.split('$')
  if (name !== 'scrypt' || !hash64) return undefined
  const numbers = new Map(parameters.split(',').map((text) => text.split('=') as [string, string]))
  const [ln, r, p] = ['ln', 'r', 'p'].map((key) => Number(numbers.get(key)))
  const [salt, hash] = [salt64, hash64].map((text) => Buffer.from(text, 'base64'))
  if (Math.min(ln, r, p) < 1 || hash.length !== HASH_BYTES) return undefined
  if (ln > MAX_COST.ln || r > MAX_COST.r || p > MAX_COST.p) return undefined
  return { cost: { ln, r, p }, salt, hash }`,
      },
    ],
  },
  {
    name: 'compares-the-beginning',
    step: '14.1',
    says: ['in byte 31', 'All bytes count'],
    edits: [
      {
        file: passwords,
        replace: 'timingSafeEqual(hash, parsed.hash)',
        by: 'timingSafeEqual(hash.subarray(0, 16), parsed.hash.subarray(0, 16))',
      },
    ],
  },
  {
    name: 'verifies-at-todays-cost',
    step: '14.1',
    says: ['Verify with the stored cost'],
    edits: [
      {
        file: passwords,
        replace: 'await derive(password, parsed.salt, parsed.cost)',
        by: 'await derive(password, parsed.salt, cost)',
      },
    ],
  },
  {
    name: 'only-ln-can-rise',
    step: '14.1',
    says: ['Today’s r is higher'],
    edits: [
      {
        file: passwords,
        replace: "ln < cost.ln || r < cost.r || p < cost.p ? 'outdated'",
        by: "ln < cost.ln ? 'outdated'",
      },
      {
        file: passwords,
        replace: 'const { ln, r, p } = parsed.cost',
        by: 'const { ln } = parsed.cost',
      },
    ],
  },
  {
    name: 'p-cannot-rise',
    step: '14.1',
    says: ['Today’s p is higher'],
    edits: [{ file: passwords, replace: ' || p < cost.p', by: ' || p < 0' }],
  },
  {
    name: 'any-other-cost-is-outdated',
    step: '14.1',
    says: ['It costs more than today’s'],
    edits: [
      {
        file: passwords,
        replace: 'ln < cost.ln || r < cost.r || p < cost.p',
        by: 'ln !== cost.ln || r !== cost.r || p !== cost.p',
      },
    ],
  },
  {
    name: 'outdated-whatever-the-password',
    step: '14.1',
    says: ['A wrong password is wrong, whatever its hash costs'],
    edits: [
      {
        file: passwords,
        replace: `  if (!timingSafeEqual(hash, parsed.hash)) return 'wrong'
  const { ln, r, p } = parsed.cost
  return ln < cost.ln || r < cost.r || p < cost.p ? 'outdated' : 'right'`,
        by: `  const { ln, r, p } = parsed.cost
  if (ln < cost.ln || r < cost.r || p < cost.p) return 'outdated'
  return timingSafeEqual(hash, parsed.hash) ? 'right' : 'wrong'`,
      },
    ],
  },
  {
    name: 'wrong-when-it-cannot-tell',
    step: '14.1',
    says: ['To say "wrong" would be a lie', 'let its error through'],
    edits: [
      {
        file: passwords,
        replace: '  const hash = await derive(password, parsed.salt, parsed.cost)\n',
        by: `  const hash = await derive(password, parsed.salt, parsed.cost).catch(() => undefined)
  if (!hash) return 'wrong'
`,
      },
    ],
  },
  {
    name: 'only-latin-letters',
    step: '14.1',
    says: ['They are different passwords'],
    edits: [
      {
        file: 'passwords.ts',
        replace: "password.normalize('NFKC')",
        by: "Buffer.from(password.normalize('NFKC'), 'latin1')",
      },
    ],
  },
  {
    name: 'always-the-same-cost',
    step: '14.1',
    says: ['The server decides what a hash costs'],
    edits: [
      {
        file: 'passwords.ts',
        hole: 'hashPassword',
        by: `const salt = randomBytes(SALT_BYTES)
 return formatHash({ cost: COST, salt, hash: await derive(password, salt, COST) })`,
      },
    ],
  },
  {
    name: 'no-limit',
    step: '14.2',
    says: ['Two may run'],
    edits: [{ file: queue, replace: RUN, by: '    return task()' }],
  },
  {
    name: 'one-after-the-other',
    step: '14.2',
    says: ['Two may run'],
    edits: [
      { file: queue, replace: 'this.#running < this.#limits.running', by: 'this.#running < 1' },
    ],
  },
  {
    name: 'waits-without-end',
    step: '14.2',
    says: ['Three tasks wait already'],
    edits: [{ file: queue, replace: BOUND, by: 'if (this.#waiting.length < 1_000_000)' }],
  },
  {
    name: 'one-too-many-waits',
    step: '14.2',
    says: ['Three tasks wait already'],
    edits: [
      {
        file: queue,
        replace: BOUND,
        by: 'if (this.#waiting.length <= this.#limits.waiting)',
      },
    ],
  },
  {
    name: 'refuses-whoever-would-wait',
    step: '14.2',
    says: ['Two run, three wait'],
    edits: [{ file: queue, replace: BOUND, by: 'if (this.#waiting.length < 0)' }],
  },
  {
    name: 'last-come-first-served',
    step: '14.2',
    says: ['First come, first served'],
    edits: [{ file: queue, replace: 'this.#waiting.shift()', by: 'this.#waiting.pop()' }],
  },
  {
    name: 'a-failure-keeps-its-place',
    step: '14.2',
    says: ['A task that fails leaves its place'],
    edits: [
      {
        file: queue,
        replace: RUN,
        by: `    if (this.#running < this.#limits.running) this.#running += 1
    else await this.#turn()
    const result = await task()
    const next = this.#waiting.shift()
    if (next) next()
    else this.#running -= 1
    return result`,
      },
    ],
  },
  {
    name: 'a-free-place-for-whoever-comes',
    step: '14.2',
    says: ['Hand the place over'],
    edits: [
      {
        file: queue,
        replace: RUN,
        by: `    if (this.#running >= this.#limits.running) await this.#turn()
    this.#running += 1
    try {
      return await task()
    } finally {
      this.#running -= 1
      this.#waiting.shift()?.()
    }`,
      },
    ],
  },
  {
    name: 'hands-over-and-counts-it-free',
    step: '14.2',
    says: ['there is one place, not two'],
    edits: [
      {
        file: queue,
        replace: HAND_OVER,
        by: `      if (next) next()
      this.#running -= 1`,
      },
    ],
  },
  {
    name: 'hands-over-and-counts-it-twice',
    step: '14.2',
    says: ['stats()'],
    edits: [
      {
        file: queue,
        replace: '    else await this.#turn()\n',
        by: `    else {
      await this.#turn()
      this.#running += 1
    }
`,
      },
    ],
  },
  {
    name: 'an-unknown-name-answers-at-once',
    step: '14.2',
    says: ['the time it takes must not reveal who has one'],
    edits: [
      {
        file: credentials,
        replace: '    const stored = account?.passwordHash ?? this.#decoy\n',
        by: `    if (!account) return undefined
    const stored = account.passwordHash
    void this.#decoy
`,
      },
    ],
  },
  {
    name: 'a-decoy-that-costs-nothing',
    step: '14.2',
    says: ['verify the password against #decoy'],
    edits: [
      {
        file: credentials,
        replace: 'account?.passwordHash ?? this.#decoy',
        by: "account?.passwordHash ?? (this.#decoy, '')",
      },
    ],
  },
  {
    name: 'a-decoy-at-a-cost-of-its-own',
    step: '14.2',
    says: ['One key, at today’s cost'],
    edits: [
      {
        file: credentials,
        replace: 'account?.passwordHash ?? this.#decoy',
        by: "account?.passwordHash ?? this.#decoy.replace('ln=4', 'ln=3')",
      },
    ],
  },
  {
    name: 'hashes-the-unknown-twice',
    step: '14.2',
    says: ['One key, at today’s cost'],
    edits: [
      {
        file: credentials,
        replace: "    if (!account || verdict === 'wrong') return undefined\n",
        by: `    if (!account) await hashPassword(password, this.#hasher)
    if (!account || verdict === 'wrong') return undefined
`,
      },
    ],
  },
  {
    name: 'wrong-when-the-queue-is-full',
    step: '14.2',
    says: ['"wrong" would be a lie', 'Only the rehash may be skipped'],
    edits: [
      {
        file: credentials,
        replace: '    const verdict = await verifyPassword(password, stored, this.#hasher)\n',
        by: `    const verdict = await verifyPassword(password, stored, this.#hasher).catch((error) => {
      if (error instanceof HashesBusy) return 'wrong' as const
      throw error
    })
`,
      },
    ],
  },
  {
    name: 'never-hashes-again',
    step: '14.2',
    says: ['The server knows the password only now'],
    edits: [
      {
        file: credentials,
        replace: "    if (verdict === 'outdated') await this.#rehash(account, password)\n",
        by: '    void this.#rehash\n',
      },
    ],
  },
  {
    name: 'hashes-again-whatever-was-typed',
    step: '14.2',
    says: ['Hash again only when its verdict is `outdated`'],
    edits: [
      {
        file: credentials,
        replace: `    if (!account || verdict === 'wrong') return undefined
    if (verdict === 'outdated')`,
        by: `    if (account && verdict !== 'right') await this.#rehash(account, password)
    if (!account || verdict === 'wrong') return undefined
    if (verdict === ('never' as string))`,
      },
    ],
  },
  {
    name: 'a-full-queue-undoes-the-log-in',
    step: '14.2',
    says: ['The new hash can wait until the next log-in'],
    edits: [
      {
        file: credentials,
        replace: '      if (!(error instanceof HashesBusy)) throw error',
        by: '      throw error',
      },
    ],
  },
  {
    name: 'swallows-whatever-the-rehash-throws',
    step: '14.2',
    says: ['catch HashesBusy, and nothing else'],
    edits: [
      {
        file: credentials,
        replace: '      if (!(error instanceof HashesBusy)) throw error',
        by: '      void error',
      },
    ],
  },
  {
    name: 'replaces-the-wrong-string',
    step: '14.2',
    says: ['replaceHash(id, the old string, the new string)'],
    edits: [
      {
        file: credentials,
        replace: 'replaceHash(id, passwordHash, hash)',
        by: 'replaceHash(id, hash, passwordHash)',
      },
    ],
  },
  {
    name: 'no-transaction',
    step: '14.3',
    says: ['belong in one transaction'],
    edits: [
      {
        file: migrations,
        hole: 'migrate',
        by: eachMigration(
          'database.exec(migrations[done])\n      database.exec(`PRAGMA user_version = ${done + 1}`)',
        ),
      },
    ],
  },
  {
    name: 'counts-behind-the-commit',
    step: '14.3',
    says: ['belong in one transaction'],
    edits: [
      {
        file: migrations,
        hole: 'migrate',
        by: eachMigration(`${MIGRATE_ONE}\n${COUNT_ONE}`),
      },
    ],
  },
  {
    name: 'counts-before-it-migrates',
    step: '14.3',
    says: ['belong in one transaction'],
    edits: [
      {
        file: migrations,
        hole: 'migrate',
        by: eachMigration(`${COUNT_ONE}\n${MIGRATE_ONE}`),
      },
    ],
  },
  {
    name: 'looks-before-it-locks',
    step: '14.3',
    says: ['Take the lock first'],
    edits: [
      {
        file: migrations,
        hole: 'migrate',
        by: `const version = schemaVersion(database)
  if (version > migrations.length) throw new NewerSchema(version, migrations.length)
  database.exec('BEGIN IMMEDIATE')
  try {
    for (const sql of migrations.slice(version)) database.exec(sql)
    database.exec(\`PRAGMA user_version = \${migrations.length}\`)
    database.exec('COMMIT')
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }`,
      },
    ],
  },
  {
    name: 'locks-when-it-writes',
    step: '14.3',
    says: ['BEGIN IMMEDIATE', 'database is locked'],
    edits: [{ file: migrations, replace: 'BEGIN IMMEDIATE', by: 'BEGIN' }],
  },
  {
    name: 'rolls-nothing-back',
    step: '14.3',
    says: ['The transaction has to end after an exception'],
    edits: [
      {
        file: migrations,
        replace: "    if (database.isTransaction) database.exec('ROLLBACK')\n",
        by: '',
      },
    ],
  },
  {
    name: 'rolls-back-what-is-rolled-back',
    step: '14.3',
    says: ['its error hides the first one'],
    edits: [{ file: migrations, replace: 'if (database.isTransaction) database', by: 'database' }],
  },
  {
    name: 'commits-what-has-failed',
    step: '14.3',
    says: ['A failed migration must leave no trace'],
    edits: [
      {
        file: migrations,
        replace: "if (database.isTransaction) database.exec('ROLLBACK')",
        by: "if (database.isTransaction) database.exec('COMMIT')",
      },
    ],
  },
  {
    name: 'takes-a-newer-schema',
    step: '14.3',
    says: ['We cannot know'],
    edits: [
      {
        file: migrations,
        replace:
          '    if (version > migrations.length) throw new NewerSchema(version, migrations.length)\n',
        by: '',
      },
    ],
  },
  {
    name: 'refuses-what-is-up-to-date',
    step: '14.3',
    says: ['this version knows 3'],
    edits: [
      {
        file: migrations,
        replace: 'version > migrations.length',
        by: 'version >= migrations.length',
      },
    ],
  },
  {
    name: 'begins-one-too-late',
    step: '14.3',
    says: ['One migration has been run'],
    edits: [
      {
        file: migrations,
        replace: 'migrations.slice(version)',
        by: 'migrations.slice(version + 1)',
      },
    ],
  },
  {
    name: 'runs-everything-again',
    step: '14.3',
    says: ['already exists'],
    edits: [{ file: migrations, replace: 'migrations.slice(version)', by: 'migrations' }],
  },
  {
    name: 'swallows-the-error',
    step: '14.3',
    says: ['We cannot know'],
    edits: [{ file: migrations, replace: '    throw error\n', by: '    void error\n' }],
  },
  {
    name: 'stores-the-token',
    step: '14.4',
    says: ['A thief of the database finds the SHA-256'],
    edits: [
      {
        file: sessions,
        replace: 'add({ id: sessionIdOf(token),',
        by: 'add({ id: token,',
      },
    ],
  },
  {
    name: 'a-short-token',
    step: '14.4',
    says: ['Nobody can guess 256 bits'],
    edits: [
      {
        file: sessions,
        replace: "randomBytes(TOKEN_BYTES).toString('base64url')",
        by: "randomBytes(TOKEN_BYTES).toString('base64url').slice(0, 22)",
      },
    ],
  },
  {
    name: 'the-account-is-the-token',
    step: '14.4',
    says: ['Nobody can guess 256 bits'],
    edits: [
      {
        file: sessions,
        replace: "this.#options.randomBytes(TOKEN_BYTES).toString('base64url')",
        by: "(this.#options.randomBytes(1), Buffer.from(`session of account ${accountId}`).toString('base64url'))",
      },
    ],
  },
  {
    name: 'notes-every-use',
    step: '14.4',
    says: ['A write for each request would wear out the disk'],
    edits: [
      {
        file: sessions,
        replace: '    if (now - session.usedAt < NOTE_EVERY_MS) return session\n',
        by: '',
      },
    ],
  },
  {
    name: 'never-notes-a-use',
    step: '14.4',
    says: ['A use that is not noted does not prolong the session'],
    edits: [{ file: sessions, replace: '    await this.#store.touch(sessionId, now)\n', by: '' }],
  },
  {
    name: 'notes-a-millisecond-late',
    step: '14.4',
    says: ['The last use was noted an hour ago'],
    edits: [
      {
        file: sessions,
        replace: 'session.usedAt < NOTE_EVERY_MS',
        by: 'session.usedAt <= NOTE_EVERY_MS',
      },
    ],
  },
  {
    name: 'an-hour-since-it-began',
    step: '14.4',
    says: ['The hour begins anew'],
    edits: [
      {
        file: sessions,
        replace: 'now - session.usedAt < NOTE_EVERY_MS',
        by: 'now - session.createdAt < NOTE_EVERY_MS',
      },
    ],
  },
  {
    name: 'slides-without-an-end',
    step: '14.4',
    says: ['A stolen token must not live for as long as the thief uses it'],
    edits: [
      { file: sessions, replace: 'now - createdAt >= this.#options.maxMs || ', by: '' },
      { file: sessions, replace: 'isOver({ createdAt, usedAt }', by: 'isOver({ usedAt }' },
    ],
  },
  {
    name: 'ends-only-by-age',
    step: '14.4',
    says: ['It has not been used for 14 days'],
    edits: [
      { file: sessions, replace: ' || now - usedAt >= this.#options.idleMs', by: '' },
      { file: sessions, replace: 'isOver({ createdAt, usedAt }', by: 'isOver({ createdAt }' },
    ],
  },
  {
    name: 'a-millisecond-too-long',
    step: '14.4',
    says: ['Exactly idleMs since usedAt is enough'],
    edits: [
      {
        file: sessions,
        replace: 'now - createdAt >= this.#options.maxMs || now - usedAt >= this.#options.idleMs',
        by: 'now - createdAt > this.#options.maxMs || now - usedAt > this.#options.idleMs',
      },
    ],
  },
  {
    name: 'leaves-what-is-over',
    step: '14.4',
    says: ['remove() for a session that is over'],
    edits: [{ file: sessions, replace: '      await this.#store.remove(sessionId)\n', by: '' }],
  },
  {
    name: 'a-use-revives-it',
    step: '14.4',
    says: ['It has not been used for 14 days'],
    edits: [
      {
        file: sessions,
        hole: 'use',
        by: `const session = await this.#store.find(sessionId)
    if (!session) return undefined
    const now = this.#options.now()
    if (now - session.usedAt >= NOTE_EVERY_MS) {
      session.usedAt = now
      await this.#store.touch(sessionId, now)
    }
    if (!this.isOver(session)) return session
    await this.#store.remove(sessionId)
    return undefined`,
      },
    ],
  },
  {
    name: 'writes-it-anew',
    step: '14.4',
    says: ['It was ended while its use was being noted'],
    edits: [
      {
        file: sessions,
        replace: '    await this.#store.touch(sessionId, now)\n',
        by: `    await this.#store.remove(sessionId)
    await this.#store.add({ ...session, usedAt: now })
    if (this.#options.idleMs > 0) await this.#store.touch(sessionId, now)
`,
      },
    ],
  },
  {
    name: 'leaves-a-loose-end',
    step: '14.4',
    says: ['An unhandled rejection ends the process'],
    edits: [{ file: sessions, replace: 'await this.#store.touch', by: 'void this.#store.touch' }],
  },
  {
    name: 'adds-it-again',
    step: '14.4',
    says: ['add() makes a new one'],
    edits: [
      {
        file: sessions,
        replace: 'await this.#store.touch(sessionId, now)',
        by: 'await this.#store.add({ ...session, usedAt: now })',
      },
    ],
  },
  {
    name: 'notes-an-earlier-use',
    step: '14.4',
    says: ['an earlier use than the one already noted'],
    edits: [
      {
        file: sessions,
        replace: 'if (now - session.usedAt <',
        by: 'if (Math.abs(now - session.usedAt) <',
      },
    ],
  },
  {
    name: 'no-session-when-the-store-fails',
    step: '14.4',
    says: ['Nobody knows whether there is such a session'],
    edits: [
      {
        file: sessions,
        replace: 'await this.#store.find(sessionId)',
        by: 'await this.#store.find(sessionId).catch(() => undefined)',
      },
    ],
  },
  {
    name: 'does-not-wait-for-the-store',
    step: '14.4',
    says: ['let its error through'],
    edits: [
      {
        file: sessions,
        replace: '    await this.#store.add(',
        by: '    void this.#store.add(',
      },
      {
        file: sessions,
        replace: 'createdAt: now, usedAt: now })',
        by: 'createdAt: now, usedAt: now }).catch(() => {})',
      },
    ],
  },
  {
    name: 'half-a-token',
    step: '14.4',
    says: ['Nobody can guess 256 bits'],
    edits: [{ file: 'sessions.ts', replace: 'randomBytes(TOKEN_BYTES)', by: 'randomBytes(16)' }],
  },
  {
    name: 'counts-when-it-has-failed',
    step: '14.5',
    says: ['Until it succeeds it counts as a failure', 'Count in begin()'],
    edits: [{ file: throttle, replace: COUNT_TRY, by: '    void [firstDelayMs, maxDelayMs]' }],
  },
  {
    name: 'the-same-wait-each-time',
    step: '14.5',
    says: ['Each failure doubles the wait'],
    edits: [{ file: throttle, replace: 'firstDelayMs * 2 ** pair.failures', by: 'firstDelayMs' }],
  },
  {
    name: 'doubles-without-an-end',
    step: '14.5',
    says: ['no more than maxDelayMs'],
    edits: [
      {
        file: throttle,
        replace: 'Math.min(firstDelayMs * 2 ** pair.failures, maxDelayMs)',
        by: '(void maxDelayMs, firstDelayMs * 2 ** pair.failures)',
      },
    ],
  },
  {
    name: 'doubles-before-the-first',
    step: '14.5',
    says: ['Until it succeeds it counts as a failure'],
    edits: [{ file: throttle, replace: '2 ** pair.failures', by: '2 ** (pair.failures + 1)' }],
  },
  {
    name: 'waits-longer-for-asking',
    step: '14.5',
    says: ['a try that is refused must not lengthen the wait'],
    edits: [
      {
        file: throttle,
        replace: '    if (waitMs > 0) return waitMs\n',
        by: `    if (waitMs > 0) {
      pair.waitUntil += 1
      return waitMs
    }
`,
      },
    ],
  },
  {
    name: 'forgets-while-it-goes-on',
    step: '14.5',
    says: ['each try that goes ahead sets it'],
    edits: [{ file: throttle, replace: '    pair.triedAt = now\n', by: '' }],
  },
  {
    name: 'one-count-for-the-account',
    step: '14.5',
    says: ['Another network has its own count'],
    edits: [
      {
        file: throttle,
        replace:
          'const pair = this.#pair(account, address)\n    const window = this.#window(account)\n    const isClosed',
        by: "const pair = this.#pair(account, 'anywhere')\n    const window = this.#window(account)\n    const isClosed",
      },
    ],
  },
  {
    name: 'one-count-for-the-network',
    step: '14.5',
    says: ['Another account has its own count'],
    edits: [
      {
        file: throttle,
        replace:
          'const pair = this.#pair(account, address)\n    const window = this.#window(account)\n    const isClosed',
        by: "const pair = this.#pair('anybody', address)\n    const window = this.#window(account)\n    const isClosed",
      },
    ],
  },
  {
    name: 'no-rate-for-a-network',
    step: '14.5',
    says: ['The sixth try of one network'],
    edits: [
      {
        file: throttle,
        replace:
          '    const limitedMs = this.#rate.take(address)\n    if (limitedMs > 0) return limitedMs\n',
        by: '    void this.#rate\n',
      },
    ],
  },
  {
    name: 'asks-the-rate-last',
    step: '14.5',
    says: ['Ask the network’s rate first'],
    edits: [
      {
        file: throttle,
        replace:
          '    const limitedMs = this.#rate.take(address)\n    if (limitedMs > 0) return limitedMs\n',
        by: '',
      },
      {
        file: throttle,
        replace: '    if (waitMs > 0) return waitMs\n',
        by: `    if (waitMs > 0) return waitMs
    const limitedMs = this.#rate.take(address)
    if (limitedMs > 0) return limitedMs
`,
      },
    ],
  },
  {
    name: 'never-closes-an-account',
    step: '14.5',
    says: ['The next stranger waits until the window ends'],
    edits: [
      {
        file: throttle,
        replace: 'isClosed ? window.beganAt',
        by: 'isClosed && false ? window.beganAt',
      },
    ],
  },
  {
    name: 'closes-one-too-late',
    step: '14.5',
    says: ['From maxFailures on'],
    edits: [
      {
        file: throttle,
        replace: 'window.failures >= this.#limits.maxFailures',
        by: 'window.failures > this.#limits.maxFailures',
      },
    ],
  },
  {
    name: 'locks-the-owner-out',
    step: '14.5',
    says: ['The owner must not be locked out'],
    edits: [{ file: throttle, replace: ' && !this.#known.has(keyOf(account, address))', by: '' }],
  },
  {
    name: 'the-owner-waits-for-nothing',
    step: '14.5',
    says: ['Until it succeeds it counts as a failure'],
    edits: [
      {
        file: throttle,
        replace: 'const waitMs = Math.max(pair.waitUntil - now, closedMs)',
        by: 'const waitMs = Math.max(0, closedMs)',
      },
    ],
  },
  {
    name: 'the-shortest-wait-counts',
    step: '14.5',
    says: ['begin'],
    edits: [
      {
        file: throttle,
        replace: 'const waitMs = Math.max(pair.waitUntil - now, closedMs)',
        by: 'const waitMs = pair.waitUntil > now ? pair.waitUntil - now : closedMs',
      },
    ],
  },
  {
    name: 'a-success-stays-in-the-window',
    step: '14.5',
    says: ['both take one try back from the window'],
    edits: [
      {
        file: throttle,
        replace:
          '    this.takeBack(account, address)\n    this.#pair(account, address).failures = 0\n',
        by: `    this.#pair(account, address).failures = 0
    this.#pair(account, address).waitUntil = 0
`,
      },
    ],
  },
  {
    name: 'a-success-forgives-nothing',
    step: '14.5',
    says: ['succeed() forgets the earlier failures'],
    edits: [{ file: throttle, replace: '    this.#pair(account, address).failures = 0\n', by: '' }],
  },
  {
    name: 'a-success-forgives-everybody',
    step: '14.5',
    says: ['100'],
    edits: [
      {
        file: throttle,
        replace: '    this.#pair(account, address).failures = 0\n',
        by: `    this.#pair(account, address).failures = 0
    this.#window(account).failures = -5
`,
      },
    ],
  },
  {
    name: 'waits-for-what-was-taken-back',
    step: '14.5',
    says: ['both end the wait'],
    edits: [{ file: throttle, replace: '    pair.waitUntil = this.#clock.now()\n', by: '' }],
  },
  {
    name: 'takes-all-failures-back',
    step: '14.5',
    says: ['takeBack() takes back one try'],
    edits: [
      {
        file: throttle,
        replace: 'pair.failures = Math.max(0, pair.failures - 1)',
        by: 'pair.failures = 0',
      },
    ],
  },
  {
    name: 'fewer-failures-than-none',
    step: '14.5',
    says: ['a count never goes below 0'],
    edits: [{ file: throttle, replace: 'Math.max(0, pair.failures - 1)', by: 'pair.failures - 1' }],
  },
  {
    name: 'takes-nothing-back-from-the-window',
    step: '14.5',
    says: ['both take one try back from the window'],
    edits: [
      {
        file: throttle,
        replace: '    window.failures = Math.max(0, window.failures - 1)\n',
        by: '    void window\n',
      },
    ],
  },
  {
    name: 'a-log-in-clears-the-window',
    step: '14.5',
    says: ['takes one failure from the window'],
    edits: [
      {
        file: 'throttle.ts',
        replace: 'this.#pair(account, address).failures = 0',
        by: `this.#pair(account, address).failures = 0
    this.#window(account).failures = 0`,
      },
    ],
  },
  {
    name: 'enters-when-the-store-has-answered',
    step: '14.6',
    says: ['Enter the peer before you ask the store'],
    edits: [
      {
        file: live,
        replace: ENTER,
        by: `    const session = await this.#sessions.use(sessionId)
    if (!session) return undefined
    const peers = this.#peers.get(sessionId) ?? new Set()
    this.#peers.set(sessionId, peers.add(peer))
    return session`,
      },
    ],
  },
  {
    name: 'believes-old-news',
    step: '14.6',
    says: ['Its answer is out of date'],
    edits: [
      {
        file: live,
        replace: 'return this.#peers.get(sessionId)?.has(peer) ? session : undefined',
        by: 'return session',
      },
    ],
  },
  {
    name: 'a-stranger-stays',
    step: '14.6',
    says: ['A peer that is not let in has to leave'],
    edits: [{ file: live, replace: '      if (!session) this.leave(sessionId, peer)\n', by: '' }],
  },
  {
    name: 'a-failure-leaves-its-peer',
    step: '14.6',
    says: ['The peer has to leave after an exception, too'],
    edits: [
      {
        file: live,
        replace: `    let session: StoredSession | undefined
    try {
      session = await this.#sessions.use(sessionId)
    } finally {
      if (!session) this.leave(sessionId, peer)
    }`,
        by: `    const session = await this.#sessions.use(sessionId)
    if (!session) this.leave(sessionId, peer)`,
      },
    ],
  },
  {
    name: 'one-peer-for-each-session',
    step: '14.6',
    says: ['tab 2: no-session', 'and of no other'],
    edits: [
      {
        file: live,
        replace: '    const peers = this.#peers.get(sessionId) ?? new Set()\n',
        by: '    const peers = new Set<SessionPeer>()\n',
      },
    ],
  },
  {
    name: 'keeps-empty-sets',
    step: '14.6',
    says: ['the last peer to leave deletes the set'],
    edits: [
      {
        file: live,
        replace: '    if (peers?.size === 0) this.#peers.delete(sessionId)\n',
        by: '',
      },
    ],
  },
  {
    name: 'the-first-to-leave-takes-all-along',
    step: '14.6',
    says: ['no-session'],
    edits: [
      {
        file: live,
        replace: '    if (peers?.size === 0) this.#peers.delete(sessionId)\n',
        by: '    this.#peers.delete(sessionId)\n',
      },
    ],
  },
  {
    name: 'forgets-without-a-word',
    step: '14.6',
    says: ['close("no-session") for each peer'],
    edits: [
      {
        file: live,
        replace: "      for (const peer of peers) peer.close('no-session')\n",
        by: '      void peers\n',
      },
    ],
  },
  {
    name: 'ends-the-first-session-only',
    step: '14.6',
    says: ['Several sessions can be ended at once'],
    edits: [
      {
        file: live,
        replace: 'for (const sessionId of sessionIds) {',
        by: 'for (const sessionId of sessionIds.slice(0, 1)) {',
      },
    ],
  },
  {
    name: 'everybody-has-to-go',
    step: '14.6',
    says: ['and of no other'],
    edits: [
      {
        file: live,
        replace: 'for (const sessionId of sessionIds) {',
        by: 'for (const sessionId of sessionIds.length > 0 ? [...this.#peers.keys()] : []) {',
      },
    ],
  },
  {
    name: 'nothing-is-ever-over',
    step: '14.6',
    says: ['end those that are over'],
    edits: [
      {
        file: live,
        replace: 'if (!(await this.#sessions.use(sessionId))) this.end([sessionId])',
        by: 'await this.#sessions.use(sessionId)',
      },
    ],
  },
  {
    name: 'one-that-is-over-ends-all',
    step: '14.6',
    says: ['The other one has five days left'],
    edits: [
      {
        file: live,
        replace: 'if (!(await this.#sessions.use(sessionId))) this.end([sessionId])',
        by: 'if (!(await this.#sessions.use(sessionId))) this.end([...this.#peers.keys()])',
      },
    ],
  },
  {
    name: 'prints-what-it-is-asked',
    step: '14.6',
    says: ['Output goes to files'],
    cardVaries: true,
    edits: [
      {
        file: 'account-handlers.ts',
        replace: '    try {\n      await handler(session, request)\n',
        by: '    try {\n      console.log(request)\n      await handler(session, request)\n',
      },
    ],
  },
  {
    name: 'forgotten-behind-the-goodbye',
    step: '14.6',
    says: ['Forget the session first'],
    edits: [
      {
        file: 'live-sessions.ts',
        replace: `      this.#peers.delete(sessionId)
      for (const peer of peers) peer.close('no-session')`,
        by: `      for (const peer of peers) peer.close('no-session')
      this.#peers.delete(sessionId)`,
      },
    ],
  },
  {
    name: 'only-the-first-that-is-over',
    step: '14.6',
    says: ['including those after one that is over'],
    edits: [
      {
        file: 'live-sessions.ts',
        replace: 'if (!(await this.#sessions.use(sessionId))) this.end([sessionId])',
        by: 'if (!(await this.#sessions.use(sessionId))) return this.end([sessionId])',
      },
    ],
  },
  {
    name: 'a-full-disk-ends-sessions',
    step: '14.6',
    says: ['not the same as undefined'],
    edits: [
      {
        file: 'live-sessions.ts',
        replace: 'if (!(await this.#sessions.use(sessionId))) this.end([sessionId])',
        by: 'if (!(await this.#sessions.use(sessionId).catch(() => undefined))) this.end([sessionId])',
      },
    ],
  },
  {
    name: 'an-error-of-scrypt-is-lost',
    step: '14.1',
    says: ['The first argument of the callback'],
    edits: [
      {
        file: passwords,
        replace: 'error ? reject(error) : resolve(key)',
        by: 'void [error, reject, resolve(key)]',
      },
    ],
  },
  {
    name: 'an-error-of-scrypt-ends-the-process',
    step: '14.1',
    says: ['would end the process'],
    edits: [
      {
        file: passwords,
        replace: '(error, key) =>\n    error ? reject(error) : resolve(key),',
        by: '(error, key) => {\n    if (error) throw error\n    void reject\n    resolve(key)\n  }',
      },
    ],
  },
  {
    name: 'an-error-of-scrypt-leaves-it-waiting',
    step: '14.1',
    says: ['the promise is still pending'],
    edits: [
      {
        file: passwords,
        replace: 'error ? reject(error) : resolve(key)',
        by: 'error ? void reject : resolve(key)',
      },
    ],
  },
  {
    name: 'a-refused-try-keeps-failures-in-mind',
    step: '14.5',
    says: ['A refused try prolongs nothing'],
    edits: [
      {
        file: throttle,
        replace: '    if (waitMs > 0) return waitMs',
        by: '    pair.triedAt = now\n    if (waitMs > 0) return waitMs',
      },
    ],
  },
  {
    name: 'resolves-before-it-has-a-key',
    step: '14.1',
    says: ['a promise that the callback of scrypt() settles'],
    edits: [
      {
        file: passwords,
        replace: `): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()`,
        by: `): Promise<Uint8Array> {
  let promise!: Promise<Uint8Array>
  const [resolve, reject] = [(_: Uint8Array) => {}, (_: Error) => {}]`,
      },
    ],
  },
  {
    name: 'a-salt-of-letters',
    step: '14.1',
    says: ['Salt and hash are bytes'],
    edits: [
      {
        file: passwords,
        replace: `  const [salt, hash] = found.slice(4).map((text) => Buffer.from(text, 'base64'))`,
        by: `  const [salt, hash] = [Buffer.from(found[4]), Buffer.from(found[5], 'base64')]`,
      },
    ],
  },
  {
    name: 'leaves-before-the-task-has-ended',
    step: '14.2',
    says: ['`return await task()`'],
    edits: [
      {
        file: queue,
        replace: `      return await task()`,
        by: `      return task()`,
      },
    ],
  },
  {
    name: 'refuses-and-does-not-count',
    step: '14.2',
    says: ['counted in #refused'],
    edits: [
      {
        file: queue,
        replace: `    this.#refused += 1
`,
        by: ``,
      },
    ],
  },
  {
    name: 'hashes-the-string-that-was-stored',
    step: '14.2',
    says: ['the new hash does not fit the password'],
    edits: [
      {
        file: credentials,
        replace: `await hashPassword(password, this.#hasher)`,
        by: `await hashPassword(passwordHash, this.#hasher)
      void password`,
      },
    ],
  },
  {
    name: 'does-not-wait-for-the-new-hash',
    step: '14.2',
    says: ['Await replaceHash() inside the try'],
    edits: [
      {
        file: credentials,
        replace: `await this.#accounts.replaceHash(id, passwordHash, hash)`,
        by: `this.#accounts.replaceHash(id, passwordHash, hash).catch(() => {})`,
      },
    ],
  },
  {
    name: 'a-promise-is-never-wrong',
    step: '14.2',
    says: ['Is verifyPassword() awaited?'],
    edits: [
      {
        file: credentials,
        replace: `const verdict = await verifyPassword`,
        by: `const verdict: unknown = verifyPassword`,
      },
    ],
  },
  {
    name: 'says-the-versions-the-wrong-way-round',
    step: '14.3',
    says: ['first the version in the file'],
    edits: [
      {
        file: migrations,
        replace: `new NewerSchema(version, migrations.length)`,
        by: `new NewerSchema(migrations.length, version)`,
      },
    ],
  },
  {
    name: 'draws-bytes-of-its-own',
    step: '14.4',
    says: ['the test passes its own'],
    edits: [
      {
        file: sessions,
        replace: `this.#options.randomBytes(TOKEN_BYTES)`,
        by: `randomBytes(TOKEN_BYTES)`,
      },
      {
        file: sessions,
        replace: `import { createHash } from 'node:crypto'`,
        by: `import { createHash, randomBytes } from 'node:crypto'`,
      },
    ],
  },
  {
    name: 'a-token-in-base64',
    step: '14.4',
    says: ['In base64url'],
    edits: [
      {
        file: sessions,
        replace: `toString('base64url')`,
        by: `toString('base64')`,
      },
    ],
  },
  {
    name: 'begins-in-seconds',
    step: '14.4',
    says: ['are both options.now(), in ms'],
    edits: [
      {
        file: sessions,
        replace: `const now = this.#options.now()
    await this.#store.add`,
        by: `const now = Math.floor(this.#options.now() / 1_000)
    await this.#store.add`,
      },
    ],
  },
  {
    name: 'a-busy-moment-makes-it-known',
    step: '14.5',
    says: ['Only succeed() makes a network known'],
    edits: [
      {
        file: throttle,
        replace: `    pair.waitUntil = this.#clock.now()
`,
        by: `    pair.waitUntil = this.#clock.now()
    this.#known.use(keyOf(account, address))
`,
      },
      {
        file: throttle,
        replace: `    this.#pair(account, address).failures = 0
    this.#known.use(keyOf(account, address))
`,
        by: `    this.#pair(account, address).failures = 0
`,
      },
    ],
  },
  {
    name: 'knows-addresses-instead-of-networks',
    step: '14.5',
    says: ['It is the /64 that has logged in'],
    edits: [
      {
        file: throttle,
        replace: `!this.#known.has(keyOf(account, address))`,
        by: `!this.#known.has(\`\${address} \${account}\`)`,
      },
      {
        file: throttle,
        replace: `    this.#known.use(keyOf(account, address))`,
        by: `    this.#known.use(\`\${address} \${account}\`)`,
      },
    ],
  },
  {
    name: 'forgets-who-comes-every-day',
    step: '14.5',
    says: ['Each success is a use of the pair'],
    edits: [
      {
        file: throttle,
        replace: `    this.#known.use(keyOf(account, address))`,
        by: `    const key = keyOf(account, address)
    if (!this.#known.has(key)) this.#known.use(key)`,
      },
    ],
  },
  {
    name: 'a-window-below-zero',
    step: '14.5',
    says: ['The count of the window does not go below 0'],
    edits: [
      {
        file: throttle,
        replace: `window.failures = Math.max(0, window.failures - 1)`,
        by: `window.failures -= 1`,
      },
    ],
  },
  {
    name: 'takes-older-failures-from-the-window',
    step: '14.5',
    says: ['those may be older than the window'],
    edits: [
      {
        file: throttle,
        replace: `    this.takeBack(account, address)
    this.#pair(account, address).failures = 0
`,
        by: `    const pair = this.#pair(account, address)
    const window = this.#window(account)
    window.failures = Math.max(0, window.failures - pair.failures)
    pair.failures = 0
    pair.waitUntil = this.#clock.now()
`,
      },
    ],
  },
  {
    name: 'counts-a-refused-try-in-the-window',
    step: '14.5',
    says: ['The refused try does not count'],
    edits: [
      {
        file: throttle,
        replace: `    if (waitMs > 0) return waitMs
`,
        by: `    if (waitMs > 0) {
      window.failures += 1
      return waitMs
    }
`,
      },
    ],
  },
  {
    name: 'stops-where-nobody-is',
    step: '14.6',
    says: ['after a session without a peer'],
    edits: [
      {
        file: live,
        replace: `const peers = this.#peers.get(sessionId) ?? []
      this`,
        by: `const peers = this.#peers.get(sessionId)
      if (!peers) return
      this`,
      },
    ],
  },
  {
    name: 'a-failure-takes-the-others-along',
    step: '14.6',
    says: ['leave(sessionId, peer)'],
    edits: [
      {
        file: live,
        replace: `if (!session) this.leave(sessionId, peer)`,
        by: `if (!session) this.#peers.delete(sessionId)`,
      },
    ],
  },
  {
    name: 'an-unknown-token-takes-the-others-along',
    step: '14.6',
    says: ['leave(sessionId, peer)'],
    edits: [
      {
        file: live,
        replace: `    let session: StoredSession | undefined
    try {
      session = await this.#sessions.use(sessionId)
    } finally {
      if (!session) this.leave(sessionId, peer)
    }`,
        by: `    const session = await this.#sessions.use(sessionId).catch((error) => {
      this.leave(sessionId, peer)
      throw error
    })
    if (!session) this.#peers.delete(sessionId)`,
      },
    ],
  },
  {
    name: 'somebody-is-there',
    step: '14.6',
    says: ['says nothing about it'],
    edits: [
      {
        file: live,
        replace: `this.#peers.get(sessionId)?.has(peer) ? session`,
        by: `this.#peers.has(sessionId) ? session`,
      },
    ],
  },
  {
    name: 'asks-for-all-sessions-at-once',
    step: '14.6',
    says: ['Await one use() after the other'],
    edits: [
      {
        file: live,
        replace: `    for (const sessionId of [...this.#peers.keys()]) {
      if (!(await this.#sessions.use(sessionId))) this.end([sessionId])
    }`,
        by: `    const ids = [...this.#peers.keys()]
    const found = await Promise.all(ids.map((id) => this.#sessions.use(id)))
    this.end(ids.filter((_, index) => !found[index]))`,
      },
    ],
  },
  {
    name: 'nobody-hears-of-the-full-disk',
    step: '14.6',
    says: ['The operator has to be told of it'],
    edits: [
      {
        file: live,
        replace: `await this.#sessions.use(sessionId))) this.end`,
        by: `await this.#sessions.use(sessionId).catch(() => true))) this.end`,
      },
    ],
  },
  {
    name: 'knows-a-network-for-all-accounts',
    step: '14.5',
    says: ['#known holds pairs'],
    edits: [
      {
        file: throttle,
        replace: '!this.#known.has(keyOf(account, address))',
        by: '!this.#known.has(networkOf(address))',
      },
      {
        file: throttle,
        replace: '    this.#known.use(keyOf(account, address))',
        by: '    this.#known.use(networkOf(address))',
      },
    ],
  },
  {
    name: 'a-success-below-zero',
    step: '14.5',
    says: ['succeed() leaves no count below 0'],
    edits: [
      {
        file: throttle,
        hole: 'succeed',
        by: `const [pair, window] = [this.#pair(account, address), this.#window(account)]
    pair.failures = 0
    pair.waitUntil = 0
    window.failures -= 1
    this.#known.use(keyOf(account, address))`,
      },
    ],
  },
  {
    name: 'whoever-was-never-in-takes-all-along',
    step: '14.6',
    says: ['leave() removes one peer'],
    edits: [
      {
        file: live,
        hole: 'leave',
        by: `const peers = this.#peers.get(sessionId)
    if (!peers?.delete(peer) || peers.size === 0) this.#peers.delete(sessionId)`,
      },
    ],
  },
  {
    name: 'one-that-is-over-takes-the-account-along',
    step: '14.4',
    says: ['removes one session'],
    edits: [
      {
        file: sessions,
        replace: '      await this.#store.remove(sessionId)\n',
        by: '      await this.#store.removeOf(session.accountId)\n',
      },
    ],
  },
  {
    name: 'trims-what-it-stores',
    step: '14.1',
    says: ['Nothing is removed from it here'],
    edits: [
      {
        file: passwords,
        replace: 'hash: await derive(password, salt, cost)',
        by: 'hash: await derive(password.trim(), salt, cost)',
      },
    ],
  },
  {
    name: 'trims-what-is-typed',
    step: '14.1',
    says: ['A space is part of a password'],
    edits: [
      {
        file: passwords,
        replace: 'await derive(password, parsed.salt, parsed.cost)',
        by: 'await derive(password.trim(), parsed.salt, parsed.cost)',
      },
    ],
  },
  {
    name: 'forgets-the-lanes',
    step: '14.1',
    says: ['missing or misspelt'],
    edits: [
      {
        file: passwords,
        replace: '{ N: 2 ** ln, r, p, maxmem: MAX_MEMORY_BYTES }',
        by: '{ N: 2 ** ln, r, maxmem: MAX_MEMORY_BYTES }',
      },
      {
        file: passwords,
        replace: `const { ln, r, p } = cost
  const options`,
        by: `const { ln, r } = cost
  const options`,
      },
    ],
  },
  {
    name: 'only-n-counts',
    step: '14.1',
    says: ['missing or misspelt'],
    edits: [
      {
        file: passwords,
        replace: '{ N: 2 ** ln, r, p, maxmem: MAX_MEMORY_BYTES }',
        by: '{ N: 2 ** ln, maxmem: MAX_MEMORY_BYTES }',
      },
      {
        file: passwords,
        replace: `const { ln, r, p } = cost
  const options`,
        by: `const { ln } = cost
  const options`,
      },
    ],
  },
  {
    name: 'parallelisation-with-an-s',
    step: '14.1',
    says: ['missing or misspelt'],
    edits: [
      {
        file: passwords,
        replace: '{ N: 2 ** ln, r, p, maxmem: MAX_MEMORY_BYTES }',
        by: '{ cost: 2 ** ln, blockSize: r, parallelisation: p, maxmem: MAX_MEMORY_BYTES } as object',
      },
    ],
  },
  {
    name: 'another-normal-form',
    step: '14.1',
    says: ['NFKD spells'],
    edits: [
      { file: passwords, replace: `password.normalize('NFKC')`, by: `password.normalize('NFKD')` },
    ],
  },
  {
    name: 'memory-for-half-of-the-most',
    step: '14.1',
    says: ['MAX_MEMORY_BYTES'],
    edits: [{ file: passwords, replace: 'maxmem: MAX_MEMORY_BYTES', by: 'maxmem: 2 ** 27' }],
  },
  {
    name: 'numbers-as-text',
    step: '14.1',
    says: ['ln, r and p are numbers'],
    edits: [
      {
        file: passwords,
        replace: 'const [ln, r, p] = found.slice(1, 4).map(Number)',
        by: 'const [ln, r, p] = found.slice(1, 4) as unknown as number[]',
      },
    ],
  },
  {
    name: 'salts-of-one-length-only',
    step: '14.1',
    says: ['SALT_BYTES is for new salts'],
    edits: [
      {
        file: passwords,
        replace: 'hash.length !== HASH_BYTES) return',
        by: 'hash.length !== HASH_BYTES || salt.length !== SALT_BYTES) return',
      },
    ],
  },
  {
    name: 'a-salt-of-the-clock',
    step: '14.1',
    says: ['come from randomBytes()'],
    edits: [
      {
        file: passwords,
        replace: `const salt = randomBytes(SALT_BYTES)
  return`,
        by: `const salt = Buffer.alloc(SALT_BYTES)
  salt.writeDoubleBE(performance.now())
  return`,
      },
    ],
  },
  {
    name: 'compares-with-equals',
    step: '14.1',
    says: ['timingSafeEqual(a, b)'],
    edits: [
      {
        file: passwords,
        replace: '!timingSafeEqual(hash, parsed.hash)',
        by: '!Buffer.from(hash).equals(parsed.hash)',
      },
    ],
  },
  {
    name: 'compares-the-strings',
    step: '14.1',
    says: ['timingSafeEqual(a, b)'],
    edits: [
      {
        file: passwords,
        replace: 'if (!timingSafeEqual(hash, parsed.hash)) return',
        by: 'if (formatHash({ ...parsed, hash }) !== stored) return',
      },
    ],
  },
  {
    name: 'looks-again-and-again',
    step: '14.2',
    says: ['await a promise'],
    edits: [
      {
        file: queue,
        hole: 'run',
        by: `    if (this.#running < this.#limits.running && this.#waiting.length === 0) this.#running += 1
    else {
      if (this.#waiting.length >= this.#limits.waiting) {
        this.#refused += 1
        throw new HashesBusy()
      }
      const me = () => {}
      this.#waiting.push(me)
      while (this.#waiting[0] !== me || this.#running >= this.#limits.running) await new Promise((resolve) => setImmediate(resolve))
      this.#waiting.shift()
      this.#running += 1
    }
    try {
      return await task()
    } finally {
      this.#running -= 1
    }`,
      },
    ],
  },
  {
    name: 'a-failed-rehash-is-no-news',
    step: '14.2',
    says: ['Catch HashesBusy around the rehash'],
    edits: [
      {
        file: credentials,
        replace: `      const hash = await hashPassword(password, this.#hasher)
      await this.#accounts.replaceHash(id, passwordHash, hash)
    } catch (error) {
      if (!(error instanceof HashesBusy)) throw error
    }`,
        by: `      const hash = await hashPassword(password, this.#hasher).catch(() => undefined)
      if (hash) await this.#accounts.replaceHash(id, passwordHash, hash)
    } catch (error) {
      if (!(error instanceof HashesBusy)) throw error
    }`,
      },
    ],
  },
  {
    name: 'wrong-when-scrypt-fails',
    step: '14.2',
    says: ['only around the rehash'],
    edits: [
      {
        file: credentials,
        replace: 'const verdict = await verifyPassword(password, stored, this.#hasher)',
        by: `const verdict = await verifyPassword(password, stored, this.#hasher).catch((error) => {
      if (error instanceof HashesBusy) throw error
      return 'wrong' as const
    })`,
      },
    ],
  },
  {
    name: 'an-error-for-nobody-is-lost',
    step: '14.2',
    says: ['only around the rehash'],
    edits: [
      {
        file: credentials,
        replace: 'const verdict = await verifyPassword(password, stored, this.#hasher)',
        by: `const verdict = await verifyPassword(password, stored, this.#hasher).catch((error) => {
      if (account || error instanceof HashesBusy) throw error
      return 'wrong' as const
    })`,
      },
    ],
  },
  {
    name: 'splits-at-semicolons',
    step: '14.3',
    says: ['contains no statements'],
    edits: [
      {
        file: migrations,
        replace: 'for (const sql of migrations.slice(version)) database.exec(sql)',
        by: `for (const sql of migrations.slice(version)) for (const one of sql.split(';')) if (one.trim()) database.prepare(one).run()`,
      },
    ],
  },
  {
    name: 'another-error-with-its-text',
    step: '14.3',
    says: ['Throw the error that you caught'],
    edits: [
      {
        file: migrations,
        replace: `    throw error
`,
        by: `    if (error instanceof NewerSchema) throw error
    throw new Error(\`cannot migrate: \${(error as Error).message}\`)
`,
      },
    ],
  },
  {
    name: 'leaves-what-is-too-old',
    step: '14.4',
    says: ['for whichever reason'],
    edits: [
      {
        file: sessions,
        hole: 'use',
        by: `    const session = await this.#store.find(sessionId)
    if (!session) return undefined
    const now = this.#options.now()
    if (now - session.createdAt >= this.#options.maxMs) return undefined
    if (this.isOver(session)) {
      await this.#store.remove(sessionId)
      return undefined
    }
    if (now - session.usedAt < NOTE_EVERY_MS) return session
    await this.#store.touch(sessionId, now)
    return { ...session, usedAt: now }`,
      },
    ],
  },
  {
    name: 'shifts-bits',
    step: '14.5',
    says: ['A shift (1 << failures)'],
    edits: [
      {
        file: throttle,
        replace: 'firstDelayMs * 2 ** pair.failures',
        by: 'firstDelayMs * (1 << pair.failures)',
      },
    ],
  },
  {
    name: 'the-closed-account-answers-first',
    step: '14.5',
    says: ['that may be the pair’s'],
    edits: [
      {
        file: throttle,
        replace: `const waitMs = Math.max(pair.waitUntil - now, closedMs)
    if (waitMs > 0) return waitMs`,
        by: `if (closedMs > 0) return closedMs
    const waitMs = pair.waitUntil - now
    if (waitMs > 0) return waitMs`,
      },
    ],
  },
  {
    name: 'failures-of-the-known-do-not-count',
    step: '14.5',
    says: ['what was never counted'],
    edits: [
      {
        file: throttle,
        replace: `    window.failures += 1
    return 0`,
        by: `    if (!this.#known.has(keyOf(account, address))) window.failures += 1
    return 0`,
      },
    ],
  },
  {
    name: 'empties-a-set-of-the-past',
    step: '14.6',
    says: ['ask #peers again'],
    edits: [
      {
        file: live,
        hole: 'enter',
        by: `    const peers = this.#peers.get(sessionId) ?? new Set()
    this.#peers.set(sessionId, peers.add(peer))
    let session: StoredSession | undefined
    try {
      session = await this.#sessions.use(sessionId)
    } finally {
      if (!session) {
        peers.delete(peer)
        if (peers.size === 0) this.#peers.delete(sessionId)
      }
    }
    return this.#peers.get(sessionId)?.has(peer) ? session : undefined`,
      },
    ],
  },
  {
    name: 'collects-a-peer-twice',
    step: '14.6',
    says: ['A peer is closed twice'],
    edits: [
      {
        file: live,
        hole: 'end',
        by: `    const ended = sessionIds.flatMap((id) => [...(this.#peers.get(id) ?? [])])
    for (const id of sessionIds) this.#peers.delete(id)
    for (const peer of ended) peer.close('no-session')`,
      },
    ],
  },
  {
    name: 'ends-what-it-does-not-know',
    step: '14.6',
    says: ['is not closed by end()'],
    edits: [
      {
        file: live,
        hole: 'enter',
        by: `    const peers = this.#peers.get(sessionId) ?? new Set()
    this.#peers.set(sessionId, peers.add(peer))
    let session: StoredSession | undefined
    try {
      session = await this.#sessions.use(sessionId)
    } catch (error) {
      this.leave(sessionId, peer)
      throw error
    }
    if (!session) this.end([sessionId])
    return this.#peers.get(sessionId)?.has(peer) ? session : undefined`,
      },
    ],
  },
  {
    name: 'sets-a-newer-schema-back',
    step: '14.3',
    says: ['under the lock'],
    edits: [
      {
        file: migrations,
        replace: `  database.exec('BEGIN IMMEDIATE')
  try {
    const version = schemaVersion(database)
    if (version > migrations.length) throw new NewerSchema(version, migrations.length)`,
        by: `  const found = schemaVersion(database)
  if (found > migrations.length) throw new NewerSchema(found, migrations.length)
  database.exec('BEGIN IMMEDIATE')
  try {
    const version = schemaVersion(database)`,
      },
    ],
  },
  {
    name: 'an-hour-of-the-clock',
    step: '14.4',
    says: ['A use was noted less than an hour ago'],
    edits: [
      {
        file: sessions,
        replace: `if (now - session.usedAt < NOTE_EVERY_MS) return session
    await`,
        by: `if (now - session.usedAt <= 0) return session
    if (Math.floor(now / NOTE_EVERY_MS) === Math.floor(session.usedAt / NOTE_EVERY_MS)) return session
    await`,
      },
    ],
  },
  {
    name: 'closes-a-set-of-the-past',
    step: '14.6',
    says: ['ask #peers again, as end() does'],
    edits: [
      {
        file: live,
        hole: 'endOver',
        by: `    for (const [sessionId, peers] of [...this.#peers]) {
      if (await this.#sessions.use(sessionId)) continue
      this.#peers.delete(sessionId)
      for (const peer of peers) peer.close('no-session')
    }`,
      },
    ],
  },
  {
    name: 'memory-for-n-alone',
    step: '14.1',
    says: ['memory limit exceeded', 'MAX_MEMORY_BYTES'],
    edits: [
      { file: passwords, replace: 'maxmem: MAX_MEMORY_BYTES', by: 'maxmem: 256 * 2 ** ln * r' },
      { file: passwords, replace: 'const MAX_MEMORY_BYTES = 512 * 1024 * 1024', by: '' },
    ],
  },
  {
    name: 'a-key-of-sixteen-bytes',
    step: '14.1',
    says: ['This one has 16 bytes'],
    edits: [{ file: passwords, replace: 'salt, HASH_BYTES, options', by: 'salt, 16, options' }],
  },
  {
    name: 'leaves-the-form-to-its-callers',
    step: '14.1',
    says: ['for all its callers'],
    edits: [
      { file: passwords, replace: "password.normalize('NFKC')", by: 'password' },
      {
        file: passwords,
        replace: 'await derive(password, salt, cost)',
        by: "await derive(password.normalize('NFKC'), salt, cost)",
      },
      {
        file: passwords,
        replace: 'await derive(password, parsed.salt',
        by: "await derive(password.normalize('NFKC'), parsed.salt",
      },
    ],
  },
  {
    name: 'an-error-of-its-own',
    step: '14.1',
    says: ['It has rejected with another error', 'as it is'],
    edits: [
      {
        file: passwords,
        replace: 'error ? reject(error)',
        by: "error ? reject(new Error('cannot hash', { cause: error }))",
      },
    ],
  },
  {
    name: 'goes-on-where-it-stopped',
    step: '14.1',
    says: ['It is accepted the second time'],
    edits: [{ file: passwords, replace: '([A-Za-z0-9+/]+)$/\n', by: '([A-Za-z0-9+/]+)$/g\n' }],
  },
  {
    name: 'the-next-one-a-second-later',
    step: '14.2',
    says: ['at once, without a timer'],
    edits: [
      { file: queue, replace: 'if (next) next()', by: 'if (next) setTimeout(next, 1_000).unref()' },
    ],
  },
  {
    name: 'a-busy-store-is-a-full-queue',
    step: '14.2',
    says: ['a store that is busy', 'catch HashesBusy, and nothing else'],
    edits: [
      {
        file: credentials,
        replace: 'if (!(error instanceof HashesBusy)) throw error',
        by: 'if (!isBusy(error)) throw error',
      },
      {
        file: credentials,
        replace: "import { HashesBusy } from './hash-queue.ts'",
        by: "import { isBusy } from './log-in.ts'",
      },
    ],
  },
  {
    name: 'whatever-calls-itself-busy',
    step: '14.2',
    says: ['a store that is busy'],
    edits: [
      {
        file: credentials,
        replace: 'if (!(error instanceof HashesBusy)) throw error',
        by: 'if (!(error instanceof HashesBusy) && !/busy/i.test(String(error))) throw error',
      },
    ],
  },
  {
    name: 'joins-what-is-missing',
    step: '14.3',
    says: ['A comment goes on to the end of its line'],
    edits: [
      {
        file: migrations,
        replace: 'for (const sql of migrations.slice(version)) database.exec(sql)',
        by: "database.exec(migrations.slice(version).join('; '))",
      },
    ],
  },
  {
    name: 'counts-behind-a-comment',
    step: '14.3',
    says: ['A comment goes on to the end of its line'],
    edits: [
      {
        file: migrations,
        hole: 'migrate',
        by: eachMigration(
          "database.exec('BEGIN IMMEDIATE')\n      database.exec(`${migrations[done]}; PRAGMA user_version = ${done + 1}`)\n      database.exec('COMMIT')",
        ),
      },
    ],
  },
  {
    name: 'runs-the-first-statement-only',
    step: '14.3',
    says: ['prepare() only the first'],
    edits: [
      {
        file: migrations,
        replace: 'migrations.slice(version)) database.exec(sql)',
        by: 'migrations.slice(version)) database.prepare(sql).run()',
      },
    ],
  },
  {
    name: 'remembers-that-it-is-noting',
    step: '14.4',
    says: ['never reached the disk', 'Only `usedAt` in the store'],
    edits: [
      {
        file: sessions,
        replace: '    await this.#store.touch(sessionId, now)\n',
        by: `    if (this.#noting.has(sessionId)) return session
    this.#noting.add(sessionId)
    await this.#store.touch(sessionId, now)
    this.#noting.delete(sessionId)
`,
      },
      {
        file: sessions,
        replace: '  readonly #store: SessionStore\n',
        by: '  readonly #store: SessionStore\n  readonly #noting = new Set<string>()\n',
      },
    ],
  },
  {
    name: 'remembers-what-it-would-have-noted',
    step: '14.4',
    says: ['never reached the disk', 'Only `usedAt` in the store'],
    edits: [
      {
        file: sessions,
        replace: 'if (now - session.usedAt < NOTE_EVERY_MS) return session\n',
        by: `if (now - (this.#noted.get(sessionId) ?? session.usedAt) < NOTE_EVERY_MS) return session
    this.#noted.set(sessionId, now)
`,
      },
      {
        file: sessions,
        replace: '  readonly #store: SessionStore\n',
        by: '  readonly #store: SessionStore\n  readonly #noted = new Map<string, number>()\n',
      },
    ],
  },
  {
    name: 'remembers-what-it-has-found',
    step: '14.4',
    says: ['is no longer in the store', 'Call find() at each use'],
    edits: [
      {
        file: sessions,
        replace: 'const session = await this.#store.find(sessionId)\n',
        by: `const session = this.#found.get(sessionId) ?? (await this.#store.find(sessionId))
    if (session) this.#found.set(sessionId, session)
`,
      },
      {
        file: sessions,
        replace: '    await this.#store.touch(sessionId, now)\n',
        by: '    this.#found.delete(sessionId)\n    await this.#store.touch(sessionId, now)\n',
      },
      {
        file: sessions,
        replace: '      await this.#store.remove(sessionId)\n',
        by: '      this.#found.delete(sessionId)\n      await this.#store.remove(sessionId)\n',
      },
      {
        file: sessions,
        replace: '  readonly #store: SessionStore\n',
        by: '  readonly #store: SessionStore\n  readonly #found = new Map<string, StoredSession>()\n',
      },
    ],
  },
  {
    name: 'remembers-until-it-ends-one-itself',
    step: '14.4',
    says: ['another server', 'Call find() at each use'],
    edits: [
      {
        file: sessions,
        replace: 'const session = await this.#store.find(sessionId)\n',
        by: `const session = this.#found.get(sessionId) ?? (await this.#store.find(sessionId))
    if (session) this.#found.set(sessionId, session)
`,
      },
      {
        file: sessions,
        replace: '    await this.#store.touch(sessionId, now)\n',
        by: '    this.#found.delete(sessionId)\n    await this.#store.touch(sessionId, now)\n',
      },
      {
        file: sessions,
        replace: '      await this.#store.remove(sessionId)\n',
        by: '      await this.end(sessionId)\n',
      },
      {
        file: sessions,
        replace: '    return this.#store.remove(sessionId)\n',
        by: '    this.#found.delete(sessionId)\n    return this.#store.remove(sessionId)\n',
      },
      {
        file: sessions,
        replace: '    return this.#store.removeOf(accountId)\n',
        by: '    this.#found.clear()\n    return this.#store.removeOf(accountId)\n',
      },
      {
        file: sessions,
        replace: '  readonly #store: SessionStore\n',
        by: '  readonly #store: SessionStore\n  readonly #found = new Map<string, StoredSession>()\n',
      },
    ],
  },
  {
    name: 'notes-the-time-of-another-clock',
    step: '14.4',
    says: ['where now is options.now()'],
    edits: [
      {
        file: sessions,
        replace: 'const now = this.#options.now()\n    if (now - session.usedAt',
        by: 'const now = 1_893_456_000_000\n    if (now - session.usedAt',
      },
    ],
  },
  {
    name: 'takes-twice-from-the-rate',
    step: '14.5',
    says: ['call rate.take(address) once'],
    edits: [
      {
        file: throttle,
        replace: 'if (limitedMs > 0) return limitedMs\n',
        by: 'if (limitedMs > 0 || this.#rate.take(address) > 0) return this.#rate.take(address)\n',
      },
    ],
  },
  {
    name: 'what-is-taken-back-prolongs',
    step: '14.5',
    says: ['Only begin() sets triedAt'],
    edits: [
      {
        file: throttle,
        replace: '    pair.waitUntil = this.#clock.now()\n',
        by: '    pair.waitUntil = this.#clock.now()\n    pair.triedAt = this.#clock.now()\n',
      },
    ],
  },
  {
    name: 'stops-before-whoever-has-left',
    step: '14.6',
    says: ['the round goes on with the next'],
    edits: [
      {
        file: live,
        replace: '      if (!(await this.#sessions.use(sessionId)))',
        by: '      if (!this.#peers.has(sessionId)) return\n      if (!(await this.#sessions.use(sessionId)))',
      },
    ],
  },
  {
    name: 'stops-behind-whoever-has-left',
    step: '14.6',
    says: ['the round goes on with the next'],
    edits: [
      {
        file: live,
        replace: '      if (!(await this.#sessions.use(sessionId))) this.end([sessionId])\n',
        by: `      const session = await this.#sessions.use(sessionId)
      if (!this.#peers.has(sessionId)) break
      if (!session) this.end([sessionId])
`,
      },
    ],
  },
  {
    name: 'hanging-up-logs-out',
    step: '14.6',
    says: ['Hanging up is not logging out'],
    edits: [
      {
        file: live,
        replace: '    return this.#peers.get(sessionId)?.has(peer) ? session : undefined',
        by: `    if (!this.#peers.get(sessionId)?.has(peer)) await this.#sessions.end(sessionId)
    return this.#peers.get(sessionId)?.has(peer) ? session : undefined`,
      },
    ],
  },
  {
    name: 'goes-on-with-newcomers',
    step: '14.6',
    says: ['a round that also looks up theirs never ends'],
    edits: [{ file: live, replace: '[...this.#peers.keys()]', by: 'this.#peers.keys()' }],
  },
  {
    name: 'a-thousand-at-a-time',
    step: '14.6',
    says: ['others’ among them', 'a few at a time'],
    edits: [
      {
        file: live,
        hole: 'endOver',
        by: `const ids = [...this.#peers.keys()]
    for (let at = 0; at < ids.length; at += 1_000)
      await Promise.all(
        ids.slice(at, at + 1_000).map(async (id) => {
          if (!(await this.#sessions.use(id))) this.end([id])
        }),
      )`,
      },
    ],
  },
  {
    name: 'looks-up-each-session-twice',
    step: '14.6',
    says: ['Call use() once for each session'],
    edits: [
      {
        file: live,
        replace: '      if (!(await this.#sessions.use(sessionId)))',
        by: '      if (!(await this.#sessions.use(sessionId)) || !(await this.#sessions.use(sessionId)))',
      },
    ],
  },
  {
    name: 'one-buffer-for-all-salts',
    step: '14.1',
    says: ['both stored hashes to match their passwords', 'one buffer for all salts'],
    edits: [
      {
        file: passwords,
        replace: '  const salt = randomBytes(SALT_BYTES)\n  return formatHash',
        by: '  const salt = randomFillSync(SALT)\n  return formatHash',
      },
      {
        file: passwords,
        replace: 'randomBytes, scrypt,',
        by: 'randomBytes, randomFillSync, scrypt,',
      },
      {
        file: passwords,
        replace: 'const SALT_BYTES = 16\n',
        by: 'const SALT_BYTES = 16\nconst SALT = Buffer.alloc(SALT_BYTES)\n',
      },
    ],
  },
  {
    name: 'hands-an-error-on-to-the-next',
    step: '14.1',
    says: ['deriveKey() to call scrypt() again', 'Does a call wait for the one before it?'],
    edits: [
      {
        file: passwords,
        hole: 'deriveKey',
        by: `const { ln, r, p } = cost
  const options = { N: 2 ** ln, r, p, maxmem: MAX_MEMORY_BYTES }
  const derive = () =>
    new Promise<Uint8Array>((resolve, reject) =>
      scrypt(password.normalize('NFKC'), salt, HASH_BYTES, options, (error, key) =>
        error ? reject(error) : resolve(key),
      ),
    )
  const next = LAST.then(derive)
  LAST = next
  return next`,
      },
      {
        file: passwords,
        replace: 'const SALT_BYTES = 16\n',
        by: 'const SALT_BYTES = 16\nlet LAST: Promise<unknown> = Promise.resolve()\n',
      },
    ],
  },
  {
    name: 'verifies-a-trimmed-password',
    step: '14.2',
    says: ['the account from check()', 'Pass the password on as it was given'],
    edits: [
      {
        file: credentials,
        replace: 'verifyPassword(password, stored',
        by: 'verifyPassword(password.trim(), stored',
      },
    ],
  },
  {
    name: 'verifies-the-first-64-letters',
    step: '14.2',
    says: ['the account from check()', 'Pass the password on as it was given'],
    edits: [
      {
        file: credentials,
        replace: 'verifyPassword(password, stored',
        by: 'verifyPassword(password.slice(0, 64), stored',
      },
    ],
  },
  {
    name: 'hashes-a-trimmed-password-anew',
    step: '14.2',
    says: ['the new hash to be that of the same password', 'Pass the password on as it was given'],
    edits: [
      {
        file: credentials,
        replace: 'await hashPassword(password, this.#hasher)',
        by: 'await hashPassword(password.trim(), this.#hasher)',
      },
    ],
  },
  {
    name: 'a-failed-rehash-is-the-last',
    step: '14.2',
    says: ['a rejection from check() with a store that is busy', 'the rehash was skipped'],
    edits: [
      {
        file: credentials,
        replace: "if (verdict === 'outdated') await this.#rehash(account, password)",
        by: `if (verdict === 'outdated' && !this.#rehashing.has(account.id)) {
      this.#rehashing.add(account.id)
      await this.#rehash(account, password)
      this.#rehashing.delete(account.id)
    }`,
      },
      {
        file: credentials,
        replace: '  readonly #hasher: Hasher\n',
        by: '  readonly #hasher: Hasher\n  readonly #rehashing = new Set<number>()\n',
      },
    ],
  },
  {
    name: 'none-may-wait-is-no-limit',
    step: '14.2',
    says: ['a rejection from the second task', '0 is a limit'],
    edits: [
      {
        file: queue,
        replace: BOUND,
        by: 'if (this.#waiting.length < (this.#limits.waiting || HASH_LIMITS.waiting))',
      },
    ],
  },
  {
    name: 'strips-comments',
    step: '14.3',
    says: ['the migrations to succeed', 'Take nothing out of a migration'],
    edits: [
      {
        file: migrations,
        replace: '    for (const sql of migrations.slice(version)) database.exec(sql)\n',
        by: `    const sql = migrations.slice(version).map((text) => text.replace(/--.*$/gm, ''))
    database.exec(sql.join(';\\n'))
`,
      },
    ],
  },
  {
    name: 'an-age-without-a-sign',
    step: '14.4',
    says: ['the statement that the session goes on', 'Leave out Math.abs()'],
    edits: [
      {
        file: sessions,
        replace: 'now - usedAt >= this.#options.idleMs',
        by: 'Math.abs(now - usedAt) >= this.#options.idleMs',
      },
    ],
  },
  {
    name: 'a-birth-in-the-future-is-an-age',
    step: '14.4',
    says: ['the statement that the session goes on', 'Leave out Math.abs()'],
    edits: [
      {
        file: sessions,
        replace: 'now - createdAt >= this.#options.maxMs',
        by: 'Math.abs(now - createdAt) >= this.#options.maxMs',
      },
    ],
  },
  {
    name: 'one-look-up-for-all-who-ask',
    step: '14.4',
    says: ['had been ended before the second use began', 'Call find() at each use'],
    edits: [
      {
        file: sessions,
        replace: 'const session = await this.#store.find(sessionId)',
        by: `let finding = this.#finding.get(sessionId)
    if (!finding) {
      finding = this.#store.find(sessionId).finally(() => this.#finding.delete(sessionId))
      this.#finding.set(sessionId, finding)
    }
    const session = await finding`,
      },
      {
        file: sessions,
        replace: '  readonly #store: SessionStore\n',
        by: '  readonly #store: SessionStore\n  readonly #finding = new Map<string, Promise<StoredSession | undefined>>()\n',
      },
    ],
  },
  {
    name: 'rounds-the-wait',
    step: '14.5',
    says: ['begin("ada", "192.0.2.1") to be above 0', 'The clock has fractions'],
    edits: [
      {
        file: throttle,
        replace: 'if (waitMs > 0) return waitMs',
        by: 'if (waitMs > 0) return Math.round(waitMs)',
      },
    ],
  },
  {
    name: 'rounds-the-wait-of-a-closed-account',
    step: '14.5',
    says: ['begin("ada", "198.51.100.7") to be above 0', 'The clock has fractions'],
    edits: [
      {
        file: throttle,
        replace: 'window.beganAt + this.#limits.windowMs - now : 0',
        by: 'Math.floor(window.beganAt + this.#limits.windowMs - now) : 0',
      },
    ],
  },
  {
    name: 'leaves-its-twin-in-the-window',
    step: '14.5',
    says: ['begin("ada", "203.0.113.2") to be 0', 'also when the pair has none left'],
    edits: [
      {
        file: throttle,
        replace: 'pair.failures = Math.max(0, pair.failures - 1)',
        by: 'const isForgotten = pair.failures === 0\n    if (!isForgotten) pair.failures -= 1',
      },
      {
        file: throttle,
        replace: 'window.failures = Math.max(0, window.failures - 1)',
        by: 'if (!isForgotten) window.failures = Math.max(0, window.failures - 1)',
      },
    ],
  },
  {
    name: 'a-pair-at-0-leaves-the-window',
    step: '14.5',
    says: ['begin("bob", "203.0.113.2") to be 0', 'also when the pair has none left'],
    edits: [
      {
        file: throttle,
        replace:
          'const pair = this.#pair(account, address)\n    const window = this.#window(account)\n    pair.failures = Math.max(0, pair.failures - 1)',
        by: 'const pair = this.#pair(account, address)\n    const window = this.#window(account)\n    if (pair.failures === 0) return\n    pair.failures -= 1',
      },
      {
        file: throttle,
        replace: 'this.takeBack(account, address)\n    this.#pair(account, address).failures = 0',
        by: `const pair = this.#pair(account, address)
    const window = this.#window(account)
    pair.failures = 0
    pair.waitUntil = this.#clock.now()
    window.failures = Math.max(0, window.failures - 1)`,
      },
    ],
  },
]
