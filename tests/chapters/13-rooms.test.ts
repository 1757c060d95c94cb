import type { Reason } from '../harness/failure.ts'
import { randomInteger } from '../harness/random.ts'
import { step } from '../judge/step.ts'
import { inShort } from '../protocols/chat.ts'
import { isRun } from '../worlds/chat-crowd.ts'
import { expectMeetings } from '../worlds/chat-full-speed.ts'
import {
  expectKeptOnce,
  expectMixedGroup,
  expectOrderOfJournal,
} from '../worlds/chat-journal-order.ts'
import {
  expectConnectionsEnded,
  expectCrowdServed,
  expectSlowDropped,
} from '../worlds/chat-lost-connections.ts'
import {
  expectDroppedAtOnce,
  expectGhostsStopped,
  expectSessionsDropped,
} from '../worlds/chat-lost-sessions.ts'
import { expectRequestsParsed } from '../worlds/chat-parsing.ts'
import {
  expectDropsInCompany,
  expectLimits,
  expectLossesTold,
  expectModel,
  expectToldDirectly,
} from '../worlds/chat-room-members.ts'
import { expectPages, messageOf } from '../worlds/chat-room-pages.ts'
import { Crowd, HubWorld, loadRooms } from '../worlds/chat-rooms.ts'
import {
  expectBugsAnswered,
  expectSlowSays,
  expectTurns,
  expectWelcomeNeeded,
} from '../worlds/chat-session-turns.ts'
import { ChatWorld, loadChat } from '../worlds/chat-sessions.ts'

step('13.1', 'every message is a request, or refused with its code and id', async (stage) => {
  await expectRequestsParsed(stage)
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
  expectDropsInCompany(stage, new HubWorld(modules, story, { roomsPerMember: 1 }))
  await expectToldDirectly(stage)
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
      because: 'Only a member of a room may say something in it.',
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
  expectKeptOnce(stage, modules)

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
  expectMixedGroup(stage, modules)
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

  await expectWelcomeNeeded(stage, modules)
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
      { type: 'joined', last: 3, first: 1, messages: [number(3)], more: false },
      { type: 'said', number: 4 },
      { type: 'message', number: 4 },
    ],
    {
      because: 'She has seen everything up to 2. What comes behind the answer is told to her live.',
      likely:
        'Ask the history for the page above `after`. `last` and `first` are those of the history, not of the page.',
    },
  )
  await world.ask(cyd, { id: 5, type: 'join', room: 'kitchen', after: 0 })
  cyd.inbox.expect([{ type: 'joined', id: 5, last: 4, messages: [{}, {}, {}, {}] }], {
    because: 'To join again is no mistake: it is answered like the first time.',
  })
  const phone = world.connect('ada’s phone')
  phone.session.person = ada.session.person
  for (const peer of [ada, phone]) await world.ask(peer, { id: 8, type: 'join', room: 'cellar' })
  phone.inbox.expect([{ type: 'joined', id: 8, members: ['ada'] }], {
    because: 'Two connections of ada are there: she is in the list once.',
    likely: 'room.names has everybody once. room.members has connections.',
  })
  for (const { inbox } of [ada, bob]) inbox.take()
  const dee = await world.arrive('dee', 'attic')
  await world.ask(dee, { id: 6, type: 'join', room: 'kitchen' })
  dee.inbox.expect([{ type: 'error', id: 6, code: 'room-full' }], {
    because: 'A refusal is the one answer.',
    likely: 'hub.join() returns a room, or a refusal, which has a code.',
  })
  await world.ask(dee, { id: 7, type: 'say', room: 'attic', text: 'here' })
  dee.inbox.expect([{ type: 'said' }, { type: 'message' }], {
    because: 'What is refused changes nothing: she is still in her other room.',
  })
  for (const { inbox } of [ada, bob]) inbox.expect([], { because: 'Nobody has come.' })
  await expectMeetings(stage, modules)

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
  await expectDroppedAtOnce(stage)
  await expectGhostsStopped(stage)
  await expectConnectionsEnded(stage)
  await expectSlowDropped(stage)
  await expectCrowdServed(stage)
})
