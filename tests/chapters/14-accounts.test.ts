import { DatabaseSync } from 'node:sqlite'
import { setImmediate as turn } from 'node:timers/promises'
import type { Hasher } from '#code/14-accounts/passwords.ts'
import type { Reason } from '../harness/failure.ts'
import { step } from '../judge/step.ts'
import { expectRehash, expectSameWork } from '../worlds/accounts-credentials.ts'
import {
  contentOf,
  killDuring,
  MIGRATED,
  MIGRATIONS,
  migrateTogether,
} from '../worlds/accounts-databases.ts'
import { expectEnded, expectEndedMeanwhile, expectSwept } from '../worlds/accounts-live.ts'
import { expectFailedMigration, expectFirstError, thrownBy } from '../worlds/accounts-migrations.ts'
import {
  ANY_HASH,
  ANY_SALT,
  BAD_STRINGS,
  COSTS,
  expectKeys,
  phcFrom,
  shown,
  TODAY,
} from '../worlds/accounts-passwords.ts'
import { rejects, resolves, stagedError } from '../worlds/accounts-promises.ts'
import { expectCrowdInOrder, expectNoOvertaking, expectQueue } from '../worlds/accounts-queue.ts'
import {
  CHEAP,
  derivation,
  fits,
  NotedHasher,
  PASSLIB,
  phc,
  phcOf,
  scryptOf,
} from '../worlds/accounts-scrypt.ts'
import { expectExpired, expectLoggedOut } from '../worlds/accounts-server.ts'
import {
  DAY,
  expectNoLooseEnd,
  HOUR,
  letGo,
  playSessions,
  sha256,
} from '../worlds/accounts-sessions.ts'
import {
  expectClosedAccount,
  expectDoubling,
  expectNetworks,
  expectRateFirst,
  expectRealClock,
  expectTakenBack,
} from '../worlds/accounts-throttle.ts'

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
  expectSame(
    'the cost that it names',
    first.split('$').slice(1, 3).join(' '),
    'scrypt ln=4,r=8,p=1',
    {
      because: 'What a hash costs is for the server to say: `hasher.cost`.',
      likely: 'Derive and write the `cost` of the hasher, not the constant COST.',
      look: 'passwords.hashPassword()',
    },
  )
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
  const isToken = bytes.length === 32 && bytes.equals(world.drawn[0])
  expect('the token to be 32 random bytes in base64url', isToken, {
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
