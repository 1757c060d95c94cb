/** A real server of chapter 14, from outside. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Client } from '../../harness/client.ts'
import type { Reason } from '../../harness/failure.ts'
import type { HostedServer } from '../../harness/hosted-server.ts'
import { PATIENCE_MS } from '../../harness/patience.ts'
import type { Stage } from '../../judge/step.ts'
import { type ChatMessage, chatFrame, expectChat } from '../../protocols/chat.ts'
import { CHEAP } from './accounts-scrypt.ts'

/** Cheap hashes, no waiting, and a look at the sessions all the time. */
export const OPTIONS = {
  passwordCost: CHEAP,
  throttle: { firstDelayMs: 0 },
  registrations: { perSecond: 1_000, burst: 1_000 },
  sweepMs: 20,
}

export const EMAIL = 'ada.lovelace@example.org'
export const PASSWORD = 'correct horse battery'

/** A real server, from outside. */
export async function expectLoggedOut(stage: Stage): Promise<void> {
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
        because: 'The password is right, and a name or an e-mail address will do.',
      },
    )
    expectSame('the name in the welcome', welcome.name, 'Ada', {
      because: 'She registered as Ada.',
    })
    tokens.push(String(welcome.token))
  }
  const account = { type: 'register', name: 'Ada', email: EMAIL, password: PASSWORD }
  await ask(phone, account, { type: 'account' }, { because: 'Name and e-mail address are free.' })
  await ask(phone, { ...account, name: 'ADA', email: 'b@example.org' }, error('name-taken'), {
    because: 'Names that differ only in case count as the same.',
  })
  await ask(phone, { ...account, name: 'bob', email: EMAIL.toUpperCase() }, error('email-taken'), {
    because: 'There is an account with this address.',
  })
  const wrong = {
    because: 'The errors must not reveal whether the name or the password was wrong.',
  }
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
    because: 'A lost device can be logged out separately.',
  })
  const hello = (number: number) => ({ type: 'hello', version: 1, token: tokens[number] })
  const letIn = { because: 'It is the token that the log-in returned.' }
  await ask(tab, hello(0), { type: 'welcome' }, letIn)
  await ask(
    tab,
    { type: 'join', room: 'lobby' },
    { type: 'joined' },
    { because: 'The rooms work as before.' },
  )

  await ask(phone, { type: 'logout' }, { type: 'loggedOut' }, { because: 'She is logged in.' })
  for (const client of [phone, tab]) {
    await expectNoSession(client, {
      because: 'They are the connections of the session that has ended.',
      likely: 'end() closes every peer of that session.',
      look: 'live-sessions.end()',
    })
  }
  await ask(
    laptop,
    { type: 'ping' },
    { type: 'pong' },
    { because: 'The laptop has a session of its own.' },
  )
  for (const token of [tokens[0], 'no token at all', undefined]) {
    const late = await connect(server, `late ${token === undefined ? 'stranger' : 'comer'}`)
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
      because:
        'Ada has logged out everywhere and hung up at once. The log-out counts all the same.',
      likely: 'end() closes every peer of all the sessions that it is given.',
      look: 'live-sessions.end()',
    })
  }
  await expectNothingLive(server)
  server.beginClose()
  await server.expectClosed({ because: 'Nobody is left.' })
  await server.expectNothingLeft({ because: 'Whatever is left keeps the process alive.' })
  const secrets = [PASSWORD, guess.password, ...tokens, EMAIL, '$scrypt$']
  const shownSecret = secrets.find((secret) => server.output.includes(secret))
  expect('no password, token or e-mail address in the output of the server', !shownSecret, {
    because: 'Output goes to files, and files get copied.',
    likely: 'Is a request or an account printed somewhere?',
    received: `it prints ${JSON.stringify(shownSecret)}`,
  })
}

/** A session whose time is over, while its connection is open. */
export async function expectExpired({ connect, serve, story }: Stage): Promise<void> {
  const data = mkdtempSync(join(tmpdir(), 'workbook-accounts-'))
  try {
    const server = await serve('14-accounts', { ...OPTIONS, data })
    const ada = await connect(server, 'ada')
    const account = { name: 'Ada', email: EMAIL, password: PASSWORD }
    await ask(
      ada,
      { type: 'register', ...account },
      { type: 'account' },
      { because: 'The name is free.' },
    )
    const login = { type: 'login', version: 1, name: 'ada', password: PASSWORD }
    await ask(ada, login, { type: 'welcome' }, { because: 'That is the password.' })
    story.tell('time', 'moves on: the session in accounts.db is more than 90 days old now')
    const database = new DatabaseSync(join(data, 'accounts.db'), {
      timeout: Math.ceil(PATIENCE_MS),
    })
    database.exec('UPDATE sessions SET created_at = 0')
    database.close()
    await expectNoSession(ada, {
      because: 'The session is over because of its age, and its connection is still open.',
      likely: 'endOver() ends the sessions that are over.',
      look: 'live-sessions.endOver()',
    })
    await expectNothingLive(server)
    server.beginClose()
    await server.expectClosed({ because: 'Nobody is left.' })
  } finally {
    rmSync(data, { recursive: true, force: true })
  }
}

export async function expectNothingLive(server: HostedServer): Promise<void> {
  await server.expectEventually(
    'no session to have a peer',
    async () => {
      const { liveSessions } = await server.call<{ liveSessions: number }>('stats')
      return { holds: liveSessions === 0, received: `${liveSessions} sessions` }
    },
    {
      because: 'Every connection has been closed.',
      likely: 'A peer that is closed has to leave.',
      look: 'live-sessions.leave()',
    },
  )
}

/** Sends a request, expects an answer with these fields, and resolves with all of it. */
export async function ask(
  client: Client,
  request: ChatMessage,
  answer: ChatMessage,
  reason: Reason,
): Promise<ChatMessage> {
  await client.send(chatFrame({ id: 7, ...request }))
  return expectChat(client, { id: 7, ...answer }, reason)
}

/** An answer that refuses. */
export function error(code: string): ChatMessage {
  return { type: 'error', code }
}

export async function expectNoSession(client: Client, reason: Reason): Promise<void> {
  await expectChat(client, { ...error('no-session'), id: undefined }, reason)
  await client.expectEnd({ because: 'FIN follows the last message.' })
  await client.halfClose()
}
