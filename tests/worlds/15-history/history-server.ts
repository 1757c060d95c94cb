/** A server that is killed again and again, and what is in its folder then. */

import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Message } from '#code/13-rooms/journal.ts'
import type { HostedServer } from '../../harness/hosted-server.ts'
import { randomInteger } from '../../harness/random.ts'
import type { Stage } from '../../judge/step.ts'
import type { ChatMessage } from '../../protocols/chat.ts'
import { flipBit, group } from '../../protocols/groups.ts'
import { Talker } from '../chat-talker.ts'

const CHAPTER = '15-history'

/** Cheap passwords; what a server costs is not the question here. */
const OPTIONS = { passwordCost: { ln: 4, r: 8, p: 1 } }

/** A server that is killed while many messages are on their way: what was acknowledged is there, once. */
export async function expectKilledServer(stage: Stage, data: string): Promise<void> {
  const { story } = stage
  const options = { ...OPTIONS, data }
  const acknowledged = new Map<number, string>()
  const sent = new Set<string>()
  const names = new Set<unknown>()
  let server = await stage.serve(CHAPTER, options)
  for (let life = 1; life <= 3; life++) {
    const ada = await Talker.connect(server.port)
    if (life === 1) await ada.register('ada')
    names.add((await ada.logIn('ada')).server)
    await ada.ask({ type: 'join', room: 'lobby' })
    const texts = new Map<number, string>()
    for (let index = 0; index < 60; index++) {
      const text = `message ${life}.${index}`
      sent.add(text)
      texts.set(ada.send({ type: 'say', room: 'lobby', text }), text)
    }
    const enough = 1 + randomInteger(stage.random, 40)
    let saids = 0
    const note = (message: ChatMessage) => {
      if (message.type !== 'said') return false
      acknowledged.set(message.number as number, texts.get(message.id as number)!)
      saids += 1
      return saids >= enough
    }
    await ada.until(note)
    story.tell('test', `kills the server (kill -9) while ada says 60 messages`)
    await server.kill()
    enoughOf(await ada.until(() => false), note)
    if (life === 3) {
      story.tell('test', 'appends half a group to the log')
      await appendFile(join(data, '00000001.log'), group('half').subarray(0, 14))
    }
    server = await stage.serve(CHAPTER, options)
    await expectAllThere(stage, server, acknowledged, sent)
  }
  stage.expect(
    'the server to say what it has cut off',
    /00000001\.log.* cut off/.test(server.output),
    {
      because: 'Something was thrown away. The operator has to be able to see that.',
      received: server.output || 'nothing',
    },
  )
  await expectFewRooms(stage, server)
  stage.expectSame('the number of names that the data have had', names.size, 1, {
    because:
      'ada logs in after each restart, and welcome.server identifies the data: it is always the same.',
  })
  const inUse = await stage.refuse(CHAPTER, options, {
    because: 'Another server uses this folder. Two of them would overwrite each other’s messages.',
  })
  stage.expect('the error to say so', /in use/.test(inUse.message), {
    because: 'The operator has to see why it does not start.',
    received: inUse.message,
  })
  await server.kill()
  await expectRefused(stage, options)
}

/** Hands every message to `note`. */
function enoughOf(messages: ChatMessage[], note: (message: ChatMessage) => unknown): void {
  for (const message of messages) note(message)
}

/** Reads the whole room, page by page: each acknowledged message under its number, none twice, no gap. */
async function expectAllThere(
  stage: Stage,
  server: HostedServer,
  acknowledged: Map<number, string>,
  sent: Set<string>,
): Promise<void> {
  const bob = await Talker.connect(server.port)
  await bob.register('bob')
  await bob.logIn('bob')
  const joined = await bob.ask({ type: 'join', room: 'lobby', after: 0 })
  const messages = (joined.messages ?? []) as Message[]
  for (let { more } = joined; more; ) {
    const page = await bob.ask({ type: 'history', room: 'lobby', after: messages.at(-1)!.number })
    messages.push(...((page.messages ?? []) as Message[]))
    more = page.more
  }
  bob.destroy()
  const there = new Map(messages.map(({ number, text }) => [number, text]))
  const lost = [...acknowledged].filter(([number, text]) => there.get(number) !== text)
  stage.expectSame('the acknowledged messages that are not there', lost, [], {
    because: '"said" is a promise, and a server that was killed has to keep it.',
    likely: '"said" is sent from onKept, and onKept is called from onSynced, after the sync.',
  })
  const texts = messages.map(({ text }) => text)
  stage.expect(
    'no message to be there twice, and none that nobody sent',
    new Set(texts).size === texts.length && texts.every((text) => sent.has(text)),
    {
      because: 'Each message was sent once.',
      received: `${texts.length} messages, ${new Set(texts).size} different ones`,
    },
  )
  stage.expect(
    'their numbers to be 1, 2, 3 …',
    messages.every(({ number }, index) => number === index + 1),
    {
      because: 'Numbers continue where they stopped, without a gap.',
      received: messages.map(({ number }) => number).join(', '),
    },
  )
}

/** Rooms stay, so nobody may create them without end. */
async function expectFewRooms(stage: Stage, server: HostedServer): Promise<void> {
  const cyd = await Talker.connect(server.port)
  await cyd.register('cyd')
  await cyd.logIn('cyd')
  const answers: unknown[] = []
  for (const room of ['lobby', ...Array.from({ length: 11 }, (_, index) => `room${index}`)]) {
    await cyd.ask({ type: 'join', room })
    const { type, code } = await cyd.ask({ type: 'say', room, text: `hello ${room}` })
    answers.push(code ?? type)
  }
  cyd.destroy()
  stage.expectSame(
    'the answers when cyd says a word in "lobby", and the first word in 11 new rooms,',
    answers,
    [...Array(11).fill('said'), 'too-many-rooms'],
    {
      because: 'A room stays from its first message on, so an account may create only ten.',
    },
  )
}

/** A flipped bit in the middle is no torn tail. */
async function expectRefused(stage: Stage, options: { data: string }): Promise<void> {
  const log = join(options.data, '00000001.log')
  const bytes = await readFile(log)
  const bit = 8 * Math.floor(bytes.length / 2)
  stage.story.tell('test', 'flips a bit in the middle of the log')
  await writeFile(log, flipBit(bytes, bit))
  const refused = await stage.refuse(CHAPTER, options, {
    because: 'Half of the messages follow that bit. Going on would lose them.',
  })
  stage.expect(
    'the error to name the file and the place',
    /00000001\.log.*byte \d+/.test(refused.message),
    {
      because: 'Somebody has to look at it, or fetch a backup.',
      received: refused.message,
    },
  )
}

/** A folder for the data of servers, which is gone afterwards. */
export async function inDataFolder(body: (data: string) => Promise<void>): Promise<void> {
  const data = await mkdtemp(join(tmpdir(), 'history-'))
  try {
    await body(data)
  } finally {
    await rm(data, { recursive: true, force: true })
  }
}
