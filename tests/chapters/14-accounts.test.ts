import { DatabaseSync } from 'node:sqlite'
import type { Hasher } from '#code/14-accounts/passwords.ts'
import type { Reason } from '../harness/failure.ts'
import { step } from '../judge/step.ts'
import { expectConstantTime } from '../worlds/14-accounts/accounts-comparisons.ts'
import { expectRehash, expectSameWork } from '../worlds/14-accounts/accounts-credentials.ts'
import { contentOf, MIGRATED, MIGRATIONS } from '../worlds/14-accounts/accounts-databases.ts'
import {
  expectEndedMeanwhile,
  expectEnteredWhileSwept,
  expectLeftAlone,
  expectOthersStay,
  expectRoundEnds,
  expectRoundGoesOn,
} from '../worlds/14-accounts/accounts-entering.ts'
import { expectScryptFailure } from '../worlds/14-accounts/accounts-failed-scrypt.ts'
import {
  expectClosedAccount,
  expectDailyUser,
  expectKnownToOneAccount,
  expectNetworks,
  expectOthersFailures,
  expectOwnersNetwork,
  expectRateFirst,
  expectTakenBack,
  expectTakenBackInTime,
  expectTwoUnderWay,
} from '../worlds/14-accounts/accounts-guesses.ts'
import {
  expectFailuresPassedOn,
  expectRandomSalts,
  expectStrings,
  expectTwoAtOnce,
  expectVerdicts,
} from '../worlds/14-accounts/accounts-hashes.ts'
import { expectEnded, expectManySwept, expectSwept } from '../worlds/14-accounts/accounts-live.ts'
import {
  expectComments,
  expectFailedMigration,
  expectFirstError,
  expectInterrupted,
  expectNewerBeside,
  expectQuoted,
  expectTheRest,
  expectTogether,
  thrownBy,
} from '../worlds/14-accounts/accounts-migrations.ts'
import { expectKeys } from '../worlds/14-accounts/accounts-passwords.ts'
import { resolves } from '../worlds/14-accounts/accounts-promises.ts'
import {
  expectCrowdInOrder,
  expectNoneWaiting,
  expectNoOvertaking,
  expectNoPolling,
  expectQueue,
} from '../worlds/14-accounts/accounts-queue.ts'
import { fits, NotedHasher } from '../worlds/14-accounts/accounts-scrypt.ts'
import { expectExpired, expectLoggedOut } from '../worlds/14-accounts/accounts-server.ts'
import {
  expectAbsoluteEnd,
  expectClockSetBack,
  expectEndedForGood,
  expectEndedWhileNoted,
  expectIdleEnd,
  expectLookedUpAnew,
  expectNotedAgain,
  expectStoreFailures,
} from '../worlds/14-accounts/accounts-session-ends.ts'
import { HOUR, noteOf, playSessions, sha256 } from '../worlds/14-accounts/accounts-sessions.ts'
import {
  expectDoubling,
  expectForgotten,
  expectFractions,
  expectRealClock,
} from '../worlds/14-accounts/accounts-throttle.ts'
import { expectStored, expectToken } from '../worlds/14-accounts/accounts-tokens.ts'

step('14.1', 'a password is stored as a hash that says how it was made', async (stage) => {
  const { expect, expectSame, story } = stage
  const passwords = await stage.load(() => import('#code/14-accounts/passwords.ts'))
  const { hashPassword, parseHash } = passwords
  await expectKeys(stage, passwords.deriveKey)

  const hasher = new NotedHasher()
  const look = 'passwords.hashPassword()'
  const hash = (password: string) => {
    story.tell('test', `hashes "${password}" with ln=4, r=8, p=1`)
    return resolves(story, 'hashPassword()', hashPassword(password, hasher as Hasher), {
      because: 'derive() has resolved.',
      look,
    })
  }
  const [first, second] = [await hash('correct horse'), await hash('correct horse')]
  expect('the stored string to be in the PHC string format', fits('', first) !== undefined, {
    because: 'The string says how the hash was made, so that it can be verified in ten years.',
    likely: 'formatHash() builds it from cost, salt and hash.',
    look,
    expected: '$scrypt$ln=4,r=8,p=1$<salt>$<hash>',
    received: first,
  })
  expectSame(
    'the cost in the stored string',
    first.split('$').slice(1, 3).join(' '),
    'scrypt ln=4,r=8,p=1',
    {
      because: 'The server decides what a hash costs: `hasher.cost`.',
      likely: 'Use the `cost` of the hasher for the key and in the string, not the constant COST.',
      look,
    },
  )
  expect('the stored hash to match the password', fits('correct horse', first) === true, {
    because: 'The test has derived the key itself, with the salt and cost in the stored string.',
    likely: 'Is the salt in the string the one that derive() was given?',
    look,
    received: 'a hash that does not match',
  })
  expect('the same password to be stored differently the next time', first !== second, {
    because: 'The stored strings must not show that two people have the same password.',
    likely: 'Each hash has a salt of its own: randomBytes(SALT_BYTES).',
    look,
    received: `both times ${first}`,
  })
  expect('the salt to be 16 bytes or more', hasher.shortestSalt >= 16, {
    because: 'Short salts repeat.',
    look,
    received: `${hasher.shortestSalt} bytes`,
  })

  const odd = await hash(' Correct Horse ')
  expect('the stored hash to match the password', fits(' Correct Horse ', odd) === true, {
    because: 'Spaces and capitals are part of a password. Nothing is removed from it here.',
    likely: 'Pass the password to derive() as it was given.',
    received: 'a hash that does not match',
    look,
  })

  await expectRandomSalts(stage, passwords, hasher)
  await expectTwoAtOnce(stage, passwords, hasher)
  expectStrings(stage, parseHash)
  await expectVerdicts(stage, passwords, hasher)
  await expectConstantTime(stage, passwords.verifyPassword)
  await expectFailuresPassedOn(stage, passwords, hasher)
  await expectScryptFailure(stage, passwords.deriveKey)
})

step('14.2', 'two hash, some wait, and an unknown name costs the same', async (stage) => {
  await expectQueue(stage)
  await expectNoOvertaking(stage)
  await expectNoPolling(stage)
  await expectCrowdInOrder(stage)
  await expectNoneWaiting(stage)
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
    likely: 'PRAGMA user_version counts the migrations.',
  })
  story.tell('test', 'migrates it with all three')
  expectTheRest(stage, migrate, database)
  story.tell('test', 'migrates it again')
  migrate(database, MIGRATIONS)
  expectContent(MIGRATED, { because: 'The database is up to date: nothing is run twice.' })
  expectSame('database.isTransaction', database.isTransaction, false, {
    because: 'What is not committed is lost with the process.',
    likely: 'Every BEGIN needs its COMMIT, even when there is nothing to do.',
  })

  story.tell('test', 'migrates it with a program that knows two migrations')
  const error = thrownBy(() => migrate(database, MIGRATIONS.slice(0, 2)))
  expect('NewerSchema to be thrown', error instanceof NewerSchema, {
    because: 'The third migration may have changed what the first two made. We cannot know.',
    likely:
      'If user_version is above the number of migrations, throw new NewerSchema(…), and let no catch swallow or replace it.',
    received: error === undefined ? 'nothing was thrown' : String(error),
  })
  const told = new NewerSchema(3, 2).message
  expectSame('the message of the error', (error as Error).message, told, {
    because: 'The file has had three migrations, and this program knows two.',
    likely:
      'new NewerSchema(found, known): first the version in the file, then the number of migrations.',
  })
  expectContent(MIGRATED, {
    because: 'A newer program has migrated this database, so it must not be changed.',
  })
  expectSame('database.isTransaction', database.isTransaction, false, {
    because: 'A program that is refused must leave no lock behind.',
    likely: 'The transaction has to end after an exception, too.',
  })
  expectComments(stage, migrate)
  expectQuoted(stage, migrate)
  await expectFailedMigration(stage, migrate)
  expectFirstError(stage, migrate)

  await expectInterrupted(stage, migrate)
  await expectTogether(stage, migrate)
  await expectNewerBeside(stage, migrate)
})

step('14.4', 'a token is stored as its hash, and a session ends in time', async (stage) => {
  const { expect, expectSame } = stage
  const world = await playSessions(stage)
  const { clock, store } = world
  const token = await world.begin(7)
  expectToken(stage, token, world.drawn)
  expectStored(
    stage,
    [...store.rows.values()],
    [{ id: sha256(token), accountId: 7, createdAt: clock.now(), usedAt: clock.now() }],
  )
  const look = 'sessions.begin()'
  expect('no call of the store to contain the token', !store.takeCalls().join().includes(token), {
    because: 'What is never stored cannot be stolen.',
    look,
  })
  const other = await world.begin(7)
  expect('another log-in to make another token', other !== token, {
    because: 'Each device has a session of its own, which can be ended separately.',
    look,
  })

  await world.use('0'.repeat(64), 'unknown', { because: 'There is no such session.' })
  await world.use(sha256(token), 'goes on', { because: 'It has just begun.' })
  store.takeCalls()
  world.advance(HOUR - 1)
  await world.use(sha256(token), 'goes on', { because: 'It is just under an hour old.' })
  expectSame('the writes', store.takeCalls('touch'), [], {
    because:
      'A use was noted less than an hour ago. A write for each request would wear out the disk.',
    likely: 'Note a use only if NOTE_EVERY_MS have passed since usedAt.',
    look: 'sessions.use()',
  })
  world.advance(1)
  await world.use(sha256(token), 'goes on', { because: 'It is in use.' })
  expectSame('the writes', store.takeCalls('touch'), [noteOf(sha256(token), clock.now())], {
    because: 'The last use was noted an hour ago, so this one is noted, too.',
    likely:
      'Call touch(id, now), where now is options.now(). A use that is not noted does not prolong the session.',
    look: 'sessions.use()',
  })
  world.advance(HOUR - 1)
  await world.use(sha256(token), 'goes on', { because: 'It is in use.' })
  expectSame('the writes', store.takeCalls('touch'), [], {
    because: 'The hour begins anew with each use that is noted.',
    look: 'sessions.use()',
  })

  await expectIdleEnd(stage, world)
  await expectAbsoluteEnd(world)
  await expectClockSetBack(stage, world)
  await expectEndedWhileNoted(stage, world)
  await expectNotedAgain(stage, world)
  await expectEndedForGood(stage, world)
  await expectLookedUpAnew(stage, world)
  await expectStoreFailures(stage, world)
})

step('14.5', 'a try counts before it is hashed, and guessing gets slow', async (stage) => {
  await expectDoubling(stage)
  await expectNetworks(stage)
  await expectClosedAccount(stage)
  await expectOthersFailures(stage)
  await expectOwnersNetwork(stage)
  await expectKnownToOneAccount(stage)
  await expectDailyUser(stage)
  await expectTakenBack(stage)
  await expectTakenBackInTime(stage)
  await expectRateFirst(stage)
  await expectForgotten(stage)
  await expectRealClock(stage)
  await expectFractions(stage)
  await expectTwoUnderWay(stage)
})

step('14.6', 'a session that ends takes all its connections along', async (stage) => {
  await expectEnded(stage)
  await expectEndedMeanwhile(stage)
  await expectSwept(stage)
  await expectManySwept(stage)
  await expectOthersStay(stage)
  await expectLeftAlone(stage)
  await expectEnteredWhileSwept(stage)
  await expectRoundGoesOn(stage)
  await expectRoundEnds(stage)
  await expectLoggedOut(stage)
  await expectExpired(stage)
})
