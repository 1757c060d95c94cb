import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import type { Message } from '#code/13-rooms/journal.ts'
import type { RecentMessages } from '#code/13-rooms/recent-messages.ts'
import type { Reason } from '../harness/failure.ts'
import { randomInteger } from '../harness/random.ts'
import { type Stage, step } from '../judge/step.ts'
import {
  askInFrame,
  type ChatMessage,
  chatFrame,
  expectChat,
  fits,
  inLines,
  inShort,
} from '../protocols/chat.ts'
import { announce, frame } from '../protocols/frames.ts'
import { gatherInRoom } from '../worlds/chat-crowd.ts'
import { anyMessages, rightRequests, wrongRequests } from '../worlds/chat-requests.ts'
import { Crowd, HubWorld, loadRooms, SlowJournal } from '../worlds/chat-rooms.ts'
import { ChatWorld, loadChat, type ScriptedPeer } from '../worlds/chat-sessions.ts'
import { forAll, type QuietStage } from '../worlds/for-all.ts'
import { anyMoves, play } from '../worlds/room-model.ts'

step('13.1', 'every message is a request, or refused with its code and id', async (stage) => {
  const { parseRequest, REQUESTS } = await stage.load(() => import('#code/13-rooms/protocol.ts'))
  const parse = (message: string) => parseRequest(message, REQUESTS)
  const expectParsed = (quiet: QuietStage, message: string, expected: object, reason: Reason) => {
    quiet.story.tell('client', `sends ${inShort(message)}`)
    quiet.expectSame('what comes of it', told(parse(message)), expected, reason)
  }
  const expectCode = (message: string, code: string, id: number | undefined, reason: Reason) =>
    expectParsed(stage, message, { code, id }, reason)

  for (const message of [
    '',
    '{',
    'hello',
    'null',
    '7',
    '"ping"',
    '[]',
    '[{"id":1,"type":"ping"}]',
  ]) {
    expectCode(message, 'malformed', undefined, {
      because: 'A request is a JSON object. Here is none, so there is no id either.',
      likely: 'JSON.parse throws, and null and lists are objects too: parseObject() knows.',
    })
  }
  for (const id of ['"1"', '1.5', 'null', '9007199254740992', 'true', '[1]']) {
    expectCode(`{"id":${id},"type":"ping"}`, 'malformed', undefined, {
      because: `${id} is not a safe integer, so it is not said back: it might come back changed.`,
      likely: 'Number.isSafeInteger(id).',
    })
  }
  for (const id of [0, -1]) {
    expectCode(`{"id":${id},"type":"ping"}`, 'malformed', id, {
      because: 'Ids count from 1. But it is a safe integer, so the client gets it back.',
      likely: 'Refuse it with its id.',
    })
  }
  for (const rest of ['', ',"type":7', ',"type":null', ',"type":["ping"]']) {
    expectCode(`{"id":3${rest}}`, 'malformed', 3, {
      because: 'The type is no string. The id is known, so the client learns which request it was.',
    })
  }
  for (const type of [
    'shout',
    '',
    'Ping',
    'constructor',
    'toString',
    '__proto__',
    'hasOwnProperty',
  ]) {
    expectCode(JSON.stringify({ id: 4, type }), 'unknown-type', 4, {
      because: `There is no request "${type}".`,
      likely:
        'Every object has a "constructor" and a "toString" that nobody put there. Object.hasOwn() tells.',
    })
  }
  expectCode('{"id":5,"type":"hello","version":2,"name":"!"}', 'unsupported-version', 5, {
    because: 'Both fields are wrong. The version is the first in the table.',
    likely: 'Return with the first rule that has something to say.',
  })
  const request = { id: 6, type: 'join', room: 'kitchen' }
  expectParsed(
    stage,
    '{"id":6,"type":"join","room":"KitCHEN"}',
    { request },
    {
      because: 'Kitchen and kitchen are one room: from here on, it has one spelling.',
      likely: 'room.toLowerCase(), in the request that comes out.',
    },
  )

  await forAll(
    stage,
    'right requests of every type',
    rightRequests,
    (quiet, { message, request }) =>
      expectParsed(
        quiet,
        message,
        { request },
        {
          because: 'Nothing is wrong with it. Fields that nobody knows are let through.',
        },
      ),
  )
  await forAll(
    stage,
    'requests with one wrong field',
    wrongRequests,
    (quiet, { message, code, id, field }) => {
      expectParsed(
        quiet,
        message,
        { code, id },
        {
          because: `"${field}" is wrong, and its rule says how.`,
          likely: 'Call every rule of the type with the value and the name of its field.',
        },
      )
      if (code !== 'bad-request') return
      quiet.expect(`the text to name "${field}"`, textOf(parse(message)).includes(`"${field}"`), {
        because: 'A person who reads the refusal must know where to look.',
        likely: 'The rule wants the name of the field as well.',
        received: textOf(parse(message)),
      })
    },
  )
  await forAll(
    stage,
    'messages that may be anything',
    anyMessages,
    (quiet, message) => {
      quiet.story.tell('client', `sends ${inShort(message)}`)
      const parsed = parse(message)
      const id = parsed.kind === 'refused' ? parsed.id : parsed.request.id
      quiet.expectSame('the id in the answer', id, safeIdIn(message), {
        because: 'The id is said back if it is a safe integer, and only then.',
      })
    },
    500,
  )

  /** What is asked of a parser's result: code and id, or the fields that somebody knows. */
  function told(parsed: ReturnType<typeof parse>): object {
    if (parsed.kind === 'refused') {
      const { code, text } = parsed.refusal
      return { code, id: parsed.id, ...(text === '' && { text: 'nothing, for a person' }) }
    }
    if (parsed.kind !== 'request') return parsed
    const known = ['id', 'type', ...Object.keys(REQUESTS[parsed.request.type])]
    const fields = Object.entries(parsed.request).filter(([field]) => known.includes(field))
    return { request: Object.fromEntries(fields) }
  }
})

step('13.2', 'a room tells who comes and who goes, once for each name', async (stage) => {
  const { expectSame, story } = stage
  const modules = await loadRooms(stage)
  const world = new HubWorld(modules, story)
  const expectOutcome = (what: string, outcome: string, expected: string, reason: Reason) =>
    expectSame(what, outcome, expected, reason)

  const [ada, bob] = [world.member('ada', 'Ada'), world.member('bob')]
  expectOutcome('join()', world.join(ada, 'kitchen'), 'joined', { because: 'Anybody may.' })
  ada.inbox.expect([], {
    because: 'Nobody else is there to be told, and she knows.',
    look: ['room.enter()', 'room.tell()'],
  })
  world.join(bob, 'kitchen')
  ada.inbox.expect([{ type: 'member', room: 'kitchen', name: 'bob', is: 'here' }], {
    because: 'Those who are in the room are told who comes.',
    likely: '#announce() tells the others, when #count() says that there is 1.',
    look: 'room.enter()',
  })
  bob.inbox.expect([], {
    because: 'He is the one who comes.',
    look: ['room.enter()', 'room.tell()'],
  })
  expectSame('names', world.namesIn('kitchen', bob), ['Ada', 'bob'], {
    because: 'Both are here.',
    likely: '#count() keeps the names.',
  })

  const phone = world.member('ada’s phone', 'ADA')
  world.join(phone, 'kitchen')
  bob.inbox.expect([], {
    because: 'Ada is here already, with another connection. Presence belongs to the name.',
    likely: 'Announce only when #count() returns 1.',
    look: 'room.enter()',
  })
  world.join(phone, 'kitchen')
  world.join(bob, 'kitchen')
  expectOutcome('leave()', world.leave(ada, 'kitchen'), 'left', { because: 'She was a member.' })
  bob.inbox.expect([], {
    because: 'Ada is still here on her phone.',
    likely: 'She is gone when #count() returns 0.',
    look: 'room.exit()',
  })
  world.leave(phone, 'kitchen')
  bob.inbox.expect([{ type: 'member', room: 'kitchen', name: 'ADA', is: 'gone' }], {
    because: 'That was her last connection. To join twice is to be a member once.',
    likely: 'A member who joins again changes nothing: look before you enter().',
    look: ['hub.join()', 'room.exit()'],
  })
  ada.inbox.expect([], {
    because: 'She has left, and is told nothing more from there.',
    look: ['room.exit()', 'hub.leave()'],
  })
  phone.inbox.expect([], {
    because: 'A member who leaves knows it.',
    look: ['room.exit()', 'hub.leave()'],
  })
  expectOutcome('leave()', world.leave(ada, 'kitchen'), 'not-a-member', {
    because: 'She has left before.',
    look: 'hub.leave()',
  })
  bob.inbox.expect([], { because: 'Nothing has happened.' })
  world.leave(bob, 'kitchen')
  expectSame('the rooms', world.rooms, [], {
    because: 'Nobody is left in the kitchen. Rooms that nobody is in would pile up.',
    likely: '#close() the room when its last member has left.',
    look: 'hub.leave()',
  })
  for (const room of ['nowhere', '__proto__']) {
    expectOutcome('leave()', world.leave(bob, room), 'not-a-member', {
      because: 'There is no such room.',
      look: 'hub.leave()',
    })
  }
  expectSame('the rooms', world.rooms, [], {
    because: 'To leave a room that nobody is in does not open it.',
    likely: 'Only join() opens a room.',
  })
  world.join(ada, '__proto__')
  world.join(bob, '__proto__')
  expectSame('names', world.namesIn('__proto__', bob), ['Ada', 'bob'], {
    because: 'It is a room like any other.',
  })

  expectLossesTold(stage, new HubWorld(modules, story))
  expectLimits(stage, new HubWorld(modules, story, { membersPerRoom: 2, roomsPerMember: 2 }))
  await expectModel(stage, 'joins and leaves in any order', ['join', 'leave'])
})

step('13.3', 'what is said gets one number, and reaches everybody in one order', async (stage) => {
  const { expect, expectSame, random, story } = stage
  const modules = await loadRooms(stage)
  const world = new HubWorld(modules, story)
  const [ada, bob, cyd] = ['ada', 'bob', 'cyd'].map((name) => world.member(name))
  for (const member of [ada, bob]) world.join(member, 'kitchen')
  for (const member of [bob, cyd]) world.join(member, 'attic')
  for (const { inbox } of [ada, bob]) inbox.take()
  const message = (number: number, name: string, text: string, room = 'kitchen') => ({
    type: 'message',
    room,
    number,
    name,
    text,
    at: 1_000,
  })

  world.say(ada, 'kitchen', 'hi')
  ada.inbox.expect([{ type: 'said', number: 1 }, message(1, 'ada', 'hi')], {
    because: 'She is told its number, and then she gets the message like everybody else.',
    likely:
      'draft.onKept() first, then the room. The sender is a member, too. A message has the fields type, room, number, name, text and at.',
    look: 'hub.#tell()',
  })
  bob.inbox.expect([message(1, 'ada', 'hi')], {
    because: 'He is in the room.',
    likely: 'A message has the fields type, room, number, name, text and at.',
    look: 'hub.#tell()',
  })
  world.say(bob, 'attic', 'up here')
  world.say(bob, 'kitchen', 'down here')
  bob.inbox.expect(
    [
      { type: 'said', number: 1 },
      message(1, 'bob', 'up here', 'attic'),
      { type: 'said', number: 2 },
      message(2, 'bob', 'down here'),
    ],
    {
      because: 'Each room counts for itself: 1, 2, 3, …',
      likely: 'The next number is one more than the last of this room’s history.',
      look: 'journal.append()',
    },
  )
  cyd.inbox.expect([message(1, 'bob', 'up here', 'attic')], {
    because: 'She is in the attic only.',
  })
  ada.inbox.expect([message(2, 'bob', 'down here')], { because: 'She is in the kitchen only.' })

  for (const room of ['kitchen', 'nowhere']) {
    expectSame(`say() in ${room}`, world.say(cyd, room, 'let me in'), 'not-a-member', {
      because: 'Whoever says something has to be in the room.',
      likely: 'roomOf() says whether she is.',
    })
  }
  for (const { inbox } of [ada, bob, cyd]) inbox.expect([], { because: 'Nothing was said.' })
  expectSame('the rooms', world.rooms, ['kitchen', 'attic'], {
    because: 'To say something in a room does not open it.',
  })
  world.say(ada, 'kitchen', 'still 3')
  ada.inbox.expect([{ type: 'said', number: 3 }, message(3, 'ada', 'still 3')], {
    because: 'What is refused gets no number: there are no gaps.',
  })

  expectOrderOfJournal(stage, modules)

  story.tell('test', 'lets 200 members of one room say 1,000 messages, in any order')
  const crowd = Crowd.gather(modules, 200)
  for (let count = 0; count < 1_000; count++) {
    crowd.say(randomInteger(random, 200), `this is message ${count}`)
  }
  expectSame('how often a message was encoded', crowd.encodings, 1_000, {
    because: '1,000 messages to 200 members are 1,000 encodings, not 200,000.',
    likely: 'One Outgoing for all members: each door encodes it once.',
    look: 'hub.#tell()',
  })
  const [first, ...others] = crowd.heard
  const numbers = first.map((message) => JSON.parse(message).number)
  expect('the first member to hear 1, 2, 3, …', isRun(numbers, 1, 1_000), {
    because: '1,000 messages were said, and each has one number.',
    received: inShort(numbers),
  })
  const differing = others.findIndex((heard) => heard.join() !== first.join())
  expect('all of them to hear the same, in the same order', differing < 0, {
    because: 'A broadcast is made in one turn, so nothing comes between.',
    likely: 'tell() must not await anything between two members.',
    received: `member ${differing + 2} has heard something else than member 1`,
    look: ['room.tell()', 'hub.#tell()'],
  })
})

step('13.4', 'a session answers every request once, in order', async (stage) => {
  const { expectSame, story } = stage
  const modules = await loadChat(stage)
  const world = new ChatWorld(modules, story)
  const ada = world.connect('ada')
  await world.ask(
    ada,
    { id: 1, type: 'who', room: 'kitchen' },
    { id: 2, type: 'rooms' },
    '{"id":3',
    { id: 4, type: 'shout' },
    { id: 5, type: 'hello', version: 7, name: 'ada' },
  )
  ada.inbox.expect(
    [
      { type: 'error', id: 1, code: 'not-welcome' },
      { type: 'error', id: 2, code: 'not-welcome' },
      { type: 'error', id: undefined, code: 'malformed' },
      { type: 'error', id: 4, code: 'unknown-type' },
      { type: 'error', id: 5, code: 'unsupported-version' },
    ],
    {
      because: 'Each has its answer, in the order in which they came, and the connection stays.',
      likely: 'What the parser has refused waits for its turn like any other.',
    },
  )
  await world.ask(ada, { id: 6, type: 'ping' })
  ada.inbox.expect([{ type: 'pong', id: 6 }], { because: 'A ping needs no welcome.' })
  await world.ask(
    ada,
    { id: 7, type: 'hello', version: 1, name: 'ada' },
    { id: 8, type: 'rooms' },
    { id: 9, type: 'hello', version: 1, name: 'eve' },
  )
  ada.inbox.expect(
    [
      { type: 'welcome', id: 7, version: 1, name: 'ada', server: 'the-server', limits: {} },
      { type: 'rooms', id: 8, rooms: [] },
      { type: 'error', id: 9, code: 'already-welcome' },
    ],
    {
      because: 'Since the welcome, all requests are open to her.',
      likely: 'A session with a person has been welcomed. Look when the turn of a request comes.',
      look: 'chat-session.#carryOut()',
    },
  )
  const imp = world.connect('imp')
  await world.ask(
    imp,
    { id: 1, type: 'hello', version: 1, name: 'ADA' },
    { id: 2, type: 'hello', version: 1, name: 'imp' },
  )
  imp.inbox.expect(
    [
      { type: 'error', id: 1, code: 'name-taken' },
      { type: 'welcome', id: 2, name: 'imp' },
    ],
    { because: 'A refusal changes nothing: he may try another name.' },
  )
  await world.ask(ada, { id: 10, type: 'say', room: 'kitchen', text: 'hi' })
  ada.inbox.expect([{ type: 'error', id: 10, code: 'not-a-member' }], {
    because: 'She is in no room.',
    likely: 'A say has its answer, too, when it is refused.',
  })

  await expectTurns(stage, modules)
  await expectBugsAnswered(stage, modules)
  await expectSlowSays(stage, modules)
  expectSame('errors of handlers', world.bugs, [], { because: 'Nothing was our fault.' })
})

step('13.5', 'joined ends exactly where the live messages begin', async (stage) => {
  await expectPages(stage)
  const modules = await loadChat(stage)
  const world = new ChatWorld(modules, stage.story, { membersPerRoom: 3 })
  const ada = await world.arrive('ada')
  await world.ask(ada, { id: 1, type: 'join', room: 'Kitchen' })
  ada.inbox.expect(
    [
      {
        type: 'joined',
        id: 1,
        room: 'kitchen',
        last: 0,
        first: 1,
        members: ['ada'],
        messages: [],
        more: false,
      },
    ],
    {
      because: 'The room is new. She is a member of it, so she is in the list.',
      likely: 'joined has the fields room, last, first, members, messages and more.',
    },
  )
  const say = (text: string) => ({ id: 2, type: 'say', room: 'kitchen', text })
  await world.ask(ada, say('one'), say('two'), say('three'))
  ada.inbox.take()

  const bob = await world.arrive('bob')
  await world.ask(bob, { id: 3, type: 'join', room: 'kitchen' })
  const number = (number: number) => ({ number, name: 'ada', at: 1_000 })
  bob.inbox.expect(
    [
      {
        type: 'joined',
        last: 3,
        first: 1,
        members: ['ada', 'bob'],
        messages: [number(1), number(2), number(3)],
        more: false,
      },
    ],
    { because: 'He learns what was said before he came.' },
  )
  ada.inbox.expect([{ type: 'member', name: 'bob', is: 'here' }], { because: 'He has come.' })
  const cyd = await world.arrive('cyd')
  await world.ask(cyd, { id: 4, type: 'join', room: 'kitchen', after: 2 }, say('four'))
  cyd.inbox.expect(
    [
      { type: 'joined', last: 3, messages: [number(3)], more: false },
      { type: 'said', number: 4 },
      { type: 'message', number: 4 },
    ],
    {
      because: 'She has seen everything up to 2. What comes behind the answer is told to her live.',
      likely: 'Ask the history for the page above `after`.',
    },
  )
  await world.ask(cyd, { id: 5, type: 'join', room: 'kitchen', after: 0 })
  cyd.inbox.expect([{ type: 'joined', id: 5, last: 4, messages: [{}, {}, {}, {}] }], {
    because: 'To join again is no mistake: it is answered like the first time.',
  })
  for (const { inbox } of [ada, bob]) inbox.take()
  const dee = await world.arrive('dee')
  await world.ask(dee, { id: 6, type: 'join', room: 'kitchen' })
  dee.inbox.expect([{ type: 'error', id: 6, code: 'room-full' }], {
    because: 'A refusal is the one answer.',
    likely: 'hub.join() returns a room, or a refusal, which has a code.',
  })
  for (const { inbox } of [ada, bob]) inbox.expect([], { because: 'Nobody has come.' })
  await forAll(
    stage,
    'joins and leaves in any order, while others talk at full speed',
    fullSpeed,
    (quiet, moves) => expectExactMeeting(quiet, new ChatWorld(modules, quiet.story), moves),
    150,
  )

  const { join } = await stage.load(() => import('#code/13-rooms/handlers.ts'))
  stage.story.tell('test', 'calls join() for ada with a page of its own')
  const request = { id: 7, type: 'join', room: 'kitchen' }
  join(ada.session, request, () => ({ messages: [messageOf(2, 'two')], more: true }))
  ada.inbox.expect([{ type: 'joined', id: 7, last: 4, messages: [{ number: 2 }], more: true }], {
    because: 'Chapter 15 has read the page from a disk, and hands it over as `pageOf`.',
    likely: 'The page in the answer is what pageOf(room) returns.',
  })
})

step('13.6', 'whoever is lost is gone once, and the room does not wait', async (stage) => {
  await expectModel(stage, 'joins, leaves, messages and losses in any order', [
    'join',
    'leave',
    'say',
    'drop',
  ])
  await expectSessionsDropped(stage)
  await expectGhostsStopped(stage)
  await expectConnectionsEnded(stage)
  await expectSlowDropped(stage)
  await expectCrowdServed(stage)
})

/** The id of an object in JSON, if it is a safe integer. */
function safeIdIn(message: string): number | undefined {
  try {
    const { id } = JSON.parse(message) as { id: unknown }
    return Number.isSafeInteger(id) && JSON.parse(message).length === undefined
      ? (id as number)
      : undefined
  } catch {
    return undefined
  }
}

function textOf(parsed: { kind: string; refusal?: { text: string } }): string {
  return parsed.refusal?.text ?? ''
}

function isRun(numbers: unknown[], first: number, length: number): boolean {
  return numbers.length === length && numbers.every((number, place) => number === first + place)
}

/** Two members a room and two rooms a member, in that world. */
function expectLimits({ expectSame, story }: Stage, world: HubWorld): void {
  story.tell('test', 'opens another hub: 2 members in a room, 2 rooms for a member')
  const [ada, bob, cyd] = ['ada', 'bob', 'cyd'].map((name) => world.member(name))
  for (const member of [ada, bob]) world.join(member, 'kitchen')
  for (const { inbox } of [ada, bob]) inbox.take()
  expectSame('join() by the third', world.join(cyd, 'kitchen'), 'room-full', {
    because: 'Two are inside.',
    likely: 'Ask #whyNot() before anything is changed.',
  })
  for (const { inbox } of [ada, bob]) inbox.expect([], { because: 'Nobody has come.' })
  expectSame('join() by the first', world.join(ada, 'kitchen'), 'joined', {
    because: 'She is inside. To join again changes nothing, in a full room as well.',
    likely: 'Look whether she is a member first, and then at the limits.',
  })
  world.leave(bob, 'kitchen')
  expectSame('join() by the third', world.join(cyd, 'kitchen'), 'joined', {
    because: 'bob has left: there is a place.',
  })
  world.join(cyd, 'attic')
  expectSame('join() of a third room', world.join(cyd, 'cellar'), 'too-many-rooms', {
    because: 'She is in two.',
    likely:
      '#roomsBy() returns a new set for a member without rooms. Store it in #roomsOf, or the room is forgotten.',
  })
  expectSame('the rooms', world.rooms, ['kitchen', 'attic'], {
    because: 'A refusal opens no room.',
    likely: 'Open the room when nothing can be refused any more.',
  })
  world.leave(cyd, 'kitchen')
  expectSame('join() of another room', world.join(cyd, 'cellar'), 'joined', {
    because: 'She has left one.',
    likely: 'A room that was left is taken out of the member’s rooms.',
    look: 'hub.leave()',
  })
}

async function expectModel(
  stage: Stage,
  what: string,
  moves: Parameters<typeof anyMoves>[0],
): Promise<void> {
  const modules = await loadRooms(stage)
  await forAll(stage, what, anyMoves(moves, 4), (quiet, commands) => {
    const world = new HubWorld(modules, quiet.story)
    const members = [
      world.member('ada'),
      world.member('bob'),
      world.member('bob’s phone', 'bob'),
      world.member('cyd'),
    ]
    play(commands, { stage: quiet, world, members })
  })
}

/** A journal that keeps things later and in groups decides the order, and nobody else does. */
function expectOrderOfJournal(
  { story, expectSame }: Stage,
  modules: Awaited<ReturnType<typeof loadRooms>>,
): void {
  story.tell('test', 'opens another hub, with a journal that takes its time')
  const journal = new SlowJournal()
  const world = new HubWorld(modules, story, { journal })
  const [ada, bob] = [world.member('ada'), world.member('bob')]
  for (const member of [ada, bob]) world.join(member, 'kitchen')
  ada.inbox.take()
  for (const text of ['one', 'two', 'three', 'four'])
    world.say(text === 'two' ? bob : ada, 'kitchen', text)
  for (const { inbox } of [ada, bob]) {
    inbox.expect([], {
      because: 'The journal has kept nothing yet. What is told could still be lost.',
      likely: 'Whatever is told comes from onKept().',
      look: 'hub.say()',
    })
  }
  const keep = (count: number, isKept = true) => {
    story.tell('journal', isKept ? `has kept ${count} of them` : 'cannot keep the next')
    journal.keep(count, isKept)
  }
  const message = (number: number, text: string) => ({ type: 'message', number, text })
  keep(2)
  bob.inbox.expect([message(1, 'one'), { type: 'said', number: 2 }, message(2, 'two')], {
    because: 'Kept together, told one after the other, in the order of the journal.',
    likely: 'For each of them: first its sender, then everybody.',
    look: 'hub.#tell()',
  })
  keep(1, false)
  bob.inbox.expect([], {
    because: 'It was not kept: only its sender is told.',
    likely: 'Without a message there is nothing to tell the room.',
    look: 'hub.#tell()',
  })
  keep(1)
  ada.inbox.expect(
    [
      { type: 'said', number: 1 },
      message(1, 'one'),
      message(2, 'two'),
      { type: 'error', code: 'not-saved' },
      { type: 'said', number: 3 },
      message(3, 'four'),
    ],
    { because: 'One that could not be kept does not hold up the next.', look: 'hub.#tell()' },
  )
  expectSame('drafts that wait', journal.drafts.length, 0, { because: 'Each was appended once.' })
  world.say(ada, 'kitchen', 'bye')
  for (const member of [ada, bob]) world.leave(member, 'kitchen')
  ada.inbox.take()
  keep(1)
  ada.inbox.expect([{ type: 'said', number: 4 }], {
    because: 'It was kept. That nobody is in the room any more is no error.',
    look: 'hub.#tell()',
  })
}

/** A request that takes its time holds up what comes behind it, and nobody else. */
async function expectTurns(
  stage: Stage,
  modules: Awaited<ReturnType<typeof loadChat>>,
): Promise<void> {
  const { expectSame, story } = stage
  story.tell('test', 'opens another chat, in which `who` takes its time')
  const gates: (() => void)[] = []
  const world: ChatWorld = new ChatWorld(modules, story, {
    handlers: {
      async who(session, request: { id: number; type: string }) {
        await new Promise<void>((resolve) => gates.push(resolve))
        session.answer(request, { type: 'members' })
      },
    },
  })
  const [ada, bob] = [await world.arrive('ada'), await world.arrive('bob')]
  const who = (id: number) => ({ id, type: 'who', room: 'kitchen' })
  await world.ask(ada, who(1), who(2), { id: 3, type: 'rooms' }, '{', { id: 4, type: 'ping' })
  ada.inbox.expect([{ type: 'pong', id: 4 }], {
    because: 'Her first request is not done. Only a ping overtakes.',
    likely: '#post() runs one task after the other: wait in it for the handler’s promise.',
  })
  expectSame('requests that have begun', gates.length, 1, {
    because: 'The second begins when the first has ended.',
    likely: 'await the handler.',
  })
  await world.ask(bob, { id: 1, type: 'rooms' })
  bob.inbox.expect([{ type: 'rooms', id: 1 }], { because: 'He has a session of his own.' })
  gates[0]()
  await world.settle()
  ada.inbox.expect([{ type: 'members', id: 1 }], { because: 'Now the first is done.' })
  gates[1]()
  await world.settle()
  ada.inbox.expect(
    [
      { type: 'members', id: 2 },
      { type: 'rooms', id: 3 },
      { type: 'error', code: 'malformed' },
    ],
    { because: 'And then the others, in order.' },
  )
  story.tell('ada', 'sends 100 requests')
  ada.sends(who(5))
  for (let count = 0; count < 100; count++) ada.session.receive('{"id":6,"type":"rooms"}')
  expectSame('whether ada is listened to', ada.isPaused, true, {
    because: 'As long as so many requests of hers wait, no more are taken.',
    likely: 'Whatever waits for its turn goes through #post().',
  })
  await world.settle()
  gates[2]()
  await world.settle()
  expectSame('how many were answered', ada.inbox.take().length, 101, { because: 'Each of them.' })
  expectSame('whether ada is listened to', !ada.isPaused, true, { because: 'Nothing waits.' })
}

/** A handler that throws costs one answer. */
async function expectBugsAnswered(
  stage: Stage,
  modules: Awaited<ReturnType<typeof loadChat>>,
): Promise<void> {
  const { expectSame, story } = stage
  story.tell('test', 'opens another chat, in which `who` and `leave` have bugs')
  const world = new ChatWorld(modules, story, {
    handlers: {
      who() {
        throw new Error('at once')
      },
      async leave() {
        await null
        throw new Error('later')
      },
    },
  })
  world.expectsBugs = true
  const ada = await world.arrive('ada')
  await world.ask(
    ada,
    { id: 1, type: 'who', room: 'kitchen' },
    { id: 2, type: 'leave', room: 'kitchen' },
    { id: 3, type: 'rooms' },
  )
  ada.inbox.expect(
    [
      { type: 'error', id: 1, code: 'internal' },
      { type: 'error', id: 2, code: 'internal' },
      { type: 'rooms', id: 3 },
    ],
    {
      because: 'Every request has an answer, also when we are to blame; and the session goes on.',
      likely:
        'Catch what the handler throws, and what its promise rejects with: await it inside try.',
      look: 'chat-session.#carryOut()',
    },
  )
  const messages = world.bugs.map((bug) => (bug as Error).message)
  expectSame('what onBug was told', messages, ['at once', 'later'], {
    because: 'Somebody has to learn of a bug.',
    likely: 'Pass the error to chat.onBug(), besides the answer `internal`.',
    look: 'chat-session.#carryOut()',
  })
}

/** Messages that wait for the journal do not wait for each other; everything else waits for them. */
async function expectSlowSays(
  stage: Stage,
  modules: Awaited<ReturnType<typeof loadChat>>,
): Promise<void> {
  const { expectSame, story } = stage
  story.tell('test', 'opens another chat, with a journal that takes its time')
  const journal = new SlowJournal()
  const world = new ChatWorld(modules, story, { journal })
  const ada = await world.arrive('ada', 'kitchen')
  const say = (id: number, room = 'kitchen') => ({ id, type: 'say', room, text: `${id}` })
  const bob = await world.arrive('bob', 'attic')
  bob.sends(say(1, 'attic'))
  bob.sends('{')
  await world.ask(bob, { id: 2, type: 'rooms' })
  bob.inbox.expect([], {
    because: 'His message has not been kept, and what he asked behind it is answered behind it.',
    likely: 'Before anything but a say is carried out, or refused, await newestSay.',
    look: 'chat-session.#carryOut()',
  })
  story.tell('journal', 'has kept it')
  journal.keep(1)
  await world.settle()
  bob.inbox.expect(
    [
      { type: 'said', id: 1 },
      { type: 'message' },
      { type: 'error', code: 'malformed' },
      { type: 'rooms', id: 2 },
    ],
    { because: 'Now it is kept.' },
  )
  await world.ask(ada, say(1), say(2), say(3, 'nowhere'), { id: 4, type: 'ping' })
  expectSame('drafts in the journal', journal.drafts.length, 2, {
    because: 'A journal can keep many messages at a time, if they do not wait for each other.',
    likely: 'A say does not wait for newestSay. Everything else does.',
    look: 'chat-session.#carryOut()',
  })
  ada.inbox.expect([{ type: 'pong', id: 4 }], { because: 'Nothing has been kept yet.' })
  ada.sends({ id: 5, type: 'who', room: 'kitchen' })
  ada.sends('{')
  ada.sends(say(6))
  const keep = async (count: number) => {
    await world.settle()
    story.tell('journal', `has kept ${count} of them`)
    journal.keep(count)
    await world.settle()
  }
  await keep(1)
  ada.inbox.expect(
    [
      { type: 'said', id: 1, number: 1 },
      { type: 'message', number: 1 },
    ],
    {
      because: 'One of two has its answer. What came behind them waits for both.',
      likely: 'Before anything but a say is carried out, await newestSay.',
      look: 'chat-session.#carryOut()',
    },
  )
  await keep(1)
  ada.inbox.expect(
    [
      { type: 'said', id: 2, number: 2 },
      { type: 'message', number: 2 },
      { type: 'error', id: 3, code: 'not-a-member' },
      { type: 'members', id: 5 },
      { type: 'error', code: 'malformed' },
    ],
    { because: 'Every answer comes in its order.' },
  )
  await keep(1)
  ada.inbox.expect(
    [
      { type: 'said', id: 6, number: 3 },
      { type: 'message', number: 3 },
    ],
    { because: 'And the last one.' },
  )
}

/** Pages of a room's newest messages, with every limit. */
async function expectPages(stage: Stage): Promise<void> {
  const { RecentMessages, sizeOf } = await stage.load(
    () => import('#code/13-rooms/recent-messages.ts'),
  )
  const make = (first: number, texts: string[], limits = {}): RecentMessages => {
    const recent = new RecentMessages(first - 1, limits)
    texts.forEach((text, place) => {
      recent.add(messageOf(first + place, text))
    })
    return recent
  }
  const expectPage = (
    { expectSame }: QuietStage,
    recent: RecentMessages,
    query: object,
    numbers: number[],
    more: boolean,
    reason: Reason,
  ) => {
    const page = recent.page(query)
    const received = { numbers: page.messages.map(({ number }) => number), more: page.more }
    expectSame(`page(${inShort(query)})`, received, { numbers, more }, reason)
  }
  stage.story.tell('test', 'takes pages of messages 11 to 15')
  const recent = make(11, ['a', 'b', 'c', 'd', 'e'])
  const all = [11, 12, 13, 14, 15]
  const MORE =
    'A full page is no proof that there are more: look whether any of those asked for are left.'
  for (const [query, numbers, more, because] of [
    [{}, all, false, 'Without a bound, the newest: here, all of them.'],
    [{ limit: 5 }, all, false, 'Five are asked for, five are there, and nothing is left.'],
    [{ limit: 2 }, [14, 15], true, 'The newest two, ascending. Older ones are left.'],
    [{ before: 14 }, [11, 12, 13], false, 'Below 14.'],
    [{ before: 14, limit: 1 }, [13], true, 'The newest below 14. Older ones are left.'],
    [{ before: 14, limit: 3 }, [11, 12, 13], false, 'Three are below 14, and nothing is left.'],
    [{ before: 11 }, [], false, 'Nothing is below 11.'],
    [{ before: 99, limit: 1 }, [15], true, 'The newest below 99.'],
    [{ after: 0, limit: 2 }, [11, 12], true, 'The oldest above 0: what he missed comes in order.'],
    [{ after: 13 }, [14, 15], false, 'Above 13.'],
    [{ after: 13, limit: 1 }, [14], true, 'The oldest above 13. A newer one is left.'],
    [{ after: 13, limit: 2 }, [14, 15], false, 'Two are above 13, and nothing is left.'],
    [{ after: 15 }, [], false, 'Nothing is above 15.'],
    [{ after: 99 }, [], false, 'Nothing is above 99.'],
  ] as const) {
    expectPage(stage, recent, query, [...numbers], more, {
      because,
      likely: MORE,
      look: 'recent-messages.page()',
    })
  }
  stage.expectSame(
    'page({ after: 13 }).messages',
    recent.page({ after: 13 }).messages,
    [messageOf(14, 'd'), messageOf(15, 'e')],
    { because: 'A page has whole messages.', look: 'recent-messages.page()' },
  )

  const size = sizeOf(messageOf(1, '语'.repeat(100)))
  stage.story.tell(
    'test',
    `takes pages of ${2 * size} bytes at most; a message is ${size} bytes long`,
  )
  const wide = make(1, Array(5).fill('语'.repeat(100)), { maxPageBytes: 2 * size })
  expectPage(stage, wide, {}, [4, 5], true, {
    because: 'Two have just as many bytes as a page may have.',
    likely:
      'The page ends before the message that exceeds maxPageBytes. sizeOf() counts bytes. A string’s length does not: 语 is three of them.',
    look: 'recent-messages.page()',
  })
  expectPage(stage, wide, { after: 1, limit: 2 }, [2, 3], true, {
    because: 'The same upwards.',
    look: 'recent-messages.page()',
  })
  const narrow = make(1, ['a', 'b'.repeat(300), 'c'], { maxPageBytes: 200 })
  expectPage(stage, narrow, { after: 1 }, [2], true, {
    because: 'It alone is too long for a page. Without it nobody could ever get past it.',
    likely: 'The first message comes into the page, however long it is. The next one has to fit.',
    look: 'recent-messages.page()',
  })
  await forAll(stage, 'pages of any messages, with any bounds', anyPage, (quiet, request) => {
    const { first, texts, query, maxPageBytes } = request
    const list = texts.map((text, place) => messageOf(first + place, text))
    const { numbers, more } = pageByCounting(list, query, (each) => sizeOf(each), maxPageBytes)
    quiet.story.tell('test', `has messages ${first} to ${first + texts.length - 1}`)
    expectPage(quiet, make(first, texts, { maxPageBytes }), query, numbers, more, {
      because: 'As many as limit and bytes allow, at least one; `more` is exact.',
      look: 'recent-messages.page()',
    })
  })
}

function messageOf(number: number, text: string): Message {
  return { number, name: 'ada', text, at: 0 }
}

const anyPage = fc.record({
  first: fc.constantFrom(1, 7, 1_000),
  texts: fc.array(fc.string({ minLength: 1, maxLength: 60, unit: 'grapheme' }), { maxLength: 12 }),
  query: fc.oneof(
    fc.record({ limit: fc.integer({ min: 1, max: 14 }) }, { requiredKeys: [] }),
    fc.record({ before: fc.nat({ max: 20 }), limit: fc.integer({ min: 1, max: 14 }) }),
    fc.record({ after: fc.nat({ max: 20 }), limit: fc.integer({ min: 1, max: 14 }) }),
  ),
  maxPageBytes: fc.constantFrom(1, 150, 300, 1_000_000),
})

interface AnyQuery {
  before?: number
  after?: number
  limit?: number
}

/** The longest page that may be: found by trying every length. */
function pageByCounting(
  list: Message[],
  { before, after, limit = 100 }: AnyQuery,
  sizeOf: (message: Message) => number,
  maxBytes: number,
): { numbers: number[]; more: boolean } {
  const asked = list.filter(({ number }) => number < (before ?? Infinity) && number > (after ?? 0))
  const cut = (length: number) =>
    after === undefined ? asked.slice(asked.length - length) : asked.slice(0, length)
  const bytesOf = (messages: Message[]) => messages.reduce((sum, each) => sum + sizeOf(each), 0)
  const lengths = asked.map((_, place) => place + 1).filter((length) => length <= limit)
  const length = lengths.findLast((length) => length === 1 || bytesOf(cut(length)) <= maxBytes) ?? 0
  return { numbers: cut(length).map(({ number }) => number), more: length < asked.length }
}

const PEOPLE = ['ada', 'bob', 'cyd', 'dee']

interface SpeedMove {
  who: number
  what: 'join' | 'join after' | 'leave' | 'say'
  /** Whether everything is done before the next move. */
  rests: boolean
}

const fullSpeed: fc.Arbitrary<SpeedMove[]> = fc.array(
  fc.record({
    who: fc.nat({ max: PEOPLE.length - 1 }),
    what: fc.constantFrom('join', 'join after', 'leave', 'say', 'say'),
    rests: fc.constantFrom(false, false, false, true),
  }),
  { maxLength: 40, size: 'max' },
)

/** Everybody asks at once; then everybody's messages have to be one unbroken run from `joined` on. */
async function expectExactMeeting(
  quiet: QuietStage,
  world: ChatWorld,
  moves: SpeedMove[],
): Promise<void> {
  const peers = await Promise.all(PEOPLE.map((name) => world.arrive(name)))
  const seen = new Map<ScriptedPeer, View>(
    peers.map((peer) => [peer, { last: undefined, highest: 0 }]),
  )
  for (const { who, what, rests } of moves) {
    const type = what === 'join after' ? 'join' : what
    const after = what === 'join after' ? seen.get(peers[who])!.highest : undefined
    peers[who].sends({ id: 1, type, room: 'hall', text: 'hi', after })
    if (rests) await world.settle()
  }
  await world.settle()
  for (const peer of peers) {
    const view = seen.get(peer)!
    for (const message of peer.inbox.take()) follow(quiet, peer, view, message)
  }
}

/** What a client has seen of the room. */
interface View {
  /** The number of the newest message, while it is in the room. */
  last: number | undefined
  highest: number
}

function follow(quiet: QuietStage, peer: ScriptedPeer, view: View, message: ChatMessage): void {
  const name = peer.inbox.label
  if (message.type === 'joined') {
    const { messages, last, more } = message as { messages: Message[]; last: number; more: boolean }
    const end = messages.at(-1)?.number ?? last
    quiet.expectSame(`where the page of ${name} ends`, more ? last : end, last, {
      because: 'The page ends where the live messages begin.',
      likely:
        'Something is awaited between the page and the answer: messages come in between. Join, read the page and answer in one turn.',
    })
    view.last = last
  } else if (message.type === 'left') view.last = undefined
  else if (message.type === 'message') {
    const next = view.last === undefined ? 'none: not in the room' : view.last + 1
    quiet.expectSame(`the number that ${name} is told next`, message.number, next, {
      because: `From joined until left, ${name} misses nothing and gets nothing twice.`,
      likely:
        'A member in one turn and the answer in another: live messages come between them. Read the page, register and answer in one turn.',
    })
    view.last = message.number as number
  }
}

/** Members who cannot be told any more, found when somebody comes. */
function expectLossesTold(stage: Stage, world: HubWorld): void {
  const { expect, expectSame, story } = stage
  story.tell('test', 'opens another hub')
  const enter = (label: string, ...rooms: string[]) => {
    const member = world.member(label, label.slice(0, 3))
    member.onDrop = () => {
      for (const room of rooms) world.hub.leave(member, room)
    }
    for (const room of rooms) world.join(member, room)
    return member
  }
  const labels = ['ada', 'bob', 'bob’s phone', 'cyd', 'dee']
  const [ada, bob, phone, cyd, dee] = labels.map((label) => enter(label, 'kitchen', 'attic'))
  for (const { inbox } of [ada, bob, phone, cyd, dee]) inbox.take()
  for (const member of [bob, phone, cyd]) {
    story.tell(member.inbox.label, 'cannot be told anything any more')
    member.isDeaf = true
  }
  enter('eve', 'kitchen')
  const [toAda, toDee] = [ada, dee].map(({ inbox }) => inbox.take())
  const first = { type: 'member', room: 'kitchen', name: 'eve', is: 'here' }
  expect(
    `ada and dee to be told ${inShort(first)} first`,
    fits([toAda[0], toDee[0]], [first, first]),
    {
      because:
        'Everybody who can hear is told, before anything else happens. Received: the first that ada was told, then the first that dee was told.',
      likely: 'Drop the lost when the loop is over: to drop one tells others that it is gone.',
      received: inLines([toAda[0], toDee[0]]),
      look: 'room.tell()',
    },
  )
  const goodbyes = toDee.slice(1).map(({ name, is, room }) => `${name} is ${is} from the ${room}`)
  const expected = [
    'bob is gone from the attic',
    'bob is gone from the kitchen',
    'cyd is gone from the attic',
    'cyd is gone from the kitchen',
  ]
  expectSame('what dee was told then', goodbyes.toSorted(), expected, {
    because: 'Those who could not be told are dropped, and have left all their rooms.',
    likely: 'drop() every member for whom send() has returned false.',
    look: 'room.tell()',
  })
  expect('ada to be told the same as dee', isDeepStrictEqual(toAda, toDee), {
    because: 'Everybody is told the same, in one order.',
    received: inLines(toAda),
    look: 'room.tell()',
  })
  expectSame('names', world.namesIn('attic', ada), ['ada', 'dee'], {
    because: 'The others are out of this room as well.',
    look: 'room.tell()',
  })
  const fay = enter('fay', 'cellar')
  fay.isDeaf = true
  story.tell('fay', 'cannot be told anything any more')
  const gus = enter('gus', 'cellar')
  expectSame('names in the cellar', world.namesIn('cellar', gus), ['gus'], {
    because: 'fay cannot be told that gus is here, so she is gone. gus is not.',
    likely: 'The room must not be empty while fay is dropped: add the member, then announce it.',
    look: 'room.enter()',
  })
}

/** A session that ends while its requests wait for what it has said. */
async function expectGhostsStopped(stage: Stage): Promise<void> {
  stage.story.tell('test', 'opens another chat, with a journal that takes its time')
  const journal = new SlowJournal()
  const world = new ChatWorld(await loadChat(stage), stage.story, { journal })
  const [ada, bob] = [await world.arrive('ada', 'kitchen'), await world.arrive('bob', 'kitchen')]
  ada.inbox.take()
  await world.ask(
    bob,
    { id: 1, type: 'say', room: 'kitchen', text: 'last words' },
    { id: 2, type: 'join', room: 'cellar' },
  )
  stage.story.tell('bob', 'loses his connection', 'toServer')
  bob.session.drop()
  stage.story.tell('journal', 'has kept what bob said')
  journal.keep(1)
  await world.settle()
  ada.inbox.expect(
    [
      { type: 'member', name: 'bob', is: 'gone' },
      { type: 'message', number: 1 },
    ],
    {
      because: 'He is gone, and what he said was said: it is in the journal.',
    },
  )
  const rooms = Array.from(world.chat.hub.rooms, ({ name }) => name)
  stage.expectSame('the rooms', rooms, ['kitchen'], {
    because: 'His join waited for the journal. When it could go on, he was gone.',
    likely:
      'After `await this.newestSay`, #carryOut() looks again whether the session is over: drop() may have been called meanwhile.',
    look: 'chat-session.#carryOut()',
  })
}

/** Sessions whose connections are over. */
async function expectSessionsDropped(stage: Stage): Promise<void> {
  const { expectSame, story } = stage
  story.tell('test', 'opens another chat, in which `who` takes its time')
  const modules = await loadChat(stage)
  const gates: (() => void)[] = []
  const world: ChatWorld = new ChatWorld(modules, story, {
    handlers: {
      async who(session, request: { id: number; type: string }) {
        await new Promise<void>((resolve) => gates.push(resolve))
        session.answer(request, { type: 'members' })
      },
    },
  })
  const [ada, bob] = [await world.arrive('ada', 'kitchen'), await world.arrive('bob', 'kitchen')]
  ada.inbox.take()
  const drop = async (peer: ScriptedPeer) => {
    story.tell(peer.inbox.label, 'loses its connection', 'toServer')
    peer.session.drop()
    await world.settle()
  }
  await world.ask(
    bob,
    { id: 1, type: 'who', room: 'kitchen' },
    { id: 2, type: 'say', room: 'kitchen', text: 'last words' },
    { id: 3, type: 'join', room: 'cellar' },
  )
  await drop(bob)
  ada.inbox.expect([{ type: 'member', name: 'bob', is: 'gone' }], {
    because: 'His connection is over.',
    likely: 'drop() leaves all rooms.',
  })
  expectSame('isOver', bob.session.isOver, true, {
    because: 'Whoever has waited for something asks whether to go on.',
    likely: 'drop() notes that the session is over, before anything else.',
  })
  gates[0]()
  await world.settle()
  ada.inbox.expect([], {
    because: 'What he asked before and was not done yet is not done any more.',
    likely:
      'drop() notes that the session is over, and #carryOut() looks at that before it calls a handler.',
    look: ['chat-session.drop()', 'chat-session.#carryOut()'],
  })
  expectSame(
    'the rooms',
    Array.from(world.chat.hub.rooms, ({ name }) => name),
    ['kitchen'],
    {
      because: 'He has not joined the cellar: nobody would ever leave it for him.',
      likely:
        '#carryOut() has to ask whether the session is over, when the turn of a request comes.',
      look: 'chat-session.#carryOut()',
    },
  )
  const next = world.connect('another bob')
  await world.ask(next, { id: 1, type: 'hello', version: 1, name: 'Bob' })
  next.inbox.expect([{ type: 'welcome', name: 'Bob' }], {
    because: 'The name is free at once.',
    likely: 'person.left(): the session is over.',
  })
  await drop(bob)
  const third = world.connect('a third bob')
  await world.ask(third, { id: 1, type: 'hello', version: 1, name: 'bob' })
  third.inbox.expect([{ type: 'error', code: 'name-taken' }], {
    because: 'The name belongs to another connection now. The first one’s end came long ago.',
    likely: 'drop() may be called several times, by whoever notices first. Only the first counts.',
  })
  ada.inbox.expect([], { because: 'The other bob is in no room.' })

  const cyd = await world.arrive('cyd', 'kitchen', 'attic')
  world.chat.hub.join(ada.session, 'attic')
  cyd.inbox.take()
  story.tell('ada', 'is in two rooms, and cannot be told anything any more')
  ada.isDeaf = true
  await world.ask(ada, { id: 9, type: 'rooms' })
  const rooms = cyd.inbox.take().map(({ name, is, room }) => `${name} is ${is} from the ${room}`)
  expectSame(
    'what cyd was told',
    rooms.toSorted(),
    ['ada is gone from the attic', 'ada is gone from the kitchen'],
    {
      because:
        'An answer that cannot be given is a loss like any other: she is gone from all rooms.',
      likely: 'leaveAll() leaves each room as leave() does.',
      look: 'hub.leaveAll()',
    },
  )
  await drop(world.connect('a stranger'))
  world.story.tell('cyd', 'is told to go')
  cyd.session.close('no-session')
  expectSame('how the connection of cyd ended', cyd.ending, 'no-session', {
    because: 'close() ends the session and the connection.',
  })
  expectSame('the rooms', [...world.chat.hub.rooms].length, 0, { because: 'She was the last.' })
}

const CHAPTER = '13-rooms'

/** Connections to a real server that end in every way. */
async function expectConnectionsEnded(stage: Stage): Promise<void> {
  const server = await stage.serve(CHAPTER)
  const arrive = async (name: string) => {
    const client = await stage.connect(server, name)
    await askInFrame(
      client,
      { id: 1, type: 'hello', version: 1, name },
      { type: 'welcome', name },
      {
        because: 'The name is free.',
        likely: 'Whoever had it before is gone: drop() gives it back.',
      },
    )
    await askInFrame(
      client,
      { id: 2, type: 'join', room: 'kitchen' },
      { type: 'joined', id: 2 },
      {
        because: 'Anybody may.',
      },
    )
    return client
  }
  const ada = await arrive('ada')
  const expectPresence = (name: string, is: string, reason: Reason) =>
    expectChat(ada, { type: 'member', room: 'kitchen', name, is }, reason)
  const here = { because: 'Somebody has come.' }
  const gone = {
    because: 'The connection is over, and the room hears of it.',
    likely: 'Every end of a connection comes to drop().',
  }

  for (let times = 0; times < 2; times++) {
    const bob = await arrive('bob')
    await expectPresence('bob', 'here', here)
    bob.reset()
    await expectPresence('bob', 'gone', gone)
  }
  const cyd = await arrive('cyd')
  await expectPresence('cyd', 'here', here)
  await cyd.send(announce(64 * 1024 + 1))
  await expectChat(
    cyd,
    { type: 'error', code: 'too-large' },
    {
      because: 'Nobody may announce so much. She is told.',
    },
  )
  await cyd.expectEnd({ because: 'What comes now means nothing any more.' })
  await expectPresence('cyd', 'gone', gone)
  const dee = await arrive('dee')
  await expectPresence('dee', 'here', here)
  await dee.send(frame(Uint8Array.of(0xff, 0xfe)))
  await expectChat(
    dee,
    { type: 'error', code: 'invalid' },
    {
      because: 'That is no UTF-8. Whoever sends it does not speak our language.',
    },
  )
  await dee.expectEnd({ because: 'So the connection ends.' })
  await expectPresence('dee', 'gone', gone)

  const eve = await arrive('eve')
  await expectPresence('eve', 'here', here)
  await eve.sendGlued(
    chatFrame({ id: 3, type: 'say', room: 'kitchen', text: 'bye' }),
    chatFrame({ id: 4, type: 'rooms' }),
  )
  await eve.halfClose()
  for (const type of ['said', 'message', 'rooms']) {
    await expectChat(
      eve,
      { type },
      { because: 'She has asked before she said FIN, and still listens.' },
    )
  }
  await eve.expectEnd({ because: 'She has all her answers.' })
  await expectChat(ada, { type: 'message', text: 'bye' }, { because: 'Her last words were said.' })
  await expectPresence('eve', 'gone', gone)
}

/** One who does not listen, in a room where somebody talks. */
async function expectSlowDropped(stage: Stage): Promise<void> {
  const { expect, expectSame, story } = stage
  const server = await stage.serve(CHAPTER, { maxQueuedBytes: 256 * 1024 })
  const [tom, sue] = await gatherInRoom(server.port, 'hall', 2)
  try {
    story.tell('tom', 'and sue are in the hall')
    story.tell('sue', 'stops reading')
    story.tell('tom', 'talks until sue is gone')
    sue.socket.pause()
    const text = '语'.repeat(4_000)
    let said = 0
    while (tom.count('gone') === 0 && said < 3_000) {
      const says = Array.from({ length: 10 }, () => ({ id: 3, type: 'say', room: 'hall', text }))
      tom.tell(...says)
      said += says.length
      if (!(await tom.hears(said, 'said'))) break
    }
    expectSame('what tom was told', tom.count('said'), said, {
      because: 'He listens. That sue does not is no reason to wait.',
      likely: 'Nobody may be waited for in tell().',
    })
    expectSame('how often sue was gone', tom.count('gone'), 1, {
      because: 'More waits for her than may. She is dropped, and everybody is told once.',
      likely: 'send() returns false for a peer whose connection is ending.',
    })
    const numbers = tom.heard.filter(({ type }) => type === 'message').map(({ number }) => number)
    expect('tom to hear 1, 2, 3, …', isRun(numbers, 1, said), {
      because: 'He has missed nothing.',
      received: inShort(numbers),
    })
    story.tell('sue', 'starts reading again')
    sue.socket.resume()
    await sue.hears(1, 'error')
    expectSame('the last that sue hears', sue.heard.at(-1)?.code, 'slow-consumer', {
      because: 'Behind what was sent to her comes the reason why nothing more does.',
    })
  } finally {
    for (const { socket } of [tom, sue]) socket.destroy()
  }
}

/** 200 members who all talk at once, some of whom are lost meanwhile. */
async function expectCrowdServed(stage: Stage): Promise<void> {
  const { expect, expectSame, story } = stage
  const server = await stage.serve(CHAPTER)
  story.tell('crowd', 'connects 200 times, and joins one room')
  const crowd = await gatherInRoom(server.port, 'hall', 200)
  const [lost, staying] = [crowd.slice(0, 20), crowd.slice(20)]
  try {
    story.tell('crowd', 'talks, all at once; 20 of them reset their connections')
    const say = { id: 3, type: 'say', room: 'hall', text: 'hi all' }
    for (const member of staying) member.tell(say)
    for (const { socket } of lost) socket.resetAndDestroy()
    const isMessage = ({ type }: ChatMessage) => type === 'message'
    const isGone = ({ type, is }: ChatMessage) => type === 'member' && is === 'gone'
    for (const member of staying) {
      await member.hears(staying.length, 'message')
      await member.hears(lost.length, 'gone')
    }
    const [first, ...others] = staying.map(({ heard }) => {
      const numbers = heard.filter(isMessage).map(({ number }) => number)
      return { numbers, gone: heard.filter(isGone).map(({ name }) => name) }
    })
    expect('the first to hear 1, 2, 3, …', isRun(first.numbers, 1, 180), {
      because: '180 members have said a message each.',
      received: inShort(first.numbers),
    })
    expectSame(
      'who is gone',
      first.gone.toSorted(),
      lost.map((_, place) => `member${place}`).toSorted(),
      {
        because: 'Each of the 20 who were lost, once.',
      },
    )
    const differing = others.findIndex((each) => !isDeepStrictEqual(each, first))
    expect('all of them to be told the same, in the same order', differing < 0, {
      because: 'One room, one order.',
      received: `member ${differing + 2} was told something else than the first`,
    })
  } finally {
    for (const { socket } of crowd) socket.destroy()
  }
}
