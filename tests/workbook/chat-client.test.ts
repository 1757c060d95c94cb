/** What chapter 16 gives to its learners: a client whose application acts inside a notice, and the handler of `say`. */

import { expect, test } from 'vitest'
import type { ChatSession } from '../../solutions/13-rooms/chat-session.ts'
import { ChatClient, type Notice } from '../../solutions/16-client/chat-client.ts'
import { sayOnce } from '../../solutions/16-client/keyed-say.ts'
import type { LinkEvents, Message } from '../../solutions/16-client/request-link.ts'
import { type KeyedHistory, SayKeys } from '../../solutions/16-client/say-keys.ts'
import { VirtualTimers } from '../harness/virtual-timers.ts'

/** A client on a connection that is open, and whose server is the test. */
function open(onNotice: (notice: Notice, client: ChatClient) => void) {
  let events: LinkEvents | undefined
  const sent: Message[] = []
  const client: ChatClient = new ChatClient({
    connect(its) {
      events = its
      return { send: (text) => void sent.push(JSON.parse(text)), close() {} }
    },
    timers: new VirtualTimers(),
    random: () => 0.5,
    hello: () => ({ name: 'al' }),
    onNotice: (notice) => onNotice(notice, client),
  })
  const answer = (type: string, message: object) => {
    const { id } = sent.find((request) => request.type === type)!
    events?.onText(JSON.stringify({ id, ...message }))
  }
  const welcome = () => {
    client.start()
    events?.onOpen()
    answer('hello', { type: 'welcome', server: 's' })
  }
  return { client, sent, answer, welcome }
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
    const messages = ['one', 'two', 'three'].map((text, index) => ({ number: index + 1, text }))
    answer('join', { type: 'joined', last: 5, members: [], messages })
    expect(told).toEqual(['one'])
  },
)

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
  const handler = sayOnce(new SayKeys(history))
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
