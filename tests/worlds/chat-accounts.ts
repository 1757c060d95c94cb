/** People with accounts, at a chat server under test. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Client } from '../harness/client.ts'
import type { HostedServer } from '../harness/hosted-server.ts'
import type { Stage } from '../judge/step.ts'
import { askInFrame, chatFrame, expectChat } from '../protocols/chat.ts'

/** Options of a server: its data, cheap passwords, and as many accounts as are wanted. */
export function onFolder(data: string) {
  return {
    data,
    passwordCost: { ln: 4, r: 8, p: 1 },
    registrations: { perSecond: 1_000, burst: 1_000 },
  }
}

const PASSWORD = 'correct horse'

/** Runs `body` with a folder that is gone afterwards. */
export async function inFolder(body: (data: string) => Promise<void>): Promise<void> {
  const data = await mkdtemp(join(tmpdir(), 'workbook-16-'))
  try {
    await body(data)
  } finally {
    await rm(data, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** Makes an account, and returns a token for it. */
export async function register(
  { connect }: Stage,
  server: HostedServer,
  name: string,
): Promise<string> {
  const client = await connect(server, name)
  const account = {
    id: 1,
    type: 'register',
    name,
    email: `${name}@example.org`,
    password: PASSWORD,
  }
  await askInFrame(client, account, { type: 'account', id: 1 }, { because: `${name} is new.` })
  await client.send(chatFrame({ id: 2, type: 'login', version: 1, name, password: PASSWORD }))
  const welcome = await expectChat(
    client,
    { type: 'welcome', id: 2 },
    { because: 'That is the password.' },
  )
  client.leave()
  return welcome.token as string
}

/** Somebody who is in the hall. */
export async function enter(
  { connect }: Stage,
  server: HostedServer,
  name: string,
  token: string,
): Promise<Client> {
  const client = await connect(server, name)
  await askInFrame(
    client,
    { id: 1, type: 'hello', version: 1, token },
    { type: 'welcome' },
    { because: 'The token is good.' },
  )
  await askInFrame(
    client,
    { id: 2, type: 'join', room: 'hall' },
    { type: 'joined' },
    { because: 'The room is open.' },
  )
  return client
}
