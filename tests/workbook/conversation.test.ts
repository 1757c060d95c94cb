/** What the page and the terminal make of a client of the chat: rooms, unread messages, what is on its way. */

import { expect, test, vi } from 'vitest'
import type { ChatClient, Notice } from '../../solutions/16-client/chat-client.ts'
import { ChatError } from '../../solutions/16-client/chat-error.ts'
import type { Message } from '../../solutions/16-client/request-link.ts'
import {
  type Change,
  Conversation,
  type Remembered,
} from '../../solutions/19-chat-server/page/conversation.ts'

/** Parts of the page that use the browser: their types are known only there. */
const ofPage = (name: string) => import(`../../solutions/19-chat-server/page/${name}.ts`)
const { RememberedRooms } = await ofPage('remembered-rooms')
const { logOut, NoAnswer } = await ofPage('account-api')

/** A client without a connection: the test says what it is told. */
class ScriptedClient {
  state = { kind: 'online', sinceMs: 0 }
  readonly joined: string[] = []
  readonly left: string[] = []
  readonly asked: Message[] = []
  readonly says: { text: string; result: PromiseWithResolvers<{ number: number; at: number }> }[] =
    []
  /** What the next request is answered with; without one it fails. */
  answer: Message | undefined

  join(room: string): void {
    this.joined.push(room)
  }

  leave(room: string): void {
    this.left.push(room)
  }

  say(_room: string, text: string) {
    const result = Promise.withResolvers<{ number: number; at: number }>()
    this.says.push({ text, result })
    return result.promise
  }

  async request(request: Message): Promise<Message> {
    this.asked.push(request)
    if (!this.answer) throw new ChatError('unknown')
    return this.answer
  }
}

function begin(remembered?: Remembered) {
  const client = new ScriptedClient()
  const changes: Change[] = []
  let tell!: (notice: Notice) => void
  const conversation = new Conversation({
    makeClient(onNotice) {
      tell = onNotice
      return client as unknown as ChatClient
    },
    remembered,
    onChange: (change) => changes.push(change),
  })
  const hear = (...numbers: number[]) => {
    for (const number of numbers) tell({ kind: 'message', room: 'kitchen', message: said(number) })
  }
  return { client, changes, conversation, tell, hear }
}

function said(number: number, name = 'bob') {
  return { number, name, text: `text ${number}`, at: number }
}

const WELCOME: Notice = {
  kind: 'welcome',
  welcome: { type: 'welcome', name: 'Ada', server: 'one' },
}
const JOINED: Notice = { kind: 'joined', room: 'kitchen', members: ['Ada', 'bob'] }

/** Ada is in the kitchen, where three messages were said before. */
async function inKitchen() {
  const all = begin()
  all.tell(WELCOME)
  const room = all.conversation.open('Kitchen')
  all.tell(JOINED)
  all.hear(1, 2, 3)
  await undefined
  all.changes.length = 0
  return { ...all, room }
}

test('messages from before the first join are not unread; later ones are, until they are read', async () => {
  const { conversation, changes, hear, room } = await inKitchen()
  expect(room).toMatchObject({ name: 'kitchen', unread: 0, readTo: 3 })
  expect(changes).toEqual([])
  hear(4, 5)
  expect(room.unread).toBe(2)
  expect(changes.filter(({ kind }) => kind === 'message')).toHaveLength(2)
  conversation.read(room)
  expect(room.unread).toBe(0)
  expect(conversation.remembered).toEqual({
    server: 'one',
    rooms: [{ name: 'kitchen', readTo: 5 }],
  })
})

test('after a reload only what is not read yet is told as new', async () => {
  const { changes, tell, hear } = begin({
    server: 'one',
    rooms: [{ name: 'kitchen', readTo: 3 }],
  })
  tell(WELCOME)
  tell(JOINED)
  hear(1, 2, 3, 4)
  const told = changes.filter((change) => change.kind === 'message')
  expect(told.map(({ message }) => message.number)).toEqual([4])
})

test('a server that has gone back in time: what it has is not unread, what it gets is', async () => {
  const { changes, conversation, tell, hear, room } = await inKitchen()
  tell(JOINED)
  tell({ kind: 'forgotten', room: 'kitchen' })
  await undefined
  changes.length = 0
  hear(1, 2)
  await undefined
  expect(room).toMatchObject({ unread: 0, readTo: 2 })
  hear(3)
  expect(room.unread).toBe(1)
  expect(changes.filter(({ kind }) => kind === 'message')).toHaveLength(1)
  conversation.read(room)
  expect(room).toMatchObject({ unread: 0, readTo: 3 })
})

test('a server that has gone back in time while the page was closed: what it gets is unread', async () => {
  const rooms = [
    { name: 'kitchen', readTo: 100 },
    { name: 'den', readTo: 100 },
  ]
  const { changes, conversation, tell, hear } = begin({ server: 'one', rooms })
  tell(WELCOME)
  tell(JOINED)
  hear(1, 2)
  tell({ ...JOINED, room: 'den' })
  await undefined
  expect(conversation.remembered?.rooms.map(({ readTo }) => readTo)).toEqual([2, 100])
  hear(3)
  expect(conversation.roomCalled('kitchen')?.unread).toBe(1)
  expect(changes.filter(({ kind }) => kind === 'message')).toHaveLength(1)
})

test('in an empty room the first message is unread', async () => {
  const { conversation, tell, hear } = begin()
  tell(WELCOME)
  const room = conversation.open('kitchen')
  conversation.read(room)
  expect(room.readTo).toBeUndefined()
  tell({ ...JOINED, room: 'kitchen' })
  await undefined
  hear(1)
  expect(room.unread).toBe(1)
})

test('rooms and read numbers come back, and unread is exact though only the newest page is here', async () => {
  const remembered = { server: 'one', rooms: [{ name: 'kitchen', readTo: 100 }, { name: 'den' }] }
  const { client, conversation, tell, hear } = begin(remembered)
  expect(client.joined).toEqual(['kitchen', 'den'])
  tell(WELCOME)
  tell(JOINED)
  hear(251, 252)
  await undefined
  expect(conversation.roomCalled('KITCHEN')?.unread).toBe(152)
})

test('numbers of other data mean nothing', async () => {
  const remembered = { server: 'another', rooms: [{ name: 'kitchen', readTo: 100 }] }
  const { conversation, tell, hear } = begin(remembered)
  tell(WELCOME)
  tell(JOINED)
  hear(1, 2)
  await undefined
  expect(conversation.rooms[0]).toMatchObject({ unread: 0, readTo: 2 })
})

test('a text is on its way until its message is there, in whatever order answer and message come', async () => {
  const { client, conversation, hear, room } = await inKitchen()
  const first = conversation.say(room, 'one')
  const second = conversation.say(room, 'two')
  expect(room.sayings.map(({ text }) => text)).toEqual(['one', 'two'])
  expect(conversation.unsaid).toBe(2)
  client.says[0].result.resolve({ number: 4, at: 4 })
  await first
  expect(room.sayings).toHaveLength(2)
  hear(4)
  expect(room.sayings.map(({ text }) => text)).toEqual(['two'])
  hear(5)
  client.says[1].result.resolve({ number: 5, at: 5 })
  await second
  expect(room.sayings).toEqual([])
  expect(conversation.unsaid).toBe(0)
})

test('what was said is not on its way any more when a later message is there, or none will come', async () => {
  const { client, conversation, tell, hear, room } = await inKitchen()
  const say = async (number: number) => {
    const saying = conversation.say(room, 'said')
    client.says.at(-1)?.result.resolve({ number, at: number })
    await saying
    expect(conversation.unsaid).toBe(1)
  }
  await say(8)
  hear(20)
  expect(room.sayings).toEqual([])
  await say(21)
  tell({ kind: 'missed', room: 'kitchen', from: 21, to: 21 })
  expect(room.sayings).toEqual([])
  await say(22)
  conversation.say(room, 'not said yet')
  tell({ kind: 'forgotten', room: 'kitchen' })
  expect(room.sayings.map(({ text }) => text)).toEqual(['not said yet'])
})

test('a room knows how many of its own texts may still be said', async () => {
  const { client, conversation, room } = await inKitchen()
  const refused = conversation.say(room, 'too much')
  conversation.say(room, 'waits')
  conversation.say(conversation.open('den'), 'elsewhere')
  client.says[0].result.reject(new ChatError('too-fast', 3))
  await refused
  expect(room.unsaid).toBe(1)
  expect(conversation.unsaid).toBe(2)
})

test('when somebody else has logged in, one knows who, and what was not said', async () => {
  const { client, conversation, tell, room } = await inKitchen()
  const saying = conversation.say(room, 'in my name')
  expect(conversation.notSaid).toEqual([])
  tell({ kind: 'otherPerson', name: 'bob' })
  client.says[0].result.reject(new ChatError('not-sent'))
  await saying
  expect(conversation).toMatchObject({ name: 'Ada', otherPerson: 'bob' })
  const problem = 'It was not sent.'
  expect(conversation.notSaid).toEqual([{ room, saying: { text: 'in my name', problem } }])
})

test('a text that was not said stays, and says why, until it is discarded', async () => {
  const { client, conversation, room } = await inKitchen()
  const saying = conversation.say(room, 'too much')
  client.says[0].result.reject(new ChatError('too-fast', 3))
  await saying
  expect(room.sayings[0].problem).toBe('You are too fast. Try again in 3 s.')
  expect(conversation.unsaid).toBe(0)
  conversation.discard(room, room.sayings[0])
  expect(room.sayings).toEqual([])
})

test('earlier messages are requested one page at a time, until there are none', async () => {
  const { client, conversation, tell } = begin()
  tell(WELCOME)
  const room = conversation.open('kitchen')
  await conversation.showEarlier(room)
  expect(client.asked).toEqual([])
  tell({ kind: 'message', room: 'kitchen', message: said(60) })
  client.answer = { type: 'history', messages: [said(58), said(59)], more: true }
  await Promise.all([conversation.showEarlier(room), conversation.showEarlier(room)])
  expect(client.asked).toEqual([{ type: 'history', room: 'kitchen', before: 60, limit: 50 }])
  expect(room.messages.map(({ number }) => number)).toEqual([58, 59, 60])
  client.answer = undefined
  await conversation.showEarlier(room)
  expect(room.hasEarlier).toBe(true)
  client.answer = { type: 'history', messages: [said(57)], more: false }
  await conversation.showEarlier(room)
  await conversation.showEarlier(room)
  expect(client.asked).toHaveLength(3)
  expect(room).toMatchObject({ hasEarlier: false })
})

test('a page that comes after the server has forgotten everything is not shown', async () => {
  const { client, conversation, tell, hear, room } = await inKitchen()
  tell({ kind: 'forgotten', room: 'kitchen' })
  tell({ kind: 'message', room: 'kitchen', message: said(60) })
  client.answer = { type: 'history', messages: [said(59)], more: true }
  const asked = conversation.showEarlier(room)
  tell({ kind: 'forgotten', room: 'kitchen' })
  hear(7)
  await asked
  expect(room.messages.map(({ number }) => number)).toEqual([7])
})

test('members come and go, whatever the case of their names', async () => {
  const { tell, room } = await inKitchen()
  const member = (name: string, is: string): Notice => ({
    kind: 'told',
    message: { type: 'member', room: 'kitchen', name, is },
  })
  tell(member('cy', 'here'))
  tell(member('BOB', 'gone'))
  tell({ kind: 'told', message: { type: 'something new', room: 'kitchen' } })
  expect(room.members).toEqual(['Ada', 'cy'])
})

test('a room that never let us in is gone; one that we were in says why, and can be tried again', async () => {
  const { client, changes, conversation, tell, room } = await inKitchen()
  conversation.open('den')
  tell({ kind: 'refused', room: 'den', error: new ChatError('room-full') })
  expect(changes).toContainEqual({ kind: 'refused', name: 'den', problem: 'The room is full.' })
  expect(conversation.roomCalled('den')).toBeUndefined()
  tell({ kind: 'refused', room: 'kitchen', error: new ChatError('room-full') })
  expect(room.problem).toBe('The room is full.')
  expect(conversation.open('kitchen')).toBe(room)
  expect(client.joined).toEqual(['kitchen', 'den', 'kitchen'])
  tell(JOINED)
  expect(room.problem).toBeUndefined()
})

test('news about a room that was left changes nothing', async () => {
  const { client, conversation, hear, room } = await inKitchen()
  conversation.leave(room)
  hear(4)
  expect(client.left).toEqual(['kitchen'])
  expect(room.last).toBe(3)
  expect(conversation.remembered?.rooms).toEqual([])
})

test('a reader who stays for days keeps the newest messages, and can fetch the others again', async () => {
  const { client, conversation, hear, room } = await inKitchen()
  for (let number = 4; number <= 2_001; number++) hear(number)
  expect(room.messages).toHaveLength(2_001)
  conversation.read(room)
  expect(room.messages).toHaveLength(1_000)
  expect(room.unread).toBe(0)
  client.answer = { type: 'history', messages: [said(1_001)], more: true }
  await conversation.showEarlier(room)
  expect(room.messages.slice(0, 2).map(({ number }) => number)).toEqual([1_001, 1_002])
})

test('a room that nobody reads does not grow forever, and what is unread stays exact', async () => {
  const { hear, room } = await inKitchen()
  for (let number = 4; number <= 5_000; number++) hear(number)
  expect(room.messages).toHaveLength(5_000)
  for (let number = 5_001; number <= 12_000; number++) hear(number)
  expect(room.messages.length).toBeLessThanOrEqual(5_000)
  expect(room).toMatchObject({ unread: 11_997, last: 12_000, hasEarlier: true })
})

test('two tabs keep the rooms of each other, and a room that was left is gone', () => {
  const storage = new FakeStorage()
  const [a, b] = [storage.tab(), storage.tab()]
  a.save({ server: 'one', rooms: [{ name: 'kitchen' }] })
  expect(b.load()?.rooms).toEqual([{ name: 'kitchen' }])
  b.save({ server: 'one', rooms: [{ name: 'kitchen' }, { name: 'garden', readTo: 2 }] })
  a.save({ server: 'one', rooms: [{ name: 'kitchen', readTo: 1 }] })
  const both = [
    { name: 'kitchen', readTo: 1 },
    { name: 'garden', readTo: 2 },
  ]
  expect(a.load()?.rooms).toEqual(both)
  b.save({ server: 'one', rooms: [{ name: 'garden', readTo: 2 }] })
  expect(a.load()?.rooms).toEqual([{ name: 'garden', readTo: 2 }])
})

test('a tab that has left a room leaves it to a tab that opens it later; rooms of other data are gone', () => {
  const storage = new FakeStorage()
  const [a, b] = [storage.tab(), storage.tab()]
  a.save({ server: 'one', rooms: [{ name: 'garden' }] })
  a.save({ server: 'one', rooms: [] })
  b.save({ server: 'one', rooms: [{ name: 'garden' }] })
  a.save({ server: 'one', rooms: [{ name: 'den' }] })
  expect(b.load()?.rooms).toEqual([{ name: 'den' }, { name: 'garden' }])
  a.save({ server: 'two', rooms: [{ name: 'den' }] })
  expect(b.load()).toEqual({ server: 'two', rooms: [{ name: 'den' }] })
})

test('nothing is written when nothing is new', () => {
  const storage = new FakeStorage()
  const tab = storage.tab()
  for (const readTo of [1, 1, 1, 2]) tab.save({ server: 'one', rooms: [{ name: 'den', readTo }] })
  expect(storage.writes).toBe(2)
})

test('a log-out that the server refuses is not taken for a log-out', async () => {
  vi.stubGlobal('fetch', async () => Response.json({ code: 'internal' }, { status: 500 }))
  try {
    await expect(logOut()).rejects.toThrow(NoAnswer)
  } finally {
    vi.unstubAllGlobals()
  }
})

/** What the tabs of one browser share. */
class FakeStorage {
  writes = 0
  #text: string | null = null

  tab(): { load(): Remembered | undefined; save(remembered: Remembered): void } {
    return new RememberedRooms(this, 'Ada')
  }

  getItem(): string | null {
    return this.#text
  }

  setItem(_key: string, text: string): void {
    this.writes += 1
    this.#text = text
  }
}
