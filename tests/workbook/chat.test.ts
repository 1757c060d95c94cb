/** What chapter 13 gives its learners: rules, limits, the handlers beside `join`, and how a chat ends. */

import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Ending } from '../../solutions/07-event-loop/connection.ts'
import { TokenBucket } from '../../solutions/10-backpressure/limits.ts'
import { ChatSession } from '../../solutions/13-rooms/chat-session.ts'
import { helloByName } from '../../solutions/13-rooms/handlers.ts'
import { type Journal, MemoryJournal } from '../../solutions/13-rooms/journal.ts'
import { Outgoing, type Peer } from '../../solutions/13-rooms/peer.ts'
import { Names } from '../../solutions/13-rooms/people.ts'
import {
  MAX_RECENT_BYTES,
  RecentMessages,
  sizeOf,
} from '../../solutions/13-rooms/recent-messages.ts'
import { makeChat, startServer } from '../../solutions/13-rooms/server.ts'
import { type CrowdMember, gatherInRoom } from '../worlds/13-rooms/chat-crowd.ts'

interface Told {
  type: string
  [field: string]: unknown
}

class ArrayPeer implements Peer {
  readonly address = '127.0.0.1'
  readonly told: Told[] = []
  readonly pauses: boolean[] = []
  ending: Ending | undefined

  send(message: Outgoing): boolean {
    if (this.ending) return false
    this.told.push(JSON.parse(message.text))
    return true
  }

  close(why: Ending): void {
    this.ending ??= why
  }

  pause(): void {
    this.pauses.push(true)
  }

  resume(): void {
    this.pauses.push(false)
  }
}

const CLOCK = { nowMs: 0, now: () => CLOCK.nowMs }

function openChat({ journal = new MemoryJournal(CLOCK) as Journal, perSecond = 1e6 } = {}) {
  const names = new Names(() => new TokenBucket(CLOCK, perSecond, perSecond < 1 ? 2 : 100))
  const chat = makeChat(journal, helloByName(names, 'the-server'))
  return {
    async arrive(name: string) {
      const peer = new ArrayPeer()
      const session = new ChatSession(peer, chat)
      const ask = async (...requests: object[]) => {
        for (const request of requests) session.receive(JSON.stringify({ id: 1, ...request }))
        await turn()
        return peer.told.splice(0)
      }
      await ask({ type: 'hello', version: 1, name }, { type: 'join', room: 'hall' })
      return { peer, session, ask }
    },
  }
}

test('history pages what joined did not show, for members only', async () => {
  const { ask } = await openChat().arrive('ada')
  for (let count = 0; count < 5; count++) await ask({ type: 'say', room: 'hall', text: `${count}` })
  const [page] = await ask({ type: 'history', room: 'HALL', before: 4, limit: 2 })
  expect(page).toMatchObject({ type: 'history', room: 'hall', first: 1, more: true })
  expect(page.messages).toMatchObject([{ number: 2 }, { number: 3 }])
  const refusals = await ask(
    { type: 'history', room: 'hall', before: 4, after: 1 },
    { type: 'history', room: 'attic' },
    { type: 'who', room: 'attic' },
    { type: 'leave', room: 'attic' },
  )
  expect(refusals.map(({ code }) => code)).toEqual([
    'bad-request',
    'not-a-member',
    'not-a-member',
    'not-a-member',
  ])
  expect(await ask({ type: 'rooms' })).toMatchObject([
    { rooms: [{ room: 'hall', members: 1, last: 5 }] },
  ])
})

test('who talks too fast is told for how long to wait, and loses nothing by asking again', async () => {
  const { ask } = await openChat({ perSecond: 0.5 }).arrive('ada')
  const say = { type: 'say', room: 'hall', text: 'hi' }
  const answers = await ask(say, say, say, say, say)
  const said = answers.filter(({ type }) => type === 'said').length
  expect(answers.at(-1)).toMatchObject({ code: 'too-fast', seconds: 2 })
  CLOCK.nowMs += 2_000
  expect((await ask(say, say)).map(({ type }) => type)).toEqual(['said', 'message', 'error'])
  expect(said).toBe(3)
})

test('a person says so much at once, and no more', async () => {
  const server = await startServer({ saysPerSecond: 0.001, burstSays: 3 })
  const [ada] = await gatherInRoom(server.port, 'hall', 1)
  for (let id = 1; id <= 4; id++) ada.tell({ id, type: 'say', room: 'hall', text: 'hi' })
  await ada.hears(1, 'error')
  expect(ada.count('said')).toBe(3)
  ada.socket.destroy()
  await server.close()
})

test('a client that asks a thousand things at once is not listened to for a while', async () => {
  const { ask, peer } = await openChat().arrive('ada')
  const answers = await ask(...Array.from({ length: 1_000 }, () => ({ type: 'rooms' })))
  expect(answers).toHaveLength(1_000)
  expect(peer.pauses).toEqual([true, false])
})

test('what is due is answered before the end', async () => {
  const drafts: (() => void)[] = []
  const memory = new MemoryJournal(CLOCK)
  const slow: Journal = {
    get onKept() {
      return memory.onKept
    },
    set onKept(listener) {
      memory.onKept = listener
    },
    append: (draft) => void drafts.push(() => memory.append(draft)),
    open: (room) => memory.open(room),
    release: (room) => memory.release(room),
  }
  const { ask, session, peer } = await openChat({ journal: slow }).arrive('ada')
  await ask({ type: 'say', room: 'hall', text: 'last words' }, { type: 'rooms' })
  session.end('stopping')
  await turn()
  expect(peer.ending).toBeUndefined()
  drafts[0]()
  await turn()
  expect(peer.told.map(({ type }) => type)).toEqual(['said', 'message', 'rooms'])
  expect(peer.ending).toBe('stopping')
})

test('a room remembers its newest messages, within a number and within bytes', () => {
  const recent = new RecentMessages()
  const text = '语'.repeat(4_000)
  for (let number = 1; number <= 60; number++) recent.add({ number, name: 'ada', text, at: 0 })
  const { messages } = recent.page({})
  const bytes = messages.reduce((sum, message) => sum + sizeOf(message), 0)
  expect(bytes).toBeLessThanOrEqual(MAX_RECENT_BYTES)
  expect([recent.first, recent.last]).toEqual([messages[0].number, 60])
  for (let number = 61; number <= 160; number++) {
    recent.add({ number, name: 'ada', text: 'short', at: 0 })
  }
  expect([recent.first, recent.last]).toEqual([111, 160])
})

test('each door encodes a message once', () => {
  const message = new Outgoing({ type: 'pong' })
  let encodings = 0
  const doors = [1, 2].map(() => (text: string) => {
    encodings += 1
    return Buffer.from(text)
  })
  for (let times = 0; times < 3; times++) for (const door of doors) message.encodedBy(door)
  expect(encodings).toBe(2)
})

test('a server that stops tells everybody, and leaves nothing behind', async () => {
  const server = await startServer({ graceMs: 2_000 })
  const crowd = await gatherInRoom(server.port, 'hall', 20)
  const [first] = crowd
  first.tell({ id: 3, type: 'say', room: 'hall', text: 'hi' })
  await first.hears(1, 'message')
  const closed = server.close()
  await Promise.all(crowd.map((member: CrowdMember) => member.hears(1, 'error')))
  expect(new Set(crowd.map(({ heard }) => heard.at(-1)?.code))).toEqual(new Set(['stopping']))
  await closed
  expect(server.stats()).toMatchObject({ connections: 0, timers: 0, endings: { stopping: 20 } })
})

test('members who are lost one room after the other all leave, and give their names back', async () => {
  const names = new Names()
  const chat = makeChat(new MemoryJournal(CLOCK), helloByName(names, 'the-server'))
  const arrive = (name: string, ...rooms: string[]) => {
    const peer = new ArrayPeer()
    const session = new ChatSession(peer, chat)
    session.person = names.take(name)
    for (const room of rooms) chat.hub.join(session, room)
    return { name, peer, session }
  }
  const chain = Array.from({ length: 2_000 }, (_, place) =>
    arrive(`member${place}`, `room${place}`, `room${place + 1}`),
  )
  const ada = arrive('ada', 'room0')
  for (const { peer } of chain) peer.ending = 'lost'
  ada.session.receive('{"id":1,"type":"say","room":"room0","text":"hi"}')
  await turn()
  expect(ada.peer.told).toMatchObject([
    { type: 'said' },
    { type: 'message' },
    { type: 'member', name: 'member0', is: 'gone' },
  ])
  expect(Array.from(chat.hub.rooms, ({ name }) => name)).toEqual(['room0'])
  expect(chain.filter(({ name }) => names.take(name) === undefined)).toEqual([])
})
