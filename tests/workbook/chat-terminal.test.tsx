/** `npm start chat`: what is typed, what is shown, and a talk through pipes with the chat of 16. */

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Chalk } from 'chalk'
import fc from 'fast-check'
import { renderToString } from 'ink'
import stringWidth from 'string-width'
import { describe, expect, test } from 'vitest'
import type { ChatClient, Notice } from '../../solutions/16-client/chat-client.ts'
import { ChatError } from '../../solutions/16-client/chat-error.ts'
import type { ClientState } from '../../solutions/16-client/client-state.ts'
import type { Said } from '../../solutions/16-client/say-queue.ts'
import { OpenRoom } from '../../solutions/19-chat-server/page/open-room.ts'
import { startServer } from '../../solutions/19-chat-server/server.ts'
import { parseAddress, textOfAddress } from '../../tutor/chat/address.ts'
import { ChatApp } from '../../tutor/chat/chat-app.tsx'
import { roomLines } from '../../tutor/chat/chat-lines.ts'
import { typedPart } from '../../tutor/chat/chat-parts.tsx'
import { describeUnknown, HELP, parseCommand } from '../../tutor/chat/commands.ts'
import { Desk } from '../../tutor/chat/desk.ts'
import { PlainChat } from '../../tutor/chat/plain-chat.ts'
import { charactersOf, type Edit, edit, NOTHING_TYPED } from '../../tutor/chat/text-input.ts'
import { howToServe } from '../../tutor/verbs/chat.ts'
import { ROOT } from '../judge/workbook.ts'
import { makeHome } from './home.ts'

const plain = new Chalk({ level: 0 })
const NOON = new Date(2026, 4, 4, 12).getTime()

test.each([
  ['chat.example', 'chat.example:4019'],
  ['127.0.0.1:80', '127.0.0.1:80'],
  ['[::1]', '[::1]:4019'],
  ['[fe80::1]:5000', '[fe80::1]:5000'],
  ['wss://chat.example/chat', 'wss://chat.example/chat'],
  ['https://chat.example', 'wss://chat.example/chat'],
  ['http://localhost:8019/#kitchen', 'ws://localhost:8019/chat'],
])('the address %s is %s', (typed, meant) => {
  const address = parseAddress(typed)
  expect(address && textOfAddress(address)).toBe(meant)
})

test.each([
  '',
  ':4019',
  'a b',
  '::1',
  'chat.example:0',
  'chat.example:65536',
  'chat.example:',
  'ws://',
  'a/b',
])('"%s" is no address', (typed) => expect(parseAddress(typed)).toBeUndefined())

test('a line is a text unless it begins with one slash', () => {
  expect(parseCommand('  hi /join  ')).toEqual({ kind: 'say', text: 'hi /join' })
  expect(parseCommand('//etc/hosts')).toEqual({ kind: 'say', text: '/etc/hosts' })
  expect(parseCommand('/join  kitchen')).toEqual({ kind: 'join', room: 'kitchen' })
  expect(parseCommand('/join')).toEqual({ kind: 'unknown', name: 'join' })
  expect(parseCommand('/constructor')).toEqual({ kind: 'unknown', name: 'constructor' })
  expect(parseCommand('/quit')).toEqual({ kind: 'quit' })
  expect(parseCommand(' \t')).toEqual({ kind: 'nothing' })
})

test.each([HELP, describeUnknown('a-command-that-is-none'), describeUnknown('join')])(
  '"%s" fits into a line, also behind a mark',
  (text) => expect(stringWidth(text)).toBeLessThan(78),
)

test('when nobody answers, it says how to start that server, if it is on this machine', async () => {
  const here = await chat(['ada', 'a long password'], '127.0.0.1:1')
  expect(here.told).toMatch(
    /Nobody answers at 127\.0\.0\.1:1\. Start a server: {2}npm start serve 19 -- --port 1 --solution\n/,
  )
  const told = ['localhost', '[::1]:5019', 'http://127.0.0.1:8019', 'chat.example'].map((typed) =>
    howToServe({}, parseAddress(typed)!),
  )
  expect(told).toEqual([
    ' Start a server:  npm start serve 19',
    ' Start a server:  npm start serve 19 -- --port 5019',
    ' Start a server:  npm start serve 19',
    '',
  ])
})

describe('a line that is typed', () => {
  const type = (...changes: Edit[]) => changes.reduce(edit, NOTHING_TYPED)
  const insert = (text: string): Edit => ({ kind: 'insert', text })

  test('is edited by what people call characters', () => {
    const family = '👩‍👩‍👧'
    const typed = type(insert(`a${family}e\u0301`), { kind: 'left' }, { kind: 'deleteBefore' })
    expect(typed).toEqual({ text: 'ae\u0301', cursor: 1 })
    expect(edit(typed, { kind: 'deleteBefore' })).toEqual({ text: 'e\u0301', cursor: 0 })
  })

  test('loses a word, or all of them', () => {
    const typed = type(insert('one two  '), { kind: 'deleteWord' })
    expect(typed).toEqual({ text: 'one ', cursor: 4 })
    expect(edit(typed, { kind: 'deleteAll' })).toEqual(NOTHING_TYPED)
  })

  test('has lines when it was pasted, and no other control characters', () => {
    expect(type(insert('a\r\nb\rc\u001b[31m\u009b')).text).toBe('a\nb\nc [31m ')
  })

  test('has its cursor inside, whatever is done', () => {
    const change = fc.oneof(
      fc.record({ kind: fc.constant('insert' as const), text: fc.string({ unit: 'binary' }) }),
      fc.record({
        kind: fc.constantFrom('deleteBefore', 'deleteWord', 'left', 'right', 'home', 'end'),
      }),
    ) as fc.Arbitrary<Edit>
    fc.assert(
      fc.property(fc.array(change), (changes) => {
        const { text, cursor } = type(...changes)
        expect(cursor).toBeGreaterThanOrEqual(0)
        expect(cursor).toBeLessThanOrEqual(charactersOf(text).length)
        const { text: shown, cursorColumn } = typedPart({ text, cursor }, 40)
        expect(cursorColumn).toBeLessThan(40)
        expect(stringWidth(shown)).toBeGreaterThanOrEqual(0)
      }),
      { seed: 19, numRuns: 300 },
    )
  })
})

describe('a room as lines', () => {
  const said = (number: number, name: string, text: string) => ({ number, name, text, at: NOON })
  const lines = (room: OpenRoom, columns: number, upTo = room.last) =>
    roomLines(room, upTo, 'ada', { columns, chalk: plain, now: NOON })

  test('has days, names in a column, and gaps', () => {
    const room = new OpenRoom('kitchen')
    room.onMessage(said(7, 'ada', 'one\n  two'))
    room.onMessage(said(10, 'bartholomew', 'three'))
    expect(lines(room, 60).map((line) => line.replace(/\d\d:00( PM)?/, '<t>').trimEnd())).toEqual([
      '— Today —',
      '<t>  ada          one',
      expect.stringMatching(/^ +two$/),
      '— 2 messages are not kept any more —',
      '<t>  bartholomew  three',
    ])
  })

  test('fits, and controls nothing, whatever is said', () => {
    const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 300 })
    fc.assert(
      fc.property(
        fc.array(text, { maxLength: 5 }),
        fc.integer({ min: 40, max: 120 }),
        (texts, columns) => {
          const room = new OpenRoom('kitchen')
          for (const [place, each] of texts.entries())
            room.onMessage(said(place + 1, 'n'.repeat(place * 8 + 1), each))
          for (const line of lines(room, columns)) {
            expect(stringWidth(line)).toBeLessThanOrEqual(columns)
            expect(line).not.toMatch(/[\x00-\x1f\x7f-\x9f\u202a-\u202e]/)
          }
        },
      ),
      { seed: 19, numRuns: 200 },
    )
  })

  test('ends with what is on its way, unless somebody reads further up', () => {
    const room = new OpenRoom('kitchen')
    room.onMessage(said(1, 'ada', 'one'))
    room.onMessage(said(2, 'ada', 'two'))
    room.beginSaying('three')
    room.onNotSaid(room.beginSaying('four'), { code: 'unknown' })
    expect(lines(room, 80).slice(-2)).toEqual([
      'three …',
      '✗ four  (Nobody knows whether this was said.)',
    ])
    expect(lines(room, 80, 1).at(-1)).toMatch(/one$/)
  })
})

test('the screen says where one is, how the connection is, and which keys there are', () => {
  const client = { state: { kind: 'connecting' }, join() {} } as unknown as ChatClient
  const desk = new Desk(() => client, 'Kitchen')
  desk.conversation.open('den')
  desk.edit({ kind: 'insert', text: 'hi' })
  const screen = renderToString(<ChatApp desk={desk} chalk={plain} />, { columns: 80 })
  expect(screen).toMatch(/^ kitchen .* · connecting …/)
  expect(screen).toMatch(/Nobody has said anything in kitchen yet\./)
  expect(screen).toMatch(/\[kitchen\] {2}den[\s\S]*> hi[\s\S]*Enter says it/)
})

test('a refused room is not shown, and the reason is', async () => {
  let tell!: (notice: Notice) => void
  const desk = new Desk((onNotice) => {
    tell = onNotice
    return { state: { kind: 'online' }, join() {} } as unknown as ChatClient
  }, 'kitchen')
  tell({ kind: 'joined', room: 'kitchen', members: ['ada'] })
  tell({ kind: 'message', room: 'kitchen', message: { number: 1, name: 'ada', text: 'hi', at: 1 } })
  await undefined
  desk.edit({ kind: 'insert', text: '/join den' })
  desk.enter()
  expect(desk.room?.name).toBe('den')
  tell({ kind: 'refused', room: 'den', error: new ChatError('room-full') })
  expect(desk.room?.name).toBe('kitchen')
  expect(desk.notice).toBe('den: The room is full.')
  desk.edit({ kind: 'insert', text: 'hm' })
  expect(desk.room?.unread).toBe(0)
  tell({ kind: 'refused', room: 'kitchen', error: new ChatError('room-full') })
  desk.edit({ kind: 'deleteAll' })
  desk.enter()
  expect(desk.notice).toBe('The room is full.')
})

/** A client whose connection is lost while two texts wait; `replace()`: somebody else is welcomed on the next one. */
function waitingClient() {
  let tell!: (notice: Notice) => void
  const says: PromiseWithResolvers<Said>[] = []
  const client = {
    state: { kind: 'waiting' } as ClientState,
    join() {},
    leave: () => client.close(),
    start() {},
    say() {
      const said = Promise.withResolvers<Said>()
      says.push(said)
      return said.promise
    },
    close() {
      for (const { reject } of says) reject(new ChatError('not-sent'))
    },
  }
  const replace = () => {
    tell({ kind: 'otherPerson', name: 'bob' })
    client.state = { kind: 'ended', code: 'no-session' }
    client.close()
    tell({ kind: 'state', state: client.state })
  }
  const makeClient = (onNotice: (notice: Notice) => void) => {
    tell = onNotice
    return client as unknown as ChatClient
  }
  return { makeClient, says, replace, hear: (notice: Notice) => tell(notice) }
}

test('whoever leaves the screen is told what was not said, and who has come instead', async () => {
  const leave = async (isReplaced: boolean) => {
    const { makeClient, replace } = waitingClient()
    const desk = new Desk(makeClient, 'kitchen')
    desk.edit({ kind: 'insert', text: 'mine\nalone' })
    desk.enter()
    if (isReplaced) replace()
    return desk.close()
  }
  const notSaid = '[kitchen] ! It was not sent.  mine ⏎ alone'
  expect(await leave(false)).toEqual([notSaid])
  const why = 'The server has ended it: no-session: bob is logged in now.'
  expect(await leave(true)).toEqual([why, notSaid])
})

test('a room with texts that wait is left at the second /leave', async () => {
  const { makeClient } = waitingClient()
  const desk = new Desk(makeClient, 'kitchen')
  const enter = (text: string) => {
    desk.edit({ kind: 'insert', text })
    desk.enter()
  }
  for (const line of ['mine', '/leave', '/who', '/leave']) enter(line)
  expect(desk.room?.name).toBe('kitchen')
  expect(desk.notice).toMatch(/not been sent yet/)
  enter('/leave')
  expect(desk.room).toBeUndefined()
  expect(desk.notice).toBe('')
})

test('whoever reads further up sees messages, though the room has let go of those that were shown', async () => {
  const { makeClient, hear } = waitingClient()
  const desk = new Desk(makeClient, 'kitchen')
  const message = (number: number) =>
    hear({ kind: 'message', room: 'kitchen', message: { number, name: 'bob', text: 'hi', at: 1 } })
  message(1)
  await undefined
  desk.readBack()
  message(2)
  expect(desk.shownUpTo).toBe(1)
  for (let number = 3; number <= 5_001; number++) message(number)
  expect(desk.room?.messages[0].number).toBeLessThanOrEqual(desk.shownUpTo)
  expect(desk.room?.unread).toBe(5_000)
})

test('without a screen, a text that was lost by leaving the room counts as not said', async () => {
  const { makeClient } = waitingClient()
  const typed = ['one', '/leave']
  const told: string[] = []
  const io = {
    next: async () => typed.shift(),
    write() {},
    tell: (text: string) => told.push(text),
  }
  expect(await new PlainChat(io, makeClient, 'kitchen').run()).toBe(1)
  expect(told).toEqual(['! It was not sent.  one'])
})

test('without a screen, each text that was not said is told once', async () => {
  const { makeClient, says, replace, hear } = waitingClient()
  const typed = ['one', 'two']
  const told: string[] = []
  const io = {
    next: async () => typed.shift() ?? new Promise<undefined>(() => {}),
    write() {},
    tell: (text: string) => void told.push(text),
  }
  const running = new PlainChat(io, makeClient, 'kitchen').run()
  await expect.poll(() => says.length).toBe(2)
  replace()
  expect(await running).toBe(1)
  hear({ kind: 'joined', room: 'kitchen', members: [] })
  expect(told).toEqual([
    '* bob is logged in now',
    '! It was not sent.  one',
    '! It was not sent.  two',
  ])
})

test('before chapter 16 is written, it says which step is missing', async () => {
  const home = makeHome('chat-unwritten')
  const { code, stdout } = await home.start('chat')
  expect(code).toBe(1)
  expect(stdout).toMatch(/npm start chat -- --solution\n/)
  const elsewhere = await home.start('chat', '127.0.0.1:5019', 'den', '--register')
  expect(elsewhere.stdout).toMatch(
    /npm start chat 127\.0\.0\.1:5019 den -- --register --solution\n/,
  )
  expect(stdout).toMatch(/step 9\.1 of it is still to be written[\s\S]*npm start read 9\.1/)
})

/** `npm start chat` on a server, with pipes for a keyboard and a screen. */
function startChat(...args: string[]): ChildProcessWithoutNullStreams {
  const command = ['--import', './tests/judge/runtime.js', '--import', 'tsx', 'tutor/main.tsx']
  const { WORKBOOK_HOME: _, ...env } = process.env
  return spawn(process.execPath, [...command, 'chat', ...args, '--solution'], { cwd: ROOT, env })
}

/** Runs it on these lines, to its end. */
async function chat(typed: string[], ...args: string[]) {
  const child = startChat(...args)
  const [written, told] = [child.stdout, child.stderr].map((stream) => stream.toArray())
  child.stdin.end(typed.map((line) => `${line}\n`).join(''))
  const [code] = await once(child, 'close')
  return { code, written: (await written).join(''), told: (await told).join('') }
}

test('two people talk through pipes, over TCP and over a WebSocket: lines in, lines out, nothing else', async () => {
  const server = await startServer({
    metricsPort: 'off',
    logLevel: 'error',
    passwordCost: { ln: 4, r: 8, p: 1 },
  })
  try {
    const address = `127.0.0.1:${server.port}`
    const secret = 'a long password'
    const ada = startChat(address, '--register')
    const heard = ada.stdout.setEncoding('utf8')[Symbol.asyncIterator]()
    let written = ''
    const hear = async (text: string) => {
      while (!written.includes(text)) written += (await heard.next()).value
    }
    ada.stdin.write(`ada\nada@chat.example\n${secret}\nfirst\n`)
    await hear('[lobby] ada: first\n')
    const wrong = await chat(['ada', 'another password'], address)
    expect(wrong).toMatchObject({ code: 1, written: '' })
    expect(wrong.told).toMatch(/do not belong together/)
    expect(wrong.told).toContain(`npm start chat ${address} -- --solution --register\n`)
    const bob = await chat(
      ['bob', 'bob@chat.example', secret, 'hi \u001b[31mada', '/join den', '//shrug', '/nothing'],
      `http://localhost:${server.webPort}`,
      '--register',
    )
    // A control character is nothing that can be said, and the exit code tells that something was not.
    expect(bob.code).toBe(1)
    expect(bob.told).toMatch(/! The server could not make sense of it\. {2}hi \\x1b\[31mada/)
    expect(bob.written).toMatch(/^\[lobby\] ada: first\n/)
    expect(bob.written).toContain('[den] bob: /shrug\n')
    expect(bob.told).toMatch(/There is no \/nothing/)
    expect(bob.written + bob.told).not.toContain('\u001b')
    ada.stdin.end('last\n')
    await hear('[lobby] ada: last\n')
    const [code] = await once(ada, 'close')
    expect(code).toBe(0)
  } finally {
    await server.close()
  }
})
