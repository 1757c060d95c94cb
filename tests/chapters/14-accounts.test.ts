import { createHash } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate as turn } from 'node:timers/promises'
import type { StoredSession } from '#code/14-accounts/account-store.ts'
import type { SessionPeer } from '#code/14-accounts/live-sessions.ts'
import type { Hasher } from '#code/14-accounts/passwords.ts'
import type { ThrottleLimits } from '#code/14-accounts/throttle.ts'
import type { Client } from '../harness/client.ts'
import type { Reason } from '../harness/failure.ts'
import type { HostedServer } from '../harness/hosted-server.ts'
import { PATIENCE_MS, within } from '../harness/patience.ts'
import { randomBytes, randomInteger } from '../harness/random.ts'
import { VirtualClock } from '../harness/virtual-time.ts'
import { type Stage, step } from '../judge/step.ts'
import { type ChatMessage, chatFrame, expectChat } from '../protocols/chat.ts'
import {
  contentOf,
  killDuring,
  MIGRATED,
  MIGRATIONS,
  migrateTogether,
} from '../worlds/accounts-databases.ts'
import { rejects, resolves, settle, stagedError } from '../worlds/accounts-promises.ts'
import {
  CHEAP,
  type Cost,
  derivation,
  fits,
  NotedHasher,
  PASSLIB,
  phc,
  phcOf,
  scryptOf,
} from '../worlds/accounts-scrypt.ts'
import { NotedAccounts, NotedSessions } from '../worlds/accounts-stores.ts'

const HOUR = 60 * 60_000
const DAY = 24 * HOUR

step('14.1', 'a password is stored as a hash that says how it was made', async (stage) => {
  const { expect, expectSame, story } = stage
  const passwords = await stage.load(() => import('#code/14-accounts/passwords.ts'))
  const { hashPassword, parseHash, verifyPassword } = passwords
  await expectKeys(stage, passwords.deriveKey)

  const hasher = new NotedHasher()
  const hash = (password: string) => {
    story.tell('test', `hashes "${password}" with ln=4, r=8, p=1`)
    return resolves(story, 'hashPassword()', hashPassword(password, hasher as Hasher), {
      because: 'derive() has resolved.',
    })
  }
  const [first, second] = [await hash('correct horse'), await hash('correct horse')]
  expect('the stored string to have the form of PHC', fits('', first) !== undefined, {
    because: 'The string says how the hash was made, so that it can be verified in ten years.',
    likely: 'formatHash() writes it: cost, salt, hash.',
    expected: '$scrypt$ln=4,r=8,p=1$<salt>$<hash>',
    received: first,
  })
  expect('it to fit its password', fits('correct horse', first) === true, {
    because: 'We have derived the key ourselves, with the salt and cost that the string names.',
    likely: 'Is the salt in the string the one that derive() was given?',
    received: 'it fits another key',
  })
  expect('the same password to be stored differently the next time', first !== second, {
    because: 'Two people with one password must not be seen to have it.',
    likely: 'Each hash has a salt of its own: randomBytes(SALT_BYTES).',
    received: `both times ${first}`,
  })
  expect('the salt to be 16 bytes or more', hasher.shortestSalt >= 16, {
    because: 'Short salts repeat.',
    received: `${hasher.shortestSalt} bytes`,
  })

  for (const [stored, because] of BAD_STRINGS) {
    expectSame(`parseHash(${shown(stored)})`, parseHash(stored), undefined, {
      because,
      likely:
        'Three checks: the form, each parameter from 1 to its MAX_COST, and HASH_BYTES of hash.',
    })
  }
  for (const stored of [PASSLIB, phc({ ln: 17, r: 16, p: 8 }, ANY_SALT, ANY_HASH)]) {
    const parsed = parseHash(stored)
    expectSame(`parseHash(${shown(stored)}), written again`, parsed && phcFrom(parsed), stored, {
      because: 'It has the right form, and asks for no more than MAX_COST.',
      likely: 'MAX_COST itself is allowed.',
    })
  }

  const verify = async (
    password: string,
    stored: string,
    expected: string,
    reason: Reason,
    { derive, cost } = hasher,
  ) => {
    const verdict = await resolves(
      story,
      'verifyPassword()',
      verifyPassword(password, stored, { derive, cost }),
      { because: 'derive() has resolved.' },
    )
    expectSame(`verifyPassword("${password}", ${shown(stored)})`, verdict, expected, reason)
  }
  const stored = phcOf('correct horse', CHEAP)
  await verify('correct horse', stored, 'right', { because: 'It is the password.' })
  await verify('Correct horse', stored, 'wrong', { because: 'One letter differs.' })
  await verify('', stored, 'wrong', { because: 'It is another password.' })
  for (const place of [0, 31]) {
    const altered = scryptOf('correct horse', ANY_SALT, CHEAP)
    altered[place] ^= 1
    await verify('correct horse', phc(CHEAP, ANY_SALT, altered), 'wrong', {
      because: `One bit of the hash differs, in byte ${place}.`,
      likely: 'All bytes count: timingSafeEqual() compares them all.',
    })
  }
  hasher.takeCalls()
  await verify('correct horse', 'nonsense', 'wrong', { because: 'Nothing fits a damaged string.' })
  expectSame('the keys that were derived for it', hasher.takeCalls(), [], {
    because: 'It names no cost and no salt.',
  })

  const today = new NotedHasher(TODAY)
  story.tell('test', 'verifies at ln=4, r=8, p=2 from now on')
  for (const [cost, verdict, because] of COSTS) {
    const likely =
      '`outdated` if any of ln, r and p is below today’s. Verify with the cost that is stored.'
    await verify('horse', phcOf('horse', cost), verdict, { because, likely }, today)
    expectSame('the keys that were derived', today.takeCalls(), [derivation('horse', cost)], {
      because: 'One, at the cost of the stored hash: at any other price, another key comes out.',
    })
  }
  const cheaper = phcOf('horse', { ...TODAY, ln: 3 })
  const reason = { because: 'A wrong password is wrong, at whatever price.' }
  await verify('mule', cheaper, 'wrong', reason, today)

  hasher.failures.push(...[1, 2].map(() => stagedError(new RangeError('out of memory'))))
  for (const [name, attempt] of [
    ['verifyPassword()', () => verifyPassword('horse', stored, hasher as Hasher)],
    ['hashPassword()', () => hashPassword('horse', hasher as Hasher)],
  ] as const) {
    const error = await rejects(story, `${name}, when derive() fails`, attempt(), {
      because: 'Nobody knows whether the password is right. To say "wrong" would be a lie.',
      likely: 'Let the error through.',
    })
    expectSame('the error', String(error), 'RangeError: out of memory', {
      because: 'It is what derive() has rejected with.',
    })
  }
})

step('14.2', 'two hash, some wait, and an unknown name costs the same', async (stage) => {
  await expectQueue(stage)
  await expectNoOvertaking(stage)
  await expectCrowdInOrder(stage)
  await expectSameWork(stage)
  await expectRehash(stage)
})

step('14.3', 'an interrupted migration goes on, a newer schema is refused', async (stage) => {
  const { expect, expectSame, story } = stage
  const { migrate, NewerSchema } = await stage.load(() => import('#code/14-accounts/migrations.ts'))
  const database = new DatabaseSync(':memory:')
  const expectContent = (content: string, reason: Reason) =>
    expectSame('the database', contentOf(database), content, reason)
  story.tell('test', 'migrates a new database, with the first of three migrations')
  migrate(database, MIGRATIONS.slice(0, 1))
  expectContent('version 1; people: nobody; no rooms', {
    because: 'One migration has been run.',
    likely: 'PRAGMA user_version counts them.',
  })
  story.tell('test', 'migrates it with all three')
  migrate(database, MIGRATIONS)
  expectContent(MIGRATED, {
    because: 'It has had the first one already. The other two were run, in order.',
    likely: 'Begin at user_version.',
  })
  story.tell('test', 'migrates it again')
  migrate(database, MIGRATIONS)
  expectContent(MIGRATED, { because: 'It is up to date: nothing is run twice.' })
  expectSame('whether it is in a transaction', database.isTransaction, false, {
    because: 'What is not committed is lost with the process.',
    likely: 'Every BEGIN has its COMMIT, also when there is nothing to do.',
  })

  story.tell('test', 'migrates it with a program that knows two migrations')
  const error = thrownBy(() => migrate(database, MIGRATIONS.slice(0, 2)))
  expect('NewerSchema to be thrown', error instanceof NewerSchema, {
    because: 'The third migration may have changed what the first two made. We cannot know.',
    likely: 'user_version above the number of migrations: throw new NewerSchema(…).',
    received: String(error),
  })
  expectContent(MIGRATED, { because: 'It is not ours to change.' })
  expectSame('whether it is in a transaction', database.isTransaction, false, {
    because: 'Whoever is refused leaves no lock behind.',
    likely: 'The way out by an exception ends the transaction, too.',
  })
  await expectFailedMigration(stage, migrate)
  expectFirstError(stage, migrate)

  for (let killAt = 0; ; killAt++) {
    const { database: left, wasKilled, at } = killDuring(migrate, killAt)
    if (!wasKilled) break
    story.tell('process', `is killed ${at}`)
    const found = contentOf(left)
    const failure = thrownBy(() => migrate(left, MIGRATIONS))
    const reason = {
      because: `The process was killed ${at}, which left "${found}". The next start must go on from there.`,
      likely:
        'A migration and its count belong into one transaction: then either both are in the file, or neither is.',
    }
    expect('the next migration to succeed', failure === undefined, {
      ...reason,
      received: String(failure),
    })
    expectSame('the database', contentOf(left), MIGRATED, reason)
    left.close()
    await turn()
  }

  for (let at = 0; ; at++) {
    story.tell('another process', `migrates the same file before call ${at + 1} of the first`)
    let seen: ReturnType<typeof migrateTogether> | undefined
    const failure = thrownBy(() => {
      seen = migrateTogether(migrate, at)
    })
    const reason = {
      because:
        'Two servers were started at once. One migrates; the other finds nothing left to do.',
      likely:
        'Between reading user_version and BEGIN it may change. Take the lock first (BEGIN IMMEDIATE), and read it then.',
    }
    expect('both to succeed', failure === undefined, { ...reason, received: String(failure) })
    expectSame('the database', seen?.content, MIGRATED, reason)
    if (at >= seen!.calls) break
    await turn()
  }
})

step('14.4', 'a token is stored as its hash, and a session ends in time', async (stage) => {
  const { expect, expectSame, story } = stage
  const world = await playSessions(stage)
  const { clock, store, sessions } = world
  const token = await world.begin(7)
  const bytes = Buffer.from(token, 'base64url')
  expect('the token to be 32 random bytes in base64url', bytes.equals(world.drawn[0]), {
    because: 'Nobody guesses 256 bits.',
    likely: 'randomBytes(TOKEN_BYTES).toString("base64url")',
    expected: world.drawn[0].toString('base64url'),
    received: token,
  })
  const stored = [...store.rows.values()]
  expectSame(
    'what is stored',
    stored,
    [{ id: sha256(token), accountId: 7, createdAt: clock.now(), usedAt: clock.now() }],
    {
      because: 'A thief of the database finds the SHA-256 of the token, and that logs in nowhere.',
      likely: 'sessionIdOf(token) is the id.',
    },
  )
  expect('the token to be in no call of the store', !store.takeCalls().join().includes(token), {
    because: 'What is never stored cannot be stolen.',
  })
  const other = await world.begin(7)
  expect('another log-in to make another token', other !== token, {
    because: 'Each device has a session of its own, which can be ended alone.',
  })

  await world.use('0'.repeat(64), 'unknown', { because: 'There is no such session.' })
  await world.use(sha256(token), 'goes on', { because: 'It has just begun.' })
  store.takeCalls()
  world.advance(HOUR - 1)
  await world.use(sha256(token), 'goes on', { because: 'It is an hour old.' })
  expectSame('the writes', store.takeCalls('touch'), [], {
    because: 'A use was noted less than an hour ago. A write for each request would wear the disk.',
    likely: 'NOTE_EVERY_MS, since usedAt.',
  })
  world.advance(1)
  await world.use(sha256(token), 'goes on', { because: 'It is used.' })
  expectSame(
    'the writes',
    store.takeCalls('touch'),
    [`touch("${sha256(token).slice(0, 8)}…", ${clock.now()})`],
    {
      because: 'The last use was noted an hour ago: now this one is.',
      likely: 'touch(id, now). What is not noted does not prolong the session.',
    },
  )
  world.advance(HOUR - 1)
  await world.use(sha256(token), 'goes on', { because: 'It is used.' })
  expectSame('the writes', store.takeCalls('touch'), [], {
    because: 'The hour begins anew with each use that is noted.',
  })

  story.tell('test', 'lets sessions end after 14 days without use, and after 90 days in any case')
  const idle = await world.begin(8)
  world.advance(14 * DAY - 1)
  await world.use(sha256(idle), 'goes on', { because: 'It is 14 days less a millisecond.' })
  world.advance(14 * DAY)
  await world.use(sha256(idle), 'is over', {
    because: 'It has not been used for 14 days.',
    likely: 'idleMs since usedAt: as much is enough.',
  })
  expect('it to be in the store no more', !store.rows.has(sha256(idle)), {
    because: 'A session that has been refused once must not come back.',
    likely: 'remove() what is over.',
  })
  world.setBack(20 * DAY)
  await world.use(sha256(idle), 'is over', {
    because: 'Somebody has set the clock right. What was over stays over.',
    likely: 'remove() what is over.',
  })

  const long = await world.begin(9)
  const began = clock.now()
  while (clock.now() < began + 90 * DAY - 10 * DAY) {
    world.advance(10 * DAY)
    await world.use(sha256(long), 'goes on', { because: 'It is used every ten days.' })
  }
  world.advance(10 * DAY - 1)
  await world.use(sha256(long), 'goes on', { because: 'It is 90 days less a millisecond old.' })
  world.advance(1)
  await world.use(sha256(long), 'is over', {
    because: 'It is 90 days old. A stolen token must not live for as long as the thief uses it.',
    likely: 'maxMs since createdAt, however often it was used.',
  })

  const young = await world.begin(10)
  world.setBack(3 * DAY)
  store.takeCalls()
  await world.use(sha256(young), 'goes on', {
    because: 'The clock was set back. The session seems to begin in the future, and harms nobody.',
  })
  expectSame('the writes', store.takeCalls('touch'), [], {
    because: 'To note an earlier use than the one that is noted would shorten the session.',
  })

  const gone = await world.begin(11)
  world.advance(2 * DAY)
  story.tell('store', 'is slow; meanwhile the session is ended')
  store.held = []
  const using = sessions.use(sha256(gone))
  const ending = sessions.end(sha256(gone))
  await letGo(store)
  await resolves(story, 'use()', Promise.all([using, ending]), {
    because: 'The store has answered. A session that has gone is no error.',
  })
  expect('the session not to come back', !store.rows.has(sha256(gone)), {
    because: 'It was ended while its use was being noted.',
    likely: 'touch() changes a session that is still there. add() makes one.',
  })

  const late = await world.begin(13)
  world.advance(2 * DAY)
  await expectNoLooseEnd(stage, store, () => sessions.use(sha256(late)))
  world.advance(20 * DAY)
  await expectNoLooseEnd(stage, store, () => sessions.use(sha256(late)))

  store.failure = stagedError(new Error('the disk is full'))
  for (const [name, attempt] of [
    ['begin()', () => sessions.begin(12)],
    ['use()', () => sessions.use(sha256(young))],
  ] as const) {
    const error = await rejects(story, `${name}, when the store fails`, attempt(), {
      because: 'Nobody knows whether there is such a session.',
      likely: 'Let the error through.',
    })
    expectSame('the error', String(error), 'Error: the disk is full', {
      because: 'It is what the store has rejected with.',
    })
  }
})

step('14.5', 'a try counts before it is hashed, and guessing gets slow', async (stage) => {
  await expectDoubling(stage)
  await expectNetworks(stage)
  await expectClosedAccount(stage)
  await expectTakenBack(stage)
  await expectRateFirst(stage)
  await expectRealClock(stage)
})

step('14.6', 'a session that ends takes all its connections along', async (stage) => {
  await expectEnded(stage)
  await expectEndedMeanwhile(stage)
  await expectSwept(stage)
  await expectLoggedOut(stage)
  await expectExpired(stage)
})

/** Salt and hash of a string that is only looked at. */
const ANY_SALT = Buffer.from('sixteen bytes ok')
const ANY_HASH = Buffer.alloc(32, 7)

const FORM = 'It has another form.'
const COSTLY = 'One damaged digit must not cost a minute, or all memory.'
const BAD_STRINGS: [stored: string, because: string][] = [
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
  [PASSLIB.replace('ln=16', 'ln=0'), 'scrypt knows no ln of 0.'],
  [PASSLIB.replace('r=8', 'r=0'), 'scrypt knows no r of 0.'],
  [PASSLIB.replace('p=1', 'p=0'), 'scrypt knows no p of 0.'],
  [phc(CHEAP, ANY_SALT, ANY_HASH.subarray(0, 1)), 'One password in 256 fits a hash of one byte.'],
  [phc(CHEAP, ANY_SALT, ANY_HASH.subarray(0, 31)), 'A byte is missing.'],
  [phc(CHEAP, ANY_SALT, Buffer.alloc(33)), 'There is a byte too many.'],
]

/** What a hash costs in the next test, stored costs, and what they are then. */
const TODAY: Cost = { ln: 4, r: 8, p: 2 }
const COSTS: [cost: Cost, verdict: 'right' | 'outdated', because: string][] = [
  [TODAY, 'right', 'It costs what a hash costs today.'],
  [{ ...TODAY, ln: 3 }, 'outdated', 'ln has risen since: this hash is cheaper to guess at.'],
  [{ ...TODAY, r: 7 }, 'outdated', 'r has risen since.'],
  [{ ...TODAY, p: 1 }, 'outdated', 'p has risen since.'],
  [{ ln: 5, r: 7, p: 3 }, 'outdated', 'r has risen since, whatever the others did.'],
  [
    { ln: 5, r: 9, p: 3 },
    'right',
    'It costs more than today’s: nothing is gained by hashing again.',
  ],
]

function phcFrom({ cost, salt, hash }: { cost: Cost; salt: Uint8Array; hash: Uint8Array }): string {
  return phc(cost, salt, hash)
}

/** A stored string, short enough for a title. */
function shown(stored: string): string {
  return JSON.stringify(stored.length > 44 ? `${stored.slice(0, 32)}…${stored.slice(-8)}` : stored)
}

type DeriveKey = (password: string, salt: Uint8Array, cost: Cost) => Promise<Uint8Array>

/** A key that another program has derived, at a price that scrypt's default limit refuses, and not on this thread. */
async function expectKeys({ expect, story }: Stage, deriveKey: DeriveKey): Promise<void> {
  const [, , , saltText, hashText] = PASSLIB.split('$')
  story.tell('test', 'derives the key of "password", with ln=16, r=8, p=1')
  const [threadBefore, processBefore] = [cpuOf(process.threadCpuUsage()), cpuOf(process.cpuUsage())]
  const deriving = deriveKey('password', Buffer.from(saltText, 'base64'), { ln: 16, r: 8, p: 1 })
  const key = await within(10 * PATIENCE_MS, deriving)
  const onThread = cpuOf(process.threadCpuUsage()) - threadBefore
  const inAll = cpuOf(process.cpuUsage()) - processBefore
  expect('it to be the key that Python derives', key !== 'too late' && toText(key) === hashText, {
    because: 'scrypt is a standard (RFC 7914). Other programs can read what we store.',
    likely: 'N is 2 to the power of ln. r and p are as they stand.',
    expected: hashText,
    received: key === 'too late' ? 'nothing so far' : toText(key),
  })
  expect('another thread to have done the work', onThread < inAll / 2, {
    because: 'While the loop hashes, nobody is served: a fifth of a second for every log-in.',
    likely: 'scrypt() works in libuv’s threads, scryptSync() in yours.',
    received: `${Math.round((100 * onThread) / inAll)} % of the CPU time was this thread’s`,
  })
  const keyOf = async (password: string) =>
    toText(
      await resolves(story, 'deriveKey()', deriveKey(password, ANY_SALT, CHEAP), {
        because: 'scrypt has done its work.',
      }),
    )
  for (const [one, other] of [
    ['caf\u00e9', 'cafe\u0301'],
    ['\ufb01sh', 'fish'],
  ]) {
    expect(
      `"${one}" to have one key, however it was typed`,
      (await keyOf(one)) === (await keyOf(other)),
      {
        because: 'One keyboard sends é as one code point, another as e and an accent.',
        likely: 'password.normalize("NFKC")',
      },
    )
  }
  const long = 'x'.repeat(200)
  for (const [one, other] of [
    ['horse', 'Horse'],
    ['horse', 'horse '],
    [long, `${long}y`],
  ]) {
    const what = one === long ? '200 and 201 letters' : `"${one}" and "${other}"`
    expect(`${what} to have two keys`, (await keyOf(one)) !== (await keyOf(other)), {
      because: 'They are two passwords.',
      likely: 'But for its NFKC form, a password is hashed as it is: all of it.',
    })
  }
}

function toText(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replaceAll('=', '')
}

function cpuOf({ user, system }: NodeJS.CpuUsage): number {
  return user + system
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function thrownBy(body: () => void): unknown {
  try {
    body()
    return undefined
  } catch (error) {
    return error
  }
}

/** A task that begins when the queue lets it, and ends when the test says so. */
interface Hash {
  hasBegun: boolean
  /** How it ends. */
  end: { resolve(value: string): void; reject(error: Error): void }
  result: Promise<string>
}

/** Two places, and three to wait in. */
async function expectQueue(stage: Stage): Promise<void> {
  const { expect, expectSame, story } = stage
  const { HashQueue, HashesBusy } = await stage.load(
    () => import('#code/14-accounts/hash-queue.ts'),
  )
  const queue = new HashQueue({ running: 2, waiting: 3 })
  story.tell('test', 'makes a queue: two may run, three may wait')
  const run = (name: string, task?: () => Promise<string>): Hash => {
    const { promise, ...end } = Promise.withResolvers<string>()
    const hash: Hash = { hasBegun: false, end, result: Promise.resolve('') }
    story.tell('queue', `is given ${name}`)
    hash.result = queue.run(() => {
      hash.hasBegun = true
      return task ? task() : promise
    })
    hash.result.catch(() => {})
    return hash
  }
  const expectBegun = async (hashes: Record<string, Hash>, begun: string[], reason: Reason) => {
    await settle()
    const seen = Object.keys(hashes).filter((name) => hashes[name].hasBegun)
    expectSame('the tasks that have begun', seen, begun, reason)
  }
  const [a, b, c, d, e] = ['a', 'b', 'c', 'd', 'e'].map((name) => run(name))
  const all = { a, b, c, d, e }
  await expectBegun(all, ['a', 'b'], {
    because: 'Two may run. libuv has four threads, and files need some of them.',
    likely: 'Count those that run. The third waits for a promise that a place resolves.',
  })
  expectSame(
    'stats()',
    queue.stats(),
    { running: 2, waiting: 3, refused: 0 },
    {
      because: 'Two run, three wait.',
    },
  )
  const f = run('f')
  const refusal = await rejects(story, 'the sixth', f.result, {
    because: 'Three wait already.',
    likely: 'HashesBusy is for whoever finds `waiting` tasks in line.',
  })
  expect('it to be rejected with HashesBusy', refusal instanceof HashesBusy, {
    because: 'The client is told `busy`, and can try again.',
    received: String(refusal),
  })

  b.end.resolve('b')
  expectSame('the result of b', await resolves(story, 'b', b.result, DONE), 'b', DONE)
  await expectBegun({ ...all, f }, ['a', 'b', 'c'], {
    because: 'b has ended: the one that has waited longest has its place. f was refused.',
    likely: 'First come, first served: shift(), not pop().',
  })
  a.end.reject(new RangeError('out of memory'))
  const error = await rejects(story, 'a', a.result, {
    because: 'Its task has failed.',
    likely: 'try … finally hands the place on and lets the error through.',
  })
  expectSame('the error of a', String(error), 'RangeError: out of memory', {
    because: 'It is what the task has rejected with.',
  })
  await expectBegun(all, ['a', 'b', 'c', 'd'], {
    because: 'A task that fails leaves its place like any other.',
    likely: 'try … finally',
  })

  story.tell('test', 'ends c, and gives the queue g before anybody else has a turn')
  c.end.resolve('c')
  const g = run('g')
  await expectBegun({ ...all, g }, ['a', 'b', 'c', 'd', 'e'], {
    because: 'e has waited, g has just come. And d runs still: there is one place, not two.',
    likely:
      'A place that becomes free belongs to the one that waits. If it is counted as free first, g may take it too.',
  })
  const h = run('h', () => {
    throw new TypeError('at once')
  })
  for (const hash of [d, e, g]) hash.end.resolve('')
  const thrown = await rejects(story, 'h, which throws', h.result, {
    because: 'To throw and to reject are the same to whoever waits for it.',
  })
  expectSame('the error of h', String(thrown), 'TypeError: at once', {
    because: 'It is what the task has thrown.',
  })
  await settle()
  expectSame(
    'stats()',
    queue.stats(),
    { running: 0, waiting: 0, refused: 1 },
    {
      because: 'Everything has ended. One was refused.',
      likely: 'Whoever leaves hands the place on, or counts it as free: exactly one of the two.',
    },
  )
  const [i, j, k] = ['i', 'j', 'k'].map((name) => run(name))
  await expectBegun({ i, j, k }, ['i', 'j'], { because: 'There are two places, as before.' })
  for (const hash of [i, j, k]) hash.end.resolve('')
  await settle()
}

const DONE = { because: 'Its task has resolved with that.' }

/** Somebody comes just when a place becomes free: at this very moment, or a few steps of promises later. */
async function expectNoOvertaking({ expectSame, load, story }: Stage): Promise<void> {
  const { HashQueue } = await load(() => import('#code/14-accounts/hash-queue.ts'))
  story.tell(
    'test',
    'ends one task while another waits, and gives the queue a third at that moment',
  )
  for (let steps = 0; steps < 12; steps++) {
    const queue = new HashQueue({ running: 1, waiting: 2 })
    const gates = [1, 2, 3].map(() => Promise.withResolvers<void>())
    const began: string[] = []
    const run = (name: string, gate: PromiseWithResolvers<void>) =>
      queue.run(() => {
        began.push(name)
        return gate.promise
      })
    const results = [run('first', gates[0]), run('second', gates[1])]
    await settle()
    gates[0].resolve()
    for (let step = 0; step < steps; step++) await undefined
    results.push(run('third', gates[2]))
    await settle()
    expectSame('the tasks that have begun', began, ['first', 'second'], {
      because:
        'One may run. The second has waited for the place of the first; the third has just come.',
      likely:
        'Between "the place is free" and "the one that waits has it" somebody else takes it. Hand the place over, and never count it as free.',
    })
    for (const gate of gates) gate.resolve()
    await resolves(story, 'The third task', Promise.all(results), {
      because: 'The others have ended, and the place is free.',
      likely: 'A place that nobody waits for is counted as free.',
    })
  }
}

/** Two hundred tasks that end at random: never more than two at a time, and each in its turn. */
async function expectCrowdInOrder({ expect, load, random, story }: Stage): Promise<void> {
  const { HashQueue } = await load(() => import('#code/14-accounts/hash-queue.ts'))
  const queue = new HashQueue({ running: 2, waiting: 200 })
  story.tell('test', 'runs 200 tasks that end in any order, while others come')
  const began: number[] = []
  const running: (() => void)[] = []
  let most = 0
  const results: Promise<void>[] = []
  while (results.length < 200 || running.length > 0) {
    if (results.length < 200 && randomInteger(random, 3) > 0) {
      const number = results.length
      const task = () => {
        began.push(number)
        const { promise, resolve } = Promise.withResolvers<void>()
        running.push(resolve)
        most = Math.max(most, running.length)
        return promise
      }
      results.push(queue.run(task))
    } else if (running.length > 0) {
      running.splice(randomInteger(random, running.length), 1)[0]()
    }
    if (randomInteger(random, 4) === 0) await turn()
    if (running.length === 0) await settle()
  }
  expect('never more than two to run', most <= 2, {
    because: 'Two is two, however tasks come and go.',
    received: `${most} at a time`,
  })
  const isInOrder = began.length === 200 && began.every((number, index) => number === index)
  expect('all of them to begin, in the order in which they came', isInOrder, {
    because: 'First come, first served.',
    likely: 'Does a newcomer see that others wait? A free place is not free while somebody waits.',
    received: `${began.length} began: ${began.slice(0, 8).join(', ')} …`,
  })
}

/** What a clock would see of a log-in, as calls. */
async function expectSameWork(stage: Stage): Promise<void> {
  const { expectSame, story } = stage
  const { Credentials } = await stage.load(() => import('#code/14-accounts/credentials.ts'))
  const { HashesBusy } = await stage.load(() => import('#code/14-accounts/hash-queue.ts'))
  const [accounts, hasher] = [new NotedAccounts(), new NotedHasher()]
  const credentials = new Credentials(accounts, hasher as Hasher)
  const ada = { id: 1, name: 'ada', passwordHash: phcOf('correct horse', CHEAP) }
  for (const [who, account, password, expected] of [
    ['ada', ada, 'correct horse', 'ada'],
    ['ada', ada, 'wrong horse', undefined],
    ['nobody we know', undefined, 'correct horse', undefined],
    ['nobody we know', undefined, '', undefined],
  ] as const) {
    story.tell('test', `checks the password "${password}" of ${who}`)
    const found = await resolves(story, 'check()', credentials.check(account, password), {
      because: 'derive() has resolved.',
    })
    expectSame('who it is', found?.name, expected, {
      because: expected ? 'That is the password.' : 'Nobody has shown to be anybody.',
      likely: 'Without an account the answer is undefined, whatever comes out.',
    })
    expectSame('the keys that were derived', hasher.takeCalls(), [derivation(password, CHEAP)], {
      because:
        'One key, at today’s cost, whether there is an account or not: the clock must not tell who has one.',
      likely: account
        ? 'verifyPassword() derives one. Hash again only when its verdict is `outdated`.'
        : 'Without an account, verify the password against #decoy.',
    })
  }
  const damaged = credentials.check({ ...ada, passwordHash: 'nonsense' }, '')
  const reason = { because: 'Nothing fits a damaged string.' }
  expectSame(
    'who it is, when the stored hash is damaged',
    await resolves(story, 'check()', damaged, reason),
    undefined,
    reason,
  )
  hasher.takeCalls()
  for (const account of [ada, undefined]) {
    hasher.failures.push(stagedError(new HashesBusy()))
    const error = await rejects(
      story,
      `check() of ${account ? 'ada' : 'nobody we know'}, when the queue is full`,
      credentials.check(account, 'correct horse'),
      {
        because: 'The password was not looked at: "wrong" would be a lie.',
        likely: 'Only the rehash may go without: let HashesBusy through otherwise.',
      },
    )
    expectSame('the error', error instanceof HashesBusy, true, {
      because: 'It comes out as it is, and becomes `busy`.',
    })
  }
}

/** A hash that has become cheap is replaced at the next log-in. */
async function expectRehash(stage: Stage): Promise<void> {
  const { expect, expectSame, story } = stage
  const { Credentials } = await stage.load(() => import('#code/14-accounts/credentials.ts'))
  const { HashesBusy } = await stage.load(() => import('#code/14-accounts/hash-queue.ts'))
  const [accounts, hasher] = [new NotedAccounts(), new NotedHasher()]
  const credentials = new Credentials(accounts, hasher as Hasher)
  const old = { ...CHEAP, ln: 3 }
  const bob = { id: 2, name: 'bob', passwordHash: phcOf('battery', old) }
  const check = async (password: string, expected: string | undefined, reason: Reason) => {
    story.tell('test', `checks the password "${password}" of bob, whose hash was made with ln=3`)
    const found = await resolves(story, 'check()', credentials.check(bob, password), reason)
    expectSame('who it is', found?.name, expected, reason)
  }
  await check('staple', undefined, { because: 'It is another password.' })
  expectSame('the hashes that were replaced', accounts.replaced, [], {
    because: 'A wrong password that was stored would be the right one the next time.',
    likely: 'Hash again only when the verdict is `outdated`.',
  })
  hasher.takeCalls()
  await check('battery', 'bob', { because: 'That is the password.' })
  const [replaced] = accounts.replaced.splice(0)
  expect('the hash to be replaced by one at today’s cost', isRehashed(replaced, bob), {
    because:
      'Only now do we have the password: hash it again, and store that in place of the old one.',
    likely: 'replaceHash(id, the old string, the new string)',
    expected: 'replaceHash(2, "$scrypt$ln=3,r=8,p=1$…", "$scrypt$ln=4,r=8,p=1$…")',
    received: replaced
      ? `replaceHash(${replaced.id}, ${costIn(replaced.from)}, ${costIn(replaced.to)})`
      : 'no call',
  })
  expectSame(
    'the keys that were derived',
    hasher.takeCalls(),
    [derivation('battery', old), derivation('battery', CHEAP)],
    {
      because: 'Once to verify, at the old cost; once to hash anew.',
    },
  )
  hasher.failures.push(undefined, stagedError(new HashesBusy()))
  await check('battery', 'bob', {
    because: 'The password was right. The new hash can wait until the next log-in.',
    likely: 'Catch HashesBusy of the rehash.',
  })
  hasher.failures.length = 0
  accounts.replaced.length = 0
  accounts.failure = stagedError(new Error('the disk is full'))
  const error = await rejects(
    story,
    'check(), when the store fails',
    credentials.check(bob, 'battery'),
    {
      because: 'That is no full queue. Whoever runs the server has to hear of it.',
      likely: 'Catch HashesBusy, and nothing else.',
    },
  )
  expectSame('the error', String(error), 'Error: the disk is full', {
    because: 'It is what the store has rejected with.',
  })
}

/** What stands before the salt. */
function costIn(stored: string): string {
  return `"${stored.split('$').slice(0, 3).join('$')}$…"`
}

function isRehashed(
  replaced: { id: number; from: string; to: string } | undefined,
  bob: { id: number; passwordHash: string },
): boolean {
  if (!replaced) return false
  const { id, from, to } = replaced
  const isToday = to.startsWith('$scrypt$ln=4,r=8,p=1$')
  return id === bob.id && from === bob.passwordHash && isToday && fits('battery', to) === true
}

/** The middle one of three fails: nothing of it stays, and its error is the one that comes out. */
async function expectFailedMigration(
  { expect, expectSame, story }: Stage,
  migrate: (database: DatabaseSync, migrations: readonly string[]) => void,
): Promise<void> {
  const database = new DatabaseSync(':memory:')
  story.tell('test', 'migrates a new database; the second of three migrations has a mistake in it')
  const [first, second, third] = MIGRATIONS
  const error = thrownBy(() =>
    migrate(database, [first, `${second}; INSERT INTO nowhere VALUES (1)`, third]),
  )
  expect('its error to come out', String(error).includes('no such table: nowhere'), {
    because: 'A server that cannot migrate must not start, and has to say why.',
    likely: 'Roll back, and throw the error that you caught.',
    received: error === undefined ? 'nothing was thrown' : String(error),
  })
  expectSame('whether the database is in a transaction', database.isTransaction, false, {
    because: 'A transaction that stays open locks everybody out.',
    likely: 'ROLLBACK on the way out.',
  })
  expect('the third migration not to be run', contentOf(database).endsWith('no rooms'), {
    because: 'What comes behind a failed migration needs it.',
    received: contentOf(database),
  })
  story.tell('test', 'corrects the second migration and migrates again')
  const reason = {
    because: 'The failed migration has left no trace of itself.',
    likely: 'Its statements and its count belong into one transaction, which is rolled back.',
  }
  const again = thrownBy(() => migrate(database, MIGRATIONS))
  expect('the migrations to succeed', again === undefined, { ...reason, received: String(again) })
  expectSame('the database', contentOf(database), MIGRATED, reason)
}

/** The store finds the session, and fails at what comes next: the answer may be either, but no rejection is left in the air. */
async function expectNoLooseEnd(
  { expect, story }: Stage,
  store: NotedSessions,
  use: () => Promise<unknown>,
): Promise<void> {
  const loose: unknown[] = []
  const note = (error: unknown) => loose.push(error)
  const others = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection').on('unhandledRejection', note)
  try {
    story.tell('store', 'finds the session; then the disk is full')
    store.held = []
    const using = use().catch(() => {})
    await settle()
    store.failure = stagedError(new Error('the disk is full'))
    await letGo(store)
    await within(PATIENCE_MS, using)
    await settle()
  } finally {
    process.off('unhandledRejection', note)
    for (const other of others) process.on('unhandledRejection', other)
  }
  store.failure = undefined
  expect('every rejection to reach somebody', loose.length === 0, {
    because: 'A promise that rejects while nobody waits for it ends the process.',
    likely: 'await what the store does, or catch() it.',
    received: `unhandled: ${loose[0]}`,
  })
}

/** Some errors end the transaction by themselves. */
function expectFirstError(
  { expect, story }: Stage,
  migrate: (database: DatabaseSync, migrations: readonly string[]) => void,
): void {
  const database = new DatabaseSync(':memory:')
  story.tell('test', 'migrates a new database; SQLite fails, and rolls back itself')
  const sql =
    'CREATE TABLE one (x UNIQUE); INSERT INTO one VALUES (1); INSERT OR ROLLBACK INTO one VALUES (1)'
  const error = thrownBy(() => migrate(database, [sql]))
  expect('its error to come out', String(error).includes('UNIQUE constraint failed'), {
    because:
      'When the disk is full, SQLite rolls back by itself. Another ROLLBACK fails, and that hides why.',
    likely: 'if (database.isTransaction) database.exec("ROLLBACK")',
    received: error === undefined ? 'nothing was thrown' : String(error),
  })
}

type SessionState = 'goes on' | 'is over' | 'unknown'

/** Sessions on a store of the test's, with a wall clock that it sets. */
async function playSessions(stage: Stage) {
  const { expectSame, story, random } = stage
  const { Sessions } = await stage.load(() => import('#code/14-accounts/sessions.ts'))
  const store = new NotedSessions()
  let nowMs = Date.UTC(2026, 0, 1)
  const clock = { now: () => nowMs }
  const drawn: Buffer[] = []
  const sessions = new Sessions(store, {
    now: () => nowMs,
    randomBytes(count) {
      const bytes = Buffer.from(randomBytes(random, count))
      drawn.push(bytes)
      return bytes
    },
    idleMs: 14 * DAY,
    maxMs: 90 * DAY,
  })
  return {
    clock,
    store,
    drawn,
    sessions,
    advance(ms: number) {
      story.tell('time', `moves on by ${inTime(ms)}`)
      nowMs += ms
    },
    setBack(ms: number) {
      story.tell('somebody', `sets the clock back by ${inTime(ms)}`)
      nowMs -= ms
    },
    async begin(accountId: number): Promise<string> {
      story.tell('test', `begins a session of account ${accountId}`)
      return resolves(story, 'begin()', sessions.begin(accountId), {
        because: 'The store has stored it.',
      })
    },
    async use(id: string, state: SessionState, reason: Reason) {
      const session: StoredSession | undefined = await resolves(story, 'use()', sessions.use(id), {
        because: 'The store has answered.',
        likely: 'touch() notes a use of a session that is there. add() makes a new one.',
      })
      expectSame('whether the session goes on', session !== undefined, state === 'goes on', reason)
      if (session)
        expectSame('its account', session.accountId, store.rows.get(id)?.accountId, {
          because: 'Whoever shows the token is that account.',
          likely: 'Resolve with the session that the store has found.',
        })
    },
  }
}

function inTime(ms: number): string {
  if (ms < 1_000) return `${ms} ms`
  if (ms % DAY === 0) return `${ms / DAY} days`
  const [unit, name] = ms > DAY ? [DAY, 'days'] : [HOUR, 'h']
  const whole = Math.ceil(ms / unit)
  const less = whole * unit - ms
  return `${whole} ${name}${less ? ` less ${less} ms` : ''}`
}

/** Whatever the store holds back is let go, until nothing more comes. */
async function letGo(store: NotedSessions): Promise<void> {
  await settle()
  for (let held = store.held ?? []; held.length > 0; held = store.held ?? []) {
    for (const answer of held.splice(0)) answer()
    await settle()
  }
  store.held = undefined
}

const LIMITS: ThrottleLimits = {
  firstDelayMs: 1_000,
  maxDelayMs: 60_000,
  forgetMs: 10 * HOUR,
  rate: { perSecond: 100, burst: 1_000 },
  maxFailures: 100,
  windowMs: HOUR,
  maxEntries: 10_000,
}

/** A throttle in virtual time, whose answers are told. */
async function playThrottle(
  { expectSame, load, story }: Stage,
  limits: Partial<ThrottleLimits> = {},
) {
  const { Throttle } = await load(() => import('#code/14-accounts/throttle.ts'))
  const clock = new VirtualClock()
  clock.pass(5_000)
  const throttle = new Throttle(clock, { ...LIMITS, ...limits })
  const rounded = (ms: number) => Math.round(ms * 1_000) / 1_000
  return {
    throttle,
    pass(ms: number) {
      story.tell('time', `moves on by ${ms.toLocaleString('en')} ms`)
      clock.pass(ms)
    },
    begin(account: string, address: string, waitMs: number, reason: Reason) {
      const what = `begin("${account}", "${address}")`
      expectSame(what, rounded(throttle.begin(account, address)), waitMs, reason)
    },
    succeed(account: string, address: string) {
      story.tell('test', `succeed("${account}", "${address}")`)
      throttle.succeed(account, address)
    },
    takeBack(account: string, address: string) {
      story.tell('test', `takeBack("${account}", "${address}")`)
      throttle.takeBack(account, address)
    },
  }
}

const HOME = '192.0.2.1'
const AWAY = '198.51.100.7'

/** One network, one account. */
async function expectDoubling(stage: Stage): Promise<void> {
  const { begin, pass, succeed } = await playThrottle(stage)
  begin('ada', HOME, 0, { because: 'It is the first try.' })
  begin('ada', HOME, 1_000, {
    because: 'The first try is being hashed. Until it succeeds it counts as a failure.',
    likely:
      'Count in begin(): whoever counts when the hash is done lets a hundred tries in at once. The first wait is firstDelayMs.',
  })
  begin('ada', AWAY, 0, { because: 'Another network has its own count.' })
  begin('bob', HOME, 0, { because: 'Another account has its own count.' })
  pass(999)
  begin('ada', HOME, 1, {
    because: 'A millisecond is left: asking in vain has not made it longer.',
    likely: 'waitUntil, less now. Count a try only if it may go on.',
  })
  pass(1)
  begin('ada', HOME, 0, {
    because: 'The second has passed. The tries that were refused have not made it longer.',
    likely: 'Count a try only if it may go on.',
  })
  for (const waitMs of [2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) {
    begin('ada', HOME, waitMs, {
      because: 'Each failure doubles the wait, up to maxDelayMs.',
      likely: 'firstDelayMs · 2^(failures before this one), and no more than maxDelayMs.',
    })
    pass(waitMs)
    begin('ada', HOME, 0, { because: 'The wait is over.' })
  }
  succeed('ada', HOME)
  begin('ada', HOME, 0, {
    because: 'That password was right: nothing is held against this network any more.',
    likely: 'succeed() ends the wait.',
  })
  begin('ada', HOME, 1_000, {
    because: 'It is the first failure after a success.',
    likely: 'succeed() forgets the failures before it.',
  })
  pass(6 * HOUR)
  begin('ada', HOME, 0, { because: 'That was six hours ago.' })
  pass(6 * HOUR)
  begin('ada', HOME, 0, { because: 'It is twelve hours since the first of these failures.' })
  begin('ada', HOME, 4_000, {
    because: 'It is the third failure: less than forgetMs, ten hours, lie between any two.',
    likely: 'triedAt is when the pair tried last: each try that goes on sets it.',
  })
  pass(10 * HOUR)
  begin('ada', HOME, 0, { because: 'That was ten hours ago.' })
  begin('ada', HOME, 1_000, { because: 'After forgetMs it is a first failure.' })
}

/** A clock that moves on between two looks, as real ones do. */
async function expectRealClock({ expectSame, load }: Stage): Promise<void> {
  const { Throttle } = await load(() => import('#code/14-accounts/throttle.ts'))
  let nowMs = 1_000
  const clock = { now: () => (nowMs += 0.01) }
  const throttle = new Throttle(clock, LIMITS)
  const reason = {
    because: 'Between two looks at a clock, time passes.',
    likely: 'Look once, and count with that.',
  }
  expectSame('begin("ada", HOME), on a real clock', throttle.begin('ada', HOME), 0, reason)
  throttle.takeBack('ada', HOME)
  expectSame('begin("ada", HOME), after takeBack()', throttle.begin('ada', HOME), 0, reason)
  nowMs += 1_000
  expectSame('begin("ada", HOME), a second later', throttle.begin('ada', HOME), 0, reason)
}

/** One network, many accounts. */
async function expectNetworks(stage: Stage): Promise<void> {
  const { begin, pass } = await playThrottle(stage, { rate: { perSecond: 1, burst: 5 } })
  for (let number = 0; number < 5; number++) {
    begin(`account ${number}`, `2001:db8:0:1::${number}`, 0, {
      because: 'Five tries at once are a person in a hurry.',
      likely: 'A customer has a /64: each of these addresses is the same network.',
    })
  }
  begin('account 5', '2001:db8:0:1:ffff::1', 1_000, {
    because: 'The sixth try of one network, at a sixth account. There is one more each second.',
    likely: 'rate.take(address) says how long none is left.',
  })
  begin('account 5', '2001:db8:0:2::1', 0, { because: 'It is another /64.' })
  pass(1_000)
  begin('account 5', '2001:db8:0:1:ffff::1', 0, {
    because: 'A second has passed. The try that was refused has not been counted.',
  })
}

/** Many networks, one account. */
async function expectClosedAccount(stage: Stage): Promise<void> {
  for (const account of ['#1', 'a name without an account']) {
    const { begin, pass, succeed, throttle } = await playThrottle(stage)
    begin(account, HOME, 0, { because: 'It is the first try.' })
    succeed(account, HOME)
    pass(60_000)
    stage.story.tell('crowd', `begins 100 tries at "${account}", each from another network`)
    const waits = Array.from({ length: 100 }, (_, n) => throttle.begin(account, `203.0.${n}.1`))
    stage.expect('all of them to go on', Math.max(...waits) === 0, {
      because: 'After 100 failures the account is closed. The log-in of a minute ago was none.',
      likely: 'succeed() takes its own try back, from the window, too.',
      received: `${waits.filter((ms) => ms > 0).length} of 100 refused`,
    })
    begin(account, AWAY, HOUR - 60_000, {
      because:
        'A hundred networks have tried once each. The next stranger waits for the window’s end.',
      likely: 'From maxFailures on: until beganAt + windowMs.',
    })
    begin(account, HOME, 0, {
      because: 'Somebody has logged in from here before. The owner must not be locked out.',
      likely: '#known has the pairs that have succeeded.',
    })
    begin('another', AWAY, 0, { because: 'Other accounts are open.' })
    begin(account, HOME, 1_000, { because: 'The owner waits after a failure like anybody.' })
    pass(HOUR - 60_000)
    begin(account, AWAY, 0, { because: 'The window is over, and a new one has begun.' })
  }
  const { begin, throttle } = await playThrottle(stage, { maxFailures: 3 })
  for (let number = 0; number < 3; number++) throttle.begin('ada', `203.0.113.${number}`)
  begin('ada', '203.0.113.0', HOUR, {
    because:
      'This one waits for a second because of its failure, and for an hour because the account is closed.',
    likely: 'The longest wait counts.',
  })
}

/** Tries that were none. */
async function expectTakenBack(stage: Stage): Promise<void> {
  const { begin, pass, throttle, takeBack } = await playThrottle(stage, { maxFailures: 5 })
  begin('ada', HOME, 0, { because: 'It is the first try.' })
  pass(1_000)
  begin('ada', HOME, 0, { because: 'It is the second.' })
  pass(2_000)
  stage.story.tell(
    'test',
    'begins 50 more tries and takes each back at once: the hash queue is full',
  )
  for (let times = 0; times < 50; times++) {
    const waitMs = throttle.begin('ada', HOME)
    stage.expect('the next one to go on', waitMs === 0, {
      because: 'The last one was taken back: it is no failure, and there is nothing to wait for.',
      likely: 'takeBack() takes one from the pair and one from the window, and ends the wait.',
      received: `it waits for ${waitMs} ms`,
    })
    throttle.takeBack('ada', HOME)
  }
  begin('ada', HOME, 0, { because: 'Two failures, and 50 tries that were none.' })
  begin('ada', HOME, 4_000, {
    because: 'It is the third failure.',
    likely: 'takeBack() takes back one try, not the failures before it.',
  })
  for (const address of ['203.0.113.1', '203.0.113.2']) {
    begin('ada', address, 0, { because: 'Three failures, of five.' })
  }
  begin('ada', '203.0.113.3', HOUR - 3_000, { because: 'Five failures.' })
  takeBack('ada', '203.0.113.2')
  begin('ada', '203.0.113.3', 0, { because: 'Four failures: one was taken back.' })
  takeBack('nobody', AWAY)
  begin('nobody', AWAY, 0, { because: 'Nothing was counted here.' })
  begin('nobody', AWAY, 1_000, {
    because: 'It is the first failure: there are never fewer than none.',
    likely: 'A count that may have been forgotten meanwhile does not go below 0.',
  })
}

/** Made-up names must not push others out of the tables. */
async function expectRateFirst(stage: Stage): Promise<void> {
  const { begin, throttle } = await playThrottle(stage, {
    rate: { perSecond: 1, burst: 3 },
    maxEntries: 5,
  })
  begin('ada', AWAY, 0, { because: 'It is the first try.' })
  stage.story.tell(HOME, 'tries 1,000 names that it has made up')
  const waits = Array.from({ length: 1_000 }, (_, n) => throttle.begin(`name ${n}`, HOME))
  stage.expectSame('how many of them go on', waits.filter((ms) => ms === 0).length, 3, {
    because: 'Three at once are allowed.',
  })
  begin('ada', AWAY, 1_000, {
    because:
      'The tables hold five entries here. Tries that were refused must not push this one out.',
    likely: 'Ask the network’s rate first, and touch no other table when it refuses.',
  })
}

/** Sessions with peers that leave, as connections do, when they are closed. */
async function playLiveSessions(stage: Stage) {
  const { expectSame, story } = stage
  const { LiveSessions } = await stage.load(() => import('#code/14-accounts/live-sessions.ts'))
  const world = await playSessions(stage)
  const live = new LiveSessions(world.sessions)
  const closed: string[] = []
  const makePeer = (name: string, sessionId: string): SessionPeer => {
    const peer: SessionPeer = {
      close(reason) {
        closed.push(`${name}: ${reason}`)
        live.leave(sessionId, peer)
      },
    }
    return peer
  }
  const expectSize = (size: number, reason: Reason) =>
    expectSame('sessions that have a peer', live.size, size, reason)
  return {
    ...world,
    live,
    makePeer,
    expectSize,
    async beginId(accountId: number): Promise<string> {
      return sha256(await world.begin(accountId))
    },
    async enter(name: string, sessionId: string, isLetIn: boolean, reason: Reason) {
      story.tell(name, 'shows its token')
      const peer = makePeer(name, sessionId)
      const session = await resolves(story, 'enter()', live.enter(sessionId, peer), {
        because: 'The store has answered.',
      })
      expectSame(`whether ${name} is let in`, session !== undefined, isLetIn, reason)
      return peer
    },
    expectClosed(expected: string[], reason: Reason) {
      expectSame('the peers that were closed', closed.splice(0).toSorted(), expected, reason)
    },
  }
}

/** Ended sessions take their peers along, and nobody else's. */
async function expectEnded(stage: Stage): Promise<void> {
  const { story } = stage
  const world = await playLiveSessions(stage)
  const { live, enter, expectClosed, expectSize } = world
  const [phone, laptop] = [await world.beginId(1), await world.beginId(1)]
  const letIn = {
    because: 'There is such a session.',
    likely: 'Resolve with what use() has found.',
  }
  await enter('phone', phone, true, letIn)
  const tab = await enter('tab 1', laptop, true, letIn)
  await enter('tab 2', laptop, true, letIn)
  await enter('tab 3', laptop, true, letIn)
  await enter('stranger', '0'.repeat(64), false, { because: 'There is no such session.' })
  expectSize(2, {
    because: 'Two sessions have peers. The stranger was not let in, and leaves nothing behind.',
    likely: 'Whoever is not let in leaves, and the last one to leave takes the set along.',
  })
  story.tell('tab 1', 'hangs up')
  live.leave(laptop, tab)
  story.tell('test', 'ends the session of the laptop')
  live.end([laptop])
  expectClosed(['tab 2: no-session', 'tab 3: no-session'], {
    because:
      'They are the peers of that session that are left. The phone has a session of its own.',
    likely: 'close("no-session") for each peer of these sessions, and of no other.',
  })
  expectSize(1, { because: 'Only the phone is left.', likely: 'What has ended is forgotten.' })
  live.end([laptop])
  expectClosed([], { because: 'Nobody is in that session any more.' })
  const other = await world.beginId(2)
  await enter('bob', other, true, letIn)
  story.tell('test', 'ends both sessions that are left')
  live.end([other, phone, laptop])
  expectClosed(['bob: no-session', 'phone: no-session'], {
    because: 'Several sessions can be ended at once.',
  })
  expectSize(0, { because: 'Nobody is left.' })

  const last = await world.beginId(3)
  const peer = await enter('cyd', last, true, letIn)
  live.leave(last, world.makePeer('somebody else', last))
  live.leave(last, peer)
  expectSize(0, {
    because: 'cyd has left. An empty set for each session that ever was would fill the memory.',
    likely: 'The last one to leave takes the set along.',
  })
  world.store.failure = stagedError(new Error('the disk is full'))
  await rejects(story, 'enter(), when the store fails', live.enter(last, peer), {
    because: 'Nobody knows whether there is such a session.',
  })
  expectSize(0, {
    because: 'cyd was not let in, and leaves nothing behind.',
    likely: 'An exception is a way out, too: try … finally.',
  })
}

/** The store takes its time, and the session does not wait for it. */
async function expectEndedMeanwhile(stage: Stage): Promise<void> {
  const { expectSame, story } = stage
  const world = await playLiveSessions(stage)
  const { store, live, expectClosed, expectSize } = world
  for (const what of ['the session is ended', 'the peer hangs up'] as const) {
    const session = await world.beginId(1)
    const peer = world.makePeer('phone', session)
    store.held = []
    story.tell('phone', 'shows its token')
    const entering = live.enter(session, peer)
    await settle()
    story.tell('store', 'has found the session, and its answer is on its way')
    if (what === 'the session is ended') {
      story.tell('laptop', 'logs out everywhere')
      void world.sessions.endOf(1)
      await settle()
      live.end([session])
      expectClosed(['phone: no-session'], {
        because: 'The phone has shown its token just before, and the session is no more.',
        likely: 'Enter the peer before you ask the store: then end() finds it.',
      })
    } else {
      story.tell('phone', 'hangs up')
      live.leave(session, peer)
    }
    await letGo(store)
    const found = await resolves(story, 'enter()', entering, { because: 'The store has answered.' })
    expectSame('whether the phone is let in', found !== undefined, false, {
      because: `Since the store has looked, ${what}. Its answer is old news.`,
      likely: 'Behind the await, look again whether the peer is still in the session.',
    })
    expectSize(0, { because: 'Nobody is in it.' })
    expectClosed([], { because: 'Nobody is closed twice.' })
  }
}

/** Sessions end by their age, too, while their peers talk. */
async function expectSwept(stage: Stage): Promise<void> {
  const { story } = stage
  const world = await playLiveSessions(stage)
  const { live, enter, expectClosed, store } = world
  const letIn = { because: 'There is such a session.' }
  const sweep = () =>
    resolves(story, 'endOver()', live.endOver(), { because: 'The store has answered.' })
  const old = await world.beginId(1)
  await enter('old tab', old, true, letIn)
  world.advance(5 * DAY)
  await sweep()
  const young = await world.beginId(2)
  await enter('young tab', young, true, letIn)
  for (let age = 5; age < 85; age += 10) {
    world.advance(10 * DAY)
    await sweep()
  }
  expectClosed([], {
    because: 'They are 85 and 80 days old, and their connections are open: they are in use.',
    likely: 'use() of each session that has a peer; it prolongs the session.',
  })
  world.advance(5 * DAY)
  await sweep()
  expectClosed(['old tab: no-session'], {
    because: 'Its session is 90 days old. The other one has five days left.',
    likely: 'Ask use() for each session that has a peer, and end those that are over.',
  })
  story.tell('another server', 'ends the session of the young tab, in the same database')
  store.rows.delete(young)
  await sweep()
  expectClosed(['young tab: no-session'], {
    because: 'The store does not know its session any more.',
  })
  world.expectSize(0, { because: 'Nobody is left.' })
}

/** Cheap hashes, no waiting, and a look at the sessions all the time. */
const OPTIONS = {
  passwordCost: CHEAP,
  throttle: { firstDelayMs: 0 },
  registrations: { perSecond: 1_000, burst: 1_000 },
  sweepMs: 20,
}

const EMAIL = 'ada.lovelace@example.org'
const PASSWORD = 'correct horse battery'

/** A real server, from outside. */
async function expectLoggedOut(stage: Stage): Promise<void> {
  const { connect, expect, expectSame, serve } = stage
  const server = await serve('14-accounts', OPTIONS)
  const [phone, laptop, tab] = [
    await connect(server, 'phone'),
    await connect(server, 'laptop'),
    await connect(server, 'tab'),
  ]
  const tokens: string[] = []
  const login = async (client: Client, name: string) => {
    const request = { type: 'login', version: 1, name, password: PASSWORD }
    const welcome = await ask(
      client,
      request,
      { type: 'welcome' },
      {
        because: 'That is the password, and a name or an e-mail address will do.',
      },
    )
    expectSame('the name', welcome.name, 'Ada', { because: 'She registered as Ada.' })
    tokens.push(String(welcome.token))
  }
  const account = { type: 'register', name: 'Ada', email: EMAIL, password: PASSWORD }
  await ask(phone, account, { type: 'account' }, { because: 'Name and e-mail address are free.' })
  await ask(phone, { ...account, name: 'ADA', email: 'b@example.org' }, error('name-taken'), {
    because: 'Names are the same in upper and lower case.',
  })
  await ask(phone, { ...account, name: 'bob', email: EMAIL.toUpperCase() }, error('email-taken'), {
    because: 'There is an account with this address.',
  })
  const wrong = { because: 'The errors must not tell which half was wrong.' }
  const guess = { type: 'login', version: 1, password: 'incorrect horse' }
  const texts = [
    await ask(phone, { ...guess, name: 'ada' }, error('bad-login'), wrong),
    await ask(phone, { ...guess, name: 'nobody' }, error('bad-login'), wrong),
    await ask(phone, { ...guess, name: 'nobody@example.org' }, error('bad-login'), wrong),
  ]
  expect(
    'the three answers to be the same',
    new Set(texts.map(({ text }) => text)).size === 1,
    wrong,
  )
  await login(phone, 'ada')
  await login(laptop, EMAIL)
  expect('two log-ins to make two tokens', tokens[0] !== tokens[1], {
    because: 'A device that is lost can be logged out alone.',
  })
  const hello = (number: number) => ({ type: 'hello', version: 1, token: tokens[number] })
  const letIn = { because: 'The token is the one that the log-in gave.' }
  await ask(tab, hello(0), { type: 'welcome' }, letIn)
  await ask(
    tab,
    { type: 'join', room: 'lobby' },
    { type: 'joined' },
    { because: 'The rooms are as before.' },
  )

  await ask(phone, { type: 'logout' }, { type: 'loggedOut' }, { because: 'She is logged in.' })
  for (const client of [phone, tab]) {
    await expectNoSession(client, {
      because: 'They are the connections of the session that has ended.',
      likely: 'end() closes every peer of it.',
    })
  }
  await ask(
    laptop,
    { type: 'ping' },
    { type: 'pong' },
    { because: 'The laptop has a session of its own.' },
  )
  for (const token of [tokens[0], 'no token at all', undefined]) {
    const late = await connect(server, `late ${token === undefined ? 'and without' : 'comer'}`)
    const request = { type: 'hello', version: 1, token }
    await ask(late, request, error('no-session'), { because: 'There is no such session.' })
    await late.expectEnd({ because: 'A client has to log in again.' })
    await late.halfClose()
  }

  const [other, third] = [await connect(server, 'other'), await connect(server, 'third')]
  await login(other, 'ADA')
  await ask(third, hello(2), { type: 'welcome' }, letIn)
  await other.send(chatFrame({ id: 9, type: 'logoutEverywhere' }))
  await other.halfClose()
  for (const client of [third, laptop]) {
    await expectNoSession(client, {
      because: 'Ada has logged out everywhere, and hung up at once. It counts all the same.',
    })
  }
  await expectNothingLive(server)
  server.beginClose()
  await server.expectClosed({ because: 'Nobody is left.' })
  await server.expectNothingLeft({ because: 'Whatever is left keeps the process alive.' })
  const secrets = [PASSWORD, guess.password, ...tokens, EMAIL, '$scrypt$']
  const shownSecret = secrets.find((secret) => server.output.includes(secret))
  expect('no password, token or e-mail address in what the server prints', !shownSecret, {
    because: 'Output goes to files, and files go everywhere.',
    likely: 'Is a request or an account printed somewhere?',
    received: `it prints ${JSON.stringify(shownSecret)}`,
  })
}

/** A session whose time is over, while its connection is open. */
async function expectExpired({ connect, serve }: Stage): Promise<void> {
  const server = await serve('14-accounts', { ...OPTIONS, sessionMaxMs: 150 })
  const ada = await connect(server, 'ada')
  const account = { name: 'Ada', email: EMAIL, password: PASSWORD }
  await ask(
    ada,
    { type: 'register', ...account },
    { type: 'account' },
    { because: 'The name is free.' },
  )
  const request = { type: 'login', version: 1, name: 'ada', password: PASSWORD }
  await ask(ada, request, { type: 'welcome' }, { because: 'That is the password.' })
  await expectNoSession(ada, {
    because: 'On this server a session lives for 150 ms.',
    likely: 'endOver() ends the sessions that are over.',
  })
  await expectNothingLive(server)
}

async function expectNothingLive(server: HostedServer): Promise<void> {
  await server.expectEventually(
    'no session to have a peer',
    async () => {
      const { liveSessions } = await server.call<{ liveSessions: number }>('stats')
      return { holds: liveSessions === 0, received: `${liveSessions} sessions` }
    },
    { because: 'Every connection of theirs has gone.', likely: 'Whoever is closed leaves.' },
  )
}

/** Sends a request, expects an answer with these fields, and resolves with all of it. */
async function ask(
  client: Client,
  request: ChatMessage,
  answer: ChatMessage,
  reason: Reason,
): Promise<ChatMessage> {
  await client.send(chatFrame({ id: 7, ...request }))
  return expectChat(client, { id: 7, ...answer }, reason)
}

/** An answer that refuses. */
function error(code: string): ChatMessage {
  return { type: 'error', code }
}

async function expectNoSession(client: Client, reason: Reason): Promise<void> {
  await expectChat(client, { ...error('no-session'), id: undefined }, reason)
  await client.expectEnd({ because: 'Behind the last word comes FIN.' })
  await client.halfClose()
}
