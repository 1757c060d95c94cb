/** What chapter 14 gives to its learners: the database, the tables of strangers, and the log-in as a whole. */

import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import { PoolClosed } from '../../solutions/06-worker-pool/worker-pool.ts'
import { TokenBucket } from '../../solutions/10-backpressure/limits.ts'
import type { ChatSession } from '../../solutions/13-rooms/chat-session.ts'
import { AccountPeople } from '../../solutions/14-accounts/account-people.ts'
import type { AccountServices } from '../../solutions/14-accounts/account-services.ts'
import { openAccounts } from '../../solutions/14-accounts/accounts-database.ts'
import { logIn } from '../../solutions/14-accounts/log-in.ts'
import { LruTable } from '../../solutions/14-accounts/lru-table.ts'
import { networkOf } from '../../solutions/14-accounts/network-of.ts'
import { NetworkRate } from '../../solutions/14-accounts/network-rate.ts'
import { type AccountServerOptions, startServer } from '../../solutions/14-accounts/server.ts'
import { sessionIdOf } from '../../solutions/14-accounts/sessions.ts'
import { openSqliteAccounts } from '../../solutions/14-accounts/sqlite-accounts.ts'
import { VirtualClock } from '../harness/virtual-time.ts'
import { type ChatMessage, chatFrame } from '../protocols/chat.ts'
import { Talker } from '../worlds/chat-talker.ts'

let folder = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'workbook-accounts-'))
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['::FFFF:192.0.2.7', '192.0.2.7'],
  ['2001:db8:0:1:2:3:4:5', '2001:db8:0:1::/64'],
  ['2001:0DB8:0000:0001::9', '2001:db8:0:1::/64'],
  ['2001:db8::9', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['64:ff9b::192.0.2.7', '64:ff9b:0:0::/64'],
  ['1:2:3::', '1:2:3:0::/64'],
  ['1::5:6:7:8', '1:0:0:0::/64'],
])('%s belongs to the network %s', (address, network) => {
  expect(networkOf(address)).toBe(network)
})

test('a table forgets what was used least recently', () => {
  const table = new LruTable(3, () => ({ uses: 0 }))
  for (const key of ['a', 'b', 'c', 'a', 'd']) table.use(key).uses += 1
  expect(['a', 'b', 'c', 'd'].filter((key) => table.has(key))).toEqual(['a', 'c', 'd'])
  expect(table.use('a').uses).toBe(2)
  for (let key = 0; key < 10_000; key++) table.use(String(key))
  expect(table.size).toBe(3)
})

test('a network may do so much at once, and so much a second', () => {
  const clock = new VirtualClock()
  const rate = new NetworkRate(clock, { perSecond: 2, burst: 3 }, 10)
  const take = (times: number) => Array.from({ length: times }, () => rate.take('192.0.2.1'))
  expect(take(5)).toEqual([0, 0, 0, 500, 500])
  clock.pass(1_000)
  expect(take(3)).toEqual([0, 0, 500])
  expect(rate.take('192.0.2.2')).toBe(0)
})

const ADA = { name: 'Ada', email: 'Ada@Example.org', passwordHash: 'a hash' }

test('names and e-mail addresses are unique, and are found, in any case', () => {
  const database = openAccounts(join(folder, 'accounts.db'))
  const ada = database.create(ADA)
  expect(ada).toEqual({ id: 1, name: 'Ada', passwordHash: 'a hash' })
  expect(database.create({ ...ADA, name: 'ADA', email: 'b@example.org' })).toBe('name-taken')
  expect(database.create({ ...ADA, name: 'bob', email: 'ADA@EXAMPLE.ORG' })).toBe('email-taken')
  for (const login of ['ada', 'ADA', 'ada@example.org', 'ADA@EXAMPLE.ORG'])
    expect(database.find(login)).toEqual(ada)
  for (const login of ['adam', "' OR 1=1 --", '', '%', 'ada@', '@'])
    expect(database.find(login)).toBeUndefined()
  database.replaceHash(1, 'another hash', 'evil')
  expect(database.get(1)?.passwordHash).toBe('a hash')
  database.replaceHash(1, 'a hash', 'a new hash')
  expect(database.get(1)?.passwordHash).toBe('a new hash')
  database.close()
})

test('sessions are kept, noted, and removed one by one or together', () => {
  const database = openAccounts(join(folder, 'accounts.db'))
  for (const name of ['ada', 'bob']) database.create({ ...ADA, name, email: `${name}@example.org` })
  for (const [id, accountId, at] of [
    ['a', 1, 10],
    ['b', 1, 20],
    ['c', 2, 30],
    ['d', 2, 40],
  ] as const)
    database.add({ id, accountId, createdAt: at, usedAt: at })
  database.touch('a', 15)
  database.touch('nobody', 15)
  expect(database.findSession('a')).toEqual({ id: 'a', accountId: 1, createdAt: 10, usedAt: 15 })
  expect(database.findSession('nobody')).toBeUndefined()
  expect(database.removeOf(1).sort()).toEqual(['a', 'b'])
  expect(database.findSession('b')).toBeUndefined()
  database.removeOlder(0, 30)
  expect(database.findSession('c')).toBeUndefined()
  database.remove('d')
  expect(database.findSession('d')).toBeUndefined()
  database.close()
})

test.skipIf(process.platform === 'win32')('nobody but its owner can read the database', () => {
  const file = join(folder, 'data', 'accounts.db')
  openAccounts(file).close()
  chmodSync(file, 0o644)
  const database = openAccounts(file)
  database.create(ADA)
  const modes = readdirSync(join(folder, 'data')).map((name) => [
    name,
    (statSync(join(folder, 'data', name)).mode & 0o777).toString(8),
  ])
  expect(Object.fromEntries(modes)).toEqual({
    'accounts.db': '600',
    'accounts.db-wal': '600',
    'accounts.db-shm': '600',
  })
  expect((statSync(join(folder, 'data')).mode & 0o777).toString(8)).toBe('700')
  database.close()
})

test('a damaged database, and one from a newer version, are refused in one sentence', async () => {
  const file = join(folder, 'accounts.db')
  const start = () => startServer({ data: folder })
  writeFileSync(file, 'this is no database, and long enough to be looked at'.repeat(40))
  await expect(start()).rejects.toThrow(/^Cannot open accounts\.db: it is damaged \(.*\)\.$/)
  rmSync(file)

  const database = openAccounts(file)
  for (let number = 0; number < 200; number++)
    database.create({
      name: `n${number}`,
      email: `n${number}@example.org`,
      passwordHash: 'x'.repeat(90),
    })
  database.close()
  const bytes = new Uint8Array(8_192).fill(0xa5)
  const { open } = await import('node:fs/promises')
  const handle = await open(file, 'r+')
  await handle.write(bytes, 0, bytes.length, 8_192)
  await handle.close()
  await expect(start()).rejects.toThrow(/^Cannot open accounts\.db: it is damaged \(.*\)\.$/s)
  rmSync(file)

  const newer = new DatabaseSync(file)
  newer.exec('PRAGMA user_version = 99')
  newer.close()
  await expect(start()).rejects.toThrow(
    'Cannot open accounts.db: a newer version of this server has written it (schema 99; this version knows 2).',
  )
})

test('accounts and sessions survive a restart; a server that cannot listen lets the database go', async () => {
  const first = await serve({ data: folder })
  const ada = await talk(first.port)
  await ada.ask(REGISTER)
  const { token } = await ada.ask(LOGIN)
  await expect(startServer({ ...OPTIONS, data: folder, port: first.port })).rejects.toThrow(/taken/)
  ada.hangUp()
  await first.close()
  expect(existsSync(join(folder, 'accounts.db-wal'))).toBe(false)
  const second = await serve({ data: folder })
  const back = await talk(second.port)
  expect(await back.ask({ type: 'hello', version: 1, token })).toMatchObject({
    type: 'welcome',
    name: 'ada',
  })
  back.hangUp()
})

test('whoever is still hashing when the database is closed is refused, and no call is lost', async () => {
  const { accounts, close } = await openSqliteAccounts(folder)
  const account = { name: 'ada', email: 'ada@example.org', passwordHash: '$' }
  const creating = accounts.create(account)
  const closing = close()
  await expect(accounts.create({ ...account, name: 'bob' })).rejects.toThrow(PoolClosed)
  expect(await creating).toMatchObject({ name: 'ada' })
  await closing
})

test('a second failure has to wait; a full hash queue is no failure', async () => {
  const gate = Promise.withResolvers<void>()
  let isStuck = false
  const server = await serve({
    throttle: { rate: { perSecond: 1_000, burst: 1_000 } },
    derive: async (password, salt) => {
      if (isStuck) await gate.promise
      return Buffer.concat([Buffer.from(password), salt, Buffer.alloc(32)]).subarray(0, 32)
    },
  })
  const ada = await talk(server.port)
  await ada.ask(REGISTER)
  const wrong = { ...LOGIN, password: 'wrong' }
  expect(await ada.ask(wrong)).toMatchObject({ code: 'bad-login' })
  expect(await ada.ask(LOGIN)).toMatchObject({ code: 'try-later', seconds: 1 })
  isStuck = true
  const crowd = await Promise.all(Array.from({ length: 34 }, () => talk(server.port)))
  const answers = crowd.map((client, number) => client.ask({ ...LOGIN, name: `n${number}` }))
  while (server.stats().hashes.waiting < 32) await new Promise((resolve) => setTimeout(resolve, 1))
  for (const _ of [1, 2])
    expect(await ada.ask({ ...LOGIN, name: 'bob' })).toMatchObject({ code: 'busy' })
  expect(await ada.ask({ type: 'ping' })).toMatchObject({ type: 'pong' })
  gate.resolve()
  for (const answer of await Promise.all(answers))
    expect(answer).toMatchObject({ code: 'bad-login' })
  for (const client of [ada, ...crowd]) client.hangUp()
})

test.each([
  ['ada', '\uff41DA', 'an account'],
  ['ADA@Example.org', 'ada@example.\uff4frg', 'its e-mail address'],
  ['bob', '\uff42OB', 'no account'],
])('"%s" and "%s" are one name to guess at, with %s', async (name, other) => {
  const server = await serve({ throttle: { firstDelayMs: 60_000 } })
  const client = await talk(server.port)
  await client.ask(REGISTER)
  const guess = { ...LOGIN, password: 'wrong' }
  expect(await client.ask({ ...guess, name })).toMatchObject({ code: 'bad-login' })
  expect(await client.ask({ ...guess, name: other })).toMatchObject({ code: 'try-later' })
  client.hangUp()
})

test('the wait after a guess at a name does not tell whose e-mail address another one is', async () => {
  const server = await serve({ throttle: { firstDelayMs: 60_000 } })
  const client = await talk(server.port)
  await client.ask(REGISTER)
  const guess = async (name: string) =>
    (await client.ask({ ...LOGIN, name, password: 'wrong' })).code
  await guess('ada')
  expect(await guess('bob@example.org')).toBe('bad-login')
  expect(await guess('ada@example.org')).toBe('bad-login')
  client.hangUp()
})

test('however long a name is, its guesses are counted under a short key', async () => {
  const keys: string[] = []
  const throttle = {
    begin(account: string) {
      keys.push(account)
      return 1_000
    },
  }
  const accounts = { find: async () => undefined }
  // NFKC makes 18 characters of this one.
  for (const name of ['\ufdfa'.repeat(254), '\ufdfa'.repeat(253), 'ada']) {
    await logIn({ throttle, accounts } as unknown as AccountServices, { name, password: '' }, '::1')
  }
  expect(keys.every(({ length }) => length < 64)).toBe(true)
  expect(new Set(keys).size).toBe(3)
})

test('what was tried before there was an account is not counted against it', async () => {
  const server = await serve({ throttle: { firstDelayMs: 60_000 } })
  const client = await talk(server.port)
  expect(await client.ask(LOGIN)).toMatchObject({ code: 'bad-login' })
  await client.ask(REGISTER)
  expect(await client.ask(LOGIN)).toMatchObject({ type: 'welcome' })
  client.hangUp()
})

test('no name is counted against the account of another', async () => {
  const server = await serve({})
  const ada = await talk(server.port)
  await ada.ask(REGISTER)
  for (const name of ['#1', '1', '?ada'])
    expect(await ada.ask({ ...LOGIN, name, password: 'wrong' })).toMatchObject({
      code: 'bad-login',
    })
  expect(await ada.ask(LOGIN)).toMatchObject({ type: 'welcome' })
  ada.hangUp()
})

test('a log-in that is one connection too many leaves no session behind', async () => {
  const server = await serve({ connectionsPerAccount: 1, data: folder })
  const [ada, other] = await Promise.all([1, 2].map(() => talk(server.port)))
  await ada.ask(REGISTER)
  const { token } = await ada.ask(LOGIN)
  for (const _ of [1, 2]) expect(await other.ask(LOGIN)).toMatchObject({ code: 'busy' })
  for (const client of [ada, other]) client.hangUp()
  await server.close()
  const database = new DatabaseSync(join(folder, 'accounts.db'))
  const stored = database.prepare('SELECT id FROM sessions').all()
  database.close()
  expect(stored.map(({ id }) => id)).toEqual([sessionIdOf(String(token))])
})

test('an account has so many connections, and no more', async () => {
  const server = await serve({ connectionsPerAccount: 2 })
  const [ada, bob, cyd] = await Promise.all([1, 2, 3].map(() => talk(server.port)))
  await ada.ask(REGISTER)
  const { token } = await ada.ask(LOGIN)
  const hello = { type: 'hello', version: 1, token }
  expect(await bob.ask(hello)).toMatchObject({ type: 'welcome' })
  expect(await cyd.ask(hello)).toMatchObject({ code: 'busy' })
  bob.hangUp()
  while (server.stats().connections > 2) await new Promise((resolve) => setTimeout(resolve, 1))
  expect(await cyd.ask(hello)).toMatchObject({ type: 'welcome' })
  for (const client of [ada, cyd]) client.hangUp()
})

test('an account says so much at once, however often it comes and goes', async () => {
  const server = await serve({ saysPerSecond: 0.001, burstSays: 3 })
  const ada = await Talker.connect(server.port)
  await ada.register('ada')
  const { token } = await ada.logIn('ada')
  const say = async (talker: Talker) => {
    await talker.ask({ type: 'join', room: 'hall' })
    return (await talker.ask({ type: 'say', room: 'hall', text: 'hi' })).type
  }
  const said = [await say(ada), await say(ada)]
  ada.destroy()
  while (server.stats().connections > 0) await new Promise((resolve) => setTimeout(resolve, 1))
  const back = await Talker.connect(server.port)
  await back.ask({ type: 'hello', version: 1, token })
  expect([...said, await say(back), await say(back)]).toEqual(['said', 'said', 'said', 'error'])
  back.destroy()
})

test('the buckets of accounts that have gone are kept in a bounded table', () => {
  const clock = new VirtualClock()
  const people = new AccountPeople(() => new TokenBucket(clock, 1, 10), 2)
  const enter = (id: number) => {
    const account = { id, name: `n${id}`, passwordHash: '' }
    return people.enter(account, 'a session', () => {})!
  }
  const comeAndGo = (id: number) => {
    const person = enter(id)
    person.left({} as ChatSession)
    return person.bucket
  }
  const first = comeAndGo(1)
  const other = comeAndGo(2)
  expect(enter(1).bucket).toBe(first)
  for (const id of [3, 4]) comeAndGo(id)
  expect(comeAndGo(2)).not.toBe(other)
  // Whoever is here has one bucket, whatever the table has forgotten.
  expect(enter(1).bucket).toBe(first)
})

test.each([
  ['a short password', { password: 'too short' }, 'bad-request'],
  ['half a surrogate pair', { password: 'correct horse \ud800' }, 'bad-request'],
  ['no e-mail address', { email: 'ada' }, 'bad-request'],
  ['a line break in the address', { email: 'ada@example.org\nbcc: eve' }, 'bad-request'],
  ['a name with an @', { name: 'ada@example.org' }, 'bad-name'],
  ['a password that is a number', { password: 1_234_567_890 }, 'bad-request'],
])('%s is refused, and not repeated', async (_what, field, code) => {
  const server = await serve({})
  const ada = await talk(server.port)
  const answer = await ada.ask({ ...REGISTER, ...field })
  expect(answer).toMatchObject({ type: 'error', code })
  expect(JSON.stringify(answer)).not.toContain(String(Object.values(field)[0]))
  ada.hangUp()
})

const OPTIONS: AccountServerOptions = {
  passwordCost: { ln: 4, r: 8, p: 1 },
  registrations: { perSecond: 1_000, burst: 1_000 },
}

const PASSWORD = 'correct horse battery'
const REGISTER = { type: 'register', name: 'ada', email: 'ada@example.org', password: PASSWORD }
const LOGIN = { type: 'login', version: 1, name: 'ada', password: PASSWORD }

async function serve(options: AccountServerOptions) {
  const server = await startServer({ ...OPTIONS, ...options })
  let isClosed = false
  const close = async () => {
    if (!isClosed) await server.close()
    isClosed = true
  }
  onTestFinished(close)
  return { ...server, close }
}

/** A client that asks one thing at a time. */
async function talk(port: number) {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  let received = Buffer.alloc(0)
  let answered: (answer: ChatMessage) => void = () => {}
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk as Buffer])
    const end = received.length < 4 ? Number.NaN : 4 + received.readUInt32BE()
    if (!(received.length >= end)) return
    const answer = JSON.parse(received.subarray(4, end).toString())
    received = received.subarray(end)
    answered(answer)
  })
  return {
    ask(request: ChatMessage): Promise<ChatMessage> {
      socket.write(chatFrame({ id: 1, ...request }))
      return new Promise((resolve) => {
        answered = resolve
      })
    },
    hangUp: () => socket.end(),
  }
}
