/**
 * What chapter 16 gives to its learners: a client whose application acts inside a notice or whose server does something
 * strange, and the handler of `say`.
 */

import { setImmediate as turn } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { TokenBucket } from '../../solutions/10-backpressure/limits.ts'
import type { ChatSession } from '../../solutions/13-rooms/chat-session.ts'
import { say } from '../../solutions/13-rooms/handlers.ts'
import { ChatClient, type Notice } from '../../solutions/16-client/chat-client.ts'
import { sayOnce } from '../../solutions/16-client/keyed-say.ts'
import type { LinkEvents, Message } from '../../solutions/16-client/request-link.ts'
import { type KeyedHistory, SayKeys } from '../../solutions/16-client/say-keys.ts'
import { startServer } from '../../solutions/16-client/server.ts'
import { VirtualTimers } from '../harness/virtual-timers.ts'
import { Talker } from '../worlds/chat-talker.ts'

/** A client whose server is the test. `sent` and `isOpen` are about its newest connection. */
function open(
  onNotice: (notice: Notice, client: ChatClient) => void,
  name?: string,
  random = () => 0.5,
) {
  const timers = new VirtualTimers()
  let events: LinkEvents | undefined
  let isOpen = false
  const sent: Message[] = []
  const client: ChatClient = new ChatClient({
    connect(its) {
      events = its
      isOpen = true
      sent.length = 0
      const close = () => {
        isOpen = false
      }
      return { send: (text) => void sent.push(JSON.parse(text)), close }
    },
    timers,
    random,
    hello: () => ({ name: 'al' }),
    onNotice: (notice) => onNotice(notice, client),
    name,
  })
  const tell = (message: unknown) => events?.onText(JSON.stringify(message))
  const answer = (type: string, message: object) => {
    const { id } = sent.findLast((request) => request.type === type)!
    tell({ id, ...message })
  }
  const greet = () => {
    client.start()
    client.tryNow()
    events?.onOpen()
  }
  const welcome = (as = 'al') => {
    greet()
    answer('hello', { type: 'welcome', server: 's', name: as })
  }
  const lose = () => events?.onClose()
  return { client, timers, sent, tell, answer, greet, welcome, lose, isOpen: () => isOpen }
}

test.for(['welcome', 'state'] as const)(
  'a room that is joined inside the notice `%s` is joined once',
  (kind) => {
    const { sent, welcome } = open((notice, client) => {
      if (notice.kind === kind && client.state.kind === 'online') client.join('hall')
    })
    welcome()
    expect(sent.map(({ type }) => type)).toEqual(['hello', 'join'])
  },
)

test.for(['leave', 'close'] as const)(
  'after %s() inside a message, the rest of its page is not told',
  (action) => {
    const told: string[] = []
    const { client, answer, welcome } = open((notice, its) => {
      if (notice.kind === 'message') told.push(notice.message.text)
      if (notice.kind === 'message') its[action]('hall')
    })
    client.join('hall')
    welcome()
    const messages = ['one', 'two', 'three'].map((text, index) => said(index + 1, text))
    answer('join', { type: 'joined', last: 5, members: [], messages })
    expect(told).toEqual(['one'])
  },
)

const said = (number: number, text: string) => ({ number, name: 'ada', text, at: 0 })
const EMPTY = { type: 'joined', last: 0, members: [], messages: [] }

test.for(['room-full', 'busy', 'internal'])(
  'a room that we were in is tried again after %s, on the same connection, and what is to be said waits',
  async (code) => {
    const kinds: string[] = []
    const { client, timers, sent, answer, welcome, lose } = open(({ kind }) => kinds.push(kind))
    client.join('hall')
    client.join('den')
    welcome()
    answer('join', EMPTY)
    const { id } = sent.find(({ room }) => room === 'hall')!
    answer('join', { ...EMPTY, id })
    lose()
    const saying = codeOf(client.say('hall', 'hi'))
    welcome()
    answer('join', EMPTY)
    const rejoin = sent.find(({ room }) => room === 'hall')!
    answer('join', { id: rejoin.id, type: 'error', code })
    for (let attempt = 0; attempt < 3; attempt++) {
      const asked = sent.length
      expect(await timers.advanceUntil(() => sent.length > asked, 5_000)).toBe(true)
      expect(sent.at(-1)).toMatchObject({ type: 'join', room: 'hall', after: 0 })
      answer('join', attempt < 2 ? { type: 'error', code } : EMPTY)
    }
    answer('say', { type: 'said', number: 1, at: 0 })
    expect(await saying).toBe('said')
    expect(kinds).not.toContain('refused')
    expect(kinds.filter((kind) => kind === 'welcome')).toHaveLength(2)
  },
)

test.for(['leave', 'close', 'lose'] as const)(
  'who waits to be let in again waits no more after %s()',
  async (ending) => {
    const { client, timers, sent, answer, welcome, lose } = open(() => {})
    client.join('hall')
    welcome()
    answer('join', EMPTY)
    lose()
    welcome()
    answer('join', { type: 'error', code: 'room-full' })
    const armed = timers.size
    if (ending === 'lose') lose()
    else client[ending]('hall')
    // `lose` arms the next try, and gives up the look at the connection.
    expect(armed - timers.size).toBe(ending === 'close' ? 2 : 1)
    expect(sent.filter(({ type }) => type === 'join')).toHaveLength(1)
  },
)

test('a room that we have never been in is refused at once', () => {
  const notices: Notice[] = []
  const { client, answer, welcome } = open((notice) => notices.push(notice))
  client.join('hall')
  welcome()
  answer('join', { type: 'error', code: 'room-full' })
  expect(notices.at(-1)).toMatchObject({ kind: 'refused', room: 'hall' })
})

test('clients that are told the same seconds come back at different times, and none before', () => {
  const waits = [0, 0.25, 0.75].map((drawn) => {
    const { client, answer, greet } = open(
      () => {},
      'al',
      () => drawn,
    )
    greet()
    answer('hello', { type: 'error', code: 'try-later', seconds: 30 })
    return client.nextTryMs
  })
  expect(waits).toEqual([30_000, 30_250, 30_750])
})

test('a wait never gets longer than setTimeout can take', () => {
  const { client, answer, greet } = open(() => {})
  greet()
  answer('hello', { type: 'error', code: 'try-later', seconds: 3_000_000 })
  expect(client.nextTryMs).toBe(2 ** 31 - 1)
})

test.for([
  { type: 'message' },
  { type: 'message', room: 7, ...said(1, 'hi') },
  { type: 'message', room: 'hall' },
  { type: 'message', room: 'hall', ...said(1, 'hi'), name: undefined },
  { type: 'error', code: 7 },
])('%j is nonsense: the connection is given up', (message) => {
  const { client, tell, answer, welcome, isOpen } = open(() => {})
  client.join('hall')
  welcome()
  answer('join', EMPTY)
  tell(message)
  expect([client.state.kind, isOpen()]).toEqual(['waiting', false])
})

test.for<[string, object]>([
  ['hello', { type: 'welcome' }],
  ['hello', { type: 'error', code: 'try-later', seconds: 'soon' }],
  ['hello', { type: 'error', code: 'try-later', seconds: -1 }],
  ['join', { type: 'pong' }],
  ['join', { ...EMPTY, members: undefined }],
  ['join', { ...EMPTY, last: 1, messages: [null] }],
  ['history', { type: 'history' }],
])('to %s, %j is nonsense: the connection is given up', ([type, message]) => {
  const { client, answer, greet, welcome, isOpen } = open(() => {})
  client.join('hall')
  if (type === 'hello') greet()
  else welcome()
  if (type === 'history') answer('join', { ...EMPTY, last: 2, messages: [said(1, 'hi')] })
  answer(type, message)
  expect([client.state.kind, isOpen()]).toEqual(['waiting', false])
})

/** How it ended: `said`, or the code of the error. */
const codeOf = (said: Promise<unknown>) =>
  said.then(
    () => 'said',
    ({ code }) => code,
  )

test('what one person has written is never said under the name of another', async () => {
  const notices: Notice[] = []
  const { client, sent, answer, welcome, lose, isOpen } = open((notice) => notices.push(notice))
  client.join('hall')
  welcome('Ada')
  answer('join', { type: 'joined', last: 0, members: [], messages: [] })
  const inFlight = codeOf(client.say('hall', 'one'))
  lose()
  const waiting = codeOf(client.say('hall', 'two'))
  notices.length = 0
  welcome('bob')
  expect(sent.map(({ type }) => type)).toEqual(['hello'])
  expect(isOpen()).toBe(false)
  expect(notices.slice(-2)).toEqual([
    { kind: 'otherPerson', name: 'bob' },
    { kind: 'state', state: { kind: 'ended', code: 'no-session' } },
  ])
  expect(notices.map(({ kind }) => kind)).not.toContain('welcome')
  expect(await Promise.all([inFlight, waiting])).toEqual(['unknown', 'not-sent'])
})

test('a name in another case is the same person', () => {
  const { client, sent, welcome, lose } = open(() => {})
  client.join('hall')
  welcome('Ada')
  lose()
  welcome('ada')
  expect(client.state.kind).toBe('online')
  expect(sent.map(({ type }) => type)).toEqual(['hello', 'join'])
})

test('who knows beforehand who it is accepts no other name, not even at first', async () => {
  const { client, sent, welcome } = open(() => {}, 'Ada')
  client.join('hall')
  const waiting = codeOf(client.say('hall', 'written before anybody was welcome'))
  welcome('bob')
  expect(client.state).toEqual({ kind: 'ended', code: 'no-session' })
  expect(sent.map(({ type }) => type)).toEqual(['hello'])
  expect(await waiting).toBe('not-sent')
})

test('a repeat is said when the connection of the first ends before that was said', async () => {
  const search = Promise.withResolvers<void>()
  const history: KeyedHistory = {
    range: () => ({ first: 1, last: 5 }),
    async read() {
      await search.promise
      return []
    },
  }
  const said: string[] = []
  const hub = {
    roomOf: ({ isOver }: ChatSession) => (isOver ? undefined : {}),
    say(_: ChatSession, { text, onKept }: { text: string; onKept(message: object): void }) {
      said.push(text)
      onKept({ number: 6, name: 'al', text, at: 0 })
    },
  }
  const connect = () => {
    const answers: string[] = []
    const answer = (_: object, { type }: { type: string }) => void answers.push(type)
    const refuse = (_: object, { code }: { code: string }) => void answers.push(code)
    return { chat: { hub }, name: 'al', isOver: false, answers, answer, refuse }
  }
  const handler = sayOnce(say, new SayKeys(history))
  const request = { type: 'say', id: 1, room: 'hall', text: 'hi', key: 'k', since: 0 }
  const [first, second, third] = [connect(), connect(), connect()]
  const handled = [first, second, third].map((session) =>
    handler(session as unknown as ChatSession, request as never),
  )
  first.isOver = true
  search.resolve()
  await Promise.all(handled)
  expect(said).toEqual(['hi'])
  expect([first, second, third].map(({ answers }) => answers)).toEqual([[], ['said'], ['said']])
})

test('a repeat counts as a message too, and whoever is too fast makes nobody search', async () => {
  let reads = 0
  const history: KeyedHistory = {
    range: () => ({ first: 1, last: 5 }),
    async read() {
      reads += 1
      return [{ message: { number: 5, name: 'al', text: 'hi', at: 0 }, key: 'k' }]
    },
  }
  const answers: string[] = []
  const due = Promise.withResolvers<void>()
  const session = {
    chat: { hub: { roomOf: () => ({}) } },
    name: 'al',
    person: { bucket: new TokenBucket({ now: () => 0 }, 1, 3) },
    newestSay: due.promise,
    answer: (_: object, { number }: { number: number }) => void answers.push(`said ${number}`),
    refuse: (_: object, { code }: { code: string }) => void answers.push(code),
  } as unknown as ChatSession
  const handler = sayOnce(say, new SayKeys(history))
  const request = { type: 'say', id: 1, room: 'hall', text: 'hi', key: 'k', since: 0 }
  const handled = Array.from({ length: 9 }, () => handler(session, request as never))
  await turn()
  // What this session said before has no answer yet: everything else waits for that, refusals as well.
  expect(answers).toEqual([])
  due.resolve()
  await Promise.all(handled)
  const said = answers.filter((answer) => answer === 'said 5').length
  expect(answers.toSorted()).toEqual([
    ...Array(said).fill('said 5'),
    ...Array(9 - said).fill('too-fast'),
  ])
  expect(said).toBeLessThanOrEqual(4)
  expect(reads).toBeLessThanOrEqual(4)
  expect(reads).toBeGreaterThan(0)
})

test('with a key, too, an account creates ten rooms; a key that was refused is free again', async () => {
  const server = await startServer({ passwordCost: { ln: 4, r: 8, p: 1 } })
  onTestFinished(() => server.close())
  const enter = async (name: string) => {
    const talker = await Talker.connect(server.port)
    onTestFinished(() => talker.destroy())
    await talker.register(name)
    await talker.logIn(name)
    return async (room: string) => {
      await talker.ask({ type: 'join', room })
      const say = { type: 'say', room, text: 'hi', key: 'k', since: 0 }
      const { code, type, number } = await talker.ask(say)
      return code ?? `${type} ${number}`
    }
  }
  const ada = await enter('ada')
  for (let room = 1; room <= 10; room++) expect(await ada(`room${room}`)).toBe('said 1')
  expect(await ada('room10')).toBe('said 1')
  expect(await ada('room11')).toBe('too-many-rooms')
  const bob = await enter('bob')
  expect(await bob('room11')).toBe('said 1')
  expect(await ada('room11')).toBe('said 2')
})
